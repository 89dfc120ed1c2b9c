"""What is minimised: scikit-learn's losses, any other, and the penalty on weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial, wraps
from typing import Any

import numpy as np

from ..nn import losses
from ..ops import exp, log, mean, sigmoid, softplus, square, where
from ..ops import sum as total
from ..ops.shares import softmax
from ..train.metrics import OF_SHARES
from ..train.weighting import takes_weights
from .network import linears


def _each(of_example: Callable) -> Callable:
    """A loss of every example as one that can be asked for their mean, too."""

    def loss(prediction: Any, target: Any, *, reduction: str = "mean") -> Any:
        each = of_example(prediction, target)
        return each if reduction == "none" else mean(each)

    loss.__name__, loss.__doc__ = of_example.__name__, of_example.__doc__
    loss.by_example = True  # the Trainer may fill up a batch with examples of weight 0
    return loss


@_each
def log_loss(scores: Any, target: Any) -> Any:
    """-ln of the probability of what is; with several labels an example, their sum."""
    return total(softplus(scores) - target * scores, axis=-1)


@_each
def squared_error(prediction: Any, target: Any) -> Any:
    """Half of the squared difference, summed over the outputs."""
    return 0.5 * total(square(prediction - target), axis=-1)


@_each
def poisson(scores: Any, target: Any) -> Any:
    """Half of the Poisson deviance of eˢ: t ln(t/eˢ) - t + eˢ, summed over the outputs."""
    known = where(target > 0, target * log(where(target > 0, target, 1.0)), 0.0)
    return total(known - target * scores - target + exp(scores), axis=-1)


def classifier_loss(given: Any, several: bool) -> Callable:
    """The loss of a classifier; `several` says whether one of several classes is right.

    What compares with 0 and 1 is handed probabilities, everything else the scores before them.
    """
    if given == "log_loss":
        return losses.cross_entropy if several else log_loss
    made = losses.loss_named(given)
    return _of_shares(made, several) if made in OF_SHARES else made


@lru_cache(64)
def _of_shares(loss: Callable, several: bool) -> Callable:
    shares = partial(softmax, axis=-1) if several else sigmoid

    def of_scores(scores: Any, target: Any) -> Any:
        return _by_example(loss(shares(scores), target, reduction="none"))

    return _each(of_scores)


def regressor_loss(given: Any) -> Callable:
    """The loss of a regressor."""
    ours = {"squared_error": squared_error, "poisson": poisson}
    return ours[given] if isinstance(given, str) and given in ours else losses.loss_named(given)


def by_example(loss: Callable, predicted: Callable[[], Any], target: Any) -> Callable:
    """A user's loss as one that can be weighted, if it says the loss of every example.

    It is tried on some: what gives one number for all of them stays as it is.
    """
    if takes_weights(loss) or np.shape(loss(predicted(), target)) == ():
        return loss
    return _of_elements(loss)


@lru_cache(64)
def _of_elements(loss: Callable) -> Callable:
    return _each(wraps(loss)(lambda prediction, target: _by_example(loss(prediction, target))))


def _by_example(each: Any) -> Any:
    axes = tuple(range(1, len(np.shape(each))))
    return mean(each, axis=axes) if axes else each


def squares(model: Any, count: Any, alpha: Any) -> Any:
    """½·alpha·ΣW²/count over the weights of the Linear layers, without their biases."""
    found = [total(square(one.weight)) for one in linears(model)]
    return 0.5 * alpha * sum(found[1:], found[0]) / where(count == 0, 1, count)
