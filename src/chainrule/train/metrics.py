"""Metrics: how good predictions are, as a person would say it. Each is a function of arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..graph.errors import UsageError
from ..nn.losses import binary_cross_entropy, huber, l1, mse

# Losses whose predictions are compared with 0 and 1 themselves; for all others a single output
# is the number before the sigmoid.
OF_SHARES = (binary_cross_entropy, huber, l1, mse)


def accuracy(prediction: np.ndarray, target: np.ndarray, *, threshold: float = 0.0) -> float:
    """The share of right answers: the largest of several outputs, or one above `threshold`."""
    if prediction.ndim > 1 and prediction.shape[-1] > 1:
        labels = target if target.ndim < prediction.ndim else target.argmax(-1)
        return float(np.mean(prediction.argmax(-1) == labels))
    return float(np.mean((prediction > threshold) == (target > 0.5)))


def mae(prediction: np.ndarray, target: np.ndarray) -> float:
    """The mean absolute error."""
    return float(np.mean(np.abs(prediction - target)))


def r2(prediction: np.ndarray, target: np.ndarray) -> float:
    """The share of the variance explained; 0 for always saying the mean."""
    spread = float(np.sum((target - target.mean(0)) ** 2))
    return 1.0 - float(np.sum((prediction - target) ** 2)) / spread if spread else 0.0


METRICS: dict[str, Callable] = {"accuracy": accuracy, "mae": mae, "r2": r2}


def metric_named(metric: Any, loss: Callable) -> tuple[str, Callable]:
    """A metric's name and function, from either; a threshold goes by what the loss compares."""
    if callable(metric):
        return getattr(metric, "__name__", type(metric).__name__), metric
    if not isinstance(metric, str) or metric not in METRICS:
        raise UsageError(
            f"metric: {metric!r} is not known; use one of {', '.join(METRICS)}, or a function "
            f"(prediction, target) → number"
        )
    if metric == "accuracy" and loss in OF_SHARES:
        return metric, partial(accuracy, threshold=0.5)
    return metric, METRICS[metric]
