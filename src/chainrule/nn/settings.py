"""What layers are told when they are made: sizes, shares, windows, checked and put in one form."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any

import numpy as np

from ..eager.dtypes import dtype_of
from ..graph.errors import DTypeError, ShapeError, UsageError


def whole(kind: str, least: int = 1, **sizes: Any) -> None:
    """Refuse sizes that are not whole numbers, `least` or more."""
    for name, value in sizes.items():
        number = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not number or value < least:
            raise UsageError(f"{kind}: {name}={value!r}; give a whole number, {least} or more")


def share(kind: str, name: str, value: Any) -> float:
    """A number from 0 to 1."""
    if not isinstance(value, (int, float, np.number)) or not 0 <= value <= 1:
        raise UsageError(f"{kind}: {name}={value!r}; give a share between 0 and 1")
    return float(value)


def floats(kind: str, dtype: Any) -> np.dtype:
    """The dtype of a layer's weights."""
    if dtype_of(dtype).kind != "f":
        raise DTypeError(f"{kind}: dtype={dtype}; weights are floats")
    return np.dtype(dtype)


def per_axis(kind: str, name: str, value: Any, axes: int, least: int = 1) -> tuple[int, ...]:
    """One whole number for each axis of a window: (3, 3) of 3."""
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
    if len(given) != axes:
        raise UsageError(f"{kind}: {name}={value!r}; give one number, or one for each of {axes}")
    for number in given:
        whole(kind, least, **{name: number})
    return tuple(int(n) for n in given)


def last_axes(kind: str, shape: Any) -> tuple[int, ...]:
    """The shape of the last axes that a norm is taken over: (4,) of 4."""
    given = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if not given:
        raise UsageError(f"{kind}: normalized_shape={shape!r}; give one size or more")
    for size in given:
        whole(kind, normalized_shape=size)
    return tuple(int(n) for n in given)


def array(x: Any) -> Any:
    """`x` as something with a shape: arrays, tensors and nodes as they are."""
    return x if hasattr(x, "shape") else np.asarray(x)


def ends_in(kind: str, x: Any, shape: Sequence[int]) -> Any:
    """`x`, whose last axes must be `shape`."""
    x = array(x)
    if tuple(x.shape[len(x.shape) - len(shape) :]) != tuple(shape) or len(x.shape) < len(shape):
        wanted = ", ".join(map(str, shape))
        raise ShapeError(f"{kind}: x of shape {x.shape}; its last axes must be (…, {wanted})")
    return x


def around_zero(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> np.ndarray:
    """Uniform within ±1/√fan_in, as PyTorch draws."""
    return (rng.random(shape) * 2.0 - 1.0) / sqrt(max(fan_in, 1))


def fan_in(shape: tuple[int, ...]) -> int:
    """How many inputs a unit with weights of this shape (out, in, …) sums over."""
    return prod(shape[1:])
