"""One training: parameters as plain arrays, the optimiser's state, and the step; to be kept and
taken up again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..eager.tensor import Tensor, leaf
from ..graph.errors import DataError, UsageError
from ..nn.module import Module
from ..nn.statistics import observe
from ..optim import Transform, apply_updates
from ..transform import value_and_grad
from ..transform.trees import tree_flatten, tree_map, tree_unflatten
from .objective import Objective, penalty_of
from .state import State, copied, deep, from_state, state_of


class Run:
    """One training: the parameters as plain arrays, the optimiser's state, and the step.

    `params`, `state` and `rng` are what the next step starts from; `epoch` and `steps` count
    those completed, `order` and `at` are the place in the epoch under way.
    """

    def __init__(
        self, model: Module, loss: Callable, optimizer: Any, rng: np.random.Generator,
        penalty: Any = None,
    ):  # fmt: skip
        _trainable(model, optimizer)
        leaves, self.structure = tree_flatten(model)
        if not leaves or any(isinstance(p, Module) for p in leaves):
            why = "mark its class with @chainrule.nn.layer" if leaves else "add nn.Linear"
            raise UsageError(f"fit: the model has no parameters to train; {why}")
        # A tensor that stands in several places is one parameter: its gradients add up.
        keys = [id(p) if isinstance(p, Tensor) else -1 - k for k, p in enumerate(leaves)]
        unique = dict(zip(keys, leaves, strict=True))
        self.places = [list(unique).index(key) for key in keys]
        self.names = _names(model, list(unique.values()))
        self.params = [np.array(_array(p)) for p in unique.values()]  # written to, natively
        self.dtype = self.params[0].dtype
        self.optimizer = optimizer.named(self.names)
        self.state = self.optimizer.init(self.params)
        self.loss = loss
        function, self.amount = penalty_of(penalty)
        self.objective = Objective(self.structure, tuple(self.places), loss, function)
        self.gradient = value_and_grad(self.objective, has_aux=True)
        self.rng = rng  # of the order of the examples, and of dropout
        self.epoch = self.steps = self.at = 0
        self.order = np.zeros(0, np.int64)
        self.sums: dict[str, Any] = {}
        self.rows: list[dict[str, Any]] = []
        self.stepper: Any = None  # its compiled steps, once there are some
        self.callbacks: Any = None  # the callbacks, where there are some

    def model(self, params: list) -> Any:
        """The model with these parameters in their places."""
        return tree_unflatten(self.structure, [params[k] for k in self.places])

    def tensors(self) -> list[Tensor]:
        """The parameters as they are now, as the model holds them."""
        return [leaf(np.array(p)) for p in self.params]

    def snapshot(self) -> Any:
        """The model as it is now, with its own copy of every parameter."""
        return self.model(self.tensors())

    def _measured(self, params: list, x: Any, t: Any, w: Any) -> tuple[Any, list]:
        (value, self.seen), gradients = self.gradient(params, x, t, w, self.amount, self.rng)
        return value, gradients

    def step(self, x: np.ndarray, t: np.ndarray, w: Any = None) -> tuple[Any, list, list]:
        """One step on these examples: the loss before it, its gradients, the updates."""
        with np.errstate(all="ignore"):  # what is not finite shows in the history
            value, gradients, updates, state = self.optimizer.step(
                lambda params: self._measured(params, x, t, w), self.state, self.params
            )
            self.params, self.state = apply_updates(self.params, updates), state
            self.observe(self.seen)
        self.steps += 1
        return value, gradients, updates

    def observe(self, seen: Any) -> None:
        """Move the running statistics of the model by what was seen of batches."""
        if seen:
            self.structure = tree_flatten(observe(self.model(self.params), seen))[1]

    def capture(self) -> State:
        """All that is needed to go on from here, copied: between two stretches of steps."""
        return State(
            self.snapshot(), tree_map(copied, self.state), state_of(self.rng), self.epoch,
            self.steps, self.order.copy(), self.at, deep(self.sums), deep(self.rows),
            deep(self.callbacks.state()) if self.callbacks else {},
        )  # fmt: skip

    def restore(self, state: State) -> None:
        """Go on from `state`: the next step is to the bit the one that would have followed.

        Raises: DataError for the state of another model or optimiser.
        """
        self.adopt(state.model)
        if not self.optimizer.full_batch:  # L-BFGS remembers more with every step
            mine, other = (tree_flatten(s) for s in (self.state, state.optimizer))
            _same("the optimiser's state", mine, other)
        self.state = tree_map(copied, state.optimizer)
        self.rng = from_state(state.rng)
        self.epoch, self.steps, self.at = state.epoch, state.step, state.at
        self.order, self.sums = np.array(state.order, np.int64), deep(state.sums)
        self.rows[:] = deep(state.rows)
        if self.callbacks:
            self.callbacks.restore(deep(state.callbacks))

    def adopt(self, model: Module) -> None:
        """Take over parameters and running statistics of a model of the same structure.

        Raises: DataError for another one.
        """
        leaves, structure = tree_flatten(model)
        _same("the model", ([self.params[k] for k in self.places], self.structure),
              (leaves, structure))  # fmt: skip
        first = [self.places.index(k) for k in range(len(self.params))]
        self.params = [np.array(_array(leaves[k])) for k in first]
        self.structure = structure


def _trainable(model: Any, optimizer: Any) -> None:
    if not isinstance(model, Module):
        raise UsageError(
            f"fit: the model is a {type(model).__name__}; give a layer or nn.Sequential(...)"
        )
    if not isinstance(optimizer, Transform):
        wrong = f"the class {optimizer.__name__}" if isinstance(optimizer, type) else optimizer
        called = optimizer.__name__ if isinstance(optimizer, type) else "Adam"
        raise UsageError(f"fit: optimizer is {wrong}; give one such as chainrule.optim.{called}()")


def _same(what: str, mine: tuple[list, Any], other: tuple[list, Any]) -> None:
    """Refuse another structure, or arrays of other shapes."""
    told = "make the training as it was made when it was saved"
    for k, (a, b) in enumerate(zip(mine[0], other[0], strict=False)):
        if np.shape(a) != np.shape(b):
            raise DataError(
                f"restore: {what} is another: array {k} of the state is {np.shape(b)}, and here "
                f"{np.shape(a)}; {told}"
            )
    if len(mine[0]) != len(other[0]) or mine[1] != other[1]:
        raise DataError(
            f"restore: {what} is another: {len(other[0])} arrays in the state and "
            f"{len(mine[0])} here, or other settings; {told}"
        )


def _array(p: Any) -> np.ndarray:
    return p._value if isinstance(p, Tensor) else np.asarray(p)


def several(given: Any) -> tuple:
    """None, one thing or several, as a tuple."""
    if given is None:
        return ()
    return tuple(given) if isinstance(given, (list, tuple)) else (given,)


def _names(model: Module, leaves: list) -> list[str]:
    named = {id(p): name for name, p in model.named_parameters().items()}
    return [named.get(id(p), f"parameter{k}") for k, p in enumerate(leaves)]
