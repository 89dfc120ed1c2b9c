"""Arithmetic, extremes and choices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.op import Spec
from ..family import (
    Elementwise,
    broadcast,
    broadcast_to,
    like,
    mask_to,
    select,
    sum_to,
    where,
    zeros_like,
)  # fmt: skip
from .exponential import log
from .rounding import floor, sign

ANY = (-2.0, 2.0)
POSITIVE = (0.3, 2.5)
NONZERO = (0.5, 2.5)


class Add(Elementwise):
    """The sum of two values."""

    latex, binds, takes = "#1 + #2", 1, (1, 1)
    words = "copies the upstream gradient to both operands"
    source = "Array API 2024.12, add"
    domain, analytic = (ANY, ANY), True

    def forward(self, xp, x, y):
        return xp.add(x, y)

    def local(self, z, x, y):
        return (1, 1)


class Subtract(Elementwise):
    """The difference of two values."""

    latex, binds, takes = "#1 - #2", 1, (1, 2)
    words = "copies the upstream gradient to the first operand, and negated to the second"
    source = "Array API 2024.12, subtract"
    domain, analytic = (ANY, ANY), True

    def forward(self, xp, x, y):
        return xp.subtract(x, y)

    def local(self, z, x, y):
        return (1, -1)


class Multiply(Elementwise):
    """The product of two values."""

    latex, binds, takes = r"#1 \cdot #2", 2, (2, 2)
    words = "swaps the operands and scales: each receives the upstream gradient times the other"
    source = "Array API 2024.12, multiply"
    domain, analytic = (ANY, ANY), True

    def forward(self, xp, x, y):
        return xp.multiply(x, y)

    def local(self, z, x, y):
        return (y, x)


class Divide(Elementwise):
    """The quotient of two values."""

    latex, binds, takes = r"\frac{#1}{#2}", 3, (0, 0)
    words = "scales by 1/b for the numerator, by -a/b² for the denominator"
    source = "Array API 2024.12, divide"
    domain, analytic = (ANY, NONZERO), True

    def forward(self, xp, x, y):
        return xp.divide(x, y)

    def local(self, z, x, y):
        return (lambda: 1.0 / y, lambda: -z / y)


class Negative(Elementwise):
    """The value with its sign turned."""

    latex, binds, takes = "-#1", 1, (2,)
    words = "turns the sign of the upstream gradient"
    source = "Array API 2024.12, negative"
    analytic = True

    def forward(self, xp, x):
        return xp.negative(x)

    def local(self, y, x):
        return (-1,)


class Positive(Elementwise):
    """The value itself."""

    latex, takes, binds = "#1", (4,), 4
    words = "passes the upstream gradient on"
    source = "Array API 2024.12, positive"
    analytic = True

    def forward(self, xp, x):
        return xp.positive(x)

    def local(self, y, x):
        return (1,)


class Abs(Elementwise):
    """The absolute value."""

    latex = r"\left|#1\right|"
    words = "passes the upstream gradient on, with its sign turned where x < 0; 0 at 0"
    source = "Array API 2024.12, abs"
    kinks = (0.0,)

    def forward(self, xp, x):
        return xp.abs(x)

    def local(self, y, x):
        return (sign(x),)


class Beats(Elementwise):
    """1 where x > y, ½ where they tie, otherwise 0: the local gradient of maximum."""

    takes, binds = (1, 1), 0
    latex = r"\begin{cases} 0 & #1 < #2 \\ \frac{1}{2} & #1 = #2 \\ 1 & #1 > #2 \end{cases}"
    words = "is constant in steps, so nothing flows back"
    source = "the mean of the two one-sided derivatives of max(x, y)"
    domain, zero = (ANY, ANY), True

    def forward(self, xp, x, y):
        dtype = xp.result_type(x, y)
        won, tied = xp.astype(xp.greater(x, y), dtype), xp.astype(xp.equal(x, y), dtype)
        return won + tied * dtype.type(0.5)

    def local(self, z, x, y):
        return (0, 0)


class Square(Elementwise):
    """The value times itself."""

    latex, binds, takes = "{#1}^{2}", 3, (4,)
    words = "scales the upstream gradient by 2x"
    source = "Array API 2024.12, square"
    analytic = True

    def forward(self, xp, x):
        return xp.square(x)

    def local(self, y, x):
        return (2.0 * x,)


class Sqrt(Elementwise):
    """The square root; its local gradient is +inf at 0, as the limit says."""

    latex = r"\sqrt{#1}"
    words = "scales the upstream gradient by 1/(2√x), large near 0"
    source = "DLMF 4.2(iv)"
    domain, analytic = (POSITIVE,), True

    def forward(self, xp, x):
        return xp.sqrt(x)

    def local(self, y, x):
        return (0.5 / y,)


class Reciprocal(Elementwise):
    """One over the value."""

    latex, binds = r"\frac{1}{#1}", 3
    words = "scales the upstream gradient by -1/x²"
    source = "Array API 2024.12, reciprocal"
    domain, analytic = (NONZERO,), True

    def forward(self, xp, x):
        return xp.divide(1.0, x)

    def local(self, y, x):
        return (-y * y,)


class Pow(Elementwise):
    """x to the power p."""

    latex, binds, takes = "{#1}^{#2}", 3, (4, 0)
    words = "scales by p·xᵖ⁻¹ for the base, by xᵖ·ln x for the exponent"
    source = "DLMF 4.2(iv)"
    domain, analytic = (POSITIVE, ANY), True

    def forward(self, xp, x, p):
        return xp.pow(x, p)

    def local(self, y, x, p):
        # 0⁰ = 1 has the derivative 0 in its base, and ln 0 counts for nothing where y is 0.
        return (
            lambda: p * x ** where(p == 0, 1.0, p - 1.0),
            lambda: y * log(where(x == 0, 1.0, x)),
        )


class Remainder(Elementwise):
    """What division by y leaves, with the sign of y."""

    latex = r"\operatorname{mod}\left(#1, #2\right)"
    words = "passes the gradient on to x, and scales it by -⌊x/y⌋ for y"
    takes = (0, 0)
    source = "Array API 2024.12, remainder"
    domain = ((0.2, 0.9), (1.1, 1.9))

    def forward(self, xp, x, y):
        return xp.remainder(x, y)

    def local(self, z, x, y):
        return (1, lambda: -floor(x / y))


class Maximum(Elementwise):
    """The larger of two values."""

    latex = r"\max\left(#1, #2\right)"
    words = "routes the upstream gradient to the larger operand; a tie is split evenly"
    takes = (0, 0)
    source = "Array API 2024.12, maximum"
    domain = (ANY, ANY)

    def forward(self, xp, x, y):
        return xp.maximum(x, y)

    def local(self, z, x, y):
        return (lambda: beats(x, y), lambda: beats(y, x))


class Minimum(Elementwise):
    """The smaller of two values."""

    latex = r"\min\left(#1, #2\right)"
    words = "routes the upstream gradient to the smaller operand; a tie is split evenly"
    takes = (0, 0)
    source = "Array API 2024.12, minimum"
    domain = (ANY, ANY)

    def forward(self, xp, x, y):
        return xp.minimum(x, y)

    def local(self, z, x, y):
        return (lambda: beats(y, x), lambda: beats(x, y))


class Hypot(Elementwise):
    """√(x² + y²) without overflow; its gradient is 0 at the origin."""

    latex = r"\sqrt{{#1}^{2} + {#2}^{2}}"
    takes = (4, 4)
    words = "scales by x/√(x²+y²) and y/√(x²+y²): the direction"
    source = "Array API 2024.12, hypot"
    domain = (NONZERO, NONZERO)

    def forward(self, xp, x, y):
        return xp.hypot(x, y)

    def local(self, z, x, y):
        length = where(z == 0, 1.0, z)
        return (x / length, y / length)


class Copysign(Elementwise):
    """The size of x with the sign of y."""

    latex = r"\operatorname{copysign}\left(#1, #2\right)"
    words = "passes the gradient on to x, with its sign turned where the signs differ"
    takes = (0, 0)
    source = "Array API 2024.12, copysign"
    domain = (NONZERO, NONZERO)

    def forward(self, xp, x, y):
        return xp.copysign(x, y)

    def local(self, z, x, y):
        return (lambda: sign(x) * sign(z), 0)


class Where(Elementwise):
    """The first value where a condition holds, the second elsewhere."""

    latex = r"\begin{cases} #2 & \text{if } #1 \\ #3 & \text{otherwise} \end{cases}"
    binds, takes = 0, (0, 0, 0)
    words = "routes the upstream gradient to the branch that was taken"
    source = "Array API 2024.12, where"
    domain, selects, conditions = (ANY, ANY, ANY), True, 1

    def forward(self, xp, c, x, y):
        return xp.where(c, x, y)

    def spec(self, *xs):
        c, x, y = xs
        return Spec(broadcast(self, c.shape, x.shape, y.shape), np.result_type(x.dtype, y.dtype))

    def local(self, z, c, x, y):
        return (None, lambda: like(c, z), lambda: like(~c, z))

    def pull(self, g, y, xs, wanted, mask=None):
        # A product with 0 would let a NaN or Inf upstream through: select instead.
        c, a, b = xs
        taken = select(c, g) if wanted[1] else None
        other = where(c, 0.0, g) if wanted[2] else None
        return [
            None,
            None if taken is None else like(sum_to(taken, a.shape), a),
            None if other is None else like(sum_to(other, b.shape), b),
        ]

    def push(self, ts, y, xs):
        c, tx, ty = xs[0], ts[1], ts[2]
        return where(c, zeros_like(y) if tx is None else tx, zeros_like(y) if ty is None else ty)

    def mask_down(self, mask, y, xs):
        c, a, b = xs
        c = broadcast_to(c, y.shape)
        taken, other = (c, ~c) if mask is None else (c & mask, ~c & mask)
        return [None, mask_to(taken, a.shape), mask_to(other, b.shape)]


add, subtract, multiply, divide = Add(), Subtract(), Multiply(), Divide()
negative, positive, abs = Negative(), Positive(), Abs()
beats, square, sqrt, reciprocal = Beats(), Square(), Sqrt(), Reciprocal()
remainder, maximum, minimum, hypot = Remainder(), Maximum(), Minimum(), Hypot()
copysign = Copysign()
_pow = Pow()


def pow(x: Any, p: Any) -> Any:
    """`x` to the power `p`; the square has its own op.

    >>> import chainrule as cr
    >>> float(cr.grad(lambda x: x ** 3)(2.0))
    12.0
    """
    if type(p) in (int, float) and p == 2 and hasattr(x, "dtype") and x.dtype.kind != "b":
        return square(x)
    return _pow(x, p)
