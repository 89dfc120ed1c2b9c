"""Training and evaluation: what differs is said in the call, never kept in a layer.

A layer called as `layer(x)` evaluates: it is a function of its input and nothing else. A layer
whose training differs takes `training=True`, and `rng=` where it draws. `apply` hands both to
every such layer of a model, and returns the statistics of the batch beside the output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..graph.errors import UsageError
from .module import Module, generator

Seen = dict[str, list[tuple[Any, Any]]]


@dataclass(frozen=True, eq=False)
class Live:
    """What one call of `apply` hands to a layer: its random numbers, and where it reports."""

    rng: np.random.Generator | None
    seen: list[tuple[Any, Any]] = field(default_factory=list)


def live(one: Module) -> Live | None:
    """What `apply` handed to this layer; None outside of it."""
    return one.__dict__.get("_live")


def drawing(one: Module, training: bool | None, rng: Any) -> np.random.Generator | None:
    """The random numbers that a layer with dropout trains with; None where it evaluates.

    Raises: UsageError where it trains and was given none.
    """
    handed = live(one)
    if training is None and handed is not None:
        training, rng = True, handed.rng
    if not training:
        return None
    if rng is None:
        raise UsageError(
            f"{type(one).__name__}: training=True draws random numbers; give rng=, a whole number "
            "or a numpy.random.Generator"
        )
    return generator(rng)


def named_layers(model: Module, prefix: str = "") -> Iterator[tuple[str, Module]]:
    """The model and every layer in it, under the names that their parameters begin with."""
    yield prefix, model
    for name, child in model.children():
        yield from named_layers(child, f"{prefix}.{name}" if prefix else name)


def exchanged(value: Any, others: dict[int, Any]) -> Any:
    """`value` with each layer whose id is in `others` exchanged for what stands there."""
    if id(value) in others:
        return others[id(value)]
    if type(value) in (list, tuple):
        return type(value)(exchanged(part, others) for part in value)
    if type(value) is dict:
        return {key: exchanged(part, others) for key, part in value.items()}
    if not isinstance(value, Module):
        return value
    changes = {name: exchanged(part, others) for name, part in value.__dict__.items()}
    made = object.__new__(type(value))
    made._settle(**changes)
    return made


def apply(
    model: Module, *inputs: Any, training: bool = False, rng: Any = None, **options: Any
) -> tuple[Any, Seen]:
    """The output of `model`, and what its batch normalisations saw of the batch.

    With `training`, every Dropout in the model drops, with random numbers of its own from
    `rng` (a whole number or a Generator), and every BatchNorm normalises by the batch. Nothing
    in the model changes: `observe(model, seen)` is the model with its running statistics moved.
    Without `training` it is `model(*inputs)` and {}.
    Raises: UsageError where a layer draws and there is no `rng`.

    >>> import chainrule as cr
    >>> model = cr.nn.Sequential(cr.nn.BatchNorm1d(2), cr.nn.Dropout(0.5))
    >>> x = np.array([[1.0, 2.0], [3.0, 6.0]])
    >>> y, seen = cr.nn.apply(model, x, training=True, rng=0)
    >>> after = cr.nn.observe(model, seen)
    >>> after[0].running_mean.value  # a tenth of the way from 0 to the batch's mean
    array([0.2, 0.4], dtype=float32)
    """
    found = {}
    if training:
        by_mode = ((name, one) for name, one in named_layers(model) if hasattr(one, "by_mode"))
        found = {id(one): (name, one) for name, one in by_mode}
    if not found:
        return model(*inputs, **options), {}
    streams: list = [None] * len(found)
    if rng is not None:
        streams = list(generator(rng).spawn(len(found)))
    others, handed = {}, {}
    for (key, (name, one)), stream in zip(found.items(), streams, strict=True):
        handed[name] = Live(stream)
        others[key] = exchanged(one, {})
        others[key]._settle(_live=handed[name])
    y = exchanged(model, others)(*inputs, **options)
    return y, {name: one.seen for name, one in handed.items() if one.seen}
