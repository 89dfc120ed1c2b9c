"""Tidy: what differentiation leaves behind, by ops that cost less. No number changes by it.

Data in: a graph. Data out: one of the same values, node by node by a table of rules that look at a
node and its operands (peepholes): the gradient of slices, as a sum of pieces in zeros, is one
concatenation; a move of a move is one move; what is made of repeated numbers is made once.

    pad(a, 0:2) + pad(b, 2:5)   →   concat(a, b)
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import prod

from ....graph.node import Node, constant_node
from ....graph.walk import Graph, fold
from ....ops import contract, move, reduce
from ....ops.elementwise import add, multiply
from ....ops.family import (
    BroadcastTo,
    Cast,
    Elementwise,
    Reshape,
    SumTo,
    axes_of,
    broadcast_to,
    reshape,
)  # fmt: skip
from ....ops.slicing import Slice, Unslice, unfrozen
from . import truths
from .levels import Counted, again

MANY = 8  # from how many on they are summed before the others

Piece = tuple[int, int, Node]  # from, to, what lies there


def tidy(graph: Graph) -> Counted:
    """Sums of placed pieces as one concatenation; moves of moves as one; numbers kept small."""
    count = 0
    laid: dict[Node, tuple[int, list[Piece]]] = {}

    def one(node: Node, *xs: Node) -> Node:
        nonlocal count
        made = again(node, node.op, xs) if xs else node
        if made.op == add or (made.op in truths.EITHER and made.dtype.kind == "b"):
            shorter = _put_together(made, laid)
        else:
            other = _of_elements if isinstance(made.op, Elementwise) else None
            rule = RULES.get(type(made.op), other)
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
        return _of_elements(node)
    (axis, left), (other, right) = (p for p in parts if p is not None)
    pieces = sorted([*left, *right], key=lambda p: p[:2])
    apart = all(a[1] <= b[0] for a, b in pairwise(pieces))
    if axis != other or not apart or len({p[2].dtype for p in pieces}) > 1:
        return None
    made = move.Concat.of(axis)(*_without_gaps(pieces, axis, node))
    laid[made] = axis, pieces
    whole = truths.repeated(made)
    return made if whole is None else whole


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
    return truths.permuted(node)


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
        return truths.repeated(node)
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
        return truths.chosen(node)
    rows = reshape(a, (prod(a.shape[:-1]), a.shape[-1]))
    return reshape(contract.matmul(rows, b), node.shape)


def _of_elements(node: Node) -> Node | None:
    """An op on elements: of numbers, of truths, or on the rows of a product."""
    found = _small(node)
    if found is None and type(node.op) in truths.POINTS:
        found = truths.POINTS[type(node.op)](node)
    return _by_rows(node) if found is None else found


def _by_rows(node: Node) -> Node | None:
    """What follows on one product for many steps is done on its rows, and not after it."""
    rows = {x.inputs[0].shape for x in node.inputs if _is_rows(x)}
    if len(rows) != 1 or node.ndim < 3:
        return None
    (shape,) = rows
    if any(not _is_rows(x) and any(n != 1 for n in x.shape[:-1]) for x in node.inputs):
        return None
    if shape != (prod(node.shape[:-1]), node.shape[-1]):
        return None
    xs = [x.inputs[0] if _is_rows(x) else reshape(x, x.shape[-1:]) for x in node.inputs]
    if node.op in (add, multiply):  # what is added is made before the product begins
        xs.sort(key=lambda x: x.ndim)
    return reshape(Node(node.op, tuple(xs), node.line), node.shape)


def _is_rows(x: Node) -> bool:
    """Whether it is the rows of a product, or what was made of them, in more axes."""
    if not isinstance(x.op, Reshape):
        return False
    source = x.inputs[0]
    made = type(source.op) is contract.Matmul or isinstance(source.op, Elementwise)
    return made and source.ndim == 2 and x.ndim > 2 and x.shape[-1] == source.shape[-1]


def _in_stages(node: Node) -> Node | None:
    """A sum over two axes before the last sums the second one first.

    What that leaves lies apart along the first axis, so that threads can share it, and sums of
    sums lose fewer digits.
    """
    (x,) = node.inputs
    if x.ndim != 3 or node.shape != x.shape[2:] or x.shape[0] < 2 or x.shape[1] < MANY:
        return None
    if isinstance(node.op, reduce.Sum) and set(axes_of(node.op, node.op.axis, 3)) != {0, 1}:
        return None
    return reduce.Sum.of((0,), False)(reduce.Sum.of((1,), False)(x))


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
    SumTo: _in_stages, reduce.Sum: _in_stages, move.Concat: _one_piece,
    contract.Matmul: _one_product, reduce.Ask: truths.asked,
}  # fmt: skip
