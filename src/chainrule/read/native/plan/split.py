"""Split: the rows of a batch go through all steps of a scan on different threads.

The threads meet once, at the end of the scan, and not after every kernel of every step.

Data in: the body of a scan, as a graph. Data out: the same body for one part of the batch, or None
where the rows of it meet. Invariant: row k of every output is made of rows k of the inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....graph.node import Constant, Node
from ....graph.walk import Graph, order
from ....ops import contract, move, reduce
from ....ops.family import BroadcastTo, Cast, Elementwise, Reshape, SumTo, axes_of
from ....ops.loop import inputs_like
from ....ops.slicing import Slice, Unslice
from ..passes.anew import Anew
from ..program import Program, Steps
from ..tiling import FEW

LEAST = FEW  # rows of a part, below which the products of a step are too small
ALL = ("slice", None, None, None)


def split(body: Graph, constants: int, parts: int) -> Graph | None:
    """The body for one part of the batch; None where rows depend on each other.

    The batch is axis 0 of every output, and of every input but the constants, which come last,
    and those that have another axis 0: all parts are handed them whole.
    """
    rows = {i.shape[:1] for i in body.outputs}
    if len(rows) != 1 or () in rows or parts < 2:
        return None
    ((n,),) = rows
    if n % parts or n // parts < LEAST:
        return None
    first = len(body.inputs) - constants
    cut = [i for i in body.inputs[:first] if i.shape[:1] == (n,)]
    fresh = inputs_like([i.spec._replace(shape=(n // parts, *i.shape[1:])) for i in cut])
    made: dict[Node, tuple[Node, bool]] = {i: (i, False) for i in body.inputs}
    made |= {i: (f, True) for i, f in zip(cut, fresh, strict=True)}
    for node in order(body.outputs):
        if node in made:
            continue
        found = _part(node, [made[i] for i in node.inputs], n, n // parts)
        if found is None:
            return None
        made[node] = found
    if not all(made[o][1] for o in body.outputs):
        return None
    return Graph(tuple(made[i][0] for i in body.inputs), tuple(made[o][0] for o in body.outputs))


def in_parts(program: Program) -> int:
    """How many scans of a program run in parts."""
    return sum(k.parts > 1 for k in program.kernels if isinstance(k, Steps))


def _part(node: Node, xs: list[tuple[Node, bool]], n: int, rows: int) -> tuple[Node, bool] | None:
    """The node for a part of the batch, and whether it has rows; None where it cannot be cut."""
    op = node.op
    if type(node.spec) is tuple and not hasattr(node.spec, "shape"):
        return None
    if isinstance(op, BroadcastTo) and not xs[0][1] and op.to[:1] == (n,):
        x = xs[0][0]
        once = x.ndim < node.ndim or x.shape[0] == 1
        return (Node(BroadcastTo.of((rows, *op.to[1:])), (x,)), True) if once else None
    if not any(cut for _, cut in xs):
        return (node, False) if node.inputs or isinstance(op, Constant) else None
    if isinstance(op, Anew):
        return Node(op, tuple(x for x, _ in xs)), xs[0][1]
    if node.shape[:1] != (n,):
        return None
    if isinstance(op, (Elementwise, Cast)):
        rule: Callable | None = _elementwise
    else:
        rule = RULES.get(type(op))
    made = None if rule is None else rule(op, node, xs, rows)
    fits = made is not None and made.shape == (rows, *node.shape[1:])
    return (made, True) if made is not None and fits else None


def _elementwise(op: Any, node: Node, xs: list, rows: int) -> Node | None:
    for x, cut in xs:
        aligned = x.ndim == node.ndim
        if cut != aligned and (cut or x.shape[0] != 1):
            return None
    return Node(op, tuple(x for x, _ in xs))


def _product(op: Any, node: Node, xs: list, rows: int) -> Node | None:
    (a, cut_a), (b, cut_b) = xs
    if cut_a and a.ndim >= 2 and ((b.ndim == 2 and not cut_b) or (cut_b and a.ndim == b.ndim > 2)):
        return Node(op, (a, b))
    return None


def _of_one(after: Callable[[Any, Node, int], Any]) -> Callable:
    """A rule for ops of one operand: the op for a part, or None."""

    def rule(op: Any, node: Node, xs: list, rows: int) -> Node | None:
        if xs[0][0].shape[:1] != (rows,):
            return None
        made = after(op, node, rows)
        return None if made is None else Node(made, (xs[0][0],))

    return rule


def _reduction(op: Any, node: Node, rows: int) -> Any:
    return None if 0 in axes_of(op, op.axis, node.inputs[0].ndim) else op


def _concat(op: Any, node: Node, xs: list, rows: int) -> Node | None:
    if op.axis % node.ndim == 0 or not all(cut for _, cut in xs):
        return None
    return Node(op, tuple(x for x, _ in xs))


def _resized(op: Any, node: Node, rows: int) -> Any:
    return (
        type(op).of((rows, *node.shape[1:])) if node.inputs[0].shape[0] == node.shape[0] else None
    )


def _broadcast(op: Any, node: Node, rows: int) -> Any:
    return _resized(op, node, rows) if node.inputs[0].ndim == node.ndim else None


RULES: dict[type, Callable] = {
    contract.Matmul: _product, move.Concat: _concat,
    Reshape: _of_one(_resized), BroadcastTo: _of_one(_broadcast), SumTo: _of_one(_broadcast),
    move.Permute: _of_one(lambda op, n, r: op if op.axes[0] == 0 else None),
    Slice: _of_one(lambda op, n, r: op if _leaves_rows(op.key, n) else None),
    Unslice: _of_one(
        lambda op, n, r: Unslice.of(op.key, (r, *op.to[1:])) if _leaves_rows(op.key, n) else None
    ),
    reduce.Sum: _of_one(_reduction), reduce.Max: _of_one(_reduction),
    reduce.Min: _of_one(_reduction), reduce.Prod: _of_one(_reduction),
}  # fmt: skip


def _leaves_rows(key: tuple, node: Node) -> bool:
    """Whether a key takes all of axis 0: it begins with a whole slice, or with the ellipsis."""
    if key[:1] == (("rest",),):
        return len(key) <= min(node.ndim, node.inputs[0].ndim)
    return key[:1] == (ALL,)
