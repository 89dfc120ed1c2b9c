"""Places where an op has no derivative: shown on the page, with what the engine takes there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...graph.node import Node
from ...graph.walk import order
from ...ops.conventions import CONVENTIONS
from ...ops.family import Elementwise, axes_of
from .reading import Reading
from .sweep import Edge, Sweep, evaluated

_TOLD = {c.place: c.convention for c in CONVENTIONS}


def _at_zero(op: Any, y: Any, *xs: Any) -> Any:
    return xs[0] == 0


def _tied(op: Any, y: Any, a: Any, b: Any) -> Any:
    return np.equal(a, b)


def _both_zero(op: Any, y: Any, a: Any, b: Any) -> Any:
    return (np.asarray(a) == 0) & (np.asarray(b) == 0)


def _several_win(op: Any, y: Any, x: Any) -> Any:
    kept = np.expand_dims(y, axes_of(op, op.axis, x.ndim)) if not op.keepdims else y
    won = x == kept
    return won & (np.sum(won, axis=op.axis, keepdims=True) > 1)


def _integer(op: Any, y: Any, x: Any) -> Any:
    return x == np.floor(x)


def _value_zero(op: Any, y: Any, *xs: Any) -> Any:
    return y == 0


# Op → (where it has no derivative, from its value and operands; what is there; the row of
# the table of conventions that says what the engine takes).
PLACES: dict[str, tuple[Callable[..., Any], str, str]] = {
    "relu": (_at_zero, "0", "relu at 0"),
    "leaky_relu": (_at_zero, "0", "leaky_relu at 0"),
    "elu": (_at_zero, "0", "elu and selu at 0"),
    "abs": (_at_zero, "0", "abs at 0"),
    "sqrt": (_at_zero, "0", "sqrt at 0"),
    "log": (_at_zero, "0", "log at 0"),
    "maximum": (_tied, "a tie", "maximum and minimum at a tie"),
    "minimum": (_tied, "a tie", "maximum and minimum at a tie"),
    "hypot": (_both_zero, "the origin", "hypot at the origin"),
    "atan2": (_both_zero, "the origin", "atan2 at the origin"),
    "pow": (_both_zero, "0 to the power 0", "pow, 0 to the power 0"),
    "copysign": (_at_zero, "0", "copysign at x = 0"),
    "norm": (_value_zero, "0", "norm at 0"),
    "max": (_several_win, "a tie", "max and min at ties"),
    "min": (_several_win, "a tie", "max and min at ties"),
    "sign": (_at_zero, "0", "sign, step, floor, ceil, round, trunc, everywhere"),
    "step": (_at_zero, "0", "sign, step, floor, ceil, round, trunc, everywhere"),
    "floor": (_integer, "a jump", "sign, step, floor, ceil, round, trunc, everywhere"),
    "ceil": (_integer, "a jump", "sign, step, floor, ceil, round, trunc, everywhere"),
}


def kink(sweep: Sweep, edge: Edge) -> str:
    """What to warn of on this way down: an op that has no derivative where it is asked for one."""
    if sweep.values is None:
        return ""
    reading = sweep.reading
    symbols = set(reading.stand.values())
    notes = [
        _note(sweep, reading, n)
        for n in order((reading.means[edge.reader],), symbols)
        if n.inputs and n not in symbols and n.op.name in PLACES and _leads_to(n, edge, reading)
    ]
    return " ".join(x for x in notes if x)


def _leads_to(n: Node, edge: Edge, reading: Reading) -> bool:
    return reading.stand[edge.operand] in set(order((n,)))


def _note(sweep: Sweep, reading: Reading, n: Node) -> str:
    where, place, row = PLACES[n.op.name]
    values = sweep.values or {}
    xs = [evaluated(i, values) for i in n.inputs]
    hit = np.asarray(where(n.op, evaluated(n, values), *xs))
    if not hit.any():
        return ""
    back = {s: v for v, s in reading.stand.items()}
    name = reading.names[back[n.inputs[0]]] if n.inputs[0] in back else "its operand"
    count = int(hit.sum())
    lies = "its point lies" if hit.size == 1 else f"{count} of {hit.size} elements lie"
    alone = f"{name} is at {place}" if hit.size == 1 else f"of {name}, {lies} at {place}"
    piecewise = isinstance(n.op, Elementwise) and n.op.zero
    missing = "a jump" if piecewise else "no derivative"
    return (
        f"Not differentiable here: {alone}, where {n.op} has {missing}. What the engine takes: "
        f"{_TOLD[row]} (see conventions)."
    )
