"""Read stacks of matrices as their matrices: what has three axes, one matrix after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph.node import Node
from ..ops import add
from ..ops.family import BroadcastTo, Elementwise, Reshape, SumTo, broadcast_to, sum_to
from ..ops.index import getitem
from ..ops.linear import Linear
from ..ops.move import Concat, concat
from ..ops.reduce import Sum
from ..ops.slicing import Slice

MOST = 12  # matrices that are written one by one


def row_of(x: Node, k: int) -> Node:
    """The k-th matrix of a stack, by what it was made of: rows are made row by row."""
    rule = ROWS.get(type(x.op))
    found = rule(x, k) if rule else None
    if found is None and isinstance(x.op, Elementwise):
        found = x.op(*(_operand(i, x, k) for i in x.inputs))
    return getitem(x, k) if found is None else found


def _operand(i: Node, x: Node, k: int) -> Node:
    if i.ndim < x.ndim:
        return i
    return row_of(i, k if i.shape[0] > 1 else 0)


def _reshaped(x: Node, k: int) -> Node | None:
    return x.inputs[0] if x.shape == (1, *x.inputs[0].shape) else None


def _joined(x: Node, k: int) -> Node | None:
    if x.op.axis % x.ndim:  # type: ignore[attr-defined]
        return None
    for part in x.inputs:
        if k < part.shape[0]:
            return row_of(part, k)
        k -= part.shape[0]
    return None


def _weighted(x: Node, k: int) -> Node | None:
    data, *rest = x.inputs
    return x.op(row_of(data, k), *rest) if data.ndim > 2 else None


def _repeated(x: Node, k: int) -> Node:
    return broadcast_to(_operand(x.inputs[0], x, k), x.shape[1:])


ROWS: dict[type, Callable[[Node, int], Node | None]] = {
    Reshape: _reshaped, Concat: _joined, Linear: _weighted, BroadcastTo: _repeated,
}  # fmt: skip


def as_matrices(node: Node, xs: tuple[Any, ...]) -> Node | None:
    """An op that takes a stack apart, as an op of its matrices; None for any other."""
    op = node.op
    if len(xs) != 1 or type(xs[0]) is not Node or type(xs[0].spec) is tuple or not xs[0].ndim:
        return None
    x = xs[0]
    if isinstance(op, Slice):
        (kind, *at), *rest = op.key or ((None,),)
        plain = kind == "at" and all(p == ("slice", None, None, None) for p in rest)
        return row_of(x, at[0] % x.shape[0]) if plain and x.ndim > 1 else None
    if x.ndim != 3 or x.shape[0] > MOST:
        return None
    rows = [row_of(x, k) for k in range(x.shape[0])]
    if isinstance(op, Reshape) and node.shape == (x.shape[0] * x.shape[1], x.shape[2]):
        return concat(rows, axis=0)
    if isinstance(op, SumTo) and node.ndim < 3:
        return _added([sum_to(r, node.shape) for r in rows])
    if isinstance(op, Sum) and op.axis is None and not op.keepdims:
        return _added([op(r) for r in rows])
    return None


def _added(terms: list[Node]) -> Node:
    total = terms[0]
    for term in terms[1:]:
        total = add(total, term)
    return total
