"""The functions a typed formula may call, and what each of their arguments is."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np

from ... import ops
from ...eager.tensor import Tensor, as_tensor, raw
from ...graph.errors import UsageError
from ...graph.op import Op
from ...graph.operators import FUNCTIONS
from ...graph.spelling import did_you_mean

CONSTANTS = {"pi": math.pi, "e": math.e}
FUNCTION_NAMES = frozenset(n for n in ops.__all__ if n[0].islower() and n in FUNCTIONS)

# Parameters that are arrays to compute with. All others (axis, shape, ...) are settings, and
# are handed on as they were typed.
ARRAYS = frozenset({
    "x", "y", "a", "b", "p", "condition", "weight", "bias", "values", "operands",
})  # fmt: skip
INDICES = frozenset({"indices", "labels"})
SEVERAL = frozenset({"arrays"})


def as_operand(x: Any) -> Tensor:
    """A number or nested lists of numbers as a constant to compute with."""
    if isinstance(x, Tensor):
        return x
    if _holds_tensors(x):
        return ops.stack([as_operand(i) for i in x])
    try:
        value = np.asarray(x)
    except ValueError:
        raise UsageError("the rows of a matrix must be equally long") from None
    if value.dtype.kind not in "biuf":
        raise UsageError("only numbers can be computed with")
    return as_tensor(value.astype(np.float64) if value.dtype.kind in "iu" else value)


def _holds_tensors(x: Any) -> bool:
    return isinstance(x, Tensor) or (isinstance(x, list) and any(map(_holds_tensors, x)))


def arguments(name: str, positional: list, named: dict[str, Any]) -> tuple[list, dict]:
    """The arguments for the function `name`, with at least one tensor among its arrays."""
    kinds = _kinds(name, positional, named)
    for k in named:
        if k not in kinds:
            known = [p for p in kinds if p not in ARRAYS | SEVERAL]
            advice = did_you_mean(k, known, f"it takes {', '.join(known) or 'no settings'}")
            raise UsageError(f"{name} has no argument {k}; {advice}")
    order = list(kinds.values())
    rest = order[-1] if order else "setting"
    positional = [_as(order[i] if i < len(order) else rest, x) for i, x in enumerate(positional)]
    named = {k: _as(kinds[k], x) for k, x in named.items()}
    if not any(isinstance(x, Tensor) for x in (*positional, *named.values())):
        for i, x in enumerate(positional):
            kind = order[i] if i < len(order) else rest
            if kind == "array" and not isinstance(x, (str, tuple)):
                positional[i] = as_operand(x)
                break
    return positional, named


def _kinds(name: str, positional: list, named: dict) -> dict[str, str]:
    """For every parameter of a function: array, indices, several or setting."""
    f = FUNCTIONS[name]
    if isinstance(f, Op):
        if named:
            raise UsageError(f"{name} takes its operands by position")
        return {f"x{i}": "array" for i in range(_arity(f, len(positional), name))}
    return {
        p: "array" if p in ARRAYS else "indices" if p in INDICES
        else "several" if p in SEVERAL else "setting"
        for p in inspect.signature(f).parameters
    }  # fmt: skip


def _arity(op: Op, given: int, name: str) -> int:
    code = op.forward.__code__
    if code.co_flags & inspect.CO_VARARGS:
        return given
    wanted = code.co_argcount - 2
    if given != wanted:
        raise UsageError(f"{name} takes {wanted} operand{'s' * (wanted != 1)}, {given} were given")
    return wanted


def _as(kind: str, x: Any) -> Any:
    if kind == "array" and isinstance(x, (list, np.ndarray)):
        return as_operand(list(x))
    if kind == "array" and isinstance(x, tuple):
        raise UsageError("an operand has several values; pick one: f(x)[0]")
    if kind == "indices" and not isinstance(x, (int, str)):
        return raw(x).astype(np.int64)
    if kind == "several":
        return [as_operand(i) for i in x] if isinstance(x, (list, tuple)) else x
    if isinstance(x, list):
        return tuple(x)
    return x
