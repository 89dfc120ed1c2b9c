"""A product's left factor laid out anew: the terms of each tile's rows, one after the other.

A transposed matrix has the terms of a row far apart, each in a line of memory of its own, and where
they lie a multiple of some thousand bytes apart in the same few places of a cache. A block of it is
read along its lines instead, and written as strips: of each tile, so many numbers for every term.
"""

from __future__ import annotations

from typing import Any

from ..vector import typed
from .memory import Index

PAD = 16  # elements between the strips: they begin in different places of a cache


class Packing:
    """The strips of a part's tiles, for one block of terms."""

    def __init__(self, nest: Any):
        self.nest = nest
        rows, self.tall = nest.axes[-2], nest.tiling.tall
        self.bytes = nest.left.dtype.itemsize
        self.strip = nest.deep * self.tall + PAD
        self.size = -(-rows // self.tall) * self.strip * self.bytes
        self.size = -(-self.size // 64) * 64
        self.before = nest.room  # bytes of the part's room that are the panel's
        self.first: Index = 0  # the row that the first strip begins with

    def _begin(self) -> str:
        nest = self.nest
        offset = nest.w.put(f"mul i64 %part, {nest.room}")
        offset = nest.w.put(f"add i64 {offset}, {self.before}")
        return nest.w.put(f"getelementptr inbounds i8, ptr @room, i64 {offset}", "room")

    def write(self, begin: Index, count: int, over: int, shared: bool) -> None:
        """Lay out `count` tiles from a row on, and `over` rows more, as far as they are this
        part's."""
        nest, block = self.nest, self.nest.block
        self.first, self.room = begin, self._begin()
        strides = nest.views[id(nest.left)][1]
        head = nest._address(nest.left, strides, [begin, 0])
        head = nest.beside(head, self.bytes, block.start, nest.along[0])

        def term(k: Index) -> None:
            source = nest.beside(head, self.bytes, k, nest.along[0])
            to = nest.beside(self.room, self.bytes, k, self.tall)
            nest._for(count, lambda i: self._copied(source, to, i, self.tall), self.tall, shared)

        nest._for(block.terms, term)
        if over:
            to = nest.beside(self.room, self.bytes, count * self.strip)
            nest._by_the_last(shared, lambda: nest._for(block.terms, lambda k: self._over(
                nest.beside(head, self.bytes, k, nest.along[0]), to, k, count * self.tall, over
            )))  # fmt: skip

    def _over(self, source: str, to: str, k: Index, i: int, over: int) -> None:
        to = self.nest.beside(to, self.bytes, k, over)
        self._moved(self.nest.beside(source, self.bytes, i), to, over)

    def _copied(self, source: str, to: str, i: Index, rows: int) -> None:
        nest = self.nest
        strip = i // self.tall if isinstance(i, int) else nest.w.put(f"udiv exact i64 {i}, {rows}")
        self._moved(
            nest.beside(source, self.bytes, i), nest.beside(to, self.bytes, strip, self.strip), rows
        )

    def _moved(self, source: str, to: str, rows: int) -> None:
        """Some neighbours; what is written beyond them is written again, or lies in the gap."""
        nest, dtype = self.nest, self.nest.left.dtype
        lanes = 1
        while lanes < rows:
            lanes *= 2
        x = nest.vector_at(dtype, source, 1, lanes, rows)
        nest.w.line(f"  store {typed(dtype, lanes)} {x}, ptr {to}, align {self.bytes}")

    def place(self, i: Index, rows: int) -> tuple[str, int, int]:
        """Where the strip of the tile at row i begins; the steps to the next term and row."""
        nest, w = self.nest, self.nest.w
        if self.first == 0:
            row = i
        elif isinstance(i, int) and isinstance(self.first, int):
            row = i - self.first
        else:
            row = w.put(f"sub i64 {i}, {self.first}")
        tall = self.tall
        strip = row // tall if isinstance(row, int) else w.put(f"udiv exact i64 {row}, {tall}")
        return nest.beside(self.room, self.bytes, strip, self.strip), rows, 1
