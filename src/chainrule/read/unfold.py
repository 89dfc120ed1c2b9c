"""Read a graph as a graph without loops: every step of a scan, every body written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.errors import UsageError
from ..graph.node import Node, Pick
from ..graph.walk import Graph, fold
from ..ops.family import where
from ..ops.loop import Call, Cond
from ..ops.move import stack
from ..ops.scan import Scan
from .stacks import as_matrices, row_of

MOST = 20_000  # nodes that written-out loops may have


def unfolded(outputs: Sequence[Node], stacks: bool = False) -> dict[Node, Any]:
    """For every node, its twin in a graph whose loops are written out.

    With `stacks`, what has three axes is taken apart into its matrices where that is possible.
    Raises: UsageError where that graph would be too large to read.
    """

    def rule(node: Node, *xs: Any) -> Any:
        found = as_matrices(node, xs) if stacks else None
        return _rule(node, *xs) if found is None else found

    return fold(outputs, rule)


def _rule(node: Node, *xs: Any) -> Any:
    op = node.op
    if isinstance(op, Pick) and isinstance(xs[0], tuple):
        return xs[0][op.index]
    if isinstance(op, Call):
        return tuple(_body(op.body, xs))
    if isinstance(op, Cond):
        c, *rest = xs
        branches = zip(_body(op.then, rest), _body(op.other, rest), strict=True)
        return tuple(a if a is b else where(c, a, b) for a, b in branches)
    if isinstance(op, Scan):
        return _steps(op, xs)
    same = all(x is i for x, i in zip(xs, node.inputs, strict=True))
    return node if same else Node(op, xs)


def _body(body: Graph, xs: Sequence[Any]) -> list[Node]:
    inner = unfolded(body.outputs)
    flat = Graph(body.inputs, tuple(inner[y] for y in body.outputs))
    return flat.replay(list(xs))


def _steps(op: Scan, operands: Sequence[Any]) -> tuple:
    size = op.length * len(op.body.order)
    if size > MOST:
        raise UsageError(
            f"a loop of {op.length} steps with {len(op.body.order)} nodes each is {size} nodes "
            f"written out, more than {MOST}; read fewer steps"
        )
    carry, xs, constants = op.split(operands)
    rows: list[list[Any]] = [[None] * op.length for _ in op.spec()[op.carries :]]
    for t in op.steps:
        made = _body(op.body, [*carry, *(row_of(x, t) for x in xs), *constants])
        values = [*made[op.carries :], *carry]
        for row, value in zip(rows, values, strict=True):
            row[t] = value
        carry = made[: op.carries]
    return (*carry, *(stack(row) if row else row for row in rows))
