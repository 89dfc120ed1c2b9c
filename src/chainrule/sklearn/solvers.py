"""The optimisers: scikit-learn's two, with every number in their state, and ours by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import optim
from ..ops import sqrt
from ..optim import Transform
from ..optim.transform import bare, counted, dressed, float_of, plain, same_leaves
from ..transform.trees import tree_flatten, tree_unflatten


class Memory(NamedTuple):
    """Steps taken, the learning rate, the other numbers, and for each slot one array a parameter.

    The numbers are here and not in the optimiser, so that one compiled step serves all of them,
    and so that the rate can be changed between two epochs.
    """

    step: Any
    rate: Any
    numbers: tuple
    slots: tuple


class Solver(Transform):
    """An optimiser as scikit-learn writes it; a subclass states `slots` and `rule`."""

    slots = 1

    def __init__(self, rate: float, *numbers: float):
        self.start, self.numbers = float(rate), tuple(map(float, numbers))

    def key(self) -> tuple:
        """What tells two of them apart but for their numbers, which are in the state."""
        return (type(self),)

    def init(self, params: Any) -> Memory:
        zeros = [np.zeros(np.shape(p), float_of(p)) for p in tree_flatten(params)[0]]
        slots = tuple([np.array(z) for z in zeros] for _ in range(self.slots))
        return Memory(0, self.start, self.numbers, slots)

    def update(self, grads: Any, state: Memory, params: Any) -> tuple[Any, Memory]:
        given, structure = tree_flatten(grads)
        g = bare(given)
        same_leaves(g, bare(tree_flatten(params)[0]))
        t = counted(state.step) + 1
        shared = self.shared(t, state)
        rows = [self.rule(shared, *row) for row in zip(g, *state.slots, strict=True)]
        updates, *slots = zip(*rows, strict=True)
        after = state._replace(step=t, slots=tuple(map(list, slots)))
        return tree_unflatten(structure, dressed(updates, given)), after

    def shared(self, t: Any, state: Memory) -> tuple:
        """The numbers of step `t` (from 1) for all parameters."""
        return (state.rate, *state.numbers)

    def rule(self, shared: tuple, g: Any, *slots: Any) -> tuple:
        """The update for a gradient, then the new slots."""
        raise NotImplementedError(f"{type(self).__name__}.rule")


class Momentum(Solver):
    """v ← μ·v - rate·g; w ← w + v, or with `nesterov` w + μ·v - rate·g.

    The rate is part of what v remembers: where it changes, this is not PyTorch's SGD.
    Source: Sutskever, Martens, Dahl and Hinton 2013; scikit-learn's solver "sgd".

    >>> solver = Momentum(0.1, 0.5, nesterov=False)
    >>> w = [np.array([1.0])]
    >>> updates, state = solver.update([np.array([2.0])], solver.init(w), w)
    >>> updates, solver.update([np.array([0.0])], state, w)[0]
    ([array([-0.2])], [array([-0.1])])
    """

    def __init__(self, rate: float, momentum: float, nesterov: bool):
        super().__init__(rate, momentum)
        self.nesterov = nesterov

    def key(self) -> tuple:
        return (type(self), self.nesterov)

    def rule(self, shared: tuple, g: Any, *slots: Any) -> tuple:
        rate, momentum = shared
        v = momentum * slots[0] - rate * g
        return (momentum * v - rate * g if self.nesterov else v, v)


class Adam(Solver):
    """w ← w - rate·√(1-β₂ᵗ)/(1-β₁ᵗ)·m/(√v + eps): eps is beside v as it is, not as corrected.

    Source: Kingma and Ba 2015, the form after their algorithm 1; scikit-learn's solver "adam".

    >>> solver, w = Adam(0.1, 0.9, 0.999, 1e-8), [np.array([1.0])]
    >>> solver.update([np.array([-300.0])], solver.init(w), w)[0]
    [array([0.1])]
    """

    slots = 2

    def shared(self, t: Any, state: Memory) -> tuple:
        first, second, eps = state.numbers
        rate = plain(-state.rate * sqrt(1 - second**t) / (1 - first**t))
        return rate, first, second, eps

    def rule(self, shared: tuple, g: Any, *slots: Any) -> tuple:
        rate, first, second, eps = shared
        m = first * slots[0] + (1 - first) * g
        v = second * slots[1] + (1 - second) * (g * g)
        return (rate * m / (sqrt(v) + eps), m, v)


def _momentum(of: Any) -> Transform:
    return Momentum(of.learning_rate_init, of.momentum, bool(of.nesterovs_momentum))


def _adam(of: Any) -> Transform:
    return Adam(of.learning_rate_init, of.beta_1, of.beta_2, of.epsilon)


def _ours(kind: Any) -> Callable[[Any], Transform]:
    return lambda of: kind(lr=of.learning_rate_init)


NAMED: dict[str, Callable[[Any], Transform]] = {
    "adam": _adam, "sgd": _momentum, "lbfgs": lambda of: optim.SGD(),  # takes no steps: a search
    "adamw": _ours(optim.AdamW), "nadam": _ours(optim.NAdam), "radam": _ours(optim.RAdam),
    "rmsprop": _ours(optim.RMSProp), "adagrad": _ours(optim.Adagrad), "lion": _ours(optim.Lion),
}  # fmt: skip


def solver_of(estimator: Any) -> Transform:
    """The optimiser that an estimator's parameters ask for."""
    given = estimator.solver
    return NAMED[given](estimator) if isinstance(given, str) else given


def with_rate(state: Any, rate: float) -> Any:
    """The state with another learning rate; within a chain too."""
    if isinstance(state, Memory):
        return state._replace(rate=rate)
    return tuple(with_rate(part, rate) for part in state) if type(state) is tuple else state
