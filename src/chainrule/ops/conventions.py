"""What a gradient is where mathematics does not say: at kinks, at ties, at the edge of a domain.

One table, which the documentation prints and the tests hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import composite, elementwise, family, index, reduce


@dataclass(frozen=True)
class Convention:
    """What a gradient is where mathematics does not say, why, and a point to see it at."""

    place: str
    convention: str
    reason: str
    call: Callable[..., Any]
    at: tuple[Any, ...]
    gradient: tuple[Any, ...]


_INF = float("inf")

CONVENTIONS: tuple[Convention, ...] = (
    Convention("relu at 0", "0", "a neuron that does not fire does not learn; the gate is shut",
               elementwise.relu, (0.0,), (0.0,)),
    Convention("leaky_relu at 0", "the slope of the left side", "as relu, which it becomes for a "
               "slope of 0", elementwise.leaky_relu, (0.0,), (0.01,)),
    Convention("elu and selu at 0", "the slope of the left side", "as relu; for elu with alpha 1 "
               "there is no kink", lambda x: elementwise.elu(x, 0.5), (0.0,), (0.5,)),
    Convention("abs at 0", "0", "the mean of -1 and 1, and where a minimum should rest",
               elementwise.abs, (0.0,), (0.0,)),
    Convention("sign, step, floor, ceil, round, trunc, everywhere", "0",
               "constant in steps: 0 wherever there is a slope", elementwise.floor, (2.0,), (0.0,)),
    Convention("maximum and minimum at a tie", "½ for each operand",
               "the mean of the one-sided slopes; neither operand is preferred",
               elementwise.maximum, (1.0, 1.0), (0.5, 0.5)),
    Convention("max and min at ties", "split evenly among the tied elements",
               "the order of the elements does not matter", reduce.max, ([3.0, 1.0, 3.0, 3.0],),
               ([1 / 3, 0.0, 1 / 3, 1 / 3],)),
    Convention("sort and top_k at ties", "to the element that comes first",
               "the sort is stable, and an element is moved, not blended",
               lambda x: index.top_k(x, 1)[0], ([2.0, 2.0],), ([1.0, 0.0],)),
    Convention("clip on its edge", "½", "clip is a maximum and a minimum",
               lambda x: composite.clip(x, 0.0, 1.0), (1.0,), (0.5,)),
    Convention("sqrt at 0", "+inf", "the limit; a hidden 0 would stop learning silently",
               elementwise.sqrt, (0.0,), (_INF,)),
    Convention("log at 0", "+inf", "the limit", elementwise.log, (0.0,), (_INF,)),
    Convention("norm at 0", "0", "the smallest of the slopes there; a minimum should rest",
               reduce.norm, ([0.0, 0.0],), ([0.0, 0.0],)),
    Convention("std of equal elements", "0", "it is a norm, at 0",
               reduce.std, ([2.0, 2.0],), ([0.0, 0.0],)),
    Convention("hypot at the origin", "0", "it is a norm, at 0",
               elementwise.hypot, (0.0, 0.0), (0.0, 0.0)),
    Convention("atan2 at the origin", "0", "an angle of nothing: no direction is preferred",
               elementwise.atan2, (0.0, 0.0), (0.0, 0.0)),
    Convention("pow, 0 to the power 0", "0 for the base, 0 for the exponent",
               "x⁰ is 1 for every x, and 0ᵖ is 0 for every p > 0",
               elementwise.pow, (0.0, 0.0), (0.0, 0.0)),
    Convention("copysign at x = 0", "0", "as abs", elementwise.copysign, (0.0, 1.0), (0.0, 0.0)),
    Convention("prod with a 0 among the factors", "the product of the others, exactly",
               "nothing is divided by", reduce.prod, ([2.0, 0.0, 3.0],), ([0.0, 6.0, 0.0],)),
    Convention("logsumexp where all is -inf", "0", "shares of nothing",
               reduce.logsumexp, ([-_INF, -_INF],), ([0.0, 0.0],)),
    Convention("logaddexp where both are -inf", "0", "shares of nothing",
               elementwise.logaddexp, (-_INF, -_INF), (0.0, 0.0)),
    Convention("where, in the branch not taken", "0, even if its slope is NaN or Inf there",
               "what is not used has no influence",
               lambda x: family.where(x > 0, elementwise.log(x), 0.0), (-1.0,), (0.0,)),
)  # fmt: skip
