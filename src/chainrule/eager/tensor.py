"""A tensor: an array that remembers the op and the tensors it came from.

The memory of a computation (its tape) has `.op` and `.inputs` like a graph of nodes has, so
every reader of graphs reads it too, and finds the values in it.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy import ndarray

from ..graph.caller import caller
from ..graph.coerce import array_of, refuse_complex, weak_dtype
from ..graph.errors import DTypeError, InPlaceError, ShapeError, UsageError
from ..graph.namespace import XP
from ..graph.node import Leaf, Pick
from ..graph.op import KINDS, Kind, Op, Spec, explain
from ..graph.operators import FUNCTIONS, Operators, elsewhere


class Given(Leaf):
    """A tensor the user made: what gradients are asked of."""

    words = "is a leaf: its gradient is the sum of all that arrives here"

    def __reduce__(self) -> str:
        return type(self).__name__.upper()  # there is one of each, in a copy too


class Watched(Given):
    """An argument of a function that a transform is differentiating."""


class Fixed(Leaf):
    """An array or a number met on the way: nobody asks its gradient."""

    words = "is a constant: no gradient is asked of it"

    __reduce__ = Given.__reduce__


GIVEN, WATCHED, FIXED = Given(), Watched(), Fixed()

API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")  # each contains the ones before

# Told of every tensor that is made and of every backward pass: the finite sentinel.
WATCHER: ContextVar = ContextVar("watcher", default=None)


class Tensor(Operators):
    """An array with a memory of where it came from. A value: it never changes.

    `op` and `inputs` say how it was made, `line` where in the user's code, `grad` is filled by
    `backward`. Make one with `chainrule.tensor`.
    """

    __slots__ = (
        "__weakref__", "_calls", "_grad", "_label", "_shared", "_value", "inputs", "line", "op",
    )  # fmt: skip

    _value: Any  # an array; a tuple of them where the op has several values
    _grad: ndarray | None
    _shared: ndarray | None
    _label: str | None
    _calls: tuple | None  # (layer, what it was given, the calls within): for drawings

    def __init__(self, value: Any, op: Op | None = None, inputs: tuple = (), line: Any = None):
        if op is None:
            raise UsageError("cr.Tensor is the class; to make a tensor write cr.tensor(data)")
        self._value, self.op, self.inputs, self.line = value, op, inputs, line
        self._grad = self._shared = self._label = self._calls = None

    @property
    def value(self) -> ndarray:
        """The numbers, as a NumPy array that cannot be written to."""
        view = self._value.view()
        view.flags.writeable = False
        return view

    @property
    def grad(self) -> ndarray | None:
        """What `backward` has added up here, as a NumPy array of its own; None before."""
        if self._shared is not None:
            # The sweep hands one array to several tensors; a copy is made for who looks at it.
            self._grad, self._shared = np.array(self._shared, order="C"), None
        return self._grad

    @grad.setter
    def grad(self, new: Any) -> None:
        if new is not None:
            raise InPlaceError(
                "x.grad is what backward found; it can only be cleared: x.grad = None"
            )
        self._grad = self._shared = None

    def add_grad(self, g: Any) -> None:
        """Add what a backward pass found; `g` may be anybody's, so it is never written to."""
        g = np.asarray(g).reshape(self._value.shape)
        before = self._grad if self._shared is None else self._shared
        self._grad, self._shared = None, g if before is None else before + g

    @value.setter
    def value(self, new: Any) -> None:
        raise InPlaceError(
            "a tensor's numbers stay as they are; make a new one: "
            "chainrule.tensor(x.value + change), or for parameters "
            "optim.apply_updates(model, updates)"
        )

    @property
    def name(self) -> str | None:
        """What the user calls it, in drawings, derivations and errors."""
        return self._label

    @name.setter
    def name(self, new: Any) -> None:
        raise InPlaceError(f"a tensor keeps its name; write x.named({new!r}), the same under it")

    @property
    def spec(self) -> Any:
        """Shape and dtype; a tuple of them where the op has several values."""
        if type(self._value) is tuple:
            return tuple(Spec(v.shape, v.dtype) for v in self._value)
        return Spec(self._value.shape, self._value.dtype)

    @property
    def flows(self) -> bool:
        """Whether a gradient can pass here: through floats, and ops that do not stop it."""
        value = self._value  # one of several values is looked at where it is picked
        return type(value) is tuple or (value.dtype.kind == "f" and not self.op.stops)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self._value.shape

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the elements."""
        return self._value.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._value.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._value.size

    @property
    def device(self) -> str:
        """Where the numbers are: in the computer's memory."""
        return "cpu"

    def to_device(self, device: str, /, *, stream: Any = None) -> Tensor:
        """The tensor itself; there is no other device."""
        if device != "cpu":
            raise UsageError(f"to_device: {device!r}; the only device is 'cpu'")
        return self

    def item(self) -> Any:
        """The one number, as a Python number."""
        if self._value.size != 1:
            raise ShapeError(f"item: of shape {self.shape}; only one number can be taken out")
        return self._value.item()

    def named(self, name: str) -> Tensor:
        """The same value under a name, for drawings, derivations and errors.

        What gradients are asked of is still the tensor itself; its copy under a name is on the
        path to it.
        """
        if self.inputs:
            same = Tensor(self._value, self.op, self.inputs, self.line)
            same._calls = self._calls
        else:
            same = FUNCTIONS["positive"](self)
        same._label = name
        return same

    def backward(self, upstream: Any = None) -> None:
        """Fill `.grad` of everything this came from; a second call adds to it."""
        from .backward import backward

        backward(self, upstream)

    def __len__(self) -> int:
        if not self.shape:
            raise ShapeError("len: of a tensor with no axes")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._one("bool"))

    def __format__(self, how: str) -> str:
        return format(self._one("format"), how) if how else str(self)

    def __float__(self) -> float:
        return float(self._one("float"))

    def __int__(self) -> int:
        return int(self._one("int"))

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise DTypeError(f"index: of {self.dtype}; only an integer can be an index")
        return self._one("index")

    def __complex__(self) -> complex:
        return complex(self._one("complex"))

    def _one(self, asked: str) -> Any:
        if self._value.size != 1:
            raise ShapeError(
                f"{asked}: of a tensor of shape {self.shape}; "
                "only one number has a truth or a size; use cr.any, cr.all or an index"
            )
        return self._value.item()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a tensor has no attribute {name!r}{elsewhere(name, ELSEWHERE)}")

    def __array__(self, dtype: Any = None, copy: Any = None) -> ndarray:
        if dtype is None and not copy:
            return self.value
        if copy is False and dtype != self.dtype:
            raise UsageError(f"np.asarray: {self.dtype} to {np.dtype(dtype)} needs a copy")
        return np.array(self._value, dtype=dtype, copy=True if copy else None)

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None,
        copy: Any = None,
    ) -> Any:  # fmt: skip
        if copy is None and not self._value.flags.writeable and max_version is None:
            copy = True  # the old protocol cannot say that memory is only to be read
        return self._value.__dlpack__(
            stream=stream, max_version=max_version, dl_device=dl_device, copy=copy
        )

    def __dlpack_device__(self) -> Any:
        return self._value.__dlpack_device__()

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        if api_version is not None and api_version not in API_VERSIONS:
            raise UsageError(
                f"__array_namespace__: api_version={api_version!r}; known are {API_VERSIONS}"
            )
        return sys.modules[__name__.partition(".")[0]]

    def __repr__(self) -> str:
        numbers = np.array2string(self._value, precision=6, separator=", ", prefix="tensor(")
        label = f", name={self._label!r}" if self._label else ""
        kind = "" if self.dtype == np.float64 else f", dtype={self.dtype}"
        return f"tensor({numbers}{kind}{label})"

    def __reduce__(self) -> tuple:
        return (_restored, (np.array(self._value), self._label))


# What users of other libraries look for, and where it is here.
ELSEWHERE = {
    "detach": "x.value for the numbers, cr.stop_gradient(x) for a constant",
    "numpy": "x.value",
    "data": "x.value",
    "tolist": "x.value.tolist()",
    "requires_grad": "nothing: a gradient is asked of any tensor that you made",
    "retain_grad": "nothing: every tensor on the way keeps its gradient",
    "zero_grad": "x.grad = None, or cr.zero_grad(x)",
}


def _restored(value: ndarray, name: str | None) -> Tensor:
    return leaf(value, GIVEN, name)


def leaf(value: Any, op: Op = GIVEN, name: str | None = None) -> Tensor:
    """A tensor without history around an array, which is not copied."""
    made = Tensor(value, op)
    made._label = name
    return made


def raw(x: Any) -> ndarray:
    """The array that a tensor holds, not copied; of anything else, the array that it makes."""
    return x._value if type(x) is Tensor else np.asarray(x)


def as_tensor(x: Any, among: tuple = ()) -> Tensor:
    """`x` as an operand: a tensor as it is, an array or a number as a constant."""
    kind = type(x)
    if kind is Tensor:
        return x
    if kind is float or kind is int or kind is bool:
        return Tensor(np.asarray(x, weak_dtype(x, among)), FIXED)
    value = x if kind is ndarray else array_of(x)
    if type(value) is Tensor:
        return value
    if value.dtype.kind not in "fbiu":
        refuse_complex(value.dtype)
        raise DTypeError(f"an operand of {value.dtype}; give numbers")
    return Tensor(value, FIXED)


def record(op: Op, xs: tuple) -> Any:
    """Apply an op to tensors: compute the value, remember how."""
    try:
        inputs = tuple([x if type(x) is Tensor else as_tensor(x, xs[op.conditions :]) for x in xs])
        value = op.forward(XP, *[t._value for t in inputs])
    except Exception as error:
        raise explain(op, xs, error) from None
    if type(value) is not ndarray and type(value) is not tuple:
        value = np.asarray(value)
    made = Tensor(value, op, inputs, caller(3))
    if type(value) is tuple:
        made._value = tuple([np.asarray(v) for v in value])
    if WATCHER.get() is not None:
        WATCHER.get().forward(made)
    if type(value) is tuple:
        return tuple([record(Pick.of(k), (made,)) for k in range(len(value))])
    return made


KINDS[Tensor] = Kind(rank=2, apply=record)
