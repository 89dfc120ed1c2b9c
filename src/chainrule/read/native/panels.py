"""A product's right factor laid out anew: panels of a few columns, one row after the other.

A tile reads so many vectors of one row after the other. Where the factor's rows are far apart, or
its columns are what lies in a row, a panel of it is first copied to where that reading is fast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .memory import Index
from .vector import scalar_type, typed


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
    one, size = scalar_type(dtype), lanes * dtype.itemsize
    name = f"turn{lanes}{one}"
    nest.inside[name] = block(name, dtype, lanes)

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


def block(name: str, dtype: np.dtype, lanes: int) -> str:
    """A function that turns a square block: rows become columns, in log2(lanes) rounds.

    It reads `lanes` rows that are `%across` elements apart, of which those after `%last` are
    read as that one, and writes `lanes` vectors that are `%apart` elements apart.
    """
    kind, one = typed(dtype, lanes), scalar_type(dtype)
    lines = []
    for r in range(lanes):
        lines += [
            f"  %b{r} = icmp ult i64 {r}, %last",
            f"  %r{r} = select i1 %b{r}, i64 {r}, i64 %last",
            f"  %o{r} = mul i64 %r{r}, %across",
            f"  %p{r} = getelementptr inbounds {one}, ptr %source, i64 %o{r}",
            f"  %x0.{r} = load {kind}, ptr %p{r}, align {dtype.itemsize}",
        ]
    stage = 0
    for masks, pairs in rounds(lanes, dtype.itemsize):
        for x, y, low, high in pairs:
            for to, mask in zip((low, high), masks, strict=True):
                picks = ", ".join(f"i32 {p}" for p in mask)
                lines.append(
                    f"  %x{stage + 1}.{to} = shufflevector {kind} %x{stage}.{x}, "
                    f"{kind} %x{stage}.{y}, <{lanes} x i32> <{picks}>"
                )
        stage += 1
    for r in range(lanes):
        lines += [
            f"  %q{r} = mul i64 {r}, %apart",
            f"  %t{r} = getelementptr inbounds {one}, ptr %to, i64 %q{r}",
            f"  store {kind} %x{stage}.{r}, ptr %t{r}, align {dtype.itemsize}",
        ]
    body = "\n".join(lines)
    return (
        f"define internal void @{name}(ptr %source, i64 %across, i64 %last, ptr %to, i64 %apart) "
        f"noinline {{\n{body}\n  ret void\n}}\n"
    )


def rounds(lanes: int, size: int) -> list[tuple[tuple, list]]:
    """How a square block is turned: rounds of shuffles that the machine has as one instruction.

    A round is two masks, and for each pair of rows which two they are, and which they become.
    First columns are gathered in groups of 16 bytes, then the groups change places.

    >>> rounds(2, 8)
    [(((0, 2), (1, 3)), [(0, 1, 0, 1)])]
    """
    group, found = min(max(1, 16 // size), lanes), []
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
