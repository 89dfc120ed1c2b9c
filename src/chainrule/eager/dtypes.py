"""Data types and constants of the namespace, and the questions one can ask about them."""

from __future__ import annotations

import builtins
from math import e, inf, nan, pi
from typing import Any, NamedTuple

import numpy as np

from ..graph.coerce import refuse_complex
from ..graph.errors import DTypeError, UsageError

newaxis = None

bool = np.dtype(np.bool_)
int8, int16 = np.dtype(np.int8), np.dtype(np.int16)
int32, int64 = np.dtype(np.int32), np.dtype(np.int64)
uint8, uint16 = np.dtype(np.uint8), np.dtype(np.uint16)
uint32, uint64 = np.dtype(np.uint32), np.dtype(np.uint64)
float32, float64 = np.dtype(np.float32), np.dtype(np.float64)

_SIGNED, _UNSIGNED = (int8, int16, int32, int64), (uint8, uint16, uint32, uint64)
_FLOATS = (float32, float64)

# The Array API's names for kinds of dtypes. There is no complex one to be found.
KINDS_OF_DTYPE: dict[str, tuple[np.dtype, ...]] = {
    "bool": (bool,),
    "signed integer": _SIGNED,
    "unsigned integer": _UNSIGNED,
    "integral": (*_SIGNED, *_UNSIGNED),
    "real floating": _FLOATS,
    "complex floating": (),
    "numeric": (*_SIGNED, *_UNSIGNED, *_FLOATS),
}

DEFAULT_DTYPES = {"real floating": float64, "integral": int64, "indexing": int64}


class FloatInfo(NamedTuple):
    """The limits of a float dtype, as Python floats."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: np.dtype


class IntInfo(NamedTuple):
    """The limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: np.dtype


def dtype_of(x: Any) -> np.dtype:
    """The dtype of an array, or what names a dtype, as a dtype that is not complex."""
    # A scalar type, such as np.float64, has these attributes too, but not their values.
    found = x.dtype if hasattr(x, "dtype") and not isinstance(x, type) else x
    try:
        found = np.dtype(found)
    except TypeError:
        raise DTypeError(
            f"{x!r} is no dtype; give one of chainrule's, such as cr.float32"
        ) from None
    refuse_complex(found)
    if found.kind not in "biuf":
        raise DTypeError(f"{x!r} is no dtype of numbers; give one such as cr.float32")
    return found


def finfo(type: Any, /) -> FloatInfo:
    """The limits of a float dtype, or of an array's.

    Raises: DTypeError for dtypes that are not floats.

    >>> import chainrule as cr
    >>> cr.finfo(cr.float32).bits
    32
    """
    dtype = dtype_of(type)
    if dtype.kind != "f":
        raise DTypeError(f"finfo: of {dtype}; for integers say cr.iinfo")
    found = np.finfo(dtype)
    return FloatInfo(
        found.bits, float(found.eps), float(found.max), float(found.min),
        float(found.smallest_normal), dtype,
    )  # fmt: skip


def iinfo(type: Any, /) -> IntInfo:
    """The limits of an integer dtype, or of an array's.

    Raises: DTypeError for dtypes that are not integers.

    >>> import chainrule as cr
    >>> cr.iinfo(cr.int8).max
    127
    """
    dtype = dtype_of(type)
    if dtype.kind not in "iu":
        raise DTypeError(f"iinfo: of {dtype}; for floats say cr.finfo")
    found = np.iinfo(dtype)
    return IntInfo(found.bits, int(found.max), int(found.min), dtype)


def isdtype(dtype: Any, kind: Any) -> builtins.bool:
    """Whether a dtype is of a kind: another dtype, a name, or a tuple of them.

    Raises: UsageError for a name that is not one of the Array API's.

    >>> import chainrule as cr
    >>> cr.isdtype(cr.float32, "real floating"), cr.isdtype(cr.int8, ("bool", cr.float64))
    (True, False)
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if not isinstance(kind, str):
        return dtype == kind
    if kind not in KINDS_OF_DTYPE:
        raise UsageError(
            f"isdtype: {kind!r} is no kind of dtype; say one of "
            f"{', '.join(map(repr, KINDS_OF_DTYPE))}"
        )
    return dtype in KINDS_OF_DTYPE[kind]


def can_cast(from_: Any, to: Any, /) -> builtins.bool:
    """Whether an array or dtype can become another dtype without losing numbers."""
    return builtins.bool(np.can_cast(dtype_of(from_), dtype_of(to)))


def result_type(*arrays_and_dtypes: Any) -> np.dtype:
    """The dtype that arrays, dtypes and Python numbers have together.

    >>> import chainrule as cr
    >>> cr.result_type(cr.float32, 1.0), cr.result_type(cr.int8, cr.uint8)
    (dtype('float32'), dtype('int16'))
    """
    weak = (builtins.bool, int, float)
    given = [x if type(x) in weak else dtype_of(x) for x in arrays_and_dtypes]
    if not given or all(type(x) in weak for x in given):
        raise UsageError(f"result_type: of {arrays_and_dtypes}; give at least one array or dtype")
    return np.result_type(*given)


class Info:
    """What this namespace can do, and what it takes when nothing is said."""

    def capabilities(self) -> dict[str, Any]:
        """Which optional parts of the Array API are here."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """The only device there is."""
        return "cpu"

    def devices(self) -> list[str]:
        """All devices: one."""
        return ["cpu"]

    def default_dtypes(self, *, device: Any = None) -> dict[str, np.dtype]:
        """The dtypes of numbers that come without one."""
        on_cpu("default_dtypes", device)
        return dict(DEFAULT_DTYPES)

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, np.dtype]:
        """All dtypes by name, or those of a kind."""
        on_cpu("dtypes", device)
        every = (*KINDS_OF_DTYPE["bool"], *KINDS_OF_DTYPE["numeric"])
        return {d.name: d for d in every if kind is None or isdtype(d, kind)}


def __array_namespace_info__() -> Info:
    """What this namespace can do, in the Array API's own terms.

    >>> import chainrule as cr
    >>> cr.__array_namespace_info__().default_dtypes()["real floating"]
    dtype('float64')
    """
    return Info()


def on_cpu(asked: str, device: Any) -> None:
    """Refuse, in words, a device that is not the computer's memory."""
    if device is not None and device != "cpu":
        raise UsageError(f"{asked}: device={device!r}; the only one is 'cpu'")


__all__ = [
    "__array_namespace_info__",
    "bool",
    "can_cast",
    "e",
    "finfo",
    "float32",
    "float64",
    "iinfo",
    "inf",
    "int8",
    "int16",
    "int32",
    "int64",
    "isdtype",
    "nan",
    "newaxis",
    "pi",
    "result_type",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]  # fmt: skip
