"""Functions that are constant in steps: their gradient is 0 wherever they have one."""

from __future__ import annotations

from ..family import Elementwise


class Piecewise(Elementwise):
    """Constant between its jumps."""

    words = "is constant in steps, so nothing flows back"
    zero = True
    domain = ((0.1, 0.9),)

    def local(self, y, *xs):
        return (0,) * len(xs)


class Floor(Piecewise):
    """The largest integer that is not above the value."""

    latex = r"\left\lfloor #1 \right\rfloor"
    source = "Array API 2024.12, floor"

    def forward(self, xp, x):
        return x if x.dtype.kind in "iu" else xp.floor(x)


class Ceil(Piecewise):
    """The smallest integer that is not below the value."""

    latex = r"\left\lceil #1 \right\rceil"
    source = "Array API 2024.12, ceil"

    def forward(self, xp, x):
        return x if x.dtype.kind in "iu" else xp.ceil(x)


class Round(Piecewise):
    """The nearest integer; halves go to the even one."""

    latex = r"\operatorname{round}\left(#1\right)"
    source = "Array API 2024.12, round"
    domain = ((0.1, 0.4),)

    def forward(self, xp, x):
        return xp.round(x)


class Trunc(Piecewise):
    """The value without its fraction."""

    latex = r"\operatorname{trunc}\left(#1\right)"
    source = "Array API 2024.12, trunc"

    def forward(self, xp, x):
        return x if x.dtype.kind in "iu" else xp.trunc(x)


class FloorDivide(Piecewise):
    """The quotient, rounded down."""

    latex = r"\left\lfloor \frac{#1}{#2} \right\rfloor"
    takes = (0, 0)
    source = "Array API 2024.12, floor_divide"
    domain = ((0.2, 0.9), (1.1, 1.9))

    def forward(self, xp, x, y):
        return xp.floor_divide(x, y)


class Sign(Piecewise):
    """-1, 0 or 1."""

    latex = r"\operatorname{sign}\left(#1\right)"
    source = "Array API 2024.12, sign"
    domain, kinks = ((-2.0, 2.0),), (0.0,)

    def forward(self, xp, x):
        return xp.sign(x)


class Step(Piecewise):
    """1 where x > 0, otherwise 0: the local gradient of relu, with 0 at the kink."""

    latex, binds, takes = r"\begin{cases} 0 & #1 \le 0 \\ 1 & #1 > 0 \end{cases}", 0, (1,)
    source = "DLMF 1.16(iv), with H(0) = 0"
    domain, kinks = ((-2.0, 2.0),), (0.0,)

    def forward(self, xp, x):
        return xp.astype(xp.greater(x, 0), x.dtype)


floor, ceil, round, trunc = Floor(), Ceil(), Round(), Trunc()
floor_divide, sign, step = FloorDivide(), Sign(), Step()
