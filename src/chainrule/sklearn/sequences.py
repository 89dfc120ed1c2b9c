"""Sequences as arrays: all of one length, or of several, with a column that marks the last step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import nn
from ..graph.errors import DataError
from ..ops import astype, concat
from ..ops import sum as total

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "tanh": nn.RNN}


@nn.layer
class Reader(nn.Module):
    """Recurrent layers over a sequence, and a Linear layer of what the last holds at its end; of
    what it holds at both ends, where it reads the sequence backward too.

    Shapes: x (N, T, features) → (N, out); with one column more, that column is 1 in the last
    step of each sequence and 0 in all others, and the steps after it do not count.

    >>> reader = Reader((nn.GRU(2, 4, batch_first=True, seed=0),), (), nn.Linear(4, 1, seed=0))
    >>> x = np.ones((3, 5, 2), np.float32)
    >>> ended = np.zeros((3, 5, 1), np.float32)
    >>> ended[:, 1] = 1
    >>> with_ends = reader(np.concatenate([x, ended], axis=2))
    >>> np.allclose(with_ends.value, reader(x[:, :2]).value)
    True
    """

    cells: tuple
    dropouts: tuple
    head: nn.Linear

    def __call__(self, x: Any) -> Any:
        ends = None
        if x.shape[-1] > self.cells[0].input_size:
            x, ends = x[:, :, :-1], x[:, :, -1:]
        lengths = self._lengths(ends)
        for k, cell in enumerate(self.cells):
            x, _ = cell(x, lengths=lengths)
            x = self.dropouts[k](x) if k < len(self.dropouts) else x
        found = x[:, -1] if ends is None else total(x * ends, axis=1)
        if self.cells[-1].bidirectional:
            size = self.cells[-1].hidden_size
            found = concat([found[:, :size], x[:, 0, size:]], axis=1)
        return self.head(found)

    def _lengths(self, ends: Any) -> Any:
        """How many steps of each sequence count, for who begins at its end; else None."""
        if ends is None or not self.cells[0].bidirectional:
            return None
        places = np.arange(1, ends.shape[1] + 1, dtype=ends.dtype)[:, None]
        return astype(total(ends * places, axis=(1, 2)), np.int64)


def reader(
    cell: str, features: int, hidden: Sequence[int], outputs: int, rng: np.random.RandomState,
    dtype: Any, dropout: Sequence[float], bidirectional: bool,
) -> Reader:  # fmt: skip
    """Recurrent layers of these sizes, one upon the other, with weights drawn from `rng`."""
    ways = 1 + bidirectional
    sizes = [features, *(n * ways for n in hidden)]
    seeds = rng.randint(np.iinfo(np.int32).max, size=len(sizes))
    cells = tuple(
        CELLS[cell](
            a, b, batch_first=True, bidirectional=bidirectional, seed=int(seed), dtype=dtype
        )
        for a, b, seed in zip(sizes, hidden, seeds, strict=False)
    )
    dropouts = tuple(nn.Dropout(p) for p in dropout) if any(dropout) else ()
    return Reader(cells, dropouts, nn.Linear(sizes[-1], outputs, seed=int(seeds[-1]), dtype=dtype))


def axes(given: Any) -> int:
    """How many axes something has, without making an array of what is none."""
    shape = getattr(given, "shape", None)
    return len(shape) if shape is not None else np.ndim(given) if isinstance(given, list) else 2


def ragged(given: Any) -> list[np.ndarray] | None:
    """A list of sequences of different lengths as arrays (T, features); None for all else.

    Raises: DataError for one that is empty, that is no array of numbers, or that has other
    features than the first.
    """
    if not isinstance(given, (list, tuple, np.ndarray)) or not len(given):
        return None
    if isinstance(given, np.ndarray) and (given.dtype != object or given.ndim != 1):
        return None
    try:
        arrays = [np.asarray(one) for one in given]
    except ValueError:
        raise DataError("a sequence is no array of numbers (steps, features)") from None
    if len({a.shape for a in arrays}) == 1 or not all(a.ndim for a in arrays):
        return None
    return [_sequence(k, a, arrays[0]) for k, a in enumerate(arrays)]


def _sequence(k: int, a: np.ndarray, first: np.ndarray) -> np.ndarray:
    features = first.shape[-1] if first.ndim > 1 else 1
    a = a[:, None] if a.ndim == 1 else a
    if a.ndim != 2 or not len(a) or a.shape[1] != features or a.dtype.kind not in "biuf":
        raise DataError(
            f"sequence {k} is {a.dtype} {a.shape}; give numbers (steps, {features}), one step or "
            "more"
        )
    if not np.isfinite(a).all():
        raise DataError(f"sequence {k} contains NaN or infinity")
    return a


def padded(sequences: Sequence[np.ndarray], dtype: Any) -> np.ndarray:
    """Sequences (T, features) as one array (n, longest, features + 1), which marks their ends.

    >>> padded([np.array([[5.0], [6.0]]), np.array([[7.0]])], float).tolist()
    [[[5.0, 0.0], [6.0, 1.0]], [[7.0, 1.0], [0.0, 0.0]]]
    """
    longest, features = max(map(len, sequences)), sequences[0].shape[1]
    made = np.zeros((len(sequences), longest, features + 1), dtype)
    for row, one in zip(made, sequences, strict=True):
        row[: len(one), :-1] = one
        row[len(one) - 1, -1] = 1
    return made
