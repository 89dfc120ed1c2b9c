"""`Trainer`: a network in training, which can be asked to go on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from inspect import signature
from typing import Any, Never

import numpy as np

from ..graph.errors import DataError, UsageError
from ..graph.spelling import counted
from ..nn.losses import loss_named
from ..nn.module import Module, generator
from ..optim import Adam, accumulate, chain, clip_by_norm, clip_by_value
from .batches import Examples, checked_order, parts_of
from .callbacks.hooks import Callbacks
from .callbacks.record import Recorder
from .callbacks.stopping import early, watchable
from .checks import check_metrics, refuse_folder, refuse_unknown
from .course import Course
from .data.sources import Stream
from .examples import examples, parts
from .history import History
from .interrupt import Interrupt
from .metrics import metric_named
from .metrics.judging import judged, predictions
from .run import Run, several
from .state import from_state, state_of
from .terms import terms_of

BATCH = 32  # examples in a step, where nothing else is said


class Trainer:
    """A network in training: it can be trained further, step by step, and judged.

    `loss`, `optimizer`, `metrics` and `callbacks` are those of `chainrule.fit`. `clip` holds the
    norm of all gradients together at a number, or every element within a pair (low, high);
    `accumulate` is how many batches make a step. `penalty(model, total)` is a number added to the
    loss of every batch, with `total` the batch's sum of weights. `watch=False` leaves out the
    gradients' norms and the health of the layers.
    `model` is the network, trained in place; `history` has a row for every epoch there was.

    >>> import chainrule as cr
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> model = cr.nn.Sequential(cr.nn.Linear(1, 16), cr.nn.Tanh(), cr.nn.Linear(16, 1))
    >>> trainer = Trainer(model, optimizer=cr.optim.Adam(lr=0.05), metrics=["r2"])
    >>> history = trainer.fit(X, X ** 2, epochs=50)
    >>> len(trainer.fit(X, X ** 2, epochs=50))
    100
    >>> trainer.evaluate(X, X ** 2)["r2"] > 0.9
    True
    """

    def __init__(
        self, model: Module, loss: Any = "mse", optimizer: Any = None, *,
        metrics: Sequence[Any] = (), callbacks: Sequence[Any] = (), seed: Any = 0,
        clip: Any = None, accumulate: int = 1, penalty: Any = None, watch: bool = True,
        compiled: bool | None = None, **unknown: Never,
    ):  # fmt: skip
        if unknown:
            refuse_unknown("Trainer", unknown, signature(Trainer).parameters)
        given = Adam() if optimizer is None else optimizer
        self.loss = loss_named(loss)
        self.run = Run(
            model, self.loss, _assembled(given, clip, accumulate), generator(seed), penalty
        )
        self.metrics = [metric_named(m, self.loss) for m in several(metrics)]
        self.callbacks, self.watch, self.compiled = several(callbacks), watch, compiled
        self.model = model
        self.history = History(model, self.run.rows)
        self.asked = 0  # epochs, in all calls
        self.course: Course | None = None  # the last call of fit
        self.divided: dict[str, Any] = {}  # the random numbers that first drew a held-out share

    def fit(
        self, X: Any, y: Any = None, *, epochs: int = 10, batch_size: int | None = None,
        shuffle: Any = True, sample_weight: Any = None, class_weight: Any = None,
        validation: Any = None, early_stopping: Any = None, progress: bool = False,
        record: int | bool = False, checkpoint: Any = None, **unknown: Never,
    ) -> History:  # fmt: skip
        """Train for so many epochs more, and return the history of all there were.

        See `chainrule.fit`. Called again it goes on, with the optimiser as it stands; the same
        share of the same examples is held out.
        """
        if unknown:
            refuse_unknown("fit", unknown, signature(self.fit).parameters)
        size = BATCH if batch_size is None else batch_size
        for name, value, least in (("batch_size", size, 1), ("epochs", epochs, 0)):
            if not isinstance(value, (int, np.integer)) or value < least:
                raise UsageError(f"fit: {name}={value!r}; give a whole number, {least} or more")
        order = checked_order(shuffle)
        refuse_folder(checkpoint)
        whole = examples(self.run, X, y, sample_weight, class_weight)
        data, held_out = parts(self.run, whole, validation, self._dividing)
        self._refuse(data, batch_size, size)
        check_metrics(self.metrics, self.loss, data)
        recorder = [Recorder(record)] if record is not False else []
        stopping = early(early_stopping)
        watchable([*stopping, *self.callbacks], self.metrics, held_out is not None)
        if checkpoint is not None:
            self.run.terms = terms_of(
                self.run, whole, held_out, batch_size=size, shuffle=order, class_weight=class_weight
            )
        with _bar(progress) as bar, Interrupt() as interrupt:
            told = Callbacks((*recorder, *stopping, *self.callbacks, *([bar] if bar else [])))
            self.course = Course(
                self.run, self.history, self.metrics, data, held_out,
                until=self.asked + int(epochs), size=int(size), order=order, callbacks=told,
                checkpoint=checkpoint, interrupt=interrupt, watch=self.watch,
                compiled=self.compiled,
            )  # fmt: skip
            self._train(self.course, recorder)
        return self.history

    def _train(self, course: Course, recorder: list[Recorder]) -> None:
        """Train to the end; the model has the parameters after that, whatever ends it."""
        history = self.history
        history.interrupted, history.diverged = False, None
        try:
            course.begin()
            history.recording = recorder[0].recording if recorder else None
            course.go()
        finally:
            self.model.adopt(self.run.snapshot())
            self.asked = min(course.until, self.run.epoch)

    def _dividing(self) -> np.random.Generator:
        """What draws the examples to hold out: the same in every call, or some would be seen."""
        if self.divided:
            return from_state(self.divided)
        self.divided = state_of(self.run.rng)
        return self.run.rng

    def _refuse(self, data: Any, asked: int | None, size: int) -> None:
        """Refuse a size for what comes in batches, and too small a one for the optimiser."""
        stream = isinstance(data, Stream)
        if stream and asked is not None:
            raise UsageError(
                f"fit: batch_size={asked}, but the batches come ready made; leave it out, and make "
                "them of this size"
            )
        if self.run.optimizer.full_batch and (stream or size < len(data)):
            many = "all examples" if stream else f"all {counted(len(data), 'example')}"
            raise UsageError(
                f"fit: {type(self.run.optimizer).__name__} needs {many} in every step; give "
                f"{'arrays' if stream else f'batch_size={len(data)}'}"
            )

    def step(self, x: Any, t: Any, weight: Any = None) -> float:
        """One step on one batch; the loss before it. The model has the new parameters at once."""
        data = examples(self.run, x, t, weight)
        value, _, _ = self.run.step(*data.batch(np.arange(len(data))))
        self.model.adopt(self.run.snapshot())
        return float(value)

    def predict(self, X: Any, batch_size: int = 1024) -> np.ndarray:
        """What the network answers, in evaluation mode; only a batch's activations are held."""
        x = np.asarray(X)
        model, dtype = self.run.model(self.run.params), self.run.dtype
        with np.errstate(all="ignore"):
            made = [np.asarray(model(x[rows].astype(dtype)))
                    for rows in parts_of(len(x), batch_size)]  # fmt: skip
        return np.concatenate(made) if made else np.asarray(model(x.astype(dtype)))

    def evaluate(self, X: Any, y: Any = None, sample_weight: Any = None) -> dict[str, Any]:
        """The loss and the metrics on these examples."""
        data = examples(self.run, X, y, sample_weight)
        if isinstance(data, Examples) and not len(data):
            raise DataError("evaluate: no examples to judge by")
        made = predictions(self.run.model(self.run.params), data)
        return judged(self.loss, self.metrics, data, *made)


def _assembled(optimizer: Any, clip: Any, batches: int) -> Any:
    """The optimiser with clipping before it, and one step in so many batches."""
    if clip is not None:
        largest: Any = clip
        both = isinstance(clip, (tuple, list)) and len(clip) == 2
        held = clip_by_value(*largest) if both else clip_by_norm(largest)
        optimizer = chain(held, optimizer)
    return optimizer if batches == 1 else accumulate(optimizer, batches)


def _bar(progress: bool) -> Any:
    if not progress:
        return nullcontext()
    from .callbacks.progress import ProgressBar

    return ProgressBar()
