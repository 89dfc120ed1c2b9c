"""Run a program: memory, the table of pointers, and the stretches of code between NumPy's ops.

Data in: a graph, then arrays at every call. Data out: arrays. A call hands the code one table:

    slot    0       1 … n     n + 1 …
            arena   inputs    outputs           pointers; an output may lie in an input given away

If all of the program is machine code, one function (`enter`) reads the arrays' pointers, fills the
table and runs all kernels. Otherwise there are stretches of kernels with NumPy's ops in between.
"""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Sequence
from functools import cached_property
from struct import Struct
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np

from ...graph.caller import caller, made_at
from ...graph.errors import AxisError
from ...graph.namespace import XP
from ...graph.op import explain
from ...graph.walk import Graph
from .machine.engine import Code, missing, named, register
from .machine.fingerprint import fingerprint
from .machine.objects import there
from .machine.threads import pool, wanted
from .pipeline import Written, counted, written
from .plain import Plain, warn
from .plan.donate import apart, donated
from .program import Eager, View


def native(
    graph: Graph,
    without: Collection[str] = (),
    given: Sequence[int] = (),
    threads: int | None = None,
) -> Native | Plain:
    """The graph as machine code, by all passes but those named.

    By NumPy where there is no LLVM, which is told, or where emitting is switched off.
    Of the inputs `given`, the arrays are given away: outputs may be written into them.
    A kernel may use so many `threads`; None: as the environment says, or all cores.
    """
    reason = missing()
    if reason:
        warn(reason)
    elif "emit" in without:
        reason = "emit is switched off"
    return Plain(graph, reason) if reason else Native(graph, without, given, threads)


class Native:
    """A graph as machine code, called with arrays of the shapes and dtypes it was made for.

    Where its code is on disk, no pass runs and nothing is written until somebody asks for it.
    """

    def __init__(
        self, graph: Graph, without: Collection[str] = (), given: Sequence[int] = (),
        threads: int | None = None,
    ):  # fmt: skip
        self.graph, self.without, self.given = graph, without, given
        self.threads = wanted(threads)
        self.code = Code(lambda: self.text, self._name(), self._notes)
        notes = self.code.notes
        self.parallel: bool = notes["parallel"]
        whole: bool = notes["whole"]
        self.only: Any = self.code.function("enter") if whole else None  # from objects of arrays
        self.go: Any = self.code.function("go") if whole else None  # from a table that is ready
        self.trouble = self.code.function("trouble") if notes["trouble"] else None
        self.outside = ctypes.c_int64()  # whether an index was out of range
        self.outs = [(n.shape, n.dtype) for n in graph.outputs]
        self.into = dict(map(tuple, notes["into"]))  # outputs that lie in inputs given away
        self._make_room(notes["arena"])
        self.lock = Lock()  # of the arena and the table: two calls would share them
        self.took = 0.0  # seconds of the last run

    def _name(self) -> str:
        """What the code is kept under on disk: what the graph is called, if it has a name.

        Where it has none, or where stretches are left to NumPy, it is the text that is written, and
        the notes: one text can belong to plans with arenas of several sizes.
        """
        asked = sorted(self.without), list(self.given), self.threads, register()
        known = fingerprint(self.graph, *asked)
        name = named(known) if known else ""
        if name and (there(name) or self.program.native):
            return name
        return named(self.text, sorted(self._notes().items()))

    def _make_room(self, arena: int) -> None:
        """The arena, at a multiple of 64 bytes, and the table that leads to it and to arrays."""
        self.memory = np.empty(arena + 64, np.uint8)
        shift = -self.memory.ctypes.data % 64
        self.arena = self.memory[shift : shift + arena]
        count = len(self.graph.inputs) + len(self.graph.outputs)
        self.table = (ctypes.c_void_p * (1 + count))()
        self.table[0] = self.arena.ctypes.data
        self.objects = (ctypes.c_void_p * count)()
        self.addresses = ctypes.addressof(self.objects), ctypes.addressof(self.table)
        self.pack = Struct(f"{count}N" if count else "0N").pack_into

    @cached_property
    def written(self) -> Written:
        """All that was written on the way to the code; not needed where that is on disk."""
        return written(self.graph, self.without, self.threads)

    counts = property(lambda self: self.written.counts | counted(self.program))
    program = property(lambda self: self.written.program)
    text = property(lambda self: self.written.text)

    @cached_property
    def stretches(self) -> list[Any]:
        """What is run in order: functions, and ops left to NumPy."""
        function = self.code.function
        return [s if isinstance(s, Eager) else function(s) for s in self.written.stretches]

    def _notes(self) -> dict[str, Any]:
        """What has to be known to run the code, kept beside it on disk."""
        into = list(donated(self.program, self.given).items())
        return {
            "whole": self.program.native, "arena": self.program.arena, "into": into,
            "parallel": self.written.parallel, "trouble": "@trouble" in self.text,
        }  # fmt: skip

    def __call__(self, *given: np.ndarray) -> list[np.ndarray]:
        arrays = [a if a.flags.c_contiguous else np.ascontiguousarray(a) for a in given]
        if self.into:
            arrays = apart(arrays, list(self.into.values()))
            outs = [
                arrays[self.into[k]] if k in self.into else np.empty(shape, dtype)
                for k, (shape, dtype) in enumerate(self.outs)
            ]
        else:
            outs = [np.empty(shape, dtype) for shape, dtype in self.outs]
        with self.lock:
            self.pack(self.objects, 0, *map(id, arrays), *map(id, outs))
            if self.only is not None:
                begun = perf_counter()
                self._by(self.only, *self.addresses)
                self.took = perf_counter() - begun
            else:
                self._by_stretches(arrays, outs)
            if self.trouble is not None:
                self.trouble(ctypes.addressof(self.outside))
                if self.outside.value:
                    self._out_of_range(arrays)
        return outs

    def _by_stretches(self, arrays: list, outs: list) -> None:
        for k, a in enumerate((*arrays, *outs)):
            self.table[1 + k] = a.ctypes.data
        for stretch in self.stretches:
            if isinstance(stretch, Eager):
                self._eagerly(stretch, (*arrays, *outs))
            else:
                stretch(self.addresses[1])

    def _out_of_range(self, arrays: list) -> None:
        """An index was out of range: NumPy says which, and the graph in which line."""
        self.graph.run(arrays)
        raise AxisError(f"index in a compiled function: out of range{made_at(caller())}")

    def _by(self, function: Any, *addresses: int) -> None:
        """All of it in one call, with the workers' help where that is worth it."""
        workers = pool() if self.parallel else None
        if workers is None or not workers.enter(self.threads):
            function(*addresses, None)
            return
        try:
            function(*addresses, workers.address)
        finally:
            workers.leave()

    def helped(self, table: int) -> None:
        """Run it on a table of pointers that is ready, with the workers' help."""
        with self.lock:
            self._by(self.go, table)

    def _eagerly(self, kernel: Eager, arrays: tuple) -> None:
        xs = [self._array(x, arrays) if isinstance(x, View) else x for x in kernel.operands]
        node = kernel.node
        try:
            made = node.op.forward(XP, *xs)
        except Exception as error:
            raise explain(node.op, tuple(xs), error, node.line) from None
        for view, value in zip(
            kernel.stores, made if type(made) is tuple else (made,), strict=True
        ):
            self._array(view, arrays)[...] = value

    def _array(self, view: View, arrays: tuple) -> np.ndarray:
        b, size = view.buffer, view.dtype.itemsize
        memory = self.arena if b.slot == 0 else arrays[b.slot - 1].reshape(-1).view(np.uint8)
        start = b.start + view.offset * size
        flat = np.frombuffer(memory, np.uint8)[start:] if b.slot == 0 else memory[start:]
        strides = tuple(s * size for s in view.strides)
        return np.lib.stride_tricks.as_strided(
            flat[: flat.size // size * size].view(view.dtype), view.shape, strides
        )
