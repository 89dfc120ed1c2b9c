"""In which order the items of every rank stand, so that few edges cross."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator

from .ladder import Ladder

Rows = list[list[int]]

PATIENCE = 600_000  # steps of about a microsecond; small graphs are done long before
WIDE = 60  # items in a row up to which each is tried at every place, of a small graph
SMALL, SHUFFLES = 300, 2  # items up to which that many shuffled orders are tried too
LARGE = 4_000  # items and links from which on that is left to rows of a few items


def untangle(ladder: Ladder, patience: int = PATIENCE) -> int:
    """Reorder the rows of `ladder`; gives how many pairs of edges still cross.

    From several starts: sweeps down and up in which every item moves to the mean place of its
    neighbours (Sugiyama, Tagawa and Toda 1981), each followed by exchanges of neighbours and
    moves of single items that lessen the crossings; the best rows found are kept.
    """
    if len(ladder.rows) < 2:
        return 0
    best, fewest = [list(row) for row in ladder.rows], None
    for start in _starts(ladder):
        rows = _Rows(ladder, start)
        found, patience = rows.settle(patience)
        if fewest is None or found < fewest:
            best, fewest = rows.best, found
        if not fewest or patience <= 0:
            break
    ladder.rows = best
    return fewest or 0


def _starts(ladder: Ladder) -> Iterator[Rows]:
    """Orders to begin from: walks from the last rank back, from the first on; and mirrored.

    Small graphs have a few more, shuffled by a sequence that is the same every time.
    """
    from_ends = _walk(ladder, range(len(ladder.rows) - 1, -1, -1), ladder.up, ladder.down)
    yield from_ends
    yield _walk(ladder, range(len(ladder.rows)), ladder.down, ladder.up)
    yield [list(row) for row in ladder.rows]
    yield [row[::-1] for row in from_ends]
    if len(ladder.rank) > SMALL:
        return
    chance = 1
    for _ in range(SHUFFLES):
        keys = []
        for _ in ladder.rank:
            chance = chance * 1103515245 + 12345 & 0x7FFFFFFF  # as C's rand
            keys.append(chance >> 8)
        yield [sorted(row, key=keys.__getitem__) for row in ladder.rows]


def _walk(ladder: Ladder, ranks: range, near: list[list[int]], far: list[list[int]]) -> Rows:
    """Rows in the order of a walk in depth: of a tree, drawn without a crossing."""
    rows: Rows = [[] for _ in ladder.rows]
    seen = [False] * len(ladder.rank)
    for r in ranks:
        for first in ladder.rows[r]:
            if seen[first]:
                continue
            seen[first] = True
            path = [first]
            while path:
                v = path.pop()
                rows[ladder.rank[v]].append(v)
                # What is met from the other side waits behind what leads on.
                for w in (*reversed(far[v]), *reversed(near[v])):
                    if not seen[w]:
                        seen[w] = True
                        path.append(w)
    return rows


Links = list[list[tuple[int, int, float, float]]]


def _near(ladder: Ladder) -> tuple[Links, Links]:
    """For every item what it is linked to before and after it: item, weight, its port, own port.

    A port is how far beside the place of its item a link ends, as a share of one place.
    """
    found: list[Links] = []
    for up, side in ((True, ladder.up), (False, ladder.down)):
        links: Links = []
        for v, linked in enumerate(side):
            mine = []
            for w in linked:
                pair = (w, v) if up else (v, w)
                start, end = ladder.ports.get(pair, (0, 0))
                its, own = (start, end) if up else (end, start)
                its, own = its / (ladder.box[w][1] + 1.0), own / (ladder.box[v][1] + 1.0)
                mine.append((w, ladder.weight[pair], its, own))
            links.append(mine)
        found.append(links)
    return found[0], found[1]


class _Rows:
    """One order of all rows while it is being improved."""

    def __init__(self, ladder: Ladder, rows: Rows):
        self.ladder, self.rows = ladder, rows
        self.patience = 0
        self.place = [0] * len(ladder.rank)
        for row in rows:
            self._number(row)
        self.near = _near(ladder)
        self.between = [self._count(r) for r in range(len(rows) - 1)]
        self.best = [list(row) for row in rows]
        self.fewest = sum(self.between)
        self.each = len(ladder.rank) + len(ladder.weight)
        self.wide = WIDE if self.each < LARGE else 12

    def _number(self, row: list[int]) -> None:
        place = self.place
        for k, v in enumerate(row):
            place[v] = k

    def settle(self, patience: int) -> tuple[int, int]:
        """Sweep until nothing gets better for a while; the fewest crossings, the patience left."""
        self.patience = patience - 3 * self.each
        idle = sweep = 0
        while self.fewest and idle < 4 and self.patience > 0:
            self._sweep(down=sweep % 2 == 0, turn=sweep % 4 >= 2)
            self._exchange()
            found = sum(self.between)
            if found < self.fewest:
                self.best, self.fewest, idle = [list(row) for row in self.rows], found, 0
            else:
                idle += 1
            sweep += 1
        return self.fewest, self.patience

    def _sweep(self, down: bool, turn: bool) -> None:
        """Every row once: its items by the mean place of what they are linked to before it."""
        near = self.near[0 if down else 1]
        last = len(self.rows)
        for r in range(1, last) if down else range(last - 2, -1, -1):
            self._by_mean(self.rows[r], near, turn)
        self.between = [self._count(r) for r in range(last - 1)]
        self.patience -= 2 * self.each

    def _by_mean(self, row: list[int], near: Links, turn: bool) -> None:
        """Sort what has neighbours; what has none keeps its place in the row."""
        place = self.place
        keys: dict[int, float] = {}
        for v in row:
            links = near[v]
            if len(links) == 1:
                keys[v] = place[links[0][0]] + links[0][2]
            elif links:
                total = sum([w for _, w, _, _ in links])
                keys[v] = sum([(place[u] + port) * w for u, w, port, _ in links]) / total
        # Of equal means the later one first, every other time: a tie must not last for ever.
        movable = [v for v in (reversed(row) if turn else row) if v in keys]
        movable.sort(key=keys.__getitem__)
        if len(movable) < len(row):
            rest = iter(movable)
            row[:] = [next(rest) if v in keys else v for v in row]
        else:
            row[:] = movable
        self._number(row)

    def _count(self, r: int) -> int:
        """Crossings between this rank and the next, every edge counted by itself."""
        place, near = self.place, self.near[1]
        ends: list[tuple[float, int]] = []
        for v in self.rows[r]:
            links = near[v]
            if len(links) == 1:
                ends.append((place[links[0][0]] + links[0][2], links[0][1]))
            elif links:
                mine = sorted([(own, place[u] + port, w) for u, w, port, own in links])
                ends += [(p, w) for _, p, w in mine]
        places = [p for p, _ in ends]
        if places == sorted(places):
            return 0
        self.patience -= 2 * len(ends)
        return _inversions(ends)

    def _exchange(self) -> None:
        """Move single items within their rows while that helps."""
        changed = set(range(len(self.rows)))
        for _ in range(12):
            again: set[int] = set()
            for r in sorted(changed):
                if self.patience > 0 and self._row(r):
                    again.update(k for k in (r - 1, r, r + 1) if 0 <= k < len(self.rows))
            changed = again

    def _row(self, r: int) -> int:
        """Better the order of one row, with its neighbours as they stand; crossings saved."""
        around = [k for k in (r - 1, r) if 0 <= k < len(self.between)]
        row = self.rows[r]
        if len(row) < 2 or not any([self.between[k] for k in around]):
            return 0
        pair = self._pairs(row)
        self.patience -= 3 * len(row)
        gain = _insert(row, pair) if len(row) <= self.wide else _swap(row, pair)
        if gain:
            self._number(row)
            for k in around:
                self.between[k] = self._count(k)
        return gain

    def _pairs(self, row: list[int]) -> Callable[[int, int], int]:
        """How many more crossings two items make if the first stands before the second."""
        place = self.place
        ends = {
            v: [[(place[u] + port, w) for u, w, port, _ in side[v]] for side in self.near]
            for v in row
        }
        known: dict[tuple[int, int], int] = {}

        def pair(a: int, b: int) -> int:
            if (a, b) not in known:
                difference = 0
                self.patience -= 2
                for mine, its in zip(ends[a], ends[b], strict=True):
                    self.patience -= len(mine) * len(its) // 4
                    for p, w in mine:
                        for q, z in its:
                            if p != q:
                                difference += w * z if p > q else -w * z
                known[a, b] = difference
                known[b, a] = -difference
            return known[a, b]

        return pair


def _insert(row: list[int], pair: Callable[[int, int], int]) -> int:
    """Take items out and put them in where they cross least; crossings saved."""
    saved = 0
    for v in list(row):
        k = row.index(v)
        cost = best = 0
        to = k
        for j in range(k - 1, -1, -1):
            cost -= pair(row[j], v)
            if cost < best:
                best, to = cost, j
        cost = 0
        for j in range(k + 1, len(row)):
            cost -= pair(v, row[j])
            if cost < best:
                best, to = cost, j
        if to != k:
            del row[k]
            row.insert(to, v)
            saved -= best
    return saved


def _swap(row: list[int], pair: Callable[[int, int], int]) -> int:
    """Exchange neighbours that cross less the other way round; crossings saved."""
    saved = 0
    for _ in range(3):
        before = saved
        for k in range(len(row) - 1):
            less = pair(row[k], row[k + 1])
            if less > 0:
                row[k], row[k + 1] = row[k + 1], row[k]
                saved += less
        if saved == before:
            break
    return saved


def _inversions(ends: list[tuple[float, int]]) -> int:
    """Pairs that stand the wrong way round, weighted, by a tree of partial sums (Fenwick)."""
    if all([w == 1 for _, w in ends]):
        found, seen = 0, []
        for k, (p, _) in enumerate(ends):
            at = bisect_right(seen, p)
            found += k - at
            seen.insert(at, p)
        return found
    number = {p: k for k, p in enumerate(sorted({p for p, _ in ends}), 1)}
    tree = [0] * (len(number) + 1)
    total = found = 0
    for p, w in ends:
        k, below = number[p], 0
        while k:
            below += tree[k]
            k &= k - 1
        found += w * (total - below)
        total += w
        k = number[p]
        while k < len(tree):
            tree[k] += w
            k += k & -k
    return found
