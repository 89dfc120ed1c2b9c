"""Indexing by integers and masks, sorting, and the adjoint of all of it: scatter_add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.coerce import DEFAULT
from ..graph.errors import AxisError, DTypeError, ShapeError, UsageError
from ..graph.op import Op, Spec
from .elementwise.logic import equal
from .family import Cast, axes_of, broadcast, broadcast_to
from .move import expand_dims
from .slicing import Key, frozen, getitem, unfrozen


@dataclass(frozen=True, eq=False)
class Gather(Op):
    """x[key], where ("array", k) in the key stands for the k-th operand after x."""

    key: Key

    latex, binds, takes, indexed = r"{#1}_{#2}", 4, (4, 0), True
    words = "adds every gradient into the place it was read from; twice read, twice added"
    source = "Array API 2024.12, integer array indexing"

    def forward(self, xp, x, *indices):
        return x[filled(self.key, indices)]

    def spec(self, x, *indices):
        stand_in = np.broadcast_to(np.int8(0), x.shape)
        zeros = [np.zeros(i.shape, np.int64) for i in indices]
        try:
            return Spec(stand_in[filled(self.key, zeros)].shape, x.dtype)
        except IndexError as error:
            raise AxisError(f"index of {x.shape}: {error}") from None

    def grad(self, g, y, x, *indices):
        return (Scatter.of(self.key, tuple(x.shape))(g, *indices), *(None for _ in indices))

    def push(self, ts, y, xs):
        return None if ts[0] is None else self(ts[0], *xs[1:])

    def mask_down(self, mask, y, xs):
        places = Cast.of(np.dtype(float))(mask)
        return [self.grad(places, y, *xs)[0] > 0, *(None for _ in xs[1:])]


@dataclass(frozen=True, eq=False)
class Scatter(Op):
    """Zeros, with every element added in at its index; the adjoint of Gather."""

    key: Key
    to: tuple[int, ...]

    latex, indexed = r"\operatorname{scatter}\left(#1\right)", True
    words = "reads the gradient at the places it was added to"
    source = "the transpose of a 0/1 matrix that selects, with repetition"

    def forward(self, xp, x, *indices):
        y = xp.zeros(self.to, x.dtype)
        xp.add.at(y, filled(self.key, indices), x)
        return y

    def spec(self, x, *indices):
        return Spec(self.to, x.dtype)

    def grad(self, g, y, x, *indices):
        return (Gather.of(self.key)(g, *indices), *(None for _ in indices))

    push, mask_down = Gather.push, Gather.mask_down


def filled(key: Key, arrays: Any) -> tuple:
    """The key as NumPy reads it, with the index arrays in their places."""
    return tuple(arrays[part[1]] if part[0] == "array" else unfrozen((part,))[0] for part in key)


def index(x: Any, parts: tuple) -> Any:
    """`x[parts]` with at least one array among the parts; a mask is read as its indices."""
    key, arrays = _taken_apart(x, parts)
    return Gather.of(key)(x, *arrays)


def _taken_apart(x: Any, parts: tuple) -> tuple[Key, list]:
    """A key's own part, and the arrays of indices in it."""
    key: list = []
    arrays: list = []
    for part in parts:
        if isinstance(part, (int, np.integer, slice, type(None), type(...))):
            key += frozen((part,))
            continue
        part = part if hasattr(part, "dtype") else np.asarray(part)
        for one in nonzero(part) if part.dtype.kind == "b" else (part,):
            if one.dtype.kind not in "iu":
                raise DTypeError(f"index of {x.shape}: by {one.dtype}; use integers or a mask")
            key.append(("array", len(arrays)))
            arrays.append(one)
        if part.dtype.kind == "b":
            _mask_fits(x, key, part)
    return tuple(key), arrays


def _mask_fits(x: Any, key: list, mask: Any) -> None:
    start = sum(1 for part in key if part[0] in ("slice", "at", "array")) - len(mask.shape)
    sizes = tuple(x.shape[start : start + len(mask.shape)])
    fits = len(sizes) == len(mask.shape) and all(
        n in (m, 0) for n, m in zip(mask.shape, sizes, strict=True)
    )
    if ("rest",) not in key and not fits:
        raise AxisError(f"index of {x.shape}: by a mask of {mask.shape}; the sizes must agree")


def nonzero(x: Any) -> tuple:
    """The indices of the elements that are not zero, one array for each axis."""
    if not len(x.shape):
        raise UsageError("nonzero: of a single number; give it an axis first")
    return tuple(np.nonzero(np.asarray(x)))


def take(x: Any, indices: Any, *, axis: int | None = None) -> Any:
    """The slices of `x` at `indices` along `axis`."""
    if axis is None:
        if len(x.shape) != 1:
            raise UsageError(f"take of {x.shape}: with more than one axis, say which: axis=")
        axis = 0
    (axis,) = axes_of("take", axis, len(x.shape))
    indices = indices if hasattr(indices, "dtype") else np.asarray(indices)
    return index(x, (slice(None),) * axis + (indices,))


def take_along_axis(x: Any, indices: Any, *, axis: int = -1) -> Any:
    """For each place of `indices`, the element of `x` at that index along `axis`."""
    x, indices = (a if hasattr(a, "shape") else np.asarray(a) for a in (x, indices))
    (axis,) = axes_of("take_along_axis", axis, len(x.shape))
    if len(indices.shape) != len(x.shape):
        raise ShapeError(f"take_along_axis: {x.shape} and indices {indices.shape} differ in axes")
    shape = broadcast("take_along_axis", *(
        tuple(1 if k == axis else n for k, n in enumerate(a.shape)) for a in (x, indices)
    ))  # fmt: skip
    x = broadcast_to(x, (*shape[:axis], x.shape[axis], *shape[axis + 1 :]))
    indices = broadcast_to(indices, (*shape[:axis], indices.shape[axis], *shape[axis + 1 :]))
    grid = np.ogrid[tuple(slice(n) for n in indices.shape)]
    return index(x, tuple(indices if k == axis else grid[k] for k in range(len(shape))))


def scatter_add(x: Any, indices: Any, values: Any) -> Any:
    """`x` with `values` added in at `indices`; an index that comes twice adds twice.

    >>> import chainrule as cr
    >>> cr.scatter_add(np.zeros(3), np.array([0, 2, 2]), np.array([1.0, 2.0, 3.0]))
    array([1., 0., 5.])
    """
    x = x if hasattr(x, "shape") else np.asarray(x)
    parts = indices if isinstance(indices, tuple) else (indices,)
    key, arrays = _taken_apart(x, parts)
    specs = [Spec(tuple(a.shape), a.dtype) for a in (x, *arrays)]
    values = values if hasattr(values, "dtype") else np.asarray(values, x.dtype)
    values = broadcast_to(values, Gather.of(key).spec(*specs).shape)
    return x + Scatter.of(key, tuple(x.shape))(values, *arrays)


def one_hot(labels: Any, classes: int, *, dtype: Any = np.float64) -> Any:
    """A row for each label: 1 in the label's column, 0 elsewhere.

    Shapes: labels (…), integers in [0, classes) → (…, classes).

    >>> import chainrule as cr
    >>> cr.one_hot(np.array([1, 0]), 3)
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    labels = labels if hasattr(labels, "dtype") else np.asarray(labels)
    if not isinstance(classes, (int, np.integer)) or classes < 1:
        raise UsageError(f"one_hot: {classes!r} classes; give a whole number, 1 or more")
    if labels.dtype.kind not in "iu":
        raise DTypeError(f"one_hot: labels are {labels.dtype}; give integers in [0, {classes})")
    return Cast.of(np.dtype(dtype))(equal(expand_dims(labels, axis=-1), np.arange(classes)))


@dataclass(frozen=True, eq=False)
class Argsort(Op):
    """The indices that would sort along an axis; ties keep their order."""

    axis: int = -1
    descending: bool = False

    latex = r"\operatorname{argsort}\left(#1\right)"
    words = "answers a question, so nothing flows back"
    source = "Array API 2024.12, argsort"
    stops = True

    def forward(self, xp, x):
        if not self.descending:
            return xp.argsort(x, axis=self.axis, stable=True)
        # Sorting the flipped array keeps ties in their order once it is flipped back.
        found = xp.flip(
            xp.argsort(xp.flip(x, axis=self.axis), axis=self.axis, stable=True), axis=self.axis
        )
        return x.shape[self.axis] - 1 - found

    def spec(self, x):
        axes_of(self, self.axis, len(x.shape))
        return Spec(x.shape, DEFAULT[int])

    def grad(self, g, y, x):
        return (None,)


def argsort(x: Any, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The indices that would sort `x` along `axis`; ties keep their order."""
    return Argsort.of(axis, descending)(x)


def sort(x: Any, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """`x` in order along `axis`; the gradient goes back to where each element came from."""
    order = argsort(x, axis=axis, descending=descending)
    return take_along_axis(x, order, axis=axis)


def top_k(x: Any, k: int, *, axis: int = -1) -> tuple:
    """The `k` largest elements along `axis`, largest first, and their indices."""
    (axis,) = axes_of("top_k", axis, len(x.shape))
    if not isinstance(k, (int, np.integer)) or not 0 <= k <= x.shape[axis]:
        raise UsageError(f"top_k: k={k!r}, but axis {axis} has {x.shape[axis]} elements")
    order = argsort(x, axis=axis, descending=True)
    first = getitem(order, (slice(None),) * axis + (slice(k),))
    return take_along_axis(x, first, axis=axis), first
