"""Rules of `tidy` about truths: which elements count, by fewer ops.

Masks come from a gradient through a `where`. One that is the same along an axis stays small; what
was written as a question to numbers, such as `where(mask, 1, 0) != 0`, is the mask again. No truth
changes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from ....graph.node import Node
from ....ops import contract, move, reduce
from ....ops.elementwise import bitwise_or, greater, logical_or, not_equal
from ....ops.elementwise.arithmetic import Where
from ....ops.family import BroadcastTo, Cast, Reshape, SumTo, axes_of, broadcast_to, reshape, where
from ....ops.slicing import Slice, Unslice
from ...simplify import number

MOVES = (Slice, Unslice, Reshape, BroadcastTo, move.Permute, move.Flip, move.Concat)
EITHER = (bitwise_or, logical_or)


def _compared(node: Node) -> Node | None:
    """x != 0 where x was made of a mask; x > 0 where it counts a mask."""
    x, zero = node.inputs
    if number(zero) != 0.0 or x.shape != node.shape:
        return None
    if node.op == not_equal:
        return _truth(x)
    return _any_of(x) if node.op == greater else None


def _truth(x: Node) -> Node | None:
    """The mask that numbers were made of: whether they are not 0."""
    op = x.op
    if x.dtype.kind == "b":
        return x
    if isinstance(op, Cast):
        return x.inputs[0] if x.inputs[0].dtype.kind == "b" else None
    if isinstance(op, Where):
        c, a, b = x.inputs
        of_1 = number(a) not in (None, 0.0) and number(b) == 0.0
        return broadcast_to(c, x.shape) if of_1 and c.dtype.kind == "b" else None
    if not isinstance(op, MOVES):
        return None
    found = [_truth(i) for i in x.inputs]
    inputs = tuple(f for f in found if f is not None)
    return Node(op, inputs, x.line) if len(inputs) == len(found) else None


def _any_of(x: Node) -> Node | None:
    """A sum of truths, compared with 0, asks whether any holds."""
    shaped = isinstance(x.op, Reshape)
    total = x.inputs[0] if shaped else x
    if not isinstance(total.op, (SumTo, reduce.Sum)):
        return None
    mask = _truth(total.inputs[0])
    if mask is None or not mask.size:
        return None
    if isinstance(total.op, SumTo):
        kept = (1,) * (mask.ndim - total.ndim) + total.shape
        axes = tuple(k for k, (n, m) in enumerate(zip(kept, mask.shape, strict=True)) if n != m)
    else:
        axes = axes_of(total.op, total.op.axis, mask.ndim)
    return reshape(_asked_for(reduce.Ask.of(axes, True, "any"), mask), x.shape)


def asked(node: Node) -> Node | None:
    """A question to truths that repeat along the axis is one to fewer of them."""
    op, (x,) = node.op, node.inputs
    if op.question not in ("any", "all") or x.dtype.kind != "b" or not x.size:
        return None
    if not isinstance(x.op, BroadcastTo):
        return None
    return reshape(_asked_for(op, x), node.shape)


def _asked_for(op: reduce.Ask, x: Node) -> Node:
    """The answer, with axes of size 1 where it was asked along."""
    axes = axes_of(op, op.axis, x.ndim)
    kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    if isinstance(x.op, BroadcastTo):
        x = x.inputs[0]
        x = reshape(x, (1,) * (len(kept) - x.ndim) + x.shape)
        axes = tuple(k for k in axes if x.shape[k] > 1)
    if axes:
        x = reduce.Ask.of(axes, True, op.question)(x)
    return broadcast_to(x, kept)


def _either(node: Node) -> Node | None:
    """One of two that are the same."""
    a, b = node.inputs
    return a if a is b else None


def chosen(node: Node) -> Node | None:
    """A product with a matrix that counts as a whole or not at all is one that does."""
    a, b = node.inputs
    if not isinstance(b.op, Where) or number(b.inputs[2]) != 0.0:
        return None
    c = b.inputs[0]
    c = c.inputs[0] if isinstance(c.op, BroadcastTo) else c
    if c.size != 1 or b.inputs[1].shape != b.shape:
        return None
    made = contract.matmul(a, b.inputs[1])
    return where(broadcast_to(reshape(c, (1,) * node.ndim), node.shape), made, b.inputs[2])


def permuted(node: Node) -> Node | None:
    """What is repeated is permuted first, and then repeated."""
    (x,) = node.inputs
    if not isinstance(x.op, BroadcastTo) or x.dtype.kind != "b":
        return None
    source = x.inputs[0]
    source = reshape(source, (1,) * (x.ndim - source.ndim) + source.shape)
    return broadcast_to(move.permute_dims(source, node.op.axes), node.shape)


def repeated(node: Node) -> Node | None:
    """Pieces that repeat one thing beside each other repeat it once more."""
    axis, first = node.op.axis % node.ndim, node.inputs[0]
    if not all(isinstance(x.op, BroadcastTo) for x in node.inputs):
        return None
    sources = {x.inputs[0] for x in node.inputs}
    if len(sources) > 1:
        return None
    (source,) = sources
    along = axis - (node.ndim - source.ndim)
    alike = along < 0 or source.shape[along] == 1
    return broadcast_to(source, node.shape) if alike and prod(first.shape) else None


POINTS: dict[type, Callable[[Node], Node | None]] = {
    type(not_equal): _compared, type(greater): _compared,
    type(bitwise_or): _either, type(logical_or): _either,
}  # fmt: skip
