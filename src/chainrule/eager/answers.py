"""Functions of the Array API that only answer: indices, counts, different values.

What is handed decides what comes back: arrays for arrays, tensors for tensors. No gradient
flows through an answer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..graph.errors import ShapeError, UsageError
from ..ops.elementwise.logic import not_equal
from ..ops.reduce import sum as sum_
from .tensor import FIXED, Tensor, leaf, raw


class UniqueAll(NamedTuple):
    """The different values, where each came first, which each element is, how often each is."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """The different values, and how often each is there."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """The different values, and which of them each element is."""

    values: Any
    inverse_indices: Any


def _as(x: Any, *answers: Any) -> tuple:
    """The answers in the kind of what was asked about."""
    return tuple(leaf(np.asarray(a), FIXED) for a in answers) if type(x) is Tensor else answers


def nonzero(x: Any, /) -> tuple:
    """The indices of the elements that are not zero, one vector for each axis.

    Raises: UsageError for a single number.

    >>> import chainrule as cr
    >>> cr.nonzero(cr.tensor([0.0, 3.0]))
    (tensor([1], dtype=int64),)
    """
    numbers = raw(x)
    if not numbers.ndim:
        raise UsageError("nonzero: of a single number; give it an axis first")
    return _as(x, *np.nonzero(numbers))


def count_nonzero(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """How many elements along `axis` are not zero."""
    return sum_(not_equal(x, 0), axis, keepdims, dtype=np.int64)


def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Any:
    """Where the elements of `x2` would have to stand in the sorted vector `x1`.

    Raises: UsageError for a side that is not 'left' or 'right'; ShapeError where `x1` is no vector.

    >>> import chainrule as cr
    >>> cr.searchsorted(cr.tensor([1.0, 2.0, 3.0]), cr.tensor([2.5]))
    tensor([2], dtype=int64)
    """
    if side not in ("left", "right"):
        raise UsageError(f"searchsorted: side={side!r}; say 'left' or 'right'")
    places, wanted = raw(x1), raw(x2)
    if places.ndim != 1:
        raise ShapeError(f"searchsorted: in shape {places.shape}; give a vector")
    order = None if sorter is None else raw(sorter)
    found = np.searchsorted(places, wanted, side, order)
    return _as(x2 if type(x2) is Tensor else x1, found)[0]


def unique_all(x: Any, /) -> UniqueAll:
    """The different values, their first indices, which each element is, and the counts."""
    return UniqueAll(*_as(x, *np.unique_all(raw(x))))


def unique_counts(x: Any, /) -> UniqueCounts:
    """The different values, and how often each is there. NaNs are all different."""
    return UniqueCounts(*_as(x, *np.unique_counts(raw(x))))


def unique_inverse(x: Any, /) -> UniqueInverse:
    """The different values, and which of them each element is."""
    return UniqueInverse(*_as(x, *np.unique_inverse(raw(x))))


def unique_values(x: Any, /) -> Any:
    """The different values, in order.

    >>> import chainrule as cr
    >>> cr.unique_values(cr.asarray([2, 1, 2]))
    tensor([1, 2], dtype=int64)
    """
    return _as(x, np.unique(raw(x), equal_nan=False))[0]


__all__ = [
    "count_nonzero", "nonzero", "searchsorted", "unique_all", "unique_counts", "unique_inverse",
    "unique_values",
]  # fmt: skip
