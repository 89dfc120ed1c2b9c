"""Columns with names as inputs and targets: which is the target, and which are no numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....graph.errors import DataError, UsageError
from ....graph.spelling import did_you_mean, listed
from .frames import Columns, targets_of


def inputs(columns: Columns, y: Any, frame: Any) -> tuple[list[np.ndarray], Any, tuple[str, ...]]:
    """The columns to train on, the targets and the columns' names.

    `y` is the name of a column, or the targets themselves.
    Raises: DataError for columns that are no numbers, UsageError for a name that is not there.
    """
    columns = Columns(columns)
    if y is None:
        raise UsageError(f"fit: which column is the target? y=NAME, one of {listed(list(columns))}")
    if isinstance(y, str):
        if y not in columns:
            advice = did_you_mean(y, columns, f"there are {listed(list(columns))}")
            raise UsageError(f"fit: there is no column {y!r} for y; {advice}")
        t = columns.pop(y)
        if t.dtype == object:
            raise DataError(
                f"fit: the target {y!r} holds {_first(t)}; number the classes, or let "
                f"chainrule.train.prepared(data, {y!r}) do it"
            )
    else:
        same_rows(frame, y)
        t = targets_of(y)
    words = [name for name, part in columns.items() if part.dtype == object]
    if words:
        told = listed([f"{n!r} ({_first(columns[n])})" for n in words])
        raise DataError(
            f"fit: no numbers in {'column' if len(words) == 1 else 'columns'} {told}; leave "
            "them out, or let chainrule.train.prepared(data, target) make columns of 0 and 1"
        )
    if not columns:
        raise DataError("fit: no column is left to learn from")
    return list(columns.values()), t, tuple(columns)


def _first(part: np.ndarray) -> str:
    found = next((v for v in part if isinstance(v, str) and v), None)
    told = repr(next((v for v in part if v is not None), None) if found is None else found)
    return told if len(told) <= 40 else told[:37] + "..."


def same_rows(X: Any, y: Any) -> None:
    """Refuse a pandas frame and series of the same rows in different orders.

    Raises: DataError.
    """
    a, b = getattr(X, "index", None), getattr(y, "index", None)
    if callable(a) or callable(b) or a is None or b is None or len(a) != len(b) or a.equals(b):
        return
    if a.is_unique and b.is_unique and not len(a.difference(b)):
        raise DataError(
            "fit: X and y have the same index in different orders, and rows are paired by place; "
            "write y.loc[X.index]"
        )
