"""Layouts within layouts: every open group is laid out by itself and is then one large node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .flat import Flat, Task, connected, lay_out
from .ladder import Box
from .parts import parts_of
from .ranks import ranks, topological
from .routes import Point, without_needless

Pad = tuple[float, float, float, float]  # left, top, right, bottom
Value = tuple[int, float]  # a node and where on it the edge leaves: what runs along an edge

ROOT = -1
POINT = (0.0, 2.0)  # an edge's passage through the border of a group


@dataclass(eq=False)
class Level:
    """One group, or the whole picture: what stands in it, and the edges that run in it.

    A member is a node `("node", v)`, a group `("group", g)`, or the passage of a value,
    `("in", value)` or `("out", value)`.
    """

    members: dict[tuple, int] = field(default_factory=dict)
    edges: list[tuple[tuple, tuple, Value]] = field(default_factory=list)
    of: list[list[int]] = field(default_factory=list)  # of every edge here, the graph's edges
    known: dict[tuple, int] = field(default_factory=dict)
    flat: Flat = field(default_factory=lambda: Flat([], [], []))
    middle: float = 0.0  # of the group's box, across the flow, before it is put anywhere
    left: float = 0.0
    top: float = 0.0
    size: Box = (0.0, 0.0)

    def add(self, member: tuple) -> tuple:
        self.members.setdefault(member, len(self.members))
        return member

    def run(self, a: tuple, b: tuple, value: Value, edge: int) -> None:
        """An edge of the graph runs from `a` to `b` here; only into a node has it its own line."""
        key = (a, b, value, edge if b[0] == "node" else -1)
        if key not in self.known:
            self.known[key] = len(self.edges)
            self.edges.append((a, b, value))
            self.of.append([])
        self.of[self.known[key]].append(edge)


def nested(
    task: Task, group: Sequence[int], parent: Sequence[int], least: Sequence[Box], pad: Pad
) -> Flat:
    """Lay out a graph whose nodes are in groups (`ROOT`: in none), and groups in groups.

    A group through which a circle would run (something outside lies between two of its nodes)
    has no box; what is in it counts as its parent's. `least` is the least size of each group.
    """
    group = list(group)
    while True:
        levels = _levels(task, group, parent)
        twisted = _twisted(levels)
        if twisted is None:
            break
        above = parent[twisted]
        group = [above if g == twisted else g for g in group]
        parent = [above if p == twisted else p for p in parent]
    for g in _inner_first(levels, parent):
        _fit(task, levels, g, pad, (0.0, 0.0) if g == ROOT else least[g])
    return _gathered(task, levels)


def _chain(g: int, parent: Sequence[int]) -> list[int]:
    """The group and all around it, the picture last."""
    found = [g]
    while found[-1] != ROOT:
        found.append(parent[found[-1]])
    return found


def _levels(task: Task, group: Sequence[int], parent: Sequence[int]) -> dict[int, Level]:
    chains = {g: _chain(g, parent) for g in dict.fromkeys(group)}
    levels: dict[int, Level] = {ROOT: Level()}
    for v, g in enumerate(group):
        for inner, outer in zip(chains[g], chains[g][1:], strict=False):
            levels.setdefault(inner, Level())
            levels.setdefault(outer, Level()).add(("group", inner))
        levels[g].add(("node", v))
    for e, (a, b) in enumerate(task.edges):
        value = (a, task.starts[e] or 0.0)
        out, into = chains[group[a]], chains[group[b]]
        shared = next(g for g in out if g in into)
        here: tuple = ("node", a)
        for g in out[: out.index(shared)]:
            levels[g].run(here, levels[g].add(("out", value)), value, e)
            here = ("group", g)
        inward = into[: into.index(shared)][::-1]
        for level, g in zip([shared, *inward], [*inward, None], strict=True):
            there = ("node", b) if g is None else ("group", g)
            levels[level].run(here, there, value, e)
            if g is not None:
                here = levels[g].add(("in", value))
    return levels


def _twisted(levels: dict[int, Level]) -> int | None:
    """A group that lies on a circle of groups and nodes, if any does."""
    for level in levels.values():
        number = level.members
        ahead = [(number[a], number[b], 1) for a, b, _ in level.edges]
        back = [(b, a, 1) for a, b, _ in ahead]
        free = {*topological(len(number), ahead), *topological(len(number), back)}
        for member, k in number.items():
            if member[0] == "group" and k not in free:
                return member[1]
    return None


def _inner_first(levels: dict[int, Level], parent: Sequence[int]) -> list[int]:
    return sorted(levels, key=lambda g: -len(_chain(g, parent)))


def _fit(task: Task, levels: dict[int, Level], g: int, pad: Pad, least: Box) -> None:
    """Lay out one level, whose groups have their sizes already; find its own."""
    level = levels[g]
    members = sorted(level.members, key=lambda m: m[0] in ("in", "out"))  # points come last
    number = {m: k for k, m in enumerate(members)}
    boxes = [_box(task, levels, m) for m in members]
    starts: list[float | None] = []
    ends: list[float | None] = []
    labels = {}
    for k, (a, b, value) in enumerate(level.edges):
        e = level.of[k][0]
        starts.append(_port(levels, a, "out", value) if a[0] == "group" else
                      value[1] if a[0] == "node" else 0.0)  # fmt: skip
        ends.append(_port(levels, b, "in", value) if b[0] == "group" else
                    task.ends[e] if b[0] == "node" else 0.0)  # fmt: skip
        if b[0] == "node" and e in task.labels:
            labels[k] = task.labels[e]
    pairs = [(number[a], number[b]) for a, b, _ in level.edges]
    inner = Task(boxes, pairs, starts, ends, labels, task.gap)
    if any(m[0] in ("in", "out") for m in members):
        inner.real = sum(m[0] in ("node", "group") for m in members)
        inner.fixed = _fixed(inner, [m[0] for m in members])
        level.flat = lay_out(inner)
    else:
        level.flat = parts_of(inner)
    level.members = number
    _measure(level, pad if g != ROOT else (0.0, 0.0, 0.0, 0.0), least)


def _measure(level: Level, pad: Pad, least: Box) -> None:
    """The size of the group's box; passages lie on its left and right border."""
    kinds = {m[0] for m in level.members}
    left = 0.0 if "in" in kinds else pad[0]
    right = 0.0 if "out" in kinds else pad[2]
    width = left + level.flat.width + right
    height = pad[1] + level.flat.height + pad[3]
    level.left, level.top = left, pad[1]
    if height < least[1]:
        level.top += (least[1] - height) / 2
    level.size = (max(width, least[0]), max(height, least[1]))
    level.middle = level.size[1] / 2 - level.top


def _box(task: Task, levels: dict[int, Level], member: tuple) -> Box:
    if member[0] == "node":
        return task.boxes[member[1]]
    return levels[member[1]].size if member[0] == "group" else POINT


def _port(levels: dict[int, Level], member: tuple, way: str, value: Value) -> float:
    """How far from the middle of a group's box a value passes its border."""
    inside = levels[member[1]]
    return inside.flat.at[inside.members[way, value]][1] - inside.middle


def _fixed(inner: Task, kinds: Sequence[str]) -> list[int]:
    """Ranks in which all passages in come first, and all passages out last."""
    real, count = inner.real or 0, len(kinds)
    first, last = real, real + 1  # all passages in as one node, all passages out as another
    stands = [*range(real), *(first if kind == "in" else last for kind in kinds[real:])]
    links = [
        (stands[a], stands[b], 2 if k in inner.labels else 1)
        for k, (a, b) in enumerate(inner.edges)
    ]
    rank = [0] * (real + 2)
    parts = connected(real + 2, [(a, b) for a, b, _ in links])
    for part in parts:
        place = {v: k for k, v in enumerate(part)}
        own = [(place[a], place[b], span) for a, b, span in links if a in place]
        for v, r in zip(part, ranks(len(part), own), strict=True):
            rank[v] = r + (first not in place)
    low = min(rank[:real], default=1)
    rank = [r + max(0, 1 - low) for r in rank]
    high = max([rank[last], *(r + 1 for r in rank[:real])])
    for part in parts:
        if last in part and first not in part and real:
            shift = high - rank[last]
            for v in part:
                rank[v] += shift
    rank[first], rank[last] = 0, max([1, *(r + 1 for r in rank[:real])])
    return [rank[stands[k]] for k in range(count)]


def _gathered(task: Task, levels: dict[int, Level]) -> Flat:
    """All levels in the coordinates of the picture, and every edge as one line."""
    root = levels[ROOT]
    made = Flat([0] * len(task.boxes), [(0.0, 0.0)] * len(task.boxes), [])
    made.width, made.height = root.size
    made.crossings = sum(level.flat.crossings for level in levels.values())
    pieces: list[list[list[Point]]] = [[] for _ in task.edges]
    rest = [(ROOT, 0.0, 0.0)]
    for g, dx, dy in rest:  # grows while it is walked
        level = levels[g]
        dx, dy = dx + level.left, dy + level.top
        for member, k in level.members.items():
            x, y = level.flat.at[k]
            if member[0] == "node":
                made.at[member[1]] = (x + dx, y + dy)
                made.rank[member[1]] = level.flat.rank[k]
            elif member[0] == "group":
                width, height = levels[member[1]].size
                made.boxes[member[1]] = (x + dx, y + dy, width, height)
                rest.append((member[1], x + dx - width / 2, y + dy - height / 2))
        for k, route in enumerate(level.flat.routes):
            moved = [(x + dx, y + dy) for x, y in route]
            for e in level.of[k]:
                pieces[e].append(moved)
            if k in level.flat.labels:
                x, y = level.flat.labels[k]
                made.labels[level.of[k][0]] = (x + dx, y + dy)
    for mine in pieces:
        mine.sort(key=lambda piece: piece[0][0])
        made.routes.append(without_needless([point for piece in mine for point in piece]))
    return made


def numbered(
    nodes: Sequence[Any], groups: Mapping[Any, Any]
) -> tuple[list[int], list[int], list[Any]]:
    """Groups by number: that of every node, that around every group, and the groups' keys."""
    number: dict[Any, int] = {}
    rest = [groups[n] for n in nodes if n in groups]
    for g in rest:  # grows while it is walked
        if g not in number:
            number[g] = len(number)
            if g in groups:
                rest.append(groups[g])
    parent = [number[groups[g]] if g in groups else ROOT for g in number]
    return [number[groups[n]] if n in groups else ROOT for n in nodes], parent, list(number)
