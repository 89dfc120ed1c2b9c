"""Columns of text as numbers: what each one is, and how it becomes features of a network."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ....graph.errors import DataError
from ....graph.spelling import counted, listed
from ..prepared import deviation
from .csvfile import Table, is_missing
from .numerals import PLAIN, Style, is_number, number_style, numbers

MOST_CATEGORIES = 50  # rarer ones count as unknown
STRAYS = 0.05  # so few words among numbers are taken for slips, not for categories


@dataclass(frozen=True)
class Numeric:
    """A column of numbers: standardised; a missing value becomes the median, and is marked."""

    name: str
    mean: float
    scale: float
    median: float
    marked: bool
    style: Style = PLAIN  # how they are written

    @property
    def features(self) -> list[str]:
        """The names of what it becomes."""
        return [self.name, f"{self.name} is missing"] if self.marked else [self.name]

    def transform(self, cells: list[str]) -> np.ndarray:
        """(n, 1), or (n, 2) where missing values are marked."""
        x = numbers(cells, self.style)
        gone = np.isnan(x)
        standard = (np.where(gone, self.median, x) - self.mean) / self.scale
        return np.stack([standard, gone], axis=1) if self.marked else standard[:, None]


@dataclass(frozen=True)
class Categorical:
    """A column of words: a column of 0 and 1 for each; one not seen in training is all 0."""

    name: str
    categories: tuple[str, ...]
    marked: bool

    @property
    def features(self) -> list[str]:
        """The names of what it becomes."""
        told = [f"{self.name} = {c}" for c in self.categories]
        return [*told, f"{self.name} is missing"] if self.marked else told

    def transform(self, cells: list[str]) -> np.ndarray:
        """(n, categories), and one column more where missing values are marked."""
        place = {c: k for k, c in enumerate(self.categories)}
        made = np.zeros((len(cells), len(self.features)))
        for i, cell in enumerate(cells):
            if is_missing(cell):
                if self.marked:
                    made[i, -1] = 1
            elif cell in place:
                made[i, place[cell]] = 1
        return made

    def unknown(self, cells: list[str]) -> int:
        """How many cells hold a category that was not seen in training."""
        return sum(not is_missing(c) and c not in self.categories for c in cells)


Column = Numeric | Categorical


@dataclass(frozen=True)
class Preparation:
    """How rows of a table become the inputs of a network, fitted on the training rows alone.

    >>> from chainrule.train.data.tables.csvfile import parse_csv
    >>> table = parse_csv("size,colour\\n1,red\\n3,blue\\n,red")
    >>> made = Preparation.fit(table, {"size": "numeric", "colour": "categorical"})
    >>> made.features
    ['size', 'size is missing', 'colour = blue', 'colour = red']
    >>> made.transform(table).round(2).tolist()
    [[-1.22, 0.0, 0.0, 1.0], [1.22, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]
    """

    columns: tuple[Column, ...]

    @classmethod
    def fit(cls, table: Table, kinds: dict[str, str]) -> Preparation:
        """The preparation for these rows and these kinds of columns."""
        make = {"numeric": _numeric, "categorical": _categorical}
        return cls(
            tuple(make[kind](n, table.columns[n], table.delimiter) for n, kind in kinds.items())
        )

    @property
    def features(self) -> list[str]:
        """The names of the inputs."""
        return [f for c in self.columns for f in c.features]

    def transform(self, table: Table) -> np.ndarray:
        """The inputs (n, features) for the rows of a table with these columns."""
        absent = [c.name for c in self.columns if c.name not in table.columns]
        if absent:
            raise DataError(f"{table.source}: the column {absent[0]!r} is not there")
        parts = [c.transform(table.columns[c.name]) for c in self.columns]
        return np.concatenate(parts, axis=1)

    def to_json(self) -> list[dict[str, Any]]:
        """Plain data, enough to prepare other rows in the same way."""
        return [{"kind": type(c).__name__.lower(), **asdict(c)} for c in self.columns]

    @classmethod
    def from_json(cls, data: list[dict[str, Any]]) -> Preparation:
        """The preparation that `to_json` told of."""
        kinds: dict[str, Any] = {"numeric": Numeric, "categorical": Categorical}
        made = []
        for entry in data:
            rest = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
            if "style" in rest:
                rest["style"] = Style(*rest["style"])
            made.append(kinds[str(rest.pop("kind"))](**rest))
        return cls(tuple(made))


def _numeric(name: str, cells: list[str], delimiter: str) -> Numeric:
    style = number_style(cells, delimiter)
    x = numbers(cells, style)
    known = x[~np.isnan(x)]
    if not known.size:
        return Numeric(name, 0.0, 1.0, 0.0, True, style)
    median = float(np.median(known))
    filled = np.where(np.isnan(x), median, x)
    mean, scale = float(filled.mean()), deviation(filled)
    return Numeric(name, mean, scale, median, known.size < x.size, style)


def _categorical(name: str, cells: list[str], _: str) -> Categorical:
    seen = Counter(c for c in cells if not is_missing(c))
    kept = [c for c, _ in sorted(seen.items(), key=lambda ck: (-ck[1], ck[0]))[:MOST_CATEGORIES]]
    return Categorical(name, tuple(sorted(kept)), any(is_missing(c) for c in cells))


def kind_of(table: Table, name: str) -> str:
    """numeric or categorical, by what the cells of a column hold.

    Raises: DataError where nearly all are numbers: it names the lines of the others.
    """
    cells = table.columns[name]
    style = number_style(cells, table.delimiter)
    known = [(i, c) for i, c in enumerate(cells) if not is_missing(c)]
    strays = [(i, c) for i, c in known if not is_number(c, style)]
    if not strays:
        return "numeric"
    count = len(known) - len(strays)
    if count >= 4 and len(strays) <= max(1, STRAYS * len(known)):
        told = listed([f"{table.word} {table.lines[i]}: {c[:40]!r}" for i, c in strays], 3)
        raise DataError(
            f"{table.source}: the column {name!r} holds {counted(count, 'number')} and "
            f"{len(strays)} of something else ({told}); correct the cell, leave it empty "
            f"(it is then filled in), or make the numbers categories: --categorical {name!r}"
        )
    return "categorical"
