"""A step length along a direction that satisfies the strong Wolfe conditions.

With φ(t) the loss at x + t·d: φ(t) ≤ φ(0) + C1·t·φ'(0), the loss falls enough, and
|φ'(t)| ≤ -C2·φ'(0), and the slope is flat enough. First steps grow until a bracket holds such a
t; then the bracket shrinks about it. New lengths are minima of the cubic through two points.
Source: Nocedal and Wright 2006, algorithms 3.5 and 3.6; the choices are PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

C1, C2 = 1e-4, 0.9
SMALLEST = 1e-9  # below this movement of any parameter a bracket is not searched further


class Point(NamedTuple):
    """A step length, and there: the loss, its slope along the direction, its gradient."""

    t: Any
    loss: Any
    slope: Any
    gradient: Any


def strong_wolfe(
    probe: Callable[[Any], Point], start: Point, t: Any, largest: Any, tries: int
) -> tuple[Point, int]:
    """A point that satisfies the conditions, or the best after `tries`; and how many were probed.

    `start` is the point at 0, `t` the first length to try, `largest` the largest element of the
    direction.
    """
    pair, found, used = _bracket(probe, start, t, tries)
    if found or used >= tries:
        return (pair[0] if found else _lowest(pair)), used + 1
    point, more = _shrink(probe, start, pair, largest, tries - used)
    return point, used + more + 1


def _bracket(probe: Callable, start: Point, t: Any, tries: int) -> tuple[tuple, bool, int]:
    """Two points about a good one, or a good one first and True; and how often t was changed."""
    before, here = start, probe(t)
    for k in range(tries):
        high = not _falls(start, here) or (k > 1 and here.loss >= before.loss)
        if not high and _flat(start, here):
            return (here, here), True, k
        if high or here.slope >= 0:
            return (before, here), False, k
        least, most = here.t + 0.01 * (here.t - before.t), here.t * 10
        before, here = here, probe(_cubic(before, here, least, most))
    return (start, here), False, tries


def _shrink(
    probe: Callable, start: Point, pair: tuple, largest: Any, tries: int
) -> tuple[Point, int]:
    """The good point of a bracket, found by making the bracket smaller."""
    ends, low = list(pair), 0 if pair[0].loss <= pair[1].loss else 1
    stuck = False
    for k in range(tries):
        if abs(ends[1].t - ends[0].t) * largest < SMALLEST:
            return ends[low], k
        t, stuck = _inside(ends, stuck)
        here = probe(t)
        if not _falls(start, here) or here.loss >= ends[low].loss:
            ends[1 - low] = here
            low = 0 if ends[0].loss <= ends[1].loss else 1
            continue
        if _flat(start, here):
            return here, k + 1
        if here.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = here
    return ends[low], tries


def _inside(ends: list, stuck: bool) -> tuple[Any, bool]:
    """The next length to try in a bracket, not at its edge twice running."""
    left, right = sorted((ends[0].t, ends[1].t))
    t = _cubic(ends[0], ends[1], left, right)
    margin = 0.1 * (right - left)
    if not min(right - t, t - left) < margin:
        return t, False
    if not stuck and left < t < right:
        return t, True
    return (right - margin if abs(t - right) < abs(t - left) else left + margin), False


def _falls(start: Point, here: Point) -> bool:
    # Asked the other way round, so that a loss that is NaN counts as fallen, as in PyTorch.
    return not here.loss > start.loss + C1 * here.t * start.slope


def _flat(start: Point, here: Point) -> bool:
    return abs(here.slope) <= -C2 * start.slope


def _lowest(pair: tuple) -> Point:
    return pair[0] if pair[0].loss <= pair[1].loss else pair[1]


def _cubic(a: Point, b: Point, least: Any, most: Any) -> Any:
    """Where the cubic with the values and slopes of two points is least, within limits."""
    if b.t < a.t:
        a, b = b, a
    chord = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = chord * chord - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2.0
    root = square**0.5
    t = b.t - (b.t - a.t) * ((b.slope + root - chord) / (b.slope - a.slope + 2 * root))
    return min(max(t, least), most)
