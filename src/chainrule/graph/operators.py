"""Python's operators and NumPy's protocols, for every kind of value that ops apply to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .errors import InPlaceError
from .protocol import FUNCTIONS, of_function, of_ufunc


def _binary(name: str) -> tuple[Callable, Callable]:
    def left(self: Any, other: Any) -> Any:
        return FUNCTIONS[name](self, other)

    def right(self: Any, other: Any) -> Any:
        return FUNCTIONS[name](other, self)

    return left, right


def _unary(name: str) -> Callable:
    def method(self: Any) -> Any:
        return FUNCTIONS[name](self)

    return method


# What users of other libraries look for on an array, and where it is here.
ELSEWHERE = {
    "clone": "x: a value is never changed",
    "copy": "x: a value is never changed",
    "cumprod": "cr.cumulative_prod(x)",
    "cumsum": "cr.cumulative_sum(x)",
    "dot": "x @ y",
    "double": "cr.astype(x, cr.float64)",
    "fill": "cr.full_like(x, value)",
    "flatten": "cr.reshape(x, (-1,))",
    "float": "cr.astype(x, cr.float32)",
    "ravel": "cr.reshape(x, (-1,))",
    "swapaxes": "cr.moveaxis(x, here, there)",
    "t": "x.T",
    "view": "cr.reshape(x, shape)",
}


def elsewhere(name: str, more: dict[str, str]) -> str:
    """The advice about an attribute that a value does not have."""
    known = f"cr.{name}(x)" if name in FUNCTIONS else {**ELSEWHERE, **more}.get(name)
    return f"; write {known}" if known else ""


class Operators:
    """What a tensor, a node and a symbol have in common: they can be computed with."""

    __slots__ = ()
    __array_priority__ = 1000

    if TYPE_CHECKING:  # shape, dtype and the rest are the kinds' own

        def __getattr__(self, name: str) -> Any: ...

    __add__, __radd__ = _binary("add")
    __sub__, __rsub__ = _binary("subtract")
    __mul__, __rmul__ = _binary("multiply")
    __truediv__, __rtruediv__ = _binary("divide")
    __floordiv__, __rfloordiv__ = _binary("floor_divide")
    __mod__, __rmod__ = _binary("remainder")
    __pow__, __rpow__ = _binary("pow")
    __matmul__, __rmatmul__ = _binary("matmul")
    __and__, __rand__ = _binary("bitwise_and")
    __or__, __ror__ = _binary("bitwise_or")
    __xor__, __rxor__ = _binary("bitwise_xor")
    __lshift__, __rlshift__ = _binary("bitwise_left_shift")
    __rshift__, __rrshift__ = _binary("bitwise_right_shift")
    __lt__, __gt__ = _binary("less")[0], _binary("greater")[0]
    __le__, __ge__ = _binary("less_equal")[0], _binary("greater_equal")[0]
    __eq__, __ne__ = _binary("equal")[0], _binary("not_equal")[0]
    __neg__, __pos__ = _unary("negative"), _unary("positive")
    __abs__, __invert__ = _unary("abs"), _unary("bitwise_invert")
    __hash__ = object.__hash__

    def __getitem__(self, key: Any) -> Any:
        return FUNCTIONS["getitem"](self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise InPlaceError(
            "a tensor is a value and cannot be assigned into; write"
            " cr.where(mask, new, x), or cr.scatter_add(x, index, change)"
        )

    def __delitem__(self, key: Any) -> None:
        raise InPlaceError("a tensor is a value; to leave elements out write x[mask] or x[index]")

    @property
    def T(self) -> Any:
        """The transpose of a matrix."""
        return FUNCTIONS["transpose"](self)

    @property
    def mT(self) -> Any:
        """The transpose of the last two axes."""
        return FUNCTIONS["matrix_transpose"](self)

    def sum(self, axis=None, keepdims: bool = False) -> Any:
        """`cr.sum` of it."""
        return FUNCTIONS["sum"](self, axis=axis, keepdims=keepdims)

    def mean(self, axis=None, keepdims: bool = False) -> Any:
        """`cr.mean` of it."""
        return FUNCTIONS["mean"](self, axis=axis, keepdims=keepdims)

    def max(self, axis=None, keepdims: bool = False) -> Any:
        """`cr.max` of it."""
        return FUNCTIONS["max"](self, axis=axis, keepdims=keepdims)

    def min(self, axis=None, keepdims: bool = False) -> Any:
        """`cr.min` of it."""
        return FUNCTIONS["min"](self, axis=axis, keepdims=keepdims)

    def astype(self, dtype: Any) -> Any:
        """`cr.astype` of it: the same numbers in another dtype."""
        return FUNCTIONS["astype"](self, dtype)

    def reshape(self, *shape: Any) -> Any:
        """`cr.reshape` of it."""
        return FUNCTIONS["reshape"](self, shape[0] if len(shape) == 1 else shape)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return of_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return of_function(func, args, kwargs)
