"""A product's right factor laid out anew: panels of a few columns, one row after the other.

A tile reads so many vectors of one row after the other. Where the factor's rows are far apart, or
its columns are what lies in a row, a panel of it is first copied to where that reading is fast.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..vector import EXPECT, Writer, scalar_type, typed
from .memory import Index


def panel(nest: Any, head: str, strides: tuple[int, int], terms: int, columns: list) -> str:
    """Code that lays out the columns (where each vector starts, how many lanes count) from `head`.

    `strides` are those of the factor, in elements. Gives where the panel begins: vector c of row
    k lies at (k · columns + c) · lanes.
    """
    w, dtype, lanes = nest.w, nest.right.dtype, nest.lanes
    size = lanes * dtype.itemsize
    begin = _place(nest)
    down, across = strides
    if across != 1:
        if down == 1 and terms >= lanes > 1:
            _turned(nest, head, across, terms, columns, begin)
        else:
            _one_by_one(nest, head, strides, terms, columns, begin)
        return begin

    def row(k: Index) -> None:
        source = nest.beside(head, dtype.itemsize, k, down)
        to = nest.beside(begin, len(columns) * size, k)
        for c, (_, active) in enumerate(columns):
            place = nest.beside(source, dtype.itemsize, c * lanes, across)
            x = nest.vector_at(dtype, place, across, lanes, active)
            to_c = nest.beside(to, size, c)
            w.line(f"  store {typed(dtype, lanes)} {x}, ptr {to_c}, align {size}")

    nest._for(terms, row)
    return begin


def _place(nest: Any) -> str:
    """Memory for a panel: on the stack, or this part's share of the module's room."""
    w = nest.w
    if not nest.on_stack:
        offset = w.put(f"mul i64 %part, {nest.room}")
        return w.put(f"getelementptr inbounds i8, ptr @room, i64 {offset}", "room")
    line = f"  %panel = alloca [{nest.on_stack} x i8], align 64"
    if line not in w.lines:
        w.lines.insert(0, line)
    return "%panel"


def _turned(nest: Any, head: str, across: int, terms: int, columns: list, begin: str) -> None:
    """The panel of a factor whose columns lie in a row: square blocks turned in registers."""
    w, dtype, lanes = nest.w, nest.right.dtype, nest.lanes
    size = lanes * dtype.itemsize
    name = turning(nest, dtype)

    def square(k: Index) -> None:
        source = nest.beside(head, dtype.itemsize, k)
        to = nest.beside(begin, len(columns) * size, k)
        for c, (_, active) in enumerate(columns):
            place = nest.beside(source, dtype.itemsize, c * lanes, across)
            w.line(
                f"  call void @{name}(ptr {place}, i64 {across}, i64 {active - 1}, "
                f"ptr {nest.beside(to, size, c)}, i64 {len(columns) * lanes})"
            )

    nest._for(terms // lanes, square, lanes)
    if terms % lanes:  # the last block begins earlier, and writes some rows again
        square(terms - lanes)


def _one_by_one(
    nest: Any, head: str, strides: tuple[int, int], terms: int, columns: list, begin: str
) -> None:
    """The panel of a factor that is small, or whose elements lie apart in both directions."""
    w, dtype = nest.w, nest.right.dtype
    one, size, lanes = scalar_type(dtype), dtype.itemsize, nest.lanes
    down, across = strides
    count = (len(columns) - 1) * lanes + columns[-1][1]

    def column(c: Index) -> None:
        source, to = nest.beside(head, size, c, across), nest.beside(begin, size, c)

        def row(k: Index) -> None:
            x = w.put(f"load {one}, ptr {nest.beside(source, size, k, down)}, align {size}")
            place = nest.beside(to, size, k, len(columns) * lanes)
            w.line(f"  store {one} {x}, ptr {place}, align {size}")

        nest._for(terms, row)

    nest._for(count, column)


def turning(nest: Any, dtype: np.dtype) -> str:
    """The name of a function that turns a square block, which is then among those of the module."""
    name = f"turn{nest.lanes}{scalar_type(dtype)}"
    nest.inside[name] = block(name, dtype, nest.lanes)
    nest.w.declare(EXPECT)
    return name


@cache
def block(name: str, dtype: np.dtype, lanes: int) -> str:
    """A function that turns a square block: rows become columns, in log2(lanes) rounds.

    It reads `lanes` rows that are `%across` elements apart, of which those after `%last` are
    read as that one, and writes `lanes` vectors that are `%apart` elements apart. The rounds within
    groups of rows come first, then those between the groups: two short loops, with the block in
    memory in between, take LLVM a third of the time that it takes for all of it at once.
    """
    w, size, kind = Writer(), dtype.itemsize, typed(dtype, lanes)
    group, row_bytes = _group(lanes, size), lanes * size
    found = rounds(lanes, size)
    near = group.bit_length() - 1  # rounds that stay within a group
    w.line(f"  %square = alloca [{lanes} x {kind}], align {row_bytes}")

    def place(base: str, row: str, apart: str) -> str:
        there = w.put(f"mul i64 {row}, {apart}")
        return w.put(f"getelementptr inbounds i8, ptr {base}, i64 {there}")

    def in_square(row: str) -> str:
        return f"ptr {place('%square', row, str(row_bytes))}, align {row_bytes}"

    def within(first: str) -> None:
        rows, taken = [w.put(f"add nuw nsw i64 {first}, {r}") for r in range(group)], {}
        for r, row in enumerate(rows):
            inside = w.put(f"icmp ult i64 {row}, %last")
            there = w.put(f"select i1 {inside}, i64 {row}, i64 %last")
            at = place("%source", there, "%across.bytes")
            taken[r] = w.put(f"load {kind}, ptr {at}, align {size}")
        for r, x in _turned_by(w, kind, lanes, found[:near], taken).items():
            w.line(f"  store {kind} {x}, {in_square(rows[r])}")

    def between(first: str) -> None:
        rows = {r: w.put(f"add nuw nsw i64 {first}, {r}") for r in range(0, lanes, group)}
        taken = {r: w.put(f"load {kind}, {in_square(row)}") for r, row in rows.items()}
        for r, x in _turned_by(w, kind, lanes, found[near:], taken).items():
            w.line(f"  store {kind} {x}, ptr {place('%to', rows[r], '%apart.bytes')}, align {size}")

    for name_ in ("across", "apart"):
        w.line(f"  %{name_}.bytes = mul i64 %{name_}, {size}")
    w.counted(lanes, within, group)
    w.counted(group, between)
    body = "\n".join(w.lines)
    return (
        f"define internal void @{name}(ptr %source, i64 %across, i64 %last, ptr %to, i64 %apart) "
        f"noinline {{\n{body}\n  ret void\n}}\n"
    )


def _turned_by(w: Writer, kind: str, lanes: int, found: list, rows: dict[int, str]) -> dict:
    """The rows that there are, after some rounds."""
    for masks, pairs in found:
        made = {}
        for x, y, *become in pairs:
            for to, mask in zip(become, masks, strict=True):
                if x in rows:
                    picks = f"<{lanes} x i32> <{', '.join(f'i32 {p}' for p in mask)}>"
                    made[to] = w.put(f"shufflevector {kind} {rows[x]}, {kind} {rows[y]}, {picks}")
        rows = made
    return rows


def _group(lanes: int, size: int) -> int:
    """The numbers of 16 bytes, which shuffles within a row move among themselves."""
    return min(max(1, 16 // size), lanes)


def rounds(lanes: int, size: int) -> list[tuple[tuple, list]]:
    """How a square block is turned: rounds of shuffles that the machine has as one instruction.

    A round is two masks, and for each pair of rows which two they are, and which they become.
    First columns are gathered in groups of 16 bytes, then the groups change places.

    >>> rounds(2, 8)
    [(((0, 2), (1, 3)), [(0, 1, 0, 1)])]
    """
    group, found = _group(lanes, size), []
    width = 1
    while width < group:  # interleave the halves of the groups of two rows
        halves = []
        for half in (0, 1):
            starts = [g + half * group // 2 for g in range(0, lanes, group)]
            units = [s + u for s in starts for u in range(0, group // 2, width)]
            halves.append(tuple(
                p for u in units for side in (0, lanes) for p in range(side + u, side + u + width)
            ))  # fmt: skip
        found.append((tuple(halves), _paired(lanes, width, group)))
        width *= 2
    step = group
    while step < lanes:  # every second group of two rows, and the others
        parts = tuple(
            tuple(side + g + p for side in (0, lanes) for g in range(odd, lanes, 2 * group)
                  for p in range(group))
            for odd in (0, group)
        )  # fmt: skip
        found.append((parts, [
            (r, r + step, r, r + step) for r in range(lanes) if not r & step
        ]))  # fmt: skip
        step *= 2
    return found


def _paired(lanes: int, width: int, group: int) -> list[tuple[int, int, int, int]]:
    """Rows that are interleaved in units of some elements, and the rows they become."""
    if width == 1:
        return [(r, r + 1, r, r + 1) for r in range(0, lanes, 2)]
    found = []
    for r in range(0, lanes, group):
        found += [(r, r + 2, r, r + 1), (r + 1, r + 3, r + 2, r + 3)]
    return found
