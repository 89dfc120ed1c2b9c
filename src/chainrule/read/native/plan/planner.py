"""From a graph to kernels: which nodes are computed together in one loop, and what is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np

from ....graph.node import Constant, Node, Pick
from ....graph.walk import Graph
from ....ops import contract, move
from ....ops.family import BroadcastTo, Cast, Elementwise, Reshape
from ....ops.index import Gather, Scatter
from ....ops.loop import Cond
from ....ops.scan import Scan
from ....ops.slicing import Slice, Unslice, unfrozen
from ..kernels import branch, rows
from ..passes.anew import Anew
from ..passes.expand import has_code
from ..program import Buffer, Eager, Loop, Member, Program, Steps, View, bodies, steps, whole
from . import prepacked, scanned
from .deferred import Deferred
from .place import place, shared
from .reductions import is_reduction, places_between, plan_reduction
from .schedule import moved, schedule


class Planner(Deferred):
    """Takes nodes in order; every one joins the loop that its operands allow, or opens one."""

    def __init__(
        self, graph: Graph, without: Collection[str] = (), threads: int = 1, fixed: int = 0
    ):
        super().__init__()
        self.without, self.threads = without, threads
        self.kernels: list[Any] = []
        self.members: dict[Node, tuple[int, Member]] = {}
        self.views: dict[Node, View] = {}
        self.several: dict[Node, list[View]] = {}  # the values of an op that has more than one
        self.graph = graph
        self.after: dict[Node, int] = {}  # the first kernel that may read what lies in memory
        self.inputs = [Buffer(n.dtype, n.shape, 1 + k) for k, n in enumerate(graph.inputs)]
        for n, b in zip(graph.inputs, self.inputs, strict=True):
            self.views[n], self.after[n] = whole(b), 0
        # Of the last inputs of a scan's body, which are the same at every step.
        found = {} if "panels" in without else prepacked.panels(graph, fixed)
        more = {n: Buffer(n.dtype, p.shape, 1 + len(self.inputs) + k)
                for k, (n, p) in enumerate(found.items())}  # fmt: skip
        self.panels = {n: p.view(more[n]) for n, p in found.items()}
        self.laid = tuple(found.values())
        self.inputs += more.values()
        first = 1 + len(self.inputs)
        self.outputs = [Buffer(n.dtype, n.shape, first + k) for k, n in enumerate(graph.outputs)]
        self.homes: dict[Node, Buffer] = {}  # nodes that are returned: they are made in place
        for n, b in zip(graph.outputs, self.outputs, strict=True):
            self.homes.setdefault(n, b)
        self.spread = {i for n in graph.order if isinstance(n.op, (Elementwise, BroadcastTo))
                       for i in n.inputs if i.shape != n.shape}  # fmt: skip
        order = graph.order if "schedule" in without else schedule(graph)
        self.early = moved(graph.order, order)
        for node in order:
            if node not in self.views:
                self.take(node)
        for n, b in zip(graph.outputs, self.outputs, strict=True):
            self.give(n, b)
        places_between(self.kernels)

    def home(self, node: Node) -> View:
        """Memory for a node: where it is returned, or a place in the arena."""
        return whole(self.homes.get(node) or Buffer(node.dtype, node.shape))

    def take(self, node: Node) -> None:
        """A node into a kernel, or as a view of what is there."""
        op = node.op
        if isinstance(op, (Constant, Pick)) or self.is_view(node):
            if isinstance(op, Pick):
                self.views[node] = self.several[node.inputs[0]][op.index]
                self.after[node] = self.after[node.inputs[0]]
            return
        if _without_code(node):
            self.eagerly(node)
        elif isinstance(op, Cast) or (
            isinstance(op, Elementwise) and has_code(op, *(i.dtype for i in node.inputs))
        ):
            if "fuse" in self.without or not self.waits(node):
                self.join(node, "map", node.shape, node.inputs)
        elif is_reduction(op):
            plan_reduction(self, node)
        elif isinstance(op, Unslice):
            self.put_together(node, [(node.inputs[0], _as_view(op.key))], zeros=True)
        elif isinstance(op, move.Concat):
            self.put_together(node, _pieces(node))
        elif type(op) is contract.Matmul and _multiplied(node):
            self.multiply(node)
        elif not self.rare(node):
            self.eagerly(node)

    def rare(self, node: Node) -> bool:
        """Scans, branches and rows at indices as kernels of their own, where they can be."""
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
        if kernel is None:
            return False
        self.kernels.append(kernel)
        self.after[node] = len(self.kernels)
        if isinstance(op, Cond):
            self.several[node] = kernel.stores
        else:
            self.views[node] = kernel.stores[0]
        return True

    def body(self, graph: Graph, threads: int, fixed: int = 0) -> Program:
        """The program of a body, by the same passes; its last inputs may be `fixed`."""
        return plan(graph, self.without, threads, fixed)

    def gapless(self, node: Node) -> View:
        """The node in memory, without gaps."""
        view = self.read(node)
        return view if view.contiguous else self.copied(node)

    def is_view(self, node: Node) -> bool:
        """Whether a node is only another look at its operand, in which case it costs nothing."""
        op = node.op
        if isinstance(op, Anew):
            return self.anew(node)
        if isinstance(op, BroadcastTo):
            if self.number(node) is not None:
                return True
            view = self.read(node.inputs[0]).over(node.shape)
        elif isinstance(op, Reshape):
            view = self.read(node.inputs[0])
            if not view.contiguous:
                view = self.copied(node.inputs[0])
            view = View(view.buffer, node.shape, steps(node.shape), view.offset)
        elif isinstance(op, move.Permute):
            view = seen(self.read(node.inputs[0]), lambda x: x.transpose(op.axes))
        elif isinstance(op, move.Flip):
            view = seen(self.read(node.inputs[0]), lambda x: np.flip(x, op.axis) if x.ndim else x)
        elif isinstance(op, Slice):
            view = seen(self.read(node.inputs[0]), lambda x: x[_as_view(op.key)])
        else:
            return False
        self.views[node], self.after[node] = view, self.after[node.inputs[0]]
        return True

    def anew(self, node: Node) -> bool:
        """Another look at the first operand, which no kernel takes before the others are made."""
        first, *others = node.inputs
        self.views[node], after = self.read(first), self.after[first]
        for i in others:
            self.settle(i)
            after = max(
                after, self.members[i][0] + 1 if i in self.members else self.after.get(i, 0)
            )
        self.after[node] = after
        return True

    def number(self, node: Node) -> Any:
        """The one number that a node is everywhere, or None."""
        while isinstance(node.op, BroadcastTo):
            node = node.inputs[0]
        return node.op.value if isinstance(node.op, Constant) else None

    def read(self, node: Node) -> View:
        """The node in memory: it is written where it is made, if it was not yet."""
        if node not in self.views:
            if self.number(node) is not None:
                return self.copied(node)
            self.settle(node)
            where, member = self.members[node]
            if member.store is None:
                member.store = self.home(node)
            self.views[node], self.after[node] = member.store, where + 1
        return self.views[node]

    def copied(self, node: Node) -> View:
        """The node in memory of its own, without gaps."""
        twin = Buffer(node.dtype, node.shape)
        operand = self.number(node)
        operand = self.views[node] if operand is None else operand
        place = self.after.get(node, 0)
        member = Member(node, [operand], "copy", whole(twin))
        where = self.place(node.shape, place)
        self.kernels[where].members.append(member)
        self.views[node], self.after[node] = whole(twin), where + 1
        self.moved(node)
        return self.views[node]

    def place(self, shape: tuple[int, ...], least: int, by_row: bool = False) -> int:
        """The first loop over this shape from a kernel on; a new one where there is none.

        A product is made in tiles, and no tile sees a whole row: what needs one stays outside.
        """
        for k in range(least, len(self.kernels) if "fuse" not in self.without else 0):
            loop = self.kernels[k]
            if isinstance(loop, Loop) and loop.shape == shape and not (by_row and loop.product):
                return k
        self.kernels.append(Loop(shape))
        return len(self.kernels) - 1

    def join(
        self, node: Node, kind: str, shape: tuple[int, ...], inputs: Any, by_row: bool = False
    ) -> Member:
        """A node as a member of a loop over a shape."""
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
        where = self.place(shape, least, by_row)
        for i in inputs:
            self.settle(i, where)
        return self.add(node, kind, shape, inputs, where)

    def add(self, node: Node, kind: str, shape: tuple[int, ...], inputs: Any, where: int) -> Member:
        """A node as a member of this loop."""
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
            if not zeros and self.written_to(x, view):
                self.after[node] = max(self.after.get(node, 0), self.after[x])
                continue
            operand = self.read(x) if number is None else number
            where = self.place(x.shape, max(least, self.after.get(x, 0)))
            self.kernels[where].members.append(Member(x, [operand], "copy", view))
            self.after[node] = max(self.after.get(node, 0), where + 1)
        self.views[node] = store

    def written_to(self, node: Node, view: View) -> bool:
        """Whether a node could be written to this place by the loop that makes it."""
        self.settle(node)
        where, member = self.members.get(node, (0, None))
        if member is None or member.store is not None or node.dtype != view.dtype:
            return False
        member.store = view
        self.views[node], self.after[node] = view, where + 1
        return True

    def eagerly(self, node: Node) -> None:
        """An op left to NumPy."""
        number = [self.number(i) for i in node.inputs]
        operands = [
            self.read(i) if n is None else np.broadcast_to(n, i.shape)
            for i, n in zip(node.inputs, number, strict=True)
        ]
        many = type(node.spec) is tuple and not hasattr(node.spec, "shape")
        specs = node.spec if many else (node.spec,)
        values = [Node(Pick(k), (node,)) for k in range(len(specs))] if many else [node]
        stores = [self.home(v) for v in values]
        self.kernels.append(Eager(node, operands, stores))
        self.after[node] = len(self.kernels)
        if many:
            self.several[node] = stores
        else:
            self.views[node] = stores[0]

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
        where = self.place(node.shape, self.after.get(node, 0))
        self.kernels[where].members.append(Member(node, [operand], "copy", whole(out)))


def _multiplied(node: Node) -> bool:
    """Whether a product is one of matrices of numbers of one kind, none of which is empty."""
    kinds = {i.dtype for i in (node, *node.inputs)}
    ranks = min(i.ndim for i in node.inputs)
    sized = node.size and node.inputs[0].size
    return (
        bool(sized) and ranks >= 2 and len(kinds) == 1 and node.dtype.str[1:] in prepacked.NUMBERS
    )


def _without_code(node: Node) -> bool:
    """Whether a dtype takes part that machine code does not know: bytes in another order, complex
    and long numbers, and float16 (not every processor converts it, and no library is there to)."""
    several = type(node.spec) is tuple and not hasattr(node.spec, "shape")
    made: Any = node.spec if several else (node.spec,)
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


def _as_view(key: Any) -> tuple:
    """A key of basic indexing, under which NumPy gives an array even of one element."""
    found = unfrozen(key)
    return found if Ellipsis in found else (*found, Ellipsis)


def seen(view: View, look: Any) -> View:
    """A view through a function of arrays that copies nothing, such as a slice."""
    size = view.dtype.itemsize
    stand_in = np.zeros(1, view.dtype)
    strides = tuple(s * size for s in view.strides)
    before = np.lib.stride_tricks.as_strided(stand_in, view.shape, strides, writeable=False)
    after = look(before)
    moved = after.__array_interface__["data"][0] - before.__array_interface__["data"][0]
    return View(
        view.buffer, after.shape, tuple(s // size for s in after.strides),
        view.offset + moved // size,
    )  # fmt: skip


def plan(graph: Graph, without: Collection[str] = (), threads: int = 1, fixed: int = 0) -> Program:
    """The kernels of a graph, with places for all that lies between them."""
    made = Planner(graph, without, threads, fixed)
    program = Program(made.kernels, made.inputs, made.outputs, 0, made.laid, made.early)
    place(program, "place" not in without)
    return program


def counted(program: Program) -> dict[str, int]:
    """How often each of what follows on the passes did something, in bodies too."""
    found = Counter(schedule=program.early, place=shared(program), fuse=0, split=0, panels=0)
    for kernel in program.kernels:
        if isinstance(kernel, Loop):
            found["fuse"] += max(len(kernel.members) - 1, 0)
        if isinstance(kernel, Steps):
            found["split"] += kernel.parts > 1
            found["panels"] += len(kernel.body.panels)
        for body in bodies(kernel):
            found.update(counted(body))
    return dict(found)
