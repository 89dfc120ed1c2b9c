"""What is true of every graph, each truth a rule; `verify` holds them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .errors import GraphError
from .node import Captured, Constant, Input, Node
from .walk import Graph


def _operands_come_first(graph: Graph) -> Iterator[Node]:
    seen: set[Node] = set()
    for node in graph.order:
        if any(i not in seen for i in node.inputs):
            yield node
        seen.add(node)


def _leaves_are_given(graph: Graph) -> Iterator[Node]:
    given = set(graph.inputs)
    for node in graph.order:
        if not node.inputs and node not in given and not isinstance(node.op, Constant):
            yield node


def _inputs_are_inputs(graph: Graph) -> Iterator[Node]:
    seen: set[Node] = set()
    for node in graph.inputs:
        if not isinstance(node.op, Input) or node in seen:
            yield node
        seen.add(node)


def _no_numbers(graph: Graph) -> Iterator[Node]:
    return (node for node in graph.order if isinstance(node.op, Captured))


def _shapes_follow_the_rule(graph: Graph) -> Iterator[Node]:
    for node in graph.order:
        if node.spec != node.op.spec(*(i.spec for i in node.inputs)):
            yield node


def _equal_is_the_same(graph: Graph) -> Iterator[Node]:
    seen: dict[tuple, Node] = {}
    for node in graph.order:
        key = (node.op, tuple(map(id, node.inputs)))
        if seen.setdefault(key, node) is not node:
            yield node


INVARIANTS: tuple[tuple[str, Callable[[Graph], Iterator[Node]]], ...] = (
    ("operands come before what is made of them", _operands_come_first),
    ("a leaf is an input of the graph or a constant", _leaves_are_given),
    ("the inputs are distinct input nodes", _inputs_are_inputs),
    ("no node holds an array", _no_numbers),
    ("shape and dtype are what the op's rule says", _shapes_follow_the_rule),
    ("equal computations are the same node", _equal_is_the_same),
)


def verify(graph: Graph) -> Graph:
    """The graph, if every invariant holds; otherwise GraphError names the rule and the node."""
    for rule, broken_by in INVARIANTS:
        for node in broken_by(graph):
            raise GraphError(f"broken: {rule}; by {node!r}")
    return graph
