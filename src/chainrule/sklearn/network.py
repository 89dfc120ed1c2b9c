"""The network of an estimator, drawn as scikit-learn draws it, and its weights as it shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .. import nn
from ..eager.tensor import leaf, raw
from ..graph.errors import UsageError
from ..nn.activations import ACTIVATIONS
from ..nn.mode import exchanged
from ..nn.module import parameter
from ..nn.sequential import Function
from ..transform.trees import tree_map

NAMES = {"identity": nn.Identity, "logistic": nn.Sigmoid, **ACTIVATIONS}  # two of scikit-learn's
NORMS: dict[str, Callable[..., nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
NARROW = ("logistic", "sigmoid")  # activations whose weights start nearer to 0


def activation(given: Any) -> nn.Module:
    """The layer of this name, or made of this function."""
    if isinstance(given, str):
        return NAMES[given]()
    return given if isinstance(given, nn.Module) else Function(given)


def drawn(
    fan_in: int, fan_out: int, narrow: bool, rng: np.random.RandomState, dtype: Any
) -> nn.Linear:
    """A layer with weights and biases uniform within √(6/(fan_in + fan_out)); √2 where `narrow`.

    The numbers come from `rng` in scikit-learn's order, so that the same seed gives its network.
    """
    bound = np.sqrt((2.0 if narrow else 6.0) / (fan_in + fan_out))
    weight = rng.uniform(-bound, bound, (fan_in, fan_out))
    bias = rng.uniform(-bound, bound, fan_out)
    return nn.Linear(fan_in, fan_out, init="zeros", seed=0, dtype=dtype).replace(
        weight=parameter(weight.T, dtype), bias=parameter(bias, dtype)
    )


def network(
    units: Sequence[int], activations: Sequence[Any], rng: np.random.RandomState, dtype: Any, *,
    dropout: Sequence[float] = (), norm: str | None = None, residual: bool = False,
) -> nn.Sequential:  # fmt: skip
    """Linear layers between these numbers of units, each but the last with what follows it.

    A hidden layer is Linear, norm, activation, dropout; with `residual` its input is added where
    it has as many units.
    """
    layers: list[nn.Module] = []
    last = len(units) - 2
    for k, (fan_in, fan_out) in enumerate(pairwise(units)):
        of = activations[min(k, last - 1)] if activations else None
        linear = drawn(fan_in, fan_out, isinstance(of, str) and of in NARROW, rng, dtype)
        if k == last:
            layers.append(linear)
            break
        block: list[nn.Module] = [linear]
        block += [NORMS[norm](fan_out, dtype=dtype)] if norm else []
        block.append(activation(of))
        block += [nn.Dropout(dropout[k])] if dropout and dropout[k] else []
        layers += [nn.Residual(nn.Sequential(*block))] if residual and fan_in == fan_out else block
    return nn.Sequential(*layers, seed=0)


def linears(model: nn.Module) -> list[nn.Linear]:
    """The Linear layers of a model, from its input to its output."""
    if isinstance(model, nn.Linear):
        return [model]
    return [one for _, child in model.children() for one in linears(child)]


def with_weights(model: Any, coefs: Sequence[Any], intercepts: Sequence[Any]) -> Any:
    """The model with these weights (fan_in, fan_out) and biases in its Linear layers."""
    ones = linears(model)
    if not len(ones) == len(coefs) == len(intercepts):
        raise UsageError(
            f"coefs_ and intercepts_: {len(coefs)} and {len(intercepts)} for a network of "
            f"{len(ones)} layers; give one of each for every layer"
        )
    others = {
        id(one): one.replace(
            weight=parameter(np.asarray(w).T, one.weight.dtype),
            bias=parameter(np.asarray(b), one.weight.dtype),
        )
        for one, w, b in zip(ones, coefs, intercepts, strict=True)
    }
    return exchanged(model, others)


def in_dtype(model: Any, dtype: Any) -> Any:
    """The model with its parameters in another dtype."""
    return tree_map(lambda p: leaf(np.asarray(raw(p), dtype)), model)


def arrays_of(model: Any, dtype: Any) -> Any:
    """The model with arrays for parameters: it computes with numbers and remembers nothing."""
    return tree_map(lambda p: np.asarray(raw(p), dtype), model)
