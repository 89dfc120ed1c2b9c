"""Frames of pandas, Polars and PyArrow as columns, recognised without importing any of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....graph.errors import DataError
from ..tables.csvfile import Table

ROOTS = ("pandas", "polars", "pyarrow")


class Columns(dict[str, np.ndarray]):
    """Columns by name: arrays of numbers, or of objects where a column holds something else."""


def root_of(given: Any) -> str:
    """The package that the class of a thing comes from, of those whose frames are known."""
    names = (c.__module__.partition(".")[0] for c in type(given).__mro__)
    return next((n for n in names if n in ROOTS), "")


def is_frame(given: Any) -> bool:
    """Whether it is a table with named columns."""
    if not root_of(given) or len(getattr(given, "shape", ())) != 2:
        return False
    return hasattr(given, "columns") or hasattr(given, "column_names")


def is_series(given: Any) -> bool:
    """Whether it is one column of such a table."""
    return bool(root_of(given)) and hasattr(given, "to_numpy") and not is_frame(given)


def columns_of(frame: Any) -> Columns:
    """The columns of a frame.

    Raises: DataError for a name that is there twice.
    """
    if root_of(frame) == "pyarrow":
        named = list(zip(frame.column_names, frame.columns, strict=True))
    elif root_of(frame) == "polars":
        named = [(c.name, c) for c in frame.get_columns()]
    else:
        named = [(str(n), frame.iloc[:, k]) for k, n in enumerate(frame.columns)]
    found = Columns()
    for name, column in named:
        if name in found:
            raise DataError(f"fit: the column {name!r} is there twice; give each its own name")
        found[str(name)] = values(column)
    return found


def targets_of(y: Any) -> Any:
    """Targets from a series or a frame of several; anything else as it is."""
    if is_frame(y):
        parts = columns_of(y)
        for name, part in parts.items():
            _of_numbers(name, part)
        return np.stack(list(parts.values()), axis=1) if parts else np.zeros((len(y), 0))
    if is_series(y):
        return _of_numbers("y", values(y))
    return y


def _of_numbers(name: str, part: np.ndarray) -> np.ndarray:
    if part.dtype == object:
        raise DataError(
            f"fit: {name} holds {part[0]!r}; give real numbers: "
            "np.unique(y, return_inverse=True)[1] numbers the classes"
        )
    return part


def values(column: Any) -> np.ndarray:
    """The numbers of a column, NaN where one is missing; what is no number, as objects."""
    return as_numbers(READ[root_of(column)](column))


def _pandas(column: Any) -> np.ndarray:
    if getattr(column.dtype, "kind", "O") in "biuf" and column.isna().any():
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if getattr(column.dtype, "kind", "O") in "Mm":
        return column.astype(str).to_numpy(dtype=object)
    return column.to_numpy()


def _polars(column: Any) -> np.ndarray:
    kind = column.dtype
    if kind.is_decimal():
        column = column.cast(float)
    return column.to_numpy() if kind.is_numeric() else _objects(column.to_list())


def _pyarrow(column: Any) -> np.ndarray:
    return _objects(column.to_pylist()) if str(column.type) in _WORDS else column.to_numpy()


_WORDS = ("string", "large_string", "bool")
READ: dict[str, Callable[[Any], np.ndarray]] = {
    "pandas": _pandas, "polars": _polars, "pyarrow": _pyarrow,
}  # fmt: skip


def _objects(cells: list) -> np.ndarray:
    made = np.empty(len(cells), object)
    made[:] = cells
    return made


def as_numbers(a: np.ndarray) -> np.ndarray:
    """Objects that are all numbers or None as an array of numbers.

    >>> as_numbers(np.array([1, None], object)).tolist(), as_numbers(np.array(["a"], object)).dtype
    ([1.0, nan], dtype('O'))
    """
    if a.dtype.kind in "biuf":
        return a
    if a.dtype != object:
        return a.astype(str).astype(object)
    if not all(v is None or isinstance(v, (bool, int, float, np.number, np.bool_)) for v in a):
        return a
    if a.size and all(isinstance(v, (bool, np.bool_)) for v in a):
        return a.astype(bool)
    return np.array([np.nan if v is None else v for v in a], np.float64)


def table_of(frame: Any, source: str = "the frame") -> Table:
    """A frame as a table of text, to be prepared in the way CSV files are."""
    columns = columns_of(frame)
    told = {name: [_cell(v) for v in part.tolist()] for name, part in columns.items()}
    count = len(next(iter(told.values()), []))
    return Table(told, list(range(count)), source, word="row")


def _cell(value: Any) -> str:
    missing = value is None or value != value or str(value) in ("<NA>", "NaT")
    return "" if missing else str(value).strip()
