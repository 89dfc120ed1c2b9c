"""Edges as points, and points as a smooth line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Point = tuple[float, float]

LEVEL = 0.05  # pixels: a climb nobody sees


def curve(points: Sequence[Point], across: bool = True) -> str:
    """SVG path data through `points`, along the flow at every one of them.

    Level parts are lines; the rest are curves that begin and end level.

    >>> curve([(0, 0), (10, 0), (30, 8)])
    'M0 0L10 0C20 0 20 8 30 8'
    """
    parts = [f"M{_pair(*points[0])}"] if points else []
    for (x0, y0), (x1, y1) in pairwise(points):
        if (y0 == y1) if across else (x0 == x1):
            parts.append(f"L{_pair(x1, y1)}")
        elif across:
            half = (x0 + x1) / 2
            parts.append(f"C{_pair(half, y0)} {_pair(half, y1)} {_pair(x1, y1)}")
        else:
            half = (y0 + y1) / 2
            parts.append(f"C{_pair(x0, half)} {_pair(x1, half)} {_pair(x1, y1)}")
    return "".join(parts)


def _pair(x: float, y: float) -> str:
    return f"{_number(x)} {_number(y)}"


def _number(x: float) -> str:
    text = f"{x:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def without_needless(points: list[Point]) -> list[Point]:
    """The points of a line from left to right, without those that lie within a level part."""
    level = points[:1]
    for x, y in points[1:]:
        last = level[-1][1]
        level.append((x, last if abs(y - last) < LEVEL else y))
    kept: list[Point] = []
    for k, (x, y) in enumerate(level):
        within = 0 < k < len(level) - 1 and level[k - 1][1] == y == level[k + 1][1]
        if not within and (x, y) not in kept[-1:]:
            kept.append((x, y))
    return kept
