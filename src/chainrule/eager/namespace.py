"""The functions of the Array API that make tensors from nothing or from other things."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.coerce import holds, refuse_complex
from ..graph.errors import ChainruleError, DTypeError, ShapeError, UsageError
from ..graph.node import Node, as_node
from ..graph.operators import Operators
from ..graph.spelling import told_type
from ..ops.family import Cast, broadcast_to, reshape, shape_of
from ..ops.move import stack
from .dtypes import dtype_of, on_cpu
from .tensor import FIXED, GIVEN, Tensor, leaf


def tensor(data: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A tensor holding a copy of `data`.

    Shapes: those of `data`. Dtypes: Python numbers and lists become float64, arrays keep theirs.
    A tensor that was computed, alone or in a list, keeps its history: to cut it, pass `x.value`.
    Raises: DTypeError for complex, strings and objects; ShapeError for ragged lists.

    >>> import chainrule as cr
    >>> x = cr.tensor([1.0, 2.0], name="x")
    >>> cr.sum(x * x).backward()
    >>> x.grad
    array([2., 4.])
    """
    to = None if dtype is None else dtype_of(dtype)
    if holds(data):
        data = stack([tensor(part) for part in data])
    if isinstance(data, Operators) and not (type(data) is Tensor and data.op in (GIVEN, FIXED)):
        made = data if to is None or to == data.dtype else Cast.of(to)(data)
        return made if name is None else made.named(name)
    if type(data) is Tensor:
        data, name = data._value, name or data.name
    value = _array("tensor", data, to, True)
    if to is None and not hasattr(data, "dtype") and value.dtype.kind in "biu":
        value = value.astype(np.float64)
    return leaf(value, GIVEN, name)


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: Any = None) -> Any:
    """`obj` as a tensor, with the Array API's dtypes: Python ints become int64.

    A tensor comes back as it is, with its history; tensors in a list are stacked, with theirs.
    An array is shared unless `copy=True`. `cr.tensor` makes floats of ints, and always copies.
    Raises: DTypeError for complex, strings and objects; ShapeError for ragged lists; UsageError
    for `copy=False` where a copy is needed.

    >>> import chainrule as cr
    >>> cr.asarray([1, 2]).dtype, cr.tensor([1, 2]).dtype
    (dtype('int64'), dtype('float64'))
    """
    on_cpu("asarray", device)
    to = None if dtype is None else dtype_of(dtype)
    x: Any = obj
    if holds(obj):
        x = stack([asarray(part, dtype=to) for part in obj])
    if isinstance(x, Operators):
        if to is None or to == x.dtype:
            return x
        if copy is False:
            raise UsageError(f"asarray: {x.dtype} to {to} needs a copy; leave copy=False out")
        return Cast.of(to)(x)
    return leaf(_array("asarray", x, to, copy))


def _array(asked: str, obj: Any, dtype: Any, copy: Any) -> np.ndarray:
    try:
        made = np.asarray(obj, dtype=dtype, copy=copy)
    except OverflowError as error:
        raise DTypeError(f"{asked}: {error}") from None
    except ValueError as error:
        if copy is False:
            raise UsageError(
                f"{asked}: {told_type(obj)} cannot be shared; leave copy=False out"
            ) from None
        if "inhomogeneous" in str(error):
            raise ShapeError(f"{asked}: the rows have different lengths") from None
        raise DTypeError(f"{asked}: {error}") from None
    refuse_complex(made.dtype)
    if made.dtype.kind not in "biuf":
        raise DTypeError(
            f"{asked}: of {made.dtype}; give numbers, in an array or nested lists of one shape"
        )
    return made


def from_dlpack(x: Any, /, *, device: Any = None, copy: Any = None) -> Tensor:
    """The array of another library as a tensor, its memory shared where that can be.

    Raises: UsageError where the other array does not offer its memory.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> cr.from_dlpack(np.arange(2.0))
    tensor([0., 1.])
    """
    on_cpu("from_dlpack", device)
    try:
        made = np.from_dlpack(x, copy=copy)
    except (AttributeError, BufferError, RuntimeError, TypeError, ValueError) as error:
        raise UsageError(
            f"from_dlpack: {type(x).__name__} cannot be taken over ({error}); "
            f"pass cr.asarray a NumPy array of it"
        ) from None
    refuse_complex(made.dtype)
    return leaf(made)


def _made(asked: str, make: Any, *args: Any, dtype: Any, device: Any, **kwargs: Any) -> Tensor:
    """What NumPy makes, as a tensor; its complaints in our words."""
    on_cpu(asked, device)
    dtype = None if dtype is None else dtype_of(dtype)
    try:
        value = make(*args, dtype=dtype, **kwargs)
    except ChainruleError:
        raise
    except (TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
        said = ", ".join(map(repr, args))
        raise UsageError(f"{asked}({said}): {error}") from None
    refuse_complex(value.dtype)
    return leaf(value)


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of zeros; float64 unless said otherwise."""
    return _made("zeros", np.zeros, shape_of(shape), dtype=dtype, device=device)


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of ones; float64 unless said otherwise."""
    return _made("ones", np.ones, shape_of(shape), dtype=dtype, device=device)


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor whose numbers are not to be relied on. They are zeros: it can never be filled."""
    return _made("empty", np.zeros, shape_of(shape), dtype=dtype, device=device)


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor with one number everywhere, in the number's own dtype unless said otherwise."""
    if isinstance(fill_value, Operators):
        on_cpu("full", device)
        return broadcast_to(asarray(fill_value, dtype=dtype), shape_of(shape))
    return _made("full", np.full, shape_of(shape), fill_value, dtype=dtype, device=device)


def _like(asked: str, x: Any, fill_value: Any, dtype: Any, device: Any) -> Any:
    """One number in the shape of `x`, and of its kind: array, tensor or node."""
    on_cpu(asked, device)
    if not hasattr(x, "dtype"):
        x = asarray(x)
    to = x.dtype if dtype is None else dtype_of(dtype)
    if isinstance(fill_value, Operators):
        return broadcast_to(asarray(fill_value, dtype=to), x.shape)
    if type(x) is Node:
        return as_node(np.broadcast_to(np.asarray(fill_value, to), x.shape))
    made = np.full(x.shape, fill_value, to)
    return made if isinstance(x, np.ndarray) else leaf(made)


def zeros_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
    """Zeros in the shape, the dtype and the kind of `x`."""
    return _like("zeros_like", x, 0, dtype, device)


def ones_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
    """Ones in the shape, the dtype and the kind of `x`."""
    return _like("ones_like", x, 1, dtype, device)


def empty_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
    """Numbers not to be relied on, in the shape, the dtype and the kind of `x`."""
    return _like("empty_like", x, 0, dtype, device)


def full_like(x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """One number everywhere, in the shape, the dtype and the kind of `x`."""
    return _like("full_like", x, fill_value, dtype, device)


def arange(
    start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """The numbers from `start` (0, where only `stop` is given) up to but not `stop`.

    >>> import chainrule as cr
    >>> cr.arange(0.0, 1.0, 0.25)
    tensor([0.  , 0.25, 0.5 , 0.75])
    """
    start, stop, step = (_number(x) for x in (start, stop, step))
    if stop is None:
        start, stop = type(start)(0), start
    return _made("arange", np.arange, start, stop, step, dtype=dtype, device=device)


def linspace(
    start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None,
    endpoint: bool = True,
) -> Tensor:  # fmt: skip
    """`num` numbers at equal distances from `start` to `stop`, which is one of them.

    >>> import chainrule as cr
    >>> cr.linspace(0, 1, 3)
    tensor([0. , 0.5, 1. ])
    """
    if isinstance(start, Operators) or isinstance(stop, Operators):
        parts = linspace(0.0, 1.0, num, dtype=dtype, device=device, endpoint=endpoint)
        return start + (stop - start) * parts
    return _made(
        "linspace", np.linspace, start, stop, num, dtype=dtype, device=device, endpoint=endpoint
    )


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None
) -> Tensor:
    """Ones on the `k`-th diagonal, zeros elsewhere."""
    dtype = np.float64 if dtype is None else dtype
    rows, columns = _number(n_rows), _number(n_cols)
    return _made("eye", np.eye, rows, columns, k, dtype=dtype, device=device)


def _number(x: Any) -> Any:
    return x.item() if isinstance(x, Operators) else x  # a size or a range has no gradient


def meshgrid(*arrays: Any, indexing: str = "xy") -> list:
    """The coordinates of a grid, from the coordinates along each of its axes.

    Raises: UsageError for an indexing that is not 'xy' or 'ij'; ShapeError for matrices.

    >>> import chainrule as cr
    >>> [g.shape for g in cr.meshgrid(cr.arange(2), cr.arange(3))]
    [(3, 2), (3, 2)]
    """
    if indexing not in ("xy", "ij"):
        raise UsageError(f"meshgrid: indexing={indexing!r}; say 'xy' or 'ij'")
    arrays = tuple(x if hasattr(x, "dtype") else asarray(x) for x in arrays)
    for x in arrays:
        if len(x.shape) > 1:
            raise ShapeError(f"meshgrid: of shape {x.shape}; give vectors")
    places = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        places[:2] = 1, 0
    sizes = [0] * len(arrays)
    for x, place in zip(arrays, places, strict=True):
        sizes[place] = x.shape[0] if x.shape else 1
    return [
        broadcast_to(reshape(x, tuple(-1 if k == p else 1 for k in range(len(places)))), sizes)
        for x, p in zip(arrays, places, strict=True)
    ]


__all__ = [
    "arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like",
    "linspace", "meshgrid", "ones", "ones_like", "tensor", "zeros", "zeros_like",
]  # fmt: skip
