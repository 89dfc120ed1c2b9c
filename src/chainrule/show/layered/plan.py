"""A graph in the plane: where its nodes stand and which way its edges run."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from .routes import Point, curve

Key = Hashable
Size = tuple[float, float]


@dataclass(eq=False)
class Layered:
    """The layout of a graph, in pixels, its top left corner at (0, 0), without a margin.

    `at` has the middle of every node and `boxes` that of every open group, with its size.
    `routes` has the points of every edge, by its index, from border to border; `labels` the
    middle of the room that was asked for on it. `crossings` counts pairs of edges that cross.
    """

    at: dict[Any, Point] = field(default_factory=dict)
    size: dict[Any, Size] = field(default_factory=dict)
    routes: dict[int, list[Point]] = field(default_factory=dict)
    labels: dict[int, Point] = field(default_factory=dict)
    boxes: dict[Any, tuple[float, float, float, float]] = field(default_factory=dict)
    rank: dict[Any, int] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0
    crossings: int = 0
    across: bool = True

    def path(self, edge: int) -> str:
        """The SVG path data of an edge, with smooth bends."""
        return curve(self.routes[edge], self.across)

    def moved(self, dx: float, dy: float) -> Layered:
        """The same layout somewhere else."""
        return Layered(
            {n: (x + dx, y + dy) for n, (x, y) in self.at.items()}, self.size,
            {e: [(x + dx, y + dy) for x, y in p] for e, p in self.routes.items()},
            {e: (x + dx, y + dy) for e, (x, y) in self.labels.items()},
            {g: (x + dx, y + dy, w, h) for g, (x, y, w, h) in self.boxes.items()},
            self.rank, self.width, self.height, self.crossings, self.across,
        )  # fmt: skip

    def turned(self) -> Layered:
        """The same layout with x and y exchanged: what ran across runs down."""
        return Layered(
            {n: (y, x) for n, (x, y) in self.at.items()},
            {n: (h, w) for n, (w, h) in self.size.items()},
            {e: [(y, x) for x, y in p] for e, p in self.routes.items()},
            {e: (y, x) for e, (x, y) in self.labels.items()},
            {g: (y, x, h, w) for g, (x, y, w, h) in self.boxes.items()},
            self.rank, self.height, self.width, self.crossings, not self.across,
        )  # fmt: skip
