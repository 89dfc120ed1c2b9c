"""Ops in fewer kinds of ops, by rules: where an op's own forward cannot write itself out.

Data in: an op and its operands. Data out: the same value by other ops, or None where the rule does
not fit and NumPy has to compute it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ....graph.node import Node, constant_node
from ....ops import contract, move, reduce, running
from ....ops.elementwise import (
    add,
    equal,
    greater_equal,
    less_equal,
    logical_or,
    multiply,
    not_equal,
    subtract,
)
from ....ops.family import Cast, axes_of, broadcast_to, like, reshape, where
from ....ops.scan import scan_flat
from ....ops.slicing import Slice, Unslice

LONG = 4096  # steps from which on a step of few elements is better left to NumPy


def product(op: contract.Matmul, a: Node, b: Node) -> Node | None:
    """A product with a vector is one with a row or a column; one of two dtypes is of the wider."""
    whole = Node(op, (a, b))
    shape, dtype = whole.shape, whole.dtype
    if a.dtype != b.dtype and dtype.kind == "f":
        a, b = Cast.of(dtype)(a), Cast.of(dtype)(b)
    elif a.ndim > 1 and b.ndim > 1:
        return None
    a = a if a.ndim > 1 else reshape(a, (1, *a.shape))
    b = b if b.ndim > 1 else reshape(b, (*b.shape, 1))
    return reshape(contract.matmul(a, b), shape)


def einsum(op: contract.Einsum, *xs: Node) -> Node | None:
    """Pair by pair: axes both have and nobody needs are summed by a matrix product."""
    dtype = Node(op, xs).dtype
    if dtype.kind != "f" or any(not x.size for x in xs):
        return None
    have = [_distinct(t, like(x, _of(dtype))) for t, x in zip(op.terms, xs, strict=True)]
    while True:
        letters, x = have.pop(0)
        needed = set(op.out).union(*(t for t, _ in have))
        letters, x = _summed(letters, x, needed)
        if not have:
            return move.permute_dims(x, tuple(letters.index(c) for c in op.out))
        other, y = have.pop(0)
        needed = set(op.out).union(*(t for t, _ in have))
        other, y = _summed(other, y, needed | set(letters))
        letters, x = _summed(letters, x, needed | set(other))
        have.insert(0, _pair(letters, x, other, y, needed))


def _of(dtype: np.dtype) -> Any:
    return np.zeros((), dtype)


def _distinct(term: str, x: Node) -> tuple[str, Node]:
    """The diagonal, where a letter names two axes."""
    double = next((c for c in term if term.count(c) > 1), None)
    if double is None:
        return term, x
    i = term.index(double)
    j = term.index(double, i + 1)
    rest = [k for k in range(x.ndim) if k not in (i, j)]
    x = move.diagonal(move.permute_dims(x, (*rest, i, j)))
    return _distinct("".join(term[k] for k in rest) + double, x)


def _summed(letters: str, x: Node, needed: set[str]) -> tuple[str, Node]:
    axes = tuple(k for k, c in enumerate(letters) if c not in needed)
    kept = "".join(c for c in letters if c in needed)
    return kept, reduce.Sum.of(axes, False)(x) if axes else x


def _pair(a: str, x: Node, b: str, y: Node, needed: set[str]) -> tuple[str, Node]:
    sizes = dict(zip(a + b, x.shape + y.shape, strict=True))
    both = [c for c in a if c in b]
    batch, inner = [c for c in both if c in needed], [c for c in both if c not in needed]
    left, right = [c for c in a if c not in b], [c for c in b if c not in a]
    size = lambda group: prod(sizes[c] for c in group)  # noqa: E731
    shape = tuple(sizes[c] for c in (*batch, *left, *right))
    x = move.permute_dims(x, tuple(a.index(c) for c in (*batch, *left, *inner)))
    y = move.permute_dims(y, tuple(b.index(c) for c in (*batch, *inner, *right)))
    head = tuple(sizes[c] for c in batch)
    if not inner:
        x = reshape(x, (*head, *(sizes[c] for c in left), *(1 for _ in right)))
        y = reshape(y, (*head, *(1 for _ in left), *(sizes[c] for c in right)))
        return "".join((*batch, *left, *right)), multiply(x, y)
    x = reshape(x, (*head, size(left), size(inner)))
    y = reshape(y, (*head, size(inner), size(right)))
    return "".join((*batch, *left, *right)), reshape(contract.matmul(x, y), shape)


def pad(op: move.Pad, x: Node) -> Node | None:
    """Zeros with the array in one place; another number is put round it axis by axis."""
    if op.value == 0.0:
        key = tuple(("slice", a, a + n, None) for (a, _), n in zip(op.widths, x.shape, strict=True))
        return Unslice.of(key, Node(op, (x,)).shape)(x)
    number = constant_node(op.value, x.dtype)
    for k, widths in enumerate(op.widths):
        if widths == (0, 0):
            continue
        before, after = (broadcast_to(number, (*x.shape[:k], n, *x.shape[k + 1 :])) for n in widths)
        x = move.Concat.of(k)(*(part for part in (before, x, after) if part.shape[k]))
    return x


def roll(op: move.Roll, x: Node) -> Node | None:
    """The two parts of each axis, exchanged."""
    axes = axes_of(op, op.axis, x.ndim)
    shifts = op.shift if isinstance(op.shift, tuple) else (op.shift,) * len(axes)
    for axis, shift in zip(axes, shifts, strict=True):
        n = x.shape[axis]
        at = n - shift % n if n else 0
        if at in (0, n):
            continue
        head = (("slice", None, None, None),) * axis
        parts = [Slice.of((*head, ("slice", a, b, None)))(x) for a, b in ((at, n), (0, at))]
        x = move.Concat.of(axis)(*parts)
    return x


def cumulative(combine: Any, start: int) -> Callable[..., Node | None]:
    """A running sum or product, as a scan along its axis."""

    def written(op: Any, x: Node) -> Node | None:
        made = Node(op, (x,))
        axis = op.axis % max(x.ndim, 1)
        if not made.size or (x.shape[axis] > LONG and x.size < 16 * x.shape[axis]):
            return None
        rows = move.moveaxis(like(x, _of(made.dtype)), axis, 0)
        first = broadcast_to(constant_node(start, made.dtype), rows.shape[1:])
        step = lambda c, v: (combine(c, v),) * 2  # noqa: E731
        _, ys = scan_flat(step, [first, rows], 1, 1, x.shape[axis])
        return move.moveaxis(ys, 0, axis)

    return written


def iota(n: int) -> Node:
    """0, 1, 2 … n - 1."""
    one = constant_node(1, np.dtype(np.int64))
    found = running_sum(running.CumulativeSum.of(0), broadcast_to(one, (n,)))
    assert found is not None
    return subtract(found, 1)


def triangle(op: move.Triangle, x: Node) -> Node | None:
    """Zero where the column is too far from the row."""
    n, m = x.shape[-2:]
    if not x.size or max(n, m) > LONG:
        return None
    apart = subtract(reshape(iota(m), (1, m)), reshape(iota(n), (n, 1)))
    inside = (less_equal if op.lower else greater_equal)(apart, op.k)
    return where(broadcast_to(inside, x.shape), x, constant_node(0, x.dtype))


def asked(op: reduce.Ask, x: Node) -> Node | None:
    """The first place where the largest or smallest element, or a NaN, is."""
    axes: Any = axes_of(op, op.axis, x.ndim)
    if not op.question.startswith("arg") or not x.size or len(axes) not in (1, x.ndim):
        return None
    made = Node(op, (x,))
    if len(axes) > 1 or not x.ndim:
        x, axes = reshape(x, (-1,)), (0,)
    axis = axes[0]
    n = x.shape[axis]
    if n > LONG or x.dtype.kind == "b":
        return None
    best = (reduce.Max if op.question == "argmax" else reduce.Min).of(axis, True)(x)
    hit = logical_or(equal(x, best), not_equal(x, x))
    places = reshape(iota(n), tuple(n if k == axis else 1 for k in range(x.ndim)))
    found = where(hit, broadcast_to(places, x.shape), constant_node(n, np.dtype(np.int64)))
    return reshape(reduce.Min.of(axis, True)(found), made.shape)


running_sum = cumulative(add, 0)
DECOMPOSED: dict[type, Callable[..., Node | None]] = {
    contract.Matmul: product, contract.Einsum: einsum, move.Pad: pad, move.Roll: roll,
    move.Triangle: triangle, running.CumulativeSum: running_sum,
    running.CumulativeProd: cumulative(multiply, 1), reduce.Ask: asked,
}  # fmt: skip
