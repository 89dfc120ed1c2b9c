"""An operation as text, in the notation it is typed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ..graph.node import Pick
from ..graph.op import Op
from ..ops.contract import Einsum
from ..ops.index import Gather
from ..ops.slicing import Slice
from ..read.code.style import key_text

INFIX = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//",
    "remainder": "%", "pow": "**", "matmul": "@", "less": "<", "less_equal": "<=",
    "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
}  # fmt: skip
PLAIN = {"negative": "-{}", "positive": "+{}", "square": "{} ** 2"}


def operation(op: Op, operands: Sequence[str]) -> str:
    """What a node computes, as it would be typed.

    >>> import chainrule as cr
    >>> operation(cr.add, ["x", "y"]), operation(cr.tanh, ["u1"])
    ('x + y', 'tanh(u1)')
    """
    if op.name in INFIX and len(operands) == 2:
        return f" {INFIX[op.name]} ".join(_bracketed(x) for x in operands)
    if op.name in PLAIN and len(operands) == 1:
        return PLAIN[op.name].format(_bracketed(operands[0]))
    if isinstance(op, Pick):
        return f"{operands[0]}[{op.index}]"
    if isinstance(op, (Slice, Gather)):
        return f"{operands[0]}[{_key(op.key, operands[1:])}]"
    if isinstance(op, Einsum):
        return f"einsum('{op.text}', {', '.join(operands)})"
    return f"{op.name}({', '.join([*operands, *_settings(op)])})"


def _bracketed(x: str) -> str:
    return f"({x})" if x.startswith("-") else x


def _settings(op: Op) -> list[str]:
    if not is_dataclass(op):
        return []
    told = []
    for f in fields(op):
        value = getattr(op, f.name)
        if value is None or value is False:
            continue
        told.append(f"{f.name}={_text(value)}")
    return told


def _text(value: Any) -> str:
    if isinstance(value, np.dtype):
        return value.name
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _key(key: tuple, indices: Sequence[str]) -> str:
    unknown = ("...",) * len(key)
    return key_text(key, (*indices, *unknown))
