"""What was done to a table, in words: how numbers were read, gaps filled, categories not known."""

from __future__ import annotations

import numpy as np

from ....graph.spelling import counted
from .columns import Categorical, Numeric, Preparation
from .csvfile import Table, is_missing
from .numerals import is_number, number_style


def done_to(table: Table, target: str, rows: dict[str, np.ndarray], prep: Preparation) -> list[str]:
    """All that was done to the columns that are used."""
    return _written(table, target, prep) + _missing(table, prep) + _unknown(table, rows, prep)


def _written(table: Table, target: str, prep: Preparation) -> list[str]:
    """What had to be understood to read the numbers of a column."""
    styles = {c.name: c.style for c in prep.columns if isinstance(c, Numeric)}
    styles[target] = number_style(table.columns[target], table.delimiter)
    if not all(is_number(c, styles[target]) for c in table.columns[target]):
        del styles[target]
    return [f"read: {name} with {', '.join(s.told)}" for name, s in styles.items() if s.told]


def _missing(table: Table, prep: Preparation) -> list[str]:
    """Which columns had gaps, how many, and what they were filled with."""
    notes = []
    for column in prep.columns:
        gaps = sum(map(is_missing, table.columns[column.name]))
        if not gaps:
            continue
        if isinstance(column, Categorical):
            how = "they are a category of their own" if column.marked else "they count as unknown"
        else:
            how = f"filled with {column.median:.6g}, the median of the training part" + (
                ", and marked by a column of their own" if column.marked else ""
            )
        notes.append(f"missing: {column.name} in {gaps} of {counted(len(table), 'row')}; {how}")
    return notes


def _unknown(table: Table, rows: dict[str, np.ndarray], prep: Preparation) -> list[str]:
    """Categories that only validation or test have."""
    notes = []
    for column in prep.columns:
        if isinstance(column, Categorical):
            count = column.unknown(table.columns[column.name])
            if count:
                notes.append(
                    f"unknown: {count} cells of {column.name} hold categories that the training "
                    "part has not (or too rare ones); all columns of the category are 0 for them"
                )
    return notes
