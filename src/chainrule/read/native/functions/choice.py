"""Comparisons, choices, signs and roundings of numbers in registers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..vector import BOOL, Value, together
from .parts import of_floats


def maximum(x: Any, y: Any) -> Value:
    """The larger; a NaN on either side is the result. Of two zeros, the first."""
    a, b = together(x, y)
    found = where(a < b, b, a)  # a NaN compares as false: one in a stays
    return where(b == b, found, b) if _may_be_nan(b) else found


def minimum(x: Any, y: Any) -> Value:
    """The smaller; a NaN on either side is the result. Of two zeros, the first."""
    a, b = together(x, y)
    found = where(a > b, b, a)
    return where(b == b, found, b) if _may_be_nan(b) else found


def _may_be_nan(x: Value) -> bool:
    return x.dtype.kind == "f" and (x.number is None or x.number != x.number)


def where(c: Any, x: Any, y: Any) -> Value:
    """x where the condition holds, y elsewhere."""
    if not isinstance(x, Value) and not isinstance(y, Value):
        dtype = np.result_type(x, y)
        return c.select(c.like(x, dtype), c.like(y, dtype))
    a, b = together(x, y)
    return c.select(a, b)


def abs_(x: Value) -> Value:
    """The size without the sign."""
    if x.dtype.kind == "f":
        return x.call("fabs")
    return x.call("abs") if x.dtype.kind == "i" else x


@of_floats
def sqrt(x: Value) -> Value:
    """The square root, rounded correctly: an instruction (IEEE 754)."""
    return x.call("sqrt")


@of_floats
def copysign(x: Value, y: Value) -> Value:
    """The size of x with the sign of y."""
    return x.call("copysign", y)


def sign(x: Value) -> Value:
    """-1, 0 or 1; a NaN stays one."""
    below = -1 if x.dtype.kind != "u" else 0
    found = where(x > 0, x.like(1), where(x < 0, x.like(below), x.like(0)))
    return where(x == x, found, x) if x.dtype.kind == "f" else found


def rounding(name: str) -> Any:
    """A rounding of floats; integers are round already."""
    return lambda x: x.call(name) if x.dtype.kind == "f" else x


def logical(word: str) -> Any:
    """A function of truth values."""
    return lambda x, y: getattr(x.astype(BOOL), f"__{word}__")(y.astype(BOOL))


def compared(how: str) -> Any:
    """A comparison."""
    return lambda x, y: getattr(together(x, y)[0], f"__{how}__")(together(x, y)[1])


def isfinite(x: Value) -> Value:
    """Whether it is neither infinite nor NaN."""
    return abs_(x) < np.inf if x.dtype.kind == "f" else x.like(True, BOOL)


def isinf(x: Value) -> Value:
    """Whether it is infinite."""
    return abs_(x) == np.inf if x.dtype.kind == "f" else x.like(False, BOOL)
