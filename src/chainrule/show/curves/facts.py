"""What is known of each activation, as data: its slope, and facts that can be tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...ops import elementwise
from ...ops.elementwise.activation import Elu, LeakyRelu

Array = np.ndarray


@dataclass(frozen=True)
class Fact:
    """A sentence, and whether it holds of places `x`, values `y` and slopes `d`."""

    words: str
    holds: Callable[[Array, Array, Array], Any]


@dataclass(frozen=True, eq=False)
class Activation:
    """One activation: the op, what it is called, the TeX of its slope, and facts about it."""

    op: Any
    title: str
    slope: str
    facts: tuple[Fact, ...]
    sign: str = "f"  # how its value is written


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def _most(d: Array, bound: float) -> bool:
    return bool(abs(d.max() - bound) < 1e-3)


FLAT_LEFT = Fact(
    "Left of 0 the slope is 0: a unit that is there for every example is dead.",
    lambda x, y, d: np.all(d[x < 0] == 0),
)
ONE_RIGHT = Fact(
    "Right of 0 the slope is 1: the gradient passes unchanged.",
    lambda x, y, d: np.all(d[x > 0] == 1),
)

ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": Activation(elementwise.sigmoid, "sigmoid", r"\sigma(x) \cdot (1 - \sigma(x))", (
        Fact("The slope is at most ¼, at 0: ten sigmoid layers leave at most 4⁻¹⁰ of a gradient.",
             lambda x, y, d: _most(d, 0.25)),
        Fact("It flattens at both ends: beyond ±3 the slope is under 0.05.",
             lambda x, y, d: np.all(d[np.abs(x) > 3] < 0.05)),
    ), "σ"),
    "tanh": Activation(elementwise.tanh, "tanh", r"1 - \tanh^{2} x", (
        Fact("tanh x = 2σ(2x) − 1: the sigmoid, twice as steep, from −1 to 1.",
             lambda x, y, d: np.allclose(y, 2 * _sigmoid(2 * x) - 1)),
        Fact("The slope is at most 1, at 0; beyond ±2.2 it is under 0.05.",
             lambda x, y, d: _most(d, 1.0) and np.all(d[np.abs(x) > 2.2] < 0.05)),
    ), "tanh"),
    "relu": Activation(
        elementwise.relu, "ReLU", r"\begin{cases} 0 & x \le 0 \\ 1 & x > 0 \end{cases}",
        (ONE_RIGHT, FLAT_LEFT), "relu"),
    "leaky_relu": Activation(
        LeakyRelu.of(), "leaky ReLU", r"\begin{cases} 0.01 & x \le 0 \\ 1 & x > 0 \end{cases}", (
        ONE_RIGHT,
        Fact("Left of 0 the value is 0.01·x and the slope a small positive number: no unit dies.",
             lambda x, y, d: np.allclose(y[x < 0], 0.01 * x[x < 0])
             and np.allclose(d[x < 0], 0.01)),
    )),
    "elu": Activation(
        Elu.of(), "ELU", r"\begin{cases} e^{x} & x \le 0 \\ 1 & x > 0 \end{cases}", (
        Fact("Left of 0 the slope is the value plus 1, and fades as eˣ does.",
             lambda x, y, d: np.allclose(d[x < 0], y[x < 0] + 1)),
        Fact("There is no kink: at 0 the slope is 1 from both sides.",
             lambda x, y, d: np.allclose(d[np.abs(x) < 1e-6], 1)),
    )),
    "selu": Activation(
        elementwise.selu, "SELU",
        r"\begin{cases} 1.7581 \cdot e^{x} & x \le 0 \\ 1.0507 & x > 0 \end{cases}", (
        Fact("Right of 0 the slope is 1.0507, a little over 1: it makes up for what fades.",
             lambda x, y, d: np.allclose(d[x > 0], 1.0507, atol=1e-4)),
        Fact("At 0 the slope falls from 1.758 on the left to 1.051 on the right.",
             lambda x, y, d: np.allclose(d[(x < 0) & (x > -1e-6)], 1.7581, atol=1e-3)),
    )),
    "softplus": Activation(elementwise.softplus, "softplus", r"\sigma(x)", (
        Fact("A smooth ReLU: its slope is the sigmoid, from 0 to 1.",
             lambda x, y, d: np.allclose(d, _sigmoid(x))),
        Fact("It is always above ReLU, by at most ln 2 = 0.693, at 0.",
             lambda x, y, d: _most(y - np.maximum(x, 0), np.log(2.0))
             and np.all(y > np.maximum(x, 0))),
    )),
    "silu": Activation(
        elementwise.silu, "SiLU", r"\sigma(x) \cdot (1 + x \cdot (1 - \sigma(x)))", (
        Fact("Also called swish: x times its sigmoid. It dips to −0.278, at x = −1.278.",
             lambda x, y, d: np.isclose(y.min(), -0.2785, atol=1e-3)
             and np.isclose(x[y.argmin()], -1.278, atol=0.02)),
        Fact("The slope is negative left of the dip, and at most 1.0998.",
             lambda x, y, d: np.all(d[x < -1.29] < 0) and _most(d, 1.0998)),
    )),
    "gelu": Activation(
        elementwise.gelu, "GELU",
        r"\frac{1 + \operatorname{erf}\left(\frac{x}{\sqrt{2}}\right)}{2} "
        r"+ \frac{x \cdot e^{-\frac{x^{2}}{2}}}{\sqrt{2 \pi}}", (
        Fact("x times a normal distribution's share below x. It dips to −0.170, at x = −0.752.",
             lambda x, y, d: np.isclose(y.min(), -0.170, atol=1e-3)
             and np.isclose(x[y.argmin()], -0.752, atol=0.02)),
        Fact("The slope is negative left of the dip, and at most 1.129.",
             lambda x, y, d: np.all(d[x < -0.76] < 0) and _most(d, 1.1289)),
    )),
    "erf": Activation(
        elementwise.erf, "erf", r"\frac{2}{\sqrt{\pi}} \cdot e^{-x^{2}}", (
        Fact("From −1 to 1 as tanh, but steeper: the slope is at most 2/√π = 1.128, at 0.",
             lambda x, y, d: _most(d, 2 / np.sqrt(np.pi)) and abs(y).max() <= 1),
        Fact("It flattens fast: beyond ±1.8 the slope is under 0.05.",
             lambda x, y, d: np.all(d[np.abs(x) > 1.8] < 0.05)),
    ), "erf"),
}  # fmt: skip
