"""Running sums and products along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.op import Op, Spec
from .family import Move, axes_of
from .move import concat, flip, moveaxis


@dataclass(frozen=True, eq=False)
class CumulativeSum(Move):
    """The sum of all elements up to and including each; its adjoint adds up from behind."""

    axis: int = -1

    latex = r"\operatorname{cumsum}\left(#1\right)"
    words = "hands every element the sum of the upstream gradients from its place on"
    source = "Array API 2024.12, cumulative_sum"

    def forward(self, xp, x):
        return xp.cumsum(x, axis=self.axis)

    def spec(self, x):
        axes_of(self, self.axis, len(x.shape))
        return Spec(x.shape, np.cumsum(np.ones(1, x.dtype)).dtype)

    def grad(self, g, y, x):
        return (flip(self(flip(g, axis=self.axis)), axis=self.axis),)


@dataclass(frozen=True, eq=False)
class CumulativeProd(Op):
    """The product of all elements up to and including each.

    y[k] = y[k-1] x[k], so a tangent obeys ẏ[k] = y[k-1] ẋ[k] + x[k] ẏ[k-1]: a recurrence that
    divides by nothing, and whose transpose runs from behind.
    """

    axis: int = -1

    latex = r"\operatorname{cumprod}\left(#1\right)"
    words = "hands every element the products it is a factor of, without itself"
    source = "Array API 2024.12, cumulative_prod"

    def forward(self, xp, x):
        return xp.cumprod(x, axis=self.axis)

    def spec(self, x):
        axes_of(self, self.axis, len(x.shape))
        return Spec(x.shape, np.cumprod(np.ones(1, x.dtype)).dtype)

    def grad(self, g, y, x):
        g, x = moveaxis(g, self.axis, -1), moveaxis(x, self.axis, -1)
        behind = flipped(recurrence(flipped(x[..., 1:]), flipped(g)))
        return (moveaxis(before(x) * behind, -1, self.axis),)

    def push(self, ts, y, xs):
        t, x = moveaxis(ts[0], self.axis, -1), moveaxis(xs[0], self.axis, -1)
        return moveaxis(recurrence(x[..., 1:], before(x) * t), -1, self.axis)


def before(x: Any) -> Any:
    """The product of all elements before each, along the last axis."""
    if x.shape[-1] == 0:
        return x
    one = np.broadcast_to(x.dtype.type(1), (*x.shape[:-1], 1))
    return concat([one, CumulativeProd.of(-1)(x)[..., :-1]], axis=-1)


def recurrence(a: Any, b: Any) -> Any:
    """s[0] = b[0] and s[k] = b[k] + a[k-1] s[k-1] along the last axis, in log2(n) rounds.

    After a round each s[k] has twice as many terms, and a the products that carry it as far
    (Hillis and Steele 1986).
    """
    n, reach = b.shape[-1], 1
    while reach < n:
        b = concat([b[..., :reach], b[..., reach:] + a * b[..., :-reach]], axis=-1)
        if 2 * reach < n:
            a = a[..., reach:] * a[..., :-reach]
        reach *= 2
    return b


def flipped(x: Any) -> Any:
    """The last axis from behind."""
    return flip(x, axis=-1)
