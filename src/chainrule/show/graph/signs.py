"""The sign of an operation: what stands in its circle."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.caller import Line
from ...graph.node import Constant, Pick
from ...ops.scan import Scan
from ...read.code.program import ASSIGNED
from ...study.numbers import MINUS, figure
from ...study.wording import operation
from ..svg import clip

SIGNS = {
    "add": "+", "subtract": "−", "multiply": "·", "divide": "÷", "negative": "−x",
    "square": "x²", "pow": "xᵖ", "sqrt": "√x", "reciprocal": "1/x", "abs": "|x|", "cube": "x³",
    "exp": "eˣ", "exp2": "2ˣ", "expm1": "eˣ − 1", "log": "ln", "log1p": "ln(1 + x)",
    "log2": "log₂", "log10": "log₁₀", "sigmoid": "σ", "relu": "ReLU", "leaky_relu": "leaky ReLU",
    "elu": "ELU", "gelu": "GELU", "silu": "SiLU", "maximum": "max", "minimum": "min",
    "matmul": "@", "linear": "x Wᵀ + b", "sum": "Σ", "prod": "∏", "norm": "‖x‖",
    "logsumexp": "ln Σ eˣ", "log_softmax": "ln softmax", "sum_to": "Σ", "broadcast_to": "copy",
    "positive": "=", "alias": "=", "less": "<", "less_equal": "≤", "greater": ">",
    "greater_equal": "≥", "equal": "==", "not_equal": "≠", "logical_and": "∧", "logical_or": "∨",
    "logical_not": "¬", "inv": "A⁻¹", "det": "det", "stop_gradient": "stop", "call": "body",
    "cumulative_sum": "cumsum", "cumulative_prod": "cumprod", "floor_divide": "⌊÷⌋",
    "remainder": "mod", "hypot": "√(x² + y²)", "floor": "⌊x⌋", "ceil": "⌈x⌉",
}  # fmt: skip
# With a number as one operand, which is then written beside the sign: op → number first, last.
WITH_NUMBER = {
    "add": ("{} +", "+ {}"), "subtract": ("{} −", "− {}"), "multiply": ("{} ·", "· {}"),
    "divide": ("{} ÷", "÷ {}"), "pow": ("{}ˣ", "x{}"), "maximum": ("max(x, {})",) * 2,
    "minimum": ("min(x, {})",) * 2, "less": ("{} <", "< {}"), "less_equal": ("{} ≤", "≤ {}"),
    "greater": ("{} >", "> {}"), "greater_equal": ("{} ≥", "≥ {}"), "equal": ("{} ==", "== {}"),
    "not_equal": ("{} ≠", "≠ {}"), "floor_divide": ("{} ⌊÷⌋", "⌊÷⌋ {}"),
    "remainder": ("{} mod", "mod {}"),
}  # fmt: skip
LONGEST = 18
RAISED = str.maketrans("−.0123456789", "⁻·⁰¹²³⁴⁵⁶⁷⁸⁹")
LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
ALPHABET = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ",
    "omega": "ω",
}  # fmt: skip


def sign(op: Any, numbers: Sequence[str | None] = ()) -> str:
    """The sign of an op; `numbers` are its operands that are plain numbers, as text.

    >>> import chainrule as cr
    >>> sign(cr.add), sign(cr.subtract, ["1", None]), sign(cr.divide, [None, "−2"])
    ('+', '1 −', '÷ (−2)')
    """
    forms = WITH_NUMBER.get(op.name)
    for k, n in enumerate(numbers):
        if n is not None and forms is not None and len(numbers) == 2:
            if op.name == "pow" and k == 1:
                return "√x" if n == "0.5" else f"x{n.translate(RAISED)}"
            return forms[k].format(f"({n})" if n.startswith(MINUS) and k else n)
    if isinstance(op, Scan):
        return f"scan × {op.length}"
    if op.name in ("slice", "gather"):
        return clip(operation(op, ["", *["…"] * 4]), LONGEST)
    if isinstance(op, Pick):
        return f"[{op.index}]"
    if op.name == "permute":
        return "xᵀ"
    if op.name == "einsum":
        return clip(op.text, LONGEST)
    if op.name == "cast":
        return clip(np.dtype(op.dtype).name if hasattr(op, "dtype") else "cast", LONGEST)
    return SIGNS.get(op.name, clip(op.name.replace("_", " "), LONGEST))


def under(op: Any) -> str:
    """What stands in small letters under the sign: over which axes, to which shape."""
    axis = getattr(op, "axis", None)
    if isinstance(axis, (int, tuple)) and not isinstance(axis, bool):
        told = str(axis) if isinstance(axis, int) else ", ".join(map(str, axis))
        told = told.replace("-", MINUS)
        return f"axis {told}" if isinstance(axis, int) or len(axis) == 1 else f"axes {told}"
    return ""


def number_of(node: Any) -> str | None:
    """A constant that is one number, as text; None for everything else."""
    if isinstance(node.op, Constant):
        value = node.op.value
    elif node.op.name == "fixed" and not node.name and node._value.ndim == 0:
        value = node._value[()]
    else:
        return None
    return figure(value, 5)


def takes_number(op: Any, operands: int) -> bool:
    """Whether a number among the operands is written beside the sign."""
    return op.name in WITH_NUMBER and operands == 2


def letter(name: str, longest: int = 22) -> str:
    """A name as it is written: `w1` is w₁, `delta` is δ; a long one is cut.

    >>> letter("w1"), letter("delta_2"), letter("l0.weight")
    ('w₁', 'δ₂', 'l0.weight')
    """
    found = re.fullmatch(r"([A-Za-z]+)_?([0-9]{0,3})", name)
    if found is None:
        return clip(" ".join(name.split()), longest)
    word, below = found.groups()
    return clip(ALPHABET.get(word, word) + below.translate(LOWERED), longest)


def assigned(nodes: Sequence[Any]) -> dict[Any, str]:
    """Of the nodes whose value the user's line assigns to a variable, that variable's name.

    A line that ran several times, or made several values, names the last one; a name that
    several lines give names none.
    """
    last: dict[Any, Any] = {}
    for n in nodes:
        line = None if n.line is None else Line(*n.line)
        source = "" if line is None else line.source
        found = None if ";" in source else ASSIGNED.match(source)
        if line is not None and found is not None and not isinstance(n.op, Pick):
            last[line.code, line.number, found[1]] = n
    words = [word for _, _, word in last]
    return {n: word for (_, _, word), n in last.items() if words.count(word) == 1}
