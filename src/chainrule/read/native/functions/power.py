"""Powers, lengths, remainders, and the error function."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from ..vector import Value, together
from .choice import abs_, copysign, maximum, minimum, sqrt, where
from .coefficients import ATANH_SHORT, ERF_FAR, ERF_NEAR, EXP_SHORT, LN2
from .exponential import LIMITS, LN2_WHOLE, exp_of_small, reduced
from .logarithm import apart, log_apart
from .parts import (
    F32,
    F64,
    fma,
    of_floats,
    plus,
    polynomial,
    power_of_two,
    product_of_two,
    scaled,
    sum_of_sorted,
    times,
    unless,
)

FEW = range(-2, 6)  # whole powers that are products: of at most four roundings
ERF_END = {4: 4.0, 8: 6.0}  # from where on erf is 1


@of_floats
def erf(x: Value) -> Value:
    """The error function (DLMF 7.2.1): x + x·p(x²) up to 1, 1 - exp(-p(x)) above."""
    bytes_ = x.dtype.itemsize
    size = minimum(abs_(x), ERF_END[bytes_])
    near = fma(size, polynomial(size * size, ERF_NEAR[bytes_]), size)
    n, r = reduced(-polynomial(size, ERF_FAR[bytes_]))
    far = 1.0 - exp_of_small(r) * power_of_two(n)
    return copysign(where(size < 1.0, near, far), x)


def power(x: Any, p: Any) -> Value:
    """x to the power p, with the special cases of C's pow."""
    a, b = together(x, p)
    if a.dtype.kind != "f":
        raise NotImplementedError("pow of integers")
    known = b.number
    if known is not None and isfinite(known):
        if known == int(known) and int(known) in FEW:
            return _whole_power(a, int(known))
        if known == 0.5:
            return where(a == -np.inf, a.like(np.inf), sqrt(a) + 0.0)
    return _pow(a, b)


def _whole_power(x: Value, p: int) -> Value:
    if p < 0:  # the reciprocal first: x to the power -p may overflow where the result does not
        return _whole_power(1.0 / x, -p)
    total, square = None, x
    while p:
        if p & 1:
            total = square if total is None else total * square
        square, p = (square * square if p > 1 else square), p >> 1
    return x.like(1.0) if total is None else total


@of_floats
def _pow(x: Value, y: Value) -> Value:
    """exp(y·log|x|), by way of float64 for float32; then the sign and the special cases."""
    size = abs_(x)
    if x.dtype.itemsize == 4:
        return _with_ends(x, y, _short_product(size.astype(F64), y.astype(F64)).astype(F32))
    return _with_ends(x, y, _long_product(size, y))


def _short_product(x: Value, y: Value) -> Value:
    f, e = apart(x, denormals=False)
    s = f / (f + 2.0)
    z = s * s
    log = fma(e, LN2_WHOLE, fma(s * z, polynomial(z, ATANH_SHORT[8]), 2.0 * s))
    low, high = LIMITS[4]
    n, r = reduced(minimum(maximum(y * log, 2.0 * low), 2.0 * high))  # to 0, to infinity
    return fma(r * r, polynomial(r, EXP_SHORT[8]), r + 1.0) * power_of_two(n)


def _long_product(x: Value, y: Value) -> Value:
    """exp of a product in two parts; an error of its first part would count up to 745 times."""
    y = minimum(maximum(y, -(2.0**64)), 2.0**64)  # (1 ± 2⁻⁵³)^y is at its end there
    e, h, l = log_apart(x)
    high, low = LN2[8]
    h, rest = sum_of_sorted(times(e, e.like(high)), h)
    rest = plus(rest, fma(e, low, l))
    p, p_low = product_of_two(y, h)
    p_low = fma(y, rest, p_low)
    inside = minimum(maximum(p, LIMITS[8][0]), LIMITS[8][1])
    n, r = reduced(inside)
    return scaled(exp_of_small(plus(r, where(inside == p, p_low, p.like(0.0)))), n)


def _with_ends(x: Value, y: Value, found: Value) -> Value:
    size, inf = abs_(x), float("inf")
    whole = y.call("rint") == y
    half = 0.5 * y
    odd = whole & (half.call("rint") != half)
    ends = (size == 0) | (size == inf) | (abs_(y) == inf)
    grows = (size > 1.0) ^ (y < 0)
    found = where(ends, where(grows, x.like(inf), x.like(0.0)), found)
    found = where((size == 1.0) & (abs_(y) == inf), x.like(1.0), found)
    found = where(odd, copysign(found, x), found)
    found = where((x < 0) & (size < inf) & ~whole, x.like(np.nan), found)
    found = where((x == x) & (y == y), found, x + y)
    return where((y == 0) | (x == 1.0), x.like(1.0), found)


@of_floats
def hypot(x: Value, y: Value) -> Value:
    """√(x² + y²) without overflow on the way; float32 by way of float64, which has the room."""
    if x.dtype.itemsize == 4:
        a, b = x.astype(F64), y.astype(F64)
        found = sqrt(fma(a, a, b * b)).astype(F32)
    else:
        found = _hypot(abs_(x), abs_(y))
    infinite = (abs_(x) == np.inf) | (abs_(y) == np.inf)
    return where(infinite, x.like(np.inf), found)


def _hypot(a: Value, b: Value) -> Value:
    longer = where(a < b, b, a)
    large, small = longer > 2.0**500, longer < 2.0**-400
    one = a.like(1.0)
    shrink = where(large, a.like(2.0**-600), where(small, a.like(2.0**600), one))
    grow = where(large, a.like(2.0**600), where(small, a.like(2.0**-600), one))
    p, q = a * shrink, b * shrink
    return sqrt(fma(p, p, q * q)) * grow


def fmod(x: Value, y: Value) -> tuple[Value, Value]:
    """x - q·y and q = trunc(x/y): exact, as C's fmod; far quotients by libm."""
    quotient = (x / y).call("trunc")
    a, b = abs_(x), abs_(y)
    rest = fma(-abs_(quotient), b, a)
    rest = where(rest < 0, rest + b, rest)  # the quotient had been rounded up
    rest = where(rest >= b, rest - b, rest)
    rest = where((b == np.inf) & (a < np.inf), a, rest)
    limit = 2.0 ** (22 if x.dtype.itemsize == 4 else 51)
    far = ~(abs_(quotient) < limit) & (a < np.inf) & (b > 0)
    return copysign(unless(far, rest, "fmod", a, b), x), quotient


@of_floats
def remainder(x: Value, y: Value) -> Value:
    """The remainder with the sign of the divisor, as Python's."""
    found, _ = fmod(x, y)
    wrong = (found != 0) & ((found < 0) ^ (y < 0))
    return where(wrong, found + y, where(found == 0, copysign(x.like(0.0), y), found))


@of_floats
def floor_divide(x: Value, y: Value) -> Value:
    """The quotient rounded down, from the exact remainder, with the sign of zero as NumPy's."""
    rest, _ = fmod(x, y)
    whole = (x - rest) / y
    wrong = (rest != 0) & ((rest < 0) ^ (y < 0))
    whole = where(wrong, whole - 1.0, whole)
    down = whole.call("floor")
    down = where(whole - down > 0.5, down + 1.0, down)
    return where(y == 0, x / y, where(whole == 0, copysign(x.like(0.0), x / y), down))


def of_integers_too(f: Any) -> Any:
    """Only floats have machine code; integers are NumPy's, which has rules of its own for 0."""

    def function(x: Any, y: Any) -> Value:
        if together(x, y)[0].dtype.kind != "f":
            raise NotImplementedError("division of integers")
        return f(x, y)

    return function
