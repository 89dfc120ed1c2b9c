"""Matrix products: tiles of the value in registers, and what is done with them there."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from .dots import dots
from .loops import Nest
from .memory import Index
from .panels import panel
from .program import Member, View
from .tiling import CACHE, PANEL, Tiling, tiling
from .vector import Value, scalar_type, typed

FAR = 1 << 20  # bytes of a matrix from which on an epilogue's operands are sent for early
STRETCH = 64  # tiles
STACK = PANEL if os.name == "posix" else 0  # bytes of a panel that the stack may hold
INLINE = 48  # multiplications of a tile up to which there is no loop over the terms


class Tiles(Nest):
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
        vectors, size = -(-columns // self.lanes), self.lanes * self.member.node.dtype.itemsize
        self.by_dots = self._worth_dots(rows)
        self.packed = not self.by_dots and self._worth_a_panel(rows, vectors)
        self.tiling = tiling(rows, vectors, self.terms, self.register, size, self.packed)
        if self.by_dots:
            self.tiling = Tiling(1, 1, 1)
        room = -(-self.terms * self.tiling.wide * size // 64) * 64 if self.packed else 0
        self.on_stack = room if room <= STACK else 0
        self.room = room - self.on_stack

    def _on_its_side(self) -> None:
        """A value of one column is made as one row: that fills vectors."""
        self.left, self.right = self.right, self.left
        self.along = self.along[::-1]
        self.axes = (*self.axes[:-2], 1, self.axes[-2])
        for key, (x, s) in self.views.items():
            self.views[key] = x, (*s[:-2], s[-1], s[-2])
        self.lanes = self._lanes(self.axes[-1])

    def _worth_dots(self, rows: int) -> bool:
        """Whether it is so few rows that to lay out the right factor anew costs more than them."""
        _, across = self.views[id(self.right)][1][-2:]
        along = across != 1 and self.along == (1, 1)
        return along and rows <= 2 and self.terms >= self.lanes == self.widest > 1

    def _worth_a_panel(self, rows: int, vectors: int) -> bool:
        """Whether the right factor is laid out anew: its rows are no vectors, or lie far apart."""
        _, across = self.views[id(self.right)][1][-2:]
        if across != 1:
            return self.lanes > 1
        deep = self.terms * self.lanes * self.right.dtype.itemsize
        return rows > 32 and vectors > 4 and deep * vectors > CACHE

    def _level(self, k: int, at: list[Index]) -> None:
        if k < len(self.axes) - 2:
            super()._level(k, at)
            return
        begins = [m for m in self.loop.members if m.kind in self.combined and self._suffix(m) == k]
        for m in begins:
            self._begin(m)
        self._tiled(at)
        for m in begins:
            self._finish(m, at)

    def _tiled(self, at: list[Index]) -> None:
        """Groups of columns, and down each of them tiles."""
        m, n = self.axes[-2:]
        tall, wide, _ = self.tiling
        full, rest = divmod(n, self.lanes)
        whole, step = full // wide, wide * self.lanes
        left = [(c * self.lanes, self.lanes) for c in range(whole * wide, full)]
        left += [(full * self.lanes, rest)] if rest else []
        by_row, by_column = self.cut == len(self.axes) - 2, self.cut == len(self.axes) - 1
        blocks, over = divmod(m, tall)
        each = _stretch(blocks)

        def groups(down: Callable[[list], None]) -> None:
            self._for(whole, lambda j: down(
                [(self._plus(j, c * self.lanes), self.lanes) for c in range(wide)]
            ), step, by_column)  # fmt: skip
            if left:
                self._by_the_last(by_column, lambda: down(left))

        def rows_from(begin: Index, columns: list, shared: bool) -> None:
            heads = self._heads(at, columns)
            self._for(each, lambda i: self._tile(
                at, self._sum_of(begin, i), tall, columns, heads
            ), tall, shared)  # fmt: skip
            if over and each == blocks:
                last(columns, heads, shared)

        def last(columns: list, heads: list, shared: bool) -> None:
            self._by_the_last(shared, lambda: self._tile(at, blocks * tall, over, columns, heads))

        if each == blocks:
            groups(lambda columns: rows_from(0, columns, by_row))
            return
        self._for(blocks // each, lambda begin: groups(
            lambda columns: rows_from(begin, columns, False)
        ), each * tall, by_row)  # fmt: skip
        if over:
            self._by_the_last(by_row, lambda: groups(
                lambda columns: last(columns, self._heads(at, columns), False)
            ))  # fmt: skip

    @property
    def work(self) -> float:
        return super().work + prod(self.axes) * self.terms * 0.01

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

    def _plus(self, i: Index, by: int) -> Index:
        if isinstance(i, int):
            return i + by
        return self.w.put(f"add nuw nsw i64 {i}, {by}", "i") if by else i

    def _heads(self, at: list[Index], columns: list[tuple[Index, int]]) -> list[str]:
        """Where the first row of each vector of columns is read, after laying out the panel."""
        strides = self.views[id(self.right)][1]
        if not self.packed:
            return [self._address(self.right, strides, [*at, 0, j]) for j, _ in columns]
        head = self._address(self.right, strides, [*at, 0, columns[0][0]])
        begin = panel(self, head, (self.along[1], strides[-1]), self.terms, columns)
        size = self.lanes * self.right.dtype.itemsize
        return [self.beside(begin, size, c) for c in range(len(columns))]

    def _tile(self, at: list, i: Index, rows: int, columns: list, heads: list[str]) -> None:
        member = self.member
        self._sent_for(at, i, rows, columns)
        sums = self._accumulated(at, i, rows, columns, heads)
        if len(self.loop.members) < 3 or rows * len(columns) == 1:
            for r in range(rows):
                place = [*at, self._plus(i, r)]
                for c, (j, active) in enumerate(columns):
                    self._body([*place, j], active, {member: sums[r][c]})
            return
        self._by_row(at, i, rows, columns, member, sums)

    def _sent_for(self, at: list, i: Index, rows: int, columns: list) -> None:
        """Ask for what the epilogue reads and writes, if it is far: it comes during the sums."""
        w, found = self.w, {}
        for m in self.loop.members:
            for x in (*(m.operands if m is not self.member else ()), m.store):
                if isinstance(x, View) and id(x) in self.views and self._far(x):
                    found[x.buffer, x.offset] = x, int(x is m.store)
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

    def _far(self, x: View) -> bool:
        """Whether a view is a whole matrix too large for the caches, with rows without gaps."""
        down, across = self.views[id(x)][1][-2:]
        size = prod(self.axes) * x.dtype.itemsize
        return across == 1 and down != 0 and size > FAR

    def _by_row(self, at: list, i: Index, rows: int, columns: list, member: Member, sums: list):
        """A long epilogue is written once for every column, in a loop over the tile's rows."""
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
            for c, (j, active) in enumerate(columns):
                place = self.beside(start, size, c)
                x = Value(w, w.put(f"load {vector}, ptr {place}, align {size}"), dtype, lanes)
                self._body([*at, row, j], active, {member: x})

        self._for(rows, body)

    # The sums over the terms ------------------------------------------------------------------

    def _accumulated(
        self, at: list, i: Index, rows: int, columns: list, heads: list[str]
    ) -> list[list[Value]]:
        """The products of a tile: the sum over the terms, for every row and vector of columns."""
        dtype, splits = self.member.node.dtype, self.tiling.splits
        if self.by_dots:
            row = self._address(self.left, self.views[id(self.left)][1], [*at, i, 0])
            apart, active = self.views[id(self.right)][1][-1], columns[0][1]
            return [[Value(self.w, dots(self, row, heads[0], apart, active), dtype, self.lanes)]]
        zero = Value(self.w, "", dtype, self.lanes).like(0).ref
        sums = [[[zero] * len(columns) for _ in range(rows)] for _ in range(splits)]
        first = self._address(self.left, self.views[id(self.left)][1], [*at, i, 0])
        begun = (first, heads, [active for _, active in columns])
        rounds = self.terms // splits
        if self.terms * rows * len(columns) > INLINE:
            sums = self._looped(rounds, sums, begun)
            begin = rounds * splits
        else:
            begin = 0
        for k in range(begin, self.terms):
            sums[k % splits] = self._term(sums[k % splits], k, begun)
        while len(sums) > 1:  # in a tree
            half = len(sums) // 2
            sums = [
                [[self.added(x, y) for x, y in zip(p, q, strict=True)]
                 for p, q in zip(a, b, strict=True)]
                for a, b in zip(sums[:half], sums[half:], strict=True)
            ]  # fmt: skip
        return [[Value(self.w, s, dtype, self.lanes) for s in row] for row in sums[0]]

    def _looped(self, rounds: int, sums: list, begun: tuple) -> list:
        """A loop over the terms, so many at once as there are separate sums."""
        w, splits = self.w, len(sums)
        vector = typed(self.member.node.dtype, self.lanes)
        k, head = w.fresh("k"), w.fresh("L")[1:]
        w.line(f"  br label %{head}.in\n{head}.in:\n  br label %{head}\n{head}:")
        w.line(f"  {k} = phi i64 [ 0, %{head}.in ], [ {k}.next, %{head} ]")
        at = len(w.lines)
        names = [[[w.fresh("s") for _ in row] for row in part] for part in sums]
        made = [self._term(names[u], self._plus(k, u), begun) for u in range(splits)]
        flat = [[s for part in x for row in part for s in row] for x in (sums, names, made)]
        w.lines[at:at] = [
            f"  {s} = phi {vector} [ {zero}, %{head}.in ], [ {new}, %{head} ]"
            for zero, s, new in zip(*flat, strict=True)
        ]
        w.line(f"  {k}.next = add nuw nsw i64 {k}, {splits}")
        w.line(f"  {k}.more = icmp ult i64 {k}.next, {rounds * splits}")
        w.line(f"  br i1 {k}.more, label %{head}, label %{head}.out\n{head}.out:")
        return made

    def _term(self, sums: list[list[str]], k: Index, begun: tuple) -> list[list[str]]:
        """The sums with one more term."""
        first, heads, actives = begun
        w, dtype, lanes = self.w, self.member.node.dtype, self.lanes
        size, one = dtype.itemsize, scalar_type(dtype)
        of_left, of_right = self.along
        right = []
        for h, active in zip(heads, actives, strict=True):
            if self.packed:
                place = self.beside(h, len(actives) * lanes * size, k)
                kind = typed(dtype, lanes)
                right.append(w.put(f"load {kind}, ptr {place}, align {lanes * size}"))
            else:
                place = self.beside(h, size, k, of_right)
                right.append(self.vector_at(dtype, place, 1, lanes, active))
        start = self.beside(first, size, k, of_left)
        apart = self.views[id(self.left)][1][-2]
        made = []
        for r, row in enumerate(sums):
            place = self.beside(start, size, r, apart)
            x = w.put(f"load {one}, ptr {place}, align {size}")
            x = x if lanes == 1 else self._spread(x, dtype, lanes)
            made.append([self.melted(x, y, s) for s, y in zip(row, right, strict=True)])
        return made

    def melted(self, x: str, y: str, s: str) -> str:
        """x · y + s, rounded once."""
        dtype, w = self.member.node.dtype, self.w
        vector = typed(dtype, self.lanes)
        if dtype.kind != "f":
            return w.put(f"add {vector} {w.put(f'mul {vector} {x}, {y}')}, {s}", "s")
        many = f"v{self.lanes}" if self.lanes > 1 else ""
        name = f"@llvm.fma.{many}f{8 * dtype.itemsize}"
        w.declare(f"declare {vector} {name}({vector}, {vector}, {vector})")
        return w.put(f"call {vector} {name}({vector} {x}, {vector} {y}, {vector} {s})", "s")

    def added(self, x: str, y: str) -> str:
        dtype: np.dtype = self.member.node.dtype
        word = "fadd" if dtype.kind == "f" else "add"
        return self.w.put(f"{word} {typed(dtype, self.lanes)} {x}, {y}", "s")


def _stretch(blocks: int) -> int:
    """How many tiles one below the other are made before the next columns: as many rows of the
    left factor as stay in a cache, where they divide all without rest."""
    if blocks <= 2 * STRETCH:
        return blocks
    fits = [k for k in range(STRETCH // 4, STRETCH + 1) if blocks % k == 0]
    return max(fits, default=blocks)
