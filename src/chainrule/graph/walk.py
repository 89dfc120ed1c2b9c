"""The only traversals there are. They work on nodes and on tensors: on all with `.inputs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .namespace import XP
from .node import Captured, Constant, Input, Node, as_node


def order(outputs: Iterable[Any], leaves: Any = ()) -> list[Any]:
    """Everything the outputs depend on, operands before what is made of them.

    What lies below `leaves` is left out. Iterative, so that a chain of 100,000 ops is as good
    as one of three.
    """
    seen: set = set()
    done: list = []
    stack = list(outputs)[::-1]
    while stack:
        node = stack.pop()
        if node is None:  # all operands of the node below are done
            done.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            if node.inputs and node not in leaves:
                stack.append(node)
                stack.append(None)
                stack.extend(reversed(node.inputs))
            else:
                done.append(node)
    return done


def fold(outputs: Iterable[Any], rule: Callable[..., Any]) -> dict[Any, Any]:
    """Give `rule(node, *what it made of the operands)` for every node: every reader is this."""
    made: dict = {}
    for node in order(outputs):
        made[node] = rule(node, *[made[i] for i in node.inputs])
    return made


def users(outputs: Iterable[Any]) -> dict[Any, list]:
    """For every node, the nodes that read it, once for each operand that it is."""
    found: dict = {}
    for node in order(outputs):
        found.setdefault(node, [])
        for i in node.inputs:
            found[i].append(node)
    return found


@dataclass(frozen=True, eq=False)
class Graph:
    """A function as data: its inputs, and the nodes whose values it returns."""

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]

    @cached_property
    def order(self) -> tuple[Node, ...]:
        """All nodes, operands first."""
        return tuple(order(self.outputs))

    def run(self, values: Sequence[Any], xp: Any = XP) -> list[Any]:
        """The outputs' values for these inputs' values."""
        made: dict = dict(zip(self.inputs, values, strict=True))
        for node in self.order:
            if node not in made:
                made[node] = node.op.forward(xp, *[made[i] for i in node.inputs])
        return [made[o] for o in self.outputs]

    def replay(self, values: Sequence[Any]) -> list[Any]:
        """The same ops applied to other values, of any kind: tensors, nodes, symbols."""
        made: dict = dict(zip(self.inputs, values, strict=True))
        for node in self.order:
            if node not in made:
                made[node] = replay_node(node, [made[i] for i in node.inputs])
        return [made[o] for o in self.outputs]


def replay_node(node: Node, operands: list[Any]) -> Any:
    """One node's op, applied to these operands."""
    return node.op.value if isinstance(node.op, Constant) else node.op(*operands)


def capture(f: Callable[..., Sequence[Any]], inputs: Sequence[Node]) -> tuple[Graph, list[Any]]:
    """Trace `f` over these inputs: its graph, and the arrays it took from outside.

    The graph's inputs are the given ones, then one for each array taken from outside.
    """
    found = tuple(as_node(y) for y in f(*inputs))
    leaves = [n for n in order(found) if isinstance(n.op, Captured)]
    by_reference: dict[int, Node] = {}
    swap: dict[Node, Node] = {}
    outside = []
    for leaf in leaves:
        key = id(leaf.op.reference)
        if key not in by_reference:
            label = getattr(leaf.op.reference, "name", None) or ""
            by_reference[key] = Node(Input(leaf.op.spec(), label))
            outside.append(leaf.op.reference)
        swap[leaf] = by_reference[key]
    if swap:
        made = fold(found, lambda node, *xs: swap[node] if node in swap else Node(node.op, xs))
        found = tuple(made[y] for y in found)
    return Graph((*inputs, *by_reference.values()), found), outside
