"""A scan taken apart, so that a pass can move things in and out of it, and put together again.

Data in: a graph, and a rule that changes the `Parts` of a scan and says how much it did. Data out:
the graph with those scans. Whatever a rule does, `values` says what now stands for each value that
the old scan had, in its order: carries after the last step, ys, then the carries before each step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ....graph.node import Node, Pick
from ....graph.walk import Graph, fold
from ....ops.scan import Scan
from .levels import Counted, again, replaced


@dataclass(eq=False)
class Handed:
    """A value that the body is handed: what it is inside, and outside."""

    inside: Node
    outside: Node


@dataclass(eq=False)
class Carry(Handed):
    """A value handed on from step to step."""

    after: Node
    origin: int  # which of the carries it was


@dataclass(eq=False)
class Parts:
    """The carries, xs, constants and ys of a scan; what its values were, in the old order."""

    op: Scan
    carries: list[Carry]
    xs: list[Handed]
    constants: list[Handed]
    ys: list[Node]
    origins: list[int]  # for each y, which of the ys it was; -1: it is new
    used: set[int]  # the values of the scan that are read
    given: dict[int, Callable[[], Node]] = field(default_factory=dict)  # values made outside
    node: Node | None = None

    @classmethod
    def of(cls, op: Scan, operands: tuple[Node, ...], used: set[int]) -> Parts:
        """The parts of a scan of these operands."""
        ins, outs = op.split(op.body.inputs), op.body.outputs
        starts, xs, constants = op.split(operands)
        carries = [
            Carry(i, o, a, k) for k, (i, o, a) in enumerate(zip(ins[0], starts, outs, strict=False))
        ]
        ys = list(outs[op.carries :])
        return cls(
            op, carries, [Handed(*p) for p in zip(ins[1], xs, strict=True)],
            [Handed(*p) for p in zip(ins[2], constants, strict=True)],
            ys, list(range(len(ys))), used,
        )  # fmt: skip

    @property
    def outputs(self) -> tuple[Node, ...]:
        """What the body returns."""
        return (*(c.after for c in self.carries), *self.ys)

    def last(self, carry: Carry) -> int:
        """Which value of the scan this carry is at the end."""
        return carry.origin

    def start(self, carry: Carry) -> int:
        """Which value of the scan the stacked starts of this carry are."""
        return len(self.op.body.outputs) + carry.origin

    def swap(self, nodes: dict[Node, Node]) -> dict[Node, Node]:
        """Nodes of the body in the place of others; gives what every node became."""
        made = replaced(self.outputs, nodes)
        for carry in self.carries:
            carry.after = made[carry.after]
        self.ys = [made[y] for y in self.ys]
        return made

    def collect(self, inside: Node) -> Callable[[], Node]:
        """A node of the body, stacked over the steps; to be asked for once the scan is made."""
        for x in self.xs:
            if x.inside is inside:
                return lambda: x.outside
        for carry in self.carries:
            if carry.inside is inside:
                return lambda: self._pick(len(self.outputs) + self.carries.index(carry))
        place = next((k for k, y in enumerate(self.ys) if y is inside), len(self.ys))
        if place == len(self.ys):
            self.ys.append(inside)
            self.origins.append(-1)
        return lambda: self._pick(len(self.carries) + place)

    def drop_y(self, place: int) -> None:
        """A y less. Only before anything was collected, since the others move up."""
        del self.ys[place], self.origins[place]

    def made(self) -> Node:
        """The scan of these parts."""
        if self.node is None:
            handed = [*self.carries, *self.xs, *self.constants]
            body = Graph(tuple(h.inside for h in handed), self.outputs)
            op = Scan(body, len(self.carries), len(self.xs), self.op.length, self.op.reverse)
            self.node = Node(op, tuple(h.outside for h in handed))
        return self.node

    def _pick(self, place: int) -> Node:
        return Node(Pick(place), (self.made(),))

    def values(self) -> list[Node | None]:
        """What stands for each value of the old scan; None for those nothing reads."""
        found: dict[int, Callable[[], Node]] = {}
        count, old = len(self.outputs), self.op
        for k, carry in enumerate(self.carries):
            found[self.last(carry)] = lambda k=k: self._pick(k)
            found[self.start(carry)] = lambda k=k: self._pick(count + k)
        for k, origin in enumerate(self.origins):
            if origin >= 0:
                found[old.carries + origin] = lambda k=k: self._pick(len(self.carries) + k)
        found |= self.given
        return [
            found[k]() if k in self.used else None
            for k in range(len(old.body.outputs) + old.carries)
        ]


def picked(graph: Graph) -> dict[Node, set[int]]:
    """For every node with several values, which of them are read."""
    found: dict[Node, set[int]] = {}
    for node in graph.order:
        if isinstance(node.op, Pick):
            found.setdefault(node.inputs[0], set()).add(node.op.index)
    return found


def scans(graph: Graph, rule: Callable[[Parts], int]) -> Counted:
    """Every scan of a graph as a rule leaves its parts; the rule says how much it did."""
    used = picked(graph)
    total = 0

    def one(node: Node, *xs):
        nonlocal total
        if isinstance(node.op, Pick) and type(xs[0]) is list:
            return xs[0][node.op.index]
        made = again(node, node.op, xs) if xs else node
        if not isinstance(node.op, Scan) or node.op.length < 2:
            return made
        parts = Parts.of(node.op, made.inputs, used.get(node, set()))
        count = rule(parts)
        total += count
        return parts.values() if count else made

    made = fold(graph.outputs, one)
    return Graph(graph.inputs, tuple(made[o] for o in graph.outputs)), total
