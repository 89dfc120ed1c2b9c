"""The chain rule on symbols: what every value hands down to each of its operands, as a graph.

The same `pull` that computes gradients walks over one value at a time, whose operands are
symbols; so what is shown is what is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...graph.chain import pull
from ...graph.errors import GraphError
from ...graph.namespace import XP
from ...graph.node import Captured, Input, Node, constant_node
from ...graph.walk import Graph, capture, order
from ...ops.family import Elementwise, broadcast_to
from ...read.simplify import simplify
from .reading import Reading


@dataclass(frozen=True, eq=False)
class Edge:
    """One way down: `reader` hands `down` to `operand`, a formula of its upstream gradient."""

    reader: Node
    operand: Node
    down: Node  # in terms of the symbols of values and of the upstream gradients
    local: Node | None  # what the upstream gradient is multiplied by; None: it is no product


@dataclass(frozen=True, eq=False)
class Sweep:
    """All edges on the path, and every gradient in terms of the gradients above it."""

    reading: Reading
    upstream: dict[Node, Node]  # the symbol of the gradient of the loss at every value
    edges: tuple[Edge, ...]  # readers from the loss down
    sums: dict[Node, Node]  # of all but the loss: what arrives, in terms of `upstream`
    values: dict[Node, Any] | None  # the numbers of every symbol, of values and of gradients
    _open: dict[Node, Node] = field(default_factory=dict)

    def into(self, n: Node) -> list[Edge]:
        """Who hands a gradient to this value, from the loss down."""
        return [e for e in self.edges if e.operand is n]

    def path(self, n: Node) -> list[Edge]:
        """The way from the loss down to a value, if only one leads there; else nothing."""
        found: list[Edge] = []
        while len(into := self.into(found[0].reader if found else n)) == 1:
            found.insert(0, into[0])
        return [] if into else found

    def out_of(self, n: Node) -> list[Edge]:
        """To whom this value hands its gradient on."""
        return [e for e in self.edges if e.reader is n]

    def in_values(self, n: Node) -> Node:
        """The gradient at a value, in terms of values only: no gradients in it."""
        if not self._open:
            _open_all(self)
        if n not in self._open:  # no way down carries anything: floor and sign pass on nothing
            return broadcast_to(constant_node(0.0, n.dtype), n.shape)
        return self._open[n]

    def gradient(self, n: Node) -> np.ndarray | None:
        """The numbers of the gradient of the loss at a value on the path."""
        return self.number(self.upstream[n] if n in self.sums else self.in_values(n))

    def number(self, expression: Node) -> np.ndarray | None:
        """What a formula of symbols comes to."""
        if self.values is None:
            return None
        return evaluated(expression, self.values)


def evaluated(expression: Node, values: dict[Node, Any]) -> np.ndarray:
    """The numbers of a node, from those of what it is made of."""
    made = dict(values)
    with np.errstate(all="ignore"):
        for n in order((expression,), values):
            if n in made:
                continue
            if isinstance(n.op, Captured):
                made[n] = np.asarray(n.op.reference)
            else:
                made[n] = n.op.forward(XP, *(made[i] for i in n.inputs))
    return np.asarray(made[expression])


def sweep(reading: Reading) -> Sweep:
    """Every edge on the path, from the loss down."""
    named, names = reading.stand, reading.names
    between = [*reading.active, *reading.leaf_targets]
    upstream = {n: Node(Input(n.spec, f"{names[n]}_g")) for n in between}
    one = broadcast_to(constant_node(1.0, reading.loss.dtype), reading.loss.shape)
    upstream[reading.loss] = one
    edges: list[Edge] = []
    for n in reversed(reading.active):
        for i, down in _handed_down(reading, n, upstream[n]).items():
            if down.shape != i.shape:
                raise GraphError(
                    f"derive: {names[n]} hands {down.shape} to {names[i]} {i.shape}; a gradient "
                    "has the shape of its value"
                )
            edges.append(Edge(n, i, down, _local(reading, n, i, upstream[n])))
    sums: dict[Node, Node] = {}
    for e in edges:
        before = sums.get(e.operand)
        sums[e.operand] = e.down if before is None else simplify([before + e.down])[0]
    locals_ = [e.local for e in edges if e.local is not None]
    values = _numbers(reading, upstream, sums, named, locals_)
    return Sweep(reading, upstream, tuple(edges), sums, values)


def _handed_down(reading: Reading, n: Node, g: Node) -> dict[Node, Node]:
    """What the upstream gradient `g` of one value becomes for each of its operands."""
    wanted = {reading.stand[i]: i for i in reading.operands(n) if i in reading.path}
    meaning = reading.means[n]
    found = pull(order((meaning,)), {meaning: g}, list(wanted))
    back = {meaning: reading.stand[n]}  # y(1 - y) is shown as a(1 - a), not with its formula
    back |= _alike(order(list(found.values())), reading)
    return {i: simplify([replaced(found[s], back)])[0] for s, i in wanted.items() if s in found}


def _alike(nodes: list[Node], reading: Reading) -> dict[Node, Node]:
    """Arrays that ops bring along (an identity matrix): the first of those that are the same."""
    swap = {}
    for n in nodes:
        if isinstance(n.op, Captured):
            x = np.asarray(n.op.reference)
            swap[n] = reading.constants.setdefault((x.shape, x.dtype.str, x.tobytes()), n)
    return swap


def _local(reading: Reading, n: Node, i: Node, g: Node) -> Node | None:
    """The local gradient, where the chain rule is a product element by element."""
    inner = order((reading.means[n],), set(reading.stand.values()))
    elementwise = all(isinstance(m.op, Elementwise) for m in inner if m.inputs)
    if n.size != 1 and not (elementwise and i.shape == n.shape):
        return None
    one = broadcast_to(constant_node(1.0, n.dtype), n.shape)
    return _handed_down(reading, n, one).get(i)


def replaced(expression: Node, swap: dict[Node, Node]) -> Node:
    """The formula with some of its nodes replaced."""
    made: dict[Node, Node] = {}
    for n in order((expression,), swap):
        if n in swap:
            made[n] = swap[n]
        else:
            made[n] = Node(n.op, tuple(made[i] for i in n.inputs)) if n.inputs else n
    return made[expression]


def substituted(expression: Node, swap: dict[Node, Node]) -> Node:
    """The formula with some symbols replaced by what they stand for, and made shorter."""
    return simplify([replaced(expression, swap)])[0]


def _open_all(sweep: Sweep) -> None:
    """Every gradient with all gradients above it written out."""
    made: dict[Node, Node] = {}
    opened = sweep._open
    loss = sweep.reading.loss
    opened[loss] = sweep.upstream[loss]
    for n in reversed([*sweep.reading.leaf_targets, *sweep.reading.active]):
        if n is loss or n not in sweep.sums:
            continue
        opened[n] = simplify([replaced(sweep.sums[n], made)])[0]
        made[sweep.upstream[n]] = opened[n]


def _numbers(
    reading: Reading, upstream: dict, sums: dict, stand: dict, more: list[Node]
) -> dict | None:
    """The numbers of every symbol: of values, of gradients, and of arrays that ops bring along."""
    if reading.values is None:
        return None
    values = {stand[n]: reading.values[n] for n in (*reading.shown, *reading.leaves)}
    for n in order([*reading.means.values(), *sums.values(), *more]):
        if isinstance(n.op, Captured):
            values[n] = np.asarray(n.op.reference)
    for n in reversed([*reading.leaf_targets, *reading.active]):
        if n is not reading.loss and n in sums:
            values[upstream[n]] = evaluated(sums[n], values)
    return values


def closed_graph(sweep: Sweep, n: Node) -> tuple[Graph, tuple | None]:
    """The gradient at a value as a graph, of the leaves first; and the numbers to run it with."""
    reading = sweep.reading
    formula = sweep.in_values(n)
    for v in reversed(reading.shown):
        formula = replaced(formula, {reading.stand[v]: reading.means[v]})
    graph, outside = capture(lambda *_: [formula], reading.leaves)
    if reading.values is None:
        return graph, None
    return graph, (*(reading.values[x] for x in reading.leaves), *map(np.asarray, outside))
