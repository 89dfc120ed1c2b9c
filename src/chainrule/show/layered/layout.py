"""The layered layout of a graph: whole, in parts that are not connected, or with open groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...graph.errors import GraphError
from .flat import Flat, Task
from .ladder import Box
from .nested import Pad, nested, numbered
from .parts import parts_of
from .plan import Key, Layered, Size
from .ranks import topological

SIZE = (40.0, 24.0)
Ports = Mapping[int, tuple[float | None, float | None]]


def layered(
    nodes: Sequence[Key], edges: Sequence[tuple[Key, Key]],
    sizes: Mapping[Any, Size] | None = None, *, across: bool = True,
    gap: tuple[float, float] = (56.0, 18.0),
    room: Size | Mapping[int, Size] | None = None, ports: Ports | None = None,
    groups: Mapping[Any, Any] | None = None,
    pad: Pad = (12.0, 26.0, 12.0, 12.0),
) -> Layered:  # fmt: skip
    """Places for `nodes`, routes for `edges`: forward, with few crossings, long ones straight.

    Nodes are any hashable values, operands first; edges are known by their index, and a pair
    may stand several times. `sizes` are widths and heights, `gap` is between ranks and between
    neighbours in a rank. `across` runs from left to right, otherwise from top to bottom.
    `room` keeps a box of this size free on every edge (or on those of a dict by index) for its
    label. `ports` says by index how far from the middle an edge leaves and arrives. `groups`
    names the group of a node, or of a group; each gets a box of its own, with `pad` (left,
    top, right, bottom) inside. The same graph gives the same numbers, on every machine.
    Raises: GraphError for a circle, for an edge of an unknown node, for a node given twice.
    Source: Sugiyama, Tagawa and Toda 1981, doi:10.1109/TSMC.1981.4308636.

    >>> plan = layered("xwml", [("x", "m"), ("w", "m"), ("m", "l")])
    >>> [plan.rank[n] for n in "xwml"], plan.crossings
    ([0, 0, 1, 2], 0)
    >>> plan.at["m"][1] == plan.at["l"][1]
    True
    """
    number = _numbers(nodes, edges)
    pairs = [(number[a], number[b]) for a, b in edges]
    _forward(nodes, pairs)
    asked = _rooms(room, len(pairs))
    given = [(sizes or {}).get(n, SIZE) for n in nodes]
    boxes = [(float(w), float(h)) if across else (float(h), float(w)) for w, h in given]
    if not across:
        asked = {e: (h, w) for e, (w, h) in asked.items()}
    starts: list[float | None] = [None] * len(pairs)
    ends: list[float | None] = [None] * len(pairs)
    for e, (start, end) in (ports or {}).items():
        starts[e], ends[e] = start, end
    task = Task(boxes, pairs, starts, ends, asked, gap)
    made = _grouped(nodes, task, groups, sizes or {}, pad, across) if groups else parts_of(task)
    plan = Layered(
        dict(zip(nodes, made.at, strict=True)), dict(zip(nodes, boxes, strict=True)),
        dict(enumerate(made.routes)), made.labels, made.boxes,
        dict(zip(nodes, made.rank, strict=True)), made.width, made.height, made.crossings,
    )  # fmt: skip
    return plan if across else plan.turned()


def _grouped(
    nodes: Sequence[Key], task: Task, groups: Mapping[Any, Any], sizes: Mapping[Any, Size],
    pad: Pad, across: bool,
) -> Flat:  # fmt: skip
    group, parent, keys = numbered(nodes, groups)
    least = [sizes.get(g, (0.0, 0.0)) for g in keys]
    if not across:
        least = [(h, w) for w, h in least]
        pad = (pad[1], pad[0], pad[3], pad[2])
    made = nested(task, group, parent, least, pad)
    made.boxes = {keys[g]: box for g, box in made.boxes.items()}
    return made


def _numbers(nodes: Sequence[Key], edges: Sequence[tuple[Key, Key]]) -> dict[Any, int]:
    number = {n: k for k, n in enumerate(nodes)}
    if len(number) < len(nodes):
        raise GraphError("layered: a node is given twice; every node stands once in the list")
    for k, edge in enumerate(edges):
        for n in edge:
            if n not in number:
                raise GraphError(f"layered: edge {k} joins {n!r}, which is not among the nodes")
    return number


def _forward(nodes: Sequence[Key], pairs: Sequence[tuple[int, int]]) -> None:
    """Refuse a graph with a circle, and name one node on it."""
    done = set(topological(len(nodes), [(a, b, 1) for a, b in pairs]))
    if len(done) == len(nodes):
        return
    before = {b: a for a, b in pairs if a not in done}
    v = next(iter(before))
    seen: list[int] = []
    while v not in seen:
        seen.append(v)
        v = before[v]
    circle = " ← ".join(repr(nodes[u]) for u in [*seen[seen.index(v) :], v])
    raise GraphError(f"layered: the edges go round in a circle: {circle}; a computation has none")


def _rooms(room: Any, count: int) -> dict[int, Box]:
    if room is None:
        return {}
    if isinstance(room, Mapping):
        return {e: (float(w), float(h)) for e, (w, h) in room.items()}
    return dict.fromkeys(range(count), (float(room[0]), float(room[1])))
