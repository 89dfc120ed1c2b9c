"""Sums of all elements: block by block, so that threads can share them and few digits are lost.

Where the blocks begin and end depends on the shape alone, not on the number of threads. What the
blocks come to is added up at the end, in order, and in float64 where they are float32: a sum of
millions of numbers one after the other would lose what is below the last digit of the sum.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from ..program import Loop, Member
from ..vector import Value, typed
from .loops import COMBINE, Nest, start_of
from .memory import Index

BLOCK = 4096  # elements; more where a row is longer
LEAST = 1 << 15  # elements of a loop from which on it is done in blocks


def room_for(loop: Loop, member: Member) -> int:
    """Bytes for what the blocks of a loop come to; 0 where it is done as a whole."""
    size = prod(loop.shape)
    plain = member.kind in COMBINE and not member.keeps and member.node.dtype.kind in "fi"
    return 64 * (2 * size // BLOCK + 2) if plain and size >= LEAST and not loop.product else 0


class Totals(Nest):
    """A loop nest with sums of all elements."""

    def fits(self) -> bool:
        """Whether there are such sums, and no other sum runs over the axis that is cut."""
        whole = self.totals
        sums = [m for m in self.loop.members if m.kind in COMBINE and m not in whole]
        few = prod(self.axes[1:]) <= 4 * BLOCK
        return bool(whole) and few and not any(0 in self._reduced(m) for m in sums)

    def shared_axis(self) -> int | None:
        """The first: blocks of it are what the parts divide."""
        return 0

    @property
    def totals(self) -> list[Member]:
        """Those that are done block by block."""
        return [
            m for m in self.loop.members
            if m.kind in COMBINE and m.sums is not None and not m.keeps
        ]  # fmt: skip

    @property
    def rows(self) -> int:
        """Of a block, along the first axis."""
        return max(1, BLOCK // prod(self.axes[1:]))

    def write(self) -> None:
        """All blocks; `finish` writes what follows."""
        full, rest = divmod(self.axes[0], self.rows)
        shared = self.cut == 0
        self.cut = None
        self._for(full, lambda i: self._block(i, self.rows), self.rows, shared)
        if rest:
            self._by_the_last(shared, lambda: self._block(full * self.rows, rest))

    def _block(self, start: Index, count: int) -> None:
        w = self.w
        for m in self.totals:
            self._begin(m)
        if len(self.axes) == 1:
            self._blocks(count, self.lanes, lambda i, active: self._body(
                [self._further(start, i)], active
            ))  # fmt: skip
        else:
            self._for(count, lambda i: self._level(1, [self._further(start, i)]))
        known = isinstance(start, int)
        number = start // self.rows if known else w.put(f"udiv i64 {start}, {self.rows}")
        for m in self.totals:
            kind = typed(m.node.dtype, self.lanes)
            x = self.total(m).ref
            w.line(f"  store {kind} {x}, ptr {self._kept(m, number)}, align 64")

    def _further(self, start: Index, i: Index) -> Index:
        if isinstance(start, int) and isinstance(i, int):
            return start + i
        return self.w.put(f"add nuw nsw i64 {start}, {i}", "i")

    def _kept(self, m: Member, number: Index) -> str:
        return self.beside(self._pointer(m.sums.buffer, 0), 64, number)

    def finish(self) -> None:
        """What the blocks have come to, added up."""
        add_up(self, self.totals, -(-self.axes[0] // self.rows), self._kept)


def add_up(
    nest: Nest, members: list[Member], count: int, kept: Callable[[Member, Index], str]
) -> None:
    """Add up what so many pieces have come to, in order; `kept` says where that of one lies."""
    w, lanes = nest.w, nest.lanes
    for k, m in enumerate(members):
        dtype = m.node.dtype
        wide = np.dtype(np.float64) if dtype.kind == "f" else dtype
        first = Value(w, "", wide, lanes).like(start_of(m.kind, wide))
        place = f"%total{k}"
        w.line(f"  {place} = alloca {first.type}, align 64")
        w.line(f"  store {first.type} {first.ref}, ptr {place}")

        def one(number: Index, m: Member = m, wide: np.dtype = wide, place: str = place):
            ref = w.put(f"load {typed(m.node.dtype, lanes)}, ptr {kept(m, number)}, align 64")
            x = Value(w, ref, m.node.dtype, lanes).astype(wide)
            before = Value(w, w.put(f"load {x.type}, ptr {place}"), wide, lanes)
            w.line(f"  store {x.type} {COMBINE[m.kind](before, x).ref}, ptr {place}")

        nest._for(count, one)
        x = Value(w, w.put(f"load {first.type}, ptr {place}"), wide, lanes)
        x = nest.in_one(m.kind, x).astype(dtype)
        nest._put(m.store.buffer, dtype, m.store.offset, 1, x, 1)
