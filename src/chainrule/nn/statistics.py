"""Running statistics: numbers that belong to a model and that no gradient is asked of."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..eager.tensor import raw
from ..graph.errors import ShapeError, TracingError, UsageError
from ..graph.node import Node
from .mode import Seen, exchanged, named_layers
from .module import Module


class Statistics:
    """Numbers as a setting of a layer: optimisers, gradients and trees do not see them.

    Two of one shape and dtype count as equal, so that a model before and after a batch has one
    structure, and its optimiser's state fits both.
    """

    __slots__ = ("value",)

    def __init__(self, values: Any, dtype: Any = None):
        self.value = np.array(values, dtype)
        self.value.flags.writeable = False

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def dtype(self) -> np.dtype:
        return self.value.dtype

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.value, dtype) if copy else np.asarray(self.value, dtype)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Statistics):
            return NotImplemented
        return (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((Statistics, self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"Statistics({np.array2string(self.value, threshold=6)})"


def of_batch(value: Any) -> np.ndarray:
    """The numbers of a mean or variance that a layer saw, cut off from how they were made."""
    if isinstance(value, Node):
        raise TracingError(
            "observe: the statistics are those of a traced function, which has no numbers; return "
            "them from it, and observe what comes out"
        )
    return raw(value)


def observe(model: Any, seen: Seen) -> Any:
    """A copy of `model` whose running statistics have moved by what `apply` saw, in order.

    Raises: UsageError for a name that is no BatchNorm of this model.

    >>> import chainrule as cr
    >>> norm = cr.nn.BatchNorm1d(1, momentum=1.0)
    >>> y, seen = cr.nn.apply(norm, np.array([[0.0], [4.0]]), training=True)
    >>> after = cr.nn.observe(norm, seen)
    >>> after.running_mean.value, after.running_var.value, int(after.num_batches_tracked.value)
    (array([2.], dtype=float32), array([8.], dtype=float32), 1)
    """
    layers = {name: one for name, one in named_layers(model) if hasattr(one, "moved")}
    unknown = sorted(set(seen) - set(layers))
    if unknown:
        raise UsageError(
            f"observe: the model has no BatchNorm at {', '.join(map(repr, unknown))}; give what "
            "apply returned for this model"
        )
    others = {}
    for name, batches in seen.items():
        one: Any = layers[name]
        for batch in batches:
            one = one.moved(*batch)
        others[id(layers[name])] = one
    return exchanged(model, others)


def statistics(model: Module) -> dict[str, np.ndarray]:
    """The running statistics of a model under PyTorch's state-dict keys; copies, not views.

    >>> import chainrule as cr
    >>> list(statistics(cr.nn.Sequential(cr.nn.Linear(2, 3), cr.nn.BatchNorm1d(3))))
    ['1.running_mean', '1.running_var', '1.num_batches_tracked']
    """
    return {name: np.array(value.value) for name, (_, _, value) in _found(model).items()}


def with_statistics(model: Any, state: dict[str, Any]) -> Any:
    """A copy of `model` with the running statistics of `state`.

    Raises: UsageError for missing or unknown keys, ShapeError for other shapes.
    """
    own = _found(model)
    missing, unknown = sorted(set(own) - set(state)), sorted(set(state) - set(own))
    if missing or unknown:
        raise UsageError(f"with_statistics: missing {missing}, unknown {unknown}")
    changes: dict[int, tuple[Any, dict[str, Statistics]]] = {}
    for name, (one, field, value) in own.items():
        if np.shape(state[name]) != value.shape:
            raise ShapeError(
                f"with_statistics: {name} is {value.shape}, the state has {np.shape(state[name])}"
            )
        changes.setdefault(id(one), (one, {}))[1][field] = Statistics(state[name], value.dtype)
    return exchanged(model, {key: one.replace(**new) for key, (one, new) in changes.items()})


def _found(model: Module) -> dict[str, tuple[Module, str, Statistics]]:
    return {
        f"{prefix}.{field}" if prefix else field: (one, field, value)
        for prefix, one in named_layers(model)
        for field, value in one.__dict__.items()
        if isinstance(value, Statistics)
    }
