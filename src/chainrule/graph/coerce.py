"""Python numbers among arrays: the Array API's rule that a scalar takes the array's dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DTypeError
from .op import KINDS, Kind
from .operators import FUNCTIONS, Operators

DEFAULT = {bool: np.dtype(bool), int: np.dtype(np.int64), float: np.dtype(np.float64)}


def weak_dtype(scalar: Any, among: tuple) -> np.dtype:
    """The dtype a Python scalar takes beside these operands (NumPy's NEP 50)."""
    dtypes = [x.dtype for x in among if hasattr(x, "dtype")]
    if not dtypes:
        return DEFAULT.get(type(scalar), np.dtype(np.float64))
    return np.result_type(*dtypes, scalar)


def array_of(x: Any) -> Any:
    """`x` as something with a shape: lists that hold tensors are stacked, with their history."""
    if hasattr(x, "dtype"):
        return x
    if holds(x):
        return FUNCTIONS["stack"]([array_of(part) for part in x])
    return np.asarray(x)


def holds(x: Any) -> bool:
    """Whether a list or tuple holds tensors or nodes, at any depth."""
    return isinstance(x, (list, tuple)) and any(isinstance(p, Operators) or holds(p) for p in x)


def refuse_complex(dtype: Any) -> None:
    """Complex numbers are out of scope, and said so."""
    if np.dtype(dtype).kind == "c":
        raise DTypeError(
            f"{np.dtype(dtype)} was given; chainrule differentiates real numbers only: "
            "pass the real and the imaginary part as two arrays"
        )


def _of_lists(op: Any, xs: tuple) -> Any:
    return op(*(array_of(x) if type(x) is list else x for x in xs))


KINDS[list] = Kind(rank=1, apply=_of_lists)
