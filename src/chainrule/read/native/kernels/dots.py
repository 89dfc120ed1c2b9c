"""Products of a row with columns that lie in memory one after the other: many sums along them.

Where the terms of both factors are neighbours, as many columns as a vector has lanes are
multiplied along the terms at once, and their sums put side by side at the end.
"""

from __future__ import annotations

from typing import Any

from ..tiling import CHAINS
from ..vector import typed
from .memory import Index
from .panels import rounds


def dots(nest: Any, row: str, head: str, apart: int, active: int) -> str:
    """A vector of sums over the terms: of a row with `active` columns, `apart` elements apart."""
    w, dtype, lanes = nest.w, nest.member.node.dtype, nest.lanes
    size, kind = dtype.itemsize, typed(dtype, lanes)
    columns = [nest.beside(head, size, c, apart) for c in range(active)]
    full, rest = divmod(nest.terms, lanes)
    strands = min(full, -(-CHAINS // active))  # of each sum: every n-th vector of its terms
    k, loop = w.fresh("k"), w.fresh("L")[1:]
    sums = [[w.fresh("d") for _ in columns] for _ in range(strands)]

    def added(at: Index, count: int, before: list[str]) -> list[str]:
        x = nest.vector_at(dtype, nest.beside(row, size, at), 1, lanes, count)
        ys = [nest.vector_at(dtype, nest.beside(c, size, at), 1, lanes, count) for c in columns]
        return [nest.melted(x, y, s) for y, s in zip(ys, before, strict=True)]

    w.line(f"  br label %{loop}.in\n{loop}.in:\n  br label %{loop}\n{loop}:")
    w.line(f"  {k} = phi i64 [ 0, %{loop}.in ], [ {k}.next, %{loop} ]")
    at = len(w.lines)
    new = [added(nest._plus(k, u * lanes), lanes, sums[u]) for u in range(strands)]
    w.lines[at:at] = [
        f"  {s} = phi {kind} [ zeroinitializer, %{loop}.in ], [ {n}, %{loop} ]"
        for strand, made in zip(sums, new, strict=True)
        for s, n in zip(strand, made, strict=True)
    ]
    w.again(loop, k, strands * lanes, full // strands * strands * lanes)
    for u in range(full % strands):
        new[u] = added((full - full % strands + u) * lanes, lanes, new[u])
    if rest:
        new[-1] = added(full * lanes, rest, new[-1])
    while len(new) > 1:  # in a tree
        pairs = zip(new[::2], new[1::2], strict=False)
        new = [*([nest.added(*xy) for xy in zip(*two, strict=True)] for two in pairs),
               *new[len(new) & ~1 :]]  # fmt: skip
    return side_by_side(nest, [*new[0], *[new[0][-1]] * (lanes - active)])


def side_by_side(nest: Any, vectors: list[str]) -> str:
    """The sum of each vector's lanes, in one vector.

    The square that the vectors make would have to be turned, and its rows added up; it is half
    as much work to add the two rows that each shuffle makes at once.
    """
    w, dtype, lanes = nest.w, nest.member.node.dtype, nest.lanes
    kind = typed(dtype, lanes)
    for masks, _ in rounds(lanes, dtype.itemsize):
        made = []
        for x, y in zip(vectors[::2], vectors[1::2], strict=True):
            parts = [
                w.put(
                    f"shufflevector {kind} {x}, {kind} {y}, "
                    f"<{lanes} x i32> <{', '.join(f'i32 {p}' for p in mask)}>"
                )
                for mask in masks
            ]
            made.append(nest.added(*parts))
        vectors = made
    return vectors[0]
