"""Metrics: how good predictions are, as a person would say it. Each is a function of arrays.

They equal scikit-learn's figures of the same name, without needing it: numbers that hang on what
is installed would not be the same program's. Any other metric of `sklearn.metrics` can be handed
over as the function itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from ...graph.errors import UsageError
from ...graph.spelling import did_you_mean
from ...nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    huber,
    l1,
    mse,
)
from .classes import Counts, by_label, counts_of, labels_of, positives, shares_of
from .ranking import auc

# Losses whose predictions are compared with 0 and 1 themselves; for all others a single output
# is the number before the sigmoid.
OF_SHARES = (binary_cross_entropy, huber, l1, mse)
# Losses that ask every output a question of its own.
OF_QUESTIONS = (binary_cross_entropy, binary_cross_entropy_with_logits)


def accuracy(
    prediction: np.ndarray,
    target: np.ndarray,
    *,
    threshold: float = 0.0,
    many: bool | None = None,
    weight: Any = None,
) -> float:
    """The share of right answers: the largest of several outputs, or one above `threshold`.

    With `many`, several outputs are questions of yes and no, each of its own; without it they are
    where the targets have an example of two classes, or of none.
    """
    made, right = labels_of(prediction, target, threshold, many)
    return float(np.average((made == right).ravel(), weights=by_label(weight, right.size)))


@dataclass(frozen=True)
class Share:
    """One count of a class over another: of class 1 of two, of more the mean over the classes.

    A class that nobody said and nothing is counts for nothing; with `macro` it is the mean over
    the classes of two as well.
    """

    part: Callable[[Counts], np.ndarray]
    of: Callable[[Counts], np.ndarray]
    macro: bool = False

    def __call__(
        self, prediction: np.ndarray, target: np.ndarray, *, threshold: float = 0.0,
        many: bool | None = None, weight: Any = None,
    ) -> float:  # fmt: skip
        counts = counts_of(prediction, target, threshold, many, weight)
        part, of = self.part(counts), self.of(counts)
        ratio = np.divide(part, of, out=np.zeros(len(part)), where=of > 0)
        alone = counts.two and not self.macro
        return float(ratio[-1] if alone else np.mean(ratio[counts.there]))


# Of those that were said to be of a class, the share that are.
precision = Share(lambda c: c.right, lambda c: c.said)
# Of those that are of a class, the share that were said to be.
recall = Share(lambda c: c.right, lambda c: c.true)
# The harmonic mean of precision and recall.
f1 = Share(lambda c: 2 * c.right, lambda c: c.said + c.true)
f1_macro = Share(f1.part, f1.of, macro=True)


def confusion(
    prediction: np.ndarray,
    target: np.ndarray,
    *,
    threshold: float = 0.0,
    many: bool | None = None,
    weight: Any = None,
) -> np.ndarray:
    """How many of each class (rows) were taken for which (columns).

    >>> confusion(np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), np.array([1, 0, 0])).tolist()
    [[1, 1], [0, 1]]
    """
    return counts_of(prediction, target, threshold, many, weight).matrix


def roc_auc(prediction: np.ndarray, target: np.ndarray, *, weight: Any = None) -> float:
    """The chance that an example of a class ranks above one that is not; of several their mean.

    Each class against the rest, by its share, as softmax gives it where the outputs are none.
    NaN where only one class is there.

    >>> roc_auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    0.75
    """
    if prediction.ndim > 1 and prediction.shape[-1] > 1:
        shares = shares_of(prediction)
        labels = target if target.ndim < prediction.ndim else target.argmax(-1)
        each = [auc(shares[..., c].ravel(), (labels == c).ravel(), by_label(weight, labels.size))
                for c in range(shares.shape[-1])]  # fmt: skip
        return float(np.mean(each))
    right = positives(target)
    return auc(prediction.ravel(), right.ravel(), by_label(weight, right.size))


def mae(prediction: np.ndarray, target: np.ndarray, *, weight: Any = None) -> float:
    """The mean absolute error."""
    return float(np.mean(np.average(np.abs(prediction - target), axis=0, weights=weight)))


def mean_square(prediction: np.ndarray, target: np.ndarray, *, weight: Any = None) -> float:
    """The mean squared error."""
    return float(np.mean(np.average((prediction - target) ** 2, axis=0, weights=weight)))


def rmse(prediction: np.ndarray, target: np.ndarray, *, weight: Any = None) -> float:
    """The root of the mean squared error, of each output, averaged."""
    return float(np.mean(np.sqrt(np.average((prediction - target) ** 2, axis=0, weights=weight))))


def r2(prediction: np.ndarray, target: np.ndarray, *, weight: Any = None) -> float:
    """The share of the variance explained, of each output, averaged; 0 for saying the mean.

    Of an output whose target never changes it is 1 where it is met, and 0 otherwise.
    """
    y, p = (np.asarray(a, np.float64).reshape(len(a), -1) for a in (target, prediction))
    w = np.ones(len(y)) if weight is None else np.asarray(weight, np.float64)
    spread = w @ (y - np.average(y, axis=0, weights=w)) ** 2
    missed = w @ (y - p) ** 2
    ratio = np.divide(missed, spread, out=(missed > 0).astype(float), where=spread > 0)
    return float(np.mean(1.0 - ratio))


METRICS: dict[str, Callable] = {
    "accuracy": accuracy, "mae": mae, "r2": r2, "f1": f1, "f1_macro": f1_macro,
    "precision": precision, "recall": recall, "roc_auc": roc_auc, "confusion": confusion,
    "mse": mean_square, "rmse": rmse,
}  # fmt: skip
HIGHER_IS_BETTER = ("accuracy", "f1", "f1_macro", "precision", "recall", "roc_auc", "r2")


@dataclass(frozen=True)
class Foreign:
    """A metric of scikit-learn's: asked in its own order, with classes or with shares."""

    function: Callable
    threshold: float
    many: bool | None

    def __call__(self, prediction: np.ndarray, target: np.ndarray, *, weight: Any = None) -> Any:
        more: dict[str, Any] = {} if weight is None else {"sample_weight": weight}
        takes = set(signature(self.function).parameters)
        whole = target.dtype.kind in "iub" or not np.any(target % 1)
        if "y_pred" in takes and whole and self.function.__module__.endswith("_classification"):
            made, right = labels_of(prediction, target, self.threshold, self.many)
            if "y_proba" in takes:
                made = shares_of(prediction)
            return self.function(right, made, **more)
        if takes & {"y_score", "y_proba", "y_prob"}:
            several = prediction.ndim > 1 and prediction.shape[-1] > 1
            made = shares_of(prediction) if several else prediction.ravel()
            return self.function(target if several else positives(target).ravel(), made, **more)
        return self.function(target, prediction, **more)


def metric_named(metric: Any, loss: Callable) -> tuple[str, Callable]:
    """A metric's name and function, from either; a threshold goes by what the loss compares."""
    threshold = 0.5 if loss in OF_SHARES else 0.0
    many = True if loss in OF_QUESTIONS else None
    if callable(metric):
        name = getattr(metric, "__name__", type(metric).__name__)
        if str(getattr(metric, "__module__", "")).startswith("sklearn.metrics"):
            return name, Foreign(metric, threshold, many)
        return name, metric
    if not isinstance(metric, str) or metric not in METRICS:
        there = f"use one of {', '.join(METRICS)}, or a function (prediction, target) → number"
        raise UsageError(f"metric: {metric!r} is not known; {did_you_mean(metric, METRICS, there)}")
    if "threshold" in signature(METRICS[metric]).parameters:
        return metric, partial(METRICS[metric], threshold=threshold, many=many)
    return metric, METRICS[metric]
