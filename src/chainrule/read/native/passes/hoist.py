"""Hoist: out of a scan what does not depend on its carry.

Data in: a scan as `Parts`. Data out: the same with constants or xs more, and less to do. What is
made of constants alone is computed once (loop-invariant code motion). A product of what the rows
hold is made for all rows at once: one large product is faster than many small ones.

    for t:  h = tanh(x[t] @ w + h @ u)      p = x @ w, all rows at once
                                            for t:  h = tanh(p[t] + h @ u)
"""

from __future__ import annotations

from ....graph.node import Constant, Node
from ....graph.walk import Graph, order
from ....ops import contract, reduce
from ....ops.family import BroadcastTo, Elementwise
from ....ops.loop import inputs_like
from .levels import Counted
from .scans import Handed, Parts, scans
from .stacked import stacked

NUMBER, FIXED, ROW, CARRIED = range(4)  # what a node of the body depends on, at most


def hoist(graph: Graph) -> Counted:
    """What is the same at every step is computed once; products of rows are one product."""
    return scans(graph, lambda parts: _fixed(parts) + _products(parts))


def depends_on(parts: Parts) -> dict[Node, int]:
    """What every node of the body depends on."""
    found = {c.inside: CARRIED for c in parts.carries}
    found |= {x.inside: ROW for x in parts.xs} | {k.inside: FIXED for k in parts.constants}
    for node in order(parts.outputs):
        if node not in found:
            found[node] = max((found[i] for i in node.inputs), default=NUMBER)
            if not node.inputs and not isinstance(node.op, Constant):
                found[node] = CARRIED
    return found


def _fixed(parts: Parts) -> int:
    """What is made of constants alone, as a constant; of a repeated one, what is repeated."""
    most = depends_on(parts)
    wanted: dict[Node, None] = {}

    def want(node: Node) -> None:
        while isinstance(node.op, BroadcastTo):
            node = node.inputs[0]
        if most[node] == FIXED and node.inputs and type(node.spec) is not tuple:
            wanted[node] = None

    for node in order(parts.outputs):
        if most[node] > FIXED:
            for i in node.inputs:
                want(i)
    for y in parts.outputs:
        want(y)
    outside = {k.inside: k.outside for k in parts.constants}
    for node in order(wanted):
        if node not in outside:
            outside[node] = Node(node.op, tuple(outside[i] for i in node.inputs), node.line)
    return _handed(parts, parts.constants, {n: outside[n] for n in wanted})


def _products(parts: Parts) -> int:
    """Products of what the rows hold, for all rows at once."""
    most = depends_on(parts)
    steps = parts.op.length
    outside = {h.inside: h.outside for h in (*parts.xs, *parts.constants)}
    over = {n: most[n] == ROW for n in most}
    found: dict[Node, Node] = {}
    count = readers(parts)
    for node in order(parts.outputs):
        if most[node] != ROW or not (_alone(node) or _follows(node, found, count)):
            continue
        if _translated(node, outside, over, steps):
            found[node] = outside[node]
    return _handed(parts, parts.xs, found)


def _alone(node: Node) -> bool:
    """Whether it is worth being made for all rows at once: a product, or a question to many."""
    asks = isinstance(node.op, reduce.Ask) and node.op.question in ("any", "all")
    return type(node.op) is contract.Matmul or (asks and 4 * node.size <= node.inputs[0].size)


def _follows(node: Node, found: dict[Node, Node], count: dict[Node, int]) -> bool:
    """Whether all it does is to go on with what is made outside, which nobody else reads."""
    return isinstance(node.op, Elementwise) and any(
        i in found and i.shape == node.shape and i.dtype == node.dtype and count[i] == 1
        for i in node.inputs
    )


def readers(parts: Parts) -> dict[Node, int]:
    """How often every node of the body is read, or returned."""
    found: dict[Node, int] = {}
    for node in order(parts.outputs):
        for i in node.inputs:
            found[i] = found.get(i, 0) + 1
    for y in parts.outputs:
        found[y] = found.get(y, 0) + 1
    return found


def _translated(node: Node, outside: dict, over: dict[Node, bool], steps: int) -> bool:
    """The node for all steps at once, put into `outside`; whether every op below has a rule."""
    for n in order([node], outside):
        if n in outside:
            continue
        xs = [outside[i] for i in n.inputs]
        if type(n.spec) is tuple and not hasattr(n.spec, "shape"):
            return False
        if over[n]:
            made = stacked(n, xs, [over[i] for i in n.inputs], steps)
            if made is None:
                return False
            outside[n] = made
        else:
            outside[n] = Node(n.op, tuple(xs), n.line)
    return True


def _handed(parts: Parts, group: list[Handed], found: dict[Node, Node]) -> int:
    """Nodes of the body, handed in from outside instead."""
    swap = {}
    for node, outside in found.items():
        (fresh,) = inputs_like([node.spec])
        group.append(Handed(fresh, outside))
        swap[node] = fresh
    if swap:
        parts.swap(swap)
    return len(swap)
