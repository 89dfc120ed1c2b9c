"""Ops that move elements, in matrix notation: ones, transposes, ranges and blocks."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod

from ...graph.node import Node
from ...ops import family
from ...ops.family import axes_of
from ...ops.move import Concat, Permute
from ...ops.slicing import Slice, Unslice
from ..keys import steps
from .algebra import (
    Blocks,
    Scaled,
    Shape,
    as_matrix,
    function,
    number,
    of,
    scalar,
    times,
    turned,
)
from .reader import Reader, Rule, matrix_shape, spread


def powers(sizes: list[int], k: int) -> tuple[tuple[int, int], ...]:
    """Sizes to a power, each once."""
    found: dict[int, int] = {}
    for n in sizes:
        found[n] = found.get(n, 0) + k
    return tuple(found.items())


def full(reader: Reader, x: Node) -> Scaled:
    """An operand in its shape, also where every element is one number."""
    made = reader.matrix(x)
    if made.body is None:
        return replace(made, fills=matrix_shape(x.shape))
    return made


def _broadcast(reader: Reader, node: Node) -> Scaled | None:
    """Copies; a number that is one over how many there are says so."""
    (x,) = node.inputs
    made = reader.matrix(x)
    copies = node.size // max(x.size, 1)
    new = [n for n, m in zip(node.shape[::-1], (*x.shape[::-1], *(1,) * node.ndim), strict=False)
           if n != m]  # fmt: skip
    halves = (Fraction(1, copies), Fraction(1, 2 * copies)) if copies > 1 else ()
    if abs(made.value) in halves and not made.sizes:
        made = replace(made, value=made.value * copies, sizes=powers(new, -1))
    if made.body is None:
        return replace(made, fills=matrix_shape(node.shape))
    if prod(x.shape) == 1:
        one = scalar(made)
        return replace(one, fills=matrix_shape(node.shape))
    return spread(made, x.shape, node.shape)


def _permute(reader: Reader, node: Node) -> Scaled | None:
    made = reader.matrix(node.inputs[0])
    if node.op.axes == tuple(range(node.ndim)):  # type: ignore[attr-defined]
        return made
    return turned(made) if node.ndim == 2 else None


def _reshape(reader: Reader, node: Node) -> Scaled | None:
    """Between a column, a row and a number: a transpose or nothing."""
    (x,) = node.inputs
    made, before, after = reader.matrix(x), matrix_shape(x.shape), matrix_shape(node.shape)
    if made.body is None and not made.fills:
        return replace(made, fills=after)
    if before == after:
        return made
    if node.shape == ():
        return scalar(made)
    if before == after[::-1] and 1 in before and len(before) == 2:
        return turned(made)
    return replace(made, fills=after) if made.body is None else None


def _only_shapes(parts: list[tuple], shape: Shape) -> bool:
    """Whether a key takes everything as it stands, in other axes."""
    sizes = iter(shape)
    return all(p[0] == "new" or (p[0], *p[2:]) == ("slice", 1, next(sizes)) for p in parts)


def _slice(reader: Reader, node: Node) -> Scaled | None:
    """A part of a matrix, by the ranges of its rows and columns; of a stack, one matrix."""
    (x,) = node.inputs
    parts = steps(node.op.key, x.shape)  # type: ignore[attr-defined]
    if _only_shapes(parts, x.shape):
        return _reshape(reader, node)
    if any(p[0] == "new" or (p[0] == "slice" and p[2] != 1) for p in parts):
        return None
    below = [str(p[1] + 1) if p[0] == "at" else ":" if p[3] == n and (n > 1 or x.ndim > 2) else
             f"{p[1] + 1}:{p[1] + p[3]}" for p, n in zip(parts, x.shape, strict=True)]  # fmt: skip
    latex = f"(#1)_{{{', '.join(below)}}}"
    if x.ndim > 2:
        return function(latex, 4, (0,), (reader.matrix(x),), matrix_shape(node.shape))
    kept = matrix_shape(tuple(p[3] if p[0] == "slice" else 1 for p in parts))
    whole = full(reader, x)
    made = replace(whole, fills=kept)
    if whole.body is not None:
        made = times(replace(whole, body=None), function(latex, 4, (0,), (of(whole.body),), kept))
    if node.shape == ():
        return scalar(made)
    return turned(made) if x.ndim == 2 and node.ndim == 1 and parts[0][0] == "at" else made


def _blocks(pieces: list[tuple[int, Scaled]], down: bool, shape: Shape) -> Scaled:
    """Matrices beside or below each other, with where they start; zeros elsewhere."""
    kept = tuple((at, x) for at, x in pieces if prod(x.shape))
    if len(kept) == 1 and kept[0][1].shape == shape:
        return kept[0][1]
    return of(Blocks(shape, kept, down)) if kept else number(0, shape)


def _concat(reader: Reader, node: Node) -> Scaled | None:
    (axis,) = axes_of(node.op, node.op.axis, node.ndim)  # type: ignore[attr-defined]
    if node.ndim > 2 or len(node.inputs) > 9:
        return None
    starts = [sum(x.shape[axis] for x in node.inputs[:k]) for k in range(len(node.inputs))]
    pieces = [as_matrix(full(reader, x)) for x in node.inputs]
    rows = list(zip(starts, pieces, strict=True))
    return _blocks(rows, axis == 0, matrix_shape(node.shape))


def _unslice(reader: Reader, node: Node) -> Scaled | None:
    """A block among zeros, where it is cut along one axis."""
    (x,), whole = node.inputs, matrix_shape(node.shape)
    parts = steps(node.op.key, node.shape)  # type: ignore[attr-defined]
    if _only_shapes(parts, node.shape):
        return _reshape(reader, node)
    if node.ndim > 2 or any(p[0] == "new" or (p[0] == "slice" and p[2] != 1) for p in parts):
        return None
    cut = [k for k, (p, n) in enumerate(zip(parts, node.shape, strict=True)) if p[0] == "at" or
           p[3] != n]  # fmt: skip
    if len(cut) > 1:
        return None
    made = as_matrix(full(reader, x))
    if not cut:
        return made
    axis, part = cut[0], parts[cut[0]]
    if part[0] == "at" and axis == 0 and x.ndim:
        made = turned(made)
    return _blocks([(part[1], made)], axis == 0, whole)


MOVES: dict[type, Rule] = {
    family.BroadcastTo: _broadcast, family.Reshape: _reshape, Permute: _permute, Slice: _slice,
    Unslice: _unslice, Concat: _concat,
}  # fmt: skip
