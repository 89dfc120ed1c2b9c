"""Run a program: memory, the table of pointers, and the stretches of code between NumPy's ops."""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Sequence
from functools import cached_property
from struct import Struct
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from ...graph.caller import caller, made_at
from ...graph.errors import AxisError
from ...graph.namespace import XP
from ...graph.walk import Graph
from .machine.engine import Code, missing, named, register
from .machine.fingerprint import fingerprint
from .machine.objects import there
from .machine.threads import pool, wanted
from .module import module
from .passes import passed
from .plain import Plain, warn
from .plan.donate import apart, donated
from .plan.planner import counted, plan
from .plan.verify import verify
from .program import Eager, Program, View


def native(
    graph: Graph,
    without: Collection[str] = (),
    given: Sequence[int] = (),
    threads: int | None = None,
) -> Native | Plain:
    """The graph as machine code, by all passes but those named; where LLVM is, else by NumPy.

    Of the inputs `given`, the arrays are given away: outputs may be written into them.
    A kernel may use so many `threads`; None: as the environment says, or all cores.
    """
    reason = missing()
    if reason:
        warn(reason)
        return Plain(graph, reason)
    return Native(graph, without, given, threads)


class Written(NamedTuple):
    """What a graph became on its way to machine code."""

    counts: dict[str, int]  # how often each pass did something
    program: Program
    text: str
    stretches: list[Any]  # names of functions, and ops left to NumPy
    parallel: bool


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
        known = fingerprint(graph, sorted(without), list(given), self.threads, register())
        name = named(known) if known else ""
        if not (name and there(name)) and not self.program.native:
            name = ""  # its stretches are found by its text, so that they are of this very plan
        self.code = Code(lambda: self.text, name, self._notes)
        notes = self.code.notes
        self.parallel: bool = notes["parallel"]
        whole: bool = notes["whole"]
        self.only: Any = self.code.function("enter") if whole else None
        self.go: Any = self.code.function("go") if whole else None
        size = notes["arena"]
        self.memory = np.empty(size + 64, np.uint8)
        shift = -self.memory.ctypes.data % 64
        self.arena = self.memory[shift : shift + size]
        count = len(graph.inputs) + len(graph.outputs)
        self.table = (ctypes.c_void_p * (1 + count))()
        self.table[0] = self.arena.ctypes.data
        self.objects = (ctypes.c_void_p * count)()
        self.addresses = ctypes.addressof(self.objects), ctypes.addressof(self.table)
        self.pack = Struct(f"{count}N" if count else "0N").pack_into
        self.outs = [(n.shape, n.dtype) for n in graph.outputs]
        self.into = dict(map(tuple, notes["into"]))  # outputs that lie in inputs given away
        self.trouble = self.code.function("trouble") if notes["trouble"] else None
        self.outside = ctypes.c_int64()
        self.lock = Lock()
        self.took = 0.0  # seconds of the last run

    @cached_property
    def written(self) -> Written:
        """All that was written on the way to the code."""
        short, counts = passed(self.graph, self.without)
        program = verify(plan(short, self.without, self.threads))
        return Written(counts, program, *module(program, register(), self.threads))

    counts = property(lambda self: self.written.counts | counted(self.program))
    program = property(lambda self: self.written.program)
    text = property(lambda self: self.written.text)

    @cached_property
    def stretches(self) -> list[Any]:
        """What is run in order: functions, and ops left to NumPy."""
        function = self.code.function
        return [s if isinstance(s, Eager) else function(s) for s in self.written.stretches]

    def _notes(self) -> dict[str, Any]:
        """What has to be known to run the code."""
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
        """An index was out of range: NumPy says which."""
        said = "an index is out of range"
        try:
            self.graph.run(arrays)
        except IndexError as error:
            said = str(error)
        raise AxisError(f"index in a compiled function: {said}{made_at(caller())}")

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
        made = kernel.node.op.forward(XP, *xs)
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
