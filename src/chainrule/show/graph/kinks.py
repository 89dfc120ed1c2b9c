"""Where there is no derivative, only a convention: said at the node where it happens."""

from __future__ import annotations

from typing import Any

import numpy as np

TIES = {"maximum": "the two operands are equal", "minimum": "the two operands are equal"}
AT_ZERO = {
    "sqrt": "x is 0, where the slope is infinite", "norm": "all elements are 0",
    "hypot": "both operands are 0", "atan2": "both operands are 0", "copysign": "x is 0",
}  # fmt: skip
STEPS = {"floor", "ceil", "round", "trunc"}


def kink(op: Any, xs: list[Any], y: Any) -> str:
    """Why there is no derivative at these operands; nothing where there is one.

    >>> import chainrule as cr
    >>> kink(cr.relu, [np.array([0.0, 1.0])], None)
    'at 1 of 2 elements x is 0, where relu has a kink: its slope there is a convention'
    >>> kink(cr.relu, [np.array(2.0)], None)
    ''
    """
    found, why = _where(op, [np.asarray(x) for x in xs if not isinstance(x, tuple)], y)
    if found is None or not np.any(found):
        return ""
    size = np.size(found)
    place = f"at {int(np.sum(found))} of {size} elements " if size > 1 else "here "
    return f"{place}{why}: its slope there is a convention"


def _where(op: Any, xs: list[np.ndarray], y: Any) -> tuple[Any, str]:
    if not xs or xs[0].dtype.kind not in "fiu":
        return None, ""
    x = xs[0]
    if op.name in TIES and len(xs) == 2:
        return np.equal(*np.broadcast_arrays(*xs)), f"{TIES[op.name]}, a tie of {op.name}"
    if op.name in AT_ZERO:
        zero = x == 0
        for other in xs[1:] if op.name != "copysign" else ():
            zero = zero & (other == 0)
        zero = np.all(zero) if op.name == "norm" else zero
        return zero, f"{AT_ZERO[op.name]}, an edge of {op.name}"
    if op.name in ("max", "min") and x.size:
        return _ties(op, x), f"several elements are the {op.name}"
    if op.name in STEPS:
        edge = 0.5 if op.name == "round" else 0.0
        return x - np.floor(x) == edge, f"{op.name} has a step"
    kinks = getattr(op, "kinks", ())
    for k in kinks:
        return x == k, f"x is {k:g}, where {op.name} has a kink"
    return None, ""


def _ties(op: Any, x: np.ndarray) -> np.ndarray:
    axis = getattr(op, "axis", None)
    best = (np.max if op.name == "max" else np.min)(x, axis=axis, keepdims=True)
    return np.sum(x == best, axis=axis) > 1
