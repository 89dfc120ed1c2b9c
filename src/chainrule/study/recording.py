"""What is kept of a training while it runs, so that its pictures can be computed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..graph.errors import UsageError

MOST_EXAMPLES = 240  # that are kept, to be shown as points
MOST_BYTES = 256_000_000  # that the copies of the parameters may take together


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The model after so many epochs, with its own copy of every parameter."""

    epoch: int
    model: Any
    row: dict[str, Any]  # the history's row of that epoch; of epoch 0, the loss before training


@dataclass(eq=False)
class Recording:
    """A training to look at: snapshots of the model, some of the examples, the history.

    Shapes: X (n, …) and y (n, …) are at most 240 of the examples; `low`, `high` and `mean`
    are of all of them, one for each feature.
    """

    X: np.ndarray
    y: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    loss: Callable[..., Any]
    epochs: int
    snapshots: list[Snapshot] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)  # of every epoch, and of epoch 0

    def __len__(self) -> int:
        return len(self.snapshots)

    def __repr__(self) -> str:
        return f"Recording({len(self)} snapshots of {max(0, len(self.rows) - 1)} epochs)"


def planned(epochs: int, frames: int) -> set[int]:
    """The epochs to keep: the first and the last, and closer together where more changes.

    >>> sorted(planned(100, 6))
    [0, 9, 25, 46, 72, 100]
    """
    return {round(epochs * (k / (frames - 1)) ** 1.5) for k in range(frames)}


def affordable(frames: Any, parameters: Sequence[np.ndarray]) -> int:
    """How many snapshots are kept: as many as asked for, or as fit into 256 MB.

    Raises: UsageError for what is no whole number of at least 2.
    """
    if not isinstance(frames, (int, np.integer)) or frames < 2:
        raise UsageError(
            f"fit: record={frames!r}; give how many snapshots to keep, 2 or more, such as record=60"
        )
    size = sum(p.nbytes for p in parameters)
    return int(min(frames, max(2, MOST_BYTES // max(1, size))))


def some(x: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Examples to show: all where they are few, otherwise some drawn by a seed of their own."""
    if len(x) <= MOST_EXAMPLES:
        return np.array(x), np.array(t)
    rows = np.sort(np.random.default_rng(0).choice(len(x), MOST_EXAMPLES, replace=False))
    return x[rows], t[rows]
