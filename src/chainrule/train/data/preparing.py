"""`prepared`: a user's own data, in whatever form, made ready for training."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ...graph.errors import DataError, UsageError
from .arrays import from_arrays
from .prepared import Prepared
from .sources.files import kind_of_file, load_npy, load_npz, pair_of, read_table
from .sources.frames import is_frame, table_of
from .tables.csvfile import missing_file
from .tables.table import from_table


def prepared(
    data: Any,
    target: Any = None,
    task: str | None = None,
    seed: int = 0,
    categorical: Sequence[str] = (),
    drop: Sequence[str] = (),
) -> Prepared:
    """Data to train on, split and standardised; `notes` of the result say all that was decided.

    `data` is the path of a CSV, Parquet, .npz or .npy file, or a frame of pandas or Polars.
    `target` is the column to predict; of .npz the array's name, of .npy the other file's. `task`
    is "classification" or "regression"; without it the target decides. Of tables, `categorical`
    names columns of numbers that are categories, `drop` columns to leave out; words become
    columns of 0 and 1. An .npy file is not read as a whole.
    Raises: DataError, with the column and the lines, for data that cannot be trained on.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "fruit.csv"
    >>> lines = [f"{w},{'round' if w % 3 else 'long'},{'apple' if w % 2 else 'pear'}"
    ...          for w in range(40)]
    >>> _ = path.write_text("weight,shape,fruit\\n" + "\\n".join(lines))
    >>> data = prepared(path, "fruit")
    >>> data.task, data.features, data.classes
    ('classification', ['weight', 'shape = long', 'shape = round'], ['apple', 'pear'])
    """
    if is_frame(data):
        return from_table(table_of(data), target, task, seed, categorical, drop)
    if not isinstance(data, (str, PathLike)):
        raise UsageError(f"prepared: {type(data).__name__}; give the path of a file, or a frame")
    path = Path(data)
    kind = kind_of_file(path)
    if kind in ("csv", "parquet"):
        return from_table(read_table(path), target, task, seed, categorical, drop)
    if categorical or drop:
        option = "categorical" if categorical else "drop"
        raise UsageError(f"--{option} is for tables; {path.name} holds arrays without column names")
    X, y = arrays_of(path, target)
    return from_arrays(path.stem, X, y, task, seed)


def arrays_of(path: Path, target: Any) -> tuple[Any, Any]:
    """Inputs and targets of a .npz file, or of two .npy files.

    Raises: DataError for a file that is not there, UsageError where one is not named.
    """
    if not path.is_file():
        raise DataError(missing_file(path))
    if kind_of_file(path) == "npz":
        return pair_of(path, load_npz(path), target)
    if target is None:
        near = sorted(p.name for p in path.parent.glob("*.npy") if p != path)
        told = f", one of {', '.join(near[:6])}" if near else ""
        raise UsageError(f"{path}: which file holds the targets? --target y.npy{told}")
    other = Path(target)
    if not other.is_file() and other.parent == Path():
        other = path.parent / other
    if not other.is_file():
        raise DataError(missing_file(other))
    return load_npy(path), load_npy(other)
