"""Sums along the first axis: a few rows at once, in blocks that threads can share.

A bunch of rows is added up in a tree, and to what the bunches before it came to: in registers where
a row is short, else in memory. How long bunches and blocks are depends on the loop alone, not on
the number of threads. What the blocks come to is added up at the end, as for sums of all elements.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from ..program import Buffer, Loop, Member, View, whole
from ..vector import Value, typed
from .loops import COMBINE, COST, start_of
from .memory import Index
from .totals import LEAST, Totals, add_up

ROWS = 128  # of a block, at least
ELEMENTS = 8192  # of a block, at least
BODIES = 16  # how many elements' code is written out for a bunch, if each is short
BUNCH = 8  # rows, at most; in memory half of them


def blocks_of(rows: int, columns: int) -> tuple[int, int]:
    """How many blocks there are, and their rows: the same in each, but for the last one.

    >>> blocks_of(100, 5), blocks_of(1000, 1000), blocks_of(1_000_001, 8)
    ((1, 100), (8, 128), (977, 1024))
    """
    if rows * columns < LEAST:
        return 1, rows
    each = max(ROWS, -(-ELEMENTS // columns // BUNCH) * BUNCH)
    count = -(-rows // each)
    return (count, each) if count > 1 else (1, rows)


def place_for(loop: Loop, member: Member) -> View | None:
    """Where the sums of the blocks lie, if it is a sum along the first axis in blocks."""
    kept = [k for k in member.keeps if loop.shape[k] > 1]
    gone = [k for k, n in enumerate(loop.shape) if n > 1 and k not in kept]
    if loop.product or not _plain(member) or not gone or not kept or max(gone) > min(kept):
        return None
    columns = prod(loop.shape[k] for k in kept)
    count, _ = blocks_of(prod(loop.shape) // columns, columns)
    return whole(Buffer(member.node.dtype, (count, columns))) if count > 1 else None


def _plain(member: Member) -> bool:
    return member.kind in COMBINE and member.node.dtype.kind in "fi"


class Columns(Totals):
    """A loop nest over rows and columns with sums along the rows, maybe of all elements too."""

    def fits(self) -> bool:
        """Whether it is such a nest, and has no sums of another kind."""
        sums = [m for m in self.loop.members if m.kind in COMBINE]
        known = all(_plain(m) and self._reduced(m) in ([0], [0, 1]) for m in sums)
        if len(self.axes) != 2 or 0 in self.axes or not known or not self.columns:
            return False
        return self.blocks == 1 or all(m.sums is not None for m in sums)

    @property
    def columns(self) -> list[Member]:
        """The sums along the first axis."""
        return [m for m in self.loop.members if m.kind in COMBINE and self._reduced(m) == [0]]

    @property
    def whole(self) -> list[Member]:
        """The sums of all elements."""
        return [m for m in self.loop.members if m.kind in COMBINE and self._reduced(m) != [0]]

    @property
    def totals(self) -> list[Member]:
        """All of them, where there is something to add up at the end."""
        return [*self.whole, *self.columns] if self.blocks > 1 else []

    @property
    def blocks(self) -> int:
        """How many there are."""
        return blocks_of(*self.axes)[0]

    @property
    def rows(self) -> int:
        """Of a block."""
        return blocks_of(*self.axes)[1]

    @property
    def bodies(self) -> int:
        """For how many vectors of elements the code may be written out."""
        maps = [m for m in self.loop.members if m.kind not in COMBINE]
        return max(1, BODIES // max(1, sum(COST.get(str(m.node.op), 1) for m in maps)))

    @property
    def short(self) -> bool:
        """Whether registers hold the sums of a whole row."""
        vectors = -(-self.axes[1] // self.lanes)
        return vectors <= self.bodies // len(self.columns)

    @property
    def bunch(self) -> int:
        """The rows that are added up at once."""
        vectors = -(-self.axes[1] // self.lanes)
        most = min(BUNCH, self.bodies // vectors) if self.short else min(BUNCH // 2, self.bodies)
        return 1 << (max(1, most).bit_length() - 1)

    def shared_axis(self) -> int | None:
        """The blocks; of a single one the columns."""
        if self.blocks > 1:
            return 0
        return None if self.short or self.whole else 1

    def fill(self) -> bool:
        """Nothing: the first bunch of rows is not added to anything."""
        return False

    def write(self) -> None:
        """All blocks; `finish` writes what follows."""
        full, rest = divmod(self.axes[0], self.rows)
        if self.cut != 0:
            self._for(full, lambda i: self._block(i, self.rows), self.rows)
        else:
            low, high = self._share(self.blocks, self.rows)
            if rest:
                end = full * self.rows
                before = self.w.put(f"icmp ult i64 {high}, {end}")
                high = self.w.put(f"select i1 {before}, i64 {high}, i64 {end}")
            self.w.counted(
                high, lambda i: self._block(i, self.rows), self.rows, low, any_at_all=False
            )
        if rest:
            self._by_the_last(self.cut == 0, lambda: self._block(full * self.rows, rest))

    def _block(self, start: Index, count: int) -> None:
        for m in self.whole:
            self.turns[m] = 0
            self._begin(m)
        (self._in_registers if self.short else self._in_memory_of)(start, count)
        for m in self.whole:
            if self.blocks == 1:
                self._finish(m, [])
                continue
            kind, place = typed(m.node.dtype, self.lanes), self._kept(m, self._number(start))
            self.w.line(f"  store {kind} {self.total(m).ref}, ptr {place}, align 64")

    def _number(self, start: Index) -> Index:
        known = isinstance(start, int)
        return start // self.rows if known else self.w.put(f"udiv i64 {start}, {self.rows}")

    def _bunches(self, start: Index, count: int, some: Callable[[Index, int], None]) -> None:
        """The rows of a block, so many at once, then what is left of them."""
        full, rest = divmod(count, self.bunch)
        self._for(full, lambda i: some(self._further(start, i), self.bunch), self.bunch)
        if rest:
            some(self._further(start, full * self.bunch), rest)

    def _in_registers(self, start: Index, count: int) -> None:
        """The block's sums of all columns at once."""
        full, rest = divmod(self.axes[1], self.lanes)
        columns = [(c * self.lanes, self.lanes) for c in range(full)]
        columns += [(full * self.lanes, rest)] if rest else []
        places = {}
        for m in self.columns:
            for c in range(len(columns)):
                place = places[m, c] = f"%column{self.columns.index(m)}.{c}"
                one = self._nothing(m)
                room = f"  {place} = alloca {one.type}, align 64"
                if room not in self.w.lines:
                    self.w.lines.insert(0, room)
                self.w.line(f"  store {one.type} {one.ref}, ptr {place}, align 64")

        def some(row: Index, rows: int) -> None:
            for c, (j, active) in enumerate(columns):
                for m, x in self._added(row, rows, j, active).items():
                    before = self.w.put(f"load {x.type}, ptr {places[m, c]}, align 64")
                    x = COMBINE[m.kind](Value(self.w, before, x.dtype, x.lanes), x)
                    self.w.line(f"  store {x.type} {x.ref}, ptr {places[m, c]}, align 64")

        self._bunches(start, count, some)
        for (m, c), place in places.items():
            kind = self._nothing(m).type
            x = Value(self.w, self.w.put(f"load {kind}, ptr {place}, align 64"), m.node.dtype,
                      self.lanes)  # fmt: skip
            to, strides, at = self._sums(m, start)
            self.store(to, strides, [*at, columns[c][0]], x, columns[c][1])

    def _in_memory_of(self, start: Index, count: int) -> None:
        """The block's sums from bunch to bunch in memory, all columns one after the other."""
        places = {m: self._sums(m, start) for m in self.columns}

        def some(row: Index, rows: int) -> None:
            later = self.w.put(f"icmp ugt i64 {row}, {start}")

            def block(j: Index, active: int) -> None:
                for m, x in self._added(row, rows, j, active).items():
                    to, strides, at = places[m]
                    before = self.load(to, strides, [*at, j], self.lanes, active)
                    first = self._nothing(m)
                    before = first.made(
                        f"select i1 {later}, {x.type} {before.ref}, {x.type} {first.ref}"
                    )
                    self.store(to, strides, [*at, j], COMBINE[m.kind](before, x), active)

            self._blocks(self.axes[1], self.lanes, block, self.cut == 1)

        self._bunches(start, count, some)

    def _nothing(self, m: Member) -> Value:
        one = Value(self.w, "", m.node.dtype, self.lanes)
        return one.like(start_of(m.kind, m.node.dtype))

    def _sums(self, m: Member, start: Index) -> tuple[View, tuple[int, ...], list[Index]]:
        """Where the block's sums go: a view, its strides, and the places in it but for the column.

        One block's go where they are asked for.
        """
        if self.blocks == 1:
            return m.store, (1,), []
        return m.sums, m.sums.strides, [self._number(start)]

    def _added(self, row: Index, rows: int, j: Index, active: int) -> dict[Member, Value]:
        """What a bunch of rows comes to in a vector of columns."""
        self.found: dict[Member, list[Value]] = {m: [] for m in self.columns}
        for r in range(rows):
            self._body([self._further(row, r) if r else row, j], active)
        for m, parts in self.found.items():
            while len(parts) > 1:
                pairs = map(COMBINE[m.kind], parts[::2], parts[1::2])
                parts = [*pairs, *parts[len(parts) & ~1 :]]
            self.found[m] = parts
        return {m: parts[0] for m, parts in self.found.items()}

    def _gather(self, m: Member, x: Value, at: list[Index], active: int) -> None:
        if m in self.found:
            self.found[m].append(x)
        else:
            super()._gather(m, x, at, active)

    def finish(self) -> None:
        """What the blocks have come to, added up."""
        add_up(self, self.whole, self.blocks, self._kept)
        for m in self.columns:
            self._blocks(self.axes[1], self.lanes, lambda j, active, m=m: self._last(m, j, active))

    def _last(self, m: Member, j: Index, active: int) -> None:
        w, dtype = self.w, m.node.dtype
        wide = np.dtype(np.float64) if dtype.kind == "f" else dtype
        first = Value(w, "", wide, self.lanes).like(start_of(m.kind, wide))
        place = f"%last{self.columns.index(m)}"
        room = f"  {place} = alloca {first.type}, align 64"
        if room not in w.lines:
            w.lines.insert(0, room)
        w.line(f"  store {first.type} {first.ref}, ptr {place}")

        def one(block: Index) -> None:
            x = self.load(m.sums, m.sums.strides, [block, j], self.lanes, active).astype(wide)
            before = Value(w, w.put(f"load {x.type}, ptr {place}"), wide, self.lanes)
            w.line(f"  store {x.type} {COMBINE[m.kind](before, x).ref}, ptr {place}")

        self._for(self.blocks, one)
        x = Value(w, w.put(f"load {first.type}, ptr {place}"), wide, self.lanes)
        self.store(m.store, (1,), [j], x, active)
