"""Several batches to one step: large batches in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..graph.operators import Operators
from ..ops import where
from ..transform.trees import tree_flatten, tree_map, tree_unflatten
from .options import WHOLE, check, check_optimizer
from .transform import Transform, bare, counted, dressed, float_of, observed, renamed, same_leaves


class Accumulated(NamedTuple):
    """Gradients since the last step: how many, their sums; and the optimiser's own state."""

    count: Any
    sums: list
    inner: Any


class Accumulate(Transform):
    """An optimiser that steps once in so many updates; see `accumulate`."""

    def __init__(self, optimizer: Any, steps: int):
        self.optimizer = check_optimizer("accumulate", optimizer)
        check("accumulate", WHOLE, steps=steps)
        self.steps = int(steps)

    def init(self, params: Any) -> Accumulated:
        sums = [np.zeros(np.shape(p), float_of(p)) for p in tree_flatten(params)[0]]
        return Accumulated(0, sums, self.optimizer.init(params))

    def update(self, grads: Any, state: Accumulated, params: Any) -> tuple[Any, Accumulated]:
        given, structure = tree_flatten(grads)
        g = bare(given)
        same_leaves(g, state.sums)
        count = counted(state.count) + 1
        sums = [a + b for a, b in zip(state.sums, g, strict=True)]
        zeros = [np.zeros(x.shape, x.dtype) for x in sums]
        if not isinstance(count, Operators) and count < self.steps:
            still = tree_unflatten(structure, dressed(zeros, given))
            return still, Accumulated(count, sums, state.inner)
        mean = tree_unflatten(structure, dressed([s / self.steps for s in sums], given))
        updates, inner = self.optimizer.update(mean, state.inner, params)
        if not isinstance(count, Operators):
            return updates, Accumulated(0, zeros, inner)
        due = count >= self.steps  # traced: both are computed, and one is taken

        def taken(new: Any, old: Any) -> Any:
            return where(due, new, old)

        moved = tree_map(taken, updates, tree_unflatten(structure, zeros))
        kept = list(map(taken, zeros, sums))
        inner = tree_map(taken, inner, state.inner)
        return moved, Accumulated(where(due, 0, count), kept, inner)

    def observe(self, loss: Any, state: Accumulated) -> Accumulated:
        return state._replace(inner=observed(self.optimizer, loss, state.inner))

    def named(self, names: Sequence[str]) -> Accumulate:
        return Accumulate(renamed(self.optimizer, names), self.steps)

    def __repr__(self) -> str:
        return f"accumulate({self.optimizer!r}, {self.steps})"


def accumulate(optimizer: Any, steps: int) -> Accumulate:
    """One step of `optimizer` for every `steps` updates, with the mean of their gradients.

    The updates between are zeros. For batches of equal size and a loss that is a mean, a step is
    that of one batch `steps` times as large. Schedules count steps, not updates; clippings stand
    inside to see the mean, outside to see every batch.
    Raises: UsageError for steps below 1, or what is no optimiser.

    >>> import numpy as np, chainrule as cr
    >>> optimizer, w = cr.optim.accumulate(cr.optim.SGD(lr=0.1), steps=2), np.array([0.0])
    >>> first, state = optimizer.update(np.array([1.0]), optimizer.init(w), w)
    >>> second, state = optimizer.update(np.array([3.0]), state, w)
    >>> first, second
    (array([0.]), array([-0.2]))
    """
    return Accumulate(optimizer, steps)
