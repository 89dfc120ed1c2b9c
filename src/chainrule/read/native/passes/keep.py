"""Keep: what a scan's gradient would compute again, it is handed from the scan itself.

Data in: a graph with a scan and, from its gradient, a second one that starts each step again from
the first one's carries. Data out: the first scan stacks what the second one would have recomputed,
where that costs more than to read it. What is checkpointed is a `Call` still, and is left alone.

    fore:  h = tanh(a)              with the pass:  h = tanh(a), stacked
    back:  h = tanh(a); g·(1−h²)                    g·(1−h²), h from the stack
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ....graph.node import Constant, Node, Pick
from ....graph.walk import Graph, fold
from ....ops import contract, move
from ....ops.family import BroadcastTo, Cast, Elementwise, Reshape
from ....ops.loop import inputs_like
from ....ops.scan import Scan
from ....ops.slicing import Slice
from .levels import Counted, again
from .scans import Handed, Parts, picked

LOOKS = (Slice, Reshape, BroadcastTo, move.Permute, Cast)  # as cheap to look at as to keep
CHEAP = {"add", "subtract", "multiply", "negative", "square", "where", "positive"}


@dataclass
class Wanted:
    """What scans ask of an earlier one: nodes of its body; and who is handed which."""

    of: dict[Node, list[Node]] = field(default_factory=dict)  # scan -> nodes of its body
    by: dict[Node, dict[Node, tuple[Node, Node]]] = field(default_factory=dict)
    # scan -> node of its body -> the scan that has it, and the node there


def keep(graph: Graph) -> Counted:
    """Scans that start again from an earlier scan's steps are handed what those made."""
    wanted = Wanted()
    for node in graph.order:
        if isinstance(node.op, Scan) and node.op.length > 1:
            for source in _sources(node):
                _ask(node, source, wanted)
    if not wanted.by:
        return graph, 0
    return _rebuilt(graph, wanted), sum(len(found) for found in wanted.by.values())


def _sources(scan: Node) -> list[Node]:
    """The scans whose stacked starts this one is handed."""
    _, xs, _ = scan.op.split(scan.inputs)
    found = {}
    for x in xs:
        if isinstance(x.op, Pick) and isinstance(x.inputs[0].op, Scan):
            source = x.inputs[0]
            if x.op.index >= len(source.op.body.outputs):
                found[source] = None
    return list(found)


def _ask(scan: Node, source: Node, wanted: Wanted) -> None:
    """Which nodes of the body the earlier scan's body has too, and are worth keeping."""
    image = _image(scan, source)
    theirs = set(source.op.body.order)
    made: dict[Node, Any] = {}
    for node in scan.op.body.order:
        if node in image or isinstance(node.op, Constant):
            made[node] = image.get(node, node)
        elif not node.inputs or any(made[i] is None for i in node.inputs):
            made[node] = None
        else:
            inputs = tuple(made[i] for i in node.inputs)
            twin = Node(node.op, inputs, node.line)
            made[node] = twin if twin in theirs else None
    readers: dict[Node, bool] = {}
    for node in scan.op.body.order:
        for i in node.inputs:
            readers[i] = readers.get(i, False) or made[node] is None
    returned = set(scan.op.body.outputs)
    front = [n for n in made if readers.get(n) or n in returned]
    few = _small_parts(front)
    for node in front:
        for found in [node] if node in few and _dear(node) else _worth(node, made):
            wanted.by.setdefault(scan, {})[found] = (source, made[found])
            wanted.of.setdefault(source, []).append(made[found])


def _small_parts(front: list[Node]) -> set[Node]:
    """Slices that are, with the others of the same, at most half of what they are slices of."""
    taken: dict[Node, list[Node]] = {}
    known = set(front)
    for node in front:
        if isinstance(node.op, Slice):
            taken.setdefault(node.inputs[0], []).append(node)
    return {
        node for source, nodes in taken.items() for node in nodes
        if 2 * sum(n.size for n in nodes) <= source.size and source not in known
    }  # fmt: skip


def _image(scan: Node, source: Node) -> dict[Node, Node]:
    """Inputs of the one body as nodes of the other: the same value at the same step."""
    op, theirs = scan.op, source.op
    _, ins, own = op.split(op.body.inputs)
    _, xs, constants = op.split(scan.inputs)
    starts, rows, fixed = theirs.split(theirs.body.inputs)
    _, their_xs, their_constants = theirs.split(source.inputs)
    by_step = dict(zip(their_xs, rows, strict=True))
    count = len(theirs.body.outputs)
    for k, start in enumerate(starts):
        by_step[Node(Pick(count + k), (source,))] = start
    for k in range(theirs.carries, count):
        by_step[Node(Pick(k), (source,))] = theirs.body.outputs[k]
    always = dict(zip(their_constants, fixed, strict=True))
    found = {i: by_step[x] for i, x in zip(ins, xs, strict=True) if x in by_step}
    return found | {i: always[x] for i, x in zip(own, constants, strict=True) if x in always}


def _worth(node: Node, made: dict[Node, Node | None]) -> list[Node]:
    """What to keep so that this node need not be computed again: itself, its operands, or none."""
    if made[node] is None or not node.inputs or not _dear(node):
        return []
    if isinstance(node.op, LOOKS):
        return _worth(node.inputs[0], made)
    return [node]


def _dear(node: Node) -> bool:
    """Whether it takes more than a few sums and products to compute from what was handed in."""
    seen, rest = set(), [node]
    while rest:
        node = rest.pop()
        if node in seen or not node.inputs:
            continue
        seen.add(node)
        cheap = isinstance(node.op, LOOKS) or (
            isinstance(node.op, Elementwise) and node.op.name in CHEAP
        )
        if not cheap or isinstance(node.op, contract.Contraction) or len(seen) > 8:
            return True
        rest += node.inputs
    return False


def _rebuilt(graph: Graph, wanted: Wanted) -> Graph:
    used = picked(graph)
    kept: dict[Node, dict[Node, Node]] = {}  # scan -> node of its old body -> stacked, outside

    def one(node: Node, *xs):
        if isinstance(node.op, Pick) and type(xs[0]) is list:
            return xs[0][node.op.index]
        made = again(node, node.op, xs) if xs else node
        if node not in wanted.of and node not in wanted.by:
            return made
        op: Any = node.op
        parts = Parts.of(op, made.inputs, used.get(node, set()))
        inside = {}
        for old, (source, theirs) in wanted.by.get(node, {}).items():
            fresh = Handed(inputs_like([old.spec])[0], kept[source][theirs])
            parts.xs.append(fresh)
            inside[old] = fresh.inside
        became = parts.swap(inside)
        stacks = {n: parts.collect(became[n]) for n in wanted.of.get(node, [])}
        values = parts.values()
        kept[node] = {n: stack() for n, stack in stacks.items()}
        return values

    made = fold(graph.outputs, one)
    return Graph(graph.inputs, tuple(made[o] for o in graph.outputs))
