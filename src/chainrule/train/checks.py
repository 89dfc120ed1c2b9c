"""Targets that do not match the loss or each other, refused before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from os import PathLike
from typing import Any

import numpy as np

from ..graph.errors import DataError, UsageError
from ..graph.spelling import counted, did_you_mean, listed
from ..nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
)
from .batches import Examples
from .metrics.measures import METRICS

OF_NUMBERS = frozenset(("mae", "mse", "rmse", "r2"))
OF_CLASSES = frozenset(METRICS) - OF_NUMBERS

SHOWN = 3  # rows and classes that are named


def check_targets(name: str, data: Any, loss: Callable, outputs: tuple[int, ...]) -> None:
    """Refuse targets that the loss has no meaning for, with the first rows.

    `outputs` is the shape of the model's answer to one example; `name` says whose targets they are.
    Raises: DataError.
    """
    if not isinstance(data, Examples) or not len(data):
        return
    loss = loss.func if isinstance(loss, partial) else loss
    if loss is cross_entropy:
        t = data.targets()
        if t.dtype.kind in "iu":
            _labels(name, t, outputs[-1])
        elif t.dtype.kind == "f":
            _shares(name, t)
    if loss in (binary_cross_entropy, binary_cross_entropy_with_logits):
        t = data.targets()
        bad = (t < 0) | (t > 1)
        if bad.any():
            raise DataError(
                f"fit: {name} must lie between 0 and 1 for {loss.__name__}; {_found(t, bad)}; "
                "make the classes 0 and 1, or take loss='cross_entropy' with an output for each"
            )


def _labels(name: str, t: np.ndarray, classes: int) -> None:
    bad = (t < 0) | (t >= classes)
    if bad.any():
        low, high = int(t.min()), int(t.max())
        advice = (
            f"count the classes from 0: {name} - 1" if low == 1 and high == classes
            else f"give the model {high + 1} outputs" if low >= 0 else "count the classes from 0"
        )  # fmt: skip
        raise DataError(
            f"fit: {name} has labels from {low} to {high}, but the logits have {classes} classes, "
            f"0 to {classes - 1}; {_found(t, bad)}; {advice}"
        )


def _shares(name: str, t: np.ndarray) -> None:
    bad = t < 0
    if bad.any():
        raise DataError(f"fit: {name} holds shares below 0; {_found(t, bad)}; give shares of 1")


def _found(t: np.ndarray, bad: np.ndarray) -> str:
    """The first of the targets that are wrong."""
    places = np.argwhere(bad)
    return listed([f"{t[tuple(p)]:.6g} in row {p[0]}" for p in places], SHOWN)


def check_classes(data: Any, held_out: Any, loss: Callable) -> None:
    """Refuse classes that are judged but never trained.

    Raises: DataError, with the classes and how many examples they have.
    """
    if loss is not cross_entropy or not isinstance(data, Examples):
        return
    if not isinstance(held_out, Examples):
        return
    known, judged = data.targets(), held_out.targets()
    if known.dtype.kind not in "iu" or judged.dtype.kind not in "iu":
        return
    missing, counts = np.unique(judged[~np.isin(judged, known)], return_counts=True)
    if len(missing):
        pairs = list(zip(missing.tolist(), counts.tolist(), strict=True))
        told = listed([f"{c} ({counted(n, 'example')})" for c, n in pairs], SHOWN)
        some = "class" if len(pairs) == 1 else "classes"
        raise DataError(
            f"fit: {some} {told} of validation {'is' if len(pairs) == 1 else 'are'} not "
            "among the examples to train on; divide the data so that each class is on both sides "
            "(validation=(X, y)), or leave it out"
        )


def refuse_unknown(call: str, unknown: Iterable[str], known: Iterable[str]) -> None:
    """Refuse options that a call does not have, with the nearest one that it has.

    Raises: UsageError.

    >>> refuse_unknown("fit", ["epoch"], ["epochs", "seed"])
    Traceback (most recent call last):
    chainrule.graph.errors.UsageError: fit: there is no option 'epoch'; did you mean epochs?...
    """
    known = [k for k in known if k not in ("self", "unknown")]
    for name in unknown:
        advice = did_you_mean(name, known, f"there are {', '.join(known)}")
        raise UsageError(f"{call}: there is no option {name!r}; {advice}")


def refuse_folder(checkpoint: Any) -> None:
    """Refuse the name of a folder, or anything else that cannot keep a training."""
    if checkpoint is None or hasattr(checkpoint, "begin"):
        return
    folder = repr(str(checkpoint)) if isinstance(checkpoint, (str, PathLike)) else "folder"
    raise UsageError(f"fit: checkpoint={checkpoint!r}; write checkpoint=Checkpoints({folder})")


def check_metrics(metrics: Sequence[tuple[str, Any]], loss: Callable, data: Any) -> None:
    """Refuse figures that say nothing of these targets: shares of right answers where the targets
    are quantities, and distances where they are the numbers of classes.
    """
    asked = {name for name, m in metrics if getattr(m, "func", m) is METRICS.get(name)}
    if not asked or not isinstance(data, Examples):
        return
    whole = data.source.in_memory
    t = data.targets() if whole else data.source.take(np.arange(min(len(data), 1024)))[1]
    odd = t.dtype.kind == "f" and np.any((t != np.rint(t)) & (np.abs(t - 0.5) > 0.5))
    if odd and asked & OF_CLASSES:
        raise UsageError(
            f"fit: {sorted(asked & OF_CLASSES)[0]} is of classes, and the targets are quantities; "
            "take mae, rmse or r2"
        )
    if t.dtype.kind in "iu" and asked & OF_NUMBERS and loss is cross_entropy:
        raise UsageError(
            f"fit: {sorted(asked & OF_NUMBERS)[0]} is of quantities, and the targets are the "
            "numbers of classes; take accuracy, f1 or roc_auc"
        )
