"""Smaller steps where the loss no longer falls."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..graph.errors import UsageError
from ..graph.operators import Operators
from ..ops import logical_and, maximum, where
from ..transform.trees import tree_flatten, tree_unflatten
from .adaptive import plain
from .options import COUNT, RATE, SHARE, WHOLE, check
from .transform import Transform, bare, dressed


class Plateau(NamedTuple):
    """The factor on all steps, and what decides about it."""

    scale: Any
    best: Any
    bad: Any
    cooling: Any
    seen: Any
    total: Any


class ReduceOnPlateau(Transform):
    """A factor on all updates that shrinks with a loss that stays; see `reduce_on_plateau`."""

    def __init__(
        self, factor: float, patience: int, threshold: float, threshold_mode: str, cooldown: int,
        min_scale: float, every: int,
    ):  # fmt: skip
        name = "reduce_on_plateau"
        check(name, SHARE, factor=factor)
        check(name, COUNT, patience=patience, cooldown=cooldown)
        check(name, RATE, threshold=threshold, min_scale=min_scale)
        check(name, WHOLE, every=every)
        if threshold_mode not in ("rel", "abs"):
            raise UsageError(
                f"{name}(threshold_mode={threshold_mode!r}): there are 'rel' and 'abs'"
            )
        self.factor, self.patience, self.threshold = factor, patience, threshold
        self.relative, self.cooldown = threshold_mode == "rel", cooldown
        self.min_scale, self.every = min_scale, every

    def init(self, params: Any) -> Plateau:
        return Plateau(1.0, float("inf"), 0.0, 0.0, 0.0, 0.0)

    def update(self, grads: Any, state: Plateau, params: Any) -> tuple[Any, Plateau]:
        given, structure = tree_flatten(grads)
        scale = plain(state.scale)
        # In a scan the factor is an array of float64, and must not decide the updates' dtype.
        scaled = [x * (scale.astype(x.dtype) if hasattr(scale, "dtype") else scale)
                  for x in bare(given)]  # fmt: skip
        return tree_unflatten(structure, dressed(scaled, given)), state

    def observe(self, loss: Any, state: Plateau) -> Plateau:
        found = bare([loss])[0]
        # As a number of 64 bits always: a scan's carry keeps its dtype.
        found = found.astype(np.float64) if isinstance(found, Operators) else float(found)
        seen, total = state.seen + 1, state.total + found
        due = seen >= self.every
        judged = self._judged(total / seen, state)
        after = [where(due, new, old) for new, old in zip(judged, state[:4], strict=True)]
        return Plateau(*map(plain, (*after, where(due, 0.0, seen), where(due, 0.0, total))))

    def _judged(self, loss: Any, state: Plateau) -> tuple:
        """Scale, best loss, bad judgements and judgements to rest, after one more."""
        limit = state.best * (1 - self.threshold) if self.relative else state.best - self.threshold
        better, resting = loss < limit, state.cooling > 0
        bad = where(better, 0.0, state.bad + 1)
        bad = where(resting, 0.0, bad)
        late = bad > self.patience
        lower = maximum(state.scale * self.factor, self.min_scale)
        cooling = where(resting, state.cooling - 1, state.cooling)
        return (
            where(logical_and(late, lower < state.scale), lower, state.scale),
            where(better, loss, state.best),
            where(late, 0.0, bad),
            where(late, float(self.cooldown), cooling),
        )

    def __repr__(self) -> str:
        return f"reduce_on_plateau(factor={self.factor}, patience={self.patience})"


def reduce_on_plateau(
    factor: float = 0.1, patience: int = 10, threshold: float = 1e-4, threshold_mode: str = "rel",
    cooldown: int = 0, min_scale: float = 0.0, every: int = 1,
) -> ReduceOnPlateau:  # fmt: skip
    """All steps `factor` times as long, each time the loss has not fallen for `patience` looks.

    It stands after an optimiser in a chain, and keeps its factor on the learning rate in its
    state, as `scale`; never below `min_scale`. It must be told losses: `Transform.step` and
    `fit` do so at every step, your own loop by `state = optimizer.observe(loss, state)`.
    A look is at the mean of `every` losses: give the steps of an epoch to judge by epochs.
    A loss is better below best·(1 - threshold), or with "abs" below best - threshold; after a
    reduction, `cooldown` looks count for nothing.
    Raises: UsageError for an option outside its range.
    Source: PyTorch's ReduceLROnPlateau, as a transform.

    >>> import numpy as np, chainrule as cr
    >>> careful = cr.optim.reduce_on_plateau(factor=0.5, patience=1)
    >>> optimizer = cr.optim.chain(cr.optim.SGD(lr=1.0), careful)
    >>> w = np.array([1.0])
    >>> state = optimizer.init(w)
    >>> for loss in (3.0, 3.0, 3.0):
    ...     state = optimizer.observe(loss, state)
    >>> optimizer.update(np.array([2.0]), state, w)[0]
    array([-1.])
    """
    return ReduceOnPlateau(factor, patience, threshold, threshold_mode, cooldown, min_scale, every)
