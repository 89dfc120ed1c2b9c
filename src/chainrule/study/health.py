"""How the gradients of a network fare, layer by layer, and what that is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..eager.tensor import raw
from ..nn import Module, Sequential
from ..nn.activations import ReLU, Sigmoid, Tanh
from ..ops import sigmoid, tanh
from ..transform.probe import FLAT

FACTOR = 1e4  # a norm so many times off is called vanishing or exploding

SLOPES = {  # the local gradient over its largest value, from the weighted sum
    Sigmoid: lambda z: 4.0 * sigmoid(z) * (1.0 - sigmoid(z)),
    Tanh: lambda z: 1.0 - tanh(z) ** 2,
}
GATES = (ReLU,)
CLOSED = ("dead", "saturated")  # what may let no gradient through


def by_layer(named: dict[str, Any]) -> dict[str, list]:
    """Values under parameter names, gathered by layer: `0.weight` and `0.bias` under `0`."""
    found: dict[str, list] = {}
    for name, value in named.items():
        found.setdefault(name.rpartition(".")[0] or name, []).append(value)
    return found


def norms(gradients: dict[str, np.ndarray]) -> dict[str, float]:
    """The Euclidean norm of each layer's gradient."""
    return {layer: norm(parts) for layer, parts in by_layer(gradients).items()}


def norm(arrays: list) -> float:
    """The Euclidean norm of all elements of all arrays together."""
    return float(np.sqrt(sum(float(np.vdot(a, a)) for a in arrays)))


def units(model: Module, x: np.ndarray) -> dict[str, dict[str, float]]:
    """For each activation of a Sequential, the share of dead and of saturated units on `x`.

    The figures stand under the name of the layer whose units they are: the one with
    parameters before the activation. A layer that gets only zeros has none, and neither has a
    saturated output, which is a sure answer.
    """
    found: dict[str, dict[str, float]] = {}
    stages = list(_flat(model, ""))
    shown = [
        k for k, (_, one) in enumerate(stages) if isinstance(one, GATES) or type(one) in SLOPES
    ]
    if not shown:
        return found
    with np.errstate(all="ignore"):
        owner = _walk(stages[: shown[-1] + 1], x, found)
    answers = not any(_learns(one) for _, one in stages[shown[-1] + 1 :])
    if answers and "saturated" in found.get(owner, {}):
        del found[owner]
    found.pop("", None)
    return found


def _flat(model: Module, prefix: str) -> Iterator[tuple[str, Any]]:
    """The layers of a Sequential and of those within it, each with its name."""
    for k, one in enumerate(model.layers if isinstance(model, Sequential) else ()):
        if isinstance(one, Sequential):
            yield from _flat(one, f"{prefix}{k}.")
        else:
            yield f"{prefix}{k}", one


def _learns(one: Any) -> bool:
    return isinstance(one, Module) and bool(one.named_parameters())


def _walk(stages: list[tuple[str, Any]], x: Any, found: dict) -> str:
    """Send `x` through the stages and note the figures; the layer whose units come last."""
    owner = ""
    for name, one in stages:
        if isinstance(one, GATES):
            on = raw(x) > 0
            found[owner] = {"dead": float(np.mean(~on.any(axis=0)))}
        elif type(one) in SLOPES:
            slope = np.asarray(SLOPES[type(one)](raw(x)))
            found[owner] = {"saturated": float(np.mean(slope < FLAT))}
        elif _learns(one):
            # What gets nothing but zeros is not at fault: its figures go under no name.
            owner = name if np.any(raw(x)) else ""
        x = one(x)
    return owner


def reference(layers: dict[str, dict[str, Any]]) -> float:
    """What the norms of the layers are compared with: the last layer's, where the way back begins.

    Where that one is itself out of bounds, their median.
    """
    norms = [row["norm"] for row in layers.values()]
    if np.isfinite(norms[-1]) and 0.0 < norms[-1] <= FACTOR:
        return norms[-1]
    return float(np.median(norms))


def verdict(layer: dict[str, Any], compared: float) -> str:
    """One word for a layer: healthy, vanishing, exploding, dead, saturated or not finite.

    `layer` has the figures of an epoch's `health`; `compared` is the `reference` of all layers.
    A gradient 10⁴ times below it is called vanishing, 10⁴ times above it or above 10⁴ exploding.
    """
    norm = layer["norm"]
    if not np.isfinite(norm):
        return "not finite"
    if (layer.get("dead") or 0.0) > 0.5:
        return "dead"
    if (layer.get("saturated") or 0.0) > 0.5:
        return "saturated"
    if norm == 0.0 or norm < compared / FACTOR:
        return "vanishing"
    if norm > FACTOR * compared or norm > FACTOR:
        return "exploding"
    return "healthy"


def verdicts(layers: dict[str, dict[str, Any]]) -> dict[str, str]:
    """A word or a few for every layer, from an epoch's `health`.

    A gradient of exactly 0 is not said to vanish where a dead or saturated layer lies between it
    and the loss: the layer is cut off by that one.

    >>> rows = {"0": {"norm": 1e-9}, "2": {"norm": 0.1}, "4": {"norm": 0.3}}
    >>> verdicts(rows)
    {'0': 'vanishing', '2': 'healthy', '4': 'healthy'}
    >>> verdicts({"0": {"norm": 0.0}, "2": {"norm": 0.0, "dead": 1.0}, "4": {"norm": 0.3}})
    {'0': 'cut off by layer 2', '2': 'dead', '4': 'healthy'}
    """
    compared = reference(layers) if layers else 0.0
    found = {name: verdict(row, compared) for name, row in layers.items()}
    closed = None  # the layer nearest to the one at hand that lets nothing through
    for name in reversed(found):
        if found[name] in CLOSED:
            closed = name
        elif layers[name]["norm"] != 0.0:
            closed = None
        elif closed is not None:
            found[name] = f"cut off by layer {closed}"
    return found
