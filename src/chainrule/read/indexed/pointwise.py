"""Elementwise ops in index notation: arithmetic of terms, and choices by conditions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from ...graph.node import Node
from ...ops import elementwise
from ...ops.elementwise import activation, arithmetic
from .reader import Places, Reader, Rule
from .terms import (
    ONE,
    ZERO,
    Call,
    Plus,
    Product,
    Surd,
    Term,
    as_product,
    choice,
    known,
    negative,
    number,
    plus,
    product,
    quotient,
)


def _algebra(make: Callable[..., Term]) -> Rule:
    """The rule of arithmetic: the terms themselves know how to be added and multiplied."""

    def rule(reader: Reader, node: Node, places: Places) -> Term:
        return make(*(reader.operand(node, k, places) for k in range(len(node.inputs))))

    return rule


def _subtract(x: Term, y: Term) -> Term:
    return plus(x, negative(y))


def _reciprocal(x: Term) -> Term:
    return quotient(ONE, x)


def call(op: Any, *xs: Term) -> Term:
    """An elementwise op of terms, in its notation."""
    return Call(op.latex, op.binds, op.takes, xs)


def square(x: Term) -> Term:
    """A term times itself."""
    v = known(x)
    return call(elementwise.square, x) if v is None else number(v * v)


def _pow(x: Term, p: Term) -> Term:
    power, base = known(p), known(x)
    if power == 0 or base == 1:
        return ONE
    if power == 1:
        return x
    if power == -1:
        return quotient(ONE, x)
    return call(arithmetic._pow, x, p)


def exp(x: Term) -> Term:
    """e to the power x; e to the power of a - ln b is eᵃ over b."""
    terms = x.terms if isinstance(x, Plus) else (x,)
    for k, term in enumerate(terms):
        p = as_product(term)
        if p.value == -1 and _is_log(p):
            rest = [t for j, t in enumerate(terms) if j != k]
            return quotient(exp(plus(*rest)), p.above[0].terms[0])  # type: ignore[attr-defined]
    return ONE if known(x) == 0 else call(elementwise.exp, x)


def _is_log(p: Product) -> bool:
    only = p.above[0] if len(p.above) == 1 and not p.below and not p.sizes else None
    return isinstance(only, Call) and only.latex == elementwise.log.latex


def _expm1(x: Term) -> Term:
    return plus(exp(x), number(-1))


def _silu(x: Term) -> Term:
    return product(x, call(activation.sigmoid, x))


def _gelu(x: Term) -> Term:
    normal = call(activation.erf, product(Surd(Fraction(1, 2)), x))
    return product(number(Fraction(1, 2)), x, plus(ONE, normal))


def _step(x: Term) -> Term:
    return choice(_by_sign(x, ZERO, ONE))


def _by_sign(x: Term, below: Term, above: Term) -> list:
    le, gt = (Call(f"#1 {sign} 0", 0, (1,), (x,)) for sign in (r"\le", ">"))
    return [(below, le), (above, gt)]


def _beats(x: Term, y: Term) -> Term:
    lt, eq, gt = (Call(f"#1 {sign} #2", 0, (1, 1), (x, y)) for sign in "<=>")
    return choice([(ZERO, lt), (number(Fraction(1, 2)), eq), (ONE, gt)])


def _leaky(reader: Reader, node: Node, places: Places) -> Term:
    x = reader.operand(node, 0, places)
    return choice(_by_sign(x, product(parameter(node.op.slope), x), x))  # type: ignore[attr-defined]


def _elu(reader: Reader, node: Node, places: Places) -> Term:
    x, op = reader.operand(node, 0, places), node.op
    scale, alpha = parameter(op.scale), parameter(op.scale * op.alpha)  # type: ignore[attr-defined]
    rising = plus(product(alpha, exp(x)), negative(alpha))
    return choice(_by_sign(x, rising, product(scale, x)))


def parameter(value: float) -> Term:
    """A number that is part of an op."""
    return number(Fraction(repr(float(value))))


COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "equal": lambda a, b: a == b, "not_equal": lambda a, b: a != b,
    "less": lambda a, b: a < b, "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b, "greater_equal": lambda a, b: a >= b,
}  # fmt: skip


def _compare(reader: Reader, node: Node, places: Places) -> Term | None:
    """A comparison of two numbers has an answer already."""
    a, b = (known(reader.operand(node, k, places)) for k in (0, 1))
    if a is None or b is None:
        return None
    return ONE if COMPARE[str(node.op)](a, b) else ZERO


def _where(reader: Reader, node: Node, places: Places) -> Term:
    c, x, y = (reader.operand(node, k, places) for k in range(3))
    if known(c) is not None:
        return x if known(c) else y
    # What guards a point where the formula has no value at all is not written.
    if _guards(c, x, y, "isfinite") or _guards(c, x, y, "not_equal"):
        return x
    if _guards(c, y, x, "equal"):
        return y
    return choice([(x, Call(r"\text{if } #1", 0, (0,), (c,))), (y, None)])


def _guards(c: Term, kept: Term, other: Term, question: str) -> bool:
    """Whether c asks if the kept term is finite, or is no 0, and the other is a number."""
    if not isinstance(c, Call) or known(other) is None:
        return False
    if question == "isfinite":
        return c.latex == elementwise.isfinite.latex and c.terms == (kept,)
    op = {"equal": elementwise.equal, "not_equal": elementwise.not_equal}[question]
    special = known(c.terms[1]) == 0 or getattr(c.terms[1], "symbol", "") == r"-\infty"
    return c.latex == op.latex and c.terms[0] == kept and special


def _table() -> dict[type, Rule]:
    arithmetic_rules = {
        elementwise.add: plus, elementwise.subtract: _subtract, elementwise.multiply: product,
        elementwise.divide: quotient, elementwise.negative: negative,
        elementwise.positive: lambda x: x, elementwise.reciprocal: _reciprocal,
        elementwise.square: square, arithmetic._pow: _pow, elementwise.exp: exp,
        elementwise.step: _step, elementwise.expm1: _expm1, arithmetic.beats: _beats,
        activation.silu: _silu, activation.gelu: _gelu,
    }  # fmt: skip
    found: dict[type, Rule] = {type(op): _algebra(f) for op, f in arithmetic_rules.items()}
    found |= {type(getattr(elementwise, name)): _compare for name in COMPARE}
    choices: dict[type, Rule] = {
        activation.LeakyRelu: _leaky, activation.Elu: _elu, arithmetic.Where: _where,
    }  # fmt: skip
    return found | choices


POINTWISE = _table()
