"""What a user's function refuses, in words: arrays know neither the op nor its line, tensors do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..eager.tensor import Tensor, leaf
from ..graph.errors import AxisError, ChainruleError, ShapeError


def asked(function: Callable, x: Any, *rest: Any) -> Any:
    """`function(x, *rest)` of arrays; what NumPy refuses is refused by the op, with its line.

    Raises: ShapeError, AxisError, where of a tensor that is what is wrong; else what it raises.

    >>> import numpy as np
    >>> asked(lambda p, t: p @ t, np.ones((1, 2)), np.ones((1, 1)))
    Traceback (most recent call last):
    chainrule.graph.errors.ShapeError: matmul: shapes (1, 2) and (1, 1) do not chain;...
    """
    try:
        return function(x, *rest)
    except ChainruleError:
        raise
    except (ValueError, IndexError):
        found = _of_a_tensor(function, x, rest)
        if found is None:
            raise
        raise found from None


def _of_a_tensor(function: Callable, x: Any, rest: tuple) -> ChainruleError | None:
    with suppress(Exception):  # then NumPy's refusal is about something else
        try:
            function(x if isinstance(x, Tensor) else leaf(x), *rest)
        except (ShapeError, AxisError) as error:
            return error
    return None
