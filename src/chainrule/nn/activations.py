"""The activations as layers, made from one table."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from .. import ops
from ..graph.errors import ShapeError, UsageError
from ..ops import elementwise
from ..ops.shares import softmax
from .module import Module, layer, static


class Activation(Module):
    """A function applied to every element; it has no parameters."""

    function: Callable[[Any], Any]

    def __call__(self, x: Any) -> Any:
        return type(self).function(x)


def _activation(name: str, function: Callable[[Any], Any], words: str) -> type:
    body = {
        "__doc__": f"{words}\n\n    Shapes: x (…) → the same.",
        "__module__": __name__,
        "__qualname__": name,
        "function": staticmethod(function),
    }
    return layer(type(name, (Activation,), body))


def _number(layer_name: str, name: str, value: Any) -> float:
    if not isinstance(value, (int, float, np.number)):
        raise UsageError(f"{layer_name}({name}={value!r}): give a number")
    return float(value)


ReLU = _activation("ReLU", elementwise.relu, "max(0, x): a gate that is open above 0.")
Sigmoid = _activation("Sigmoid", elementwise.sigmoid, "1/(1 + e⁻ˣ), between 0 and 1.")
Tanh = _activation("Tanh", elementwise.tanh, "The hyperbolic tangent, between -1 and 1.")
Softplus = _activation("Softplus", elementwise.softplus, "ln(1 + eˣ), a smooth ReLU.")
SELU = _activation("SELU", elementwise.selu, "The self-normalising ELU.")
GELU = _activation("GELU", elementwise.gelu, "x·Φ(x), with the normal distribution's Φ.")
SiLU = _activation("SiLU", elementwise.silu, "x·σ(x), also called swish.")
Softmax = _activation("Softmax", softmax, "Positive shares that add up to 1, on the last axis.")
Identity = _activation("Identity", lambda x: x, "The value itself.")


@layer
class LeakyReLU(Module):
    """x above 0, `slope`·x below: a ReLU that cannot die.

    Shapes: x (…) → the same.
    """

    slope: float = static(default=0.01)

    def __init__(self, slope: float = 0.01):
        self.slope = _number("LeakyReLU", "slope", slope)

    def __call__(self, x: Any) -> Any:
        return ops.leaky_relu(x, self.slope)


@layer
class ELU(Module):
    """x above 0, `alpha`·(eˣ - 1) below.

    Shapes: x (…) → the same.
    """

    alpha: float = static(default=1.0)

    def __init__(self, alpha: float = 1.0):
        self.alpha = _number("ELU", "alpha", alpha)

    def __call__(self, x: Any) -> Any:
        return ops.elu(x, self.alpha)


# by the names that texts and settings have for them; Softmax mixes elements, so it is not here
ACTIVATIONS: dict[str, Callable[..., Module]] = {
    "relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid, "gelu": GELU, "silu": SiLU, "elu": ELU,
    "selu": SELU, "softplus": Softplus, "leaky_relu": LeakyReLU,
}  # fmt: skip


@layer
class Flatten(Module):
    """All axes but the first as one.

    Shapes: x (N, …) → (N, product of the rest).
    """

    def __call__(self, x: Any) -> Any:
        x = x if hasattr(x, "shape") else np.asarray(x)
        if not x.shape:
            raise ShapeError("Flatten: of one number; its first axis must be the examples")
        return ops.reshape(x, (x.shape[0], prod(x.shape[1:])))
