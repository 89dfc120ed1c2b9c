"""exp and what is made of it.

x = n·ln 2 + r with a whole n and |r| ≤ ½ ln 2, the constant in two parts (Cody & Waite,
chapter 6); a polynomial gives eʳ; 2ⁿ goes into the exponent.
"""

from __future__ import annotations

from ..vector import Value
from .choice import abs_, copysign, maximum, minimum, where
from .coefficients import EXP, EXPM1, LN2, SINH
from .parts import (
    fma,
    minus,
    nearest,
    of_floats,
    plus,
    polynomial,
    power_of_two,
    scaled,
    sum_of_sorted,
    times,
)

LOG2_E, LN2_WHOLE = 1.4426950408889634, 0.6931471805599453
# Between which arguments the results are neither 0 nor infinite, and a little beyond.
LIMITS = {4: (-104.0, 89.0), 8: (-746.0, 710.0)}
LIMITS_OF_2 = {4: (-151.0, 129.0), 8: (-1076.0, 1025.0)}
IS_MINUS_1 = {4: -18.0, 8: -38.0}  # from where down eˣ - 1 is -1
IS_1 = {4: 20.0, 8: 44.0}  # from where up tanh(x/2) is 1


def reduced(x: Value) -> tuple[Value, Value]:
    """n and r with x = n·ln 2 + r, |r| ≤ ½ ln 2."""
    high, low = LN2[x.dtype.itemsize]
    n, _ = nearest(x, LOG2_E)
    return n, fma(n, -low, fma(n, -high, x))


def exp_of_small(r: Value) -> Value:
    """eʳ for |r| ≤ ½ ln 2."""
    return fma(r * r, polynomial(r, EXP[r.dtype.itemsize]), r) + 1.0


def exp_parts(x: Value, beyond: float = 0.0) -> tuple[Value, Value]:
    """p and n with eˣ = p·2ⁿ; what overflows or vanishes is held at the ends. A NaN stays one."""
    low, high = LIMITS[x.dtype.itemsize]
    n, r = reduced(minimum(maximum(x, low), high + beyond))
    return exp_of_small(r), n


@of_floats
def exp(x: Value) -> Value:
    """eˣ."""
    return scaled(*exp_parts(x))


@of_floats
def exp2(x: Value) -> Value:
    """2ˣ; exact for whole numbers."""
    low, high = LIMITS_OF_2[x.dtype.itemsize]
    inside = minimum(maximum(x, low), high)
    n, _ = nearest(inside)
    return scaled(exp_of_small(minus(inside, n) * LN2_WHOLE), n)


def expm1_of_small(r: Value) -> Value:
    """eʳ - 1 for |r| ≤ ½ ln 2."""
    return fma(r * r, polynomial(r, EXPM1[r.dtype.itemsize]), r)


@of_floats
def expm1(x: Value) -> Value:
    """eˣ - 1 = 2ⁿ(eʳ - 1) + (2ⁿ - 1); half of it, so that the largest n does not overflow.

    What is so small that half of it may lack a digit is its own value.
    """
    size = x.dtype.itemsize
    n, r = reduced(minimum(maximum(x, IS_MINUS_1[size]), LIMITS[size][1]))
    half = power_of_two(n - 1.0)
    found = 2.0 * fma(expm1_of_small(r), half, half - 0.5)
    return where(abs_(x) < 2.0**-60, x, found)


@of_floats
def tanh(x: Value) -> Value:
    """(e²ˣ - 1)/(e²ˣ + 1), with the sign put on last."""
    n, r = reduced(minimum(2.0 * abs_(x), IS_1[x.dtype.itemsize]))
    power = power_of_two(n)
    e = fma(expm1_of_small(r), power, power - 1.0)
    return copysign(e / (e + 2.0), x)


@of_floats
def sigmoid(x: Value) -> Value:
    """1/(1 + e⁻ˣ), exact in both tails: only e to a negative power is taken.

    What was lost in 1 + e and in the quotient comes back as its derivative.
    """
    low, _ = LIMITS[x.dtype.itemsize]
    n, r = reduced(maximum(-abs_(x), low))
    shrunk, one = scaled(exp_of_small(r), n), x.like(1.0)
    below, lost = sum_of_sorted(one, shrunk)
    above = where(x >= 0, one, shrunk)
    inverse = one / below
    quotient = times(above, inverse)
    rest = fma(-quotient, lost, fma(-quotient, below, above))
    return fma(rest, inverse, quotient)


def _half_exp(x: Value) -> Value:
    p, n = exp_parts(x, beyond=1.0)
    return scaled(p, n - 1.0)


@of_floats
def sinh(x: Value) -> Value:
    """½eˣ - ½e⁻ˣ; near 0, where the two cancel, a polynomial."""
    size = abs_(x)
    half = _half_exp(size)
    z = x * x
    near = fma(z * size, polynomial(z, SINH[x.dtype.itemsize]), size)
    return copysign(where(size < 1.0, near, minus(half, 0.25 / half)), x)


@of_floats
def cosh(x: Value) -> Value:
    """½eˣ + ½e⁻ˣ."""
    half = _half_exp(abs_(x))
    return plus(half, 0.25 / half)
