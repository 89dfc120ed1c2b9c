"""A graph as SymPy expressions: every op's own forward formula, handed symbols for numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import MissingExtraError, UsageError
from ..graph.node import Constant
from ..graph.walk import Graph

MOST = 200_000  # terms of a derivative, written out, beyond which it is not evaluated
FUNCTIONS = {
    "exp": "exp", "log": "log", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "asin",
    "acos": "acos", "atan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "asinh": "asinh", "acosh": "acosh", "atanh": "atanh", "sqrt": "sqrt", "erf": "erf",
    "abs": "Abs", "sign": "sign", "floor": "floor", "ceil": "ceiling", "maximum": "Max",
    "minimum": "Min", "atan2": "atan2",
}  # fmt: skip


@dataclass(frozen=True)
class Symbolic:
    """The derivatives by a computer algebra system, and how large they are."""

    gradient: tuple[float, ...]
    written_out: int  # operations, every repeated sub-expression counted again
    shared: int  # operations, repeated sub-expressions computed once


def sympy_module() -> Any:
    """SymPy; raises MissingExtraError with the command that installs it."""
    try:
        import sympy
    except ImportError:
        raise MissingExtraError("symbolic differentiation", "symbolic") from None
    return sympy


class Symbols:
    """The array namespace that an op's `forward` is handed for SymPy expressions."""

    def __init__(self, sympy: Any):
        self.sympy = sympy

    def __getattr__(self, name: str) -> Any:
        found = FUNCTIONS.get(name)
        if found is not None:
            function = getattr(self.sympy, found)
            return np.frompyfunc(lambda *xs: function(*xs), len(_places(name)), 1)
        special = SPECIAL.get(name)
        if special is not None:
            return lambda *xs, **more: special(self.sympy, *xs, **more)
        return getattr(np, name)


def _places(name: str) -> str:
    return "xy" if name in ("maximum", "minimum", "atan2") else "x"


def _each(arity: int, rule: Any) -> Any:
    return lambda s, *xs: np.frompyfunc(lambda *v: rule(s, *v), arity, 1)(*xs)


SPECIAL = {
    "expm1": _each(1, lambda s, x: s.exp(x) - 1),
    "exp2": _each(1, lambda s, x: 2**x),
    "log1p": _each(1, lambda s, x: s.log(1 + x)),
    "log2": _each(1, lambda s, x: s.log(x) / s.log(2)),
    "log10": _each(1, lambda s, x: s.log(x) / s.log(10)),
    "pow": _each(2, lambda s, x, p: x**p),
    "sigmoid": _each(1, lambda s, x: 1 / (1 + s.exp(-x))),
    "square": _each(1, lambda s, x: x**2),
    "hypot": _each(2, lambda s, x, y: s.sqrt(x**2 + y**2)),
    "logaddexp": _each(2, lambda s, x, y: s.log(s.exp(x) + s.exp(y))),
    "greater": _each(2, lambda s, x, y: s.Gt(x, y)),
    "astype": lambda s, x, dtype: np.frompyfunc(
        lambda v: s.Piecewise((1, v), (0, True)) if v in (s.true, s.false) or v.is_Relational
        else v, 1, 1)(x),
    "zeros_like": lambda s, x: np.zeros_like(x),
    "sum": lambda s, x, axis=None, keepdims=False, dtype=None: np.add.reduce(
        np.asarray(x, object), axis=axis, keepdims=keepdims),
}  # fmt: skip


def symbols_of(graph: Graph, values: Sequence[Any], count: int, sympy: Any) -> tuple[list, Any]:
    """The symbols of the first `count` inputs, and the graph's output as an expression of them."""
    made: dict = {}
    symbols = []
    for k, (node, value) in enumerate(zip(graph.inputs, values, strict=True)):
        if k >= count:
            made[node] = np.vectorize(lambda v: _number(v, sympy), otypes=[object])(value)
            continue
        name = node.name or f"x{k}"
        own = [sympy.Symbol(f"{name}_{i}" if node.shape else name, real=True)
               for i in range(node.size)]  # fmt: skip
        symbols += own
        made[node] = np.array([*own, None], object)[:-1].reshape(node.shape)
    space = Symbols(sympy)
    for node in graph.order:
        if node in made:
            continue
        if isinstance(node.op, Constant):
            made[node] = _array(_number(node.op.value, sympy))
            continue
        try:
            made[node] = _array(node.op.forward(space, *(made[i] for i in node.inputs)))
        except Exception as error:
            raise UsageError(
                f"symbolic: {node.op} cannot be computed of symbols ({type(error).__name__})"
            ) from None
    return symbols, made[graph.outputs[0]].reshape(-1)[0]


def _number(value: Any, sympy: Any) -> Any:
    value = float(value)
    return sympy.Integer(int(value)) if value == int(value) else sympy.Float(value, 17)


def _array(x: Any) -> np.ndarray:
    if isinstance(x, np.ndarray):
        return x
    made = np.empty((), object)
    made[()] = x
    return made


def differentiate(graph: Graph, values: Sequence[Any], count: int) -> Symbolic:
    """The derivatives of the graph's output by its first `count` inputs, by SymPy."""
    sympy = sympy_module()
    symbols, value = symbols_of(graph, values, count, sympy)
    found = [sympy.diff(value, s) for s in symbols]
    written_out = _size(found)
    if written_out > MOST:  # before looking for what repeats, which takes longest
        raise UsageError(f"symbolic: the derivatives have {written_out:,} operations written out")
    replaced, rest = sympy.cse(found)
    shared = _size([e for _, e in replaced]) + _size(rest)
    numbers = dict(zip(symbols, _flat(values[:count]), strict=True))
    for name, e in replaced:
        numbers[name] = float(e.evalf(17, subs=numbers))
    gradient = tuple(float(e.evalf(17, subs=numbers)) for e in rest)
    return Symbolic(gradient, written_out, shared)


def _flat(values: Sequence[Any]) -> list[float]:
    return [float(v) for x in values for v in np.asarray(x).reshape(-1)]


def _size(expressions: Sequence[Any]) -> int:
    """Operations of the expressions written out as trees: n operands joined count n - 1."""
    known: dict = {}
    path = list(expressions)
    while path:  # iterative: compositions nest deeply
        e = path[-1]
        if e in known:
            path.pop()
            continue
        missing = [a for a in e.args if a not in known]
        if missing:
            path += missing
            continue
        own = max(len(e.args) - 1, 1) if e.args and not e.is_Number else 0
        known[e] = own + sum(known[a] for a in e.args)
        path.pop()
    return sum(known[e] for e in expressions)
