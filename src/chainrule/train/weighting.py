"""Weights of examples: a weighted loss, and class weights as weights of examples."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any

import numpy as np

from ..graph.errors import DataError, ShapeError, UsageError
from ..ops import mean, sum, where


def takes_weights(loss: Callable) -> bool:
    """Whether a loss can be asked for one number an example."""
    try:
        return _takes_weights(loss)
    except TypeError:  # a callable without a hash
        return _takes_weights.__wrapped__(loss)


@lru_cache(64)
def _takes_weights(loss: Callable) -> bool:
    try:
        known = signature(loss).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == "reduction" or p.kind is Parameter.VAR_KEYWORD for p in known)


def weighted(loss: Callable, prediction: Any, target: Any, weight: Any) -> Any:
    """Σ w·l / Σ w over the examples, with l an example's own mean loss; 0 where all weights are 0.

    Shapes: weight (N,), prediction and target as the loss wants them → ().

    >>> from chainrule.nn.losses import l1
    >>> x, t = np.array([[1.0], [2.0]]), np.zeros((2, 1))
    >>> float(weighted(l1, x, t, np.array([3.0, 1.0])))
    1.25
    """
    each = loss(prediction, target, reduction="none")
    if len(each.shape) > 1:
        each = mean(each, axis=tuple(range(1, len(each.shape))))
    if tuple(each.shape) != tuple(weight.shape):
        raise ShapeError(
            f"fit: with reduction='none' the loss is {tuple(each.shape)} for "
            f"{tuple(weight.shape)} weights; it must be one number for each example, or more"
        )
    total = sum(weight)
    return sum(each * weight) / where(total == 0, 1, total)


def checked(name: str, weight: Any, count: int, dtype: Any) -> np.ndarray:
    """Weights of examples as an array (count,) of the model's dtype.

    Raises: DataError for weights that are negative, not finite, all 0, or of another number.
    """
    try:
        given = np.asarray(weight, np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"fit: {name} is {type(weight).__name__}; give a number an example"
        ) from None
    if given.shape != (count,):
        raise DataError(f"fit: {name} has shape {given.shape}; give {count}, one an example")
    bad = np.flatnonzero(~(np.isfinite(given) & (given >= 0)))
    if len(bad):
        raise DataError(
            f"fit: {name}[{bad[0]}] is {given[bad[0]]}; weights are finite and 0 or more"
        )
    if count and not given.any():
        raise DataError(f"fit: all of {name} are 0, so there is nothing to train on")
    return given.astype(dtype)


def of_classes(class_weight: Any, labels: np.ndarray) -> np.ndarray:
    """The weight of every example by its class: a dict, a sequence, or "balanced".

    "balanced" is n / (classes · count of the class), so that all classes weigh the same.
    Raises: UsageError for another word, or a class that has no weight.

    >>> of_classes("balanced", np.array([0, 0, 0, 1])).tolist()
    [0.6666666666666666, 0.6666666666666666, 0.6666666666666666, 2.0]
    """
    classes, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise UsageError(
                f"fit: class_weight={class_weight!r}; there is 'balanced', or give a dict from "
                "class to weight"
            )
        return (len(labels) / (len(classes) * counts))[places.ravel()]
    table = class_weight if isinstance(class_weight, dict) else dict(enumerate(class_weight))
    missing = [c for c in classes.tolist() if c not in table]
    if missing:
        raise UsageError(
            f"fit: class_weight has no weight for class {missing[0]}; it has "
            f"{', '.join(map(str, table)) or 'none'}"
        )
    return np.array([float(table[c]) for c in classes.tolist()])[places.ravel()]
