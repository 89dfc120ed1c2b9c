"""Clipping: the simple guard against a gradient that explodes."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from ..graph.errors import UsageError
from ..ops import clip, minimum, sqrt, square, sum, where
from .transform import Mapped


def clip_by_value(low: float, high: float) -> Mapped:
    """Every element of every gradient held between `low` and `high`.

    Raises: UsageError unless low < high.
    Source: Mikolov 2012; [-5, 5] is the customary range for recurrent networks.

    >>> import numpy as np, chainrule as cr
    >>> guard = cr.optim.clip_by_value(-5, 5)
    >>> guard.update([np.array([-9.0, 2.0])], None, None)[0]
    [array([-5.,  2.])]
    """
    if not low < high:
        raise UsageError(f"clip_by_value({low}, {high}): the first must be the smaller")
    low, high = float(low), float(high)
    return Mapped(f"clip_by_value({low}, {high})", partial(_held, low=low, high=high))


def _held(g: list, low: float, high: float) -> list:
    return [clip(x, low, high) for x in g]


def clip_by_norm(largest: float) -> Mapped:
    """All gradients scaled down together, so that their common norm is at most `largest`.

    The direction stays. Raises: UsageError unless largest > 0.
    Source: Pascanu, Mikolov and Bengio 2013.

    >>> import numpy as np, chainrule as cr
    >>> cr.optim.clip_by_norm(1.0).update([np.array([3.0, 4.0])], None, None)[0]
    [array([0.6, 0.8])]
    """
    if not isinstance(largest, Real) or not largest > 0:
        raise UsageError(f"clip_by_norm({largest!r}): the norm must be positive, a number")
    return Mapped(f"clip_by_norm({largest})", partial(_scaled, largest=largest))


def _scaled(g: list, largest: float) -> list:
    factor = minimum(largest / _or_one(global_norm(g)), 1.0)
    return [x * factor for x in g]


def global_norm(gradients: list) -> Any:
    """The Euclidean norm of all elements of all gradients together."""
    if not gradients:
        return np.float64(0.0)
    first, *rest = [sum(square(x)) for x in gradients]
    for squares in rest:
        first = first + squares
    return sqrt(first)


def _or_one(norm: Any) -> Any:
    return where(norm == 0, 1.0, norm)
