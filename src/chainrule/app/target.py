"""What a command is asked about: one number, and what it was computed from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .. import ops
from ..eager.tensor import FIXED, Tensor
from ..graph.errors import DTypeError, UsageError
from ..graph.spelling import did_you_mean
from ..graph.walk import order

FILE = re.compile(r"(?P<path>[^\s(]+\.py)(?::(?P<function>.*))?")
KIND = {"b": "a truth value", "i": "a whole number", "u": "a whole number"}


@dataclass
class Target:
    """One number and what it was computed from, with names for what gradients are asked of."""

    title: str
    output: Tensor  # one number
    result: Any  # what was computed, before its elements were added up
    variables: dict[str, Tensor]
    notes: list[str] = field(default_factory=list)
    parameters: list[Tensor] = field(default_factory=list)  # of a model, where it has one

    def chosen(self, names: tuple[str, ...]) -> list[Tensor] | None:
        """The variables of these names; without names a model's parameters, or all."""
        return self.wrt(names) or self.parameters or None

    def wrt(self, names: tuple[str, ...]) -> list[Tensor] | None:
        """The variables of these names; None where there are no names.

        Raises: UsageError with the nearest name.
        """
        for name in names:
            if name not in self.variables:
                known = ", ".join(self.variables)
                advice = did_you_mean(name, self.variables, f"there are {known}")
                raise UsageError(f"--wrt: there is no variable {name}; {advice}")
        return [self.variables[n] for n in names] or None

    def used(self) -> dict[str, Tensor]:
        """The variables that the output was computed from."""
        reached = set(order((self.output,)))
        return {n: t for n, t in self.variables.items() if t in reached}


def one_number(title: str, made: Tensor, variables: dict[str, Tensor], notes: list[str]) -> Target:
    """The target of what was computed; of an array, the sum of its elements."""
    if made.dtype.kind != "f":
        raise DTypeError(f"{title}: the result is {KIND[made.dtype.kind]}, which has no gradient")
    if made.size == 1:
        return Target(title, made, made._value, variables, notes)
    notes.append(
        f"the result has the shape {made.shape}, not one number; "
        "the gradients are those of the sum of its elements, the last step"
    )
    return Target(title, ops.sum(made), made._value, variables, notes)


def leaves_of(made: Tensor) -> list[Tensor]:
    """What was given on the way to a value, in the order in which it is used."""
    return [t for t in order((made,)) if not t.inputs and t.op is not FIXED and t.dtype.kind == "f"]
