"""A function of one number and its slope, both from the engine, over a range."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...eager.namespace import tensor
from ...graph.errors import PathError, ScalarError, UsageError
from ...transform import vjp
from ..chart import Series

POINTS = 401
BREAK = 1e-9  # how near a kink its two sides are read
JUMP = 1e-3  # a slope that changes by more in between has a kink


@dataclass(frozen=True, eq=False)
class Curve:
    """Places, values and slopes, and where the slope jumps: (place, left, at it, right)."""

    x: np.ndarray
    y: np.ndarray
    d: np.ndarray
    jumps: tuple[tuple[float, float, float, float], ...] = ()

    def values(self, name: str) -> Series:
        """The values as a series of a chart."""
        return Series(name, list(self.x), list(self.y))

    def slopes(self, name: str) -> Series:
        """The slopes as a series of a chart, with a gap at every kink."""
        kinks = {k for k, *_ in self.jumps}
        slopes = [None if x in kinks else d for x, d in zip(self.x, self.d, strict=True)]
        return Series(name, list(self.x), slopes)

    def flat(self, under: float) -> list[tuple[float, float]]:
        """The stretches on which the slope is less than so much, either way."""
        found: list[list[float]] = []
        for x, d in zip(self.x, self.d, strict=True):
            if abs(d) >= under:
                found.append([])
            elif found and found[-1]:
                found[-1].append(x)
            else:
                found.append([x])
        return [(s[0], s[-1]) for s in found if len(s) > 1 and s[-1] - s[0] > 1e-6]


def at(f: Callable[[Any], Any], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values of `f` and its slopes by the engine, at all these places.

    Raises: UsageError for what does not work element by element.
    """
    try:
        with np.errstate(all="ignore"):
            y, back = vjp(f, tensor(x))
            (d,) = back(np.ones(np.shape(y)))
    except (PathError, ScalarError):
        y, d = f(x), np.zeros_like(x)
    y = np.asarray(y)
    if y.shape != x.shape:
        raise UsageError(
            f"pictures: the function made {y.shape} of {x.shape}; give one that takes each number "
            "by itself"
        )
    return y, np.asarray(d)


def curve(
    f: Callable[[Any], Any], low: float, high: float, kinks: Sequence[float] = ()
) -> Curve:  # fmt: skip
    """`f` from `low` to `high`; at `kinks` it is read from both sides."""
    inside = [k for k in kinks if low < k < high]
    x = np.unique(np.concatenate([
        np.linspace(low, high, POINTS), *([k - BREAK, k, k + BREAK] for k in inside)]))  # fmt: skip
    y, d = at(f, x)
    jumps = []
    for k in inside:
        (i,) = np.nonzero(x == k)[0]
        if abs(d[i + 1] - d[i - 1]) > JUMP:
            jumps.append((k, float(d[i - 1]), float(d[i]), float(d[i + 1])))
    return Curve(x, y, d, tuple(jumps))
