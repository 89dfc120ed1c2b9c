"""What an optimiser is: a pair of pure functions from gradients to updates, and how they chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..eager.tensor import FIXED, GIVEN, Tensor
from ..graph.errors import DTypeError, ShapeError, UsageError
from ..graph.operators import Operators
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
        zeros = [np.zeros(np.shape(p), _float(p)) for p in tree_flatten(params)[0]]
        return State(0, tuple(list(zeros) for _ in range(self.slots)))

    def update(self, grads: Any, state: State, params: Any) -> tuple[Any, State]:
        given, structure = tree_flatten(grads)
        g, w = bare(given), bare(tree_flatten(params)[0])
        _same_leaves(g, w)
        t = state.step + 1
        made = [self.rule(t, *row) for row in zip(g, w, *state.slots, strict=True)]
        updates, *slots = zip(*made, strict=True) if made else [()] * (1 + self.slots)
        after = State(t, tuple(map(list, slots)))
        return tree_unflatten(structure, dressed(updates, given)), after


def _float(p: Any) -> Any:
    dtype = getattr(p, "dtype", None)
    if getattr(dtype, "kind", None) != "f":
        found = type(p).__name__ if dtype is None else f"{dtype} {p.shape}"
        raise DTypeError(
            f"optimiser: a parameter is {found}; only float arrays and tensors can be trained: "
            f"write x.astype(float)"
        )
    return dtype


def bare(leaves: list) -> list:
    """Plain tensors as their arrays, so that a step does not remember the one before."""
    if Tensor not in set(map(type, leaves)):
        return leaves
    if any(type(x) is Tensor and x.op is not GIVEN and x.op is not FIXED for x in leaves):
        return leaves
    return [x._value if type(x) is Tensor else x for x in leaves]


def dressed(values: Sequence, given: list) -> Sequence:
    """Arrays as tensors again, where tensors were given."""
    if Tensor not in set(map(type, given)):
        return values
    return [
        Tensor(np.asarray(v)) if type(x) is Tensor and not isinstance(v, Operators) else v
        for v, x in zip(values, given, strict=True)
    ]


def _same_leaves(g: list, w: list) -> None:
    if len(g) != len(w):
        raise UsageError(
            f"update: {len(g)} gradients for {len(w)} parameters; they must have the same structure"
        )
    for a, b in zip(g, w, strict=True):
        found, wanted = getattr(a, "shape", ()), getattr(b, "shape", ())
        if found != wanted:
            raise ShapeError(f"update: a gradient of {found} for a parameter of {wanted}")


class Chain(Transform):
    """Transforms one after the other: each receives the updates of the one before."""

    def __init__(self, *parts: Transform):
        for part in parts:
            if not hasattr(part, "init") or not hasattr(part, "update") or type(part) is type:
                raise UsageError(
                    f"chain: {part!r} has no init and update; give optimisers and clippings"
                )
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
    given, structure = tree_flatten(params)
    w, u = bare(given), bare(tree_flatten(updates)[0])
    _same_leaves(u, w)
    added = [a + b for a, b in zip(w, u, strict=True)]
    return tree_unflatten(structure, dressed(added, given))


class Mapped(Transform):
    """A transform of gradients alone, without memory."""

    def __init__(self, name: str, function: Callable[[list], list]):
        self.name, self.function = name, function

    def update(self, grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
        given, structure = tree_flatten(grads)
        return tree_unflatten(structure, dressed(self.function(bare(given)), given)), state

    def __repr__(self) -> str:
        return self.name
