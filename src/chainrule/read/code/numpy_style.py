"""How ops are written in NumPy."""

from __future__ import annotations

import re

import numpy as np

from ...graph.node import Constant, Node
from ...ops.family import axes_of
from .style import Style, key_text, settings

_SAME = (
    "sqrt", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "sin", "cos",
    "tan", "sinh", "cosh", "tanh", "abs", "maximum", "minimum", "hypot", "copysign", "where",
    "floor", "ceil", "round", "trunc", "sign", "isfinite", "isnan", "isinf", "signbit",
    "nextafter", "logical_and", "logical_or", "logical_xor", "logical_not", "bitwise_and",
    "bitwise_or", "bitwise_xor",
)  # fmt: skip
CALLS = {
    **{name: f"np.{name}" for name in _SAME},
    "asin": "np.arcsin", "acos": "np.arccos", "atan": "np.arctan", "atan2": "np.arctan2",
    "asinh": "np.arcsinh", "acosh": "np.arccosh", "atanh": "np.arctanh",
    "bitwise_invert": "np.invert", "bitwise_left_shift": "np.left_shift",
    "bitwise_right_shift": "np.right_shift",
    "sigmoid": "sigmoid", "silu": "silu", "gelu": "gelu", "erf": "erf",
    "inv": "np.linalg.inv", "solve": "np.linalg.solve", "det": "np.linalg.det",
    "slogdet": "np.linalg.slogdet",
}  # fmt: skip

DEFINITIONS = {
    "sigmoid": "def sigmoid(x):\n"
    "    e = np.exp(-np.abs(x))  # 1 / (1 + exp(-x)), without overflow\n"
    "    return np.where(x >= 0, 1.0, e) / (1.0 + e)",
    "silu": "def silu(x):\n"
    "    e = np.exp(-np.abs(x))\n"
    "    return x * np.where(x >= 0, 1.0, e) / (1.0 + e)",
    "erf": "def erf(x):\n    return np.vectorize(math.erf, otypes=[float])(x)",
    "gelu": "def gelu(x):\n"
    "    return 0.5 * x * (1.0 + np.vectorize(math.erf, otypes=[float])(x * 0.5**0.5))",
    "elu": "def elu(x, alpha, scale):\n"
    "    return np.where(x > 0, scale * x, scale * alpha * np.expm1(np.minimum(x, 0)))",
    "logsumexp": "def logsumexp(x, axis=None, keepdims=False):\n"
    "    top = np.max(x, axis=axis, keepdims=True)\n"
    "    top = np.where(np.isfinite(top), top, 0.0)  # exp(inf - inf) would be NaN\n"
    "    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top\n"
    "    return total if keepdims else np.squeeze(total, axis)",
    "softmax": "def softmax(x, axis):\n"
    "    e = np.exp(x - np.max(x, axis=axis, keepdims=True))\n"
    "    return e / np.sum(e, axis=axis, keepdims=True)",
    "log_softmax": "def log_softmax(x, axis):\n"
    "    z = x - np.max(x, axis=axis, keepdims=True)\n"
    "    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))",
    "place": "def place(x, key, shape):\n"
    "    y = np.zeros(shape, np.result_type(x))\n    y[key] = x\n    return y",
    "scatter": "def scatter(x, key, shape):\n"
    "    y = np.zeros(shape, np.result_type(x))\n    np.add.at(y, key, x)\n    return y",
}


def _number(op: Constant) -> str:
    text = op.text
    sign = "-" if text.startswith("-") else ""
    return sign + f"np.{text.lstrip('-')}" if text.lstrip("-") in ("inf", "nan") else text


def _reduction(name: str):
    def write(op, node, x):
        return f"{name}({x}{settings(axis=op.axis, keepdims=op.keepdims)})"

    return write


def _norm(op, node, x):
    return f"np.sqrt({_reduction('np.sum')(op, node, f'np.square({x})')})"


def _beats(op, node, x, y):
    return _typed(f"np.where({x} == {y}, 0.5, {x} > {y})", node)


def _step(op, node, x):
    return _typed(f"np.where({x} > 0, 1.0, 0.0)", node)


def _typed(text: str, node: Node) -> str:
    return text if node.dtype == "float64" else f"{text}.astype(np.{node.dtype})"


def _leaky_relu(op, node, x):
    return f"np.where({x} > 0, {x}, {op.slope} * ({x}))"


def _broadcast(op, node, x):
    if re.fullmatch(r"-?[\d.e+-]+", x):
        dtype = "" if node.dtype == "float64" else f", np.{node.dtype}"
        return f"np.full({op.to}, {x}{dtype})"
    return f"np.broadcast_to({x}, {op.to})"


def _sum_to(op, node, x):
    shape = node.inputs[0].shape
    extra = len(shape) - len(op.to)
    axes = summed(shape, op.to)
    if not op.to or all(a < extra for a in axes):
        axis = None if len(axes) == len(shape) else axes[0] if len(axes) == 1 else axes
        return f"np.sum({x}{settings(axis=axis)})"
    if extra == 0:
        return f"np.sum({x}, axis={axes[0] if len(axes) == 1 else axes}, keepdims=True)"
    return f"np.sum({x}, axis={axes}).reshape({op.to})"


def summed(shape: tuple[int, ...], to: tuple[int, ...]) -> tuple[int, ...]:
    """The axes along which broadcasting from `to` had repeated."""
    extra = len(shape) - len(to)
    return tuple(
        k for k, n in enumerate(shape) if k < extra or (to[k - extra] == 1 and n != 1)
    )  # fmt: skip


def _permute(op, node, x):
    if op.axes == (1, 0):
        return f"{x}.T" if x.isidentifier() else f"({x}).T"
    return f"np.transpose({x}, {op.axes})"


def _cumulative(name: str):
    return lambda op, node, x: f"{name}({x}, axis={op.axis})"


def _scatter(op, node, x, *indices):
    return f"scatter({x}, np.s_[{key_text(op.key, indices)}], {op.to})"


def _captured(op, node):
    value = np.asarray(op.reference)
    if value.ndim == 2 and value.shape[0] == value.shape[1] and (value == np.eye(len(value))).all():
        return f"np.eye({len(value)}, dtype={_dtype(value)})"
    return f"np.array({value.tolist()}, dtype={_dtype(value)})"


def _dtype(value: np.ndarray) -> str:
    return "bool" if value.dtype.kind == "b" else f"np.{value.dtype}"


def _argsort(op, node, x):
    if not op.descending:
        return f'np.argsort({x}, axis={op.axis}, kind="stable")'
    (axis,) = axes_of("argsort", op.axis, len(node.shape))
    flipped = f'np.argsort(np.flip({x}, {axis}), axis={axis}, kind="stable")'
    return f"({node.shape[axis] - 1} - np.flip({flipped}, {axis}))"


def _cholesky(op, node, x):
    return f"np.linalg.cholesky(0.5 * ({x} + np.swapaxes({x}, -1, -2)))"


WRITERS = {
    "softmax": lambda op, node, x: f"softmax({x}, axis={op.axis})",
    "log_softmax": lambda op, node, x: f"log_softmax({x}, axis={op.axis})",
    "captured": _captured,
    "relu": lambda op, node, x: f"np.maximum({x}, 0)",
    "softplus": lambda op, node, x: f"np.logaddexp({x}, 0.0)",
    "elu": lambda op, node, x: f"elu({x}, {op.alpha}, {op.scale})",
    "leaky_relu": _leaky_relu,
    "beats": _beats,
    "step": _step,
    "sum": _reduction("np.sum"),
    "mean": _reduction("np.mean"),
    "prod": _reduction("np.prod"),
    "max": _reduction("np.max"),
    "min": _reduction("np.min"),
    "logsumexp": _reduction("logsumexp"),
    **{name: _reduction(f"np.{name}") for name in ("any", "all", "argmax", "argmin")},
    "norm": _norm,
    "cumulative_sum": _cumulative("np.cumsum"),
    "cumulative_prod": _cumulative("np.cumprod"),
    "broadcast_to": _broadcast,
    "sum_to": _sum_to,
    "cast": lambda op, node, x: f"np.asarray({x}, np.{op.to})",
    "reshape": lambda op, node, x: f"np.reshape({x}, {node.shape})",
    "permute": _permute,
    "flip": lambda op, node, x: f"np.flip({x}{settings(axis=op.axis)})",
    "roll": lambda op, node, x: f"np.roll({x}, {op.shift}{settings(axis=op.axis)})",
    "concat": lambda op, node, *xs: f"np.concatenate([{', '.join(xs)}], axis={op.axis})",
    "pad": lambda op, node, x: f"np.pad({x}, {op.widths}, constant_values={op.value})",
    "triangle": lambda op, node, x: f"np.{'tril' if op.lower else 'triu'}({x}, {op.k})",
    "slice": lambda op, node, x: f"({x})[{key_text(op.key)}]",
    "unslice": lambda op, node, x: f"place({x}, np.s_[{key_text(op.key)}], {op.to})",
    "gather": lambda op, node, x, *i: f"({x})[{key_text(op.key, i)}]",
    "scatter": _scatter,
    "einsum": lambda op, node, *xs: f"np.einsum({op.text!r}, {', '.join(xs)})",
    "argsort": _argsort,
    "cholesky": _cholesky,
    "stop_gradient": lambda op, node, x: x if x.isidentifier() else f"({x})",
    "alias": lambda op, node, x: x if x.isidentifier() else f"({x})",
}

NUMPY = Style(
    "numpy", ("import numpy as np",), CALLS, WRITERS, _number, DEFINITIONS, stack="np.stack({})"
)
