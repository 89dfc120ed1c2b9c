"""Judging a model: predictions in batches, in evaluation mode, then the loss and the metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...graph.errors import UsageError
from ...graph.spelling import told_type
from ..batches import Examples, parts_of
from ..data.sources import Stream
from ..refusals import asked
from ..weighting import weighted

BATCH = 1024  # examples whose activations are held at once


def predictions(model: Any, data: Any, size: int = BATCH) -> tuple[np.ndarray, np.ndarray]:
    """What the model answers for all examples, and their targets.

    Shapes: (n, …) each; only a batch's activations are ever held.
    """
    batches = data if isinstance(data, Stream) else (
        data.source.take(rows) for rows in parts_of(len(data), size)
    )  # fmt: skip
    if not isinstance(data, Stream) and data.source.in_memory and len(data) <= size:
        batches = ((data.source.x, data.source.t),)
    made, targets = [], []
    with np.errstate(all="ignore"):
        for x, t in batches:
            made.append(np.asarray(asked(model, x)))
            targets.append(t)
    if len(made) == 1:
        return made[0], targets[0]
    return np.concatenate(made), np.concatenate(targets)


def judged(
    loss: Callable, metrics: Sequence[tuple[str, Callable]], data: Any, made: np.ndarray,
    t: np.ndarray,
) -> dict[str, Any]:  # fmt: skip
    """The loss and every metric of these predictions."""
    weight = data.weight if isinstance(data, Examples) else None
    with np.errstate(all="ignore"):
        judge = loss if weight is None else lambda y, t: weighted(loss, y, t, weight)
        cost = asked(judge, made, t)
    return {"loss": float(cost)} | measured(metrics, made, t, data)


def measured(metrics: Any, made: np.ndarray, t: np.ndarray, data: Any) -> dict[str, Any]:
    """The metrics of these predictions."""
    counted = data.counted if isinstance(data, Examples) else None
    found: dict[str, Any] = {}
    with np.errstate(all="ignore"):
        for name, metric in metrics:
            value = metric(made, t) if counted is None else metric(made, t, weight=counted)
            found[name] = _figure(name, value)
    return found


def _figure(name: str, value: Any) -> Any:
    """A number, or the lists of a table."""
    if isinstance(value, np.ndarray) and value.ndim:
        return value.tolist()
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(
            f"metric {name} gave {told_type(value)}; it must give one number, or an array"
        ) from None
