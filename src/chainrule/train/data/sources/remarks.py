"""What is seldom meant in data, though training does not fail at it: said, and warned of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from warnings import warn, warn_explicit

import numpy as np

from ....graph.caller import Line, caller
from ....graph.spelling import listed
from .checks import SHOWN, Names


class DataWarning(UserWarning):
    """Something about the data that training does not fail at, but that is seldom meant."""


def remarks(columns: Sequence[np.ndarray], dtype: Any, names: Names) -> list[str]:
    """What is seldom meant in columns: that one never changes, and that numbers are rounded."""
    if not columns or len(columns[0]) < 2:
        return []
    ends = [(c.min(), c.max()) for c in columns]
    found = []
    same = [k for k, (low, high) in enumerate(ends) if low == high]
    if same:
        told = _columns(same, names)
        verb = "is" if len(same) == 1 else "are"
        found.append(f"{told} {verb} constant: nothing can be learned from what never changes")
    exact = 2 ** (np.finfo(dtype).nmant + 1)
    wide = [
        k for k, (low, high) in enumerate(ends)
        if columns[k].dtype.kind in "iu" and max(-int(low), int(high)) > exact
    ]  # fmt: skip
    if wide:
        found.append(
            f"whole numbers above {exact:,} in {_columns(wide, names)} are rounded by "
            f"{np.dtype(dtype)}; numbers that only name things are better left out"
        )
    return found


def _columns(which: list[int], names: Names) -> str:
    told = listed([names.column(k).removeprefix("column ") for k in which], SHOWN)
    return f"{'column' if len(which) == 1 else 'columns'} {told}"


def warned(notes: list[str]) -> list[str]:
    """The same notes, each given as a warning."""
    place = caller()
    for note in notes:
        if place is None:
            warn(f"fit: {note}", DataWarning, stacklevel=2)
        else:  # at the user's own line, however deep this is
            warn_explicit(f"fit: {note}", DataWarning, place[0].co_filename, Line(*place).number)
    return notes
