"""An epoch on machine code: its calls, what each is handed, and what comes out of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..eager.tensor import WATCHER
from ..graph.errors import ChainruleError, UsageError
from ..nn.mode import named_layers
from .batches import Ahead, Examples
from .epoch import Stretch
from .metrics.judging import BATCH
from .objective import by_example
from .run import Run
from .state import from_state, state_of
from .stepping import (
    BYTES,
    CALL,
    LEAST,
    Batches,
    Call,
    Stepper,
    calls,
    stepper,
    worth,
    worth_answering,
)

FEWEST = 16  # steps for which looking at their work is worth while


class NativeEpochs:
    """The epochs of one training on these examples, as machine code."""

    def __init__(self, run: Run, data: Examples, size: int, watch: bool, each_step: bool):
        self.run, self.data, self.size = run, data, size
        if run.stepper is None or run.stepper.watch != watch:
            run.stepper = stepper(run.objective, run.optimizer, run.names, watch)
        self.stepper: Stepper = run.stepper
        self.padded = by_example(run.model(run.params), run.objective.loss)
        self.weighs = data.weight is not None or (self.padded and len(data) % size != 0)
        rows = np.zeros(min(size, len(data)), np.int64)
        x, t = data.source.take(rows)
        self.row_bytes = x.nbytes // len(rows)
        w = np.ones(len(rows), run.dtype) if self.weighs else None
        need = self.stepper.need(run.params, x, t, w, run.amount)
        self.work = need.work
        self.limit = 1 if each_step else self._limit(need.bytes)
        self.ready = False  # whether a first call has shown that it can be traced
        self.ahead = Ahead(data.source)
        if data.source.in_memory:
            self.x, self.t = (np.ascontiguousarray(a) for a in (data.source.x, data.source.t))

    def _limit(self, masks: int) -> int:
        """How many steps one call may take."""
        held = masks + (0 if self.data.source.in_memory else self.row_bytes * self.size)
        by_memory = BYTES // held if held else CALL
        return max(1, min(CALL // (self.work + LEAST), by_memory))

    def plan(self) -> list[Call]:
        """The calls that are left of the epoch under way."""
        whole = calls(len(self.run.order), self.size, self.limit, self.padded)
        return [c for c in whole if c.start >= self.run.at]

    def next(self) -> Stretch | None:
        """The next call's steps of the epoch under way; None at its end."""
        left = self.plan()
        return self.call(left[0], left[1] if left[1:] else None) if left else None

    def call(self, call: Call, after: Call | None = None) -> Stretch:
        """The steps of one call; examples from a file for the one after it are read meanwhile."""
        run = self.run
        x, t, rows, last = self._window(call, after)
        weights = self._weights(call)
        before = None if self.ready else state_of(run.rng)
        many = self._batches(rows, weights[0], x, t) if call.steps else None
        tail = self._batches(last, weights[1], x, t) if call.last else None
        try:
            made = self.stepper.compiled(run.params, run.state, x, t, run.amount, many, tail)
        except ChainruleError:
            if before is not None:
                run.rng = from_state(before)
            raise
        self.ready = True
        return self._taken(made, call, weights)

    def _rows(self, call: Call) -> tuple[np.ndarray, np.ndarray, int]:
        """Which examples a call is about, the last batch's, and how many are put in to fill it."""
        order, size = self.run.order, self.size
        end = min(call.start + call.steps * size, len(order))
        rows = order[call.start : end]
        filled = call.steps * size - len(rows)
        rows = np.concatenate([rows, np.repeat(rows[-1:], filled)]) if filled else rows
        return rows, order[end : end + call.last], filled

    def _window(self, call: Call, after: Call | None) -> tuple:
        """The data to gather from, and where in it the batches' rows are, and the last batch's."""
        rows, last, _ = self._rows(call)
        shape = (call.steps, self.size)
        if self.data.source.in_memory:
            return self.x, self.t, rows.reshape(shape), last
        whole = [np.concatenate(self._rows(c)[:2]) for c in (call, after) if c is not None]
        x, t = self.ahead.take(*whole)
        places = np.arange(len(x))
        return x, t, places[: len(rows)].reshape(shape), places[len(rows) :]

    def _weights(self, call: Call) -> list:
        """The weights of the batches' rows and of the last one's: 0 for those that fill it."""
        if not self.weighs:
            return [None, None]
        rows, last, filled = self._rows(call)
        given = self.data.weight
        made = [np.ones(len(r), self.run.dtype) if given is None else given[r]
                for r in (rows, last)]  # fmt: skip
        if filled:
            made[0][-filled:] = 0
        return made

    def _batches(self, rows: np.ndarray, weights: Any, x: np.ndarray, t: np.ndarray) -> Batches:
        run = self.run
        shape = rows.shape[-1:]
        w = None if weights is None else weights.reshape(rows.shape)
        like, t = (np.empty((*shape, *a.shape[1:]), a.dtype) for a in (x, t))
        one = None if w is None else np.empty(shape, w.dtype)
        planned = self.stepper.need(run.params, like, t, one, run.amount).masks
        if not planned.asked:
            return Batches(rows, w, [])
        if rows.ndim == 1:
            return Batches(rows, w, planned.drawn(run.rng))
        steps = [planned.drawn(run.rng) for _ in range(len(rows))]
        return Batches(rows, w, [np.stack(masks) for masks in zip(*steps, strict=True)])

    def _taken(self, made: tuple, call: Call, weights: list) -> Stretch:
        run, size = self.run, self.size
        run.params, run.state, after, told, final = made
        counts, values, norms, weighed = [], [], [], []
        if told is not None:
            done = min(call.start + call.steps * size, len(run.order)) - call.start
            counts += [size] * (done // size) + ([done % size] if done % size else [])
            values += told[0].tolist()
            norms += [] if told[1] is None else [told[1].sum(0, dtype=np.float64)]
            weighed += _sums(weights[0], (call.steps, size)) or map(float, counts)
            for k in range(call.steps if told[2] else 0):
                run.observe(_step_of(told[2], k))
        if final is not None:
            counts, values = [*counts, call.last], [*values, float(final[0])]
            norms += [] if final[1] is None else [final[1].astype(np.float64)]
            weighed = [*weighed, *(_sums(weights[1], (1, call.last)) or [float(call.last)])]
            run.observe(final[2])
        run.steps += len(values)
        run.at += sum(counts)
        return Stretch(counts, weighed, values, np.sum(norms, axis=0) if norms else None, after)


class Answers:
    """A model's answers as machine code, in batches of one size; op by op where it cannot be."""

    def __init__(self, native: NativeEpochs, size: int):
        self.native, self.size, self.compiled = native, size, True

    def __call__(self, x: np.ndarray) -> Any:
        run = self.native.run
        if self.compiled:
            more = np.repeat(x[-1:], self.size - len(x), axis=0)
            whole = np.concatenate([x, more]) if len(more) else x
            try:
                return self.native.stepper.answers(run.params, whole)[: len(x)]
            except ChainruleError:  # eagerly it says what is wrong, if something is
                self.compiled = False
        return run.model(run.params)(x)


def answers(native: NativeEpochs | None, data: Any, epochs: int) -> Answers | None:
    """What judges these examples in every epoch, where compiling it pays.

    A model with running statistics is another one after every step, so it is judged op by op.
    """
    if native is None or not isinstance(data, Examples) or not len(data):
        return None
    run = native.run
    layers = named_layers(run.model(run.params))
    if any(hasattr(layer, "moved") for _, layer in layers):
        return None
    parts = -(-len(data) // BATCH)
    size = -(-len(data) // parts)
    work = native.work * size // (3 * min(native.size, len(native.data)))
    return Answers(native, size) if worth_answering(epochs * parts, work) else None


def _sums(weights: Any, shape: tuple[int, int]) -> list | None:
    return None if weights is None else weights.reshape(shape).sum(1, dtype=np.float64).tolist()


def _step_of(seen: dict, k: int) -> dict:
    """What batch normalisations saw in one of the steps."""
    return {name: [tuple(part[k] for part in one) for one in batches]
            for name, batches in seen.items()}  # fmt: skip


def native_epochs(
    run: Run, data: Any, size: int, steps: int, watch: bool, each_step: bool, wanted: bool | None
) -> NativeEpochs | None:
    """The epochs as machine code; None where they are run op by op, as `wanted` and work say.

    Raises: with `wanted`, whatever keeps it from being traced.
    """
    possible = isinstance(data, Examples) and not run.optimizer.full_batch
    if wanted and not possible:
        raise UsageError(
            "fit: compiled=True, but batches from an iterator, and L-BFGS, are trained op by op"
        )
    if wanted is False or not possible:
        return None
    if wanted is None and (steps < FEWEST or _without()):
        return None
    try:
        found = NativeEpochs(run, data, size, watch, each_step)
    except ChainruleError:  # eagerly the same step says what is wrong, if something is
        if wanted:
            raise
        return None
    return found if wanted or worth(steps, found.work) else None


def _without() -> bool:
    """Whether there is no machine code here, or somebody looks at every value."""
    from ..read.native.engine import missing

    return bool(missing()) or WATCHER.get() is not None
