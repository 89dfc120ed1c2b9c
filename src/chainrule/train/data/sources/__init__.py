"""What is handed over to be trained on, whatever it is, as one thing to take examples from."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ....graph.errors import DataError, UsageError
from ....graph.spelling import told_type
from .checks import Names, check, numbers, paired
from .files import opened
from .frames import Columns, columns_of, is_frame, targets_of
from .kinds import Arrays, Part, Source, Stored, split
from .remarks import DataWarning, remarks, warned
from .stream import Stream
from .tabular import inputs

__all__ = ["Arrays", "DataWarning", "Part", "Source", "Stored", "Stream", "source", "split"]


def source(X: Any, y: Any = None, dtype: Any = np.float32) -> Source | Stream:
    """Examples to train on, checked: inputs in `dtype`, targets as they are if they are integers.

    `X` and `y` are arrays, lists, pandas or Polars frames and series; a memory-mapped array or
    the path of a `.npy` file, of which only batches are ever read; a SciPy sparse matrix. With a
    frame, or the path of a `.csv`, `.parquet` or `.npz` file, `y` may be the name of the target
    in it. Without `y`, `X` is an iterator of batches (x, t), or a function that makes one: that
    gives a `Stream`.
    Raises: DataError with rows and columns for what is no finite number, and for what does not
    pair up; UsageError for a name that is not there; MissingExtraError for Parquet without
    pyarrow. Warns, by `DataWarning`, of constant columns that have names.

    >>> found = source([[1, 2], [3, 4]], [0, 1])
    >>> len(found), found.x.dtype, found.t.dtype
    (2, dtype('float32'), dtype('int64'))
    """
    if isinstance(X, (Source, Stream)):
        if y is not None:
            raise UsageError(f"fit: X is {told_type(X)}, which has its targets; leave y out")
        return X
    if type(X).__name__ == "LazyFrame":
        raise UsageError("fit: X is a LazyFrame, which holds no data yet; write X.collect()")
    lines: Any = ()
    if isinstance(X, (str, PathLike)):
        X, y, lines = opened(X, y)
    if isinstance(y, (str, PathLike)) and not is_frame(X) and not isinstance(X, Columns):
        if not Path(y).suffix:
            raise UsageError(f"fit: y is {str(y)!r}, but the columns of X have no names")
        y, _, _ = opened(y, None)
    if is_frame(X) or isinstance(X, Columns):
        return _tabular(X, y, dtype, lines)
    if y is None:
        return Stream(_batches(X), dtype)
    t = targets_of(y)
    if hasattr(X, "toarray") and hasattr(X, "shape"):
        return _stored(X.tocsr(), numbers("y", t), dtype)
    if is_mapped(X) or is_mapped(y):
        return _stored(numbers("X", X), numbers("y", t), dtype)
    return _arrays(numbers("X", X), numbers("y", t), dtype)


def is_mapped(given: Any) -> bool:
    """Whether an array lies in a file and is read where it is touched.

    >>> is_mapped(np.ones(3))
    False
    """
    while isinstance(given, np.ndarray):
        if isinstance(given, np.memmap):
            return True
        given = given.base
    return False


def _arrays(x: np.ndarray, t: Any, dtype: Any) -> Arrays:
    paired(x, t)
    check("X", x, dtype, Names())
    t = _checked(t, dtype, Names())
    notes = remarks(list(x.T), dtype, Names()) if x.ndim == 2 else []
    return Arrays(x.astype(dtype, copy=False), t, (), tuple(notes))


def _checked(t: np.ndarray, dtype: Any, names: Names) -> np.ndarray:
    if t.dtype.kind != "f":
        return t
    check("y", t, dtype, names)
    return t.astype(dtype, copy=False)


def _stored(x: Any, t: np.ndarray, dtype: Any) -> Stored:
    paired(x, t)
    check("X", x, dtype, Names())
    if t.dtype.kind == "f":
        check("y", t, dtype, Names())
    return Stored(x, t, dtype)


def _tabular(X: Any, y: Any, dtype: Any, lines: Any) -> Arrays:
    columns, t, names = inputs(X if isinstance(X, Columns) else columns_of(X), y, X)
    called, t = Names(names, lines), numbers("y", t)
    x = np.stack(columns, axis=1)
    paired(x, t)
    check("X", x, dtype, called)
    t = _checked(t, dtype, Names((), lines))
    notes = warned(remarks(columns, dtype, called))
    return Arrays(x.astype(dtype, copy=False), t, names, tuple(notes))


def _batches(X: Any) -> Any:
    """What gives batches, or the error that says what is missing."""
    if isinstance(X, (list, tuple)):
        if X and all(isinstance(b, (tuple, list)) and len(b) == 2 for b in X):
            return X
    elif callable(X) or (hasattr(X, "__iter__") and not hasattr(X, "__array__")):
        return X
    raise DataError(
        f"fit: X is {type(X).__name__} and there is no y; give the targets, or batches (x, t) "
        "from an iterator or a function that makes one"
    )
