"""Plan: from a graph to a program, the kernels of which lie over one arena.

Data in: a graph after the passes, of ops that have kernels (others are left to NumPy). Data out: a
`Program`, and the same for the body of every scan and branch within it. Invariant: what a kernel
reads was written by one before it, which `verify` checks.

    graph ─ schedule ─▶ its nodes in order ─ Planner, by fuse ─▶ kernels ─ place ─▶ program
                                               │
                        a scan: split, panels, then `plan` for its body
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from ....graph.node import Constant, Node, Pick
from ....graph.walk import Graph
from ....ops import contract, move
from ....ops.family import BroadcastTo, Cast, Elementwise
from ....ops.index import Gather, Scatter
from ....ops.loop import Cond
from ....ops.scan import Scan
from ....ops.slicing import Unslice
from ..kernels import branch, rows
from ..passes.anew import Anew
from ..passes.expand import has_code
from ..program import Buffer, Eager, Loop, Member, Program, View, whole
from . import scanned
from .fuse import Fusion
from .panels import NUMBERS, panels
from .place import place
from .reductions import is_reduction, partial_sums, plan_reduction
from .schedule import moved, schedule
from .views import LOOKS, as_view, seen


def plan(graph: Graph, without: Collection[str] = (), threads: int = 1, fixed: int = 0) -> Program:
    """The kernels of a graph, with places for all that lies between them.

    Of a scan's body the last inputs may be `fixed`, which is to say the same at every step.
    """
    order = graph.order if "schedule" in without else schedule(graph)
    made = Planner(graph, without, threads, fixed)
    made.take_all(order)
    partial_sums(made.kernels)
    early = moved(graph.order, order)
    program = Program(made.kernels, made.inputs, made.outputs, 0, made.laid, early)
    place(program, "place" not in without)
    return program


class Planner(Fusion):
    """Takes nodes in order: each becomes a view of what is there, joins a loop, or is a kernel."""

    def __init__(
        self, graph: Graph, without: Collection[str] = (), threads: int = 1, fixed: int = 0
    ):
        self.graph, self.without, self.threads = graph, without, threads
        self.inputs = [Buffer(n.dtype, n.shape, 1 + k) for k, n in enumerate(graph.inputs)]
        given = [*zip(graph.inputs, self.inputs, strict=True)]
        found = {} if "panels" in without else panels(graph, fixed)
        more = {n: Buffer(n.dtype, p.shape, 1 + len(self.inputs) + k)
                for k, (n, p) in enumerate(found.items())}  # fmt: skip
        self.panels = {n: p.view(more[n]) for n, p in found.items()}
        self.laid = tuple(found.values())
        self.inputs += more.values()
        first = 1 + len(self.inputs)
        self.outputs = [Buffer(n.dtype, n.shape, first + k) for k, n in enumerate(graph.outputs)]
        homes: dict[Node, Buffer] = {}
        for n, b in zip(graph.outputs, self.outputs, strict=True):
            homes.setdefault(n, b)
        spread = {i for n in graph.order if isinstance(n.op, (Elementwise, BroadcastTo))
                  for i in n.inputs if i.shape != n.shape}  # fmt: skip
        super().__init__("fuse" not in without, homes, spread)
        for n, b in given:
            self.views[n], self.after[n] = whole(b), 0
        self.several: dict[Node, list[View]] = {}  # the values of an op that has more than one

    def take_all(self, order: Iterable[Node]) -> None:
        """All nodes, each after its operands; then the outputs into the buffers of theirs."""
        for node in order:
            if node not in self.views:
                self.take(node)
        for n, b in zip(self.graph.outputs, self.outputs, strict=True):
            self.give(n, b)

    def take(self, node: Node) -> None:
        """A node into a kernel, or as a view of what is there."""
        op = node.op
        if isinstance(op, Constant) or self.looks(node):
            return
        if _without_code(node):
            self.eagerly(node)
        elif isinstance(op, Cast) or (
            isinstance(op, Elementwise) and has_code(op, *(i.dtype for i in node.inputs))
        ):
            if not self.put_off(node):
                self.join(node, "map", node.shape, node.inputs)
        elif is_reduction(op):
            plan_reduction(self, node)
        elif isinstance(op, Unslice):
            self.put_together(node, [(node.inputs[0], as_view(op.key))], zeros=True)
        elif isinstance(op, move.Concat):
            self.put_together(node, _pieces(node))
        elif type(op) is contract.Matmul and _multiplied(node):
            self.multiply(node)
        elif not self.kernel_of_its_own(node):
            self.eagerly(node)

    # Views ------------------------------------------------------------------------------------

    def looks(self, node: Node) -> bool:
        """Take a node that is only another look at what is there; whether it is such a one."""
        if isinstance(node.op, Pick):
            self.views[node] = self.several[node.inputs[0]][node.op.index]
        elif isinstance(node.op, Anew):
            self.anew(node)
            return True
        elif type(node.op) not in LOOKS:
            return False
        elif self.number(node) is not None:
            return True
        else:
            self.views[node] = LOOKS[type(node.op)](self, node)
        self.after[node] = self.after[node.inputs[0]]
        return True

    def anew(self, node: Node) -> None:
        """Another look at the first operand, which no kernel takes before the others are made."""
        first, *others = node.inputs
        self.views[node], after = self.read(first), self.after[first]
        for i in others:
            self.settle(i)
            after = max(
                after, self.members[i][0] + 1 if i in self.members else self.after.get(i, 0)
            )
        self.after[node] = after

    # Kernels ----------------------------------------------------------------------------------

    def multiply(self, node: Node) -> None:
        """A matrix product opens a loop that others join."""
        batch = node.shape[:-2]
        a, b = (self.read(i).over((*batch, *i.shape[-2:])) for i in node.inputs)
        member = Member(node, [a, b if batch else self.panels.get(node.inputs[1], b)], "product")
        self.kernels.append(Loop(node.shape, [member]))
        self.members[node] = (len(self.kernels) - 1, member)

    def put_together(self, node: Node, pieces: list, zeros: bool = False) -> None:
        """An array written piece by piece, into zeros where the pieces leave gaps."""
        store = self.home(node)
        least = 0
        if zeros:
            nothing = Member(node, [node.dtype.type(0)], "copy", store)
            self.kernels.append(Loop(node.shape, [nothing]))
            least = len(self.kernels)
        for x, key in pieces:
            number = self.number(x)
            view = seen(store, lambda a, key=key: a[key])
            if not zeros and self.made_in(x, view):
                self.after[node] = max(self.after.get(node, 0), self.after[x])
                continue
            operand = self.read(x) if number is None else number
            where = self.loop_over(x.shape, max(least, self.after.get(x, 0)))
            self.kernels[where].members.append(Member(x, [operand], "copy", view))
            self.after[node] = max(self.after.get(node, 0), where + 1)
        self.views[node] = store

    def made_in(self, node: Node, view: View) -> bool:
        """Let the loop that makes a node store it in this place; whether that can be."""
        self.settle(node)
        where, member = self.members.get(node, (0, None))
        if member is None or member.store is not None or node.dtype != view.dtype:
            return False
        member.store = view
        self.views[node], self.after[node] = view, where + 1
        return True

    def give(self, node: Node, out: Buffer) -> None:
        """An output into the buffer it is returned in."""
        self.settle(node)
        found = self.members.get(node)
        if found is not None and found[1].store is None:
            found[1].store = whole(out)
            self.views[node], self.after[node] = whole(out), found[0] + 1
            return
        if node in self.views and self.views[node].buffer is out:
            return
        number = self.number(node)
        operand = self.read(node).over(node.shape) if number is None else number
        where = self.loop_over(node.shape, self.after.get(node, 0))
        self.kernels[where].members.append(Member(node, [operand], "copy", whole(out)))

    def kernel_of_its_own(self, node: Node) -> bool:
        """A scan, a branch or rows at indices, if it can be machine code; whether it can."""
        op = node.op
        if isinstance(op, Scan):
            return scanned.planned(self, node)
        if isinstance(op, (Gather, Scatter)):
            kernel: Any = rows.planned(self, node)
        elif isinstance(op, Cond):
            picks = [Node(Pick(k), (node,)) for k in range(len(node.spec))]
            then, other = (self.body(body, 1) for body in (op.then, op.other))
            kernel = branch.planned(self, node, then, other, picks)
        else:
            return False
        if kernel is not None:
            self._own(node, kernel, several=isinstance(op, Cond))
        return kernel is not None

    def eagerly(self, node: Node) -> None:
        """An op left to NumPy."""
        number = [self.number(i) for i in node.inputs]
        operands = [
            self.read(i) if n is None else np.broadcast_to(n, i.shape)
            for i, n in zip(node.inputs, number, strict=True)
        ]
        many = _has_several(node)
        specs = node.spec if many else (node.spec,)
        values = [Node(Pick(k), (node,)) for k in range(len(specs))] if many else [node]
        self._own(node, Eager(node, operands, [self.home(v) for v in values]), many)

    def _own(self, node: Node, kernel: Any, several: bool) -> None:
        """A node as this kernel, which stores its value, or its several values."""
        self.kernels.append(kernel)
        self.after[node] = len(self.kernels)
        if several:
            self.several[node] = kernel.stores
        else:
            self.views[node] = kernel.stores[0]

    def body(self, graph: Graph, threads: int, fixed: int = 0) -> Program:
        """The program of a body, planned in the same way."""
        return plan(graph, self.without, threads, fixed)


def _has_several(node: Node) -> bool:
    """Whether its value is a tuple of arrays, which are picked from it."""
    return type(node.spec) is tuple and not hasattr(node.spec, "shape")


def _multiplied(node: Node) -> bool:
    """Whether a product is one of matrices of numbers of one kind, none of which is empty."""
    kinds = {i.dtype for i in (node, *node.inputs)}
    ranks = min(i.ndim for i in node.inputs)
    sized = node.size and node.inputs[0].size
    return bool(sized) and ranks >= 2 and len(kinds) == 1 and node.dtype.str[1:] in NUMBERS


def _without_code(node: Node) -> bool:
    """Whether a dtype takes part that machine code does not know: bytes in another order, complex
    and long numbers, and float16 (not every processor converts it, and no library is there to)."""
    made: Any = node.spec if _has_several(node) else (node.spec,)
    dtypes = {x.dtype for x in (*made, *node.inputs) if hasattr(x, "dtype")}
    return any(not d.isnative or d.itemsize > 8 or d == np.float16 for d in dtypes)


def _pieces(node: Node) -> list[tuple[Node, tuple]]:
    """The operands of a concatenation, and where each lies in it."""
    axis, start, found = node.op.axis % node.ndim, 0, []
    for x in node.inputs:
        stop = start + x.shape[axis]
        found.append((x, (*(slice(None),) * axis, slice(start, stop))))
        start = stop
    return found
