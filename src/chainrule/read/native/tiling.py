"""How a product is cut into tiles: they fit the registers, leave little over, are little code.

Data in: the rows of a product, the vectors of its columns, its terms. Data out: how many rows and
vectors of the value are summed in registers at once. All that are possible are compared by a model
of their cost, in cycles.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

CACHE = 32 << 10  # bytes of a panel that stay next to the core while a row of tiles is made
PANEL = 256 << 10  # bytes of the widest panel that is laid out anew
LEFT = 512 << 10  # bytes of a left factor that stay in a cache while the columns pass by
DEEP = 256  # terms of a block
STEEP = 128  # terms of a block where they lie apart in the left factor: as many lines stay near
BROAD = 4  # vectors of a tile there: as long a piece of each of the right factor's rows
NEAR = 48 << 10  # bytes of the cache next to the core
PIECE = 120  # cycles until a piece of a row in memory is there, of those that are not hidden
FEW = 4  # rows from which on a number is summed in the same order, however many rows there are
CHAINS = 8  # sums that must be under way at once to hide how long a multiplication takes


class Tiling(NamedTuple):
    """The rows and vectors of a tile."""

    tall: int
    wide: int
    splits: int  # how many sums over every n-th term a number of the value is made of


@lru_cache(1024)
def tiling(
    rows: int, vectors: int, terms: int, registers: int, size: int, packed: bool, only: int = 0,
    apart: bool = False, groups: int = 1,
) -> Tiling:  # fmt: skip
    """The tile for a value of so many rows and vectors of so many bytes, by a model of its cost.

    It is `only` so many vectors wide, where that is not 0. `apart`: what follows on the product
    reads and writes whole matrices in memory, a piece of a row at a time. There are to be at
    least so many `groups` of columns, if there are as many vectors.
    """
    room = {64: 24, 32: 12}[registers]
    halves = 2 if rows >= FEW and vectors == 1 and terms >= 4 else 1
    room //= halves
    most = max(1, vectors // groups)
    most = min(most, max(1, PANEL // (terms * size))) if packed else most
    found = [
        (
            _cost(rows, vectors, tall, wide, terms * size, PIECE / terms if apart else 0),
            -tall * wide,
            tall,
            wide,
        )
        for tall in range(1, min(rows, 14) + 1)
        for wide in range(1, min(vectors, room // tall, most) + 1)
        if only in (0, wide)
    ]
    *_, tall, wide = min(found)
    splits = halves
    while rows < FEW and tall * wide * splits < CHAINS and terms >= 4 * splits:
        splits *= 2
    return Tiling(tall, wide, splits)


def _cost(rows: int, vectors: int, tall: int, wide: int, deep: int, piece: float = 0) -> float:
    """Cycles for each term, with a little more for every kind of tile there must be code for."""
    by_row = [(rows // tall, tall), (1, rows % tall)]
    by_column = [(vectors // wide, wide), (1, vectors % wide)]
    total, kinds = 0.0, 0
    for many, r in by_row:
        for several, c in by_column:
            if many * several * r * c:
                far = c / 3 * 8 if deep * c > CACHE and rows > tall else 0
                each = max(r * c / 2, (r + c) / 2, far, 2) + 0.5 + r * piece
                total += many * several * (each + (c / 4 if deep * c > NEAR else 0))
                kinds += 1
    return total * (1 + 0.06 * kinds)


def depth(rows: int, terms: int, size: int, steep: bool = False) -> int:
    """The terms that are added up before the next columns are looked at; 0: all.

    Where the left factor is `steep`, a row's terms lie apart, and those of a column together.

    >>> depth(128, 784, 4), depth(256, 1024, 4), depth(128, 3200, 4), depth(128, 3200, 4, True)
    (0, 256, 256, 128)
    """
    if terms < 2 * DEEP or terms * min(rows, 512) * size <= LEFT:
        return 0
    blocks = -(-terms // (STEEP if steep else DEEP))
    return -(-terms // (16 * blocks)) * 16
