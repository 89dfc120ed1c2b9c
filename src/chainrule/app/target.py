"""What a command is asked about: an expression, a function in a Python file, or a saved run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import ops
from ..eager.tensor import FIXED, Tensor
from ..graph.errors import DTypeError, UsageError
from ..graph.spelling import counted, did_you_mean
from ..graph.walk import order
from ..study.formula import CONSTANTS, assignment, evaluate, mistake, names_in, one_line

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


def target(text: str, assignments: tuple[str, ...] = ()) -> Target:
    """What was typed: `FILE.py:function`, the folder of a run, or an expression; and its values.

    Raises: ExpressionError with a caret under a mistake, UsageError with the nearest name.

    >>> found = target("(x + y) * z", ("x=-2", "y=5", "z=-4"))
    >>> found.output.item(), list(found.variables)
    (-12.0, ['x', 'y', 'z'])
    """
    for given in assignments:
        if re.match(r"--?[a-z-]{2,}$", given):
            raise UsageError(f"there is no option {given}; see --help")
    file = FILE.fullmatch(text.strip())
    if file is not None:
        from .userfile import from_file

        return from_file(Path(file["path"]), file["function"], assignments)
    if _is_a_folder(text):
        from .saved import from_run

        return from_run(Path(text), assignments)
    return _from_expression(text, assignments)


def _is_a_folder(text: str) -> bool:
    path = Path(text)
    try:
        if path.is_dir() or path.name == "run.json":
            return True
        # An expression may hold a quotient, but not of a folder that is there.
        return "/" in text and path.parent != Path() and path.parent.is_dir()
    except (OSError, ValueError):  # too long for a path, a null character
        return False


def _from_expression(expression: str, assignments: tuple[str, ...]) -> Target:
    text = one_line(expression)
    values = dict(assignment(a) for a in assignments)
    notes = _unused(text, values)
    made = evaluate(text, values)
    if isinstance(made, tuple):
        what = f"this gives {counted(len(made), 'value')}"
        raise mistake(text, 0, len(text), what, "pick one: f(x)[0]")
    if made.dtype.kind != "f":
        advice = "where(condition, a, b) makes numbers of truth values"
        what = f"the result is {KIND[made.dtype.kind]}, which has no gradient"
        raise mistake(text, 0, len(text), what, advice)
    return one_number(text, made, values, notes)


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


def _unused(text: str, values: dict[str, Tensor]) -> list[str]:
    names = names_in(text)
    missing = [n for n in names if n not in values and n not in CONSTANTS]
    unused = [n for n in values if n not in names]
    return [
        f"{n} is given, but the expression does not use it"
        + (f"; {hint}" if (hint := did_you_mean(n, missing)) else "")
        for n in unused
    ]
