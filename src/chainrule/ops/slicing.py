"""Basic indexing, x[1:, None, ..., -1], and its adjoint; all other keys go to `index`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import AxisError, UsageError
from ..graph.op import Spec
from .family import Move, reshape

Key = tuple  # of ("slice", start, stop, step), ("at", i), ("new",) and ("rest",)


@dataclass(frozen=True, eq=False)
class Slice(Move):
    """Basic indexing: slices, single indices, new axes and an ellipsis."""

    key: Key

    latex, binds, takes = r"{#1}_{[\cdot]}", 4, (4,)
    words = "puts the gradient into zeros, in the place it was taken from"
    source = "Array API 2024.12, indexing"

    def forward(self, xp, x):
        return x[unfrozen(self.key)]

    def spec(self, x):
        try:
            shape = np.broadcast_to(np.int8(0), x.shape)[unfrozen(self.key)].shape
        except IndexError as error:
            raise AxisError(f"index of {x.shape}: {error}") from None
        return Spec(shape, x.dtype)

    def grad(self, g, y, x):
        return (Unslice.of(self.key, x.shape)(g),)


@dataclass(frozen=True, eq=False)
class Unslice(Move):
    """Zeros, with an array put in one place; the adjoint of Slice."""

    key: Key
    to: tuple[int, ...]

    latex = r"\operatorname{place}\left(#1\right)"
    words = "takes the gradient out of the place"
    source = "the transpose of a 0/1 matrix that selects"

    def forward(self, xp, x):
        y = xp.zeros(self.to, x.dtype)
        y[unfrozen(self.key)] = x
        return y

    def spec(self, x):
        return Spec(self.to, x.dtype)

    def grad(self, g, y, x):
        return (Slice.of(self.key)(g),)


def frozen(key: tuple) -> Key:
    """Basic indexing as a hashable value."""
    return tuple(
        ("slice", i.start, i.stop, i.step) if isinstance(i, slice)
        else ("new",) if i is None else ("rest",) if i is Ellipsis else ("at", int(i))
        for i in key
    )  # fmt: skip


def unfrozen(key: Key) -> tuple:
    """The key as NumPy reads it."""
    made = {"slice": slice, "new": lambda: None, "rest": lambda: Ellipsis, "at": int}
    return tuple(made[kind](*rest) for kind, *rest in key)


def getitem(x: Any, key: Any) -> Any:
    """`x[key]` in full NumPy form: slices, indices, new axes, integer and boolean arrays."""
    parts = key if isinstance(key, tuple) else (key,)
    if all(isinstance(i, (int, np.integer, slice, type(None), type(...))) for i in parts):
        if any(isinstance(i, bool) for i in parts):
            raise UsageError("x[True]: a single bool selects nothing here; use a mask of x's shape")
        return Slice.of(frozen(parts))(x)
    from .index import index

    if len(parts) == 1 and getattr(parts[0], "shape", None) == () and parts[0].dtype.kind == "b":
        # A mask of no axes: all or nothing.
        return index(reshape(x, (1, *x.shape)), (reshape(parts[0], (1,)),))
    return index(x, parts)
