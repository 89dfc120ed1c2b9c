"""Numbers as they stand at a line of a picture: short, and open about what is not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...study.numbers import MINUS
from ...study.numbers import figure as number

FEW = 6  # elements that are written out; of more, the shape and the range are told
TALLEST = 3  # lines of one value


def figure(x: Any, digits: int = 4) -> tuple[str, ...]:
    """A value in one to three lines: its elements where they are few, else shape and range.

    >>> figure(np.float64(0.7310586)), figure(np.array([[1.0, 2.0], [3.0, 4.0]]))
    (('0.7311',), ('[1, 2]', '[3, 4]'))
    >>> figure(np.linspace(-1.0, 1.0, 12).reshape(3, 4))
    ('3 × 4', '−1 … 1')
    >>> figure(np.zeros((0, 3))), figure(np.full(9, np.nan))
    (('0 × 3', 'empty'), ('9', '9 NaN'))
    """
    if isinstance(x, (tuple, list)):
        return (f"{len(x)} values",)
    x = np.asarray(x)
    if x.ndim == 0:
        return (number(x[()], digits),)
    few = max(2, min(digits, 3))
    if 0 < x.size <= FEW:
        if x.ndim == 1:
            return (_row(x, few),)
        if x.ndim == 2 and len(x) <= TALLEST:
            return tuple(_row(r, few) for r in x)
    return (by(x.shape), _range(x, few))


def by(shape: tuple[int, ...]) -> str:
    """A shape as it is said; nothing for one number.

    >>> by((32, 64)), by((3,)), by(())
    ('32 × 64', '3', '')
    """
    return " × ".join(map(str, shape))


def line(x: Any, digits: int = 4) -> str:
    """A value in one line."""
    told = figure(x, digits)
    return told[0] if len(told) == 1 else " ".join(told) if told[0][0] != "[" else _nested(told)


def _nested(rows: tuple[str, ...]) -> str:
    return f"[{', '.join(rows)}]"


def _row(x: np.ndarray, digits: int) -> str:
    return f"[{', '.join(number(v, digits) for v in x)}]"


def _range(x: np.ndarray, digits: int) -> str:
    if not x.size:
        return "empty"
    if x.dtype.kind == "b":
        return f"{int(x.sum())} of {x.size} true"
    bad = [] if x.dtype.kind != "f" else [
        f"{count} {what}" for what, count in (
            ("NaN", int(np.isnan(x).sum())), ("∞", int(np.isinf(x).sum()))) if count
    ]  # fmt: skip
    good = x[np.isfinite(x)] if bad else x
    if not good.size:
        return ", ".join(bad)
    low, high = number(good.min(), digits), number(good.max(), digits)
    told = f"all {low}" if low == high else f"{low} … {high}"
    return ", ".join([told, *bad])


def is_bad(x: Any) -> bool:
    """Whether a value holds what is not finite."""
    if isinstance(x, (tuple, list)):
        return any(is_bad(v) for v in x if v is not None)
    x = np.asarray(x)
    return x.dtype.kind == "f" and not bool(np.isfinite(x).all())


def factor(local: Any, digits: int = 4) -> str:
    """A local gradient, as the factor that it is: one number, a few, or a range.

    >>> factor(np.array([0.5, 0.5])), factor(np.array([0.0, 1.0]))
    ('× 0.5', '× [0, 1]')
    """
    x = np.asarray(local)
    if x.size == 1 or (x.size and (x == x.flat[0]).all()):
        return f"× {number(x.flat[0], digits)}"
    if 0 < x.size <= 3 and x.ndim == 1:
        return f"× {_row(x, min(digits, 3))}"
    return f"× {_range(x, 2)}" if x.size else "× nothing"


def term(x: Any, digits: int = 4) -> str:
    """A number as a term of a sum."""
    told = line(x, digits)
    return f"({told})" if told.startswith(MINUS) else told
