"""Schedule: products that only results are made of come as soon as they can.

Data in: a graph. Data out: its nodes in an order to compute them in, each after its operands.

A weight's gradient is asked for last and could be made first: while what it is made of is still
near, and so that this need not be kept until all gradients that came before are known. But it comes
after the products that go on from the same operand: they read the weight as it is, and what follows
on its gradient may write the new one over it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ....graph.node import Node
from ....graph.walk import Graph
from ....ops import contract
from ....ops.scan import Scan
from ..program import Program
from .views import LOOKS, looked_at


def schedule(graph: Graph) -> list[Node]:
    """The graph's nodes in an order to compute them in."""
    goes_on = _goes_on(graph)
    at: dict[Node, float] = {}  # where in the order each node comes
    read: dict[Node, float] = {}  # by an operand, just after the last product that goes on from it
    for k, node in enumerate(graph.order):
        if isinstance(node.op, contract.Matmul) and node in goes_on:
            read.update((looked_at(i), k + 0.5) for i in node.inputs)
    for k, node in enumerate(graph.order):
        ready = max((at[i] for i in node.inputs), default=-1.0)
        if isinstance(node.op, contract.Matmul) and node not in goes_on:
            at[node] = max(ready, *(read.get(looked_at(i), -1.0) for i in node.inputs))
        elif type(node.op) in LOOKS or not node.inputs:  # they cost nothing where they are read
            at[node] = ready
        else:
            at[node] = max(k, ready)
    places = {node: k for k, node in enumerate(graph.order)}
    return sorted(graph.order, key=lambda node: (at[node], places[node]))


def _goes_on(graph: Graph) -> set[Node]:
    """What another product or a scan is made of."""
    found: set[Node] = set()
    for node in reversed(graph.order):
        if node in found or isinstance(node.op, (contract.Matmul, Scan)):
            found.update(node.inputs)
    return found


def moved(before: Sequence[Node], after: Sequence[Node]) -> int:
    """How many products come before something now that they came after."""
    late = {node: k for k, node in enumerate(before)}
    count, first = 0, len(before)
    for node in reversed(after):
        count += isinstance(node.op, contract.Matmul) and late[node] > first
        first = min(first, late[node])
    return count


def early(program: Program) -> int:
    """How many products are made before they are asked for."""
    return program.early
