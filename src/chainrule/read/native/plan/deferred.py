"""Nodes of nothing but what lies in memory: computed where they are read first.

Such a node could be in any loop. Taken at once it would open one of its own, and what it makes
would go through memory: the momentum of a weight, before there is the product that its gradient
is. So it waits for the first node that reads it, and goes into the loop of that one.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, NamedTuple

from ....graph.node import Node
from ....graph.walk import order


class Others(NamedTuple):
    """All nodes but some."""

    some: Container[Node]

    def __contains__(self, node: Any) -> bool:
        return node not in self.some


class Deferred:
    """What of a planner puts nodes off."""

    number: Any
    place: Any
    add: Any
    members: dict[Node, Any]
    views: dict[Node, Any]
    after: dict[Node, int]
    spread: set[Node]  # what is broadcast where it is read: in memory, whoever makes it

    def __init__(self) -> None:
        self.waiting: dict[Node, int] = {}  # nodes put off, and the first loop they may be in
        self.wait_for: dict[Node, list[Node]] = {}  # by such a node, those that wait for it

    def waits(self, node: Node) -> bool:
        """Put a node off, where no loop makes one of its operands."""
        if node in self.spread:
            return False
        least, on = 0, []
        for i in node.inputs:
            if self.number(i) is not None:
                continue
            if i in self.waiting and i.shape == node.shape:
                least = max(least, self.waiting[i])
                on.append(i)
            elif i in self.views and i not in self.members:
                least = max(least, self.after[i])
            else:
                return False
        self.waiting[node] = least
        for i in on:
            self.wait_for.setdefault(i, []).append(node)
        return True

    def settle(self, node: Node, where: int | None = None) -> None:
        """A node that was put off, and all it waits for, into this loop or one that there is."""
        if node not in self.waiting:
            return
        at: int = self.place(node.shape, self.waiting[node]) if where is None else where
        settled = [n for n in order([node], Others(self.waiting)) if n in self.waiting]
        for n in settled:
            del self.waiting[n]
            self.add(n, "map", n.shape, n.inputs, at)
        self._not_before(at, [z for n in settled for z in self.wait_for.pop(n, ())])

    def moved(self, node: Node) -> None:
        """A node is read elsewhere from now on, where it is later than where it was read before."""
        readers = [n for n in self.waiting if any(i is node for i in n.inputs)]
        self._not_before(self.after[node], readers)

    def _not_before(self, at: int, later: list[Node]) -> None:
        """Nodes that were put off, and what waits for them, can be in no loop before this one."""
        while later:
            n = later.pop()
            if self.waiting.get(n, at) < at:
                self.waiting[n] = at
                later += self.wait_for.get(n, ())
