"""How many scalar operations a graph takes: additions, multiplications, function values."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from ..graph.node import Node
from ..graph.walk import order
from ..ops.contract import Einsum, Matmul
from ..ops.family import Move, Reduce
from ..ops.linear import Linear


def scalar_ops(outputs: Iterable[Node]) -> int:
    """The scalar operations of all nodes; moving elements costs none.

    >>> import chainrule as cr
    >>> scalar_ops(cr.capture(lambda x: cr.sin(x**2) * x, 1.0).outputs)
    3
    """
    return sum(_of(n) for n in order(outputs) if n.inputs)


def _of(node: Node) -> int:
    op, inputs = node.op, node.inputs
    if isinstance(op, Reduce):
        return inputs[0].size
    if isinstance(op, (Matmul, Linear)):
        inner = inputs[0].shape[-1]
        return node.size * (2 * inner - 1) + (node.size if len(inputs) > 2 else 0)
    if isinstance(op, Einsum):
        sizes = {c: n for t, x in zip(op.terms, inputs, strict=True)
                 for c, n in zip(t, x.shape, strict=True)}  # fmt: skip
        return len(inputs) * prod(sizes.values())
    if isinstance(op, Move) or not hasattr(node.spec, "shape"):
        return inputs[0].size if op.name == "sum_to" else 0
    return node.size
