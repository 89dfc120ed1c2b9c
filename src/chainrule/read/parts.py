"""Which nodes are read, under which names, and which of them get a line of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..graph.node import Constant, Node, Pick
from ..graph.walk import fold, order, users
from ..ops.elementwise import negative, positive
from ..ops.family import BroadcastTo, Cast, Reshape
from ..ops.move import Permute
from ..ops.slicing import Slice
from .simplify import leaf_of
from .symbols import names_of, pool
from .unfold import unfolded

NAMES = "epqrsuvwyzabcdfgh"
# What is as short as its operand is not worth a name.
SHORT = (BroadcastTo, Cast, Reshape, Permute, Pick, Slice, type(negative), type(positive))


@dataclass(frozen=True)
class Parts:
    """What is asked for, the symbols of nodes, and those that are defined on lines of their own."""

    asked: tuple[Node, ...]
    names: dict[Node, str]
    shared: tuple[Node, ...]
    twins: dict[Any, Node]

    @staticmethod
    def of(
        nodes: Any, names: Mapping[Any, str], share: Mapping[Any, str] | bool | None,
        stacks: bool = False, also: Collection[Any] = (),
    ) -> Parts:  # fmt: skip
        """From what a reader is called with."""
        several = list(nodes) if isinstance(nodes, Sequence) else [nodes]
        chosen: Mapping[Any, str] = share if isinstance(share, Mapping) else {}
        plain = _as_nodes([*several, *names, *chosen, *also])
        flat = unfolded(list(plain.values()), stacks)
        twins = {x: flat[n] for x, n in plain.items()} | flat
        asked = tuple(twins[x] for x in several)
        given = {twins[x]: name for x, name in names.items()}
        wanted = {twins[x]: name for x, name in chosen.items()}
        symbols = names_of(asked, given, wanted)
        if share is True:
            symbols |= _chosen(asked, symbols, capitals=stacks)
            wanted = {n: s for n, s in symbols.items() if n.inputs and n not in given}
        symbols = {n: s for n, s in symbols.items() if not isinstance(n.op, Constant)}
        return Parts(asked, symbols, tuple(n for n in wanted if n.inputs), twins)

    def twin(self, x: Any) -> Any:
        """The node that stands for a tensor or node of the caller's."""
        return self.twins.get(x, x)

    def in_order(self, nodes: Collection[Node]) -> list[Node]:
        """These nodes, operands first."""
        return [n for n in order(nodes) if n in nodes]


def _as_nodes(values: Sequence[Any]) -> dict[Any, Node]:
    """Nodes as they are; of tensors the tapes as one graph, in which a tensor is one node."""
    tensors = [x for x in values if type(x) is not Node]
    made = fold(tensors, lambda t, *xs: Node(t.op, xs) if xs else leaf_of(t))
    return {x: made.get(x, x) for x in values}


def _chosen(asked: Sequence[Node], symbols: Mapping[Node, str], capitals: bool) -> dict[Node, str]:
    """Names for what is read more than once and is longer than a name; capitals for matrices."""
    read, results = users(asked), set(asked)
    nodes = [n for n in order(asked, leaves=symbols) if n not in symbols and n.inputs]
    repeated = [
        n for n in nodes
        if not _short(n) and type(n.spec) is not tuple and n not in results
        and len(set(_readers(n, read))) > 1
    ]  # fmt: skip
    taken = set(symbols.values())
    small, large = iter(pool(taken, NAMES)), iter(pool(taken, NAMES.upper()))
    matrix = {n: capitals and min((*n.shape, 1, 1)[:2]) > 1 for n in repeated}
    return {n: next(large if matrix[n] else small) for n in repeated}


def _short(node: Node) -> bool:
    return isinstance(node.op, SHORT) or node.op.latex == "#1"


def _readers(node: Node, read: Mapping[Node, list[Node]]) -> list[Node]:
    """What reads a node, through ops that change nothing."""
    found: list[Node] = []
    for user in read[node]:
        found += _readers(user, read) if _short(user) else [user]
    return found
