"""NumPy's functions of a tensor: which of ours each one is, and how its arguments are called."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from .errors import InPlaceError, UsageError

# Filled by the ops, under their public names: the graph knows that there are operators,
# the ops say what they are.
FUNCTIONS: dict[str, Callable] = {}

# NumPy's names, where they are not the Array API's.
NUMPY_NAMES = {
    "absolute": "abs", "amax": "max", "amin": "min", "arccos": "acos", "arccosh": "acosh",
    "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan", "arctan2": "atan2",
    "arctanh": "atanh", "around": "round", "concatenate": "concat", "conjugate": "conj",
    "copy": "asarray", "cumprod": "cumulative_prod", "cumsum": "cumulative_sum", "fabs": "abs",
    "float_power": "pow", "invert": "bitwise_invert", "left_shift": "bitwise_left_shift",
    "mod": "remainder", "power": "pow", "right_shift": "bitwise_right_shift", "rint": "round",
    "transpose": "permute_dims", "true_divide": "divide",
}  # fmt: skip
NUMPY_ARGUMENTS = {
    "a_max": "max", "a_min": "min", "constant_values": "value", "ddof": "correction",
    "pad_width": "widths", "reps": "repetitions",
}  # fmt: skip

# They answer with no number that has a gradient: NumPy may ask the values themselves.
QUESTIONS = {
    "allclose", "array2string", "array_equal", "array_equiv", "array_repr", "array_str",
    "isclose", "may_share_memory", "shares_memory",
}  # fmt: skip
OF_SHAPE_AND_DTYPE = {  # questions that need no numbers
    "can_cast", "iscomplexobj", "isrealobj", "ndim", "result_type", "shape", "size",
}  # fmt: skip


def _squeeze(a: Any, axis: Any = None) -> Any:
    ones = tuple(k for k, n in enumerate(a.shape) if n == 1)
    return FUNCTIONS["squeeze"](a, ones if axis is None else axis)


def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return FUNCTIONS["moveaxis"](a, (axis1, axis2), (axis2, axis1))


def _dot(a: Any, b: Any) -> Any:
    one_number = not np.ndim(a) or not np.ndim(b)
    if np.ndim(a) > 2 or np.ndim(b) > 2:
        raise UsageError(
            f"np.dot of {np.shape(a)} and {np.shape(b)}: with more than two axes say which are "
            "summed, by cr.tensordot, or which are a batch, by cr.matmul"
        )
    return FUNCTIONS["multiply" if one_number else "matmul"](a, b)


def _of_a_matrix(name: str) -> Callable:
    def function(a: Any, offset: int = 0) -> Any:
        if len(a.shape) != 2:
            raise UsageError(
                f"np.{name} of shape {a.shape} takes the first two axes; "
                f"cr.{name} the last two: say which with cr.moveaxis"
            )
        return FUNCTIONS[name](a, offset=offset)

    return function


# Functions of NumPy's that mean something else, or that we have under no name.
SPELLED: dict[str, Callable] = {
    "diagonal": _of_a_matrix("diagonal"),
    "dot": _dot,
    "ravel": lambda a: FUNCTIONS["reshape"](a, (-1,)),
    "squeeze": _squeeze,
    "swapaxes": _swapaxes,
    "trace": _of_a_matrix("trace"),
}


def of_ufunc(ufunc: Any, method: str, inputs: tuple, kwargs: dict) -> Any:
    """What `np.sin(t)` is: our function of the same meaning."""
    label = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    if kwargs.pop("out", None) is not None:
        raise _written_into(label)
    name: str = ufunc.__name__
    ours = FUNCTIONS.get(NUMPY_NAMES.get(name, name))
    if ours is None or method != "__call__":
        raise _unknown(label, inputs)
    if kwargs:
        raise _unsupported(label, next(iter(kwargs)), inputs)
    return ours(*inputs)


def of_function(func: Any, args: tuple, kwargs: dict) -> Any:
    """What `np.sum(t, axis=0)` is: our function, its arguments under our names."""
    name: str = func.__name__
    room = func.__module__.removeprefix("numpy").removeprefix(".")
    label = f"np.{room}.{name}" if room in ("linalg", "fft") else f"np.{name}"
    if name in QUESTIONS:
        numbers = [np.asarray(x) if hasattr(type(x), "__array_function__") else x for x in args]
        return func(*numbers, **kwargs)
    if name in OF_SHAPE_AND_DTYPE:
        return func(*map(_stand_in, args), **kwargs)
    ours = SPELLED.get(name) if room != "linalg" else None
    ours = ours or FUNCTIONS.get(NUMPY_NAMES.get(name, name))
    if ours is None:
        raise _unknown(label, args)
    places, names = _renamed(label, func, ours, args, kwargs)
    try:
        _signature(ours).bind(*places, **names)
    except TypeError as error:
        raise UsageError(f"{label} of a tensor: {error}") from None
    return ours(*places, **names)


def _stand_in(x: Any) -> Any:
    """An array of the same shape and dtype, which takes no memory."""
    if not hasattr(type(x), "__array_function__") or isinstance(x, np.ndarray):
        return x
    return np.broadcast_to(np.zeros((), x.dtype), x.shape)


def _renamed(label: str, func: Any, ours: Callable, args: tuple, kwargs: dict) -> tuple:
    """The arguments of NumPy's function as places and names of ours; defaults are left out."""
    theirs = _signature(func)
    if theirs is None:  # a function in C that does not say what it takes
        return args, kwargs
    ours_by_name = _signature(ours).parameters.values()
    known = {p.name for p in ours_by_name if p.kind is not p.POSITIONAL_ONLY}
    places: list = []
    names: dict[str, Any] = {}
    for key, value in theirs.bind(*args, **kwargs).arguments.items():
        parameter = theirs.parameters[key]
        if parameter.kind is parameter.VAR_POSITIONAL:
            places.extend(value)
            continue
        more: dict[str, Any] = value if parameter.kind is parameter.VAR_KEYWORD else {key: value}
        for asked, given in more.items():
            name = NUMPY_ARGUMENTS.get(asked, asked)
            if asked in theirs.parameters and _is_default(given, theirs.parameters[asked].default):
                continue
            if asked == "out":
                raise _written_into(label)
            if name in known:
                names[name] = given
            elif not names and parameter.default is parameter.empty and more is not value:
                places.append(given)
            else:
                raise _unsupported(label, asked, args)
    return places, names


def _is_default(given: Any, default: Any) -> bool:
    plain = type(given) in (bool, int, float, str)
    return given is default or (plain and type(default) is type(given) and given == default)


@lru_cache(512)
def _signature(function: Callable) -> Any:
    from inspect import signature

    try:
        return signature(function)
    except ValueError:
        return None


def _written_into(label: str) -> InPlaceError:
    return InPlaceError(
        f"{label}(..., out=...): a tensor is never written into, and writes into nothing; "
        f"use the value that {label} returns"
    )


def _outside(call: str, args: tuple) -> str:
    """How NumPy's own function can be had all the same."""
    if any(hasattr(x, "value") for x in args if hasattr(type(x), "__array_function__")):
        return f"or {call}, which leaves the graph"
    return "or call it outside of the traced function, which has no numbers yet"


def _unknown(label: str, args: tuple) -> UsageError:
    return UsageError(
        f"{label} of a tensor is not known; use a function of chainrule, "
        f"{_outside(f'{label}(x.value)', args)}"
    )


def _unsupported(label: str, argument: str, args: tuple) -> UsageError:
    return UsageError(
        f"{label} of a tensor does not know {argument}=; leave it out, "
        f"{_outside(f'{label}(x.value, {argument}=...)', args)}"
    )
