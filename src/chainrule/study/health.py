"""How the gradients of a network fare, layer by layer, and what that is called."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..nn import Module, Sequential
from ..nn.activations import ReLU, Sigmoid, Tanh
from ..ops import sigmoid, tanh

# Below this share of the largest local gradient a unit counts as saturated, and it counts as
# flat for an example then; for relu, 0 is the only flat value.
FLAT = 0.05

SLOPES = {  # the local gradient over its largest value, from the weighted sum
    Sigmoid: lambda z: 4.0 * sigmoid(z) * (1.0 - sigmoid(z)),
    Tanh: lambda z: 1.0 - tanh(z) ** 2,
}
GATES = (ReLU,)


def by_layer(named: dict[str, Any]) -> dict[str, list]:
    """Values under parameter names, gathered by layer: `0.weight` and `0.bias` under `0`."""
    found: dict[str, list] = {}
    for name, value in named.items():
        found.setdefault(name.rpartition(".")[0] or name, []).append(value)
    return found


def norms(gradients: dict[str, np.ndarray]) -> dict[str, float]:
    """The Euclidean norm of each layer's gradient."""
    return {
        layer: float(np.sqrt(sum(float(np.vdot(g, g)) for g in parts)))
        for layer, parts in by_layer(gradients).items()
    }


def units(model: Module, x: np.ndarray) -> dict[str, dict[str, float]]:
    """For each activation of a Sequential, the share of dead and of saturated units on `x`.

    The figures stand under the name of the layer whose units they are: the one with
    parameters before the activation.
    """
    found: dict[str, dict[str, float]] = {}
    if isinstance(model, Sequential):
        with np.errstate(all="ignore"):
            _walk(model, x, "", "", found)
    return found


def _walk(model: Sequential, x: Any, prefix: str, owner: str, found: dict) -> tuple[Any, str]:
    for k, one in enumerate(model.layers):
        if isinstance(one, Sequential):
            x, owner = _walk(one, x, f"{prefix}{k}.", owner, found)
            continue
        if isinstance(one, GATES):
            on = np.asarray(x) > 0
            found[owner] = {"dead": float(np.mean(~on.any(axis=0)))}
        elif type(one) in SLOPES:
            slope = np.asarray(SLOPES[type(one)](_array(x)))
            found[owner] = {"saturated": float(np.mean(slope < FLAT))}
        elif isinstance(one, Module) and one.named_parameters():
            owner = f"{prefix}{k}"
        x = one(x)
    return x, owner


def _array(x: Any) -> np.ndarray:
    return x._value if isinstance(x, Tensor) else np.asarray(x)


def verdict(layer: dict[str, Any], typical: float) -> str:
    """One word for a layer: healthy, vanishing, exploding, dead, saturated or not finite.

    `layer` has the figures of an epoch's `health`; `typical` is the median of the layers'
    norms. A gradient 10⁴ times below or above it is called vanishing or exploding.
    """
    norm = layer["norm"]
    if not np.isfinite(norm):
        return "not finite"
    if (layer.get("dead") or 0.0) > 0.5:
        return "dead"
    if (layer.get("saturated") or 0.0) > 0.5:
        return "saturated"
    if norm == 0.0 or norm < 1e-4 * typical or norm < 1e-9:
        return "vanishing"
    if norm > 1e4 * typical or norm > 1e4:
        return "exploding"
    return "healthy"
