"""How ops are written in PyTorch."""

from __future__ import annotations

import re

import numpy as np

from ...graph.errors import UsageError
from ...graph.node import Constant
from .numpy_style import summed
from .style import Style, key_text

_SAME = (
    "sqrt", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "sin", "cos",
    "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "abs", "maximum", "minimum", "hypot", "copysign", "floor", "ceil", "round", "trunc", "sign",
    "isfinite", "isnan", "isinf", "logical_and", "logical_or", "logical_xor", "logical_not",
    "sigmoid", "relu", "erf", "inverse",
)  # fmt: skip
CALLS = {
    **{name: f"torch.{name}" for name in _SAME},
    "softplus": "softplus", "silu": "torch.nn.functional.silu", "gelu": "torch.nn.functional.gelu",
    "inv": "torch.linalg.inv", "det": "torch.linalg.det", "slogdet": "torch.linalg.slogdet",
    "solve": "torch.linalg.solve", "where": "torch.where",
    "bitwise_invert": "torch.logical_not",
}  # fmt: skip
DEFINITIONS = {
    "softplus": "def softplus(x):\n    return torch.logaddexp(x, torch.zeros_like(x))",
    "elu": "def elu(x, alpha, scale):\n"
    "    below = scale * alpha * torch.expm1(torch.clamp(x, max=0.0))\n"
    "    return torch.where(x > 0, scale * x, below)",
    "place": "def place(x, key, shape):\n"
    "    y = torch.zeros(shape, dtype=x.dtype)\n    y[key] = x\n    return y",
    "scatter": "def scatter(x, key, shape):\n"
    "    y = torch.zeros(shape, dtype=x.dtype)\n"
    "    return y.index_put(key, x, accumulate=True)",
}
NUMBER = r"-?[\d.e+-]+"


def _number(op: Constant) -> str:
    return op.text.replace("inf", "torch.inf").replace("nan", "torch.nan")


def _tensor(x: str, node) -> str:
    """A number as a tensor, where PyTorch takes no number."""
    return f"torch.tensor({x}, dtype=torch.{node.dtype})" if re.fullmatch(NUMBER, x) else x


def _of_tensors(name: str):
    def write(op, node, *xs):
        typed = (_tensor(x, i) for x, i in zip(xs, node.inputs, strict=True))
        return f"{name}({', '.join(typed)})"

    return write


def _where(op, node, c, x, y):
    # Of two numbers torch.where would make float32.
    c = f"torch.tensor({c})" if c in ("True", "False") else c
    x = _tensor(x, node) if re.fullmatch(NUMBER, y) else x
    return f"torch.where({c}, {x}, {y})"


def _reduction(name: str, always: bool = False):
    def write(op, node, x):
        if op.axis is None and not op.keepdims and not always:
            return f"{name}({x})"
        axes = op.axis if op.axis is not None else tuple(range(len(node.inputs[0].shape)))
        return f"{name}({x}, dim={axes}{', keepdim=True' if op.keepdims else ''})"

    return write


def _prod(op, node, x):
    if isinstance(op.axis, tuple) or (op.axis is None and op.keepdims):
        raise _refused("a product along several axes")
    return _reduction("torch.prod")(op, node, x)


def _argsort(op, node, x):
    descending = ", descending=True" if op.descending else ""
    return f"torch.argsort({x}, dim={op.axis}{descending}, stable=True)"


def _norm(op, node, x):
    return f"torch.sqrt({_reduction('torch.sum')(op, node, f'torch.square({x})')})"


def _broadcast(op, node, x):
    if re.fullmatch(NUMBER, x):
        return f"torch.full({op.to}, {x}, dtype=torch.{node.dtype})"
    return f"torch.broadcast_to({x}, {op.to})"


def _sum_to(op, node, x):
    shape = node.inputs[0].shape
    axes = summed(shape, op.to)
    if len(axes) == len(shape) and not op.to:
        return f"torch.sum({x})"
    if len(shape) == len(op.to):
        return f"torch.sum({x}, dim={axes}, keepdim=True)"
    total = f"torch.sum({x}, dim={axes[0] if len(axes) == 1 else axes})"
    return total if all(a < len(shape) - len(op.to) for a in axes) else f"{total}.reshape({op.to})"


def _permute(op, node, x):
    if op.axes == (1, 0):
        return f"{x}.T" if x.isidentifier() else f"({x}).T"
    return f"torch.permute({x}, {op.axes})"


def _flip(op, node, x):
    axes = op.axis if op.axis is not None else tuple(range(len(node.shape)))
    return f"torch.flip({x}, dims={axes if isinstance(axes, tuple) else (axes,)})"


def _pad(op, node, x):
    flat = tuple(n for pair in reversed(op.widths) for n in pair)
    return f"torch.nn.functional.pad({x}, {flat}, value={op.value})"


def _slice(op, node, x):
    if any(part[0] == "slice" and (part[3] or 1) < 0 for part in op.key):
        raise _refused("an index with a negative step")
    return f"({x})[{key_text(op.key)}]"


def _refused(what: str) -> UsageError:
    return UsageError(f'code: {what} cannot be written in style="torch"; use style="numpy"')


def _gather(op, node, x, *indices):
    if any(part[0] == "slice" and (part[3] or 1) < 0 for part in op.key):
        raise _refused("an index with a negative step")
    return f"({x})[{key_text(op.key, indices)}]"


def _einsum(op, node, *xs):
    typed = (_tensor(x, i) for x, i in zip(xs, node.inputs, strict=True))
    return f"torch.einsum({op.text!r}, {', '.join(typed)})"


def _scatter(op, node, x, *indices):
    if {part[0] for part in op.key} != {"array"}:
        raise _refused("the gradient of an index of arrays and slices together")
    return f"scatter({x}, ({key_text(op.key, indices)},), {op.to})"


def _unslice(op, node, x):
    key = tuple(f"slice{tuple(rest)}" if kind == "slice" else {"new": "None", "rest": "..."}.get(
        kind) or str(rest[0]) for kind, *rest in op.key)  # fmt: skip
    return f"place({_tensor(x, node)}, ({', '.join(key)},), {op.to})"


def _captured(op, node):
    return f"torch.tensor({np.asarray(op.reference).tolist()}, dtype=torch.{node.dtype})"


def _cast(op, node, x):
    return f"({x}).to(torch.{op.to})"


WRITERS = {
    "softmax": lambda op, node, x: f"torch.softmax({x}, dim={op.axis})",
    "log_softmax": lambda op, node, x: f"torch.log_softmax({x}, dim={op.axis})",
    **{name: _of_tensors(f"torch.{name}")
       for name in ("maximum", "minimum", "hypot", "atan2", "logaddexp", "copysign")},
    "where": _where,
    "elu": lambda op, node, x: f"elu({x}, {op.alpha}, {op.scale})",
    "leaky_relu": lambda op, node, x: f"torch.where({x} > 0, {x}, {op.slope} * ({x}))",
    "beats": lambda op, node, x, y: f"(({x} > {y}) + 0.5 * ({x} == {y})).to(torch.{node.dtype})",
    "step": lambda op, node, x: f"({x} > 0).to(torch.{node.dtype})",
    "sum": _reduction("torch.sum"),
    "mean": _reduction("torch.mean"),
    "max": _reduction("torch.amax", True),
    "min": _reduction("torch.amin", True),
    "logsumexp": _reduction("torch.logsumexp", True),
    "norm": _norm,
    "prod": _prod,
    "argsort": _argsort,
    "cholesky": lambda op, node, x: f"torch.linalg.cholesky(0.5 * (({x}) + ({x}).mT))",
    "cumulative_sum": lambda op, node, x: f"torch.cumsum({x}, dim={op.axis})",
    "cumulative_prod": lambda op, node, x: f"torch.cumprod({x}, dim={op.axis})",
    "broadcast_to": _broadcast,
    "sum_to": _sum_to,
    "cast": _cast,
    "reshape": lambda op, node, x: f"torch.reshape({_tensor(x, node)}, {node.shape})",
    "permute": _permute,
    "flip": _flip,
    "roll": lambda op, node, x: f"torch.roll({x}, {op.shift}, dims={op.axis})",
    "concat": lambda op, node, *xs: f"torch.cat([{', '.join(xs)}], dim={op.axis})",
    "pad": _pad,
    "triangle": lambda op, node, x: f"torch.{'tril' if op.lower else 'triu'}({x}, {op.k})",
    "slice": _slice,
    "unslice": _unslice,
    "captured": _captured,
    "gather": _gather,
    "scatter": _scatter,
    "einsum": _einsum,
    "stop_gradient": lambda op, node, x: f"({x}).detach()",
    "alias": lambda op, node, x: x if x.isidentifier() else f"({x})",
}  # fmt: skip

TORCH = Style(
    "torch", ("import torch",), CALLS, WRITERS, _number, DEFINITIONS, stack="torch.stack({})",
    scalar="torch.tensor({}, dtype=torch.{dtype})",
)  # fmt: skip
