"""Classes, out of what a network answers and what was right."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...ops.shares import softmax


def positives(target: np.ndarray) -> np.ndarray:
    """Which of two classes each target is."""
    return target > 0.5


def labels_of(
    prediction: np.ndarray, target: np.ndarray, threshold: float, many: bool | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The classes that were said, and the right ones: the largest of several outputs, or whether
    a single one is above `threshold`.

    >>> labels_of(np.array([[0.2, 0.8]]), np.array([1]), 0.0)
    (array([1]), array([1]))
    """
    if _several(prediction) and not _of_many(prediction, target, many):
        return prediction.argmax(-1), target if target.ndim < prediction.ndim else target.argmax(-1)
    made = prediction > threshold
    right = positives(target)
    if made.ndim == right.ndim + 1 and made.shape[-1] == 1:
        made = made[..., 0]
    return made.ravel().astype(np.int64), right.ravel().astype(np.int64)


def _several(prediction: np.ndarray) -> bool:
    return prediction.ndim > 1 and prediction.shape[-1] > 1


def _of_many(prediction: np.ndarray, target: np.ndarray, many: bool | None) -> bool:
    """Whether several outputs are questions of their own: some example is of two, or of none."""
    if target.shape != prediction.shape:
        return False
    return many if many is not None else bool(np.any(np.abs(target.sum(-1) - 1.0) > 1e-3))


def by_label(weight: Any, count: int) -> Any:
    """The weights of examples for `count` labels, where an example has several."""
    return None if weight is None else np.repeat(weight, count // len(weight))


class Counts(NamedTuple):
    """The confusion matrix, and of every class how many were right, said and true."""

    matrix: np.ndarray
    right: np.ndarray
    said: np.ndarray
    true: np.ndarray
    two: bool  # whether a question of yes and no was asked

    @property
    def there(self) -> np.ndarray:
        """Which classes somebody said or something was."""
        return self.said + self.true > 0


def counts_of(
    prediction: np.ndarray, target: np.ndarray, threshold: float, many: bool | None, weight: Any
) -> Counts:
    """How many of each class were taken for which, of the classes that the network knows."""
    made, right = (a.ravel() for a in labels_of(prediction, target, threshold, many))
    of_classes = _several(prediction) and not _of_many(prediction, target, many)
    known = max(prediction.shape[-1] if of_classes else 2, int(right.max(initial=0)) + 1)
    flat = np.bincount(right * known + made, by_label(weight, right.size), known * known)
    matrix = flat.reshape(known, known)
    return Counts(matrix, np.diag(matrix), matrix.sum(0), matrix.sum(1), known == 2)


def shares_of(prediction: np.ndarray) -> np.ndarray:
    """The shares of the classes: the outputs themselves where they are such, else their softmax.

    >>> shares_of(np.array([[0.0, 0.0]])).tolist(), shares_of(np.array([[0.25, 0.75]])).tolist()
    ([[0.5, 0.5]], [[0.25, 0.75]])
    """
    if prediction.min(initial=0.0) >= 0 and np.all(np.abs(prediction.sum(-1) - 1.0) < 1e-3):
        return prediction
    return softmax(np.asarray(prediction, np.float64))
