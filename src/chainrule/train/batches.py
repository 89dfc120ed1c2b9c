"""Batches: the examples that are trained on, and in which order an epoch goes through them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

import numpy as np

from ..graph.errors import UsageError
from ..graph.spelling import counted

ORDERS = ("random", "stratified", "balanced")
Batch = tuple[np.ndarray, np.ndarray, np.ndarray | None]


@dataclass
class Examples:
    """What is trained on or judged: a source of inputs and targets, and weights if there are any.

    `weight` counts in the loss, `counted` in the metrics: there classes have no weights.
    """

    source: Any
    weight: np.ndarray | None = None  # (n,), in the model's dtype
    counted: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.source)

    def batch(self, rows: np.ndarray) -> Batch:
        """Inputs, targets and weights of these rows."""
        return (*self.source.take(rows), None if self.weight is None else self.weight[rows])

    def part(self, rows: np.ndarray) -> Examples:
        """Some of the examples, with their weights."""
        cut = [None if w is None else w[rows] for w in (self.weight, self.counted)]
        return Examples(self.source.part(rows), *cut)

    def targets(self) -> np.ndarray:
        """All targets."""
        if self.source.in_memory:
            return self.source.t
        return np.concatenate([self.source.take(part)[1] for part in parts_of(len(self), 1 << 16)])


class Ahead:
    """Examples of a source, of which the next are fetched while these are computed with."""

    def __init__(self, source: Any):
        self.source = source
        self.coming: tuple | None = None  # the thread, its rows, and what it has found

    def take(self, rows: np.ndarray, after: np.ndarray | None = None) -> tuple:
        """Inputs and targets of `rows`; those of `after` are fetched from now on."""
        found: Any = None
        if self.coming is not None:
            thread, asked, made = self.coming
            thread.join()
            # An error is not kept: fetched again, it is raised where the rows are asked for.
            found = made[0] if made and np.array_equal(asked, rows) else None
            self.coming = None
        if found is None:
            found = self.source.take(rows)
        if after is not None:
            made = []
            thread = Thread(target=self._fetch, args=(after, made), daemon=True)
            self.coming = thread, after, made
            thread.start()
        return found

    def _fetch(self, rows: np.ndarray, made: list) -> None:
        with suppress(Exception):
            made.append(self.source.take(rows))


def parts_of(count: int, size: int) -> list[np.ndarray]:
    """The numbers from 0 to `count` in parts of `size`."""
    return [np.arange(k, min(k + size, count)) for k in range(0, count, size)]


def order_of(
    kind: Any, count: int, rng: np.random.Generator, labels: Callable[[], np.ndarray]
) -> np.ndarray:
    """The order in which an epoch goes through `count` examples; `kind` is fit's `shuffle`.

    True or "random": by chance. False: as they stand. "stratified": by chance, and every batch
    has each class in its share of all. "balanced": every batch has all classes alike, so those
    of a rare class come several times and some of a common one not at all in an epoch. A function
    is asked for the order of so many.

    >>> labels = np.array([0] * 6 + [1] * 2)
    >>> order = order_of("stratified", 8, np.random.default_rng(0), lambda: labels)
    >>> sorted(order.tolist()), [int(labels[order[k : k + 4]].sum()) for k in (0, 4)]
    ([0, 1, 2, 3, 4, 5, 6, 7], [1, 1])
    >>> order = order_of("balanced", 8, np.random.default_rng(0), lambda: labels)
    >>> [int(labels[order[k : k + 4]].sum()) for k in (0, 4)]
    [2, 2]
    """
    if callable(kind):
        return _asked(kind, count)
    if kind is False:
        return np.arange(count)
    if kind is True or kind == "random":
        return rng.permutation(count)
    found = labels()
    groups = [np.flatnonzero(found == c) for c in np.unique(found)]
    sizes = [len(g) for g in groups]
    if kind == "balanced":
        places = rng.permutation(len(groups))  # which classes get what does not divide
        sizes = [count // len(groups) + int(k < count % len(groups)) for k in places]
    drawn, at = [], []
    for group, size in zip(groups, sizes, strict=True):
        rounds = [rng.permutation(group) for _ in range(-(-size // len(group)))]
        drawn.append(np.concatenate([group[:0], *rounds])[:size])
        at.append((np.arange(size) + rng.random()) / max(size, 1))
    return np.concatenate(drawn)[np.argsort(np.concatenate(at), kind="stable")]


def _asked(kind: Callable, count: int) -> np.ndarray:
    order = np.asarray(kind(count))
    if order.ndim != 1 or order.dtype.kind not in "iu" or not order.size:
        raise UsageError(
            f"fit: shuffle returned {order.dtype} {order.shape} for {counted(count, 'example')}; "
            "it must return their numbers, in the order to train in"
        )
    if order.min() < 0 or order.max() >= count:
        raise UsageError(
            f"fit: shuffle returned numbers from {order.min()} to {order.max()}; the examples "
            f"are 0 to {count - 1}"
        )
    return order.astype(np.int64, copy=False)


def checked_order(kind: Any) -> Any:
    """`shuffle`, if it is one of the ways there are.

    Raises: UsageError for another word.
    """
    if isinstance(kind, np.bool_):
        return bool(kind)
    if isinstance(kind, bool) or callable(kind) or kind in ORDERS:
        return kind
    words = ", ".join(map(repr, ORDERS))
    raise UsageError(f"fit: shuffle={kind!r}; give True, False, {words}, or a function")
