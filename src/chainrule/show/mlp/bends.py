"""What a layer does to its weighted sums: activations, their signs and their slopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...eager.namespace import tensor
from ...eager.tensor import Tensor
from ...graph.walk import order
from ...nn import ELU, LeakyReLU, Module
from ...nn.activations import Activation
from ...nn.sequential import Function
from ...ops import Elementwise
from ..svg import clip

SIGNS = {"sigmoid": "σ", "relu": "ReLU", "leakyrelu": "LeakyReLU", "leaky_relu": "LeakyReLU"}
SLOPES = {  # what is said of the derivative of an activation
    "σ": "σ′ = H(1 − H), never more than ¼",
    "tanh": "tanh′ = 1 − H², never more than 1",
    "ReLU": "ReLU′ is 1 where Z > 0, else 0",
}


@dataclass(frozen=True, eq=False)
class Bend:
    """What a layer does to its weighted sums: an activation, or nothing."""

    sign: str  # σ, tanh, ReLU; empty where nothing is done
    function: Callable[[Any], Any]

    def slopes(self, z: np.ndarray) -> np.ndarray | None:
        """σ′(z), number by number; None where an output depends on several inputs."""
        given = tensor(z)
        with np.errstate(all="ignore"):
            made = self.function(given)
            if made is given:
                return np.ones_like(z)
            if not _by_element(made, given):
                return None
            made.backward(np.ones(z.shape, z.dtype))
        return np.zeros_like(z) if given.grad is None else given.grad


IDENTITY = Bend("", lambda z: z)


def after(outer: Callable, inner: Callable) -> Callable[[Any], Any]:
    """One function after the other."""
    return lambda z: outer(inner(z))


def bend_of(one: Any) -> Bend | None:
    """The activation that a layer or a function is; None where it is none."""
    if isinstance(one, (Activation, LeakyReLU, ELU)):
        name = type(one).__name__
    elif isinstance(one, Function):
        name = str(getattr(one.function, "__name__", None) or getattr(one.function, "name", "f"))
    elif not isinstance(one, Module) and callable(one):
        name = str(getattr(one, "__name__", None) or getattr(one, "name", "f"))
    else:
        return None
    name = {"<lambda>": "f"}.get(name, clip(name, 14))
    short = name.lower() if name in ("Tanh", "Softmax", "Softplus") else name
    return Bend(SIGNS.get(name.lower(), short), one)


def _by_element(made: Any, given: Tensor) -> bool:
    """Whether every output was made of the input at its own place alone."""
    if type(made) is not Tensor or made.shape != given.shape:
        return False
    met = {given}
    for node in order((made,)):
        if node is not given and any(i in met for i in node.inputs):
            if not isinstance(node.op, Elementwise):
                return False
            met.add(node)
    return True
