"""A pass as a diff: the graph before and after it, an op a line, and the lines that changed."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from ....graph.caller import Line
from ....graph.node import Constant, Input, Node, Pick
from ....graph.op import Spec
from ....graph.walk import Graph
from ....ops.loop import Call
from ....ops.scan import Scan
from ..passes.levels import BODIES, everywhere

AROUND = 2  # lines that did not change, shown before and after those that did
SIGNS = {"delete": "−", "insert": "+"}


class Row(NamedTuple):
    """A node in a listing, and how deep in bodies it stands."""

    node: Node
    depth: int

    @property
    def key(self) -> tuple:
        """What it is by itself, whatever it is computed of."""
        return self.depth, self.node.op.name, _settings(self.node), _kind(self.node)


def diff(
    graph: Graph, one: Any, names: Sequence[str], lines: Container[Any]
) -> tuple[list[str], Graph]:
    """What a pass changes in a graph, as lines, and the graph that it leaves.

    A line that begins with − is gone, one with + is new; others are what stands around them. A
    node keeps its number where it, or one like it in its place, is there before and after. Of the
    user's code only these `lines` are named: a pass makes nodes where nobody wrote any.
    """
    after, _ = everywhere(graph, one.run)
    rows = [list(_rows(g)) for g in (graph, after)]
    known = dict(zip(graph.inputs, names, strict=False))
    partners = _partners(*rows)
    _named(rows[0], known, {})
    _named(rows[1], known, partners)
    where = {r.node: r.node.line for each in rows for r in each if r.node.line in lines}
    where |= {n: where[p] for n, p in partners.items() if p in where}
    texts = [[_written(row, known, where.get(row.node)) for row in each] for each in rows]
    return list(_changed(*texts)), after


def lines_of(graph: Graph) -> set[Any]:
    """The lines of the user's code that the ops of a graph were written in."""
    return {row.node.line for row in _rows(graph)}


def _rows(graph: Graph, depth: int = 0) -> Iterator[Row]:
    for node in graph.order:
        if isinstance(node.op, (Constant, Pick, Input)):
            continue
        yield Row(node, depth)
        for name in BODIES.get(type(node.op), ()):
            yield from _rows(getattr(node.op, name), depth + 1)


def _partners(before: list[Row], after: list[Row]) -> dict[Node, Node]:
    """For nodes that are new, those that stood in their place."""
    kept = {row.node for row in before}
    match = SequenceMatcher(None, [r.key for r in before], [r.key for r in after], autojunk=False)
    pairs = ((a + k, b + k) for a, b, size in match.get_matching_blocks() for k in range(size))
    there = {row.node for row in after}
    return {
        after[b].node: before[a].node for a, b in pairs
        if after[b].node not in kept and before[a].node not in there
    }  # fmt: skip


def _named(rows: list[Row], known: dict[Node, str], partners: Mapping[Node, Node]) -> None:
    for row in rows:
        if row.node not in known:
            partner = partners.get(row.node)
            known[row.node] = f"%{len(known)}" if partner is None else known[partner]


def _called(node: Node, known: dict[Node, str]) -> str:
    if isinstance(node.op, Constant):
        return node.op.text
    if isinstance(node.op, Pick):
        return f"{known[node.inputs[0]]}.{node.op.index}"
    return known.setdefault(node, f"%{len(known)}")  # what a body is handed


def _written(row: Row, known: dict[Node, str], line: Any) -> str:
    node = row.node
    operands = [_called(i, known) for i in node.inputs]
    if isinstance(node.op, (Scan, Call)):  # what they are called in the body, which comes below
        inside = (_called(i, known) for i in node.op.body.inputs)
        operands = [f"{x} as {i}" for x, i in zip(operands, inside, strict=True)]
    made = f"{known[node]} = {node.op.name}{_settings(node)}({', '.join(operands)})"
    told = f"{'    ' * row.depth}{made}   {_kind(node)}"
    return f"{told}   {Line(*line)}" if line else told


def _settings(node: Node) -> str:
    """What an op was told besides its operands."""
    bodies = BODIES.get(type(node.op), ())
    found = [f"{k}={v}" for k, v in vars(node.op).items() if k not in bodies]
    return f"[{', '.join(found)}]" if found else ""


def _kind(node: Node) -> str:
    spec = node.spec
    return f"{spec.dtype} {spec.shape}" if isinstance(spec, Spec) else f"{len(spec)} values"


def _changed(before: list[str], after: list[str]) -> Iterator[str]:
    match = SequenceMatcher(None, before, after, autojunk=False)
    for k, group in enumerate(match.get_grouped_opcodes(AROUND)):
        if k:
            yield "  …"
        for tag, a, b, c, d in group:
            for sign, lines in (("delete", before[a:b]), ("insert", after[c:d])):
                if tag in (sign, "replace"):
                    yield from (f"{SIGNS[sign]} {line}" for line in lines)
            if tag == "equal":
                yield from (f"  {line}" for line in before[a:b])
