"""Arithmetic as on paper: sums and products in full, everything else rounded to a few decimals.

That is how worked examples are computed by hand. Written with two decimals, σ(1) is 0.73; from
there on 1 - 0.73 = 0.27, 0.73 · 0.27 = 0.1971 and 0.27 · 0.1971 = 0.053217 are written out, since
a sum or a product of decimals has an end, and a sigmoid, an exponential or a third has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..graph.errors import UsageError
from ..graph.namespace import XP
from ..graph.op import KINDS, Kind, Op
from ..graph.operators import Operators
from ..graph.walk import order
from ..ops.contract import Einsum, Matmul
from ..ops.elementwise.rounding import Piecewise
from ..ops.family import Move
from ..ops.index import Gather, Scatter
from ..ops.linear import Linear
from ..ops.reduce import Mean, count

# Of decimals with an end these make decimals with an end.
IN_FULL = {
    "add", "subtract", "multiply", "negative", "positive", "abs", "square", "relu", "maximum",
    "minimum", "where", "beats", "sum", "max", "min", "prod", "alias", "stop_gradient", "copysign",
    "leaky_relu",
}  # fmt: skip
KINDS_IN_FULL = (Move, Matmul, Linear, Einsum, Gather, Scatter, Piecewise)


class Paper(Operators):
    """Numbers that round what is computed of them, to `digits` decimals."""

    __slots__ = ("_value", "digits")

    def __init__(self, value: Any, digits: int):
        self._value, self.digits = np.asarray(value), digits

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self._value.shape

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the elements."""
        return self._value.dtype

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return f"Paper({self._value}, digits={self.digits})"


def _apply(op: Op, xs: tuple) -> Any:
    digits = next(x.digits for x in xs if isinstance(x, Paper))
    plain = [x._value if isinstance(x, Paper) else np.asarray(x) for x in xs]
    value = op.forward(XP, *plain)
    if isinstance(value, tuple):
        return tuple(Paper(_rounded(op, v, plain, digits), digits) for v in value)
    return Paper(_rounded(op, np.asarray(value), plain, digits), digits)


def _rounded(op: Op, value: Any, xs: list, digits: int) -> Any:
    if value.dtype.kind != "f" or _has_an_end(op, xs):
        return value
    return np.round(value, digits)


def _has_an_end(op: Op, xs: list) -> bool:
    if isinstance(op, Mean):
        n = int(count(op.axis, xs[0].shape))
        for prime in (2, 5):
            while n % prime == 0 and n:
                n //= prime
        return n == 1
    return op.name in IN_FULL or isinstance(op, KINDS_IN_FULL)


def on_paper(output: Any, digits: int) -> Mapping[Any, Any]:
    """The value of everything that `output` came from, in paper arithmetic."""
    if not isinstance(digits, int) or not 0 <= digits <= 12:
        raise UsageError(f"trace: digits={digits!r}; give a whole number of decimals, 0 to 12")
    made: dict = {}
    with np.errstate(all="ignore"):
        for n in order((output,)):
            values = [made[i] for i in n.inputs]
            if not values:
                made[n] = Paper(n._value, digits)
            elif n.op.name == "pick":
                made[n] = values[0][n.op.index]
            else:
                made[n] = n.op(*values)
    return made


KINDS[Paper] = Kind(rank=4, apply=_apply)
