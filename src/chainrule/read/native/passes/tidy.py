"""Tidy: what differentiation leaves behind, by ops that cost less. No number changes by it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import prod

from ....graph.node import Node, constant_node
from ....graph.walk import Graph, fold
from ....ops import contract, move
from ....ops.elementwise import add
from ....ops.family import BroadcastTo, Cast, Elementwise, Reshape, broadcast_to, reshape
from ....ops.slicing import Slice, Unslice, unfrozen
from .levels import Counted, again

Piece = tuple[int, int, Node]  # from, to, what lies there


def tidy(graph: Graph) -> Counted:
    """Sums of placed pieces as one concatenation; moves of moves as one; numbers kept small."""
    count = 0
    laid: dict[Node, tuple[int, list[Piece]]] = {}

    def one(node: Node, *xs: Node) -> Node:
        nonlocal count
        made = again(node, node.op, xs) if xs else node
        if made.op == add:
            shorter = _put_together(made, laid)
        else:
            rule = RULES.get(type(made.op), _small if isinstance(made.op, Elementwise) else None)
            shorter = None if rule is None else rule(made)
        if shorter is None or shorter is made or shorter.spec != made.spec:
            return made
        count += 1
        return shorter

    made = fold(graph.outputs, one)
    return Graph(graph.inputs, tuple(made[o] for o in graph.outputs)), count


def _put_together(node: Node, laid: dict) -> Node | None:
    """Pieces that lie beside each other in zeros, added up: one array of them all."""
    parts = [laid.get(x) or _placed(x) for x in node.inputs]
    if node.inputs[0].shape != node.inputs[1].shape or None in parts:
        return _small(node)
    (axis, left), (other, right) = (p for p in parts if p is not None)
    pieces = sorted([*left, *right], key=lambda p: p[:2])
    apart = all(a[1] <= b[0] for a, b in pairwise(pieces))
    if axis != other or not apart or len({p[2].dtype for p in pieces}) > 1:
        return None
    made = move.Concat.of(axis)(*_without_gaps(pieces, axis, node))
    laid[made] = axis, pieces
    return made


def _placed(node: Node) -> tuple[int, list[Piece]] | None:
    """The axis and the place of an Unslice that leaves all other axes whole."""
    if not isinstance(node.op, Unslice):
        return None
    spans = _spans(unfrozen(node.op.key), node.shape)
    if spans is None:
        return None
    cut = [k for k, (a, b, s) in enumerate(spans) if (a, b, s) != (0, node.shape[k], 1)]
    if len(cut) != 1 or spans[cut[0]][2] != 1 or spans[cut[0]][0] >= spans[cut[0]][1]:
        return None
    start, stop, _ = spans[cut[0]]
    return cut[0], [(start, stop, node.inputs[0])]


def _without_gaps(pieces: list[Piece], axis: int, node: Node) -> list[Node]:
    found, at = [], 0
    end = (node.shape[axis], 0, None)
    for start, stop, x in [*pieces, end]:
        if start > at:
            shape = (*node.shape[:axis], start - at, *node.shape[axis + 1 :])
            found.append(broadcast_to(constant_node(0, node.dtype), shape))
        if x is not None:
            found.append(x)
            at = stop
    return found


def _permuted(node: Node) -> Node | None:
    (x,) = node.inputs
    axes = node.op.axes
    if axes == tuple(range(node.ndim)):
        return x
    if isinstance(x.op, move.Permute):
        both, source = tuple(x.op.axes[a] for a in axes), x.inputs[0]
        return source if both == tuple(range(node.ndim)) else move.Permute.of(both)(source)
    return None


def _reshaped(node: Node) -> Node | None:
    (x,) = node.inputs
    if x.shape == node.shape:
        return x
    return reshape(x.inputs[0], node.shape) if isinstance(x.op, Reshape) else None


def _cast(node: Node) -> Node | None:
    return node.inputs[0] if node.inputs[0].dtype == node.dtype else None


def _repeated(node: Node) -> Node | None:
    (x,) = node.inputs
    if x.shape == node.shape:
        return x
    return broadcast_to(x.inputs[0], node.shape) if isinstance(x.op, BroadcastTo) else None


def _one_piece(node: Node) -> Node | None:
    """A concatenation of one; or of slices that were cut from one array, in their order."""
    if len(node.inputs) == 1:
        return node.inputs[0]
    first = node.inputs[0]
    if not isinstance(first.op, Slice):
        return None
    source, axis, at = first.inputs[0], node.op.axis % node.ndim, 0
    for x in node.inputs:
        stop = at + x.shape[axis]
        if not isinstance(x.op, Slice) or x.inputs[0] is not source or source.ndim != node.ndim:
            return None
        spans = _spans(unfrozen(x.op.key), source.shape)
        wanted = [(0, n, 1) for n in source.shape]
        wanted[axis] = (at, stop, 1)
        if spans != wanted:
            return None
        at = stop
    return source if source.shape == node.shape else None


def _spans(key: tuple, shape: tuple[int, ...]) -> list | None:
    if Ellipsis in key:
        k = key.index(Ellipsis)
        key = (*key[:k], *(slice(None),) * (len(shape) - len(key) + 1), *key[k + 1 :])
    key = (*key, *(slice(None),) * (len(shape) - len(key)))
    if len(key) != len(shape) or not all(isinstance(part, slice) for part in key):
        return None
    return [part.indices(n) for part, n in zip(key, shape, strict=True)]


def _one_product(node: Node) -> Node | None:
    """A batch of products with one matrix is one product of all their rows."""
    a, b = node.inputs
    if a.ndim < 3 or b.ndim != 2 or not a.size:
        return None
    rows = reshape(a, (prod(a.shape[:-1]), a.shape[-1]))
    return reshape(contract.matmul(rows, b), node.shape)


def _small(node: Node) -> Node | None:
    """What is made of repeated numbers is made once, and then repeated."""
    if node.ndim == 0 or not node.inputs or not all(map(_is_number, node.inputs)):
        return None
    xs = [x.inputs[0] if isinstance(x.op, BroadcastTo) else x for x in node.inputs]
    return broadcast_to(Node(node.op, tuple(xs), node.line), node.shape)


def _is_number(x: Node) -> bool:
    return x.ndim == 0 or (isinstance(x.op, BroadcastTo) and x.inputs[0].ndim == 0)


RULES: dict[type, Callable[[Node], Node | None]] = {
    move.Permute: _permuted, Reshape: _reshaped, Cast: _cast, BroadcastTo: _repeated,
    move.Concat: _one_piece, contract.Matmul: _one_product,
}  # fmt: skip
