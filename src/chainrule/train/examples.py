"""Examples: what a user hands over to be trained on, as arrays of the model's dtype, checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import DataError, UsageError

Examples = tuple[np.ndarray, np.ndarray]


def examples(X: Any, y: Any, dtype: Any) -> Examples:
    """Inputs in `dtype` and targets, floats in `dtype` and integers as they are.

    Raises: DataError for what is no number, is not finite, or does not pair up.
    """
    x, t = _numbers("X", X), _numbers("y", y)
    if not x.ndim or not t.ndim or len(x) != len(t):
        raise DataError(
            f"fit: X has shape {x.shape}, y {t.shape}; give one target for each example"
        )
    return _finite("X", x, dtype), _finite("y", t, dtype) if t.dtype.kind == "f" else t


def _numbers(name: str, given: Any) -> np.ndarray:
    try:
        a = np.asarray(given)
    except ValueError:
        raise DataError(f"fit: the rows of {name} have different lengths") from None
    if a.dtype.kind not in "biuf":
        found = type(given).__name__ if a.dtype == object and not a.ndim else a.dtype
        raise DataError(
            f"fit: {name} is {found}; give real numbers (text as one number for each word)"
        )
    return a


def _finite(name: str, given: np.ndarray, dtype: Any) -> np.ndarray:
    with np.errstate(over="ignore"):
        a = given.astype(dtype, copy=False)
    bad = np.argwhere(~np.isfinite(a))
    if len(bad):
        rows = sorted({int(b[0]) for b in bad})
        listed = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
        raise DataError(
            f"fit: {name} has {len(bad)} values that are NaN or Inf in {np.dtype(dtype)}, in rows "
            f"{listed}; fill them in or leave the rows out"
        )
    return a


def split(x: np.ndarray, t: np.ndarray, share: Any, rng: np.random.Generator) -> tuple:
    """The examples to train on, and those to hold out, drawn by `rng`."""
    if not isinstance(share, (int, float)) or not 0 < share < 1:
        raise UsageError(f"fit: validation={share!r}; give (X, y) or a share between 0 and 1")
    order = rng.permutation(len(x))
    count = max(1, round(share * len(x)))
    kept, held = order[count:], order[:count]
    return (x[kept], t[kept]), (x[held], t[held])
