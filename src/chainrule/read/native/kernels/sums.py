"""The sums over the terms of a product: what a tile of registers adds up, and in how many blocks.

Where a left factor has too many terms for the caches, the sums of some hundred terms are made for
all tiles, and written down where the next block goes on from them: each factor then comes from far
once. How the blocks are cut does not depend on the number of threads, so nor do the numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..tiling import Tiling
from ..vector import Value, scalar_type, typed
from .dots import dots
from .loops import Nest
from .memory import Index

LINE = 64  # bytes that memory hands over at once
INLINE = 48  # multiplications of a tile up to which there is no loop over the terms


class Block(NamedTuple):
    """Terms that are added up before the next columns: from `start` on."""

    start: Index
    terms: int
    last: bool  # the epilogue follows on it


class Ahead(NamedTuple):
    """What is asked for while a tile is made: pieces of so many lines, so many bytes apart."""

    head: str
    pieces: int
    apart: int
    lines: int


class Sums(Nest):
    """What of a product's tiles goes over the terms."""

    member: Any
    left: Any
    right: Any
    along: tuple[int, int]
    across: int  # elements from a column to the next, where the right factor is read
    tiling: Tiling
    block: Block
    by_dots: bool
    packed: bool
    laid: Any  # where the left factor is laid out anew, and how
    ahead: Ahead | None

    def _accumulated(
        self, at: list, i: Index, rows: int, columns: list, head: str
    ) -> list[list[Value]]:
        """The products of a tile: the sum over the terms, for every row and vector of columns."""
        dtype, splits = self.member.node.dtype, self.tiling.splits
        if self.by_dots:
            row = self._address(self.left, self.views[id(self.left)][1], [*at, i, 0])
            apart, active = self.views[id(self.right)][1][-1], columns[0][1]
            return [[Value(self.w, dots(self, row, head, apart, active), dtype, self.lanes)]]
        zero = Value(self.w, "", dtype, self.lanes).like(0).ref
        sums = [[[zero] * len(columns) for _ in range(rows)] for _ in range(splits)]
        if self.block.start != 0:
            sums[0] = self._so_far(at, i, rows, columns)
        begun = (*self._first(at, i, rows), head, [active for _, active in columns])
        terms = self.block.terms
        rounds = terms // splits
        if terms * rows * len(columns) > INLINE:
            sums = self._looped(rounds, sums, begun)
            begin = rounds * splits
        else:
            begin = 0
        for k in range(begin, terms):
            sums[k % splits] = self._term(sums[k % splits], k, begun)
        while len(sums) > 1:  # in a tree
            half = len(sums) // 2
            sums = [
                [[self.added(x, y) for x, y in zip(p, q, strict=True)]
                 for p, q in zip(a, b, strict=True)]
                for a, b in zip(sums[:half], sums[half:], strict=True)
            ]  # fmt: skip
        return [[Value(self.w, s, dtype, self.lanes) for s in row] for row in sums[0]]

    def _so_far(self, at: list, i: Index, rows: int, columns: list) -> list[list[str]]:
        """The sums over the blocks before this one; nothing at the first."""
        w, kept = self.w, self.member.sums
        dtype, strides = kept.dtype, self.views[id(kept)][1]
        kind = typed(dtype, self.lanes)
        begun = isinstance(self.block.start, int) or w.put(f"icmp ne i64 {self.block.start}, 0")
        found = []
        for r in range(rows):
            row = []
            for j, active in columns:
                place = self._address(kept, strides, [*at, self._plus(i, r), j])
                x = self.vector_at(dtype, place, 1, self.lanes, active)
                if begun is not True:
                    x = w.put(f"select i1 {begun}, {kind} {x}, {kind} zeroinitializer")
                row.append(x)
            found.append(row)
        return found

    def _kept(self, at: list, i: Index, columns: list, sums: list[list[Value]]) -> None:
        """The sums so far to where the next block finds them."""
        kept = self.member.sums
        strides = self.views[id(kept)][1]
        for r, row in enumerate(sums):
            for (j, active), x in zip(columns, row, strict=True):
                self.store(kept, strides, [*at, self._plus(i, r), j], x, active)

    def _first(self, at: list, i: Index, rows: int) -> tuple[str, int, int]:
        """Where the left factor's first term lies for row i; the steps to the next term and row."""
        if self.laid is not None:
            return self.laid.place(i, rows)
        strides = self.views[id(self.left)][1]
        first = self._address(self.left, strides, [*at, i, 0])
        first = self.beside(first, self.left.dtype.itemsize, self.block.start, self.along[0])
        return first, self.along[0], strides[-2]

    def _plus(self, i: Index, by: int) -> Index:
        if isinstance(i, int):
            return i + by
        return self.w.put(f"add nuw nsw i64 {i}, {by}", "i") if by else i

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
        if self.ahead is not None:
            self._sent_meanwhile(self.ahead, k, rounds * splits)
        flat = [[s for part in x for row in part for s in row] for x in (sums, names, made)]
        w.lines[at:at] = [
            f"  {s} = phi {vector} [ {zero}, %{head}.in ], [ {new}, %{head} ]"
            for zero, s, new in zip(*flat, strict=True)
        ]
        w.again(head, k, splits, rounds * splits)
        return made

    def _sent_meanwhile(self, ahead: Ahead, k: str, terms: int) -> None:
        """Ask for the lines that are term k's share: a few at a time, memory is not kept waiting,
        nor the sums."""
        w = self.w
        lines = ahead.pieces * ahead.lines
        each = -(-lines // terms)  # lines for a term; fewer than one are asked for several times
        step = -(-(lines << 16) // (each * terms))
        first = w.put(f"lshr i64 {w.put(f'mul i64 {k}, {step}')}, 16")
        w.declare("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        for u in range(each):
            line = self._plus(w.put(f"mul i64 {first}, {each}"), u)
            piece = w.put(f"udiv i64 {line}, {ahead.lines}")
            rest = w.put(f"urem i64 {line}, {ahead.lines}")
            place = self.beside(self.beside(ahead.head, 1, piece, ahead.apart), LINE, rest)
            w.line(f"  call void @llvm.prefetch.p0(ptr {place}, i32 0, i32 3, i32 1)")

    def _term(self, sums: list[list[str]], k: Index, begun: tuple) -> list[list[str]]:
        """The sums with one more term."""
        first, of_left, apart, head, actives = begun
        w, dtype, lanes = self.w, self.member.node.dtype, self.lanes
        size, one = dtype.itemsize, scalar_type(dtype)
        apart_right = len(actives) * lanes if self.packed else self.along[1]
        begin = self.beside(head, size, k, apart_right)
        right = []
        for c, active in enumerate(actives):
            place = self.beside(begin, lanes * size, c, self.across)
            if self.packed:
                kind = typed(dtype, lanes)
                right.append(w.put(f"load {kind}, ptr {place}, align {lanes * size}"))
            else:
                right.append(self.vector_at(dtype, place, self.across, lanes, active))
        start = self.beside(first, size, k, of_left)
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
