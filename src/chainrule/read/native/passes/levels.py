"""A pass over every level: a graph, and the bodies of its scans, calls and branches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ....graph.node import Node
from ....graph.walk import Graph, fold
from ....ops.loop import Call, Cond
from ....ops.scan import Scan

Counted = tuple[Graph, int]  # a graph, and how often the pass did something
BODIES = {Scan: ("body",), Call: ("body",), Cond: ("then", "other")}


def everywhere(graph: Graph, rule: Callable[[Graph], Counted]) -> Counted:
    """The rule applied to every body first, then to the graph that holds it."""
    done: dict[Graph, Graph] = {}
    total = 0

    def level(graph: Graph) -> Graph:
        nonlocal total
        if graph not in done:
            inside = fold(graph.outputs, rebuilt)
            done[graph], count = rule(Graph(graph.inputs, tuple(inside[o] for o in graph.outputs)))
            total += count
        return done[graph]

    def rebuilt(node: Node, *xs: Node) -> Node:
        op = node.op
        names = BODIES.get(type(op), ())
        bodies = {name: level(getattr(op, name)) for name in names}
        if any(bodies[name] is not getattr(op, name) for name in names):
            op = replace(op, **bodies)
        return again(node, op, xs)

    return level(graph), total


def again(node: Node, op: object, xs: tuple[Node, ...]) -> Node:
    """The node with this op and these operands: itself, where they are its own."""
    same = op is node.op and all(x is y for x, y in zip(xs, node.inputs, strict=True))
    return node if same else Node(op, xs, node.line)  # type: ignore[arg-type]


def replaced(outputs: tuple[Node, ...], swap: dict[Node, Node]) -> dict[Node, Node]:
    """Every node below the outputs, with some nodes put in the place of others."""
    return fold(outputs, lambda n, *xs: swap[n] if n in swap else again(n, n.op, xs))
