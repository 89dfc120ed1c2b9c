"""The perceptron: learning before there were gradients, to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..graph.errors import DataError, ShapeError, UsageError
from .module import Module, generator, layer, parameter, static


@layer
class Perceptron(Module):
    """One unit that answers 1 where w·x + b > 0, otherwise 0, and learns by adding inputs.

    Where it should have said 1, a scaled copy of the input is added to the weight vector;
    where it should have said 0, it is subtracted; where it was right, nothing happens.
    Shapes: x (in_features,) or (N, in_features) → () or (N,), 0 or 1.
    Source: Rosenblatt 1958.

    >>> import chainrule as cr
    >>> model = cr.nn.Perceptron(2)
    >>> after = model.step(np.array([1.0, 2.0]), 1)
    >>> after.weight.value
    array([1., 2.])
    """

    weight: Tensor
    bias: Tensor
    lr: float = static()

    def __init__(self, in_features: int, *, lr: float = 1.0, std: float = 0.0, seed: Any = 0):
        if not isinstance(in_features, (int, np.integer)) or in_features < 1:
            raise UsageError(f"Perceptron({in_features!r}): give a whole number, 1 or more")
        drawn = generator(seed).normal(0.0, 1.0, in_features) * std
        self._settle(weight=parameter(drawn, np.float64), bias=parameter(0.0, np.float64), lr=lr)

    def __call__(self, x: Any) -> np.ndarray:
        return (self.score(x) > 0).astype(np.int64)

    def score(self, x: Any) -> np.ndarray:
        """w·x + b: how far the input lies on the side of 1."""
        x = _numbers(x)
        if x.shape[-1:] != self.weight.shape:
            raise ShapeError(f"Perceptron: x of {x.shape} for {self.weight.shape[0]} inputs")
        return x @ self.weight.value + self.bias.value

    def step(self, x: Any, target: int) -> Perceptron:
        """The perceptron after one example; the same one, if it was right."""
        if target not in (0, 1):
            raise UsageError(f"Perceptron.step: target={target!r}; give 0 or 1")
        x = _numbers(x)
        if x.ndim != 1:
            raise ShapeError(f"Perceptron.step: x of {x.shape}; give one example, a vector")
        error = int(target) - int(self(x))
        if error == 0:
            return self
        change = error * self.lr
        return self.replace(
            weight=parameter(self.weight.value + change * x, np.float64),
            bias=parameter(self.bias.value + change, np.float64),
        )

    def learn(self, x: Any, targets: Any, *, epochs: int = 100) -> tuple[Perceptron, list[int]]:
        """The perceptron after passes over the data, until one has no mistake; mistakes a pass."""
        x, targets = _numbers(x), _numbers(targets)
        if targets.shape != x.shape[:1] or x.ndim != 2:
            raise ShapeError(
                f"Perceptron.learn: x of {x.shape} and targets {targets.shape}; give a row and a "
                "target for each example"
            )
        if set(np.unique(targets)) - {0, 1}:
            raise DataError(f"Perceptron: targets are {np.unique(targets)[:5]}; use 0 and 1")
        model, mistakes = self, []
        for _ in range(epochs):
            wrong = 0
            for row, target in zip(x, targets, strict=True):
                after = model.step(row, target)
                wrong += after is not model
                model = after
            mistakes.append(wrong)
            if wrong == 0:
                break
        return model, mistakes


def _numbers(x: Any) -> np.ndarray:
    try:
        return np.asarray(x, np.float64)
    except (TypeError, ValueError):
        raise DataError(f"Perceptron: {x!r} is no array of numbers") from None
