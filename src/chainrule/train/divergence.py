"""A training that is no longer finite: where it began, and the model from before."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import ChainruleError, NotFiniteError
from ..graph.spelling import listed
from ..study.finite import finite
from ..transform.trees import tree_flatten, tree_map
from .epoch import Stepwise
from .run import Run
from .state import copied, from_state, state_of

LARGEST = 1 << 26  # bytes of optimiser state that are kept beside the parameters
LONGEST = 500  # steps that are done again to find the op
SHOWN = 4  # parameters named


class TrainingWarning(UserWarning):
    """Something about a training that it does not fail at, but that is seldom meant."""


class Sound:
    """A training as it was at the last moment when all was finite."""

    def __init__(self, run: Run):
        leaves = tree_flatten(run.state)[0]
        size = sum(x.nbytes for x in leaves if isinstance(x, np.ndarray))
        self.params, self.structure = [np.array(p) for p in run.params], run.structure
        self.state = tree_map(copied, run.state) if size <= LARGEST else None
        self.rng = state_of(run.rng)
        self.epoch, self.at = run.epoch, run.at

    def back(self, run: Run) -> None:
        """Take the training back to this moment; the counts stay."""
        run.params, run.structure = [np.array(p) for p in self.params], self.structure
        run.state = run.optimizer.init(run.params) if self.state is None else (
            tree_map(copied, self.state)
        )  # fmt: skip


def is_finite(run: Run, loss: float) -> bool:
    """Whether the loss of an epoch, and all parameters after it, are finite numbers."""
    return bool(np.isfinite(loss)) and all(np.isfinite(p).all() for p in run.params)


def diverged(run: Run, sound: Sound, data: Any, size: int, order: np.ndarray, bad: int) -> str:
    """Take a training back to where it was finite; what happened since, in words.

    `bad` is the step of the epoch whose loss was the first that is not finite, or 0.
    """
    epoch = sound.epoch + 1
    wrong = [n for n, p in zip(run.names, run.params, strict=True) if not np.isfinite(p).all()]
    sound.back(run)
    told = f"fit: the training diverged in epoch {epoch}"
    told += f": the loss of step {bad} is not finite" if bad else ""
    told += f"; NaN or Inf in {listed(wrong, SHOWN)}" if wrong else ""
    op = _first_op(run, sound, data, size, order, bad) if sound.state is not None else ""
    told += f"\n  first: {op}" if op else ""
    kept = f"it was after epoch {sound.epoch}" if sound.epoch else "it was before training"
    return f"{told}\n  it ends here, with the model as {kept}; try a smaller lr, or clip="


def _first_op(
    run: Run, sound: Sound, data: Any, size: int, order: np.ndarray, bad: int
) -> str:  # fmt: skip
    """The op that made the first NaN or Inf, found by doing the epoch's steps again, op by op."""
    if not len(order) or sound.at or not 0 < bad <= LONGEST:
        return ""
    place = run.rng, run.steps, run.order, run.at
    run.rng, run.order, run.at = from_state(sound.rng), order, 0
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
        sound.back(run)
        run.rng, run.steps, run.order, run.at = place
    return found
