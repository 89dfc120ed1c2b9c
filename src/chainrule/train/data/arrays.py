"""Arrays as data for training: split, standardised, with classes found, all said."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.errors import DataError, UsageError
from ...graph.spelling import counted
from .prepared import FEW, FEWEST_ROWS, Prepared, Unasked, split, standardised
from .sources import Arrays, Source, Stored, is_mapped, source
from .sources.checks import blocks


class Scaled(Source):
    """Another source with standardised inputs."""

    def __init__(self, whole: Source, mean: np.ndarray, scale: np.ndarray):
        self.whole, self.mean, self.scale = whole, mean, scale

    def __len__(self) -> int:
        return len(self.whole)

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, t = self.whole.take(rows)
        return standard(x, self.mean, self.scale), t

    def targets(self) -> np.ndarray:
        return self.whole.targets()


def standard(x: np.ndarray, mean: Any, scale: Any) -> np.ndarray:
    """Inputs less their mean, over their scale, in float32."""
    return ((x - mean) / scale).astype(np.float32)


def from_arrays(name: str, X: Any, y: Any, task: str | None = None, seed: int = 0) -> Prepared:
    """Inputs (n, ...) and targets (n,) as data to train on; see `prepared`."""
    y = np.asarray(y)
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim != 1:
        raise DataError(f"{name}: the targets have shape {y.shape}; give one number an example")
    if len(y) < FEWEST_ROWS:
        raise DataError(f"{name}: {counted(len(y), 'example')}; at least {FEWEST_ROWS} are needed")
    task, why = decide(name, y, task)
    classes, targets = classes_of(y) if task == "classification" else ([], y.astype(np.float64))
    raw = source(X, targets, np.float32 if is_mapped(X) else np.float64)
    assert isinstance(raw, Source)  # with targets it is never a stream
    if len(raw.shape) < 2:
        raise DataError(f"{name}: the inputs have shape {raw.shape}; give a row for each example")
    rows = split(len(raw), seed, classes=targets if classes else None)
    mean, scale = moments(raw, rows["train"])
    told, target_mean, target_scale = [f"{task}: {why}"], 0.0, 1.0
    if not classes:
        targets, target_mean, target_scale = standardised(targets, rows["train"])
    made: Source = Scaled(Stored(X, targets, np.float32), mean, scale)
    if raw.in_memory:
        made = Arrays(standard(raw.take(np.arange(len(raw)))[0], mean, scale), targets)
    else:
        told.append("the inputs stay in their file: only batches are read")
    size = int(np.prod(raw.shape[1:]))
    inputs = f"{counted(size, 'input')} of shape {raw.shape[1:]}"
    told.append(f"{inputs}, standardised on the training part")
    told += map(Unasked, raw.notes)
    features = [f"x{k + 1}" for k in range(size)]
    return Prepared(
        name, task, made, rows, features, classes, target_mean, target_scale, told,
        {
            "kind": "arrays", "features": features, "task": task, "classes": classes,
            "mean": mean.ravel().tolist(), "scale": scale.ravel().tolist(),
            "target_mean": target_mean, "target_scale": target_scale,
        },
    )  # fmt: skip


def decide(name: str, y: np.ndarray, asked: str | None) -> tuple[str, str]:
    """Classification or regression, and the reason in words."""
    if asked not in (None, "classification", "regression"):
        raise UsageError(f"task {asked!r}; it is classification or regression")
    if y.dtype.kind not in "biufUS":
        raise DataError(f"{name}: the targets are {y.dtype}; give numbers or words")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        row = int(np.flatnonzero(~np.isfinite(y))[0])
        raise DataError(f"{name}: the target of row {row} is {y[row]}; leave the row out")
    distinct = len(np.unique(y))
    if distinct == 1:
        raise DataError(f"{name}: the target is {y[0]} in every row: nothing to learn")
    words = y.dtype.kind in "US"
    if asked == "regression" and words:
        raise DataError(f"{name}: regression needs numbers, and the targets are words")
    if (asked == "classification" or (words and not asked)) and distinct > len(y) / 2:
        raise DataError(
            f"{name}: the targets have {distinct} values in {len(y)} rows, too many to be classes"
        )
    if asked:
        return asked, "as asked for"
    if words or y.dtype.kind == "b":
        return "classification", f"the targets are {distinct} different words or truth values"
    if not np.any(y % 1) and distinct <= FEW and distinct <= len(y) / 2:
        return "classification", (
            f"the targets are {distinct} different whole numbers (--task regression overrules)"
        )
    return "regression", f"the targets have {distinct} different values"


def classes_of(y: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The names of the classes, and the number of its class for each example."""
    names, numbers = np.unique(y, return_inverse=True)
    whole = y.dtype.kind == "f" and not np.any(names % 1)
    return [str(int(c)) if whole else str(c) for c in names], numbers.astype(np.int64)


def moments(whole: Source, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the inputs of these rows, read block by block.

    Of tables for every column; of pictures and the like for all elements together.
    """
    axes = (0,) if len(whole.shape) == 2 else None
    first = whole.take(rows[:1])[0].astype(np.float64)
    shift = first[0] if axes else np.float64(first.mean())  # near the mean: digits are not lost
    total, squares, count = 0.0, 0.0, 0
    for _, some in blocks(rows):
        for part in np.array_split(some, max(1, len(some) * first.size >> 20)):
            x = whole.take(part)[0].astype(np.float64) - shift
            total, squares = total + x.sum(axes), squares + (x * x).sum(axes)
            count += len(x) if axes else x.size
    mean = total / count
    scale = np.sqrt(np.maximum(squares / count - mean * mean, 0.0))
    return np.asarray(mean + shift), np.where(scale > 0, scale, 1.0)
