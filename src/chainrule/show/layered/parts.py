"""A graph whose parts are not all connected: each part by itself, set in rows like words."""

from __future__ import annotations

from collections.abc import Sequence

from .flat import Flat, Task, connected, lay_out


def parts_of(task: Task) -> Flat:
    """Each connected part by itself, set in rows like words."""
    count = len(task.boxes)
    parts = connected(count, task.edges)
    if len(parts) == 1:
        return lay_out(task)
    owner = {v: (k, i) for k, part in enumerate(parts) for i, v in enumerate(part)}
    mine: list[list[int]] = [[] for _ in parts]
    for e, (a, _) in enumerate(task.edges):
        mine[owner[a][0]].append(e)
    found = []
    for part, own in zip(parts, mine, strict=True):
        index = {e: k for k, e in enumerate(own)}
        found.append(lay_out(Task(
            [task.boxes[v] for v in part],
            [(owner[task.edges[e][0]][1], owner[task.edges[e][1]][1]) for e in own],
            [task.starts[e] for e in own], [task.ends[e] for e in own],
            {index[e]: task.labels[e] for e in own if e in task.labels}, task.gap,
        )))  # fmt: skip
    made = Flat([0] * count, [(0.0, 0.0)] * count, [[] for _ in task.edges])
    for flat, part, own, (dx, dy) in zip(found, parts, mine, _rows(found, task.gap), strict=True):
        for v, rank, (x, y) in zip(part, flat.rank, flat.at, strict=True):
            made.rank[v], made.at[v] = rank, (x + dx, y + dy)
        for e, route in zip(own, flat.routes, strict=True):
            made.routes[e] = [(x + dx, y + dy) for x, y in route]
        made.labels |= {own[k]: (x + dx, y + dy) for k, (x, y) in flat.labels.items()}
        made.width = max(made.width, dx + flat.width)
        made.height = max(made.height, dy + flat.height)
        made.crossings += flat.crossings
    return made


def _rows(found: Sequence[Flat], gap: tuple[float, float]) -> list[tuple[float, float]]:
    """Where each part begins: one under the other, small ones side by side."""
    area = sum((f.width + gap[0]) * (f.height + gap[1]) for f in found)
    most = max(max((f.width for f in found), default=0.0), 1.4 * area**0.5)
    x = y = tall = 0.0
    at = []
    for f in found:
        if x and x + f.width > most:
            x, y, tall = 0.0, y + tall + gap[1], 0.0
        at.append((x, y))
        x += f.width + gap[0]
        tall = max(tall, f.height)
    return at
