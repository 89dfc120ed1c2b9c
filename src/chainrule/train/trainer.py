"""`Trainer`: a network in training, which can be asked to go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from inspect import signature
from typing import Any, Never

import numpy as np

from ..graph import caller
from ..graph.errors import ChainruleError, DataError, UsageError
from ..nn.losses import loss_named
from ..nn.module import Module, generator
from ..optim import Adam, accumulate, chain, clip_by_norm, clip_by_value
from .batches import Examples, checked_order, order_of, parts_of
from .callbacks.hooks import Callbacks, Enough
from .callbacks.record import Recorder
from .callbacks.stopping import early, watchable
from .checks import check_metrics, refuse_folder, refuse_unknown
from .data.sources import Stream
from .divergence import Sound, TrainingWarning, diverged, is_finite
from .epoch import Stepwise, Stretch, epoch
from .examples import class_numbers, examples, parts
from .history import History
from .interrupt import Interrupt
from .metrics import metric_named
from .metrics.judging import judged, measured, predictions
from .native import Answers, NativeEpochs, answers, native_epochs
from .run import Run, several

# Steps on machine code between two looks at the health of the layers: a look takes longer than
# many a step there, and a count makes the rows the same every time.
LOOK = 64


@dataclass
class Course:
    """One call of fit: what it trains on, in which batches, and who hears of it."""

    data: Any
    held_out: Any
    size: int
    order: Any
    tell: Callbacks
    checkpoint: Any
    interrupt: Interrupt

    def keep(self, run: Run) -> None:
        """Save the training, if it is time."""
        if self.checkpoint is not None and self.checkpoint.due(run):
            self.checkpoint.save(run.capture())

    def between(self, run: Run) -> None:
        """What is done between two stretches of steps, where nothing is half done."""
        self.keep(run)
        self.interrupt.check()


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
        self.native: NativeEpochs | None = None
        self.health: Callable[[], dict] | None = None  # looks at the layers after the last epoch

    def fit(
        self, X: Any, y: Any = None, *, epochs: int = 10, batch_size: int = 32,
        shuffle: Any = True, sample_weight: Any = None, class_weight: Any = None,
        validation: Any = None, early_stopping: Any = None, progress: bool = False,
        record: int | bool = False, checkpoint: Any = None, **unknown: Never,
    ) -> History:  # fmt: skip
        """Train for so many epochs more, and return the history of all there were.

        See `chainrule.fit`. Called again it goes on, with the optimiser as it stands.
        """
        refuse_unknown("fit", unknown, signature(self.fit).parameters)
        for name, value, least in (("batch_size", batch_size, 1), ("epochs", epochs, 0)):
            if not isinstance(value, (int, np.integer)) or value < least:
                raise UsageError(f"fit: {name}={value!r}; give a whole number, {least} or more")
        data = examples(self.run, X, y, sample_weight, class_weight)
        data, held_out = parts(self.run, data, validation, self.run.rng)
        self._refuse(data, batch_size)
        check_metrics(self.metrics, self.loss, data)
        recorder = [Recorder(record)] if record is not False else []
        stopping = early(early_stopping)
        watchable([*stopping, *self.callbacks], self.metrics, held_out is not None)
        order = checked_order(shuffle)
        refuse_folder(checkpoint)
        with _bar(progress) as bar, Interrupt() as interrupt:
            tell = Callbacks((*recorder, *stopping, *self.callbacks, *([bar] if bar else [])))
            course = Course(data, held_out, int(batch_size), order, tell, checkpoint, interrupt)
            self._train(course, int(epochs), recorder)
        return self.history

    def _train(self, course: Course, epochs: int, recorder: list[Recorder]) -> None:
        """So many epochs more, whatever ends them; the model has the parameters after that."""
        run, history, tell = self.run, self.history, course.tell
        self.asked += epochs
        history.interrupted, history.diverged = False, None
        try:
            self._start(course)
            history.recording = recorder[0].recording if recorder else None
            self._prepare(course, epochs)
            try:
                while run.epoch < self.asked and not tell.enough:
                    self._epoch(course)
                    course.between(run)
            except Enough:
                self._look_back()
                course.keep(run)
            except KeyboardInterrupt:
                history.interrupted = True
                if course.checkpoint is not None and course.interrupt.calm:
                    course.checkpoint.save(run.capture())
            self._look_back()
            tell.end(history)
        finally:
            self.model.adopt(run.snapshot())
            self.asked = min(self.asked, run.epoch)

    def _start(self, course: Course) -> None:
        """Tell the callbacks, and take up again what a checkpoint has kept."""
        run, data = self.run, course.data
        if isinstance(data, Stream):
            x, t = data.first
        elif data.source.in_memory:
            x, t = data.source.x, data.source.t
        else:
            x, t = data.source.take(np.arange(min(len(data), 1024)))
        run.callbacks = course.tell
        run.order, run.at, run.sums = run.order[:0], 0, {}  # an epoch that was ended is not gone on
        course.tell.start(run, x, t, self.asked)
        if course.checkpoint is not None:
            course.checkpoint.begin(run)
        if len(run.order) and (isinstance(data, Stream) or run.order.max() >= len(data)):
            raise DataError(
                f"fit: the checkpoint was made with other data: it has an order of "
                f"{len(run.order)} examples; give the same data, or another folder"
            )

    def _prepare(self, course: Course, epochs: int) -> None:
        """What takes the steps, and what judges them: as machine code, where that pays."""
        run, data, size = self.run, course.data, course.size
        steps = 0 if isinstance(data, Stream) else self.asked * -(-len(data) // size)
        self.native = native_epochs(
            run, data, size, steps, self.watch, course.tell.each_step, self.compiled
        )
        self.stepwise = Stepwise(run, data, size, self.watch)
        self.judges = [answers(self.native, d, epochs) for d in (data, course.held_out)]
        self.sound = Sound(run)

    def _refuse(self, data: Any, batch_size: int) -> None:
        """Refuse what an optimiser that needs all examples in a step cannot do."""
        if self.run.optimizer.full_batch and (isinstance(data, Stream) or batch_size < len(data)):
            many = "all examples" if isinstance(data, Stream) else f"all {len(data)} examples"
            raise UsageError(
                f"fit: {type(self.run.optimizer).__name__} needs {many} in every step; give "
                f"batch_size={'their number' if isinstance(data, Stream) else len(data)}"
            )

    def _epoch(self, course: Course) -> None:
        """An epoch, or the rest of one that was taken up again: its steps, figures and row."""
        run, data, tell = self.run, course.data, course.tell
        if not len(run.order) and not isinstance(data, Stream):
            run.order = order_of(course.order, len(data), run.rng, lambda: class_numbers(data))
        row = {"epoch": run.epoch + 1, "epochs": self.asked}
        before = run.steps - run.sums.get("steps", 0)
        found, self.health = epoch(run, data, self._advance, tell, lambda: course.between(run))
        row |= found
        order, bad = run.order, run.sums.get("bad", 0)
        run.order, run.at, run.sums, run.epoch = run.order[:0], 0, {}, run.epoch + 1
        sound = is_finite(run, row["loss"])
        last = run.epoch == self.asked or not sound
        if self.native is None or last or run.steps // LOOK > before // LOOK:
            self._look(row)
        row |= self._judged(data, course.held_out) if sound else {}
        self.history.add(row)
        if not sound:
            self.history.diverged = diverged(run, self.sound, data, course.size, order, bad)
            caller.warn(self.history.diverged, TrainingWarning)
        tell.epoch(row)
        if not sound:
            raise Enough
        self.sound = Sound(run)

    def _look_back(self) -> None:
        """The same for the last epoch there was: its row always has it."""
        if len(self.history):
            self._look(self.history.last)

    def _look(self, row: dict[str, Any]) -> None:
        """Put the health of the layers into the row of an epoch."""
        if self.health is not None:
            row["health"], self.health = self.health(), None

    def _advance(self) -> Stretch | None:
        """The next steps: natively, or step by step where it cannot be traced."""
        if self.native is not None:
            try:
                return self.native.next()
            except ChainruleError:
                if self.native.ready or self.compiled:
                    raise
                self.native = None  # eagerly the same step says what is wrong, if something is
        return self.stepwise.next()

    def _judged(self, data: Any, held_out: Any) -> dict[str, Any]:
        whole = self.run.model(self.run.params)
        found = {}
        if self.metrics and not isinstance(data, Stream):
            made = _predicted(self.judges[0], whole, data)
            found |= measured(self.metrics, *made, data)
        if held_out is not None:
            made = _predicted(self.judges[1], whole, held_out)
            scores = judged(self.loss, self.metrics, held_out, *made)
            found |= {f"val_{name}": value for name, value in scores.items()}
        return found

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


def _predicted(judge: Answers | None, model: Any, data: Any) -> tuple[np.ndarray, np.ndarray]:
    if judge is None:
        return predictions(model, data)
    return predictions(judge, data, judge.size)


def _bar(progress: bool) -> Any:
    if not progress:
        return nullcontext()
    from .callbacks.progress import ProgressBar

    return ProgressBar()
