"""Exponentials and logarithms."""

from __future__ import annotations

from math import inf
from math import log as ln

from ..family import Elementwise, where


class Exp(Elementwise):
    """e to the power x."""

    latex, binds, takes = r"e^{#1}", 3, (0,)
    words = "scales the upstream gradient by the value itself"
    source = "DLMF 4.2(iii)"
    analytic = True

    def forward(self, xp, x):
        return xp.exp(x)

    def local(self, y, x):
        return (y,)


class Exp2(Elementwise):
    """2 to the power x."""

    latex, binds, takes = r"2^{#1}", 3, (0,)
    words = "scales the upstream gradient by ln 2 times the value"
    source = "DLMF 4.2(iii)"
    analytic = True

    def forward(self, xp, x):
        return xp.exp2(x)

    def local(self, y, x):
        return (y * ln(2),)


class Expm1(Elementwise):
    """e to the power x, minus 1, exact near 0."""

    latex, binds, takes = r"e^{#1} - 1", 1, (0,)
    words = "scales the upstream gradient by the value plus 1"
    source = "DLMF 4.2(iii)"
    analytic = True

    def forward(self, xp, x):
        return xp.expm1(x)

    def local(self, y, x):
        return (y + 1.0,)


class Log(Elementwise):
    """The natural logarithm."""

    latex = r"\ln\left(#1\right)"
    words = "scales the upstream gradient by 1/x"
    source = "DLMF 4.2(i)"
    domain, analytic = ((0.3, 2.5),), True

    def forward(self, xp, x):
        return xp.log(x)

    def local(self, y, x):
        return (1.0 / x,)


class Log1p(Elementwise):
    """The natural logarithm of 1 + x, exact near 0."""

    latex = r"\ln\left(1 + #1\right)"
    words = "scales the upstream gradient by 1/(1 + x)"
    source = "DLMF 4.2(i)"
    domain, analytic = ((-0.6, 2.0),), True

    def forward(self, xp, x):
        return xp.log1p(x)

    def local(self, y, x):
        return (1.0 / (1.0 + x),)


class Log2(Elementwise):
    """The logarithm to base 2."""

    latex = r"\log_{2}\left(#1\right)"
    words = "scales the upstream gradient by 1/(x ln 2)"
    source = "DLMF 4.2(ii)"
    domain, analytic = ((0.3, 2.5),), True

    def forward(self, xp, x):
        return xp.log2(x)

    def local(self, y, x):
        return (1.0 / (x * ln(2)),)


class Log10(Elementwise):
    """The logarithm to base 10."""

    latex = r"\log_{10}\left(#1\right)"
    words = "scales the upstream gradient by 1/(x ln 10)"
    source = "DLMF 4.2(ii)"
    domain, analytic = ((0.3, 2.5),), True

    def forward(self, xp, x):
        return xp.log10(x)

    def local(self, y, x):
        return (1.0 / (x * ln(10)),)


class Logaddexp(Elementwise):
    """ln(eˣ + eʸ), without overflow."""

    latex = r"\ln\left(e^{#1} + e^{#2}\right)"
    takes = (0, 0)
    words = "shares the upstream gradient between the operands as softmax does"
    source = "Array API 2024.12, logaddexp"
    domain = ((-2.0, 2.0), (-2.0, 2.0))

    def forward(self, xp, x, y):
        return xp.logaddexp(x, y)

    def local(self, z, x, y):
        z = where(z == -inf, 0.0, z)  # both are -inf: -inf - (-inf) would be NaN
        return (lambda: exp(x - z), lambda: exp(y - z))


exp, exp2, expm1, log = Exp(), Exp2(), Expm1(), Log()
log1p, log2, log10, logaddexp = Log1p(), Log2(), Log10(), Logaddexp()
