"""Elements between memory and registers: addresses, vectors, masks, and strides between them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..program import View
from ..vector import Value, Writer, scalar_type, typed

Index = Any  # a number known now, or the name of an i64
NARROW = 8  # elements from one to the next, up to which whole vectors are read and picked from


class Memory:
    """What of a loop nest reads and writes: views in buffers, whose beginnings are pointers."""

    w: Writer
    pointers: dict[int, str]

    def _address(self, view: View, strides: tuple[int, ...], at: list[Index]) -> str:
        return self._pointer(view.buffer, self._sum(view.offset, strides, at))

    def _sum(self, offset: int, strides: tuple[int, ...], at: list[Index]) -> Index:
        total: Index = None
        for s, i in zip(strides, at, strict=True):
            if isinstance(i, int):
                offset += s * i
            elif s:
                term = i if s == 1 else self.w.put(f"mul nsw i64 {i}, {s}", "o")
                total = term if total is None else self.w.put(f"add nsw i64 {total}, {term}", "o")
        if total is None:
            return offset
        return self.w.put(f"add nsw i64 {total}, {offset}", "o") if offset else total

    def _pointer(self, buffer: Any, at: Index) -> str:
        kind = "i8" if buffer.dtype.kind == "b" else scalar_type(buffer.dtype)
        base = self.pointers[buffer.slot]
        if isinstance(at, int):
            at = at * buffer.dtype.itemsize + buffer.start
            return (
                self.w.put(f"getelementptr inbounds i8, ptr {base}, i64 {at}", "p") if at else base
            )
        if buffer.start:
            base = self.w.put(f"getelementptr inbounds i8, ptr {base}, i64 {buffer.start}", "p")
        return self.w.put(f"getelementptr inbounds {kind}, ptr {base}, i64 {at}", "p")

    def load(self, view: View, strides: tuple[int, ...], at: list[Index], lanes: int, active: int):
        """The view's elements at a place of the collapsed loop."""
        dtype = view.dtype
        kind = np.dtype(np.uint8) if dtype.kind == "b" else dtype
        address = self._address(view, strides, at)
        self._asked_for(view.buffer, address, 0)
        ref = self.vector_at(kind, address, strides[-1] if strides else 0, lanes, active)
        found = Value(self.w, ref, kind, lanes)
        return found != 0 if dtype.kind == "b" else found

    def _asked_for(self, buffer: Any, address: str, written: int) -> None:
        """Ask for what the next step of a scan has at this place, where there is a next step."""
        if buffer.ahead:
            self.w.declare("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
            place = self.w.put(f"getelementptr i8, ptr {address}, i64 {buffer.ahead}", "p")
            near = 3 if written else 2
            self.w.line(
                f"  call void @llvm.prefetch.p0(ptr {place}, i32 {written}, i32 {near}, i32 1)"
            )

    def vector_at(self, dtype: np.dtype, address: str, step: int, lanes: int, active: int) -> str:
        """Elements that are `step` apart, from an address on."""
        one, size = scalar_type(dtype), dtype.itemsize
        if lanes == 1:
            return self.w.put(f"load {one}, ptr {address}, align {size}")
        if step == 1 and active == lanes:
            return self.w.put(f"load {typed(dtype, lanes)}, ptr {address}, align {size}")
        if step == 1:
            return self._masked_load(dtype, lanes, active, address)
        if step == 0:
            x = self.w.put(f"load {one}, ptr {address}, align {size}")
            return self._spread(x, dtype, lanes)
        return self._collected(dtype, lanes, active, address, step)

    def beside(self, address: str, size: int, index: Index, stride: int = 1) -> str:
        """An address so many steps further, in elements of so many bytes."""
        if isinstance(index, int):
            by = index * stride * size
            if by == 0:
                return address
        else:
            by = self.w.put(f"mul nsw i64 {index}, {stride * size}", "o")
        return self.w.put(f"getelementptr inbounds i8, ptr {address}, i64 {by}", "p")

    def _spread(self, ref: str, dtype: np.dtype, lanes: int) -> str:
        vector, one = typed(dtype, lanes), scalar_type(dtype)
        first = self.w.put(f"insertelement {vector} poison, {one} {ref}, i64 0")
        return self.w.put(
            f"shufflevector {vector} {first}, {vector} poison, <{lanes} x i32> zeroinitializer"
        )

    def _collected(self, dtype: np.dtype, lanes: int, active: int, address: str, step: int) -> str:
        if 1 < step <= min(NARROW, lanes) and active == lanes:
            return self._picked(dtype, lanes, address, step)
        vector, one = typed(dtype, lanes), scalar_type(dtype)
        total = "zeroinitializer"
        for k in range(active):
            place = self.w.put(f"getelementptr inbounds {one}, ptr {address}, i64 {k * step}", "p")
            x = self.w.put(f"load {one}, ptr {place}, align {dtype.itemsize}")
            total = self.w.put(f"insertelement {vector} {total}, {one} {x}, i64 {k}")
        return total

    def _picked(self, dtype: np.dtype, lanes: int, address: str, step: int) -> str:
        """Elements that are a few apart: all that lies between them is read, and nothing else."""
        kind, end = typed(dtype, lanes), (lanes - 1) * step + 1
        total = "poison"
        for begin in (min(k * lanes, end - lanes) for k in range(-(-end // lanes))):
            place = self.beside(address, dtype.itemsize, begin)
            x = self.w.put(f"load {kind}, ptr {place}, align {dtype.itemsize}")
            there = [k * step - begin for k in range(lanes)]
            picks = ", ".join(
                f"i32 {lanes + p if 0 <= p < lanes else k}" for k, p in enumerate(there)
            )
            total = self.w.put(
                f"shufflevector {kind} {total}, {kind} {x}, <{lanes} x i32> <{picks}>"
            )
        return total

    def _mask(self, lanes: int, active: int) -> str:
        return (
            "<" + ", ".join(f"i1 {'true' if k < active else 'false'}" for k in range(lanes)) + ">"
        )

    def _masked_load(self, dtype: np.dtype, lanes: int, active: int, address: str) -> str:
        vector = typed(dtype, lanes)
        name = f"@llvm.masked.load.v{lanes}{_suffix(dtype)}.p0"
        self.w.declare(f"declare {vector} {name}(ptr, i32, <{lanes} x i1>, {vector})")
        return self.w.put(
            f"call {vector} {name}(ptr {address}, i32 {dtype.itemsize}, "
            f"<{lanes} x i1> {self._mask(lanes, active)}, {vector} zeroinitializer)"
        )

    def store(self, view: View, strides: tuple[int, ...], at: list[Index], x: Value, active: int):
        """The elements to their place in the view."""
        self._put(view.buffer, view.dtype, self._sum(view.offset, strides, at),
                  strides[-1] if strides else 1, x, active)  # fmt: skip

    def _put(self, buffer: Any, dtype: np.dtype, at: Index, step: int, x: Value, active: int):
        x = x.astype(dtype)
        if dtype.kind == "b":
            dtype = np.dtype(np.uint8)
            x = Value(
                x.w, x.w.put(f"zext {x.type} {x.ref} to {typed(dtype, x.lanes)}"), dtype, x.lanes
            )
        address = self._pointer(buffer, at)
        self._asked_for(buffer, address, 1)
        if step != 1 and x.lanes > 1:
            for k in range(active):
                one = scalar_type(dtype)
                place = self.w.put(
                    f"getelementptr inbounds {one}, ptr {address}, i64 {k * step}", "p"
                )
                part = self.w.put(f"extractelement {x.type} {x.ref}, i64 {k}")
                self.w.line(f"  store {one} {part}, ptr {place}, align {dtype.itemsize}")
        elif active == x.lanes:
            self.w.line(f"  store {x.type} {x.ref}, ptr {address}, align {dtype.itemsize}")
        else:
            name = f"@llvm.masked.store.v{x.lanes}{_suffix(dtype)}.p0"
            self.w.declare(f"declare void {name}({x.type}, ptr, i32, <{x.lanes} x i1>)")
            self.w.line(
                f"  call void {name}({x.type} {x.ref}, ptr {address}, i32 {dtype.itemsize}, "
                f"<{x.lanes} x i1> {self._mask(x.lanes, active)})"
            )


def _suffix(dtype: np.dtype) -> str:
    return f"f{8 * dtype.itemsize}" if dtype.kind == "f" else f"i{8 * dtype.itemsize}"
