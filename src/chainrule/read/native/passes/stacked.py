"""An op of one step as an op of all steps at once: the operands have an axis of steps before.

Data in: a node of a scan's body, and what its operands are for all steps. Data out: the node for
all steps, or None where there is no rule. Known elsewhere as batching, or vmap.
"""

from __future__ import annotations

from math import prod

from ....graph.node import Node
from ....ops import contract, move, reduce
from ....ops.family import (
    BroadcastTo,
    Cast,
    Elementwise,
    Reshape,
    SumTo,
    axes_of,
    broadcast_to,
    reshape,
)
from ....ops.slicing import Slice, Unslice

ALL = ("slice", None, None, None)


def stacked(node: Node, xs: list[Node], over: list[bool], steps: int) -> Node | None:
    """The node for all steps, or None where there is no rule.

    `over` says which operands have the axis of steps; at least one has.
    """
    op = node.op
    if isinstance(op, (Elementwise, Cast)):
        xs = [_raised(x, node.ndim, o, steps) for x, o in zip(xs, over, strict=True)]
        made = Node(op, tuple(xs))
        return broadcast_to(made, (steps, *node.shape))
    if type(op) is contract.Matmul:
        return _product(node, xs, over, steps)
    if not all(over):
        return None
    rule = RULES.get(type(op))
    return None if rule is None else rule(op, node, xs, steps)


def _raised(x: Node, ndim: int, over: bool, steps: int) -> Node:
    """A stacked operand with axes of size 1, so that it broadcasts as it did in one step."""
    if not over or x.ndim == ndim + 1:
        return x
    return reshape(x, (steps, *(1,) * (ndim + 1 - x.ndim), *x.shape[1:]))


def _product(node: Node, xs: list[Node], over: list[bool], steps: int) -> Node | None:
    a, b = xs
    plain = [x.ndim - o for x, o in zip(xs, over, strict=True)]
    if min(plain) < 2:
        return None
    if over == [True, False] and plain == [2, 2]:
        rows = contract.matmul(reshape(a, (prod(a.shape[:-1]), a.shape[-1])), b)
        return reshape(rows, (steps, *node.shape))
    raised = (_raised(x, node.ndim, o, steps) for x, o in zip(xs, over, strict=True))
    return contract.matmul(*raised)


def _sum_to(op, node, xs, steps):
    (x,) = xs
    extra = x.ndim - 1 - node.ndim
    return reshape(SumTo.of((steps, *(1,) * extra, *op.to))(x), (steps, *node.shape))


def _reduction(op, node, xs, steps):
    axes = tuple(a + 1 for a in axes_of(op, op.axis, xs[0].ndim - 1))
    return type(op).of(axes, op.keepdims)(xs[0])


def _asked(op, node, xs, steps):
    axes = tuple(a + 1 for a in axes_of(op, op.axis, xs[0].ndim - 1))
    return reduce.Ask.of(axes, op.keepdims, op.question)(xs[0])


RULES = {
    move.Permute: lambda op, n, xs, t: move.Permute.of((0, *(a + 1 for a in op.axes)))(*xs),
    move.Concat: lambda op, n, xs, t: move.Concat.of(op.axis % n.ndim + 1)(*xs),
    Reshape: lambda op, n, xs, t: reshape(xs[0], (t, *n.shape)),
    BroadcastTo: lambda op, n, xs, t: broadcast_to(_raised(xs[0], n.ndim, True, t), (t, *n.shape)),
    Slice: lambda op, n, xs, t: Slice.of((ALL, *op.key))(*xs),
    Unslice: lambda op, n, xs, t: Unslice.of((ALL, *op.key), (t, *op.to))(*xs),
    SumTo: _sum_to,
    reduce.Ask: _asked, reduce.Sum: _reduction, reduce.Max: _reduction, reduce.Min: _reduction,
}  # fmt: skip
