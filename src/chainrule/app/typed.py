"""What was typed, understood: an expression, a function in a Python file, or a saved run."""

from __future__ import annotations

import re
from pathlib import Path

from ..eager.tensor import Tensor
from ..graph.errors import UsageError
from ..graph.spelling import counted, did_you_mean
from ..study.formula import CONSTANTS, assignment, evaluate, mistake, names_in, one_line
from .target import FILE, KIND, Target, one_number


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


def _unused(text: str, values: dict[str, Tensor]) -> list[str]:
    names = names_in(text)
    missing = [n for n in names if n not in values and n not in CONSTANTS]
    unused = [n for n in values if n not in names]
    return [
        f"{n} is given, but the expression does not use it"
        + (f"; {hint}" if (hint := did_you_mean(n, missing)) else "")
        for n in unused
    ]
