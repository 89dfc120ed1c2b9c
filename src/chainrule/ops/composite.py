"""Functions of ops. They have no gradient of their own: the chain rule has it."""

from __future__ import annotations

from typing import Any

from .elementwise.arithmetic import maximum, minimum
from .elementwise.exponential import exp
from .reduce import logsumexp


def log_softmax(x: Any, axis: int = -1) -> Any:
    """x - ln Σeˣ along `axis`: the logarithm of the softmax, without overflow."""
    return x - logsumexp(x, axis, keepdims=True)


def softmax(x: Any, axis: int = -1) -> Any:
    """eˣ/Σeˣ along `axis`: positive shares that add up to 1 (Bridle 1990).

    >>> import chainrule as cr
    >>> cr.softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    return exp(log_softmax(x, axis))


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """`x` held between `min` and `max`; beyond them no gradient flows, on them half of it."""
    if min is not None:
        x = maximum(x, min)
    return x if max is None else minimum(x, max)
