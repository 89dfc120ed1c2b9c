"""When a fit ends: scikit-learn's rules, told of every epoch, and what it shows of them."""

from __future__ import annotations

from typing import Any
from warnings import warn

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ..graph.spelling import counted
from .solvers import with_rate

SMALLEST = 1e-6  # an adaptive rate below this ends the fit
SHRINKS = 5.0


class Progress:
    """A callback that keeps an estimator's figures and ends its fit where nothing improves.

    `score(model)` judges the network on examples held out; without it the training loss counts.
    """

    def __init__(self, estimator: Any, score: Any = None, *, once: bool = False):
        self.of, self.score, self.once = estimator, score, once
        self.run: Any = None
        self.best: list[np.ndarray] = []
        self.rate = estimator.learning_rate_init
        self.late = self.interrupted = False

    def on_start(self, run: Any, x: Any, t: Any, epochs: int) -> None:
        """Remember whose epochs these are."""
        self.run, self.examples = run, len(x)
        self.best = [np.array(p) for p in run.params]

    def on_end(self, history: Any) -> None:
        """Remember whether it was stopped by hand."""
        self.interrupted = history.interrupted

    def on_epoch(self, row: dict[str, Any]) -> None:
        """Count, judge, show, and raise StopIteration where it is enough."""
        of = self.of
        of.n_iter_ += 1
        of.t_ += self.examples
        of.loss_ = row.get("batch_loss", row["loss"])
        of.loss_curve_.append(of.loss_)
        self._say(f"Iteration {of.n_iter_}, loss = {of.loss_:.8f}")
        self._improved(row)
        self._scheduled()
        if of._no_improvement_count > of.n_iter_no_change:
            if self._ended():
                raise StopIteration
            of._no_improvement_count = 0
        self.late = of.n_iter_ == of.max_iter

    def tell(self, diverged: str | None = None) -> None:
        """Warn of a fit that ended before it was enough, once the warning reaches its user."""
        kind = type(self.of).__name__
        if diverged:
            self.of.validation_scores_.append(np.nan)
            warn(f"{kind}: the best network is kept; {diverged}", ConvergenceWarning, stacklevel=5)
        elif self.interrupted:
            warn(f"{kind}: training was interrupted by the user", stacklevel=5)
        elif self.late and not self.once:
            warn(
                f"{kind}: after {counted(self.of.max_iter, 'epoch')} (max_iter) it still improves; "
                "the network has not converged",
                ConvergenceWarning, stacklevel=5,
            )  # fmt: skip

    def _improved(self, row: dict[str, Any]) -> None:
        of = self.of
        if self.score is not None:
            row["val_score"] = found = self.score(self.run.model(self.run.params))
            of.validation_scores_ = [*(of.validation_scores_ or ()), found]
            self._say(f"Validation score: {found:f}")
        if not of.early_stopping:
            worse = of.loss_ > of.best_loss_ - of.tol
            of.best_loss_ = min(of.best_loss_, of.loss_)
        else:
            worse = found < of.best_validation_score_ + of.tol
            if found > of.best_validation_score_:
                of.best_validation_score_ = found
                self.best = [np.array(p) for p in self.run.params]
        of._no_improvement_count = of._no_improvement_count + 1 if worse else 0

    def _scheduled(self) -> None:
        of = self.of
        if of.solver == "sgd" and of.learning_rate == "invscaling":
            self._turn(of.learning_rate_init / (of.t_ + 1) ** of.power_t)

    def _turn(self, rate: float) -> None:
        self.rate = float(rate)
        self.run.state = with_rate(self.run.state, self.rate)

    def _ended(self) -> bool:
        of = self.of
        what = "Validation score" if of.early_stopping else "Training loss"
        told = (
            f"{what} did not improve more than tol={of.tol:f} for {of.n_iter_no_change} "
            "consecutive epochs."
        )
        if of.solver != "sgd" or of.learning_rate != "adaptive":
            self._say(f"{told} Stopping.")
            return True
        if self.rate <= SMALLEST:
            self._say(f"{told} Learning rate too small. Stopping.")
            return True
        self._turn(self.rate / SHRINKS)
        self._say(f"{told} Setting learning rate to {self.rate:f}")
        return False

    def _say(self, text: str) -> None:
        if self.of.verbose and self.of.verbose != "bar":
            print(text)


class Orders:
    """The order of every epoch, as scikit-learn shuffles: the last one shuffled again."""

    def __init__(self, rng: np.random.RandomState, shuffle: bool):
        self.rng, self.shuffle = rng, shuffle
        self.last: np.ndarray | None = None

    def __call__(self, count: int) -> np.ndarray:
        if self.last is None:
            self.last = np.arange(count)
        if self.shuffle:
            drawn = np.arange(count)
            self.rng.shuffle(drawn)
            self.last = self.last[drawn]
        return self.last
