"""sin, cos, tan, and their inverses.

x = n·½π + r with ½π in three parts (Cody & Waite, chapter 8; by fused multiplication every
subtraction but the last two is exact); two polynomials, of which n chooses. Beyond `FAR` libm
answers, lane by lane.
"""

from __future__ import annotations

from ..vector import Value
from .choice import abs_, copysign, sqrt, where
from .coefficients import ASIN, ATAN, COS, HALF_PI, SIN
from .parts import fma, integers, minus, nearest, of_floats, plus, polynomial, unless

FAR = {4: 2.0**17, 8: 2.0**30}
HUGE = {4: 2.0**120, 8: 2.0**1000}  # from where on two numbers are made smaller to be added
TWO_OVER_PI = 0.6366197723675814
EIGHTH = 0.41421356237309503  # tan of an eighth of a half turn, √2 - 1


def quadrants(x: Value) -> tuple[Value, Value]:
    """r and bits that end with n, of x = n·½π + r with |r| ≤ ¼π."""
    n, bits = nearest(x, TWO_OVER_PI)
    r = x
    for part in HALF_PI[x.dtype.itemsize]:
        r = fma(n, -part, r)
    return r, bits


def sin_of_small(r: Value) -> Value:
    """sin r, |r| ≤ ¼π."""
    z = r * r
    return fma(z * r, polynomial(z, SIN[r.dtype.itemsize]), r)


def cos_of_small(r: Value) -> Value:
    """cos r, |r| ≤ ¼π."""
    z = r * r
    return fma(z, fma(z, polynomial(z, COS[r.dtype.itemsize]), -0.5), 1.0)


def _turned(x: Value, name: str, more: int) -> Value:
    """sin(x + more·½π): an odd quadrant takes the cosine, the upper two change the sign."""
    r, bits = quadrants(x)
    bits = bits + more if more else bits
    flip = (bits << (8 * x.dtype.itemsize - 2)) & (-1 << (8 * x.dtype.itemsize - 1))
    chosen = where((bits & 1) == 0, sin_of_small(r), cos_of_small(r))
    found = (chosen.bits(integers(x)) ^ flip).bits(x.dtype)
    return unless(_far(x), found, name, x)


def _far(x: Value) -> Value:
    size = abs_(x)
    return (size > FAR[x.dtype.itemsize]) & (size < float("inf"))


@of_floats
def sin(x: Value) -> Value:
    """The sine."""
    return where(x == 0, x, _turned(x, "sin", 0))


@of_floats
def cos(x: Value) -> Value:
    """The cosine."""
    return _turned(x, "cos", 1)


@of_floats
def tan(x: Value) -> Value:
    """The tangent: sin r / cos r, or -cos r / sin r in odd quadrants."""
    r, bits = quadrants(x)
    s, c = sin_of_small(r), cos_of_small(r)
    even = (bits & 1) == 0
    found = where(even, s, c) / where(even, c, -s)
    return unless(_far(x), where(x == 0, x, found), "tan", x)


def half_pi(x: Value) -> tuple[Value, Value]:
    """½π in two parts."""
    high, low, _ = HALF_PI[x.dtype.itemsize]
    return x.like(high), x.like(low)


def angle(short: Value, long: Value) -> tuple[Value, Value]:
    """atan(short/long) in two parts, 0 ≤ short ≤ long.

    Above √2 - 1 a quarter of π is taken off: atan t = ¼π + atan((t - 1)/(t + 1)).
    """
    upper = short > long * EIGHTH
    t = where(upper, minus(short, long), short) / where(upper, plus(short, long), long)
    high, low = half_pi(t)
    z = t * t
    series = z * t * polynomial(z, ATAN[t.dtype.itemsize])
    zero = t.like(0.0)
    first = where(upper, 0.5 * high, zero)
    total = plus(first, t)
    lost = plus(minus(first, total), t)  # |t| is below ¼π, or `first` is 0
    return total, series + where(upper, fma(low, 0.5, lost), zero)


@of_floats
def atan(x: Value) -> Value:
    """The arctangent: of 1/|x| above 1."""
    size = abs_(x)
    above = size > 1.0
    one = x.like(1.0)
    first, rest = angle(where(above, one, size), where(above, size, one))
    high, low = half_pi(x)
    turned = plus(minus(high, first), minus(low, rest))
    return copysign(where(above, turned, plus(first, rest)), x)


@of_floats
def atan2(y: Value, x: Value) -> Value:
    """The angle of the point (x, y), with the signs of zeros and infinities as in C."""
    a, b = abs_(y), abs_(x)
    steep = a > b
    short, long = where(steep, b, a), where(steep, a, b)
    both = short == float("inf")
    short, long = where(both, x.like(1.0), short), where(both, x.like(1.0), long)
    shrink = where(long > HUGE[x.dtype.itemsize], x.like(0.125), x.like(1.0))
    long = where(long == 0, x.like(1.0), long * shrink)
    first, rest = angle(short * shrink, long)
    high, low = half_pi(x)
    first, rest = where(steep, minus(high, first), first), where(steep, minus(low, rest), rest)
    left = x.bits(integers(x)) < 0
    first = where(left, minus(2.0 * high, first), first)
    rest = where(left, minus(2.0 * low, rest), rest)
    return copysign(where((x == x) & (y == y), plus(first, rest), x + y), y)


def _asin_of_small(s: Value, z: Value) -> Value:
    """asin s - s, for z = s² ≤ ¼."""
    return z * s * polynomial(z, ASIN[s.dtype.itemsize])


@of_floats
def asin(x: Value) -> Value:
    """The arcsine; above ½, ½π - 2 asin √((1 - x)/2) (DLMF 4.24)."""
    size = abs_(x)
    near = size <= 0.5
    z = where(near, x * x, fma(size, -0.5, 0.5))
    s = where(near, size, sqrt(z))
    rest = _asin_of_small(s, z)
    high, low = half_pi(x)
    far = plus(fma(s, -2.0, high), fma(rest, -2.0, low))
    return copysign(where(near, plus(s, rest), far), x)


@of_floats
def acos(x: Value) -> Value:
    """The arccosine: ½π - asin x, or 2 asin √((1 - |x|)/2), or π less that."""
    size = abs_(x)
    near = size <= 0.5
    z = where(near, x * x, fma(size, -0.5, 0.5))
    s = where(near, x, sqrt(z))
    rest = _asin_of_small(s, z)
    high, low = half_pi(x)
    middle = plus(minus(high, s), minus(low, rest))
    right = 2.0 * plus(s, rest)
    left = 2.0 * plus(minus(high, s), minus(low, rest))
    return where(near, middle, where(x > 0, right, left))
