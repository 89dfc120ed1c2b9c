"""Numbers as short text: for tables in a terminal, and for JSON."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

MINUS = "−"  # in what is read as mathematics; code, tables and JSON keep the "-" of the keyboard
FEW = 16  # elements that are written out; of more, the shape and the range are told


def number(x: Any, digits: int = 6) -> str:
    """One number, without the minus of a negative zero.

    >>> number(-0.0), number(1 / 3), number(12000000.0)
    ('0', '0.333333', '1.2e+07')
    """
    if isinstance(x, (bool, np.bool_)):
        return str(bool(x))
    return f"{float(x) + 0.0:.{digits}g}"


def figure(x: Any, digits: int = 6) -> str:
    """One number as mathematics shows it: a true minus, a short power of ten.

    >>> figure(-0.5), figure(-1.5e-5), figure(12000000.0), figure(-np.inf)
    ('−0.5', '−1.5e−5', '1.2e7', '−∞')
    """
    if not isinstance(x, (bool, np.bool_)) and not math.isfinite(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else MINUS + "∞"
    found = re.sub(r"e([-+])0*", lambda m: "e" + m[1].strip("+"), number(x, digits))
    return found.replace("-", MINUS)


def minus(words: str) -> str:
    """What an op says of its slope, with the minus of mathematics: 1 − y².

    >>> minus("scales by y(1 - y)"), minus("scales by -1/√(1 - x²)")
    ('scales by y(1 − y)', 'scales by −1/√(1 − x²)')
    """
    return re.sub(r"(?<=[\s(])-", MINUS, words)


def short(x: Any, digits: int = 6) -> str:
    """An array on one line: its elements where they are few, otherwise shape and range.

    >>> short(np.array([[1.0, 2.0], [3.0, 4.0]]))
    '[[1, 2], [3, 4]]'
    >>> short(np.zeros((32, 64)))
    '(32, 64) from 0 to 0'
    """
    if isinstance(x, (tuple, list)):
        return "; ".join("no gradient" if v is None else short(v, digits) for v in x)
    x = np.asarray(x)
    if x.ndim == 0:
        return number(x[()], digits)
    if x.size > FEW:
        low, high = number(np.min(x), 3), number(np.max(x), 3)
        return f"{x.shape} from {low} to {high}"
    return _nested(x, digits)


def _nested(x: np.ndarray, digits: int) -> str:
    if x.ndim == 0:
        return number(x[()], digits)
    return "[" + ", ".join(_nested(v, digits) for v in x) + "]"


def block(x: Any, digits: int = 4) -> str:
    """An array for a table's cell: the rows of a matrix below each other.

    >>> print(block(np.array([[1.0, 2.0], [3.0, 4.0]])))
    [[1, 2],
     [3, 4]]
    """
    if isinstance(x, (tuple, list)) or np.ndim(x) < 2:
        return short(x, digits if np.ndim(x) else 6)
    return short(x, digits).replace("], [", "],\n [") if np.ndim(x) == 2 else short(x, digits)


def plain(x: Any) -> Any:
    """An array as nested lists that JSON can hold; what is not finite becomes text.

    >>> plain(np.array([1.0, np.inf]))
    [1.0, 'inf']
    """
    if x is None:
        return None
    if isinstance(x, (tuple, list)):
        return [plain(v) for v in x]
    x = np.asarray(x)
    if x.ndim:
        return [plain(v) for v in x]
    value = x.item()
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)
