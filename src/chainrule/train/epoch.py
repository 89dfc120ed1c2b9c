"""One epoch: every batch once, and the figures that come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from ..eager.tensor import leaf
from ..graph.errors import DataError
from ..study import health
from .batches import Ahead
from .data.sources import Stream
from .run import Run

PROBE = 256  # examples on which dead and saturated units are counted


class Stretch(NamedTuple):
    """Some steps: each one's number of examples, their weight, its loss; the layers' norms,
    summed over the steps; the last one's gradients and updates."""

    counts: list[int]
    weights: list[float]
    losses: list[float]
    norms: np.ndarray | None
    last: tuple | None


def add(run: Run, made: Stretch) -> None:
    """Count a stretch to the figures of the epoch, which are plain data in `run.sums`."""
    sums = run.sums
    loss, weighed = sums.get("loss", 0.0), sums.get("weight", 0.0)
    before = by_count = sums.get("by_count", 0.0)
    for value, weight, count in zip(made.losses, made.weights, made.counts, strict=True):
        if weight:
            loss += value * weight
        weighed += weight
        by_count += value * count
    if "bad" not in sums and not isfinite(by_count - before):
        bad = [k for k, value in enumerate(made.losses, start=1) if not isfinite(value)]
        sums |= {"bad": sums.get("steps", 0) + bad[0]} if bad else {}
    sums |= {
        "loss": loss, "weight": weighed, "by_count": by_count,
        "examples": sums.get("examples", 0) + sum(made.counts),
        "steps": sums.get("steps", 0) + len(made.losses),
    }  # fmt: skip
    if made.norms is not None:
        sums["norms"] = made.norms + sums.get("norms", 0.0)


def row_of(run: Run) -> dict[str, Any]:
    """The mean loss, the speed and the layers' mean gradient norms of the epoch."""
    sums = run.sums
    seconds = sums.get("seconds", 0.0)
    row = {
        "loss": sums["loss"] / sums["weight"] if sums.get("weight") else 0.0, "seconds": seconds,
        "examples_per_second": sums.get("examples", 0) / seconds if seconds else 0.0,
    }  # fmt: skip
    if sums.get("by_count") != sums.get("loss") and isfinite(row["loss"]):
        row["batch_loss"] = sums["by_count"] / sums["examples"]  # whatever the batches weigh
    if "norms" in sums:
        layers = health.by_layer(dict.fromkeys(run.names))
        norms = zip(layers, sums["norms"].tolist(), strict=True)
        row["gradient_norms"] = {k: norm / sums["steps"] for k, norm in norms}
    return row


def health_of(run: Run, x: np.ndarray, gradients: list, updates: list) -> dict[str, dict]:
    """How the gradients of the last step fare, layer by layer."""
    units = health.units(run.model([leaf(p) for p in run.params]), x)
    triples = dict(zip(run.names, zip(gradients, updates, run.params, strict=True), strict=True))
    found = {}
    for layer, parts in health.by_layer(triples).items():
        size = {k: health.norm([p[k] for p in parts]) for k in range(3)}
        zeros = sum(int((p[0] == 0).sum()) for p in parts) / sum(p[0].size for p in parts)
        found[layer] = {
            "norm": size[0], "ratio": size[1] / size[2] if size[2] else None, "zero": zeros,
            "dead": None, "saturated": None, **units.get(layer, {}),
        }  # fmt: skip
    return found


class Stepwise:
    """The steps of an epoch, op by op."""

    def __init__(self, run: Run, data: Any, size: int, watch: bool):
        self.run, self.data, self.size, self.watch = run, data, size, watch
        self.stream: Any = None
        self.ahead = None if isinstance(data, Stream) else Ahead(data.source)

    def next(self) -> Stretch | None:
        """The next step of the epoch under way; None at its end."""
        run = self.run
        batch = self._streamed() if isinstance(self.data, Stream) else self._batch()
        if batch is None:
            return None
        x, t, w = batch
        value, gradients, updates = run.step(x, t, w)
        run.at += len(x)
        norms = None
        if self.watch:
            named = dict(zip(run.names, gradients, strict=True))
            norms = np.array(list(health.norms(named).values()))
        weight = float(len(x)) if w is None else float(w.sum(dtype=np.float64))
        last = (gradients, updates) if self.watch else None
        return Stretch([len(x)], [weight], [float(value)], norms, last)

    def _batch(self) -> Any:
        order, at, size = self.run.order, self.run.at, self.size
        rows, after = order[at : at + size], order[at + size : at + 2 * size]
        if not len(rows):
            return None
        if self.ahead is None or self.data.source.in_memory:
            return self.data.batch(rows)
        weight = self.data.weight
        found = self.ahead.take(rows, after if len(after) else None)
        return (*found, None if weight is None else weight[rows])

    def _streamed(self) -> Any:
        if self.stream is None:
            self.stream = self._taken_up()
        found = next(self.stream, None)
        if found is None:
            self.stream = None
            return None
        return (*found, None)

    def _taken_up(self) -> Iterator:
        """The batches of the epoch under way, less those that a training taken up again has had."""
        stream, done = iter(self.data), 0
        while done < self.run.at:
            batch = next(stream, None)
            if batch is None:
                break
            done += len(batch[0])
        if done != self.run.at:
            raise DataError(
                f"fit: the training stopped after {self.run.at} examples of an epoch, and no batch "
                "ends there now; make the batches as they were, or begin anew in another folder"
            )
        return stream


def epoch(
    run: Run, data: Any, advance: Callable[[], Stretch | None], tell: Any, between: Callable
) -> tuple[dict[str, Any], Callable[[], dict] | None]:
    """The rest of the epoch under way: its row, and what looks at the health of the layers.

    `between` is called between stretches.
    """
    before = perf_counter() - run.sums.get("seconds", 0.0)
    last = None
    while (made := advance()) is not None:
        add(run, made)
        run.sums["seconds"] = perf_counter() - before
        last = made.last
        if tell.each_step:
            for loss in made.losses:
                tell.step({"epoch": run.epoch + 1, "step": run.sums["steps"], "loss": loss})
        if run.at < len(run.order) or isinstance(data, Stream):  # not between a step and its row
            between()
    row = row_of(run)
    if last is None or isinstance(data, Stream):
        return row, None
    x, _ = data.source.take(run.order[:PROBE])
    return row, lambda: health_of(run, x, *last)
