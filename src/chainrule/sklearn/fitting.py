"""What all estimators share: from parameters and data to a trained network, by the Trainer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from warnings import catch_warnings, simplefilter, warn

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,  # pyright: ignore[reportPrivateUsage]
    validate_data,
)

from ..graph.errors import DataError, UsageError
from ..graph.spelling import counted, told_type
from ..train import Trainer, TrainingWarning
from ..train.data.sources import Arrays
from ..train.run import several
from ..transform.trees import tree_flatten, tree_map
from .lbfgs import search
from .network import arrays_of, in_dtype
from .objective import by_example, squares
from .parameters import Wanted, check
from .solvers import solver_of
from .stopping import Orders, Progress

FLOATS = (np.float64, np.float32)
AUTO_BATCH = 200
LARGE = 1000  # rows from which float64 data are trained on in float32, unless dtype says
WIDEST = 1e30  # numbers above this do not go into float32
ROWS = 4096  # that are predicted at once


class Estimator(BaseEstimator):
    """What all estimators share; a subclass says its losses, its targets and its network."""

    _losses: ClassVar[Wanted]

    if TYPE_CHECKING:  # parameters and figures are set by name

        def __getattr__(self, name: str) -> Any: ...

    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation: Any = None) -> Any:
        """Train on X (n, features), dense or sparse, and y, and return the estimator.

        `sample_weight` (n,) weighs the examples; `validation` is (X, y) to be judged by after
        every epoch, in the place of the share that `early_stopping` holds out.
        Raises: UsageError for a parameter, ValueError for data that cannot be trained on.
        """
        return self._fit(X, y, sample_weight, validation)

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, validation: Any = None, *, once: bool = False
    ) -> Any:
        check(self, self._losses)
        if once and self.early_stopping:
            raise UsageError("partial_fit does not support early_stopping=True: call fit")
        new = not hasattr(self, "model_") or not (self.warm_start or once)
        x, y = self._read(X, y, once, new)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, x)
        t, stratify = self._targets(y)
        rng = check_random_state(self.random_state)
        if new:
            self._begin(x, t, rng)
        counted, weight = weight, self._weighted(weight, y)
        if self.solver == "lbfgs":
            self._search(x, t, weight)
        else:
            self._train(x, y, t, stratify, counted, weight, validation, rng, once)
        if not all(np.isfinite(p.value).all() for p in self.model_.parameters()):
            raise DataError(_not_finite("the loss has no finite minimum"))
        return self

    def _weighted(self, weight: Any, y: Any) -> Any:
        """The weights of the examples in the loss."""
        return weight

    def _begin(self, x: Any, t: np.ndarray, rng: np.random.RandomState) -> None:
        """A new network, and figures that start at nothing."""
        self.n_iter_ = self.t_ = 0
        self.n_outputs_ = self._outputs(t)
        self.model_ = self._network(x, rng, self.dtype or x.dtype)
        self.__dict__.pop("_memory", None)
        if self.solver != "lbfgs":
            early = self.early_stopping
            self.loss_curve_, self._no_improvement_count = [], 0
            self.validation_scores_ = [] if early else None
            self.best_validation_score_ = -np.inf if early else None
            self.best_loss_ = None if early else np.inf

    def _trainer(self, x: Any, t: Any, dtype: Any, callbacks: tuple, rng: Any) -> Trainer:
        """The Trainer of a copy of the network in `dtype`, with the optimiser as it stood."""
        model = in_dtype(self.model_, dtype)
        first = lambda: arrays_of(model, dtype)(_dense(x[:2]).astype(dtype))  # noqa: E731
        loss = by_example(self._loss(), first, t[:2])
        return Trainer(
            model, loss, solver_of(self), callbacks=callbacks, clip=self.clip,
            penalty=(squares, float(self.alpha)) if self.alpha else None, watch=False,
            seed=rng.randint(np.iinfo(np.int32).max) if draws(model) else 0,
        )  # fmt: skip

    def _train(
        self, x: Any, y: Any, t: Any, stratify: Any, counted: Any, weight: Any, validation: Any,
        rng: np.random.RandomState, once: bool,
    ) -> None:  # fmt: skip
        kept, score = slice(None), None
        if validation is not None:
            score = self._scorer(*self._read_again(*_pair(validation)), None)
        elif self.early_stopping:
            kept, held = self._parted(len(t), stratify, rng)
            score = self._scorer(x[held], y[held], None if counted is None else counted[held])
        x, t, weight = x[kept], t[kept], None if weight is None else weight[kept]
        size = self._batch(len(t))
        dtype = self._computed_in(x, once)
        progress = Progress(self, score, once=once)
        trainer = self._trainer(x, t, dtype, (progress, *several(self.callbacks)), rng)
        if once and hasattr(self, "_memory"):
            resume(trainer.run, self._memory, dtype)
        self.n_iter_ = 0
        given = (Arrays(x, t), None) if once and _plain(x, t) else (x, t)
        with catch_warnings():
            simplefilter("ignore", TrainingWarning)  # of a loss that is not finite: raised below
            trainer.fit(
                *given, epochs=1 if once else self.max_iter, batch_size=size, sample_weight=weight,
                shuffle=Orders(rng, bool(self.shuffle)), progress=self.verbose == "bar",
            )  # fmt: skip
        if trainer.history.diverged and not self.early_stopping:
            raise DataError(_not_finite(trainer.history.diverged))
        progress.tell(trainer.history.diverged)
        run = trainer.run
        model = run.model(progress.best) if self.early_stopping else trainer.model
        self.model_ = in_dtype(model, self.dtype or x.dtype)
        self._memory, self.history_ = run.state, trainer.history
        self.history_.model = self.model_

    def _parted(self, count: int, stratify: Any, rng: Any) -> tuple[np.ndarray, np.ndarray]:
        """Which rows are trained on, and which are held out."""
        parts: Any = train_test_split(
            np.arange(count), random_state=rng, test_size=self.validation_fraction,
            stratify=stratify,
        )  # fmt: skip
        kept, held = parts
        if len(held) < 2:
            raise DataError(
                f"The validation set is too small: {len(held)} of {counted(count, 'example')}; "
                "raise 'validation_fraction', or give validation=(X, y)"
            )
        return kept, held

    def _batch(self, count: int) -> int:
        """How many examples a step takes: with batch norm so many that none is left alone."""
        size = AUTO_BATCH if self.batch_size == "auto" else self.batch_size
        while self.norm == "batch" and 1 < size < count and count % size == 1:
            size += 1
        if size > count and self.batch_size != "auto":
            warn(
                f"Got `batch_size` {self.batch_size}, and there are {count} examples: it is "
                "going to be clipped to their number", stacklevel=5,
            )  # fmt: skip
        return min(size, count)

    def _computed_in(self, x: Any, once: bool) -> Any:
        """The dtype that is trained in: that of the data, or float32 where they are many."""
        if self.dtype is not None:
            return np.dtype(self.dtype)
        if once or x.shape[0] < LARGE or x.dtype == np.float32:
            return x.dtype
        return x.dtype if abs(x).max() > WIDEST else np.dtype(np.float32)

    def _search(self, x: Any, t: Any, weight: Any) -> None:
        if draws(self.model_) or self.norm == "batch":
            raise UsageError(
                "solver='lbfgs' needs the same loss whenever it asks: use it without dropout and "
                "norm='batch'"
            )
        dtype = np.dtype(self.dtype or x.dtype)
        trainer = self._trainer(x, t, dtype, (), None)
        self.loss_, self.n_iter_ = search(self, trainer.run, _dense(x).astype(dtype), t, weight)
        self.model_ = trainer.run.snapshot()
        self.history_ = trainer.history
        self.history_.model = self.model_

    def _answers(self, model: Any, x: Any) -> np.ndarray:
        """What a network answers for x, before the activation of its output."""
        dtype = model_dtype(model)
        plain = arrays_of(model, dtype)
        made = x.dtype if self.dtype is None else dtype
        with np.errstate(all="ignore"):
            return np.concatenate([
                np.asarray(plain(_dense(x[k : k + ROWS]).astype(made, copy=False)))
                for k in range(0, x.shape[0], ROWS)
            ])  # fmt: skip

    def _inputs(self, X: Any) -> Any:
        return validate_data(self, X, accept_sparse=["csr"], dtype=FLOATS, reset=False)


def _not_finite(found: str) -> str:
    return (
        "the solver produced non-finite parameter weights; scale the data, say with "
        f"StandardScaler, or lower learning_rate_init; {found}"
    )


def draws(model: Any) -> bool:
    """Whether a network needs random numbers in training."""
    return hasattr(model, "p") or any(draws(child) for _, child in model.children())


def resume(run: Any, memory: Any, dtype: Any) -> None:
    """Go on with the optimiser as it stood, if it is the same one."""
    (old, then), (new, now) = tree_flatten(memory), tree_flatten(run.state)
    if then == now and [np.shape(a) for a in old] == [np.shape(b) for b in new]:
        run.state = tree_map(
            lambda a: a.astype(dtype) if isinstance(a, np.ndarray) and a.ndim else a, memory
        )


def model_dtype(model: Any) -> np.dtype:
    """The dtype of a network's parameters."""
    return np.dtype(tree_flatten(model)[0][0].dtype)


def in_steps(estimator: Any) -> bool:
    """Whether the solver takes steps, so that there can be a `partial_fit`."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit takes a step, and solver='lbfgs' sees all the data: fit")
    return True


def _plain(x: Any, t: np.ndarray) -> bool:
    """Whether these can be trained on as they stand: scikit-learn has checked what is in them."""
    return type(x) is np.ndarray and (t.dtype.kind != "f" or t.dtype == x.dtype)


def _dense(x: Any) -> np.ndarray:
    return x.toarray() if hasattr(x, "toarray") else x


def _pair(validation: Any) -> tuple[Any, Any]:
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise UsageError(
            f"fit: validation is {told_type(validation)}; give (X, y); for a share of X "
            "there are early_stopping=True and validation_fraction"
        )
    return validation[0], validation[1]
