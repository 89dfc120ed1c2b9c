"""The graph as a ladder: every link joins two neighbouring ranks; long edges get items between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Box = tuple[float, float]  # along the flow, across it

BENDS = 4  # for every node; more would take longer to place than anyone waits


@dataclass
class Ladder:
    """Items in rows, one row a rank. The first items are the nodes; then labels and bends.

    Edges that leave a node at the same place share their bends: one value, one line that forks.
    `heir` of a bend is the item below that must stand exactly under it. `ports` has the links
    that do not join two middles: how far from them they leave and arrive.
    """

    rank: list[int]
    box: list[Box]
    nodes: int
    rows: list[list[int]] = field(default_factory=list)
    up: list[list[int]] = field(default_factory=list)
    down: list[list[int]] = field(default_factory=list)
    weight: dict[tuple[int, int], int] = field(default_factory=dict)  # edges in a link
    ports: dict[tuple[int, int], tuple[float, float]] = field(default_factory=dict)
    heir: list[int] = field(default_factory=list)
    chains: list[list[int]] = field(default_factory=list)  # of every edge, its items between
    label: dict[int, int] = field(default_factory=dict)  # edge -> its label's item
    detours: list[int] = field(default_factory=list)  # edges too long to be given bends

    def add(self, rank: int, box: Box = (0.0, 0.0)) -> int:
        """A new item in this rank."""
        self.rank.append(rank)
        self.box.append(box)
        self.up.append([])
        self.down.append([])
        self.heir.append(-1)
        self.rows[rank].append(len(self.rank) - 1)
        return len(self.rank) - 1

    def link(self, a: int, b: int, times: int, start: float, end: float) -> None:
        """Join two items of neighbouring ranks; a second link only adds to the weight."""
        if (a, b) not in self.weight:
            self.weight[a, b] = 0
            self.down[a].append(b)
            self.up[b].append(a)
            if start or end:
                self.ports[a, b] = (start, end)
        self.weight[a, b] += times


def ladder(
    rank: Sequence[int], boxes: Sequence[Box], edges: Sequence[tuple[int, int]],
    ports: Sequence[tuple[float, float]], labels: dict[int, Box],
) -> Ladder:  # fmt: skip
    """Put bends and labels between the ends of edges; `ports` is where each leaves and arrives.

    A label stands in the rank before the edge's end, where the edge already runs alone.
    """
    count = len(rank)
    made = Ladder(list(rank), list(boxes), count)
    made.rows = [[] for _ in range(max(rank, default=-1) + 1)]
    for v in range(count):
        made.rows[rank[v]].append(v)
    made.up, made.down = [[] for _ in range(count)], [[] for _ in range(count)]
    made.heir = [-1] * count
    made.chains = [[] for _ in edges]
    trunks: dict[tuple[int, float], list[int]] = {}
    for e, (a, _) in enumerate(edges):
        trunks.setdefault((a, ports[e][0]), []).append(e)
    reach = _reach(rank, edges, trunks.values(), labels, count)
    for (a, _), mine in trunks.items():
        near = [e for e in mine if rank[edges[e][1]] - rank[a] <= reach]
        _trunk(made, a, edges, near, ports, labels)
        made.detours += [e for e in mine if rank[edges[e][1]] - rank[a] > reach]
    return made


def _trunk(
    made: Ladder, a: int, edges: Sequence[tuple[int, int]], mine: list[int],
    ports: Sequence[tuple[float, float]], labels: dict[int, Box],
) -> None:  # fmt: skip
    """The bends that the edges from one place have in common, and where each turns off."""
    start, first = made.rank[a], ports[mine[0]][0] if mine else 0.0
    last = {e: made.rank[edges[e][1]] - (2 if e in labels else 1) for e in mine}
    trunk = [a]
    for r in range(start + 1, max(last.values(), default=start) + 1):
        trunk.append(made.add(r))
        if len(trunk) > 2:
            made.heir[trunk[-2]] = trunk[-1]
    for k in range(1, len(trunk)):
        times = sum(end >= start + k for end in last.values())
        made.link(trunk[k - 1], trunk[k], times, first if k == 1 else 0.0, 0.0)
    for e in mine:
        along = trunk[1 : last[e] - start + 1]
        before = trunk[last[e] - start]
        if e in labels:
            item = made.label[e] = made.add(last[e] + 1, labels[e])
            made.link(before, item, 1, first if before == a else 0.0, 0.0)
            if before != a and made.heir[before] < 0:
                made.heir[before] = item
            along, before = [*along, item], item
        made.link(before, edges[e][1], 1, first if before == a else 0.0, ports[e][1])
        made.chains[e] = along


def _reach(
    rank: Sequence[int], edges: Sequence[tuple[int, int]], trunks: Iterable[list[int]],
    labels: dict[int, Box], count: int,
) -> int:  # fmt: skip
    """The longest span for which edges get bends: all of them, unless those were too many."""
    grows: dict[int, int] = {}  # span -> bends more than if shorter edges alone had them
    for mine in trunks:
        last = 1
        for span in sorted({rank[edges[e][1]] - rank[edges[e][0]] for e in mine}):
            grows[span] = grows.get(span, 0) + span - last
            last = span
    reach, room = 2 if labels else 1, BENDS * count + 4_000
    for span in sorted(grows):
        room -= grows[span]
        if room < 0:
            break
        reach = max(reach, span)
    return reach
