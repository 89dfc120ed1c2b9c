"""Losses: how wrong a prediction is, as one number. Nothing is broadcast in a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..graph.errors import DTypeError, ShapeError, UsageError
from ..graph.node import Node
from ..graph.operators import Operators
from ..graph.spelling import did_you_mean
from ..ops import (
    abs,
    log,
    logsumexp,
    maximum,
    mean,
    minimum,
    one_hot,
    softplus,
    square,
    subtract,
    sum,
)

__all__ = [
    "LOSSES", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "huber",
    "l1", "loss_named", "mse",
]  # fmt: skip


def mse(prediction: Any, target: Any, *, half: bool = False, reduction: str = "mean") -> Any:
    """The mean of (prediction - target)²; with `half`, half of it, as textbooks have it.

    Shapes: prediction (…), target the same → (). `reduction` is "mean", "sum" or "none".
    Units: those of the target, squared.
    Raises: ShapeError where the shapes differ.
    Source: Legendre 1805; the ½ makes the gradient (prediction - target).

    >>> import chainrule as cr
    >>> float(cr.nn.losses.mse(np.array([1.0, 3.0]), np.array([0.0, 0.0])))
    5.0
    """
    prediction, target = _pair("mse", prediction, target)
    squares = square(subtract(prediction, target))
    return _reduced("mse", 0.5 * squares if half else squares, reduction)


def l1(prediction: Any, target: Any, *, reduction: str = "mean") -> Any:
    """The mean of |prediction - target|; at equality the gradient is 0.

    Shapes: prediction (…), target the same → ().
    Units: those of the target.
    Raises: ShapeError where the shapes differ.
    Source: Laplace 1774.
    """
    prediction, target = _pair("l1", prediction, target)
    return _reduced("l1", abs(subtract(prediction, target)), reduction)


def huber(prediction: Any, target: Any, *, delta: float = 1.0, reduction: str = "mean") -> Any:
    """½d² for a difference |d| up to `delta`, delta·(|d| - ½delta) beyond it.

    Shapes: prediction (…), target the same → ().
    Raises: ShapeError where the shapes differ, UsageError for a delta that is not positive.
    Source: Huber 1964.
    """
    if not delta > 0:
        raise UsageError(f"huber: delta={delta}; it must be positive")
    prediction, target = _pair("huber", prediction, target)
    apart = abs(subtract(prediction, target))
    inside = minimum(apart, delta)
    return _reduced("huber", inside * (apart - 0.5 * inside), reduction)


def cross_entropy(logits: Any, target: Any, *, reduction: str = "mean") -> Any:
    """-ln of the share softmax gives to the right class; its gradient is softmax(z) - t.

    Shapes: logits (…, classes); target either labels (…), integers, or shares (…, classes).
    Units: nats.
    Raises: ShapeError, DTypeError (labels that are not integers), UsageError (a label out of
    range).
    Source: Bridle 1990; computed as ln Σeᶻ - z, without overflow.

    >>> import chainrule as cr
    >>> float(cr.nn.losses.cross_entropy(np.array([[0.0, 0.0]]), np.array([1])))
    0.6931471805599453
    """
    logits = _operand("cross_entropy", logits, np.float64)
    target = _operand("cross_entropy", target)
    shares = _shares(logits, target)
    total = logsumexp(logits, -1)
    if shares is target:  # labels' shares add up to 1, the user's may not
        total = total * sum(shares, -1)
    return _reduced("cross_entropy", total - sum(shares * logits, -1), reduction)


def binary_cross_entropy(probability: Any, target: Any, *, reduction: str = "mean") -> Any:
    """-(t ln y + (1 - t) ln(1 - y)), for a probability y; take the logits' twin if you have them.

    Shapes: probability (…) in [0, 1], target the same, 0 or 1 or between → ().
    Units: nats; each logarithm is held above -100 (-87 in float32), so that a wrong certainty
    costs much but stays finite; there the gradient is 0.
    Raises: ShapeError where the shapes differ, UsageError for numbers that are no probabilities.
    Source: as torch.nn.BCELoss.

    >>> import chainrule as cr
    >>> round(float(cr.nn.losses.binary_cross_entropy(np.array([0.55]), np.array([1.0]))), 4)
    0.5978
    """
    probability, target = _pair("binary_cross_entropy", probability, target)
    _probable(probability)
    lowest = float(np.exp(-100.0)) if np.dtype(probability.dtype).itemsize > 4 else 1e-38
    right = log(maximum(probability, lowest))
    wrong = log(maximum(1.0 - probability, lowest))
    losses = -(target * right + (1.0 - target) * wrong)
    return _reduced("binary_cross_entropy", losses, reduction)


def binary_cross_entropy_with_logits(logits: Any, target: Any, *, reduction: str = "mean") -> Any:
    """The binary cross-entropy of σ(z), from z itself; its gradient is σ(z) - t.

    Shapes: logits (…), target the same → ().
    Units: nats.
    Raises: ShapeError where the shapes differ.
    Source: ln(1 + eᶻ) - t z, without overflow.
    """
    name = "binary_cross_entropy_with_logits"
    logits, target = _pair(name, logits, target)
    return _reduced(name, softplus(logits) - target * logits, reduction)


LOSSES: dict[str, Callable[..., Any]] = {
    "mse": mse,
    "l1": l1,
    "huber": huber,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
}


def loss_named(name: Any) -> Callable[..., Any]:
    """The loss of this name, or the function itself."""
    if callable(name):
        return name
    if not isinstance(name, str) or name not in LOSSES:
        there = f"use one of {', '.join(LOSSES)}, or a function (prediction, target) → number"
        raise UsageError(f"loss: {name!r} is not known; {did_you_mean(name, LOSSES, there)}")
    return LOSSES[name]


def _operand(name: str, x: Any, dtype: Any = None) -> Any:
    """Tensors and nodes as they are, arrays too; numbers and lists as arrays of `dtype`."""
    if isinstance(x, Operators) or (type(x) is np.ndarray and x.dtype.kind in "biuf"):
        return x
    try:
        made = np.asarray(x)
    except ValueError:
        raise ShapeError(f"{name}: the rows have different lengths") from None
    if made.dtype.kind not in "biuf":
        raise DTypeError(f"{name}: of {made.dtype} {made.shape}; give real numbers")
    return made if hasattr(x, "dtype") or dtype is None else made.astype(dtype)


def _pair(name: str, prediction: Any, target: Any) -> tuple[Any, Any]:
    """The two as arrays, tensors or nodes of one shape, or the error that says what to write."""
    prediction = _operand(name, prediction, np.float64)
    floats = prediction.dtype.kind == "f"
    target = _operand(name, target, prediction.dtype if floats else np.float64)
    if tuple(target.shape) == tuple(prediction.shape):
        return prediction, target
    advice = "the two must be the same: nothing is broadcast in a loss"
    if prediction.shape == (*target.shape, 1):
        advice = "write prediction[:, 0], or target[:, None]: broadcasting would compare all pairs"
    if target.shape == (*prediction.shape, 1):
        advice = "write target[:, 0], or prediction[:, None]: broadcasting would compare all pairs"
    raise ShapeError(
        f"{name}: the prediction is {tuple(prediction.shape)}, the target {tuple(target.shape)};\n"
        f"  {advice}"
    )


def _probable(y: Any) -> None:
    numbers = numbers_of(y)
    if numbers is not None and numbers.size and (numbers.min() < 0 or numbers.max() > 1):
        raise UsageError(
            f"binary_cross_entropy: from {numbers.min():.6g} to {numbers.max():.6g}, but "
            "probabilities lie in [0, 1]; for the numbers before the sigmoid take "
            f"binary_cross_entropy_with_logits"
        )


def numbers_of(x: Any) -> np.ndarray | None:
    """The numbers of an array or a tensor; a node has none yet."""
    return None if type(x) is Node else x._value if type(x) is Tensor else x


def _shares(logits: Any, target: Any) -> Any:
    if not logits.shape:
        raise ShapeError(
            "cross_entropy: the logits are one number; their last axis must be the classes"
        )
    if target.shape == logits.shape:
        if target.dtype.kind == "f":
            return target
        raise DTypeError(
            f"cross_entropy: the shares are {target.dtype} {tuple(target.shape)}; write "
            f"target.astype(float), or give one label for each row"
        )
    if target.shape != logits.shape[:-1]:
        raise ShapeError(
            f"cross_entropy: the logits are {tuple(logits.shape)}, the target "
            f"{tuple(target.shape)};\n  give one integer label for each row, "
            f"or shares of the logits' shape"
        )
    if target.dtype.kind not in "iu":
        raise DTypeError(f"cross_entropy: the labels are {target.dtype}; write target.astype(int)")
    labels = numbers_of(target)
    classes = logits.shape[-1]
    if labels is not None and labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise UsageError(
            f"cross_entropy: labels from {labels.min()} to {labels.max()}, but the logits have "
            f"{classes} classes, 0 to {classes - 1}"
        )
    return one_hot(target, classes, dtype=logits.dtype)


def _reduced(name: str, losses: Any, reduction: str) -> Any:
    if reduction == "mean":
        return mean(losses)
    if reduction == "sum":
        return sum(losses)
    if reduction == "none":
        return losses
    raise UsageError(f"{name}: reduction={reduction!r}; use 'mean', 'sum' or 'none'")
