"""Windows over the last axes of an array, as convolution and pooling read them."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

from ..graph.errors import ShapeError
from ..ops import getitem, pad, reshape, stack

Sizes = tuple[int, ...]


def placed(size: int, kernel: int, stride: int, dilation: int) -> int:
    """How many windows fit along an axis: ⌊(size - dilation·(kernel - 1) - 1)/stride⌋ + 1."""
    return (size - dilation * (kernel - 1) - 1) // stride + 1


def windows(
    kind: str, x: Any, kernel: Sizes, stride: Sizes, padding: Any, dilation: Sizes,
    value: float = 0.0,
) -> Any:  # fmt: skip
    """For every element of a window, what the windows read there: a strided slice of `x`.

    Shapes: x (N, C, *sizes) → (N, C, product of kernel, *how many windows fit along each axis).
    `padding` is a pair for each axis, filled with `value`.
    Raises: ShapeError where no window fits.

    >>> import numpy as np
    >>> windows("Conv1d", np.arange(5.0).reshape(1, 1, 5), (2,), (1,), ((0, 0),), (1,))[0, 0]
    array([[0., 1., 2., 3.],
           [1., 2., 3., 4.]])
    """
    sizes = tuple(n + a + b for n, (a, b) in zip(x.shape[2:], padding, strict=True))
    counts = tuple(map(placed, sizes, kernel, stride, dilation))
    if min(counts) < 1:
        with_padding = "" if sizes == tuple(x.shape[2:]) else f", with padding {sizes}"
        raise ShapeError(
            f"{kind}: x of shape {x.shape}{with_padding}, is smaller than the window: kernel_size "
            f"{kernel}, dilation {dilation}"
        )
    if any(map(any, padding)):
        x = pad(x, ((0, 0), (0, 0), *padding), value)
    if prod(kernel) == 1:
        return reshape(_read(x, (0,) * len(kernel), stride, counts), (*x.shape[:2], 1, *counts))
    reads = [
        _read(x, tuple(k * d for k, d in zip(at, dilation, strict=True)), stride, counts)
        for at in product(*map(range, kernel))
    ]
    return stack(reads, axis=2)


def _read(x: Any, first: Sizes, stride: Sizes, counts: Sizes) -> Any:
    """The element at `first` of every window."""
    key = tuple(
        slice(a, a + s * (n - 1) + 1, s) for a, s, n in zip(first, stride, counts, strict=True)
    )
    return getitem(x, (slice(None), slice(None), *key))
