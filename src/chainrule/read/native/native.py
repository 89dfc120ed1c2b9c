"""Run a program: memory, the table of pointers, and the stretches of code between NumPy's ops."""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Sequence
from struct import Struct
from threading import Lock
from typing import Any

import numpy as np

from ...graph.caller import caller, made_at
from ...graph.errors import AxisError
from ...graph.namespace import XP
from ...graph.walk import Graph
from .donate import apart, donated
from .engine import Code, missing, register
from .module import module
from .passes import passed
from .plain import Plain, warn
from .plan import plan
from .program import Eager, Program, View
from .threads import pool, wanted


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
    short, counts = passed(graph, without)
    return Native(short, counts, without, given, threads)


class Native:
    """A graph as machine code, called with arrays of the shapes and dtypes it was made for."""

    def __init__(
        self, graph: Graph, counts: dict[str, int], without: Collection[str] = (),
        given: Sequence[int] = (), threads: int | None = None,
    ):  # fmt: skip
        self.graph, self.counts = graph, counts
        self.threads = wanted(threads)
        self.program: Program = plan(graph, without, self.threads)
        self.text, stretches, self.parallel = module(self.program, register(), self.threads)
        self.code = Code(self.text)
        self.stretches = [s if isinstance(s, Eager) else self.code.function(s) for s in stretches]
        self.only: Any = None if self.program.native is False else self.code.function("enter")
        size = self.program.arena
        self.memory = np.empty(size + 64, np.uint8)
        shift = -self.memory.ctypes.data % 64
        self.arena = self.memory[shift : shift + size]
        count = len(self.program.inputs) + len(self.program.outputs)
        self.table = (ctypes.c_void_p * (1 + count))()
        self.table[0] = self.arena.ctypes.data
        self.objects = (ctypes.c_void_p * count)()
        self.addresses = ctypes.addressof(self.objects), ctypes.addressof(self.table)
        self.pack = Struct(f"{count}N" if count else "0N").pack_into
        self.outs = [(b.shape, b.dtype) for b in self.program.outputs]
        self.into = donated(self.program, given)  # outputs that lie in inputs given away
        self.trouble = self.code.function("trouble") if "@trouble" in self.text else None
        self.outside = ctypes.c_int64()
        self.lock = Lock()

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
                self._enter()
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

    def _enter(self) -> None:
        """All of it in one call, with the workers' help where that is worth it."""
        workers = pool() if self.parallel else None
        if workers is None or not workers.enter(self.threads):
            self.only(*self.addresses, None)
            return
        try:
            self.only(*self.addresses, workers.address)
        finally:
            workers.leave()

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
