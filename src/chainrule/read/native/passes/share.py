"""Share: what is computed twice is computed once (common subexpressions).

Data in: a graph, in which equal nodes of equal operands are one node already (`graph/node`). Data
out: one in which a·b and b·a are one too, and scans of equal bodies.
"""

from __future__ import annotations

from ....graph.node import Node
from ....graph.op import Op
from ....graph.walk import Graph, fold
from ....ops.elementwise import add, equal, multiply, not_equal
from ....ops.scan import Scan
from .levels import Counted, again

EITHER_WAY = frozenset(type(op) for op in (add, multiply, equal, not_equal))


def share(graph: Graph) -> Counted:
    """Sums and products of the same operands in another order, and scans of equal bodies."""
    count = 0
    loops: dict[tuple, Node] = {}
    seen: dict[tuple[Op, int, int], Node] = {}

    def one(node: Node, *xs: Node) -> Node:
        nonlocal count
        made = again(node, node.op, xs) if xs else node
        if type(node.op) in EITHER_WAY:
            a, b = sorted(map(id, xs))
            found = seen.setdefault((node.op, a, b), made)
        elif isinstance(node.op, Scan):
            found = loops.setdefault((*_alike(node.op), *map(id, made.inputs)), made)
        else:
            return made
        count += found is not made
        return found

    made = fold(graph.outputs, one)
    return Graph(graph.inputs, tuple(made[o] for o in graph.outputs)), count


def _alike(op: Scan) -> tuple:
    """What two scans have in common that do the same to the same operands: their bodies, as lists
    of ops with numbers for operands, since inputs of two bodies are never the same nodes."""
    body = op.body
    numbered = {n: k for k, n in enumerate((*body.inputs, *body.order))}
    text = tuple((n.op, *(numbered[i] for i in n.inputs)) for n in body.order if n.inputs)
    given = set(body.inputs)
    leaves = tuple(n.op for n in body.order if not n.inputs and n not in given)
    outs = tuple(numbered[o] for o in body.outputs)
    specs = tuple(i.spec for i in body.inputs)
    return text, leaves, outs, specs, op.carries, op.xs, op.length, op.reverse
