"""Ops that move elements: nothing is computed, and the adjoint moves the gradient back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import AxisError, ShapeError, UsageError
from ..graph.op import Spec
from .family import (
    Cast,
    Move,
    axes_of,
    broadcast,
    broadcast_to,
    dtype_of_numbers,
    like,
    reshape,
    shape_of,
)
from .slicing import getitem


@dataclass(frozen=True, eq=False)
class Permute(Move):
    """The axes in another order."""

    axes: tuple[int, ...]

    latex, binds, takes = r"{#1}^{\top}", 3, (4,)
    words = "puts the gradient's axes back in the operand's order"
    source = "Array API 2024.12, permute_dims"

    def forward(self, xp, x):
        return x.transpose(self.axes)

    def spec(self, x):
        if sorted(a % max(len(x.shape), 1) for a in self.axes) != list(range(len(x.shape))):
            raise AxisError(f"permute_dims: {self.axes} is no order of the axes of {x.shape}")
        return Spec(tuple(x.shape[a] for a in self.axes), x.dtype)

    def grad(self, g, y, x):
        back = [0] * len(self.axes)
        for new, old in enumerate(self.axes):
            back[old] = new
        return (Permute.of(tuple(back))(g),)


@dataclass(frozen=True, eq=False)
class Flip(Move):
    """The elements in reverse order along the axes."""

    axis: Any = None

    latex = r"\operatorname{flip}\left(#1\right)"
    words = "flips the gradient back"
    source = "Array API 2024.12, flip"

    def forward(self, xp, x):
        return xp.flip(x, axis=self.axis)

    def spec(self, x):
        axes_of(self, self.axis, len(x.shape))
        return x

    def grad(self, g, y, x):
        return (self(g),)


@dataclass(frozen=True, eq=False)
class Roll(Move):
    """The elements shifted along the axes; what leaves at one end enters at the other."""

    shift: Any
    axis: Any = None

    latex = r"\operatorname{roll}\left(#1\right)"
    words = "rolls the gradient back"
    source = "Array API 2024.12, roll"

    def forward(self, xp, x):
        return xp.roll(x, self.shift, axis=self.axis)

    def spec(self, x):
        axes_of(self, self.axis, len(x.shape))
        return x

    def grad(self, g, y, x):
        back = tuple(-s for s in self.shift) if isinstance(self.shift, tuple) else -self.shift
        return (Roll.of(back, self.axis)(g),)


@dataclass(frozen=True, eq=False)
class Concat(Move):
    """Arrays one after the other along an axis."""

    axis: int = 0

    latex = r"\operatorname{concat}\left(#1, #2\right)"
    words = "cuts the gradient into the operands' pieces"
    source = "Array API 2024.12, concat"

    def forward(self, xp, *xs):
        return xp.concat(xs, axis=self.axis)

    def spec(self, *xs):
        (axis,) = axes_of(self, self.axis, len(xs[0].shape))
        first = xs[0].shape
        for x in xs[1:]:
            if len(x.shape) != len(first) or any(
                a != b for k, (a, b) in enumerate(zip(first, x.shape, strict=True)) if k != axis
            ):
                raise ShapeError(f"concat: {first} and {x.shape} differ beside axis {axis}")
        size = sum(x.shape[axis] for x in xs)
        shape = (*first[:axis], size, *first[axis + 1 :])
        return Spec(shape, np.result_type(*(x.dtype for x in xs)))

    def grad(self, g, y, *xs):
        (axis,) = axes_of(self, self.axis, len(xs[0].shape))
        downs, start = [], 0
        for x in xs:
            stop = start + x.shape[axis]
            downs.append(_cut(g, axis, start, stop, x))
            start = stop
        return tuple(downs)


def _cut(g: Any, axis: int, start: int, stop: int, x: Any) -> Any:
    return lambda: like(getitem(g, (slice(None),) * axis + (slice(start, stop),)), x)


@dataclass(frozen=True, eq=False)
class Pad(Move):
    """Numbers put around an array: `widths` holds a pair for every axis."""

    widths: tuple[tuple[int, int], ...]
    value: float = 0.0

    latex = r"\operatorname{pad}\left(#1\right)"
    words = "cuts the padding off the gradient"
    source = "numpy.pad, mode constant"

    def forward(self, xp, x):
        return xp.pad(x, self.widths, constant_values=self.value)

    def spec(self, x):
        if (
            len(self.widths) != len(x.shape)
            or min((n for w in self.widths for n in w), default=0) < 0
        ):
            raise ShapeError(f"pad: widths {self.widths} do not fit an array of shape {x.shape}")
        shape = tuple(n + a + b for n, (a, b) in zip(x.shape, self.widths, strict=True))
        return Spec(shape, x.dtype)

    def grad(self, g, y, x):
        key = tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, self.widths, strict=True))
        return (getitem(g, key),)

    def push(self, ts, y, xs):
        return Pad.of(self.widths, 0.0)(ts[0])


@dataclass(frozen=True, eq=False)
class Triangle(Move):
    """The lower or the upper triangle of a matrix, zeros elsewhere; its own adjoint."""

    lower: bool
    k: int = 0

    words = "keeps the gradient of the triangle"
    source = "Array API 2024.12, tril and triu"

    @property
    def latex(self) -> str:
        return rf"\operatorname{{{'tril' if self.lower else 'triu'}}}\left(#1\right)"

    def forward(self, xp, x):
        return (xp.tril if self.lower else xp.triu)(x, k=self.k)

    def spec(self, x):
        if len(x.shape) < 2:
            raise ShapeError(f"{self}: needs a matrix, found shape {x.shape}")
        return x

    def grad(self, g, y, x):
        return (self(g),)


def permute_dims(x: Any, axes: Any = None) -> Any:
    """The axes in the order `axes`; reversed, where it is None."""
    n = len(x.shape)
    axes = tuple(range(n))[::-1] if axes is None else tuple(int(a) for a in axes)
    return Permute.of(tuple(a % n if n and -n <= a < n else a for a in axes))(x)


def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged."""
    n = len(x.shape)
    if n < 2:
        raise ShapeError(f"matrix_transpose: needs a matrix, found shape {x.shape}")
    return Permute.of((*range(n - 2), n - 1, n - 2))(x)


def transpose(x: Any) -> Any:
    """The transpose of a matrix."""
    if len(x.shape) != 2:
        raise ShapeError(f".T is for matrices; for shape {x.shape} say .mT or permute_dims")
    return Permute.of((1, 0))(x)


def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Some axes at another place, the rest in their order."""
    n = len(x.shape)
    moved = axes_of("moveaxis", (source,) if isinstance(source, int) else tuple(source), n)
    places = axes_of(
        "moveaxis", (destination,) if isinstance(destination, int) else tuple(destination), n
    )
    rest = [a for a in range(n) if a not in moved]
    for place, axis in sorted(zip(places, moved, strict=True)):
        rest.insert(place, axis)
    return x if rest == list(range(n)) else Permute.of(tuple(rest))(x)


def expand_dims(x: Any, axis: Any = 0) -> Any:
    """New axes of size 1, at the places `axis` of the value."""
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    places = set(axes_of("expand_dims", tuple(axes), len(x.shape) + len(axes)))
    sizes = iter(x.shape)
    return reshape(
        x, tuple(1 if k in places else next(sizes) for k in range(len(x.shape) + len(axes)))
    )


def squeeze(x: Any, axis: Any) -> Any:
    """Axes of size 1 taken away."""
    axes = axes_of(
        "squeeze", tuple(axis) if isinstance(axis, (tuple, list)) else axis, len(x.shape)
    )
    for a in axes:
        if x.shape[a] != 1:
            raise ShapeError(f"squeeze: axis {a} of {x.shape} has size {x.shape[a]}, not 1")
    return reshape(x, tuple(n for k, n in enumerate(x.shape) if k not in axes))


def concat(arrays: Any, /, *, axis: int | None = 0) -> Any:
    """Arrays one after the other along `axis`; laid flat first, where it is None."""
    arrays = list(arrays) if np.iterable(arrays) else []
    if not arrays:
        raise UsageError("concat: of no arrays; give a list of at least one")
    if axis is None:
        arrays, axis = [reshape(a, (-1,)) for a in arrays], 0
    return Concat.of(axis)(*arrays)


def stack(arrays: Any, /, *, axis: int = 0) -> Any:
    """Arrays of one shape side by side along a new axis."""
    arrays = list(arrays)
    for a in arrays[1:]:
        if a.shape != arrays[0].shape:
            raise ShapeError(f"stack: shapes {arrays[0].shape} and {a.shape} differ")
    return concat([expand_dims(a, axis=axis) for a in arrays], axis=axis)


def unstack(x: Any, /, *, axis: int = 0) -> tuple:
    """The slices of `x` along `axis`, one array each."""
    (axis,) = axes_of("unstack", axis, len(x.shape))
    return tuple(getitem(x, (slice(None),) * axis + (k,)) for k in range(x.shape[axis]))


def flip(x: Any, *, axis: Any = None) -> Any:
    """The elements in reverse order along `axis` (all axes, where it is None)."""
    return Flip.of(tuple(axis) if isinstance(axis, list) else axis)(x)


def roll(x: Any, shift: Any, *, axis: Any = None) -> Any:
    """The elements shifted along `axis`; what leaves at one end enters at the other."""
    if axis is None:
        return reshape(Roll.of(shift, 0)(reshape(x, (-1,))), x.shape)
    freeze = lambda v: tuple(v) if isinstance(v, (list, tuple)) else int(v)  # noqa: E731
    return Roll.of(freeze(shift), freeze(axis))(x)


def pad(x: Any, widths: Any, value: float = 0.0) -> Any:
    """`value` put around `x`: one number for all sides, or a pair for every axis."""
    if isinstance(widths, int):
        widths = ((widths, widths),) * len(x.shape)
    try:
        pairs = tuple((int(a), int(b)) for a, b in widths)
    except (TypeError, ValueError):
        raise UsageError(f"pad: widths {widths!r}; give a number or a pair an axis") from None
    return Pad.of(pairs, value)(x)


def tile(x: Any, repetitions: Any) -> Any:
    """Copies of `x` laid side by side, so many along each axis."""
    times = shape_of(repetitions)
    n = max(len(times), len(x.shape))
    times = (1,) * (n - len(times)) + times
    shape = (1,) * (n - len(x.shape)) + tuple(x.shape)
    paired = tuple(k for s in shape for k in (1, s))
    copied = tuple(k for t, s in zip(times, shape, strict=True) for k in (t, s))
    whole = tuple(t * s for t, s in zip(times, shape, strict=True))
    return reshape(broadcast_to(reshape(x, paired), copied), whole)


def repeat(x: Any, repeats: Any, *, axis: int | None = None) -> Any:
    """Every element `repeats` times in a row along `axis`."""
    from .index import take

    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    (axis,) = axes_of("repeat", axis, len(x.shape))
    counts = np.asarray(repeats)
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise UsageError(f"repeat: {repeats!r} times; give whole numbers, 0 or more")
    if counts.ndim > 1 or counts.size not in (1, x.shape[axis]):
        raise ShapeError(
            f"repeat: {counts.shape} counts for axis {axis} of {x.shape}; give one for all of its "
            f"{x.shape[axis]} elements, or one each"
        )
    return take(x, np.repeat(np.arange(x.shape[axis]), counts), axis=axis)


def diagonal(x: Any, *, offset: int = 0) -> Any:
    """The diagonal of the last two axes, `offset` columns to the right."""
    if len(x.shape) < 2:
        raise ShapeError(f"diagonal: needs a matrix, found shape {x.shape}")
    *batch, n, m = x.shape
    count = max(min(n, m - offset) if offset >= 0 else min(n + offset, m), 0)
    start = offset if offset >= 0 else -offset * m
    stop = start + count * (m + 1)
    return getitem(reshape(x, (*batch, n * m)), (..., slice(start, stop, m + 1)))[..., :count]


def tril(x: Any, *, k: int = 0) -> Any:
    """The lower triangle up to the k-th diagonal, zeros above."""
    return Triangle.of(True, k)(x)


def triu(x: Any, *, k: int = 0) -> Any:
    """The upper triangle from the k-th diagonal, zeros below."""
    return Triangle.of(False, k)(x)


def broadcast_arrays(*arrays: Any) -> list:
    """The arrays, each repeated up to the shape they broadcast to together."""
    shape = broadcast("broadcast_arrays", *(a.shape for a in arrays))
    return [broadcast_to(a, shape) for a in arrays]


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """The same numbers in another dtype; a gradient comes back in the operand's."""
    return Cast.of(dtype_of_numbers("astype", dtype))(x)
