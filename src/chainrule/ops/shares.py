"""Softmax and its logarithm, as ops of their own: as composites they take ten times as long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.coerce import array_of
from ..graph.op import Op, Spec
from .elementwise.exponential import exp
from .family import axes_of
from .reduce import Sum


@dataclass(frozen=True, eq=False)
class LogSoftmax(Op):
    """x - ln Σeˣ along an axis, without overflow."""

    axis: int = -1

    latex = r"\ln \operatorname{softmax}\left(#1\right)"
    words = "takes from each gradient its class's share of the sum of all of them"
    source = "Bridle 1990; Blanchard, Higham and Higham 2021"

    def forward(self, xp, x):
        shifted = x - xp.max(x, axis=self.axis, keepdims=True, initial=-np.inf)
        return shifted - xp.log(xp.sum(xp.exp(shifted), axis=self.axis, keepdims=True))

    def spec(self, x):
        axes_of(self, self.axis, len(x.shape))
        return Spec(x.shape, x.dtype if x.dtype.kind == "f" else np.result_type(x.dtype, 0.0))

    def grad(self, g, y, x):
        return (g - exp(y) * Sum.of(self.axis, True)(g),)

    def push(self, ts, y, xs):
        return ts[0] - Sum.of(self.axis, True)(exp(y) * ts[0])


class Softmax(LogSoftmax):
    """eˣ/Σeˣ along an axis: positive shares that add up to 1."""

    latex = r"\operatorname{softmax}\left(#1\right)"
    words = "scales each gradient's distance from their weighted mean by the share"
    source = "Bridle 1990"

    def forward(self, xp, x):
        shares = xp.exp(x - xp.max(x, axis=self.axis, keepdims=True, initial=-np.inf))
        return shares / xp.sum(shares, axis=self.axis, keepdims=True)

    def grad(self, g, y, x):
        return (y * (g - Sum.of(self.axis, True)(y * g)),)

    def push(self, ts, y, xs):
        return self.grad(ts[0], y, *xs)[0]  # the local gradient is symmetric


def log_softmax(x: Any, axis: int = -1) -> Any:
    """x - ln Σeˣ along `axis`: the logarithm of the softmax, without overflow."""
    return LogSoftmax.of(int(axis))(array_of(x))


def softmax(x: Any, axis: int = -1) -> Any:
    """eˣ/Σeˣ along `axis`: positive shares that add up to 1 (Bridle 1990).

    >>> import numpy as np, chainrule as cr
    >>> cr.softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    return Softmax.of(int(axis))(array_of(x))
