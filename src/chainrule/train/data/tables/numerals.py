"""Numbers as people write them: 1,234.50 and 1.234,50, $12, 4 500 €, 37 %."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import inf, nan
from typing import NamedTuple

import numpy as np

from .csvfile import is_missing

MONEY = r"[$€£¥₹]|USD|EUR|GBP|CHF|JPY"
DRESSED = re.compile(
    rf"(?P<sign>[+-]?)\s*(?P<before>{MONEY})?\s*(?P<inner>[+-]?)"
    rf"(?P<core>[\d.,][\d.,' ]*(?:[eE][+-]?\d+)?)\s*(?P<after>{MONEY}|%)?"
)
SPACES = re.compile("[\u00a0\u202f]")  # that typesetters put between digits
PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
LEVELS = 1024  # numbers of float64 between the smallest and the largest: fewer tell nothing


class Style(NamedTuple):
    """How the numbers of a column are written: decimal sign, thousands separator, unit."""

    decimal: str = "."
    thousands: str = ""
    unit: str = ""  # a currency, or %

    @property
    def told(self) -> list[str]:
        """What had to be understood to read them, in words; nothing for plain numbers."""
        parts = ["decimal commas"] if self.decimal == "," else []
        parts += [f"thousands separated by {NAMES[self.thousands]}"] if self.thousands else []
        return parts + ([f"the sign {self.unit} is left off"] if self.unit else [])


PLAIN = Style()
NAMES = {",": "commas", ".": "points", " ": "spaces", "'": "apostrophes"}
# Tried in this order; of equals the first is taken.
FORMS = (
    (".", ""), (".", ","), (",", ""), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"),
)  # fmt: skip


def _form(decimal: str, thousands: str) -> re.Pattern:
    fraction = rf"(?:{re.escape(decimal)}\d*)?(?:[eE][+-]?\d+)?"
    if not thousands:
        return re.compile(rf"(?:\d+{fraction}|{re.escape(decimal)}\d+(?:[eE][+-]?\d+)?)")
    return re.compile(rf"(?:[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{3}})+|\d+){fraction}")


PATTERNS = {form: _form(*form) for form in FORMS}


def number_style(cells: Sequence[str], delimiter: str = ",") -> Style:
    """How the numbers of a column are written: in the way that fits most of its cells.

    Where all that has a comma is of the form 1,234, the comma separates thousands, but in a file
    whose fields are divided by semicolons or tabs it is a decimal comma.

    >>> number_style(["$1,200", "$950.50"]), number_style(["1.200,5", "3,25"]).decimal
    (Style(decimal='.', thousands=',', unit='$'), ',')
    """
    known = [c for c in cells if not is_missing(c)]
    if all(PLAIN_NUMBER.fullmatch(c) for c in known):
        return PLAIN
    found = [m for m in map(_dressed, known) if m]
    units = Counter(unit for _, unit in found if unit)
    cores = [core for core, _ in found]
    forms = FORMS
    if delimiter in ";\t":
        forms = (FORMS[0], (",", ""), *(f for f in FORMS[1:] if f != (",", "")))
    if not cores:
        return PLAIN
    fits = {f: sum(bool(PATTERNS[f].fullmatch(c)) for c in cores) for f in forms}
    best = max(forms, key=lambda f: fits[f])
    return Style(*best, units.most_common(1)[0][0] if units else "")


def _dressed(cell: str) -> tuple[str, str] | None:
    """The digits of a cell and its unit."""
    found = DRESSED.fullmatch(SPACES.sub(" ", cell))
    if found is None or (found["before"] and found["after"]) or (found["sign"] and found["inner"]):
        return None
    return found["core"].strip(), found["before"] or found["after"] or ""


def number(cell: str, style: Style = PLAIN) -> float:
    """The number in a cell, or NaN where it holds none; a percentage keeps its figure.

    >>> number("-$1,200.50", Style(".", ",", "$")), number("12 %", Style(unit="%"))
    (-1200.5, 12.0)
    """
    if style == PLAIN:
        return _finite(cell) if PLAIN_NUMBER.fullmatch(cell) else nan
    found = _dressed(cell)
    if found is None or not PATTERNS[style.decimal, style.thousands].fullmatch(found[0]):
        return nan
    core, unit = found
    # A number without the currency is one of it; one without % or of another unit may be not.
    if unit != style.unit and (unit or style.unit == "%"):
        return nan
    text = core.replace(style.thousands, "") if style.thousands else core
    size = _finite(text.replace(style.decimal, "."))
    return -size if "-" in cell[: cell.index(core[0])] else size


def _finite(text: str) -> float:
    value = float(text)
    return value if abs(value) < inf else nan


def are_rounded_away(x: np.ndarray) -> bool:
    """Whether hardly anything is left of what tells these numbers apart: float64 has 16 digits.

    >>> are_rounded_away(1e18 + np.arange(100.0)), are_rounded_away(1e12 + np.arange(100.0))
    (True, False)
    """
    return bool(np.ptp(x) < LEVELS * np.spacing(np.abs(x).max()))


def is_number(cell: str, style: Style = PLAIN) -> bool:
    """Whether a cell holds a finite number."""
    return number(cell, style) == number(cell, style)


def numbers(cells: Sequence[str], style: Style = PLAIN) -> np.ndarray:
    """The numbers of a column, NaN where a value is missing or is no number."""
    return np.array([number(c, style) for c in cells], np.float64)
