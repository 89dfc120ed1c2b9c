"""Python numbers among arrays: the Array API's rule that a scalar takes the array's dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DTypeError

DEFAULT = {bool: np.dtype(bool), int: np.dtype(np.int64), float: np.dtype(np.float64)}


def weak_dtype(scalar: Any, among: tuple) -> np.dtype:
    """The dtype a Python scalar takes beside these operands (NumPy's NEP 50)."""
    dtypes = [x.dtype for x in among if hasattr(x, "dtype")]
    if not dtypes:
        return DEFAULT.get(type(scalar), np.dtype(np.float64))
    return np.result_type(*dtypes, scalar)


def refuse_complex(dtype: Any) -> None:
    """Complex numbers are out of scope, and said so."""
    if np.dtype(dtype).kind == "c":
        raise DTypeError(
            f"{np.dtype(dtype)} was given; chainrule differentiates real numbers only: "
            "pass the real and the imaginary part as two arrays"
        )
