"""Read an answer: a number, a formula or a line of NumPy, as text that is never executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...eager.tensor import Tensor
from ...graph.errors import ExpressionError
from ...graph.operators import FUNCTIONS
from ..formula import evaluate, one_line
from ..formula.functions import FUNCTION_NAMES, as_operand
from ..formula.grammar import Reader

# How people type what has a sign of its own, as the grammar spells it.
SIGNS = {
    "·": "*", "×": "*", "⊙": "*", "∘": "*", "−": "-", "–": "-", "÷": "/", "²": "**2", "³": "**3",
    "ᵀ": ".T", "⊤": ".T", "≤": "<=", "≥": ">=", "σ(": "sigmoid(", "√(": "sqrt(", "½": "(1/2)",
}  # fmt: skip
# NumPy's word → ours, where they differ.
NUMPY = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "power": "pow", "absolute": "abs", "dot": "matmul",
    "cumsum": "cumulative_sum", "cumprod": "cumulative_prod", "concatenate": "concat",
    "true_divide": "divide", "heaviside": "step",
}  # fmt: skip
METHODS = ("sum", "mean", "max", "min", "prod", "reshape", "dot", "transpose", "clip", "round")
ASSIGNED = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)\s*(.*)", re.DOTALL)


class Answers(Reader):
    """The language of typed formulas, and NumPy's spelling of it: `np.sum(x)`, `x.sum()`."""

    def read_call(self, node: ast.Call) -> Any:
        """A call by name, of `np.name`, or of a method of an array."""
        func = node.func
        if isinstance(func, ast.Attribute):
            name = NUMPY.get(func.attr, func.attr)
            if isinstance(func.value, ast.Name) and func.value.id in ("np", "numpy"):
                return super().read_call(self._named(node, name, node.args))
            if func.attr in METHODS:
                return super().read_call(self._named(node, name, [func.value, *node.args]))
        return super().read_call(node)

    def _named(self, node: ast.Call, name: str, args: list[ast.expr]) -> ast.Call:
        func = ast.copy_location(ast.Name(name, ast.Load()), node.func)
        if name not in FUNCTION_NAMES:
            raise self.wrong(node.func, f"there is no function {name} here")
        return ast.copy_location(ast.Call(func, args, node.keywords), node)

    def read_attribute(self, node: ast.Attribute) -> Any:
        """`.T` as NumPy has it: of a vector the vector itself."""
        if node.attr == "T":
            x = as_operand(self.read(node.value))
            if x.ndim < 2:
                return x
            if x.ndim == 2:
                return self.apply(self.span(node), FUNCTIONS["matrix_transpose"], x)
        return super().read_attribute(node)


def cleaned(text: str) -> str:
    """An answer as the grammar spells it, without what it is assigned to.

    >>> cleaned("w1_g = x⊤ @ (e · u²)")
    'x.T @ (e * u**2)'
    """
    text = one_line(text)
    for sign, spelt in SIGNS.items():
        text = text.replace(sign, spelt)
    found = ASSIGNED.fullmatch(text)
    return (found[2] if found else text).strip()


def value_of(text: str, names: Mapping[str, Any]) -> np.ndarray:
    """What an answer comes to with these values.

    Raises: ExpressionError with a caret under the mistake, and nothing else.
    """
    values = {n: v if isinstance(v, Tensor) else as_operand(v) for n, v in names.items()}
    made = evaluate(text, values, Answers)
    if isinstance(made, tuple):
        raise ExpressionError(f"this gives {len(made)} values; one is asked for")
    return np.asarray(made._value, np.float64)


def transposes(text: str, names: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The answer with one operand turned over, and which: what a missing .T would have made."""
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            for side in ("left", "right"):
                part = getattr(node, side)
                setattr(node, side, _turned(part))
                found.append((ast.unparse(tree), ast.unparse(part)))
                setattr(node, side, part)
    return found


def _turned(part: ast.expr) -> ast.expr:
    if isinstance(part, ast.Attribute) and part.attr == "T":
        return part.value
    return ast.Attribute(part, "T", ast.Load())


def is_a_number(text: str) -> bool:
    """Whether an answer is a bare number, of which the digits can be counted."""
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) is not None


def digits_of(text: str) -> int:
    """How many significant digits a number is typed with.

    >>> digits_of("0.0532"), digits_of("-27"), digits_of("0.270")
    (3, 2, 3)
    """
    digits = re.sub(r"[eE].*|[^\d]", "", text).lstrip("0")
    return len(digits)
