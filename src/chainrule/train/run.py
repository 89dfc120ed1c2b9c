"""One training: parameters as plain arrays, the optimiser's state, and the step; to be kept and
taken up again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..eager.tensor import Tensor, leaf, raw
from ..graph.errors import ChainruleError, DataError, UsageError
from ..graph.spelling import counted, told_type
from ..nn.module import Module
from ..nn.statistics import observe
from ..optim import Transform, apply_updates
from ..transform import value_and_grad
from ..transform.trees import tree_flatten, tree_map, tree_unflatten
from .objective import Objective, penalty_of
from .refusals import asked
from .state import State, copied, deep, from_state, state_of
from .terms import OPTIMIZER, Terms, differing


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
        self.params = [np.array(raw(p)) for p in unique.values()]  # written to, natively
        self.dtype = self.params[0].dtype
        self.optimizer = optimizer.named(self.names)
        self.state = self.optimizer.init(self.params)
        self.loss = loss
        function, self.amount = penalty_of(penalty)
        self.objective = Objective(self.structure, tuple(self.places), loss, function)
        self.gradient = value_and_grad(self._named, has_aux=True)
        self.rng = rng  # of the order of the examples, and of dropout
        self.epoch = self.steps = self.at = 0
        self.order = np.zeros(0, np.int64)
        self.sums: dict[str, Any] = {}
        self.rows: list[dict[str, Any]] = []
        self.stepper: Any = None  # its compiled steps, once there are some
        self.searched: Any = None  # the compiled loss and gradients, for one that searches
        self.callbacks: Any = None  # the callbacks, where there are some
        self.terms: Terms = {}  # what it is trained on, and how; {} where it is not known yet

    def model(self, params: list) -> Any:
        """The model with these parameters in their places."""
        return tree_unflatten(self.structure, [params[k] for k in self.places])

    def tensors(self) -> list[Tensor]:
        """The parameters as they are now, as the model holds them."""
        return [leaf(np.array(p)) for p in self.params]

    def snapshot(self) -> Any:
        """The model as it is now, with its own copy of every parameter."""
        return self.model(self.tensors())

    def _named(self, params: list, *rest: Any) -> tuple:
        """The objective, every parameter under its name: so it is called in messages."""
        for name, p in zip(self.names, params, strict=True):
            if type(p) is Tensor:
                p._label = name
        return self.objective(params, *rest)

    def _measured(self, params: list, x: Any, t: Any, w: Any) -> tuple[Any, list]:
        if self.searched is not None:
            self.seen: Any = {}
            try:
                return self.searched(params, x, t, w, self.amount)
            except ChainruleError:  # op by op the same says what is wrong, if something is
                self.searched = None
        (value, self.seen), gradients = asked(
            lambda x: self.gradient(params, x, t, w, self.amount, self.rng), x
        )
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
            deep(self.callbacks.state()) if self.callbacks else {}, dict(self.terms),
        )  # fmt: skip

    def restore(self, state: State) -> None:
        """Go on from `state`: the next step is to the bit the one that would have followed.

        Raises: DataError for the state of another training.
        """
        other = self.another(state)
        if other:
            raise DataError(f"restore: {other}; make the training as it was when it was saved")
        self.adopt(state.model)
        self.state = tree_map(copied, state.optimizer)
        self.rng = from_state(state.rng)
        self.epoch, self.steps, self.at = state.epoch, state.step, state.at
        self.order, self.sums = np.array(state.order, np.int64), deep(state.sums)
        self.rows[:] = deep(state.rows)
        if self.callbacks:
            self.callbacks.restore(deep(state.callbacks))

    def another(self, state: State) -> str:
        """What makes `state` one of another training, in words; "" where nothing does."""
        told = "; ".join(differing(state.terms, self.terms)) or self._other_model(state.model)
        return told or self._other_optimizer(state)

    def _other_model(self, model: Module) -> str:
        mine = [self.params[k] for k in self.places], self.structure
        wrong = _unlike(mine, tree_flatten(model))
        return wrong and f"the model is another: {wrong}"

    def _other_optimizer(self, state: State) -> str:
        if self.optimizer.full_batch:  # L-BFGS remembers more with every step
            wrong = "" if type(state.optimizer) is type(self.state) else "its state is of its own"
        else:
            wrong = _unlike(tree_flatten(self.state), tree_flatten(state.optimizer))
        was = state.terms.get(OPTIMIZER, "another")
        return wrong and f"the optimizer was {was} and is {self.optimizer}: {wrong}"

    def adopt(self, model: Module) -> None:
        """Take over parameters and running statistics of a model of the same structure.

        Raises: DataError for another one.
        """
        other = self._other_model(model)
        if other:
            raise DataError(f"restore: {other}; make it as it was when it was saved")
        leaves, self.structure = tree_flatten(model)
        first = [self.places.index(k) for k in range(len(self.params))]
        self.params = [np.array(raw(leaves[k])) for k in first]


def _trainable(model: Any, optimizer: Any) -> None:
    if not isinstance(model, Module):
        raise UsageError(
            f"fit: the model is {told_type(model)}; give a layer or nn.Sequential(...)"
        )
    if not isinstance(optimizer, Transform):
        wrong = f"the class {optimizer.__name__}" if isinstance(optimizer, type) else optimizer
        called = optimizer.__name__ if isinstance(optimizer, type) else "Adam"
        raise UsageError(f"fit: optimizer is {wrong}; give one such as chainrule.optim.{called}()")


def _unlike(mine: tuple[list, Any], other: tuple[list, Any]) -> str:
    """In what the arrays of another tree are others, in words; "" where they are alike."""
    for k, (a, b) in enumerate(zip(mine[0], other[0], strict=False)):
        if np.shape(a) != np.shape(b):
            return f"array {k} was {np.shape(b)} and is {np.shape(a)}"
    if len(mine[0]) != len(other[0]):
        return f"it had {counted(len(other[0]), 'array')} and has {len(mine[0])}"
    return "" if mine[1] == other[1] else "its settings are others"


def several(given: Any) -> tuple:
    """None, one thing or several, as a tuple."""
    if given is None:
        return ()
    return tuple(given) if isinstance(given, (list, tuple)) else (given,)


def _names(model: Module, leaves: list) -> list[str]:
    named = {id(p): name for name, p in model.named_parameters().items()}
    return [named.get(id(p), f"parameter{k}") for k, p in enumerate(leaves)]
