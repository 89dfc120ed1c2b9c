"""Where the nodes of a graph go: ranks from top to bottom, few crossings, no node on an edge."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

Key = Hashable


@dataclass(frozen=True)
class Layered:
    """The rank of every node, its place in units of the column's width, and the edges' bends."""

    rank: dict[Key, int]
    place: dict[Key, float]
    bends: dict[tuple[Key, Key], list[tuple[int, float]]]

    @property
    def ranks(self) -> int:
        """How many rows there are."""
        return max(self.rank.values(), default=-1) + 1

    @property
    def width(self) -> float:
        """From the leftmost to the rightmost place."""
        every = [*self.place.values(), *(x for b in self.bends.values() for _, x in b)]
        return max(every, default=0.0) - min(every, default=0.0)


def layered(nodes: Sequence[Key], edges: Sequence[tuple[Key, Key]]) -> Layered:
    """A layered layout (Sugiyama, Tagawa and Toda 1981), for nodes given operands first.

    An edge over several ranks gets a place in each of them, so that it runs past the nodes.

    >>> made = layered("abc", [("a", "b"), ("b", "c"), ("a", "c")])
    >>> made.rank
    {'a': 0, 'b': 1, 'c': 2}
    >>> [rank for rank, _ in made.bends["a", "c"]]
    [1]
    """
    rank: dict[Key, int] = {}
    before: dict[Key, list[Key]] = {n: [] for n in nodes}
    for a, b in edges:
        before[b].append(a)
    for n in nodes:
        rank[n] = max((rank[a] + 1 for a in before[n]), default=0)
    rows: list[list[Key]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for n in nodes:
        rows[rank[n]].append(n)
    up: dict[Key, list[Key]] = {n: [] for n in nodes}
    for a, b in edges:
        last = a
        for r in range(rank[a] + 1, rank[b]):
            bend = ("bend", a, b, r)
            rows[r].append(bend)
            up[bend] = [last]
            last = bend
        up[b].append(last)
    place = _places(rows, up)
    bends = {
        (a, b): [(r, place["bend", a, b, r]) for r in range(rank[a] + 1, rank[b])] for a, b in edges
    }
    return Layered(rank, {n: place[n] for n in nodes}, bends)


def _places(rows: list[list[Key]], up: dict[Key, list[Key]]) -> dict[Key, float]:
    """Rows ordered by the mean place of what lies above, then below, a few times over."""
    down: dict[Key, list[Key]] = {n: [] for row in rows for n in row}
    for n, above in up.items():
        for a in above:
            down[a].append(n)
    place: dict[Key, float] = {}
    for row in rows:
        _spread(row, place)
    for sweep in range(8):
        near, order = (up, rows) if sweep % 2 == 0 else (down, rows[::-1])
        for row in order:
            goal = {n: _mean([place[a] for a in near[n]], place[n]) for n in row}
            row.sort(key=lambda n: (goal[n], place[n]))
            _spread(row, place)
    return place


def _mean(found: list[float], otherwise: float) -> float:
    return sum(found) / len(found) if found else otherwise


def _spread(row: list[Key], place: dict[Key, float]) -> None:
    # A bend is a line, and needs half the room of a node.
    room = [0.5 if isinstance(n, tuple) and n[:1] == ("bend",) else 1.0 for n in row]
    x = -sum(room) / 2
    for n, wide in zip(row, room, strict=True):
        place[n] = x + wide / 2
        x += wide
