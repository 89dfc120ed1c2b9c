"""Activations: what a neuron makes of its weighted sum."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from math import sqrt as root
from typing import Any

import numpy as np

from ...graph.errors import UsageError
from ..family import Elementwise
from .exponential import exp
from .rounding import step

# Klambauer et al. 2017: the fixed point of mean 0 and variance 1.
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


class Sigmoid(Elementwise):
    """The logistic function 1/(1 + e⁻ˣ), in (0, 1)."""

    latex = r"\sigma\left(#1\right)"
    words = "scales the upstream gradient by y(1 - y), never more than ¼"
    source = "Verhulst 1845"

    def forward(self, xp, x):
        return xp.sigmoid(x)

    def local(self, y, x):
        return (y * (1.0 - y),)


class Softplus(Elementwise):
    """ln(1 + eˣ), a smooth relu."""

    latex = r"\ln\left(1 + e^{#1}\right)"
    words = "scales the upstream gradient by the sigmoid of x"
    source = "Dugas et al. 2001"

    def forward(self, xp, x):
        return xp.logaddexp(x, xp.zeros_like(x))

    def local(self, y, x):
        return (sigmoid(x),)


class Relu(Elementwise):
    """The positive part, max(0, x)."""

    latex = r"\max\left(0, #1\right)"
    words = "is a gate: open where x > 0, shut elsewhere, also at 0"
    source = "Nair and Hinton 2010"
    kinks = (0.0,)

    def forward(self, xp, x):
        return xp.maximum(x, 0)

    def local(self, y, x):
        return (step(x),)


class Silu(Elementwise):
    """x times its sigmoid (swish)."""

    latex, binds, takes = r"#1 \cdot \sigma\left(#1\right)", 2, (2,)
    words = "scales the upstream gradient by σ(x)(1 + x(1 - σ(x)))"
    source = "Elfwing et al. 2018"

    def forward(self, xp, x):
        return x * xp.sigmoid(x)

    def local(self, y, x):
        return (_silu_slope(x),)


class Erf(Elementwise):
    """The error function, in (-1, 1)."""

    latex = r"\operatorname{erf}\left(#1\right)"
    words = "scales the upstream gradient by 2/√π · e^(-x²)"
    source = "DLMF 7.2.1"

    def forward(self, xp, x):
        return xp.erf(x)

    def local(self, y, x):
        return ((2 / root(pi)) * exp(-x * x),)


class Gelu(Elementwise):
    """x times the normal distribution function of x."""

    latex, binds, takes = (
        r"\frac{#1}{2} \cdot \left(1 + \operatorname{erf}\left(\frac{#1}{\sqrt{2}}\right)\right)",
        2,
        (0,),
    )
    words = "scales the upstream gradient by Φ(x) + xφ(x)"
    source = "Hendrycks and Gimpel 2016"

    def forward(self, xp, x):
        return 0.5 * x * (1.0 + xp.erf(x * root(0.5)))

    def local(self, y, x):
        return (0.5 * (1.0 + erf(x * root(0.5))) + x * exp(-0.5 * x * x) * (1 / root(2 * pi)),)


@dataclass(frozen=True, eq=False)
class LeakyRelu(Elementwise):
    """x where x > 0, slope·x elsewhere."""

    slope: float = 0.01

    binds, takes = 0, (2,)
    words = "passes the gradient on where x > 0, scaled by the slope elsewhere, also at 0"
    source = "Maas et al. 2013"
    kinks = (0.0,)

    @property
    def latex(self) -> str:
        return rf"\begin{{cases}} {self.slope} \cdot #1 & #1 \le 0 \\ #1 & #1 > 0 \end{{cases}}"

    def forward(self, xp, x):
        return xp.where(x > 0, x, x * self.slope)

    def local(self, y, x):
        return (step(x) * (1.0 - self.slope) + self.slope,)


@dataclass(frozen=True, eq=False)
class Elu(Elementwise):
    """scale·x where x > 0, scale·alpha·(eˣ - 1) elsewhere."""

    alpha: float = 1.0
    scale: float = 1.0

    binds, takes = 0, (2,)
    words = "passes the gradient on where x > 0; elsewhere it fades as eˣ does"
    source = "Clevert et al. 2016"
    kinks = (0.0,)

    @property
    def latex(self) -> str:
        s, a = _factor(self.scale), _factor(self.scale * self.alpha)
        return (
            rf"\begin{{cases}} {a}\left(e^{{#1}} - 1\right) & #1 \le 0 \\ "
            rf"{s}#1 & #1 > 0 \end{{cases}}"
        )

    def forward(self, xp, x):
        below = (self.scale * self.alpha) * xp.expm1(xp.minimum(x, 0))
        return xp.where(x > 0, x * self.scale, below)

    def local(self, y, x):
        opened = step(x)
        below = (1.0 - opened) * (y + self.scale * self.alpha)
        return (opened * self.scale + below,)


def _number(asked: str, name: str, value: Any) -> float:
    if not isinstance(value, (int, float, np.integer, np.floating)):
        raise UsageError(
            f"{asked}: {name}={value!r}; it is part of the op and must be a plain number"
        )
    return float(value)


def _factor(number: float) -> str:
    return "" if number == 1.0 else rf"{number} \cdot "


def _silu_slope(x: Any) -> Any:
    s = sigmoid(x)
    return s * (1.0 + x * (1.0 - s))


sigmoid, softplus, relu, silu = Sigmoid(), Softplus(), Relu(), Silu()
erf, gelu, selu = Erf(), Gelu(), Elu(SELU_ALPHA, SELU_SCALE)


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """x where x > 0, `slope`·x elsewhere: the cure for a dead relu (Maas et al. 2013)."""
    return LeakyRelu.of(_number("leaky_relu", "slope", slope))(x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where x > 0, `alpha`·(eˣ - 1) elsewhere (Clevert et al. 2016)."""
    return Elu.of(_number("elu", "alpha", alpha))(x)
