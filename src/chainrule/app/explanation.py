"""What there is to say about one computation: its steps, its result, every gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..study.numbers import short
from ..study.steps import Step, steps
from .target import Target
from .typed import target


@dataclass
class Explanation:
    """A computation worked out: its steps, its result, the gradient of every variable."""

    expression: str
    steps: list[Step]
    result: Any
    gradients: dict[str, Any]  # None where nothing depends on the variable
    notes: list[str]
    output: Tensor  # what the gradients are those of


def explain(expression: str, assignments: tuple[str, ...] = ()) -> Explanation:
    """Work out an expression, a function of a file or a saved run, for these values.

    Raises: ExpressionError, with a caret under the mistake.

    >>> made = explain("(x + y) * z", ("x=-2", "y=5", "z=-4"))
    >>> {name: float(g) for name, g in made.gradients.items()}
    {'x': -4.0, 'y': -4.0, 'z': 3.0}
    """
    return explained(target(expression, assignments))


def explained(found: Target) -> Explanation:
    """The explanation of a target."""
    done = steps(found.output, list(found.variables.values()))
    upstream = {s.name: s.upstream for s in done if s.is_variable}
    gradients = {n: upstream[n] for n in found.variables if n in upstream}
    notes = [*found.notes, *_not_finite(done)]
    notes += [
        f"the result does not change with {n}: no gradient reaches it"
        for n, g in gradients.items() if g is None
    ]  # fmt: skip
    return Explanation(found.title, done, found.result, gradients, notes, found.output)


def _not_finite(done: list[Step]) -> list[str]:
    """Where the first NaN or Inf came from, forward or else backward."""
    for key in ("value", "upstream"):
        for s in done if key == "value" else reversed(done):
            found = getattr(s, key)
            if isinstance(found, np.ndarray) and not np.all(np.isfinite(found)):
                said = s.operation if key == "value" else f"the gradient that reaches {s.name}"
                return [f"not finite: {said} is {short(found)}"]
    return []
