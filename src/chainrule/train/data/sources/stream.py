"""Batches that come one after the other: no length, no order but their own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from ....graph.errors import DataError, ShapeError, UsageError
from ....graph.spelling import told_type
from .checks import Names, check, numbers, paired
from .kinds import Change, Examples


class Stream:
    """Batches (x, t) from an iterator, a generator, a loader, or a function that makes one.

    Iterating gives the batches of one epoch, checked and in the model's dtype. What can be
    iterated but once serves one epoch; a function is called anew for each.

    >>> batches = Stream(lambda: ((np.ones((2, 3)), np.zeros(2)) for _ in range(4)), np.float32)
    >>> sum(len(t) for _, t in batches), sum(len(t) for _, t in batches)
    (8, 8)
    """

    in_memory = False
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __init__(self, batches: Any, dtype: Any, change: Change | None = None):
        self.batches, self.dtype, self.change = batches, np.dtype(dtype), change
        self.once = not callable(batches) and iter(batches) is batches
        self._ahead: list = []  # what was looked at of a stream that is read but once
        self._begun = False
        self._shape: tuple[int, ...] | None = None

    @property
    def first(self) -> Examples:
        """The first batch; it is not lost to the epoch that follows.

        Raises: DataError where there is none.
        """
        found = self._ahead[0] if self._ahead else next(self._opened(), None)
        if found is None:
            raise DataError("fit: no examples to train on: there is no batch")
        if self.once and not self._ahead:
            self._ahead = [found]
        return self._batch(0, found)

    def retargeted(self, change: Change) -> Stream:
        """The same batches, their targets put through `change`."""
        made = Stream(self.batches, self.dtype, change)
        made._ahead = self._ahead
        return made

    def __iter__(self) -> Iterator[Examples]:
        if self.once and self._begun:
            raise DataError(
                "fit: the batches were an iterator, and one epoch has used it up; give a function "
                "that makes a new one for each epoch: lambda: batches()"
            )
        self._begun = True
        ahead, self._ahead = self._ahead, []
        for k, batch in enumerate(chain(ahead, self._opened())):
            yield self._batch(k, batch)

    def _opened(self) -> Iterator:
        made: Any = self.batches() if callable(self.batches) else self.batches
        try:
            return iter(made)
        except TypeError:
            raise UsageError(
                f"fit: the function for batches returned {type(made).__name__}; it must return "
                "an iterator of (x, t)"
            ) from None

    def _batch(self, k: int, batch: Any) -> Examples:
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            found = f"{len(batch)} things" if isinstance(batch, (tuple, list)) else (
                told_type(batch)
            )  # fmt: skip
            raise DataError(f"fit: batch {k} is {found}; each must be a pair (x, t)")
        try:
            x, t = numbers("X", batch[0]), numbers("y", batch[1])
            paired(x, t)
            for name, a in (("X", x), ("y", t)):
                check(name, a, self.dtype, Names())
        except DataError as error:
            told = str(error).partition("\n  made at")[0].removeprefix("fit: ")
            raise DataError(f"fit: batch {k}: {told}") from None
        self._same_shape(k, x)
        if t.dtype.kind == "f":
            t = t.astype(self.dtype, copy=False)
        return x.astype(self.dtype, copy=False), self.change(t) if self.change else t

    def _same_shape(self, k: int, x: np.ndarray) -> None:
        self._shape = self._shape or x.shape[1:]
        if x.shape[1:] != self._shape:
            raise ShapeError(
                f"fit: batch {k} has examples of {x.shape[1:]}, the first has {self._shape}"
            )
