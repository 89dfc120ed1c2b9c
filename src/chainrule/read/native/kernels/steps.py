"""A scan as code: a loop that points the body's table at the next rows, and calls the body."""

from __future__ import annotations

from math import prod

from ..program import Steps, View
from ..vector import Writer, pointers_of

MEMCPY = "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)"


def scan(kernel: Steps, body: str) -> Writer:
    """The function of a scan, that calls the function `body` for every step."""
    code = Code(kernel)
    code.before()
    w = code.w
    w.line("  br label %loop.in")
    w.line("loop.in:")
    w.line("  br label %loop")
    w.line("loop:")
    w.line("  %t = phi i64 [ 0, %loop.in ], [ %t.next, %loop ]")
    code.turns()
    code.rows()
    w.line(f"  call void @{body}(ptr %inner)")
    w.again("loop", "%t", 1, kernel.length)
    return w


def all_parts(name: str, parts: int) -> Writer:
    """A function that runs one part of the batch; all of them, where it is the only one called."""
    w = Writer()
    alone = w.put("icmp eq i64 %parts, 1")
    first = w.put(f"select i1 {alone}, i64 0, i64 %part")
    end = w.put(f"select i1 {alone}, i64 {parts}, i64 {w.put('add i64 %part, 1')}")
    run = f"  call void @{name}(ptr %table, i64 {{}}, i64 {parts})"
    w.counted(end, lambda part: w.line(run.format(part)), begin=first)
    return w


class Code:
    """The parts of the loop. Slots of the body's table: arena, carries, xs, constants, outputs."""

    def __init__(self, kernel: Steps):
        self.kernel, self.w = kernel, Writer()
        self.pointers = pointers_of(self.w, kernel.views)
        self.first_output = 1 + len(kernel.carries) + len(kernel.xs) + len(kernel.constants)

    def before(self) -> None:
        """The table, and what in it is the same at every step."""
        kernel, w = self.kernel, self.w
        slots = self.first_output + len(kernel.carries) + len(kernel.ys)
        w.line(f"  %inner = alloca [{slots} x ptr]")
        self.set(0, self.begin(kernel.arena, kernel.body.arena * kernel.parts))
        for k, v in enumerate(kernel.constants):
            self.set(self.first_output - len(kernel.constants) + k, self.begin(v))
        self.bases = [
            self.begin(v, _row(v) if apart else 0)
            for v, apart in zip(kernel.xs, kernel.apart, strict=True)
        ]
        self.bases += [self.begin(v, _row(v)) for v in kernel.ys]
        self.places = []
        for k, trail in enumerate(kernel.trails):
            ends = (kernel.carries[k], kernel.last[k], kernel.spare[k])
            given, last, spare = (self.begin(v, prod(v.shape) * v.dtype.itemsize) for v in ends)
            if trail is None and kernel.stays[k]:
                self.places.append((last,))
                self.copy(last, given, prod(ends[0].shape) * ends[0].dtype.itemsize)
                self.set(1 + k, last)
                self.set(self.first_output + k, last)
                continue
            if trail is None:
                self.places.append((given, last, spare))
                continue
            size = _row(trail.rows)
            rows = self.begin(trail.rows, size)
            self.places.append((rows,))
            if size:
                first = self.at(rows, str(kernel.length if kernel.reverse else 0), size)
                self.copy(first, given, size)

    def copy(self, to: str, source: str, size: int) -> None:
        """This part's share of so many bytes; they may be where they are to go already."""
        self.w.declare(MEMCPY)
        self.w.line(
            f"  call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {source}, "
            f"i64 {size // self.kernel.parts}, i1 false)"
        )

    def turns(self) -> None:
        """Two places by turns, so that what the last step makes lies in `last`."""
        odd = self.kernel.length % 2 == 1
        for k, places in enumerate(self.places):
            if len(places) == 1:
                continue
            given, end, other = places
            one, two = (end, other) if odd else (other, end)
            self.w.line(f"  %from{k} = phi ptr [ {given}, %loop.in ], [ %to{k}, %loop ]")
            self.w.line(f"  %to{k} = phi ptr [ {one}, %loop.in ], [ %next{k}, %loop ]")
            self.w.line(f"  %next{k} = phi ptr [ {two}, %loop.in ], [ %to{k}, %loop ]")

    def rows(self) -> None:
        """The table for step %t."""
        kernel, w = self.kernel, self.w
        row = w.put(f"sub i64 {kernel.length - 1}, %t") if kernel.reverse else "%t"
        above = w.put(f"add nuw nsw i64 {row}, 1")
        start, end = (above, row) if kernel.reverse else (row, above)
        for k, trail in enumerate(kernel.trails):
            if kernel.stays[k]:
                continue
            came, goes = f"%from{k}", f"%to{k}"
            if trail is not None:
                (rows,), size = self.places[k], _row(trail.rows)
                came, goes = self.at(rows, start, size), self.at(rows, end, size)
            self.set(1 + k, came)
            self.set(self.first_output + k, goes)
        slots = [1 + len(kernel.carries) + k for k in range(len(kernel.xs))]
        slots += [self.first_output + len(kernel.carries) + k for k in range(len(kernel.ys))]
        for slot, base, v in zip(slots, self.bases, (*kernel.xs, *kernel.ys), strict=True):
            self.set(slot, self.at(base, row, _row(v)))

    def begin(self, v: View, batch: int = 0) -> str:
        """The address of a view's first element; of this part's, in a batch of so many bytes."""
        at = v.buffer.start + v.offset * v.dtype.itemsize
        base = self.pointers[v.buffer.slot]
        place = self.w.put(f"getelementptr inbounds i8, ptr {base}, i64 {at}", "p")
        if self.kernel.parts == 1 or not batch:
            return place
        return self.at(place, "%part", batch // self.kernel.parts)

    def set(self, slot: int, pointer: str) -> None:
        """A pointer into the body's table."""
        place = self.w.put(f"getelementptr inbounds ptr, ptr %inner, i64 {slot}", "s")
        self.w.line(f"  store ptr {pointer}, ptr {place}")

    def at(self, base: str, row: str, size: int) -> str:
        """The address of a row."""
        offset = self.w.put(f"mul nuw nsw i64 {row}, {size}")
        return self.w.put(f"getelementptr inbounds i8, ptr {base}, i64 {offset}", "p")


def _row(v: View) -> int:
    """The bytes of one row."""
    return prod(v.shape[1:]) * v.dtype.itemsize
