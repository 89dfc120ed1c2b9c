"""How a product is cut into tiles: they fit the registers, leave little over, are little code."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

CACHE = 32 << 10  # bytes of a panel that stay next to the core while a row of tiles is made
PANEL = 256 << 10  # bytes of the widest panel that is laid out anew
CHAINS = 8  # sums that must be under way at once to hide how long a multiplication takes


class Tiling(NamedTuple):
    """The rows and vectors of a tile."""

    tall: int
    wide: int
    splits: int  # how many sums over every n-th term a number of the value is made of


@lru_cache(1024)
def tiling(rows: int, vectors: int, terms: int, registers: int, size: int, packed: bool) -> Tiling:
    """The tile for a value of so many rows and vectors of so many bytes, by a model of its cost."""
    room = {64: 24, 32: 12}[registers]
    most = max(1, PANEL // (terms * size)) if packed else vectors
    found = [
        (_cost(rows, vectors, tall, wide, terms * size), -tall * wide, tall, wide)
        for tall in range(1, min(rows, 14) + 1)
        for wide in range(1, min(vectors, room // tall, most) + 1)
    ]
    *_, tall, wide = min(found)
    splits = 1
    while tall * wide * splits < CHAINS and terms >= 4 * splits:
        splits *= 2
    return Tiling(tall, wide, splits)


def _cost(rows: int, vectors: int, tall: int, wide: int, deep: int) -> float:
    """Cycles for each term, with a little more for every kind of tile there must be code for."""
    by_row = [(rows // tall, tall), (1, rows % tall)]
    by_column = [(vectors // wide, wide), (1, vectors % wide)]
    total, kinds = 0.0, 0
    for many, r in by_row:
        for several, c in by_column:
            if many * several * r * c:
                far = c / 3 * 8 if deep * c > CACHE and rows > tall else 0
                total += many * several * (max(r * c / 2, (r + c) / 2, far, 2) + 0.5)
                kinds += 1
    return total * (1 + 0.06 * kinds)
