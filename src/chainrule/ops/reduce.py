"""Reductions: some axes disappear."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from operator import index
from typing import Any

import numpy as np

from ..graph.coerce import array_of
from ..graph.errors import AxisError, TracingError, UsageError
from ..graph.op import Op, Spec
from .elementwise.arithmetic import square
from .elementwise.exponential import exp
from .elementwise.logic import equal, isfinite
from .family import Reduce, axes_of, like, reshape, where
from .running import CumulativeProd, CumulativeSum, before, flipped


class Sum(Reduce):
    """The sum along the axes."""

    latex, binds, takes = r"\sum #1", 1, (2,)
    words = "copies the upstream gradient to every element it added up"
    source = "Array API 2024.12, sum"

    def forward(self, xp, x):
        return xp.sum(x, axis=self.axis, keepdims=self.keepdims)

    def local(self, y, x):
        return 1


class Mean(Reduce):
    """The arithmetic mean along the axes."""

    latex = r"\operatorname{mean}\left(#1\right)"
    words = "copies the upstream gradient to every element, divided by how many there are"
    source = "Array API 2024.12, mean"

    def forward(self, xp, x):
        return xp.sum(x, axis=self.axis, keepdims=self.keepdims) / count(self.axis, x.shape)

    def dtype(self, dtype):
        return np.result_type(dtype, 0.0) if dtype.kind != "f" else dtype

    def local(self, y, x):
        return 1.0 / count(self.axis, x.shape)


@lru_cache(4096)
def count(axis: Any, shape: tuple[int, ...]) -> float:
    """How many elements a reduction joins into one."""
    joined = [shape[a] for a in axes_of("mean", axis, len(shape))]
    return math.prod(joined) or math.nan  # the mean of nothing


def _some(op: Reduce, x: Spec) -> None:
    """Refuse a choice among no elements."""
    axes = axes_of(op, op.axis, len(x.shape))
    others = [n for k, n in enumerate(x.shape) if k not in axes]
    if 0 not in others and 0 in x.shape:
        raise UsageError(f"{op}: of {x.shape}: there is no element to choose")


class Max(Reduce):
    """The largest element along the axes."""

    latex = r"\max\left(#1\right)"
    words = "routes the upstream gradient to the largest element; ties share it evenly"
    source = "Array API 2024.12, max"

    def forward(self, xp, x):
        return xp.max(x, axis=self.axis, keepdims=self.keepdims)

    def spec(self, x):
        _some(self, x)
        return super().spec(x)

    def local(self, y, x):
        winners = like(equal(x, y), x)
        return winners / Sum.of(self.axis, True)(winners)


class Min(Max):
    """The smallest element along the axes."""

    latex = r"\min\left(#1\right)"
    words = "routes the upstream gradient to the smallest element; ties share it evenly"
    source = "Array API 2024.12, min"

    def forward(self, xp, x):
        return xp.min(x, axis=self.axis, keepdims=self.keepdims)


class Norm(Reduce):
    """The Euclidean norm √Σx² along the axes; its gradient at 0 is 0."""

    latex = r"\left\|#1\right\|"
    words = "scales the upstream gradient by x/‖x‖: the direction"
    source = "Golub and Van Loan, Matrix Computations, 2.2"

    def forward(self, xp, x):
        largest = xp.max(xp.abs(x), axis=self.axis, keepdims=True, initial=0)
        scale = xp.where(xp.isfinite(largest) & (largest > 0), largest, xp.ones_like(largest))
        total = xp.sqrt(xp.sum(xp.square(x / scale), axis=self.axis, keepdims=True)) * scale
        return total if self.keepdims else xp.squeeze(total, self._axes(x))

    def dtype(self, dtype):
        return np.result_type(dtype, 0.0) if dtype.kind != "f" else dtype

    def local(self, y, x):
        return x / where(y == 0, 1.0, y)

    def _axes(self, x):
        return axes_of(self, self.axis, len(x.shape))


class Logsumexp(Reduce):
    """ln Σeˣ along the axes, without overflow."""

    latex, binds = r"\ln \sum e^{#1}", 1
    words = "shares the upstream gradient among the elements by their softmax"
    source = "Blanchard, Higham and Higham 2021"

    def forward(self, xp, x):
        largest = xp.max(x, axis=self.axis, keepdims=True, initial=-np.inf)
        shift = xp.where(xp.isfinite(largest), largest, xp.zeros_like(largest))
        with np.errstate(divide="ignore"):  # ln 0 = -inf is the value where all is -inf
            total = xp.log(xp.sum(xp.exp(x - shift), axis=self.axis, keepdims=True)) + shift
        return total if self.keepdims else xp.squeeze(total, axes_of(self, self.axis, x.ndim))

    def dtype(self, dtype):
        return np.result_type(dtype, 0.0) if dtype.kind != "f" else dtype

    def local(self, y, x):
        return exp(x - where(isfinite(y), y, 0.0))


class Prod(Reduce):
    """The product along the axes."""

    latex, binds, takes = r"\prod #1", 1, (3,)
    words = "scales by the product of all the other elements"
    source = "Array API 2024.12, prod"

    def forward(self, xp, x):
        return xp.prod(x, axis=self.axis, keepdims=self.keepdims)

    def local(self, y, x):
        # Not y/x, which a single 0 would spoil: the product of what stands before times
        # the product of what stands behind, over the reduced axes laid out as one.
        shape, axes = x.shape, axes_of(self, self.axis, len(x.shape))
        rest = tuple(a for a in range(len(shape)) if a not in axes)
        flat = reshape(_permute(x, rest + axes), (*(shape[a] for a in rest), -1))
        others = before(flat) * flipped(before(flipped(flat)))
        laid = reshape(others, tuple(shape[a] for a in rest + axes))
        return _permute(laid, tuple(int(k) for k in np.argsort(rest + axes)))


def _permute(x: Any, axes: tuple[int, ...]) -> Any:
    from .move import permute_dims

    return permute_dims(x, axes) if axes else x


@dataclass(frozen=True, eq=False)
class Ask(Reduce):
    """A reduction that answers: any, all, argmax, argmin. No gradient flows through it."""

    question: str = "any"

    words = "answers a question, so nothing flows back"
    stops = True

    @property
    def name(self) -> str:
        return self.question

    @property
    def latex(self) -> str:
        return rf"\operatorname{{{self.question}}}\left(#1\right)"

    def spec(self, x):
        if self.question.startswith("arg"):
            _some(self, x)
        return super().spec(x)

    def forward(self, xp, x):
        return getattr(xp, self.question)(x, axis=self.axis, keepdims=self.keepdims)

    def dtype(self, dtype):
        return np.dtype(np.int64 if self.question.startswith("arg") else bool)


def _axis(axis: Any) -> Any:
    if isinstance(axis, (list, tuple, np.ndarray)):
        return tuple(_whole(a) for a in axis)
    return axis if axis is None else _whole(axis)


def _whole(axis: Any) -> int:
    try:
        return index(axis)
    except TracingError:
        raise
    except TypeError:
        raise AxisError(f"axis={axis!r}; an axis is a whole number, or a tuple of them") from None


def _cast(x: Any, dtype: Any) -> Any:
    from .family import Cast

    return x if dtype is None or x.dtype == dtype else Cast.of(np.dtype(dtype))(x)


def _in_dtype(op: Op, x: Any, dtype: Any) -> Any:
    # Cast before, so that it is computed in `dtype`, and after: NumPy widens small integers.
    return _cast(op(_cast(array_of(x), dtype)), dtype)


def sum(x: Any, axis: Any = None, keepdims: bool = False, *, dtype: Any = None) -> Any:
    """The sum along `axis` (all axes, where it is None)."""
    return _in_dtype(Sum.of(_axis(axis), keepdims), x, dtype)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The arithmetic mean along `axis`."""
    return Mean.of(_axis(axis), keepdims)(array_of(x))


def prod(x: Any, axis: Any = None, keepdims: bool = False, *, dtype: Any = None) -> Any:
    """The product along `axis`; a 0 among the factors leaves the gradient exact."""
    return _in_dtype(Prod.of(_axis(axis), keepdims), x, dtype)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest element along `axis`; ties share the gradient evenly."""
    return Max.of(_axis(axis), keepdims)(array_of(x))


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest element along `axis`; ties share the gradient evenly."""
    return Min.of(_axis(axis), keepdims)(array_of(x))


def norm(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The Euclidean norm along `axis`; its gradient at 0 is 0."""
    return Norm.of(_axis(axis), keepdims)(array_of(x))


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """ln Σeˣ along `axis`, without overflow."""
    return Logsumexp.of(_axis(axis), keepdims)(array_of(x))


def var(x: Any, axis: Any = None, keepdims: bool = False, *, correction: float = 0.0) -> Any:
    """The variance along `axis`: the mean square distance from the mean."""
    x = array_of(x)
    apart = x - mean(x, axis, keepdims=True)
    return sum(square(apart), axis, keepdims) / _freedom(x, axis, correction)


def std(x: Any, axis: Any = None, keepdims: bool = False, *, correction: float = 0.0) -> Any:
    """The standard deviation along `axis`; its gradient where all are equal is 0."""
    x = array_of(x)
    apart = x - mean(x, axis, keepdims=True)
    return norm(apart, axis, keepdims) / _freedom(x, axis, correction) ** 0.5


def _freedom(x: Any, axis: Any, correction: float) -> float:
    count = 1
    for a in axes_of("var", _axis(axis), len(x.shape)):
        count *= x.shape[a]
    if not isinstance(correction, (int, float)):
        raise UsageError(f"var: correction={correction!r}; give a number")
    free = count - correction
    return float(free) if free > 0 else float("nan")


def cumulative_sum(
    x: Any, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """The running sum along `axis`; with `include_initial` it starts at 0."""
    return _running(CumulativeSum, 0, x, axis, dtype, include_initial)


def cumulative_prod(
    x: Any, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """The running product along `axis`; with `include_initial` it starts at 1."""
    return _running(CumulativeProd, 1, x, axis, dtype, include_initial)


def _running(op: type, first: int, x: Any, axis: Any, dtype: Any, include_initial: bool) -> Any:
    from .move import concat

    x = array_of(x)
    if axis is None:
        if len(x.shape) != 1:
            raise UsageError(f"{op.name} of {x.shape}: with more than one axis, say which: axis=")
        axis = 0
    y = _in_dtype(op.of(axis), x, dtype)
    if not include_initial:
        return y
    shape = tuple(1 if k == axis % len(x.shape) else n for k, n in enumerate(x.shape))
    return concat([np.full(shape, first, y.dtype), y], axis=axis)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether any element along `axis` is true."""
    return Ask.of(_axis(axis), keepdims, "any")(array_of(x))


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all elements along `axis` are true."""
    return Ask.of(_axis(axis), keepdims, "all")(array_of(x))


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the largest element along `axis`, the first of several."""
    return Ask.of(_axis(axis), keepdims, "argmax")(array_of(x))


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The index of the smallest element along `axis`, the first of several."""
    return Ask.of(_axis(axis), keepdims, "argmin")(array_of(x))


__all__ = [
    "all", "any", "argmax", "argmin", "cumulative_prod", "cumulative_sum", "logsumexp", "max",
    "mean", "min", "norm", "prod", "std", "sum", "var",
]  # fmt: skip
