"""log and what is made of it.

x = m·2ᵉ with m = 1 + f between √½ and √2; a polynomial in f, or the series of atanh in
s = f/(2 + f), gives log m (Muller, chapter 11). For 2s = f - s·f and s·f = ½f² - s·½f², log m is
f - ½f² + s·(½f² + s²·p(s²)): f itself enters without an error.
"""

from __future__ import annotations

import numpy as np

from ..vector import Value
from .choice import abs_, copysign, maximum, minimum, sqrt, where
from .coefficients import (
    ATANH_REST,
    ATANH_SERIES,
    LN2,
    LOG,
    LOG2_E,
    LOG10_2,
    LOG10_E,
    TWO_THIRDS,
)
from .exponential import exp
from .parts import (
    MANTISSA,
    fma,
    integers,
    minus,
    of_floats,
    plus,
    polynomial,
    power_of_two,
    product_of_two,
    sum_of_sorted,
    sum_of_two,
    times,
)

LARGE = 2.0**28  # from where x² + 1 is x², in float64 too


def apart(x: Value, denormals: bool = True) -> tuple[Value, Value]:
    """f and e with x = (1 + f)·2ᵉ and √½ ≤ 1 + f < √2, for a positive finite x."""
    size, whole = x.dtype.itemsize, integers(x)
    grow = MANTISSA[size] + 2.0
    small = x < float(np.finfo(x.dtype).tiny)
    bits = (where(small, x * 2.0**grow, x) if denormals else x).bits(whole)
    offset = int(np.array(0.7071067811865476, x.dtype).view(whole))
    e = (bits - offset) >> MANTISSA[size]
    m = (bits - (e << MANTISSA[size])).bits(x.dtype)
    e = e.astype(x.dtype)
    return minus(m, m.like(1.0)), where(small, e - grow, e) if denormals else e


def beyond_f(f: Value, more: Value | None = None) -> Value:
    """log(1 + f) - f, and a small number more: -½f² + f³·p(f), or -½f² + s(½f² + s²·p(s²))."""
    square = f * f
    if f.dtype.itemsize == 4:
        cube, p = square * f, polynomial(f, LOG[4])
        return fma(square, -0.5, cube * p if more is None else fma(cube, p, more))
    s = f / (f + 2.0)
    z, half = s * s, 0.5 * square
    series = fma(z, polynomial(z, ATANH_SERIES[8]), half)
    return minus(s * series if more is None else fma(s, series, more), half)


def log_of(f: Value, e: Value, more: Value | None = None) -> Value:
    """log((1 + f)·2ᵉ), and a small number more."""
    high, low = LN2[f.dtype.itemsize]
    rest = beyond_f(f, e * low if more is None else fma(e, low, more))
    return fma(e, high, plus(f, rest))


def ended(x: Value, found: Value) -> Value:
    """`found` where x has a logarithm that is a number; else what belongs there."""
    odd = where(x == 0, x.like(-np.inf), where(x > 0, x, x.like(np.nan)))
    bits = x.bits(np.dtype(f"u{x.dtype.itemsize}"))
    last = int(np.array(np.inf, x.dtype).view(bits.dtype)) - 1
    return where(bits - 1 < last, found, odd)  # positive and finite, in two instructions


@of_floats
def log(x: Value) -> Value:
    """The natural logarithm."""
    return ended(x, log_of(*apart(x)))


@of_floats
def log1p(x: Value) -> Value:
    """log(1 + x): what rounding takes from 1 + x comes back as a derivative (Kahan)."""
    u, lost = sum_of_two(x.like(1.0), x)
    return copysign(ended(u, _log_of_sum(u, lost)), x)


def _log_of_sum(u: Value, lost: Value, doublings: Value | None = None) -> Value:
    """log(u + lost) and so many times log 2 more; u ≥ ½·2⁻ᵖ."""
    f, e = apart(u, denormals=False)
    shrink = power_of_two(maximum(-e, -100.0))
    more = lost * shrink * fma(f, f - 1.0, 1.0)  # 1/(1 + f), well enough
    return log_of(f, e if doublings is None else e + doublings, more)


def log_apart(x: Value) -> tuple[Value, Value, Value]:
    """e, h and l with log x = e·ln 2 + h + l; h + l is exact to 2⁻⁶⁴ of itself. Float64 only."""
    f, e = apart(x)
    u, lost = sum_of_sorted(f.like(2.0), f)
    inverse = 1.0 / u
    s = times(f, inverse)
    s_low = fma(-s, lost, fma(-s, u, f)) * inverse
    z, z_low = product_of_two(s, s)
    z_low = fma(2.0 * s, s_low, z_low)
    # s³·(⅔ + z·p(z)), each factor in two parts
    high, low = TWO_THIRDS[8]
    c, c_low = sum_of_sorted(z.like(high), times(z, polynomial(z, ATANH_REST[8])))
    w, w_low = product_of_two(z, c)
    w_low = fma(z, c_low + low, fma(z_low, c, w_low))
    v, v_low = product_of_two(w, s)
    v_low = fma(w, s_low, fma(w_low, s, v_low))
    h, l = sum_of_sorted(2.0 * s, v)
    return e, h, l + fma(s_low, 2.0, v_low)


def _in_base(x: Value, of_e: tuple[float, float], factor: tuple[float, float]) -> Value:
    """e·of_e + log(1 + f)·factor, constants and logarithm in two parts."""
    e, h, l = log_apart(x)
    p, p_low = product_of_two(h, h.like(factor[0]))
    p_low = fma(h, factor[1], fma(l, factor[0], p_low))
    q, q_low = product_of_two(e, e.like(of_e[0]))
    total, rest = sum_of_sorted(q, p)  # e is 0, or the larger part
    return plus(total, plus(rest, fma(e, of_e[1], q_low + p_low)))


def _shortly(x: Value, of_e: tuple[float, float], factor: tuple[float, float]) -> Value:
    """The same with the logarithm in one part beside f."""
    f, e = apart(x)
    rest = fma(e, of_e[1], fma(f, factor[1], beyond_f(f) * factor[0]))
    return ended(x, fma(e, of_e[0], fma(f, factor[0], rest)))


@of_floats
def log2(x: Value) -> Value:
    """The logarithm in base 2; exact for powers of 2."""
    return _shortly(x, (1.0, 0.0), LOG2_E[x.dtype.itemsize])


@of_floats
def log10(x: Value) -> Value:
    """The logarithm in base 10; exact for powers of 10."""
    if x.dtype.itemsize == 4:
        return _shortly(x, LOG10_2[4], LOG10_E[4])
    return ended(x, _in_base(x, LOG10_2[8], LOG10_E[8]))


@of_floats
def logaddexp(x: Value, y: Value) -> Value:
    """log(eˣ + eʸ), from the larger of the two: it does not overflow."""
    larger, smaller = maximum(x, y), minimum(x, y)
    gap = where(larger == smaller, larger.like(0.0), smaller - larger)  # also of two infinities
    return larger + _log_of_sum(*sum_of_sorted(x.like(1.0), exp(gap)))


@of_floats
def asinh(x: Value) -> Value:
    """log(|x| + √(x² + 1)) = log1p(|x| + x²/(1 + √(x² + 1))) (DLMF 4.37.16)."""
    size = abs_(x)
    far = size > LARGE
    inner = where(far, x.like(0.0), size)
    square = inner * inner
    near = inner + square / (1.0 + sqrt(1.0 + square))
    return copysign(_log1p_or_log_of_double(near, size, far), x)


def _log1p_or_log_of_double(near: Value, x: Value, far: Value) -> Value:
    """log1p(near), or log(2x) where x is far."""
    zero, one = x.like(0.0), x.like(1.0)
    u, lost = sum_of_two(one, near)
    u, lost = where(far, x, u), where(far, zero, lost)
    return ended(u, _log_of_sum(u, lost, where(far, one, zero)))


@of_floats
def acosh(x: Value) -> Value:
    """log(x + √(x² - 1)) = log1p(t + √(2t + t²)), t = x - 1 (DLMF 4.37.19)."""
    far = x > LARGE
    t = where(far, x.like(0.0), x - 1.0)
    found = _log1p_or_log_of_double(t + sqrt(fma(t, t, 2.0 * t)), x, far)
    return where(x < 1.0, x.like(np.nan), found)


@of_floats
def atanh(x: Value) -> Value:
    """½ log((1 + x)/(1 - x)) = ½ log1p(2x/(1 - x)) (DLMF 4.37.24)."""
    size = abs_(x)
    return copysign(0.5 * log1p(2.0 * size / (1.0 - size)), x)
