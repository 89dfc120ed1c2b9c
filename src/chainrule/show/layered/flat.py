"""The layout of one connected graph without groups, from left to right, its nodes numbered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .crossings import untangle
from .ladder import Box, Ladder, ladder
from .places import places
from .ranks import ranks
from .routes import Point, without_needless

STEP = 9.0  # between edges that arrive at one node, at most
RIM = 4.0  # from a node's corner to the first of them
STEEP = 0.16  # the gap between ranks, as a share of the height an edge climbs in it
LANE = 8.0  # between edges that go round the outside


@dataclass
class Task:
    """What is to be laid out: nodes by number, edges by index.

    `starts` and `ends` say how far from a node's middle an edge leaves or arrives; None where
    that is free. `fixed` gives ranks that are decided already; from number `real` on the nodes
    are mere points on the border of a group.
    """

    boxes: Sequence[Box]
    edges: Sequence[tuple[int, int]]
    starts: Sequence[float | None]
    ends: Sequence[float | None]
    labels: dict[int, Box]
    gap: tuple[float, float]
    fixed: list[int] | None = None
    real: int | None = None


@dataclass
class Flat:
    """Where everything came to stand; of groups, by number, the middle and the size."""

    rank: list[int]
    at: list[Point]
    routes: list[list[Point]]
    labels: dict[int, Point] = field(default_factory=dict)
    boxes: dict[Any, tuple[float, float, float, float]] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0
    crossings: int = 0


def lay_out(task: Task) -> Flat:
    """Ranks, order, places, routes: the four steps one after the other."""
    links = [(a, b, 2 if e in task.labels else 1) for e, (a, b) in enumerate(task.edges)]
    rank = task.fixed or ranks(len(task.boxes), links)
    ports = [(a or 0.0, b or 0.0) for a, b in zip(task.starts, task.ends, strict=True)]
    rungs = ladder(rank, task.boxes, task.edges, ports, task.labels)
    if task.real is not None:
        rungs.nodes = task.real
    crossings = untangle(rungs)
    y = places(rungs, task.gap[1])
    spans = _spans(rungs, y, task.gap[0])
    at = [((spans[r][0] + spans[r][1]) / 2, y[v]) for v, r in enumerate(rank)]
    ends = _ends(task, rungs, y)
    made = Flat(rank, at, [], crossings=crossings)
    made.width = spans[-1][1]
    made.height = max(c + box[1] / 2 for c, box in zip(y, rungs.box, strict=True))
    for e, (a, b) in enumerate(task.edges):
        line = [*((y[v], spans[rungs.rank[v]]) for v in rungs.chains[e])]
        made.routes.append(_route(task, at, spans, rank, (a, b), (ports[e][0], ends[e]), line))
    for e, item in rungs.label.items():
        right = spans[rungs.rank[item]][1]
        made.labels[e] = (right - rungs.box[item][0] / 2, y[item])
    _detour(task, rungs, made, spans, ends)
    return made


def _spans(rungs: Ladder, y: list[float], gap: float) -> list[tuple[float, float]]:
    """From where to where along the flow every rank reaches; wider gaps where edges climb far."""
    wide = [max([rungs.box[v][0] for v in row], default=0.0) for row in rungs.rows]
    nodes = [any(v < rungs.nodes for v in row) for row in rungs.rows]
    climb = [0.0] * len(rungs.rows)
    for u, v in rungs.weight:
        climb[rungs.rank[u]] = max(climb[rungs.rank[u]], abs(y[u] - y[v]))
    spans, x = [], 0.0
    for r, width in enumerate(wide):
        spans.append((x, x + width))
        if r + 1 < len(wide):
            least = gap if nodes[r] and nodes[r + 1] else gap / 2
            x += width + max(least, min(STEEP * climb[r], 3 * least))
    return spans


def _ends(task: Task, rungs: Ladder, y: list[float]) -> list[float]:
    """How far from the middle of its end each edge arrives: in the order they come from."""
    arriving: dict[int, list[int]] = {}
    for e, (_, b) in enumerate(task.edges):
        if task.ends[e] is None:
            arriving.setdefault(b, []).append(e)
    gone = set(rungs.detours)
    ends = [end or 0.0 for end in task.ends]
    for b, mine in arriving.items():
        if len(mine) == 1:
            continue
        origin = {}
        for e in mine:
            last = rungs.chains[e][-1] if rungs.chains[e] else task.edges[e][0]
            origin[e] = float("inf") if e in gone else y[last]
        mine.sort(key=origin.__getitem__)
        level = [k for k, e in enumerate(mine) if abs(origin[e] - y[b]) < 0.01]
        middle = level[0] if len(level) == 1 else (len(mine) - 1) / 2
        most = max(middle, len(mine) - 1 - middle)
        step = min(STEP, max(task.boxes[b][1] / 2 - RIM, 0.0) / most)
        for k, e in enumerate(mine):
            ends[e] = (k - middle) * step
    return ends


def _route(
    task: Task, at: list[Point], spans: list[tuple[float, float]], rank: list[int],
    edge: tuple[int, int], ports: tuple[float, float],
    line: list[tuple[float, tuple[float, float]]],
) -> list[Point]:  # fmt: skip
    """Level through every rank, so that it only climbs where no node is."""
    (a, b), (start, end) = edge, ports
    (xa, ya), (xb, yb) = at[a], at[b]
    points = [(xa + task.boxes[a][0] / 2, ya + start), (spans[rank[a]][1], ya + start)]
    for y, (left, right) in line:
        points += [(left, y), (right, y)]
    points += [(spans[rank[b]][0], yb + end), (xb - task.boxes[b][0] / 2, yb + end)]
    return without_needless(points)


def _detour(
    task: Task, rungs: Ladder, made: Flat, spans: list[tuple[float, float]], ends: list[float]
) -> None:
    """Edges that were given no bends run below all nodes, each in a lane that is free there."""
    free: list[int] = []  # of every lane, the rank from which it is free again
    rank = made.rank
    floor = made.height + task.gap[1]
    for e in sorted(rungs.detours, key=lambda e: rank[task.edges[e][0]]):
        a, b = task.edges[e]
        lane = next((k for k, r in enumerate(free) if r <= rank[a]), len(free))
        free[lane : lane + 1] = [rank[b]]
        y = floor + lane * LANE
        line = [(y, (spans[rank[a] + 1][0], spans[rank[b] - 1][1]))]
        ports = (task.starts[e] or 0.0, ends[e])
        made.routes[e] = _route(task, made.at, spans, rank, (a, b), ports, line)
        if e in task.labels:
            made.labels[e] = (spans[rank[b] - 1][1] - task.labels[e][0] / 2, y)
        made.height = max(made.height, y + LANE)


def connected(count: int, edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The nodes of every connected part, parts and nodes in the order of their numbers."""
    near: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        near[a].append(b)
        near[b].append(a)
    seen = [False] * count
    parts = []
    for first in range(count):
        if seen[first]:
            continue
        seen[first] = True
        part = [first]
        for v in part:  # grows while it is walked
            for w in near[v]:
                if not seen[w]:
                    seen[w] = True
                    part.append(w)
        parts.append(sorted(part))
    return parts
