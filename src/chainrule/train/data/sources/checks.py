"""What is checked of examples before anything is trained on them, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....graph.errors import DataError
from ....graph.spelling import told_type

BLOCK = 1 << 20  # elements looked at together: 4 to 8 MB, however large the file
SHOWN = 5  # rows and columns that are listed before "..."


@dataclass(frozen=True)
class Names:
    """What rows and columns are called in messages; by default by their numbers, from 0."""

    columns: tuple[str, ...] = ()
    lines: Sequence[int] = ()  # of the file, one for each row

    def column(self, k: int) -> str:
        """A column, as a message names it."""
        return f"column {self.columns[k]!r}" if k < len(self.columns) else f"column {k}"

    def rows(self, which: Sequence[int], more: bool) -> str:
        """Some rows, as a message names them."""
        word = "line" if len(self.lines) else "row"
        told = [str(self.lines[k] if len(self.lines) else k) for k in which]
        return f"{word}{'s' * (len(told) > 1)} {', '.join(told)}{', ...' if more else ''}"


def numbers(name: str, given: Any) -> np.ndarray:
    """An array of real numbers.

    Raises: DataError for text, objects, complex numbers, dates and rows of different lengths.
    """
    if np.ma.is_masked(given):  # np.asarray would lay bare what is masked
        given = given.astype(np.float64).filled(np.nan)
    try:
        a = np.asarray(given)
    except ValueError:
        raise DataError(f"fit: {_ragged(name, given)}") from None
    if not a.ndim and (callable(given) or hasattr(given, "__next__")):
        raise DataError(
            f"fit: {name} is {told_type(given)}; what makes batches (x, t) has its targets "
            "with it: give it as X, and y=None"
        )
    if a.dtype.kind not in "biuf":
        found = type(given).__name__ if a.dtype == object and not a.ndim else str(a.dtype)
        raise DataError(
            f"fit: {name} is {found}{_first_of(a)}; give real numbers "
            "(text as one number for each word)"
        )
    return a


def _ragged(name: str, given: Any) -> str:
    """Which row has another length than the first."""
    told = f"the rows of {name} have different lengths"
    try:
        sizes = [len(row) for row in given]
    except TypeError:
        return told
    odd = next((k for k, n in enumerate(sizes) if n != sizes[0]), None)
    return told if odd is None else f"{told}: row {odd} has {sizes[odd]}, row 0 has {sizes[0]}"


def _first_of(a: np.ndarray) -> str:
    """The first element that is no number, of text and objects."""
    if a.dtype.kind not in "OUS" or not a.size or not a.ndim:
        return ""
    for place, value in np.ndenumerate(a):
        if not isinstance(value, (int, float, np.number)):
            at = f"row {place[0]}" + (f", column {place[1]}" if len(place) == 2 else "")
            return f", with {_short(value)} in {at}"
    return ", although it holds numbers alone: write .astype(float)"


def _short(value: Any) -> str:
    told = repr(value.item() if isinstance(value, np.generic) else value)
    return told if len(told) <= 40 else told[:37] + "..."


def blocks(given: Any) -> Iterator[tuple[int, np.ndarray]]:
    """Stretches of rows, each with the number of its first one."""
    row = max(1, int(np.prod(given.shape[1:], dtype=np.int64)))
    size = max(1, BLOCK // row)
    for start in range(0, given.shape[0], size):
        yield start, dense(given[start : start + size])


def dense(x: Any) -> np.ndarray:
    """A plain array of one that may be sparse."""
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x)


def fits(given: Any, dtype: Any) -> bool:
    """Whether no number of this kind can be anything but finite in `dtype`."""
    if given.dtype.kind == "b":
        return True
    return given.dtype.kind in "iu" and np.iinfo(given.dtype).max <= float(np.finfo(dtype).max)


@dataclass
class Fault:
    """One thing that is wrong with a column: how often, and the first rows."""

    count: int = 0
    rows: list[int] = field(default_factory=list)


def check(name: str, given: Any, dtype: Any, names: Names) -> None:
    """Refuse what is not finite in `dtype`, with rows and columns; never holds it all.

    Raises: DataError.
    """
    if fits(given, dtype):
        return
    if hasattr(given, "toarray") and _all_finite(given.data, dtype):
        return  # of a sparse matrix the zeros need no looking at
    faults: dict[tuple[str, int | None], Fault] = {}
    for start, block in blocks(given):
        if not _all_finite(block, dtype):
            _collect(faults, start, block, dtype)
    if faults:
        raise DataError(f"fit: {name} has {_told(faults, names)}")


def _all_finite(block: np.ndarray, dtype: Any) -> bool:
    return bool(np.isfinite(_cast(block, dtype)).all())


def _cast(block: np.ndarray, dtype: Any) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        return block.astype(dtype, copy=False)


def _collect(faults: dict, start: int, given: np.ndarray, dtype: Any) -> None:
    large = f"too large for {np.dtype(dtype)}"
    for place in np.argwhere(~np.isfinite(_cast(given, dtype))):
        value = given[tuple(place)]
        kind = "NaN" if np.isnan(value) else large if np.isfinite(value) else "Inf"
        fault = faults.setdefault((kind, int(place[1]) if given.ndim == 2 else None), Fault())
        fault.count += 1
        row = start + int(place[0])
        if len(fault.rows) <= SHOWN and row not in fault.rows[-1:]:
            fault.rows.append(row)


def _told(faults: dict[tuple[str, int | None], Fault], names: Names) -> str:
    count = sum(f.count for f in faults.values())
    parts = []
    for (kind, column), fault in list(faults.items())[:SHOWN]:
        rows = names.rows(fault.rows[:SHOWN], len(fault.rows) > SHOWN)
        parts.append(
            f"{kind} in {rows}" + ("" if column is None else f" of {names.column(column)}")
        )
    parts += ["..."] if len(faults) > SHOWN else []
    some = "1 value that is no finite number" if count == 1 else (
        f"{count} values that are no finite numbers"
    )  # fmt: skip
    advice = "fill them in or leave the rows out"
    if all(kind.startswith("too large") for kind, _ in faults):
        advice = "scale the data, or give the model a larger dtype"
    return f"{some}: {'; '.join(parts)}; {advice}"


def paired(x: Any, t: Any) -> None:
    """Refuse examples and targets that do not pair up, and what has no examples' axis.

    Raises: DataError.
    """
    if not len(x.shape) or not len(t.shape) or x.shape[0] != t.shape[0]:
        raise DataError(
            f"fit: X has shape {tuple(x.shape)}, y {tuple(t.shape)}; give one target for each "
            "example"
        )
    if 0 in x.shape[1:]:
        raise DataError(f"fit: X has shape {tuple(x.shape)}: its examples hold no numbers")
