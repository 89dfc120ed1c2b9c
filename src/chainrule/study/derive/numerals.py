"""Numbers as TeX, to so many digits as one writes by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.node import constant_node
from ...read.latex import latex

DIGITS = 6  # significant ones
SAME = 1e-15  # what a sum or a product of decimals may be off by in binary


def rounded(x: Any, digits: int = DIGITS) -> float:
    """A number to so many significant digits."""
    return float(f"{float(np.asarray(x).reshape(-1)[0]) + 0.0:.{digits}g}")


def number_tex(x: Any, digits: int = DIGITS) -> str:
    """One number as TeX.

    >>> number_tex(-0.26894142), number_tex(1e-9)
    ('-0.268941', '10^{-9}')
    """
    return latex(constant_node(rounded(x, digits), np.dtype(np.float64)))


def matrix_tex(x: Any, digits: int = 5) -> str:
    """An array of at most two axes as TeX: of one axis a column, as it counts in a product."""
    x = np.asarray(x)
    if not x.ndim:
        return number_tex(x, digits)
    rows = x.reshape(-1, 1) if x.ndim == 1 else x
    body = r" \\ ".join(" & ".join(number_tex(v, digits) for v in row) for row in rows)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def is_exact(x: Any, digits: int = DIGITS) -> bool:
    """Whether rounding for the page changes none of the numbers: 3 · 1.3 is 3.9, whatever bits."""
    return all(_is_shown_in_full(v, digits) for v in np.asarray(x).reshape(-1))


def _is_shown_in_full(v: Any, digits: int) -> bool:
    shown = rounded(v, digits)
    if v.dtype.kind != "f" or v.dtype.itemsize < 8:
        return bool(v.dtype.type(shown) == v)
    return bool(abs(shown - v) <= SAME * abs(v))
