"""Files of data by their names: .npy is mapped, .npz, .csv and .parquet are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ....graph.errors import DataError, MissingExtraError, UsageError
from ....graph.spelling import did_you_mean
from ..tables.csvfile import Table, is_missing, missing_file, read_csv
from ..tables.numerals import is_number, number_style, numbers
from .frames import Columns, columns_of, table_of

# What arrays are called in files of others, inputs first.
PAIRS = (
    ("X", "y"), ("x", "y"), ("x", "t"), ("X_train", "y_train"), ("x_train", "y_train"),
    ("data", "target"), ("features", "labels"), ("inputs", "targets"), ("images", "labels"),
)  # fmt: skip

Opened = tuple[Any, Any, Sequence[int]]  # X, y, and the line of every row where it has one


def opened(name: str | PathLike, y: Any) -> Opened:
    """What a file holds, as X and y.

    Raises: UsageError for another ending, DataError for a file that cannot be read.
    """
    path = Path(name)
    kind = kind_of_file(path)
    if not path.is_file():
        raise DataError(missing_file(path))
    return OPEN[kind](path, y)


def kind_of_file(path: Path) -> str:
    """The kind of a file, by its ending.

    Raises: UsageError for one that is not known.
    """
    ending = path.suffix.lower().removeprefix(".")
    found = ENDINGS.get(ending)
    if found is None:
        known = ", ".join(f".{e}" for e in ENDINGS)
        advice = did_you_mean(ending, ENDINGS, "") if ending else ""
        raise UsageError(
            f"{path}: the name must end in one of {known}" + (advice and f"; {advice}")
        )
    return found


def load_npy(path: Path) -> np.ndarray:
    """The array of a .npy file, mapped: only what is touched is read.

    Raises: DataError.
    """
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as an array: {_plain(error)}") from None


def load_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a .npz file by name.

    Raises: DataError.
    """
    try:
        with np.load(path) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile, KeyError, AttributeError) as error:
        raise DataError(f"{path}: cannot be read as arrays: {_plain(error)}") from None


def _plain(error: Exception) -> str:
    told = str(error).partition("\n")[0]
    return "it holds Python objects" if told.startswith("Object arrays") else told


def pair_of(path: Path, arrays: dict[str, np.ndarray], y: Any = None) -> tuple[Any, Any]:
    """Inputs and targets among the arrays of a file; `y` may name the targets.

    Raises: UsageError where it is not clear which is which.
    """
    told = ", ".join(f"{n} {a.shape}" for n, a in arrays.items()) or "nothing"
    if isinstance(y, str):
        if y not in arrays:
            advice = did_you_mean(y, arrays, f"there are {told}")
            raise UsageError(f"{path}: there is no array {y!r}; {advice}")
        named = [a for a, b in PAIRS if b == y and a in arrays and a != y]
        rest = named[:1] or [n for n in arrays if n != y]
        if len(rest) == 1:
            return arrays[rest[0]], arrays[y]
    elif y is None:
        for a, b in PAIRS:
            if a in arrays and b in arrays:
                return arrays[a], arrays[b]
    elif len(arrays) == 1:
        return next(iter(arrays.values())), y
    raise UsageError(
        f"{path}: which arrays are inputs and targets? It holds {told}; call them X and y"
    )


def read_parquet(path: Path) -> Any:
    """A Parquet file as a PyArrow table.

    Raises: MissingExtraError without pyarrow, DataError for a file that cannot be read.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_table
    except ImportError:
        raise MissingExtraError(f"{path}: Parquet", "parquet") from None
    try:
        return read_table(path)
    except (OSError, ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {_plain(error)}") from None


def read_table(path: Path) -> Table:
    """A CSV or Parquet file as a table of text.

    Raises: DataError.
    """
    if kind_of_file(path) == "parquet":
        if not path.is_file():
            raise DataError(missing_file(path))
        return table_of(read_parquet(path), str(path))
    return read_csv(path)


def of_text(table: Table) -> Columns:
    """Columns of text as numbers, where every cell that is not empty holds one."""
    found = Columns()
    for name, cells in table.columns.items():
        style = number_style(cells, table.delimiter)
        known = [c for c in cells if not is_missing(c)]
        whole = all(is_number(c, style) for c in known)
        found[name] = _whole(numbers(cells, style)) if whole else np.array(cells, object)
    return found


def _whole(x: np.ndarray) -> np.ndarray:
    """Whole numbers as integers, as classes are."""
    exact = np.isfinite(x).all() and not np.any(x % 1) and np.abs(x).max(initial=0) < 2**53
    return x.astype(np.int64) if exact else x


def _csv(path: Path, y: Any) -> Opened:
    table = read_csv(path)
    return of_text(table), y, table.lines


def _parquet(path: Path, y: Any) -> Opened:
    return columns_of(read_parquet(path)), y, ()


def _npz(path: Path, y: Any) -> Opened:
    return (*pair_of(path, load_npz(path), y), ())


def _npy(path: Path, y: Any) -> Opened:
    return load_npy(path), y, ()


OPEN: dict[str, Callable[[Path, Any], Opened]] = {
    "csv": _csv, "parquet": _parquet, "npz": _npz, "npy": _npy,
}  # fmt: skip
ENDINGS = {
    "csv": "csv", "tsv": "csv", "txt": "csv", "parquet": "parquet", "pq": "parquet",
    "npz": "npz", "npy": "npy",
}  # fmt: skip
