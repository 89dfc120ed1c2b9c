"""A training that is no longer finite: where it began, and the model from before."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from ..graph.errors import ChainruleError, NotFiniteError
from ..graph.spelling import listed
from ..study.finite import finite
from ..transform.trees import tree_leaves, tree_map
from .epoch import Stepwise
from .run import Run
from .state import copied, from_state, state_of

LARGEST = 1 << 26  # bytes of optimiser state that are kept beside the parameters
LONGEST = 500  # steps that are done again to find the op
SHOWN = 4  # parameters named


class TrainingWarning(UserWarning):
    """Something about a training that it does not fail at, but that is seldom meant."""


class LastFinite:
    """A training as it was at the beginning of an epoch, once its order was drawn.

    Its arrays are the training's own, which no step writes into, or `copies` where steps do.
    Where no step `draws`, the random numbers stand at the end of the epoch as they stood before.
    """

    def __init__(self, run: Run, *, copies: bool = False, draws: bool = True):
        size = sum(x.nbytes for x in tree_leaves(run.state) if isinstance(x, np.ndarray))
        self.params, self.structure = run.params, run.structure
        self.state = run.state if size <= LARGEST else None
        if copies:
            self.params = [np.array(p) for p in self.params]
            self.state = tree_map(copied, self.state)
        self.rng, self.order = state_of(run.rng) if draws else None, run.order
        self.epoch, self.at = run.epoch, run.at

    def back(self, run: Run) -> None:
        """Take the training back to this moment; the counts stay."""
        run.params, run.structure = list(self.params), self.structure
        run.state = run.optimizer.init(run.params) if self.state is None else self.state


def is_finite(run: Run, loss: float) -> bool:
    """Whether the loss of an epoch, and all parameters after it, are finite numbers."""
    with np.errstate(all="ignore"):
        return isfinite(loss) and all(map(_all_finite, run.params))


def _all_finite(p: np.ndarray) -> bool:
    flat = p.reshape(-1)
    # Quickly found, and finite only where all elements are.
    return isfinite(flat.dot(flat)) or bool(np.isfinite(p).all())


def diverged(run: Run, last: LastFinite, data: Any, size: int, bad: int) -> str:
    """Take a training back to where it was finite; what happened since, in words.

    `bad` is the step of the epoch whose loss was the first that is not finite, or 0.
    """
    epoch = last.epoch + 1
    wrong = [n for n, p in zip(run.names, run.params, strict=True) if not np.isfinite(p).all()]
    last.back(run)
    told = f"fit: the training diverged in epoch {epoch}"
    told += f": the loss of step {bad} is not finite" if bad else ""
    told += f"; NaN or Inf in {listed(wrong, SHOWN)}" if wrong else ""
    op = _first_op(run, last, data, size, bad) if last.state is not None else ""
    told += f"\n  first: {op}" if op else ""
    kept = f"it was after epoch {last.epoch}" if last.epoch else "it was before training"
    return f"{told}\n  it ends here, with the model as {kept}; try a smaller lr, or clip="


def _first_op(run: Run, last: LastFinite, data: Any, size: int, bad: int) -> str:
    """The op that made the first NaN or Inf, found by doing the epoch's steps again, op by op."""
    if not len(last.order) or last.at or not 0 < bad <= LONGEST:
        return ""
    place = run.rng, run.steps, run.order, run.at
    run.order, run.at = last.order, 0
    if last.rng is not None:
        run.rng = from_state(last.rng)
    again, found = Stepwise(run, data, size, False), ""
    try:
        with finite():
            for _ in range(bad):
                again.next()
    except NotFiniteError as error:
        found = str(error)
    except ChainruleError:
        pass  # what the sentinel cannot look into says nothing
    finally:
        last.back(run)
        run.rng, run.steps, run.order, run.at = place
    return found
