"""What an optimiser is: a pair of pure functions from gradients to updates, and how they chain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..eager.tensor import FIXED, GIVEN, Tensor, leaf
from ..graph.errors import ShapeError, UsageError
from ..transform.trees import tree_flatten, tree_unflatten


class State(NamedTuple):
    """What an optimiser remembers: steps taken, and for each slot one array a parameter."""

    step: Any
    slots: tuple


class Transform:
    """`init(params) → state` and `update(grads, state, params) → (updates, state)`.

    Updates are added to the parameters by `apply_updates`. Everything is written with ops:
    handed arrays it computes with arrays, handed tensors or nodes under a transform it can be
    differentiated, drawn and compiled. Nothing is changed in place.
    """

    def init(self, params: Any) -> Any:
        """The state before the first step."""
        return State(0, ())

    def update(self, grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
        """What to add to the parameters, and the state for the next step."""
        raise NotImplementedError(f"{type(self).__name__}.update")


class Rule(Transform):
    """An optimiser that treats every parameter alike and alone: it states `slots` and `rule`."""

    slots: int = 0

    def rule(self, t: Any, g: Any, w: Any, *slots: Any) -> tuple:
        """The update of `w` for its gradient `g` at step `t` (from 1), then the new slots."""
        raise NotImplementedError(f"{type(self).__name__}.rule")

    def init(self, params: Any) -> State:
        leaves, structure = tree_flatten(params)
        zeros = [np.zeros(np.shape(p), p.dtype) for p in leaves]
        return State(0, tuple(tree_unflatten(structure, zeros) for _ in range(self.slots)))

    def update(self, grads: Any, state: State, params: Any) -> tuple[Any, State]:
        g, structure = leaves_of(grads)
        w, _ = leaves_of(params)
        _same_leaves(g, w)
        slots = [leaves_of(s)[0] for s in state.slots]
        t = state.step + 1
        columns: list[list] = [[] for _ in range(1 + self.slots)]
        for row in zip(g, w, *slots, strict=True):
            for column, value in zip(columns, self.rule(t, *row), strict=True):
                column.append(value)
        updates, *after = columns
        kept = tuple(
            tree_unflatten(tree_flatten(s)[1], column)
            for s, column in zip(state.slots, after, strict=True)
        )
        return tree_unflatten(structure, _like(updates, grads)), State(t, kept)


def leaves_of(tree: Any) -> tuple[list, Any]:
    """The leaves; plain tensors as their arrays, so that a step does not remember the last."""
    leaves, structure = tree_flatten(tree)
    if all(type(x) is not Tensor or x.op is GIVEN or x.op is FIXED for x in leaves):
        leaves = [x._value if type(x) is Tensor else x for x in leaves]
    return leaves, structure


def _like(updates: list, tree: Any) -> list:
    given = tree_flatten(tree)[0]
    return [
        leaf(np.asarray(u)) if type(x) is Tensor and not isinstance(u, Tensor) else u
        for u, x in zip(updates, given, strict=True)
    ]


def _same_leaves(g: list, w: list) -> None:
    if len(g) != len(w):
        raise UsageError(f"update: {len(g)} gradients for {len(w)} parameters")
    for a, b in zip(g, w, strict=True):
        if np.shape(a) != np.shape(b):
            raise ShapeError(
                f"update: a gradient of {np.shape(a)} for a parameter of {np.shape(b)}"
            )


class Chain(Transform):
    """Transforms one after the other: each receives the updates of the one before."""

    def __init__(self, *parts: Transform):
        self.parts = parts

    def init(self, params: Any) -> tuple:
        return tuple(part.init(params) for part in self.parts)

    def update(self, grads: Any, state: tuple, params: Any) -> tuple[Any, tuple]:
        after = []
        for part, own in zip(self.parts, state, strict=True):
            grads, own = part.update(grads, own, params)
            after.append(own)
        return grads, tuple(after)


def chain(*parts: Transform) -> Chain:
    """Transforms one after the other, the optimiser last.

    >>> import chainrule as cr
    >>> careful = cr.optim.chain(cr.optim.clip_by_norm(1.0), cr.optim.SGD(lr=0.1))
    >>> updates, state = careful.update([np.array([3.0, 4.0])], careful.init([np.zeros(2)]),
    ...                                 [np.zeros(2)])
    >>> updates[0]
    array([-0.06, -0.08])
    """
    return Chain(*parts)


def apply_updates(params: Any, updates: Any) -> Any:
    """The parameters with their updates added."""
    w, structure = leaves_of(params)
    u, _ = leaves_of(updates)
    _same_leaves(u, w)
    # The update first: NumPy adds into it, since nobody else holds it by then.
    added = [a + b for a, b in zip(u, w, strict=True)]
    return tree_unflatten(structure, _like(added, params))


class Mapped(Transform):
    """A transform of gradients alone, without memory."""

    def __init__(self, name: str, function: Callable[[list], list]):
        self.name, self.function = name, function

    def update(self, grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
        g, structure = leaves_of(grads)
        return tree_unflatten(structure, _like(self.function(g), grads)), state

    def __repr__(self) -> str:
        return self.name
