"""One call of `fit`, from where the training stands to its last epoch, whatever ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..graph import caller
from ..graph.errors import ChainruleError
from .answering import Answers, answers
from .batches import order_of
from .callbacks.hooks import Callbacks, Enough
from .data.sources import Stream
from .divergence import LastFinite, TrainingWarning, diverged, is_finite
from .epoch import Stepwise, Stretch, epoch
from .examples import class_numbers
from .history import History
from .interrupt import Interrupt
from .metrics.judging import judged, measured, predictions
from .native import NativeEpochs, native_epochs, searched
from .run import Run

# Steps on machine code between two looks at the health of the layers: a look takes longer than
# many a step there, and a count makes the rows the same every time.
LOOK = 64
SHOWN = 1024  # examples that callbacks are shown where not all are in memory


@dataclass
class Course:
    """One call of `fit`: what it trains on, in which batches, who hears of it, how it is done."""

    run: Run
    history: History
    metrics: list
    data: Any
    held_out: Any
    until: int  # epochs, in all calls
    size: int  # of a batch
    order: Any  # fit's `shuffle`
    callbacks: Callbacks
    checkpoint: Any
    interrupt: Interrupt
    watch: bool  # whether the gradients' norms and the health of the layers are looked at
    compiled: bool | None  # whether the steps must be machine code, or must not; None: as it pays
    native: NativeEpochs | None = field(default=None, init=False)
    health: Callable[[], dict] | None = field(default=None, init=False)  # of the last epoch
    kept: tuple[int, int] = field(default=(0, 0), init=False)  # epochs and steps, when last saved

    def begin(self) -> None:
        """Tell the callbacks, and take up again what a checkpoint has kept."""
        run, data = self.run, self.data
        if isinstance(data, Stream):
            x, t = data.first
        elif data.source.in_memory:
            x, t = data.source.x, data.source.t
        else:
            x, t = data.source.take(np.arange(min(len(data), SHOWN)))
        run.callbacks = self.callbacks
        run.order, run.at, run.sums = run.order[:0], 0, {}  # an epoch that was ended is not gone on
        self.callbacks.start(run, x, t, self.until)
        if self.checkpoint is not None:
            self.checkpoint.begin(run)
        self.kept = run.epoch, run.steps

    def go(self) -> None:
        """All epochs that are left; the history says what ended them, if something did."""
        self._prepare()
        run, history = self.run, self.history
        try:
            while run.epoch < self.until and not self.callbacks.enough:
                self._epoch()
                self._between()
            self._save_last()
        except Enough:
            self._look_back()
            if history.diverged is None:  # what diverged is not gone on with
                self._save_last()
        except KeyboardInterrupt:
            history.interrupted = True
            if self.interrupt.calm:
                self._save_last()
        self._look_back()
        self.callbacks.end(history)

    def _prepare(self) -> None:
        """What takes the steps, and what judges them: as machine code, where that pays."""
        run, data, size = self.run, self.data, self.size
        steps = 0 if isinstance(data, Stream) else self.until * -(-len(data) // size)
        self.native = native_epochs(
            run, data, size, steps, self.watch, self.callbacks.each_step, self.compiled
        )
        self.steps_do = {} if self.native is None else {
            "copies": self.native.in_place, "draws": self.native.draws
        }  # fmt: skip
        run.searched = searched(run, data, steps, self.compiled)
        self.stepwise = Stepwise(run, data, size, self.watch)
        self.judges = [answers(self.native, d, self.until) for d in (data, self.held_out)]

    def _between(self) -> None:
        """What is done between two stretches of steps, where nothing is half done."""
        if self.checkpoint is not None and self.checkpoint.due(self.run):
            self._save()
        self.interrupt.check()

    def _save_last(self) -> None:
        """Save where it ends, so that it can be gone on with from there."""
        if self.checkpoint is not None and self.kept != (self.run.epoch, self.run.steps):
            self._save()

    def _save(self) -> None:
        self.checkpoint.save(self.run.capture())
        self.kept = self.run.epoch, self.run.steps

    def _epoch(self) -> None:
        """An epoch, or the rest of one that was taken up again: its steps, figures and row."""
        run, data = self.run, self.data
        if not len(run.order) and not isinstance(data, Stream):
            run.order = order_of(self.order, len(data), run.rng, lambda: class_numbers(data))
        before = LastFinite(run, **self.steps_do)
        row = {"epoch": run.epoch + 1, "epochs": self.until}
        steps = run.steps - run.sums.get("steps", 0)
        found, self.health = epoch(run, data, self._advance, self.callbacks, self._between)
        row |= found
        bad = run.sums.get("bad", 0)
        run.order, run.at, run.sums, run.epoch = run.order[:0], 0, {}, run.epoch + 1
        sound = is_finite(run, row["loss"])
        last = run.epoch == self.until or not sound
        if self.native is None or last or run.steps // LOOK > steps // LOOK:
            self._look(row)
        row |= self._judged() if sound else {}
        self.history.add(row)
        if not sound:
            self.history.diverged = diverged(run, before, data, self.size, bad)
            caller.warn(self.history.diverged, TrainingWarning)
        self.callbacks.epoch(row)
        if not sound:
            raise Enough

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

    def _look_back(self) -> None:
        """Look at the layers after the last epoch there was: its row always has it."""
        if len(self.history):
            self._look(self.history.last)

    def _look(self, row: dict[str, Any]) -> None:
        """Put the health of the layers into the row of an epoch."""
        if self.health is not None:
            row["health"], self.health = self.health(), None

    def _judged(self) -> dict[str, Any]:
        """The figures of an epoch besides its loss."""
        run, data, held_out = self.run, self.data, self.held_out
        whole = run.model(run.params)
        found = {}
        if self.metrics and not isinstance(data, Stream):
            found |= measured(self.metrics, *_predicted(self.judges[0], whole, data), data)
        if held_out is not None:
            made = _predicted(self.judges[1], whole, held_out)
            scores = judged(run.loss, self.metrics, held_out, *made)
            found |= {f"val_{name}": value for name, value in scores.items()}
        return found


def _predicted(judge: Answers | None, model: Any, data: Any) -> tuple[np.ndarray, np.ndarray]:
    if judge is None:
        return predictions(model, data)
    return predictions(judge, data, judge.size)
