"""New data for a trained network, prepared as its own were: what is missing or strange is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..graph.errors import DataError, UsageError
from ..graph.spelling import counted, did_you_mean, listed
from ..train.batches import parts_of
from ..train.data import datasets
from ..train.data.arrays import standard
from ..train.data.prepared import NAMES
from ..train.data.sources import source
from ..train.data.sources.files import kind_of_file, load_npy, load_npz, read_table
from ..train.data.tables.columns import Categorical, Numeric, Preparation
from ..train.data.tables.csvfile import Table, is_missing, missing_file
from ..train.data.tables.numerals import is_number
from .savedrun import SavedRun

BATCH = 1024  # rows whose activations are held at once
SHOWN = 5  # columns or categories that are named


class Inputs:
    """New data, prepared: rows on demand, the truth where it is known, and what was noticed."""

    def __init__(self, x: Any, truth: list[str] | None = None, notes: tuple[str, ...] = ()):
        self.x, self.truth, self.notes = x, truth, notes

    def batches(self, prepared: Any) -> Iterator[np.ndarray]:
        """All rows, some at a time."""
        for rows in parts_of(len(self.x), BATCH):
            yield prepared(np.asarray(self.x[rows[0] : rows[-1] + 1]))


def inputs(run: SavedRun, name: str) -> tuple[Inputs, Any]:
    """New data for a run, and the function that makes rows of them ready for its network.

    Raises: DataError with the columns that are missing, and the lines of what is no number.
    """
    told = run.part("preparation", dict)
    if told.get("kind") == "table":
        return _of_table(told, Path(name)), lambda x: x
    mean, scale = np.array(told["mean"]), np.array(told["scale"])

    def prepared(x: np.ndarray) -> np.ndarray:
        return standard(x.astype(np.float64), mean, scale)

    x = _array(told["features"], name)
    wide = int(np.prod(x.shape[1:]))
    if len(x.shape) < 2 or wide != len(told["features"]):
        raise DataError(
            f"{name}: examples of shape {x.shape[1:]}; the run learned from "
            f"{counted(len(told['features']), 'number')} an example"
        )
    source(x, np.zeros(len(x)), np.float32)  # NaN and the like are said with their rows
    return Inputs(x), prepared


def _array(features: list[str], name: str) -> Any:
    """The rows of a file as an array, or of a data set of ours."""
    if name in NAMES:
        return datasets.digits()[0] if name == "digits" else datasets.MADE[name]()[0]
    path = Path(name)
    kind = kind_of_file(path)
    if not path.is_file():
        raise DataError(missing_file(path))
    if kind == "npy":
        return load_npy(path)
    if kind == "npz":
        arrays = load_npz(path)
        found = next((arrays[k] for k in ("X", "x", "data", "inputs") if k in arrays), None)
        if found is None and len(arrays) != 1:
            raise UsageError(f"{path}: which array? It holds {', '.join(arrays)}; call it X")
        return next(iter(arrays.values())) if found is None else found
    table = read_table(path)
    _present(table, features)
    kept = Preparation(tuple(Numeric(n, 0.0, 1.0, 0.0, False) for n in features))
    _all_numbers(table, kept, gaps=False)
    return kept.transform(table)


def _of_table(told: dict[str, Any], path: Path) -> Inputs:
    table = read_table(path) if kind_of_file(path) in ("csv", "parquet") else None
    if table is None:
        raise DataError(f"{path}: the run learned from a table; give a .csv or .parquet file")
    made = Preparation.from_json(told["columns"])
    target = str(told["target"])
    _present(table, [c.name for c in made.columns])
    _all_numbers(table, made, gaps=True)
    known = {c.name for c in made.columns} | {target}
    more = [n for n in table.columns if n not in known]
    notes = [f"not used: {listed(more, SHOWN)}"] if more else []
    notes += unknown_categories(table, made)
    truth = table.columns.get(target)
    return Inputs(made.transform(table).astype(np.float32), truth, tuple(notes))


def _present(table: Table, names: list[str]) -> None:
    absent = [n for n in names if n not in table.columns]
    if absent:
        near = did_you_mean(absent[0], [n for n in table.columns if n not in names], "")
        verb = "column is" if len(absent) == 1 else "columns are"
        raise DataError(
            f"{table.source}: the {verb} missing: {listed(absent, SHOWN)}; {near or 'it has '}"
            + ("" if near else listed(list(table.columns), SHOWN))
        )


def _all_numbers(table: Table, made: Preparation, gaps: bool) -> None:
    for column in made.columns:
        if not isinstance(column, Numeric):
            continue
        for line, cell in zip(table.lines, table.columns[column.name], strict=True):
            missing = is_missing(cell)
            if (missing and gaps) or (not missing and is_number(cell, column.style)):
                continue
            found = "empty" if missing else repr(cell[:40])
            form = f"with {', '.join(column.style.told)}" if column.style.told else "such as 1234.5"
            raise DataError(
                f"{table.source}: {column.name} is {found} in {table.word} {line}; "
                f"the run learned from numbers {form} there"
            )


def unknown_categories(table: Table, made: Preparation) -> list[str]:
    """Remarks on words that the run has not seen in training."""
    notes = []
    for column in made.columns:
        if isinstance(column, Categorical):
            cells = table.columns[column.name]
            strange = dict.fromkeys(
                c for c in cells if not is_missing(c) and c not in column.categories
            )
            if strange:
                count = column.unknown(cells)
                notes.append(
                    f"unknown to the run: {column.name} = {listed(list(strange), SHOWN)}, in "
                    f"{count} of {counted(len(cells), 'row')}; there all columns of {column.name} "
                    "are 0"
                )
    return notes
