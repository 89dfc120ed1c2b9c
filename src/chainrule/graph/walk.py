"""The only traversals there are. They work on nodes and on tensors: on all with `.inputs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .errors import GraphError
from .namespace import XP
from .node import Captured, Constant, Input, Node, as_node
from .op import explain


def order(outputs: Iterable[Any], leaves: Any = ()) -> list[Any]:
    """Everything the outputs depend on, operands before what is made of them.

    What lies below `leaves` is left out. Iterative, so that a chain of 100,000 ops is as good
    as one of three.
    """
    seen: set = set()
    done: list = []
    path: list = []  # the nodes being looked into, and for each its operands still to look at
    rest = [iter(tuple(outputs))]
    while rest:
        for node in rest[-1]:
            if node in seen:
                continue
            seen.add(node)
            if node.inputs and node not in leaves:
                path.append(node)
                rest.append(iter(node.inputs))
                break
            done.append(node)
        else:
            rest.pop()
            if path:
                done.append(path.pop())
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

    def remember(self, what: str, make: Callable[[Graph], Any]) -> Any:
        """What was made of this graph once; it lives as long as the graph does."""
        if what not in self._made:
            self._made[what] = make(self)
        return self._made[what]

    @cached_property
    def _made(self) -> dict[str, Any]:
        return {}

    @cached_property
    def order(self) -> tuple[Node, ...]:
        """All nodes, operands first."""
        return tuple(order(self.outputs))

    def run(self, values: Sequence[Any], xp: Any = XP) -> list[Any]:
        """The outputs' values for these inputs' values."""
        made = self._with(values)
        for node in self.order:
            if node not in made:
                xs = [made[i] for i in node.inputs]
                try:
                    made[node] = node.op.forward(xp, *xs)
                except Exception as error:
                    raise (
                        error if xp is not XP else explain(node.op, tuple(xs), error, node.line)
                    ) from None
        return [made[o] for o in self.outputs]

    def replay(self, values: Sequence[Any]) -> list[Any]:
        """The same ops applied to other values, of any kind: tensors, nodes, symbols."""
        made = self._with(values)
        for node in self.order:
            if node not in made:
                made[node] = replay_node(node, [made[i] for i in node.inputs])
        return [made[o] for o in self.outputs]

    def _with(self, values: Sequence[Any]) -> dict:
        if len(values) != len(self.inputs):
            raise GraphError(
                f"run: the graph has {len(self.inputs)} inputs, and {len(values)} values were "
                "given; what a function took from outside comes after its arguments"
            )
        return dict(zip(self.inputs, values, strict=True))

    def over(self, inputs: Sequence[Node]) -> Graph:
        """The same graph, as a function of these inputs, of which it reads the first ones."""
        made: dict = dict(zip(self.inputs, inputs, strict=False))
        for node in self.order:
            if node not in made:
                made[node] = Node(node.op, tuple(made[i] for i in node.inputs), node.line)
        return Graph(tuple(inputs), tuple(made[o] for o in self.outputs))


def replay_node(node: Node, operands: list[Any]) -> Any:
    """One node's op, applied to these operands."""
    return node.op.value if isinstance(node.op, Constant) else node.op(*operands)


def capture(f: Callable[..., Sequence[Any]], inputs: Sequence[Node]) -> tuple[Graph, list[Any]]:
    """Trace `f` over these inputs: its graph, and what it took from outside.

    The graph's inputs are the given ones, then one for each array, tensor or node of an outer
    trace that `f` reads without having been handed it.
    """
    found = tuple(as_node(y) for y in f(*inputs))
    by_reference: dict[int, Node] = {}
    swap: dict[Node, Node] = {}
    outside = []
    for node in _from_outside(found, inputs):
        reference = node.op.reference if isinstance(node.op, Captured) else node
        key = id(reference)
        if key not in by_reference:
            label = getattr(reference, "name", None) or ""
            by_reference[key] = Node(Input(node.spec, label))
            outside.append(reference)
        swap[node] = by_reference[key]
    if swap:
        made = fold(found, lambda n, *xs: swap[n] if n in swap else Node(n.op, xs, n.line))
        found = tuple(made[y] for y in found)
    return Graph((*inputs, *by_reference.values()), found), outside


def _from_outside(outputs: Sequence[Node], inputs: Sequence[Node]) -> list[Node]:
    """What these outputs read that was there before them: not made of the inputs, no constant.

    An expression of an outer trace counts as one value, so that a loop over this graph does not
    compute it again at every step.
    """
    handed, foreign = set(inputs), set()
    border: dict[Node, None] = {}  # a set that keeps its order
    for node in order(outputs):
        if node in handed:
            continue
        if any(i in handed for i in node.inputs):
            handed.add(node)
        elif isinstance(node.op, Input) or any(i in foreign for i in node.inputs):
            foreign.add(node)
            continue
        elif isinstance(node.op, Captured):
            border[node] = None
        border.update((i, None) for i in node.inputs if i in foreign)
    border.update((y, None) for y in outputs if y in foreign)
    return list(border)
