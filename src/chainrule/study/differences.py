"""The slope of values along a line, by differences: central, extrapolated, with an error bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

FIRST_STEP, MOST_ROWS, FEWEST_ROWS = 0.01, 20, 4
COLUMNS = 4  # further ones agree with their neighbours by construction, whatever the values do
CONVERGED = 1e-10  # of the largest slope, or of the largest value: further rows add nothing


class Slope(NamedTuple):
    """d f/dt at 0, element by element, and what is known of how good it is."""

    value: np.ndarray
    uncertainty: np.ndarray
    kink: np.ndarray  # the two one-sided slopes differ, or the value jumps


class Table:
    """Richardson's table of one kind of difference; `order` is the power its error goes by."""

    def __init__(self, order: int):
        self.order = order
        self.row: list[np.ndarray] = []
        self.best = self.error = np.zeros(0)

    def add(self, difference: np.ndarray) -> None:
        """A difference with half of the last one's step (Ridders 1982)."""
        row = [difference]
        if not self.row:
            self.best, self.error = difference, np.full(difference.shape, np.inf)
        for j, before in enumerate(self.row[:COLUMNS]):
            factor = 2.0 ** (self.order * (j + 1))
            row.append((factor * row[j] - before) / (factor - 1.0))
            error = np.maximum(np.abs(row[j + 1] - row[j]), np.abs(row[j + 1] - before))
            better = error < self.error
            self.best = np.where(better, row[j + 1], self.best)
            self.error = np.where(better, error, self.error)
        self.row = row


def slope(f: Callable[[float], np.ndarray], here: np.ndarray) -> Slope | None:
    """The slope of the vector `f(t)` at t = 0, where it is `here`; None at the domain's edge.

    The first step is 0.01 and every next one half of the last, until central differences,
    extrapolated, agree with themselves.
    Source: Richardson 1911; Ridders 1982.
    """
    step = FIRST_STEP
    above, below = f(step), f(-step)
    while not np.isfinite([above, below]).all():
        step /= 4.0
        if step < 1e-9:
            return None
        above, below = f(step), f(-step)
    central, right, left = Table(2), Table(1), Table(1)
    first_gap = np.abs(above - below)
    size = np.max(np.abs(here), initial=0.0)
    for row in range(MOST_ROWS):
        if row > 0:
            step /= 2.0
            above, below = f(step), f(-step)
        central.add((above - below) / (2.0 * step))
        right.add((above - here) / step)
        left.add((here - below) / step)
        if row + 1 >= FEWEST_ROWS:
            enough = CONVERGED * max(np.max(np.abs(central.best), initial=0.0), size)
            if np.max(central.error, initial=0.0) <= enough:
                break
    jump = np.abs(above - below)
    jumps = (jump > 0.5 * first_gap) & (jump > 1e-6 * size)
    return Slope(central.best, central.error, jumps | _differ(left, right))


def _differ(left: Table, right: Table) -> np.ndarray:
    """Whether two slopes have each converged, and to different numbers."""
    larger = np.maximum(np.abs(left.best), np.abs(right.best))
    settled = np.maximum(left.error, right.error) <= 1e-4 * larger
    return settled & (np.abs(left.best - right.best) > 1e-3 * larger)
