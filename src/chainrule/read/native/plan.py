"""From a graph to kernels: which nodes are computed together in one loop, and what is written."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from ...graph.node import Constant, Node, Pick
from ...graph.walk import Graph
from ...ops import contract, move, reduce
from ...ops.family import BroadcastTo, Cast, Elementwise, Reshape, SumTo, reduced
from ...ops.index import Gather, Scatter
from ...ops.loop import Cond
from ...ops.scan import Scan
from ...ops.slicing import Slice, Unslice, unfrozen
from . import branch, rows, scanned
from .passes.expand import has_code
from .place import place
from .program import Buffer, Eager, Loop, Member, Program, View, steps, whole

ASKED = {"any": "sum", "all": "prod"}  # of truths
REDUCED = {reduce.Sum: "sum", reduce.Max: "max", reduce.Min: "min", reduce.Prod: "prod"}
NUMBERS = ("f4", "f8", "i4", "i8")  # what products are made of


class Planner:
    """Takes nodes in order; every one joins the loop that its operands allow, or opens one."""

    def __init__(self, graph: Graph, without: Collection[str] = (), threads: int = 1):
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
        first = 1 + len(self.inputs)
        self.outputs = [Buffer(n.dtype, n.shape, first + k) for k, n in enumerate(graph.outputs)]
        self.homes: dict[Node, Buffer] = {}  # nodes that are returned: they are made in place
        for n, b in zip(graph.outputs, self.outputs, strict=True):
            self.homes.setdefault(n, b)
        for node in graph.order:
            if node not in self.views:
                self.take(node)
        for n, b in zip(graph.outputs, self.outputs, strict=True):
            self.give(n, b)

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
            self.join(node, "map", node.shape, node.inputs)
        elif type(op) in REDUCED or isinstance(op, SumTo) or _question(op) in ASKED:
            self.reduce(node)
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

    def body(self, graph: Graph, threads: int) -> Program:
        """The program of a body, by the same passes."""
        return plan(graph, self.without, threads)

    def gapless(self, node: Node) -> View:
        """The node in memory, without gaps."""
        view = self.read(node)
        return view if view.contiguous else self.copied(node)

    def is_view(self, node: Node) -> bool:
        """Whether a node is only another look at its operand, in which case it costs nothing."""
        op = node.op
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
        least, from_loop = 0, {}
        for i in inputs:
            if self.number(i) is not None:
                continue
            if i in self.members and i.shape == shape:
                where, member = self.members[i]
                least = max(least, where)
                from_loop[i] = where
            else:
                self.read(i)
                least = max(least, self.after[i])
        where = self.place(shape, least, by_row)
        operands: list[Any] = []
        for i in inputs:
            number = self.number(i)
            if number is not None:
                operands.append(number)
            elif from_loop.get(i) == where:
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

    def reduce(self, node: Node) -> None:
        """A reduction as a member of a loop over its operand's shape."""
        (x,) = node.inputs
        if isinstance(node.op, SumTo):
            extra = x.ndim - node.ndim
            keeps = tuple(
                k for k in range(extra, x.ndim) if node.shape[k - extra] != 1 or x.shape[k] == 1
            )
            kind = "sum"
        else:
            kept = reduced(node.op, tuple(range(2, 2 + x.ndim)), node.op.axis, True)
            keeps = tuple(k for k, n in enumerate(kept) if n != 1)
            kind = REDUCED.get(type(node.op)) or ASKED[_question(node.op)]
        by_row = x.ndim > 1 and x.ndim - 1 not in keeps and x.ndim - 2 in keeps
        self.join(node, kind, x.shape, (x,), by_row).keeps = keeps

    def multiply(self, node: Node) -> None:
        """A matrix product opens a loop that others join."""
        batch = node.shape[:-2]
        if _scattered(self.read(node.inputs[0]), node):
            self.copied(node.inputs[0])
        a, b = (self.read(i).over((*batch, *i.shape[-2:])) for i in node.inputs)
        member = Member(node, [a, b], "product")
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


def _scattered(a: View, node: Node) -> bool:
    """Whether the terms of a left factor lie so far apart that the caches cannot hold a row of it.

    Addresses that differ by a multiple of a page share the few places a cache has for them.
    """
    down, along = a.strides[-2:]
    often = min(a.shape[-1], *node.shape[-2:]) >= 256
    return down == 1 and along * node.dtype.itemsize % 2048 == 0 and often


def _multiplied(node: Node) -> bool:
    """Whether a product is one of matrices of numbers of one kind, none of which is empty."""
    kinds = {i.dtype for i in (node, *node.inputs)}
    ranks = min(i.ndim for i in node.inputs)
    sized = node.size and node.inputs[0].size
    return bool(sized) and ranks >= 2 and len(kinds) == 1 and node.dtype.str[1:] in NUMBERS


def _without_code(node: Node) -> bool:
    """Whether a dtype takes part that machine code does not know: bytes in another order, complex
    and long numbers, and float16 (not every processor converts it, and no library is there to)."""
    several = type(node.spec) is tuple and not hasattr(node.spec, "shape")
    made: Any = node.spec if several else (node.spec,)
    dtypes = {x.dtype for x in (*made, *node.inputs) if hasattr(x, "dtype")}
    return any(not d.isnative or d.itemsize > 8 or d == np.float16 for d in dtypes)


def _question(op: Any) -> str:
    return op.question if isinstance(op, reduce.Ask) else ""


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


def plan(graph: Graph, without: Collection[str] = (), threads: int = 1) -> Program:
    """The kernels of a graph, with places for all that lies between them."""
    made = Planner(graph, without, threads)
    program = Program(made.kernels, made.inputs, made.outputs)
    place(program, "place" not in without)
    return program
