"""Fuse: which loop computes a node, so that what it makes is read in a register where it can be.

Data in: nodes, one after the other, operands first. Data out: kernels in order, each loop with the
members that it computes at every place. Invariant: a kernel reads nothing of a later one.

A node joins the first loop over its shape that its operands allow, or opens one:

    e = exp(x)       loop 0 over (64, 32):  e, y            e stays in a register
    s = sum(e)       loop 0:                e, s            a reduction gathers over the same loop
    y = e * x
    z = y / s        loop 1 over (64, 32):  z               s is there only after all of loop 0

A node of nothing but what lies in memory could be in any loop. Taken at once it would open one of
its own, and what it makes would go through memory: the momentum of a weight, before there is the
product that its gradient is. So it is put off until the first node that reads it, and goes into the
loop of that one.

Switched off, every node has a loop to itself, and all values go through memory.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, NamedTuple

from ....graph.node import Constant, Node
from ....graph.walk import order
from ....ops.family import BroadcastTo
from ..program import Buffer, Loop, Member, Program, View, whole


def fused(program: Program) -> int:
    """How many nodes joined a loop that there was already."""
    return sum(max(len(k.members) - 1, 0) for k in program.kernels if isinstance(k, Loop))


class Others(NamedTuple):
    """All nodes but some."""

    some: Container[Node]

    def __contains__(self, node: Any) -> bool:
        return node not in self.some


class Fusion:
    """The kernels so far, and where every node is.

    in a register: members[node], the loop that computes it and what it is there;
    in memory: views[node], which the kernels from after[node] on may read;
    put off: waiting[node], the first loop that it may join;
    nowhere: a number, which is written where it is read.
    """

    def __init__(self, on: bool, homes: dict[Node, Buffer], spread: set[Node]):
        self.on = on
        self.homes = homes  # nodes that are returned: they are made in place
        self.spread = spread  # what is broadcast where it is read: in memory, whoever makes it
        self.kernels: list[Any] = []
        self.members: dict[Node, tuple[int, Member]] = {}
        self.views: dict[Node, View] = {}
        self.after: dict[Node, int] = {}
        self.waiting: dict[Node, int] = {}
        self.wait_for: dict[Node, list[Node]] = {}  # by a node put off, those that wait for it

    # Where values are -------------------------------------------------------------------------

    def number(self, node: Node) -> Any:
        """The one number that a node is everywhere, or None."""
        while isinstance(node.op, BroadcastTo):
            node = node.inputs[0]
        return node.op.value if isinstance(node.op, Constant) else None

    def home(self, node: Node) -> View:
        """Memory for a node: where it is returned, or a place in the arena."""
        return whole(self.homes.get(node) or Buffer(node.dtype, node.shape))

    def read(self, node: Node) -> View:
        """The node in memory: the loop that makes it stores it there, if it did not yet."""
        if node not in self.views:
            if self.number(node) is not None:
                return self.copied(node)
            self.settle(node)
            where, member = self.members[node]
            if member.store is None:
                member.store = self.home(node)
            self.views[node], self.after[node] = member.store, where + 1
        return self.views[node]

    def gapless(self, node: Node) -> View:
        """The node in memory, without gaps."""
        view = self.read(node)
        return view if view.contiguous else self.copied(node)

    def copied(self, node: Node) -> View:
        """The node in memory of its own, without gaps, from now on."""
        twin = whole(Buffer(node.dtype, node.shape))
        number = self.number(node)
        operand = self.views[node] if number is None else number
        where = self.loop_over(node.shape, self.after.get(node, 0))
        self.kernels[where].members.append(Member(node, [operand], "copy", twin))
        self.views[node], self.after[node] = twin, where + 1
        readers = [n for n in self.waiting if any(i is node for i in n.inputs)]
        self._not_before(where + 1, readers)
        return twin

    # Which loop computes what -----------------------------------------------------------------

    def loop_over(self, shape: tuple[int, ...], least: int, by_row: bool = False) -> int:
        """The first loop over this shape from a kernel on; a new one where there is none.

        A product is made in tiles, and no tile sees a whole row: what needs one stays outside.
        """
        for k in range(least, len(self.kernels) if self.on else 0):
            loop = self.kernels[k]
            if isinstance(loop, Loop) and loop.shape == shape and not (by_row and loop.product):
                return k
        self.kernels.append(Loop(shape))
        return len(self.kernels) - 1

    def join(
        self, node: Node, kind: str, shape: tuple[int, ...], inputs: Any, by_row: bool = False
    ) -> Member:
        """A node as a member of the first loop over a shape that its operands allow."""
        least = 0
        for i in inputs:
            if self.number(i) is not None:
                continue
            if i in self.waiting and i.shape == shape:
                least = max(least, self.waiting[i])
            elif i in self.members and i.shape == shape:
                least = max(least, self.members[i][0])
            else:
                self.read(i)
                least = max(least, self.after[i])
        where = self.loop_over(shape, least, by_row)
        for i in inputs:
            self.settle(i, where)
        return self._add(node, kind, shape, inputs, where)

    def _add(
        self, node: Node, kind: str, shape: tuple[int, ...], inputs: Any, where: int
    ) -> Member:
        """A node as a member of this loop. What it reads is a register's where it is made there;
        what is reduced lies in memory, since no loop sees it before its end."""
        operands: list[Any] = []
        for i in inputs:
            number = self.number(i)
            if number is not None:
                operands.append(number)
            elif i.shape == shape and self.members.get(i, (None,))[0] == where:
                operands.append(self.members[i][1])
            else:
                operands.append(self.read(i).over(shape))
        member = Member(node, operands, kind)
        self.kernels[where].members.append(member)
        if kind == "map":
            self.members[node] = (where, member)
        else:
            member.store = self.home(node)
            self.views[node], self.after[node] = member.store, where + 1
        return member

    # What is put off --------------------------------------------------------------------------

    def put_off(self, node: Node) -> bool:
        """Put a node off, if it is of nothing but what lies in memory; whether it was."""
        if not self.on or node in self.spread:
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
        at = self.loop_over(node.shape, self.waiting[node]) if where is None else where
        settled = [n for n in order([node], Others(self.waiting)) if n in self.waiting]
        for n in settled:
            del self.waiting[n]
            self._add(n, "map", n.shape, n.inputs, at)
        self._not_before(at, [z for n in settled for z in self.wait_for.pop(n, ())])

    def _not_before(self, at: int, later: list[Node]) -> None:
        """Nodes that were put off, and what waits for them, can be in no loop before this one."""
        while later:
            n = later.pop()
            if self.waiting.get(n, at) < at:
                self.waiting[n] = at
                later += self.wait_for.get(n, ())
