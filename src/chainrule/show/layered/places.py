"""Where in its rank every item stands: edges straight where they can be, nodes between theirs.

Source: Brandes and Köpf 2002, doi:10.1007/3-540-45848-4_3. Blocks of aligned items are placed
by longest paths over the blocks, which does not let them overlap.
"""

from __future__ import annotations

from itertools import pairwise

from .ladder import Ladder

Rows = list[list[int]]

TIGHT = 0.6  # the gap beside a bend or a label, as a share of the gap between nodes


def places(ladder: Ladder, gap: float) -> list[float]:
    """The middle of every item across the flow, the topmost border at 0.

    Four placements, aligned to the rank before and after, from either side, are brought
    together: an item gets the mean of its two middle ones.
    """
    if not ladder.rank:
        return []
    taken = _reserved(ladder)
    found = []
    for up in (True, False):
        for mirror in (False, True):
            rows = [row[::-1] if mirror else row for row in ladder.rows]
            root, shift = _aligned(ladder, rows, up, taken, -1.0 if mirror else 1.0)
            at = _compact(ladder, rows, root, shift, gap)
            found.append([-x for x in at] if mirror else at)
    half = [box[1] / 2 for box in ladder.box]
    spans = [
        (min(x - h for x, h in zip(at, half, strict=True)),
         max(x + h for x, h in zip(at, half, strict=True)))
        for at in found
    ]  # fmt: skip
    low, high = min(spans, key=lambda span: span[1] - span[0])
    for k, (at, (first, last)) in enumerate(zip(found, spans, strict=True)):
        shift = high - last if k % 2 else low - first
        found[k] = [x + shift for x in at]
    middle = [(a[1] + a[2]) / 2 for a in map(sorted, zip(*found, strict=True))]
    top = min(x - h for x, h in zip(middle, half, strict=True))
    return [x - top for x in middle]


def _reserved(ladder: Ladder) -> set[tuple[int, int]]:
    """Links that must give way: they leave a bend that has an heir, or cross a long edge."""
    place = [0] * len(ladder.rank)
    for row in ladder.rows:
        for k, v in enumerate(row):
            place[v] = k
    taken: set[tuple[int, int]] = set()
    for row, below in pairwise(ladder.rows):
        inner = [(place[v], place[h]) for v in row if (h := ladder.heir[v]) >= 0]
        if not inner:
            continue
        # For each place above: the rightmost heir of what stands before, the leftmost after.
        before, after = [-1] * len(row), [len(below)] * len(row)
        highest, lowest = -1, len(below)
        heirs = dict(inner)
        for k in range(len(row)):
            before[k] = highest
            highest = max(highest, heirs.get(k, -1))
        for k in range(len(row) - 1, -1, -1):
            after[k] = lowest
            lowest = min(lowest, heirs.get(k, lowest))
        for k, v in enumerate(row):
            heir = ladder.heir[v]
            for w in ladder.down[v]:
                if w != heir and (heir >= 0 or place[w] < before[k] or place[w] > after[k]):
                    taken.add((v, w))
    return taken


def _aligned(
    ladder: Ladder, rows: Rows, up: bool, taken: set[tuple[int, int]], sign: float
) -> tuple[list[int], list[float]]:
    """For every item the first of the block it is aligned with, and how far it stands from it.

    Items of a block are joined by straight links: where these leave and arrive off the middle,
    the items stand as much apart.
    """
    count = len(ladder.rank)
    root = list(range(count))
    shift = [0.0] * count
    ports = ladder.ports
    free = [True] * count  # nothing is aligned under it yet
    place = [0] * count
    for row in rows:
        for k, v in enumerate(row):
            place[v] = k
    near = ladder.up if up else ladder.down
    for row in rows if up else reversed(rows):
        last = -1
        for v in row:
            links = near[v]
            if not links:
                continue
            if not up and ladder.heir[v] >= 0:
                middle = [ladder.heir[v]]
            elif len(links) == 1:
                middle = links
            else:
                links = sorted(links, key=place.__getitem__)
                k = len(links)
                middle = links[(k - 1) // 2 : k // 2 + 1]
            for u in middle:
                if place[u] > last and free[u] and ((u, v) if up else (v, u)) not in taken:
                    free[u] = False
                    root[v] = root[u]
                    shift[v] = shift[u]
                    if ports:
                        start, end = ports.get((u, v) if up else (v, u), (0.0, 0.0))
                        shift[v] += sign * (start - end if up else end - start)
                    last = place[u]
                    break
    return root, shift


def _compact(
    ladder: Ladder, rows: Rows, root: list[int], shift: list[float], gap: float
) -> list[float]:
    """The blocks as far left as they go, then each pulled to the right as far as it may."""
    box, nodes = ladder.box, ladder.nodes
    right: dict[int, dict[int, float]] = {r: {} for r in root}
    waits = dict.fromkeys(right, 0)
    tight = gap * TIGHT
    for row in rows:
        for u, v in pairwise(row):
            room = (box[u][1] + box[v][1]) / 2 + (gap if u < nodes and v < nodes else tight)
            room += shift[u] - shift[v]
            a, b = root[u], root[v]
            known = right[a].get(b)
            if known is None:
                waits[b] += 1
                right[a][b] = room
            elif room > known:
                right[a][b] = room
    ready = [r for r in right if not waits[r]]
    at = dict.fromkeys(right, 0.0)
    for a in ready:  # grows while it is walked
        x = at[a]
        for b, room in right[a].items():
            if x + room > at[b]:
                at[b] = x + room
            waits[b] -= 1
            if not waits[b]:
                ready.append(b)
    for a in reversed(ready):
        if right[a]:
            at[a] = max(at[a], min([at[b] - room for b, room in right[a].items()]))
    return [at[r] + s for r, s in zip(root, shift, strict=True)]
