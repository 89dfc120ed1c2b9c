"""Circular and hyperbolic functions and their inverses."""

from __future__ import annotations

from ..family import Elementwise, where
from .arithmetic import sqrt, square


class Sin(Elementwise):
    """The sine of an angle in radians."""

    latex = r"\sin\left(#1\right)"
    words = "scales the upstream gradient by cos x"
    source = "DLMF 4.20"
    analytic = True

    def forward(self, xp, x):
        return xp.sin(x)

    def local(self, y, x):
        return (cos(x),)


class Cos(Elementwise):
    """The cosine of an angle in radians."""

    latex = r"\cos\left(#1\right)"
    words = "scales the upstream gradient by -sin x"
    source = "DLMF 4.20"
    analytic = True

    def forward(self, xp, x):
        return xp.cos(x)

    def local(self, y, x):
        return (-sin(x),)


class Tan(Elementwise):
    """The tangent of an angle in radians."""

    latex = r"\tan\left(#1\right)"
    words = "scales the upstream gradient by 1 + y²"
    source = "DLMF 4.20"
    domain, analytic = ((-1.2, 1.2),), True

    def forward(self, xp, x):
        return xp.tan(x)

    def local(self, y, x):
        return (1.0 + y * y,)


class Asin(Elementwise):
    """The angle in [-π/2, π/2] with this sine."""

    latex = r"\arcsin\left(#1\right)"
    words = "scales the upstream gradient by 1/√(1 - x²)"
    source = "DLMF 4.24"
    domain, analytic = ((-0.8, 0.8),), True

    def forward(self, xp, x):
        return xp.asin(x)

    def local(self, y, x):
        return (1.0 / sqrt(1.0 - x * x),)


class Acos(Elementwise):
    """The angle in [0, π] with this cosine."""

    latex = r"\arccos\left(#1\right)"
    words = "scales the upstream gradient by -1/√(1 - x²)"
    source = "DLMF 4.24"
    domain, analytic = ((-0.8, 0.8),), True

    def forward(self, xp, x):
        return xp.acos(x)

    def local(self, y, x):
        return (-1.0 / sqrt(1.0 - x * x),)


class Atan(Elementwise):
    """The angle in (-π/2, π/2) with this tangent."""

    latex = r"\arctan\left(#1\right)"
    words = "scales the upstream gradient by 1/(1 + x²)"
    source = "DLMF 4.24"
    analytic = True

    def forward(self, xp, x):
        return xp.atan(x)

    def local(self, y, x):
        return (1.0 / (1.0 + x * x),)


class Sinh(Elementwise):
    """The hyperbolic sine."""

    latex = r"\sinh\left(#1\right)"
    words = "scales the upstream gradient by cosh x"
    source = "DLMF 4.34"
    analytic = True

    def forward(self, xp, x):
        return xp.sinh(x)

    def local(self, y, x):
        return (cosh(x),)


class Cosh(Elementwise):
    """The hyperbolic cosine."""

    latex = r"\cosh\left(#1\right)"
    words = "scales the upstream gradient by sinh x"
    source = "DLMF 4.34"
    analytic = True

    def forward(self, xp, x):
        return xp.cosh(x)

    def local(self, y, x):
        return (sinh(x),)


class Tanh(Elementwise):
    """Hyperbolic tangent, in (-1, 1)."""

    latex = r"\tanh\left(#1\right)"
    words = "scales the upstream gradient by 1 - y², never more than 1"
    source = "DLMF 4.34"
    analytic = True

    def forward(self, xp, x):
        return xp.tanh(x)

    def local(self, y, x):
        return (1.0 - y * y,)


class Asinh(Elementwise):
    """The inverse of the hyperbolic sine."""

    latex = r"\operatorname{arsinh}\left(#1\right)"
    words = "scales the upstream gradient by 1/√(1 + x²)"
    source = "DLMF 4.38"
    analytic = True

    def forward(self, xp, x):
        return xp.asinh(x)

    def local(self, y, x):
        return (1.0 / sqrt(1.0 + x * x),)


class Acosh(Elementwise):
    """The inverse of the hyperbolic cosine, for x ≥ 1."""

    latex = r"\operatorname{arcosh}\left(#1\right)"
    words = "scales the upstream gradient by 1/√(x² - 1)"
    source = "DLMF 4.38"
    domain, analytic = ((1.2, 3.0),), True

    def forward(self, xp, x):
        return xp.acosh(x)

    def local(self, y, x):
        return (1.0 / sqrt(x * x - 1.0),)


class Atanh(Elementwise):
    """The inverse of the hyperbolic tangent, for |x| < 1."""

    latex = r"\operatorname{artanh}\left(#1\right)"
    words = "scales the upstream gradient by 1/(1 - x²)"
    source = "DLMF 4.38"
    domain, analytic = ((-0.8, 0.8),), True

    def forward(self, xp, x):
        return xp.atanh(x)

    def local(self, y, x):
        return (1.0 / (1.0 - x * x),)


class Atan2(Elementwise):
    """The angle of the point (x, y), in (-π, π]: the operands are y, then x."""

    latex = r"\operatorname{atan2}\left(#1, #2\right)"
    takes = (0, 0)
    words = "scales by x/(x²+y²) for y, and by -y/(x²+y²) for x; 0 at the origin"
    source = "Array API 2024.12, atan2"
    domain = ((0.5, 2.0), (0.5, 2.0))

    def forward(self, xp, y, x):
        return xp.atan2(y, x)

    def local(self, angle, y, x):
        squared = square(x) + square(y)
        squared = where(squared == 0, 1.0, squared)
        return (lambda: x / squared, lambda: -y / squared)


sin, cos, tan, asin, acos, atan = Sin(), Cos(), Tan(), Asin(), Acos(), Atan()
sinh, cosh, tanh, asinh, acosh, atanh = Sinh(), Cosh(), Tanh(), Asinh(), Acosh(), Atanh()
atan2 = Atan2()
