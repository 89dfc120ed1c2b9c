"""What an optimiser is: a pair of pure functions, from gradients to updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, NamedTuple

import numpy as np

from ..eager.tensor import FIXED, GIVEN, Tensor, leaf
from ..graph.errors import DTypeError, ShapeError, UsageError
from ..graph.operators import Operators
from ..transform.trees import tree_flatten, tree_unflatten


class State(NamedTuple):
    """What an optimiser remembers: steps taken, and for each slot one array a parameter."""

    step: Any
    slots: tuple


class Step(NamedTuple):
    """What a whole step found: loss and gradients before it, its updates, the state after it."""

    loss: Any
    gradients: Any
    updates: Any
    state: Any


class Transform:
    """`init(params) → state` and `update(grads, state, params) → (updates, state)`.

    Updates are added to the parameters by `apply_updates`. Everything is written with ops:
    handed arrays it computes with arrays, handed tensors or nodes under a transform it can be
    differentiated, drawn and compiled. Nothing is changed in place.
    """

    full_batch = False  # whether a step needs the loss of all the data

    def init(self, params: Any) -> Any:
        """The state before the first step."""
        return State(0, ())

    def update(self, grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
        """What to add to the parameters, and the state for the next step."""
        raise NotImplementedError(f"{type(self).__name__}.update")

    def observe(self, loss: Any, state: Any) -> Any:
        """The state after seeing the loss of this step; only what adapts to losses changes."""
        return state

    def step(self, objective: Callable, state: Any, params: Any) -> Step:
        """A whole step, for a loop that serves every optimiser, those that need the loss too.

        `objective(params)` is `(loss, gradients)`, as `value_and_grad` gives it. The loss and
        the gradients that come back are those at `params`, before the step.

        >>> import numpy as np, chainrule as cr
        >>> objective = cr.value_and_grad(lambda w: cr.sum(w * w))
        >>> optimizer, w = cr.optim.SGD(lr=0.25), np.array([4.0])
        >>> found = optimizer.step(objective, optimizer.init(w), w)
        >>> cr.optim.apply_updates(w, found.updates), float(found.loss)
        (array([2.]), 16.0)
        """
        loss, gradients = objective(params)
        updates, after = self.update(gradients, self.observe(loss, state), params)
        return Step(loss, gradients, updates, after)

    def named(self, names: Sequence[str]) -> Transform:
        """The same transform, told the name of every leaf where the tree itself has none."""
        return self

    def __repr__(self) -> str:
        """As it is called, without what it is by default.

        >>> import chainrule as cr
        >>> cr.optim.Adam(0.01, amsgrad=True)
        Adam(lr=0.01, amsgrad=True)
        """
        kept = vars(self)
        usual = {name: p.default for name, p in signature(type(self)).parameters.items()}
        shown = [f"{k}={kept[k]!r}" for k, d in usual.items() if k in kept and kept[k] != d]
        return f"{type(self).__name__}({', '.join(shown)})"


def plain(number: Any) -> Any:
    """A NumPy number as Python's: beside float32 weights it must not decide the dtype."""
    return number.item() if isinstance(number, np.generic) else number


class Rule(Transform):
    """An optimiser that treats every parameter alike and alone: it states `slots` and `rule`.

    `lr` is a number, or a schedule: a function of the number of steps already taken.
    """

    slots: int = 0
    lr: Any = 0.0

    def rate(self, t: Any) -> Any:
        """The learning rate of step `t` (from 1)."""
        lr = self.lr
        return plain(scheduled(type(self).__name__, lr, t - 1)) if callable(lr) else lr

    def __setattr__(self, name: str, value: Any) -> None:
        parts = tuple(map(plain, value)) if type(value) is tuple else plain(value)
        object.__setattr__(self, name, parts)

    def shared(self, t: Any) -> Any:
        """What the parameters have in common at step `t` (from 1): here `t` itself."""
        return t

    def rule(self, shared: Any, g: Any, w: Any, *slots: Any) -> tuple:
        """The update of `w` for its gradient `g`, then the new slots."""
        raise NotImplementedError(f"{type(self).__name__}.rule")

    def init(self, params: Any) -> State:
        zeros = [np.zeros(np.shape(p), float_of(p)) for p in tree_flatten(params)[0]]
        return State(0, tuple(list(zeros) for _ in range(self.slots)))

    def update(self, grads: Any, state: State, params: Any) -> tuple[Any, State]:
        given, structure = tree_flatten(grads)
        g, w = bare(given), bare(tree_flatten(params)[0])
        same_leaves(g, w)
        t = counted(state.step) + 1
        shared, rule = self.shared(t), self.rule
        made = [rule(shared, *row) for row in zip(g, w, *state.slots, strict=True)]
        updates, *slots = zip(*made, strict=True) if made else [()] * (1 + self.slots)
        after = State(t, tuple(map(list, slots)))
        return tree_unflatten(structure, dressed(updates, given)), after


def counted(step: Any) -> Any:
    """A number of steps as Python's own: an array's int64 would make float32 into float64."""
    return step if type(step) is int or isinstance(step, Operators) else int(step)


def observed(part: Any, loss: Any, state: Any) -> Any:
    """The state of `part` after seeing a loss; an (init, update) pair of others may not look."""
    return part.observe(loss, state) if hasattr(part, "observe") else state


def renamed(part: Any, names: Sequence[str]) -> Any:
    """`part`, told the names of the leaves, if it can be told."""
    return part.named(names) if hasattr(part, "named") else part


def scheduled(name: str, lr: Callable, step: Any) -> Any:
    """What the schedule `lr` says for the step after `step` others, checked."""
    rate = lr(step)
    if isinstance(rate, Operators):
        return rate
    try:
        rate = float(rate)
    except (TypeError, ValueError):
        rate = float("nan")
    if not 0 <= rate < float("inf"):
        raise UsageError(
            f"{name}(lr={lr!r}): at step {step} it gives {lr(step)!r}; a schedule must give a "
            f"number, 0 or more"
        )
    return rate


def float_of(p: Any) -> Any:
    """The dtype of a parameter, which must be one of floats.

    Raises: DTypeError for any other.
    """
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
        leaf(np.asarray(v)) if type(x) is Tensor and not isinstance(v, Operators) else v
        for v, x in zip(values, given, strict=True)
    ]


def same_leaves(g: list, w: list) -> None:
    """See that there is a gradient for each parameter, and that it has its shape.

    Raises: UsageError for another number of them, ShapeError for another shape.
    """
    if len(g) != len(w):
        raise UsageError(
            f"update: {len(g)} gradients for {len(w)} parameters; they must have the same structure"
        )
    for a, b in zip(g, w, strict=True):
        found, wanted = getattr(a, "shape", ()), getattr(b, "shape", ())
        if found != wanted:
            raise ShapeError(f"update: a gradient of {found} for a parameter of {wanted}")


def apply_updates(params: Any, updates: Any) -> Any:
    """The parameters with their updates added."""
    given, structure = tree_flatten(params)
    w, u = bare(given), bare(tree_flatten(updates)[0])
    same_leaves(u, w)
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
