"""A network read as stages: in each, weights, and what is made of the weighted sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...nn import Module, Sequential

RANGES = {"Tanh": (-1.0, 1.0), "Sigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0)}  # of bounded units


@dataclass(frozen=True, eq=False)
class Stage:
    """Layers that follow each other: the first has weights, the others none or few.

    `kind` is what its activation is called, or "" where there is none.
    """

    layers: tuple[Callable[[Any], Any], ...]
    kind: str

    @property
    def activation(self) -> Any:
        """The function that is applied to its weighted sums, or None."""
        found = next((x for x in self.layers if _plain(x)), None)
        return getattr(type(found), "function", None) or getattr(found, "function", found)

    def __call__(self, x: Any) -> tuple[Any, Any]:
        """The weighted sums, and what the stage hands on."""
        before = x
        for k, one in enumerate(self.layers):
            if k == 0 or _weighs(one, 1):
                x = before = one(x)
            else:
                x = one(x)
        return before, x


def _flat(model: Any) -> Iterator[Any]:
    if isinstance(model, Sequential):
        for one in model.layers:
            yield from _flat(one)
    else:
        yield model


def _weighs(one: Any, axes: int) -> bool:
    """Whether it has a parameter of so many axes: 2 are weights between units."""
    return isinstance(one, Module) and any(p.ndim >= axes for p in one.parameters())


def stages(model: Any) -> list[Stage]:
    """The stages of a Sequential; any other model is one stage, of which nothing else is known.

    >>> import chainrule as cr
    >>> model = cr.nn.Sequential(cr.nn.Linear(2, 8), cr.nn.Tanh(), cr.nn.Linear(8, 1))
    >>> [stage.kind for stage in stages(model)]
    ['Tanh', '']
    """
    groups: list[list[Any]] = [[]]
    for one in _flat(model):
        if _weighs(one, 2) and any(_weighs(x, 2) for x in groups[-1]):
            groups.append([])
        groups[-1].append(one)
    return [Stage(tuple(g), _kind(g)) for g in groups]


def _kind(layers: list[Any]) -> str:
    first = next((x for x in layers if _plain(x)), None)
    if first is not None and type(first).__name__ == "Function":
        one = first.function
        name = getattr(one, "__name__", str(one))
        return "" if name == "<lambda>" else name
    return type(first).__name__ if first is not None else ""


QUIET = ("Dropout", "Flatten", "Identity")


def _plain(one: Any) -> bool:
    return not _weighs(one, 1) and type(one).__name__ not in QUIET


@dataclass(frozen=True, eq=False)
class Pass:
    """All that a network says to some inputs: sums and values of each hidden stage, the output."""

    sums: list[np.ndarray]
    values: list[np.ndarray]
    output: np.ndarray


HUGE = 1e9  # what is larger, or no number, cannot be placed in a picture


def shown(x: Any) -> np.ndarray:
    """What can be drawn of a value: the first of several arrays, without what is not finite."""
    x = np.asarray(x[0] if isinstance(x, (tuple, list)) else x)
    x = x if x.dtype.kind == "f" else x.astype(float)
    if x.size and not np.abs(x).max() < HUGE:
        return np.clip(np.nan_to_num(x), -HUGE, HUGE)
    return x


def through(model: Any, x: np.ndarray) -> Pass:
    """The whole way through the network."""
    sums, values = [], []
    with np.errstate(all="ignore"):
        for stage in stages(model):
            before, x = stage(x)
            sums.append(shown(before))
            values.append(shown(x))
    return Pass(sums[:-1], values[:-1], values[-1])


def head(model: Any, hidden: np.ndarray) -> np.ndarray:
    """The output, from values of the last hidden stage."""
    with np.errstate(all="ignore"):
        return shown(stages(model)[-1](hidden)[1])
