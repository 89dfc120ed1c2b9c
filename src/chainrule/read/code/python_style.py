"""How ops are written in plain Python, for graphs of single numbers."""

from __future__ import annotations

from ...graph.node import Constant
from .style import Style

_SAME = (
    "sqrt", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "asin",
    "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "hypot",
    "copysign", "floor", "ceil", "trunc", "isfinite", "isnan", "isinf", "nextafter",
)  # fmt: skip
CALLS = {
    **{name: f"math.{name}" for name in _SAME},
    "abs": "abs", "maximum": "max", "minimum": "min", "round": "round",
    "sigmoid": "sigmoid", "softplus": "softplus", "silu": "silu", "gelu": "gelu",
    "logaddexp": "logaddexp",
}  # fmt: skip
DEFINITIONS = {
    "sigmoid": "def sigmoid(x):\n"
    "    e = math.exp(-abs(x))  # 1 / (1 + exp(-x)), without overflow\n"
    "    return (1.0 if x >= 0 else e) / (1.0 + e)",
    "silu": "def silu(x):\n"
    "    e = math.exp(-abs(x))\n"
    "    return x * (1.0 if x >= 0 else e) / (1.0 + e)",
    "gelu": "def gelu(x):\n    return 0.5 * x * (1.0 + math.erf(x * 0.5**0.5))",
    "softplus": "def softplus(x):\n    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))",
    "logaddexp": "def logaddexp(x, y):\n    return max(x, y) + math.log1p(math.exp(-abs(x - y)))",
}


def _number(op: Constant) -> str:
    text = op.text
    return f"{text.replace('inf', 'math.inf').replace('nan', 'math.nan')}"


def _same(op, node, x):
    return f"({x})"


def _elu(op, node, x):
    a, s = op.alpha * op.scale, op.scale
    return f"({s} * ({x}) if {x} > 0 else {a} * math.expm1({x}))"


def _broadcast(op, node, x):
    return f"[{x}] * {node.size}" if node.shape else f"({x})"


def _sum(op, node, x):
    return f"sum({x})" if node.inputs[0].shape else f"({x})"


WRITERS = {
    "broadcast_to": _broadcast,
    "sum": _sum,
    "relu": lambda op, node, x: f"max(0.0, {x})",
    "leaky_relu": lambda op, node, x: f"({x} if {x} > 0 else {op.slope} * ({x}))",
    "elu": _elu,
    "step": lambda op, node, x: f"(1.0 if {x} > 0 else 0.0)",
    "sign": lambda op, node, x: f"float(({x} > 0) - ({x} < 0))",
    "beats": lambda op, node, x, y: f"(0.5 if {x} == {y} else float({x} > {y}))",
    "where": lambda op, node, c, x, y: f"({x} if {c} else {y})",
    "logical_and": lambda op, node, x, y: f"({x} and {y})",
    "logical_or": lambda op, node, x, y: f"({x} or {y})",
    "logical_xor": lambda op, node, x, y: f"(({x}) != ({y}))",
    "logical_not": lambda op, node, x: f"(not ({x}))",
    "bitwise_invert": lambda op, node, x: f"(not ({x}))",
    "norm": lambda op, node, x: f"abs({x})",
    "cast": lambda op, node, x: f"{'float' if op.to.kind == 'f' else 'int'}({x})",
    **dict.fromkeys(
        ("mean", "prod", "max", "min", "logsumexp", "sum_to", "reshape", "stop_gradient", "alias"),
        _same,
    ),
}  # fmt: skip

PYTHON = Style("python", ("import math",), CALLS, WRITERS, _number, DEFINITIONS)
