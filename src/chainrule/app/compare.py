"""`chainrule compare`: one derivative by differences, by algebra and by backpropagation."""

from __future__ import annotations

import click

from ..eager.tensor import Tensor
from ..study.compare import Comparison, compare_tape
from .expression import assignment, evaluate, names_in, one_line
from .functions import CONSTANTS
from .mistake import did_you_mean, mistake


def comparison(expression: str, assignments: tuple[str, ...]) -> Comparison:
    """The comparison for an expression at these values.

    Raises: ExpressionError, with a caret under the mistake.

    >>> comparison("(x + y) * z", ("x=-2", "y=5", "z=-4"))["backprop"].gradient
    array([-4., -4.,  3.])
    """
    text = one_line(expression)
    values = dict(assignment(a) for a in assignments)
    names = names_in(text)
    made = evaluate(text, values)
    if not isinstance(made, Tensor) or made.size != 1 or made.dtype.kind != "f":
        raise mistake(text, 0, len(text), "this is not one number", "take sum(...) of it")
    used = [v for n, v in values.items() if n in names]
    if not used:
        known = [n for n in names if n not in CONSTANTS]
        advice = did_you_mean(next(iter(values), ""), known, "give a value: x=2")
        raise mistake(text, 0, len(text), "the expression has no variable", advice)
    return compare_tape(made, used)


@click.command("compare", context_settings={"ignore_unknown_options": True})
@click.argument("expression")
@click.argument("values", nargs=-1)
def compare_command(expression: str, values: tuple[str, ...]) -> None:
    """Take one derivative in every way: error, operations, and how both grow.

    VALUES are written name=number or name=[[1, 2], [3, 4]]. The symbolic way needs SymPy:
    pip install "chainrule[symbolic]".

    \b
    Examples:
      chainrule compare "sin(x**2)" x=1.5
      chainrule compare "(x + y) * z" x=-2 y=5 z=-4
      chainrule compare "sum(tanh(A @ x))" "A=[[1, 2], [3, 4]]" "x=[0.5, -0.2]"
    """
    click.echo(str(comparison(expression, values)))
