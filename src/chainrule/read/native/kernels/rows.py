"""Rows at indices, as code: every index is looked at before it is used."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ....ops.index import Scatter
from ..program import Rows, View
from ..vector import Writer, pointers_of, scalar_type, typed

LANES = 8
# Set by any kernel that met an index out of range, and asked for by the caller.
DECLARED = "@outside = internal global i64 0"
ASKED = """define void @trouble(ptr %to) {
  %found = load i64, ptr @outside
  store i64 0, ptr @outside
  store i64 %found, ptr %to
  ret void
}
"""


def planned(planner: Any, node: Any) -> Rows | None:
    """The kernel of a gather or scatter; None where the key is not arrays for axes in a row."""
    x, *indices = node.inputs
    adds = isinstance(node.op, Scatter)
    shape = node.shape if adds else x.shape
    axes = _indexed_axes(node.op.key, len(indices), len(shape))
    usable = all(i.dtype.kind in "iu" and i.dtype != np.uint64 for i in indices)
    usable = usable and node.size > 0 and x.size > 0 and not (adds and node.dtype.kind == "b")
    if axes is None or not usable:
        return None
    places = np.broadcast_shapes(*(i.shape for i in indices))
    operands = [planner.gapless(x), *(planner.read(i).over(places) for i in indices)]
    first, last = axes
    return Rows(
        node, operands, [planner.home(node)], prod(shape[:first]), tuple(shape[first:last]),
        places, prod(shape[last:]), adds,
    )  # fmt: skip


def _indexed_axes(key: tuple, count: int, ndim: int) -> tuple[int, int] | None:
    """From which axis to which an index array stands for each, if around them all is whole."""
    if ("rest",) in key:
        k = key.index(("rest",))
        whole = (("slice", None, None, None),) * (ndim - len(key) + 1)
        key = (*key[:k], *whole, *key[k + 1 :])
    arrays = [k for k, part in enumerate(key) if part[0] == "array"]
    if not arrays or arrays != list(range(arrays[0], arrays[0] + count)) or len(key) > ndim:
        return None
    others = [part for part in key if part[0] != "array"]
    if any(part != ("slice", None, None, None) for part in others):
        return None
    if [part[1] for part in key if part[0] == "array"] != list(range(count)):
        return None
    return arrays[0], arrays[0] + count


def rows(kernel: Rows) -> Writer:
    """The function of a kernel."""
    return _Code(kernel).written()


class _Code:
    def __init__(self, kernel: Rows):
        self.kernel, self.w = kernel, Writer()
        self.pointers = pointers_of(self.w, [*kernel.operands, *kernel.stores])
        self.dtype = kernel.stores[0].dtype
        self.kind = "i8" if self.dtype.kind == "b" else scalar_type(self.dtype)
        self.size = self.dtype.itemsize

    def written(self) -> Writer:
        kernel, w = self.kernel, self.w
        x, store = self.begin(kernel.operands[0]), self.begin(kernel.stores[0])
        if kernel.adds:
            total = prod(kernel.stores[0].shape) * self.size
            w.declare("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
            w.line(f"  call void @llvm.memset.p0.i64(ptr {store}, i8 0, i64 {total}, i1 false)")
        indexed, plain = (store, x) if kernel.adds else (x, store)

        def one(a: str, at: list[str]) -> None:
            there = self.row(a, self.place(at), prod(kernel.sizes))
            here = self.row(a, self.flat(at), prod(kernel.places))
            self.move(self.at(indexed, there), self.at(plain, here))

        def level(k: int, a: str, at: list[str]) -> None:
            if k == len(kernel.places):
                one(a, at)
            else:
                w.counted(kernel.places[k], lambda i: level(k + 1, a, [*at, i]))

        w.counted(kernel.before, lambda a: level(0, a, []))
        return w

    def place(self, at: list[str]) -> str:
        """Where the indices point to, counted over the indexed axes; 0 if they are out of range."""
        w, total = self.w, "0"
        for view, n in zip(self.kernel.operands[1:], self.kernel.sizes, strict=True):
            address = self.begin(view)
            for i, s in zip(at, view.strides, strict=True):
                step = w.put(f"mul nsw i64 {i}, {s * view.dtype.itemsize}")
                address = w.put(f"getelementptr inbounds i8, ptr {address}, i64 {step}", "p")
            kind = scalar_type(view.dtype)
            k = w.put(f"load {kind}, ptr {address}")
            if kind != "i64":
                k = w.put(f"{'sext' if view.dtype.kind == 'i' else 'zext'} {kind} {k} to i64")
            below = w.put(f"icmp slt i64 {k}, 0")
            k = w.put(f"select i1 {below}, i64 {w.put(f'add i64 {k}, {n}')}, i64 {k}")
            inside = w.put(f"icmp ult i64 {k}, {n}")
            before = w.put("load i64, ptr @outside")
            w.line(f"  store i64 {w.put(f'select i1 {inside}, i64 {before}, i64 1')}, ptr @outside")
            k = w.put(f"select i1 {inside}, i64 {k}, i64 0")
            total = w.put(f"add nsw i64 {w.put(f'mul nsw i64 {total}, {n}')}, {k}")
        return total

    def flat(self, at: list[str]) -> str:
        """The place counted over all places."""
        total = "0"
        for i, n in zip(at, self.kernel.places, strict=True):
            total = self.w.put(f"add nsw i64 {self.w.put(f'mul nsw i64 {total}, {n}')}, {i}")
        return total

    def row(self, a: str, k: str, count: int) -> str:
        """The element that row k of part a begins with."""
        w = self.w
        k = w.put(f"add nsw i64 {w.put(f'mul nsw i64 {a}, {count}')}, {k}")
        return w.put(f"mul nsw i64 {k}, {self.kernel.row}")

    def move(self, indexed: str, plain: str) -> None:
        """A row from one place to the other, or added to what is there."""
        w, n = self.w, self.kernel.row
        if not self.kernel.adds:
            w.declare("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
            w.line(
                f"  call void @llvm.memcpy.p0.p0.i64(ptr {plain}, ptr {indexed}, "
                f"i64 {n * self.size}, i1 false)"
            )
            return
        full = n // LANES
        if full:
            w.counted(full * LANES, lambda i: self.add(indexed, plain, i, LANES), LANES)
        for k in range(full * LANES, n):
            self.add(indexed, plain, str(k), 1)

    def add(self, indexed: str, plain: str, k: str, lanes: int) -> None:
        """Some elements of a row, added up where the index points to."""
        w, kind = self.w, typed(self.dtype, lanes)
        to, source = self.at(indexed, k), self.at(plain, k)
        a, b = (w.put(f"load {kind}, ptr {p}, align {self.size}") for p in (to, source))
        word = "fadd" if self.dtype.kind == "f" else "add"
        w.line(f"  store {kind} {w.put(f'{word} {kind} {a}, {b}')}, ptr {to}, align {self.size}")

    def begin(self, v: View) -> str:
        at = v.buffer.start + v.offset * v.dtype.itemsize
        base = self.pointers[v.buffer.slot]
        return self.w.put(f"getelementptr inbounds i8, ptr {base}, i64 {at}", "p")

    def at(self, base: str, k: str) -> str:
        """The address of the k-th element."""
        return self.w.put(f"getelementptr inbounds {self.kind}, ptr {base}, i64 {k}", "p")
