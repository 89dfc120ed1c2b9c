"""Elementwise ops in matrix notation: ⊙, ⊘, and functions of every element."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from ...graph.node import Node
from ...ops import elementwise, family
from ...ops.elementwise import activation, arithmetic
from .algebra import (
    Scaled,
    Shape,
    Sum,
    chain,
    function,
    negative,
    number,
    ones,
    over,
    plus,
    times,
)
from .guards import kept
from .reader import Reader, Rule, matrix_shape, spread

OF_EACH = r"\odot "  # a power of every element, not of the matrix


def _algebra(make: Callable[..., Scaled]) -> Rule:
    return lambda reader, node: make(*reader.operands(node))


def call(op: Any, x: Scaled) -> Scaled:
    """An elementwise op of one operand, in its notation."""
    latex = op.latex
    if x.shape and op is elementwise.exp:
        return function(r"\exp\left(#1\right)", 4, (0,), (x,), x.shape)
    return function(latex, op.binds, op.takes, (x,), x.shape)


def square(x: Scaled) -> Scaled:
    """Every element times itself."""
    return power(x, 2)


def power(x: Scaled, p: int) -> Scaled:
    """A number's power, or that of every element."""
    if x.number is not None:
        return number(x.number**p, x.fills)
    latex = f"{{#1}}^{{{OF_EACH if x.shape else ''}{p}}}"
    return function(latex, 3, (4,), (x,), x.shape)


def exp(x: Scaled) -> Scaled:
    """e to the power of every element; of z less the logarithm of its sum, the softmax."""
    z = _softmax_of(x)
    if z is not None:
        return function(r"\operatorname{softmax}\left(#1\right)", 4, (0,), (z,), x.shape)
    return number(1, x.fills) if x.number == 0 else call(elementwise.exp, x)


def _softmax_of(x: Scaled) -> Scaled | None:
    """The z of which x is z - ln Σ exp z, row by row."""
    if not isinstance(x.body, Sum) or len(x.shape) != 2:
        return None
    for less in (t for t in x.body.terms if t.value == -1):
        z = plus(*(t for t in x.body.terms if t is not less))
        whole = chain(call(elementwise.exp, z), ones(x.shape[1])) if z.body else None
        if whole is not None and less == _rows_log(whole, x.shape):
            return z
    return None


def _rows_log(whole: Scaled, shape: Shape) -> Scaled:
    return negative(spread(call(elementwise.log, whole), (shape[0], 1), shape))


def _step(x: Scaled) -> Scaled:
    if not x.shape:
        return call(elementwise.step, x)
    return function(r"\mathbb{1}\left[#1 > 0\right]", 4, (1,), (x,), x.shape)


def _beats(x: Scaled, y: Scaled) -> Scaled:
    shape = x.shape or y.shape
    made = [function(rf"\mathbb{{1}}\left[#1 {s} #2\right]", 4, (1, 1), (x, y), shape)
            for s in (">", "=")]  # fmt: skip
    return plus(made[0], times(number(Fraction(1, 2)), made[1]))


def _silu(x: Scaled) -> Scaled:
    return times(x, call(activation.sigmoid, x))


def _gelu(x: Scaled) -> Scaled:
    latex = r"1 + \operatorname{erf}\left(\frac{#1}{\sqrt{2}}\right)"
    return times(times(number(Fraction(1, 2)), x), function(latex, 1, (0,), (x,), x.shape))


def _pow(reader: Reader, node: Node) -> Scaled | None:
    x, p = reader.operands(node)
    whole = p.number
    if whole is None or whole.denominator != 1:
        return None
    return x if whole == 1 else power(x, int(whole))


def _reciprocal(x: Scaled) -> Scaled:
    return over(number(1, x.shape), x)


def _where(reader: Reader, node: Node) -> Scaled:
    c, x, y = reader.operands(node)
    found = kept(node, c, x, y)
    if found is not None:
        return found
    latex = arithmetic.Where.latex
    return function(latex, 0, (0, 0, 0), (c, x, y), matrix_shape(node.shape))


def _cast(reader: Reader, node: Node) -> Scaled:
    (x,) = node.inputs
    made = reader.matrix(x)
    if x.dtype.kind != "b" or node.dtype.kind == "b" or made.number is not None:
        return made
    return function(r"\mathbb{1}\left[#1\right]", 4, (0,), (made,), made.shape)


POINTWISE: dict[type, Rule] = {
    **{type(op): _algebra(make) for op, make in (
        (elementwise.add, plus), (elementwise.subtract, lambda x, y: plus(x, negative(y))),
        (elementwise.multiply, times), (elementwise.divide, over),
        (elementwise.negative, negative), (elementwise.positive, lambda x: x),
        (elementwise.square, square), (elementwise.reciprocal, _reciprocal),
        (elementwise.exp, exp), (elementwise.step, _step), (arithmetic.beats, _beats),
        (activation.silu, _silu), (activation.gelu, _gelu),
    )},
    arithmetic.Pow: _pow, arithmetic.Where: _where, family.Cast: _cast,
}  # fmt: skip
