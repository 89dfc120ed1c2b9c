"""Data made ready for training: split, standardised, and with everything that was done said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...graph.errors import DataError, UsageError
from ...graph.spelling import counted
from . import datasets
from .sources.kinds import Arrays, Source

PARTS = ("train", "validation", "test")
FRACTIONS = (0.70, 0.15, 0.15)
NAMES = (*datasets.MADE, "digits")
FEW = 20  # whole numbers with so few values are taken for classes
FEWEST_ROWS = 10


class Unasked(str):
    """A note on what was taken from the data, or is odd in them, though nobody asked for it."""


@dataclass
class Prepared:
    """Inputs and targets for a network, with the rows of each part and what was done to get here.

    `examples` gives inputs (n, features) or (n, ...) in float32, and targets (n,): class numbers,
    or float32 that has been standardised by `target_mean` and `target_scale`.
    """

    name: str
    task: str  # classification or regression
    examples: Source
    rows: dict[str, np.ndarray]
    features: list[str]
    classes: list[str] = field(default_factory=list)
    target_mean: float = 0.0
    target_scale: float = 1.0
    notes: list[str] = field(default_factory=list)
    preparation: dict[str, Any] = field(default_factory=dict)  # plain data: enough to do it again

    def source(self, name: str) -> Source:
        """The examples of train, validation or test, wherever they lie."""
        return self.examples.part(self.rows[name])

    def part(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """X and y of train, validation or test, in memory."""
        return self.examples.take(self.rows[name])

    @property
    def X(self) -> np.ndarray:
        """All inputs, in memory."""
        return self.examples.take(np.arange(len(self.examples)))[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.examples.shape[1:]

    @property
    def outputs(self) -> int:
        """How many numbers the network has to give."""
        return len(self.classes) if self.task == "classification" else 1


def split(
    n: int, seed: int = 0, fractions: Sequence[float] = FRACTIONS, classes: Any = None
) -> dict[str, np.ndarray]:
    """The rows of train, validation and test, drawn by a seed; of each class its share.

    Shapes: `classes` (n,) or None. A class with too few examples for all parts is trained on.
    Raises: UsageError for fractions that do not add up to 1; DataError where a part is empty.

    >>> parts = split(10, fractions=(0.6, 0.2, 0.2), classes=np.arange(10) % 2)
    >>> {name: len(rows) for name, rows in parts.items()}
    {'train': 6, 'validation': 2, 'test': 2}
    """
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise UsageError(f"split: {tuple(fractions)}; give three shares that add up to 1")
    rng = np.random.default_rng(seed)
    groups = np.zeros(n, np.int64) if classes is None else np.asarray(classes)
    found: list[list[np.ndarray]] = [[], [], []]
    owed = np.zeros(2)  # what rounding has kept from validation and test so far
    for group in np.unique(groups):
        members = rng.permutation(np.flatnonzero(groups == group))
        wanted = np.array(fractions[1:]) * len(members) + owed
        taken = np.floor(wanted + 1e-9).astype(int)
        if len(members) < 3:
            taken = np.minimum(taken, 0)
        owed = wanted - taken
        ends = np.cumsum(taken)
        found[1].append(members[: ends[0]])
        found[2].append(members[ends[0] : ends[1]])
        found[0].append(members[ends[1] :])
    parts = {k: np.sort(np.concatenate(f)) for k, f in zip(PARTS, found, strict=True)}
    empty = [k for k, f in zip(PARTS, fractions, strict=True) if f and not len(parts[k])]
    if empty:
        raise DataError(f"split: too few rows, {n}; nothing is left for {' and '.join(empty)}")
    return parts


def standardised(y: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Targets in float32 with mean 0 and deviation 1 in these rows; that mean and deviation."""
    known = y[rows]
    mean, scale = float(known.mean()), deviation(known)
    return ((y - mean) / scale).astype(np.float32), mean, scale


def deviation(x: np.ndarray) -> float:
    """The standard deviation of numbers; 1 where all are the same, whatever rounding makes of it.

    >>> np.full(84, 0.1).std() > 0, deviation(np.full(84, 0.1))
    (np.True_, 1.0)
    """
    return float(x.std()) if np.ptp(x) else 1.0


def builtin(name: str, seed: int = 0) -> Prepared:
    """One of the named data sets, split by class and standardised on its training part.

    Raises: UsageError for a name that is not known; MissingExtraError for digits without
            scikit-learn.

    >>> data = builtin("moons")
    >>> data.X.shape, [len(rows) for rows in data.rows.values()]
    ((1000, 2), [700, 150, 150])
    """
    if name not in NAMES:
        raise UsageError(f"the data set {name!r} is not known; there are {', '.join(NAMES)}")
    X, y = datasets.digits() if name == "digits" else datasets.MADE[name](seed=seed)
    rows = split(len(X), seed, classes=y)
    mean, scale = (0.0, 1.0) if name == "digits" else _standard(X[rows["train"]])
    how = "divided by 16" if name == "digits" else "standardised on the training part"
    classes = [str(c) for c in np.unique(y)]
    names = [f"pixel {k}" if name == "digits" else f"x{k + 1}" for k in range(X.shape[1])]
    return Prepared(
        name,
        "classification",
        Arrays(((X - mean) / scale).astype(np.float32), y),
        rows,
        names,
        classes,
        notes=[f"{counted(X.shape[1], 'feature')}, {how}; {len(classes)} classes"],
        preparation={
            "kind": "arrays",
            "features": names,
            "mean": np.broadcast_to(mean, X.shape[1]).tolist(),
            "scale": np.broadcast_to(scale, X.shape[1]).tolist(),
            "classes": classes,
        },
    )


def _standard(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale = X.std(0)
    return X.mean(0), np.where(scale > 0, scale, 1.0)
