"""The array namespace for numbers in registers: what `forward` finds where NumPy's functions are.

Transcendental functions are written as arithmetic on vectors of float32 and float64: an argument
is reduced to a small interval, a polynomial answers there, and the way back is exact or nearly so
(Muller, *Elementary Functions*, 3rd ed.; Cody & Waite, *Software Manual for the Elementary
Functions*; DLMF). The polynomials are fitted by `benchmarks/coefficients.py`. Denormals,
infinities, NaN and the signs of zero come out as in NumPy. No function has a lane-by-lane part
but for arguments that are hardly ever met: sin, cos and tan beyond `trigonometric.FAR`, and
remainders of quotients that have no exact float.

`ULP` states how far a value may be from the exact one, in units of its last place, over the
whole range; for float32 and float64. It is measured and tested.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from ..vector import BOOL, arithmetic, together
from .choice import (
    abs_,
    compared,
    copysign,
    isfinite,
    isinf,
    logical,
    maximum,
    minimum,
    rounding,
    sign,
    sqrt,
    where,
)
from .exponential import cosh, exp, exp2, expm1, sigmoid, sinh, tanh
from .logarithm import acosh, asinh, atanh, log, log1p, log2, log10, logaddexp
from .power import erf, floor_divide, fmod, hypot, of_integers_too, power, remainder
from .trigonometric import acos, asin, atan, atan2, cos, sin, tan

# name: the largest error in float32 (4) and float64 (8). That of logaddexp is in units of the
# larger of its operands where its value is nearer to 0; a known power is one of `power.FEW`, or ½.
ULP = {
    "exp": {4: 1.1, 8: 1.1}, "expm1": {4: 1.7, 8: 1.7}, "exp2": {4: 1.2, 8: 1.2},
    "log": {4: 0.9, 8: 0.9}, "log1p": {4: 1.0, 8: 1.0}, "log2": {4: 1.0, 8: 1.0},
    "log10": {4: 1.0, 8: 0.51}, "tanh": {4: 2.4, 8: 2.4}, "sigmoid": {4: 1.5, 8: 1.5},
    "softplus": {4: 1.7, 8: 1.7}, "erf": {4: 1.3, 8: 1.3}, "sin": {4: 1.7, 8: 1.5},
    "cos": {4: 1.7, 8: 1.5}, "tan": {4: 4.0, 8: 3.0}, "asin": {4: 2.3, 8: 2.1},
    "acos": {4: 1.3, 8: 1.3}, "atan": {4: 2.0, 8: 1.8}, "sinh": {4: 1.7, 8: 1.6},
    "cosh": {4: 1.6, 8: 1.6}, "asinh": {4: 1.8, 8: 1.7}, "acosh": {4: 2.2, 8: 2.2},
    "atanh": {4: 2.2, 8: 2.0}, "pow": {4: 0.51, 8: 1.2}, "atan2": {4: 2.0, 8: 2.0},
    "hypot": {4: 0.51, 8: 1.2}, "logaddexp": {4: 3.0, 8: 3.0}, "known power": {4: 4.0, 8: 4.0},
}  # fmt: skip

LLVM = SimpleNamespace(
    exp=exp, expm1=expm1, exp2=exp2, log=log, log1p=log1p, log2=log2, log10=log10, tanh=tanh,
    sigmoid=sigmoid, logaddexp=logaddexp, maximum=maximum, minimum=minimum, where=where, abs=abs_,
    sqrt=sqrt, copysign=copysign, sign=sign, pow=power, power=power, erf=erf, hypot=hypot,
    sin=sin, cos=cos, tan=tan, asin=asin, acos=acos, atan=atan, atan2=atan2, sinh=sinh, cosh=cosh,
    asinh=asinh, acosh=acosh, atanh=atanh, remainder=of_integers_too(remainder),
    floor_divide=of_integers_too(floor_divide), fmod=of_integers_too(lambda x, y: fmod(x, y)[0]),
    isfinite=isfinite, isinf=isinf, isnan=lambda x: x != x,
    floor=rounding("floor"), ceil=rounding("ceil"), trunc=rounding("trunc"),
    round=rounding("rint"), add=lambda x, y: arithmetic("add", *together(x, y)),
    subtract=lambda x, y: arithmetic("sub", *together(x, y)),
    multiply=lambda x, y: arithmetic("mul", *together(x, y)),
    divide=lambda x, y: x / y, negative=lambda x: -x, positive=lambda x: x,
    square=lambda x: x * x, astype=lambda x, dtype, copy=True: x.astype(dtype),
    result_type=lambda *xs: np.result_type(*(getattr(x, "dtype", x) for x in xs)),
    zeros_like=lambda x: x.like(0), ones_like=lambda x: x.like(1),
    greater=compared("gt"), greater_equal=compared("ge"), less=compared("lt"),
    less_equal=compared("le"), equal=compared("eq"), not_equal=compared("ne"),
    logical_and=logical("and"), logical_or=logical("or"), logical_xor=logical("xor"),
    logical_not=lambda x: ~x.astype(BOOL), bitwise_and=lambda x, y: x & y,
    bitwise_or=lambda x, y: x | y, bitwise_xor=lambda x, y: x ^ y, bitwise_invert=lambda x: ~x,
)  # fmt: skip
