"""The steps of an epoch as machine code, one call for many, where that pays.

A step is one pure function of parameters, optimiser state and batch: loss, gradient, update. A
stretch of them is a scan over the rows of the batches, which gathers each batch from all the
data itself: between two steps there is no Python. What dropout draws is drawn by NumPy before
the call, so the same is dropped as step by step; what batch normalisation saw comes out.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..graph.node import Input, Node
from ..graph.op import Spec
from ..graph.walk import capture
from ..nn.dropout import Planned
from ..ops import stack
from ..optim import Transform, apply_updates
from ..optim.clip import global_norm
from ..study.health import by_layer
from ..study.work import scalar_ops
from ..transform import scan, value_and_grad
from ..transform.compile import Compiled
from .objective import Objective

# All in operations and never in time, so that the same program gives the same bits.
# What tracing and compiling cost a fit, of the fifth of a second that the first one takes: in the
# fits of these shapes that come after it, here or in another process, it is next to nothing.
TRACED = 60_000_000
SAVED = 400_000  # what a step costs outside of its arithmetic where it is run op by op
SHARE = 0.003  # of its arithmetic that machine code saves
CALL = 5_000_000_000  # what one call may take, about a tenth of a second
LEAST = 200_000  # what any step takes in it
BYTES = 1 << 26  # that masks, or examples from a file, may take for one call
FORMS = 16  # compiled steps that are kept for the trainings to come


class Batches(NamedTuple):
    """Batches of one size, one a step: their rows in the data, weights, and dropout's masks."""

    rows: np.ndarray  # (steps, size), or (size,) for a single one
    weights: np.ndarray | None
    masks: list


class Drawn(NamedTuple):
    """What a step of so many examples needs: masks that are drawn, and its operations."""

    masks: Planned
    work: int

    @property
    def bytes(self) -> int:
        """What its masks take."""
        return sum(int(np.prod(a.shape)) * np.dtype(a.dtype).itemsize for a in self.masks.asked)


class Stepper:
    """The compiled steps of a model, loss and optimiser; one form for each shape of a stretch."""

    def __init__(self, objective: Objective, optimizer: Transform, names: list, watch: bool):
        self.gradient = value_and_grad(objective, has_aux=True)
        self.objective, self.optimizer, self.watch = objective, optimizer, watch
        self.names = names
        # By whether a call writes into the parameters and the state that it is handed.
        self.compiled = {
            True: Compiled(self._stretch, donate=(0, 1)), False: Compiled(self._stretch)
        }  # fmt: skip
        self.answers = Compiled(self._answer)
        self.measured = Compiled(self._measured)
        self.needs: dict[Any, Drawn] = {}

    def _step(self, params: list, state: Any, batch: Any, amount: Any) -> tuple:
        x, t, w, masks = batch
        seen = None

        def measured(params: list) -> tuple:
            nonlocal seen
            (value, seen), gradients = self.gradient(params, x, t, w, amount, Planned(masks))
            return value, gradients

        value, gradients, updates, state = self.optimizer.step(measured, state, params)
        figures = (value, self.norms(gradients) if self.watch else None, seen)
        return apply_updates(params, updates), state, (gradients, updates), figures

    def _stretch(
        self, params: list, state: Any, x: Any, t: Any, amount: Any, many: Any, last: Any
    ) -> tuple:
        """Many steps, then the last one of another size; either may be None."""
        found, figures, final = None, None, None
        if many is not None:

            def body(carry: tuple, batch: Any) -> tuple:
                rows, w, masks = batch
                params, state, _ = carry
                params, state, after, figures = self._step(
                    params, state, (x[rows], t[rows], w, masks), amount
                )
                return (params, state, after if self.watch else None), figures

            zeros = [np.zeros(p.shape, p.dtype) for p in params]
            start = (params, state, (zeros, zeros) if self.watch else None)
            (params, state, found), figures = scan(body, start, tuple(many))
        if last is not None:
            rows, w, masks = last
            params, state, found, final = self._step(
                params, state, (x[rows], t[rows], w, masks), amount
            )
        return params, state, found if self.watch else None, figures, final

    def _answer(self, params: list, x: Any) -> Any:
        return self.objective.model(params)(x)

    def _measured(self, params: list, x: Any, t: Any, w: Any, amount: Any) -> tuple:
        """The loss and its gradients, for a search that takes its steps itself."""
        (value, _), gradients = self.gradient(params, x, t, w, amount)
        return value, gradients

    def norms(self, gradients: list) -> Any:
        """The gradient's norm in every layer."""
        layers = by_layer(dict(zip(self.names, gradients, strict=True)))
        return stack([global_norm(parts) for parts in layers.values()])

    def need(self, params: list, x: np.ndarray, t: np.ndarray, w: Any, amount: Any) -> Drawn:
        """What a step on a batch like this needs; traced, nothing is computed."""
        key = (x.shape, t.shape, t.dtype, w is None)
        if key not in self.needs:
            planned = Planned()
            given = [*params, x, t] + ([] if w is None else [w])

            def flat(*nodes: Any) -> list:
                found, (x, t, *weight) = list(nodes[: len(params)]), nodes[len(params) :]
                one = weight[0] if weight else None
                return [self.objective(found, x, t, one, amount, planned)[0]]

            graph, _ = capture(flat, [_node(a) for a in given])
            work = 3 * scalar_ops(graph.outputs) + 10 * sum(p.size for p in params)
            self.needs[key] = Drawn(planned, work)
        return self.needs[key]


def _node(a: np.ndarray) -> Node:
    return Node(Input(Spec(a.shape, a.dtype), ""))


_steppers: OrderedDict[Any, Stepper] = OrderedDict()


def stepper(objective: Objective, optimizer: Any, names: list, watch: bool) -> Stepper:
    """The compiled steps for this; the same as before where all of it is.

    An optimiser that says by `key()` what it computes, besides the numbers in its state, shares
    them with others of that key; ours are known by their options.
    """
    try:
        whole = (objective, _key(optimizer), tuple(names), watch)
        found = _steppers.get(whole)
    except TypeError:  # a setting of a layer that has no hash, an optimiser of the user's own
        return Stepper(objective, optimizer, names, watch)
    if found is None:
        found = _steppers[whole] = Stepper(objective, optimizer, names, watch)
        if len(_steppers) > FORMS:
            _steppers.popitem(last=False)
    _steppers.move_to_end(whole)
    return found


def _key(part: Any) -> Any:
    """What an optimiser computes, as something to compare.

    Raises: TypeError for what is not known.
    """
    if hasattr(part, "key"):
        return type(part), part.key()
    if isinstance(part, (list, tuple)):
        return tuple(map(_key, part))
    if isinstance(part, dict):
        return tuple((name, _key(value)) for name, value in part.items())
    if isinstance(part, Transform):
        if not type(part).__module__.startswith("chainrule.optim."):
            raise TypeError(type(part))
        return type(part), tuple((name, _key(value)) for name, value in vars(part).items())
    hash(part)
    return type(part), part


def worth(steps: int, work: int) -> bool:
    """Whether so many steps of so many operations earn back what compiling them costs.

    >>> worth(100, 1_000_000), worth(1000, 1_000_000), worth(30, 10_000_000_000)
    (False, True, True)
    """
    return steps * (SAVED + int(work * SHARE)) > TRACED


def worth_answering(times: int, work: int) -> bool:
    """The same of a forward pass alone, which has about a quarter of the code of a step."""
    return times * (SAVED // 4 + int(work * SHARE)) > TRACED // 4


class Call(NamedTuple):
    """One call: from which of the epoch's examples on, how many steps, a last one of how many."""

    start: int
    steps: int
    last: int = 0


@lru_cache(FORMS)
def calls(count: int, size: int, limit: int, padded: bool) -> tuple[Call, ...]:
    """An epoch of `count` examples in calls of at most `limit` steps, of few different lengths.

    With `padded` the last batch is filled up to the size of the others.

    >>> calls(1437, 200, 100, True), calls(1437, 200, 100, False)
    ((Call(start=0, steps=8, last=0),), (Call(start=0, steps=7, last=37),))
    >>> [c.steps for c in calls(60, 10, 4, True)], [c.steps for c in calls(70, 10, 4, True)]
    ([3, 3], [4, 3])
    """
    steps, last = (-(-count // size), 0) if padded else divmod(count, size)
    fewest = -(-steps // limit)
    even = (c for c in range(fewest, 2 * fewest) if c and steps % c == 0)
    pieces = next(even, fewest)
    length = -(-steps // pieces) if pieces else 0
    made = [Call(k * size, min(length, steps - k)) for k in range(0, steps, max(length, 1))]
    if last and len(made) == 1:
        made[0] = made[0]._replace(last=last)
    elif last:
        made.append(Call(steps * size, 0, last))
    return tuple(made)
