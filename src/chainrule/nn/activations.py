"""The activations as layers, made from one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from ..ops import elementwise
from ..ops.composite import softmax
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

    def __call__(self, x: Any) -> Any:
        return ops.leaky_relu(x, self.slope)


@layer
class ELU(Module):
    """x above 0, `alpha`·(eˣ - 1) below.

    Shapes: x (…) → the same.
    """

    alpha: float = static(default=1.0)

    def __call__(self, x: Any) -> Any:
        return ops.elu(x, self.alpha)


@layer
class Flatten(Module):
    """All axes but the first as one.

    Shapes: x (N, …) → (N, product of the rest).
    """

    def __call__(self, x: Any) -> Any:
        return ops.reshape(x, (x.shape[0], -1))
