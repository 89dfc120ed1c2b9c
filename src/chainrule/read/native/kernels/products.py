"""Matrix products: tiles of the value in registers, and what is done with them there."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import prod
from typing import Any

from ..program import Member, View
from ..tiling import BROAD, CACHE, PANEL, Tiling, tiling
from ..vector import Value, typed
from .memory import NARROW, Index
from .packing import Packing
from .panels import panel
from .sums import LINE, Ahead, Block, Sums
from .totals import add_up

FAR = 1 << 20  # bytes of a matrix from which on an epilogue's operands are sent for early
STRETCH = 64  # tiles
DIVIDED = 200_000  # multiplications of a product from which on threads may divide it
STACK = PANEL if os.name == "posix" else 0  # bytes of a panel that the stack may hold


class Tiles(Sums):
    """A loop nest whose last two axes are the rows and columns of a product."""

    combined = ("sum", "prod", "max", "min")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.member = self.loop.product
        self.left, self.right = self.member.operands
        self.along = self.left.strides[-1], self.right.strides[-2]
        self.terms = self.left.shape[-1]
        if self.axes[-1] == 1 < self.axes[-2]:
            self._on_its_side()
        rows, columns = self.axes[-2:]
        self.by_dots = self._worth_dots(rows, columns)
        self.lanes = self.widest if self.by_dots else self.lanes
        vectors, size = -(-columns // self.lanes), self.lanes * self.member.node.dtype.itemsize
        self.deep = self.terms if self.by_dots else self.member.deep or self.terms
        self.block = Block(0, self.terms, True)
        self.packed = not self.by_dots and self._worth_a_panel(rows, vectors)
        wide = self.right.panel // self.lanes or self._broad(vectors)
        apart = any(self._far(x) for x in self._epilogues())
        how = (self.deep, self.register, size, self.packed, wide, apart, self._groups_at_least())
        self.tiling = tiling(rows, vectors, *how)
        if self.by_dots:
            self.tiling = Tiling(1, 1, 1)
        room = -(-self.deep * self.tiling.wide * size // 64) * 64 if self.packed else 0
        self.on_stack = room if room <= STACK else 0
        self.room = room - self.on_stack
        own = self.packed or self.right.panel
        self.across = 1 if own else self.views[id(self.right)][1][-1]
        self.laid = Packing(self) if self._left_apart(rows, vectors) else None
        self.room += self.laid.size if self.laid else 0

    def _on_its_side(self) -> None:
        """A value of one column is made as one row: that fills vectors."""
        self.left, self.right = self.right, self.left
        self.along = self.along[1], self.along[0]
        self.axes = (*self.axes[:-2], 1, self.axes[-2])
        for key, (x, s) in self.views.items():
            self.views[key] = x, (*s[:-2], s[-1], s[-2])
        self.lanes = self._lanes(self.axes[-1])

    def _worth_dots(self, rows: int, columns: int) -> bool:
        """Whether it is so few rows that to lay out the right factor anew costs more than them."""
        _, across = self.views[id(self.right)][1][-2:]
        along = self.along == (1, 1) and (across != 1 or columns == 1) and not self.right.panel
        return along and rows <= 2 and self.terms >= self.widest > 1

    def _worth_a_panel(self, rows: int, vectors: int) -> bool:
        """Whether the right factor is laid out anew: its rows are no vectors, or lie far apart."""
        _, across = self.views[id(self.right)][1][-2:]
        if self.right.panel:
            return False
        if across != 1:
            return self.lanes > 1 and not (rows <= 2 and self.terms <= across <= NARROW)
        deep = self.deep * self.lanes * self.right.dtype.itemsize
        return rows > 32 and vectors > 4 and deep * vectors > CACHE

    def _broad(self, vectors: int) -> int:
        """How wide a tile has to be, so that panels are read in long pieces; 0: as may be."""
        steep = self.deep < self.terms and self.along[0] > 1
        return BROAD if steep and self.packed and vectors >= 2 * BROAD else 0

    def _left_apart(self, rows: int, vectors: int) -> bool:
        """Whether the left factor is laid out anew: its terms lie so far apart that no cache holds
        those of a tile until the next tile needs what lies beside them."""
        down, size = self.views[id(self.left)][1][-2], self.left.dtype.itemsize
        if down != 1 or self.along[0] * size < 64 or self.lanes == 1 or len(self.axes) > 2:
            return False
        worth = rows >= 2 * self.tiling.tall and vectors >= 4 * self.tiling.wide
        return worth and self.deep * 64 >= CACHE // 2

    def _groups_at_least(self) -> int:
        """Of columns, so that threads have what to divide where a sum runs over the rows."""
        by_column = self._free() == {len(self.axes) - 1}
        return 2 if by_column and prod(self.axes) * self.terms >= DIVIDED else 1

    def _level(self, k: int, at: list[Index]) -> None:
        if k < len(self.axes) - 2:
            super()._level(k, at)
            return
        begins = [
            m for m in self.loop.members
            if m.kind in self.combined and self._suffix(m) == k and not m.tiled
        ]  # fmt: skip
        for m in begins:
            self._begin(m)
        self._tiled(at)
        for m in begins:
            self._finish(m, at)

    def _tiled(self, at: list[Index]) -> None:
        """Groups of columns, and down each of them tiles."""
        tall = self.tiling[0]
        by_row = self.cut == len(self.axes) - 2
        blocks, over = divmod(self.axes[-2], tall)
        each = _stretch(blocks)

        def rows_from(begin: Index, columns: list, shared: bool) -> None:
            head = self._head(at, columns)
            self._for(each, lambda i: self._tile(
                at, self._sum_of(begin, i), tall, columns, head
            ), tall, shared)  # fmt: skip
            if over and each == blocks:
                last(columns, head, shared)

        def last(columns: list, head: str, shared: bool) -> None:
            self._by_the_last(shared, lambda: self._tile(at, blocks * tall, over, columns, head))

        def all_rows(begin: Index, count: int, shared: bool) -> None:
            below = over if each == blocks else 0
            self._in_blocks(at, begin, count, below, shared, lambda: self._groups(
                lambda columns: rows_from(begin, columns, shared)
            ))  # fmt: skip

        if each == blocks:
            all_rows(0, blocks, by_row)
            return
        self._for(blocks // each, lambda begin: all_rows(begin, each, False), each * tall, by_row)
        if over:
            self._by_the_last(by_row, lambda: self._in_blocks(at, blocks * tall, 0, over, False,
                lambda: self._groups(lambda columns: last(columns, self._head(at, columns), False))
            ))  # fmt: skip

    def _groups(self, down: Callable[[list], None]) -> None:
        """So many columns at a time as a tile is wide, then what is left of them."""
        wide, by_column = self.tiling[1], self.cut == len(self.axes) - 1
        full, rest = divmod(self.axes[-1], self.lanes)
        whole = full // wide
        left = [(c * self.lanes, self.lanes) for c in range(whole * wide, full)]
        left += [(full * self.lanes, rest)] if rest else []
        self._for(whole, lambda j: down(
            [(self._plus(j, c * self.lanes), self.lanes) for c in range(wide)]
        ), wide * self.lanes, by_column)  # fmt: skip
        if left:
            self._by_the_last(by_column, lambda: down(left))

    def _in_blocks(
        self, at: list, begin: Index, count: int, over: int, shared: bool,
        body: Callable[[], None],
    ) -> None:  # fmt: skip
        """So many tiles one below the other, and `over` rows below them: a block of terms for all
        of them, then the next."""
        whole = (self.terms - 1) // self.deep

        def block(k: Index, terms: int) -> None:
            self.block = Block(k, terms, terms == 0)
            if not terms:
                self.block = Block(k, self.terms - whole * self.deep, True)
            if self.laid is not None:
                self.laid.write(begin, count, over, shared)
            body()

        self._for(whole, lambda k: block(k, self.deep), self.deep)
        block(whole * self.deep, 0)

    @property
    def work(self) -> float:
        factor = self.terms * self.axes[-1] * self.right.dtype.itemsize  # bytes, of the right one
        return super().work + prod(self.axes) * self.terms * 0.01 + factor * 0.01

    def shared_axis(self) -> int | None:
        """The axis that is cut: a batch if there is one, else columns or rows, whatever is more."""
        free = self._free()
        batch = [k for k in free if k < len(self.axes) - 2]
        if batch or not free:
            return min(batch, default=None)
        rows, columns = len(self.axes) - 2, len(self.axes) - 1
        groups = -(-self.axes[columns] // (self.lanes * self.tiling.wide))
        blocks = -(-self.axes[rows] // self.tiling.tall)
        if rows not in free or columns not in free:
            return min(free)
        return columns if groups >= 8 or groups >= blocks else rows

    def _sum_of(self, i: Index, j: Index) -> Index:
        if isinstance(i, int) or isinstance(j, int):
            return self._plus(j, i) if isinstance(i, int) else self._plus(i, j)
        return self.w.put(f"add nuw nsw i64 {i}, {j}", "i")

    def _head(self, at: list[Index], columns: list[tuple[Index, int]]) -> str:
        """Where the first row of the columns is read, after laying out the panel."""
        strides, one = self.views[id(self.right)][1], self.right.dtype.itemsize
        first = self._address(self.right, strides, [*at, 0, columns[0][0]])
        first = self.beside(first, one, self.block.start, self.along[1])
        if not self.packed:
            return first
        self.begin = first
        return panel(self, first, (self.along[1], strides[-1]), self.block.terms, columns)

    def _tile(self, at: list, i: Index, rows: int, columns: list, head: str) -> None:
        member = self.member
        if self.block.last:
            self._sent_for(at, i, rows, columns)
        whole = rows == self.tiling.tall and len(columns) == self.tiling.wide
        self.ahead = self._sent_ahead(i) if self.packed and whole else None
        sums = self._accumulated(at, i, rows, columns, head)
        if not self.block.last:
            self._kept(at, i, columns, sums)
            return
        for m in self.totals:
            self.turns[m] = 0
            self._begin(m)
        if len(self.loop.members) < 3 or rows * len(columns) == 1:
            for r in range(rows):
                place = [*at, self._plus(i, r)]
                for c, (j, active) in enumerate(columns):
                    self._body([*place, j], active, {member: sums[r][c]})
        else:
            self._by_row(at, i, rows, columns, member, sums)
        for m in self.totals:
            place = self._slot(m, self._number(i, columns[0][0]))
            kind = typed(m.node.dtype, self.lanes)
            self.w.line(f"  store {kind} {self.total(m).ref}, ptr {place}, align 64")

    @property
    def totals(self) -> list[Member]:
        """Those that are done tile by tile."""
        return [m for m in self.loop.members if m.tiled]

    @property
    def abreast(self) -> int:
        """How many tiles there are beside each other."""
        return -(-self.axes[-1] // (self.tiling.wide * self.lanes))

    @property
    def tiles(self) -> int:
        """How many tiles there are."""
        return -(-self.axes[-2] // self.tiling.tall) * self.abreast

    def _number(self, i: Index, j: Index) -> Index:
        """The number of the tile that begins in row i and column j."""
        w, (tall, wide, _) = self.w, self.tiling
        row = i // tall if isinstance(i, int) else w.put(f"udiv i64 {i}, {tall}")
        wide *= self.lanes
        column = j // wide if isinstance(j, int) else w.put(f"udiv i64 {j}, {wide}")
        row = (
            row * self.abreast if isinstance(row, int) else w.put(f"mul i64 {row}, {self.abreast}")
        )
        return self._sum_of(row, column)

    def _slot(self, m: Member, number: Index) -> str:
        """Where it is kept what a tile comes to."""
        first = 64 * self.tiles * self.totals.index(m)
        return self.beside(f"getelementptr (i8, ptr @sums, i64 {first})", 64, number)

    def finish(self) -> None:
        """What the tiles have come to, added up."""
        add_up(self, self.totals, self.tiles, self._slot)

    def _sent_for(self, at: list, i: Index, rows: int, columns: list) -> None:
        """Ask for what the epilogue reads and writes, if it is far: it comes during the sums."""
        w, found = self.w, {}
        stores = [id(m.store) for m in self.loop.members]
        for x in self._epilogues():
            if self._far(x):
                found[x.buffer, x.offset] = x, int(id(x) in stores)
        if not found:
            return
        w.declare("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")

        def row(r: Index) -> None:
            known = isinstance(i, int) and isinstance(r, int)
            place = i + r if known else w.put(f"add nuw nsw i64 {i}, {r}", "i")
            for x, written in found.values():
                begin = self._address(x, self.views[id(x)][1], [*at, place, columns[0][0]])
                for c in range(len(columns)):
                    line = self.beside(begin, self.lanes * x.dtype.itemsize, c)
                    how = f"i32 {written}, i32 3, i32 1"
                    w.line(f"  call void @llvm.prefetch.p0(ptr {line}, {how})")

        self._for(rows, row)

    def _sent_ahead(self, i: Index) -> Ahead | None:
        """A tile's share of the next panel, which is laid out when all tiles of this one are made.

        Its lines lie apart, and would be waited for one by one.
        """
        w, size = self.w, self.right.dtype.itemsize
        tall, wide, _ = self.tiling
        tiles = max(1, self.axes[-2] // (tall * (self.parts if self.cut == 0 else 1)))
        down, across = self.along[1], self.views[id(self.right)][1][-1]
        columns = wide * self.lanes
        if across == 1:  # a row of the panel after the other
            many, apart, long = self.block.terms, down, columns
        else:
            many, apart, long = columns, across, self.block.terms
        if self.block.terms * columns * tiles == 0 or prod(self.right.shape[-2:]) * size < FAR:
            return None
        each = -(-many // tiles)
        ahead = self.beside(self.begin, size, columns, across)
        tile = i // tall if isinstance(i, int) else w.put(f"udiv i64 {i}, {tall}")
        if self.cut == 0:
            tile = w.put(f"urem i64 {tile}, {tiles}")
        head = self.beside(ahead, size, tile, each * apart)
        return Ahead(head, each, apart * size, -(-long * size // LINE))

    def _epilogues(self) -> list[View]:
        """What is read and written besides the product's own factors."""
        found = []
        for m in self.loop.members:
            found += [*(m.operands if m is not self.member else ()), m.store]
        return [x for x in found if isinstance(x, View) and id(x) in self.views]

    def _far(self, x: View) -> bool:
        """Whether a view is a whole matrix too large for the caches, with rows without gaps."""
        down, across = self.views[id(x)][1][-2:]
        size = prod(self.axes) * x.dtype.itemsize
        return across == 1 and down != 0 and size > FAR

    def _by_row(self, at: list, i: Index, rows: int, columns: list, member: Member, sums: list):
        """A long epilogue is written once, in a loop over the tile's rows and columns."""
        w, dtype, lanes = self.w, member.node.dtype, self.lanes
        vector, size = typed(dtype, lanes), lanes * dtype.itemsize
        tile = f"%tile{rows}x{len(columns)}"
        room = f"  {tile} = alloca [{rows * len(columns)} x {vector}], align 64"
        if room not in w.lines:
            w.lines.insert(0, room)
        for k, x in enumerate(x for row in sums for x in row):
            w.line(f"  store {vector} {x.ref}, ptr {self.beside(tile, size, k)}, align {size}")

        def body(r: Index) -> None:
            start = self.beside(tile, size * len(columns), r)
            known = isinstance(i, int) and isinstance(r, int)
            row = i + r if known else w.put(f"add nuw nsw i64 {i}, {r}", "i")

            def some(c: Index, active: int) -> None:
                place = self.beside(start, dtype.itemsize, c)
                x = Value(w, w.put(f"load {vector}, ptr {place}, align {size}"), dtype, lanes)
                self._body([*at, row, self._sum_of(columns[0][0], c)], active, {member: x})

            full = sum(active == lanes for _, active in columns)
            if self.terms >= 256 or any(map(self._far, self._epilogues())):
                self._for(full, lambda c: some(c, lanes), lanes)
            else:
                for c in range(full):
                    some(c * lanes, lanes)
            if full < len(columns):
                some(full * lanes, columns[-1][1])

        self._for(rows, body)


def _stretch(blocks: int) -> int:
    """How many tiles one below the other are made before the next columns: as many rows of the
    left factor as stay in a cache, where they divide all without rest."""
    if blocks <= 2 * STRETCH:
        return blocks
    fits = [k for k in range(STRETCH // 4, STRETCH + 1) if blocks % k == 0]
    return max(fits, default=blocks)
