"""What training minimises: the loss of a batch, as a pure function of the parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..graph.errors import UsageError
from ..nn.losses import LOSSES
from ..nn.mode import apply, named_layers
from ..nn.sequential import Function
from ..ops.family import Elementwise
from ..transform.trees import tree_unflatten
from .weighting import weighted


@dataclass(frozen=True)
class Objective:
    """The loss of a batch in training, from a model's structure, a loss and a penalty.

    Two are equal where they compute the same, so that what was compiled for one serves the other.
    """

    structure: Any
    places: tuple[int, ...]  # which of the parameters stands at each leaf
    loss: Callable
    penalty: Callable | None = None

    def model(self, params: list) -> Any:
        """The model with these parameters in their places."""
        return tree_unflatten(self.structure, [params[k] for k in self.places])

    def __call__(
        self, params: list, x: Any, t: Any, w: Any = None, amount: Any = None, rng: Any = None
    ) -> tuple[Any, Any]:
        """The loss, and what the model's batch normalisations saw.

        Shapes: w (N,) weights of the examples, or None; `amount` is handed on to the penalty.
        """
        model = self.model(params)
        y, seen = apply(model, x, training=True, rng=rng)
        value = self.loss(y, t) if w is None else weighted(self.loss, y, t, w)
        if self.penalty is not None:
            total = float(x.shape[0]) if w is None else w.sum()
            more = () if amount is None else (amount,)
            value = value + self.penalty(model, total, *more)
        return value, seen


def by_example(model: Any, loss: Callable) -> bool:
    """Whether examples are known not to see each other: one more of weight 0 changes nothing.

    Layers of users' own may do anything, so only ours are known.

    >>> import chainrule as cr
    >>> mse, linear = cr.nn.losses.mse, cr.nn.Linear(2, 2)
    >>> by_example(linear, mse), by_example(cr.nn.Sequential(linear, cr.nn.BatchNorm1d(2)), mse)
    (True, False)
    """
    if isinstance(loss, partial):
        known = loss.func in LOSSES.values() and not loss.args and "reduction" not in loss.keywords
    else:
        known = loss in LOSSES.values() or getattr(loss, "by_example", False)
    return known and all(_alone(layer) for _, layer in named_layers(model))


def _alone(layer: Any) -> bool:
    if isinstance(layer, Function):
        return isinstance(layer.function, Elementwise)
    ours = type(layer).__module__.startswith("chainrule.")
    return ours and not hasattr(layer, "moved") and getattr(layer, "batch_first", True)


def penalty_of(given: Any) -> tuple[Callable | None, Any]:
    """A penalty and the number that is handed on to it, from either or both.

    Raises: UsageError for what is neither a function nor (function, number).
    """
    pair = isinstance(given, tuple) and len(given) == 2
    function, amount = given if pair else (given, None)
    if function is not None and not callable(function):
        raise UsageError(
            f"Trainer: penalty={given!r}; give a function (model, total) → number, or a function "
            "(model, total, amount) and the amount"
        )
    return function, amount
