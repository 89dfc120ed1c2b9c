"""What can be trained on: examples in memory, or ones that are fetched when they are wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....graph.errors import UsageError
from .checks import dense

Examples = tuple[np.ndarray, np.ndarray]
Change = Callable[[np.ndarray], np.ndarray]


class Source:
    """Examples and their targets, to be taken row by row in the model's dtype.

    `in_memory` says whether `.x` and `.t` are there as arrays; `names` are the columns of X,
    where they have any; `notes` are remarks about the data, in words.
    """

    in_memory = False
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}.__len__")

    def take(self, rows: np.ndarray) -> Examples:
        """Inputs and targets of these rows, in this order."""
        raise NotImplementedError(f"{type(self).__name__}.take")

    def targets(self) -> np.ndarray:
        """All targets."""
        parts = np.array_split(np.arange(len(self)), max(1, len(self) >> 12))
        return np.concatenate([self.take(rows)[1] for rows in parts])

    def part(self, rows: np.ndarray) -> Source:
        """Some of the examples, as a source of their own."""
        return Part(self, rows)

    def retargeted(self, change: Change) -> Source:
        """The same examples, their targets put through `change`, batch by batch."""
        return Retargeted(self, change)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that X would have as one array."""
        return (len(self), *self.take(np.arange(min(1, len(self))))[0].shape[1:])


class Arrays(Source):
    """Examples in memory.

    >>> found = Arrays(np.eye(3), np.arange(3))
    >>> found.take(np.array([2, 0]))[1]
    array([2, 0])
    """

    in_memory = True

    def __init__(
        self, x: np.ndarray, t: np.ndarray, names: tuple[str, ...] = (), notes: tuple = ()
    ):  # fmt: skip
        self.x, self.t, self.names, self.notes = x, t, tuple(names), tuple(notes)

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: np.ndarray) -> Examples:
        return self.x[rows], self.t[rows]

    def targets(self) -> np.ndarray:
        return self.t

    def part(self, rows: np.ndarray) -> Arrays:
        return Arrays(self.x[rows], self.t[rows], self.names, self.notes)

    def retargeted(self, change: Change) -> Arrays:
        return Arrays(self.x, change(self.t), self.names, self.notes)


class Stored(Source):
    """Examples on disk or in another form, of which only the rows of a batch are read.

    `x` is anything with a shape that gives rows for an index: a memory-mapped array, or a sparse
    matrix, whose batches become dense.
    """

    def __init__(self, x: Any, t: np.ndarray, dtype: Any, names: tuple[str, ...] = ()):
        self.data, self.answers, self.dtype, self.names = x, t, np.dtype(dtype), tuple(names)

    def __len__(self) -> int:
        return int(self.data.shape[0])

    def take(self, rows: np.ndarray) -> Examples:
        rows = np.asarray(rows)
        order = np.argsort(rows, kind="stable")  # a file is read forwards
        x = dense(self.data[rows[order]])
        made = np.empty(x.shape, self.dtype)
        made[order] = x
        return made, self._cast(self.answers[rows])

    def targets(self) -> np.ndarray:
        return self._cast(self.answers)

    def _cast(self, t: np.ndarray) -> np.ndarray:
        t = np.asarray(t)
        return t.astype(self.dtype, copy=False) if t.dtype.kind == "f" else t


class Part(Source):
    """Some rows of another source."""

    def __init__(self, whole: Source, rows: np.ndarray):
        self.whole, self.rows, self.names = whole, np.asarray(rows), whole.names

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: np.ndarray) -> Examples:
        return self.whole.take(self.rows[rows])

    def targets(self) -> np.ndarray:
        return self.whole.targets()[self.rows]


class Retargeted(Source):
    """Another source with changed targets."""

    def __init__(self, whole: Source, change: Change):
        self.whole, self.change = whole, change
        self.names, self.notes = whole.names, whole.notes

    def __len__(self) -> int:
        return len(self.whole)

    def take(self, rows: np.ndarray) -> Examples:
        x, t = self.whole.take(rows)
        return x, self.change(t)

    def targets(self) -> np.ndarray:
        return self.change(self.whole.targets())


def split(whole: Source, share: Any, rng: np.random.Generator) -> tuple[Source, Source]:
    """The examples to train on, and those to hold out, drawn by `rng`.

    Raises: UsageError for a share that is not between 0 and 1.
    """
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
        raise UsageError(f"fit: validation={share!r}; give (X, y) or a share between 0 and 1")
    order = rng.permutation(len(whole))
    count = max(1, round(share * len(whole)))
    return whole.part(order[count:]), whole.part(order[:count])
