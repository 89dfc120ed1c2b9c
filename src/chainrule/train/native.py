"""An epoch on machine code: its calls, what each is handed, and what comes out of it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from ..eager.tensor import WATCHER
from ..graph.errors import ChainruleError, UsageError
from ..nn.mode import named_layers
from ..transform.trees import tree_leaves
from .batches import Ahead, Examples
from .data.sources import Stream
from .epoch import Stretch
from .objective import by_example
from .run import Run
from .state import from_state, state_of
from .stepping import (
    BYTES,
    CALL,
    LEAST,
    Batches,
    Call,
    Drawn,
    Stepper,
    calls,
    stepper,
    worth,
)

FEWEST = 16  # steps for which looking at their work is worth while
IN_PLACE = 1 << 22  # bytes of parameters and state from which no call leaves the old ones be
ROUND = 64  # the data in memory have a multiple of so many rows
COPIED = 1 << 24  # bytes up to which they are copied for that
LITTLE = 4_000_000  # operations that a step may have more for it
STARTS = attrgetter("start")


class Layout(NamedTuple):
    """What is the same of a call in every epoch: how many examples its steps have, and weights."""

    filled: int  # rows put in to fill the last of the even steps, which weigh nothing
    counts: list[int]  # examples of each step
    examples: int  # of all
    ones: tuple[Any, Any]  # weights of the even steps' rows and of the last one's
    totals: list[float]  # the weight of each step


class NativeEpochs:
    """The epochs of one training on these examples, as machine code."""

    def __init__(self, run: Run, data: Examples, size: int, watch: bool, each_step: bool):
        self.run, self.data = run, data
        if run.stepper is None or run.stepper.watch != watch:
            run.stepper = stepper(run.objective, run.optimizer, run.names, watch)
        self.stepper: Stepper = run.stepper
        self.padded = by_example(run.model(run.params), run.objective.loss)
        self.like = data.source.take(np.zeros(1, np.int64))
        self.drawn: dict[Any, Drawn] = {}  # by the number of examples in a step, and weights
        self.layouts: dict[tuple, Layout] = {}
        self.weighs = data.weight is not None
        self.size = self._size(size)
        self.weighs |= self.padded and len(data) % self.size != 0
        need = self._drawn(self.size)
        self.work = need.work
        self.limit = 1 if each_step else self._limit(need.bytes)
        held = sum(a.nbytes for a in (*run.params, *tree_leaves(run.state))
                   if isinstance(a, np.ndarray))  # fmt: skip
        self.in_place = held > IN_PLACE
        self.draws = bool(need.masks.asked)
        self.step = self.stepper.compiled[self.in_place]
        self.ready = False  # whether a first call has shown that it can be traced
        self.ahead = Ahead(data.source)
        if data.source.in_memory:
            self.x, self.t = map(_rounded, (data.source.x, data.source.t))

    def _size(self, size: int) -> int:
        """How many rows a batch has: where one holds all the examples, as many as the data are
        rounded to, so that other numbers of them share the machine code, if it costs little."""
        count = len(self.data)
        if count > size:
            return size
        more = -count % ROUND
        need = self._drawn(count)
        shares = self.padded and not need.masks.asked and need.work * more <= LITTLE * count
        return count + more if shares else count

    def _limit(self, masks: int) -> int:
        """How many steps one call may take."""
        held = masks + (0 if self.data.source.in_memory else self.like[0].nbytes * self.size)
        by_memory = BYTES // held if held else CALL
        return max(1, min(CALL // (self.work + LEAST), by_memory))

    def _drawn(self, count: int) -> Drawn:
        """What a step of so many examples needs."""
        key = count, self.weighs
        if key not in self.drawn:
            run = self.run
            x, t = (np.empty((count, *a.shape[1:]), a.dtype) for a in self.like)
            w = np.ones(count, run.dtype) if self.weighs else None
            self.drawn[key] = self.stepper.need(run.params, x, t, w, run.amount)
        return self.drawn[key]

    def next(self) -> Stretch | None:
        """The next call's steps of the epoch under way; None at its end."""
        run = self.run
        whole = calls(len(run.order), self.size, self.limit, self.padded)
        k = bisect_left(whole, run.at, key=STARTS)
        return self.call(*whole[k : k + 2]) if k < len(whole) else None

    def call(self, call: Call, after: Call | None = None) -> Stretch:
        """The steps of one call; examples from a file for the one after it are read meanwhile."""
        run = self.run
        layout = self._layout(call)
        x, t, rows, last = self._window(call, after)
        weights, totals = self._weights(call, layout)
        before = None if self.ready else state_of(run.rng)
        many = self._batches(rows, weights[0]) if call.steps else None
        tail = self._batches(last, weights[1]) if call.last else None
        try:
            made = self.step(run.params, run.state, x, t, run.amount, many, tail)
        except ChainruleError:
            if before is not None:
                run.rng = from_state(before)
            raise
        self.ready = True
        return self._taken(made, layout, totals)

    def _layout(self, call: Call) -> Layout:
        size = self.size
        filled = max(0, call.start + call.steps * size - len(self.run.order))
        key = call.steps, call.last, filled
        if key not in self.layouts:
            whole, part = divmod(call.steps * size - filled, size)
            counts = [size] * whole + [n for n in (part, call.last) if n]
            ones: tuple[Any, Any] = (None, None)
            if self.weighs and self.data.weight is None:
                one = self.run.dtype.type(1)
                ones = np.full((call.steps, size), one), np.full(call.last, one)
                ones[0].reshape(-1)[call.steps * size - filled :] = 0
            self.layouts[key] = Layout(filled, counts, sum(counts), ones, [*map(float, counts)])
        return self.layouts[key]

    def _rows(self, call: Call, filled: int) -> tuple[np.ndarray, np.ndarray]:
        """Which examples a call is about, and the last batch's; what fills it is its last one."""
        order, end = self.run.order, call.start + call.steps * self.size - filled
        rows = order[call.start : end]
        if filled:
            rows = np.empty(len(rows) + filled, order.dtype)
            rows[:-filled] = order[call.start : end]
            rows[-filled:] = order[end - 1]
        return rows, order[end : end + call.last]

    def _window(self, call: Call, after: Call | None) -> tuple:
        """The data to gather from, and where in it the batches' rows are, and the last batch's."""
        rows, last = self._rows(call, self._layout(call).filled)
        shape = (call.steps, self.size)
        if self.data.source.in_memory:
            return self.x, self.t, rows.reshape(shape), last
        coming = [] if after is None else [self._rows(after, self._layout(after).filled)]
        x, t = self.ahead.take(*map(np.concatenate, [(rows, last), *coming]))
        places = np.arange(len(x))
        return x, t, places[: len(rows)].reshape(shape), places[len(rows) :]

    def _weights(self, call: Call, layout: Layout) -> tuple[Any, list[float]]:
        """The weights of the batches' rows and of the last one's, and each step's weight."""
        given = self.data.weight
        if given is None:
            return layout.ones, layout.totals
        rows, last = self._rows(call, layout.filled)
        many = given[rows].reshape(call.steps, self.size)
        if layout.filled:
            many.reshape(-1)[-layout.filled :] = 0
        totals = many.sum(1, dtype=np.float64).tolist()
        tail = given[last]
        return (many, tail), totals + [float(tail.sum(dtype=np.float64))] * bool(call.last)

    def _batches(self, rows: np.ndarray, weights: Any) -> Batches:
        planned = self._drawn(rows.shape[-1]).masks
        if not planned.asked:
            return Batches(rows, weights, [])
        if rows.ndim == 1:
            return Batches(rows, weights, planned.drawn(self.run.rng))
        steps = [planned.drawn(self.run.rng) for _ in range(len(rows))]
        return Batches(rows, weights, [np.stack(masks) for masks in zip(*steps, strict=True)])

    def _taken(self, made: tuple, layout: Layout, totals: list[float]) -> Stretch:
        run = self.run
        run.params, run.state, after, many, final = made
        values, norms = [], []
        if many is not None:
            found, norm, seen = many
            values += found.tolist()
            norms += [] if norm is None else [norm.sum(0, dtype=np.float64)]
            for k in range(len(values) if seen else 0):
                run.observe(_step_of(seen, k))
        if final is not None:
            values.append(float(final[0]))
            norms += [] if final[1] is None else [final[1].astype(np.float64)]
            run.observe(final[2])
        run.steps += len(values)
        run.at += layout.examples
        summed = np.sum(norms, axis=0) if norms else None
        return Stretch(layout.counts, totals, values, summed, after)


def _rounded(a: np.ndarray) -> np.ndarray:
    """The examples with rows at the end that nobody reads, so that a few more or fewer of them,
    as in the folds of a cross-validation, are served by the same machine code."""
    more = -len(a) % ROUND
    if not more or a.nbytes > COPIED:
        return np.ascontiguousarray(a)
    return np.concatenate([a, np.zeros((more, *a.shape[1:]), a.dtype)])


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
    if wanted and isinstance(data, Stream):
        raise UsageError("fit: compiled=True, but batches from an iterator are trained op by op")
    if wanted is False or isinstance(data, Stream) or run.optimizer.full_batch:
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


def searched(run: Run, data: Any, steps: int, wanted: bool | None) -> Callable | None:
    """The loss of all examples and its gradients as machine code, for an optimiser that asks for
    them where it likes; None where that does not pay, or cannot be."""
    if not run.optimizer.full_batch or wanted is False or (wanted is None and _without()):
        return None
    known = stepper(run.objective, run.optimizer, run.names, False)
    try:
        x, t, w = data.batch(np.arange(len(data)))
        need = known.need(run.params, x, t, w, run.amount)
    except ChainruleError:  # eagerly the same step says what is wrong, if something is
        return None
    moved = any(hasattr(layer, "moved") for _, layer in named_layers(run.model(run.params)))
    if moved or need.masks.asked:
        return None
    evaluations = steps * getattr(run.optimizer, "max_iter", 1)
    return known.measured if wanted or worth(evaluations, need.work) else None


def _without() -> bool:
    """Whether there is no machine code here, or somebody looks at every value."""
    from ..read.native.machine.engine import missing

    return bool(missing()) or WATCHER.get() is not None
