"""`chainrule compare`: one derivative by differences, by algebra and by backpropagation."""

from __future__ import annotations

from typing import Any

import click

from ..graph.errors import UsageError
from ..graph.spelling import did_you_mean
from ..study.compare import Comparison, compare_tape
from ..study.formula import CONSTANTS, mistake, names_in
from .files import CURVES, writable
from .target import FILE, Target
from .terminal import Words
from .typed import target


def comparison(expression: str, assignments: tuple[str, ...] = ()) -> Comparison:
    """The comparison for an expression, a function of a file or a saved run, at these values.

    Raises: ExpressionError, with a caret under the mistake.

    >>> comparison("(x + y) * z", ("x=-2", "y=5", "z=-4"))["backprop"].gradient
    array([-4., -4.,  3.])
    """
    return compared(target(expression, assignments))


def compared(found: Target, wrt: list[Any] | None = None) -> Comparison:
    """The comparison for a target.

    Raises: UsageError where there is nothing to differentiate by.
    """
    if found.result.size != 1:
        raise UsageError(f"{found.title}: this is not one number; take the sum or mean of it")
    used = wrt or list(found.used().values())
    if not used:
        raise _no_variable(found)
    return compare_tape(found.output, used)


def _no_variable(found: Target) -> UsageError | Any:
    if FILE.fullmatch(found.title):
        return UsageError(f"{found.title}: the result depends on no argument and no tensor")
    text = found.title
    known = [n for n in names_in(text) if n not in CONSTANTS]
    advice = did_you_mean(next(iter(found.variables), ""), known, "give a value: x=2")
    return mistake(text, 0, len(text), "the expression has no variable", advice)


@click.command("compare", cls=Words, context_settings={"ignore_unknown_options": True})
@click.argument("function")
@click.argument("values", nargs=-1)
@click.option("--plot", metavar="FILE", help="Draw the table as curves: .svg .png .html")
@click.option("--wrt", multiple=True, metavar="NAME", help="Of which variables; repeat for more.")
def compare_command(
    function: str, values: tuple[str, ...], plot: str | None, wrt: tuple[str, ...]
) -> None:
    """Take one derivative in every way: error, operations, and how both grow.

    FUNCTION is an expression in quotes, a function in a Python file (FILE.py:name), or the
    folder of a saved run. VALUES are written name=number or name=[[1, 2], [3, 4]]. The symbolic
    way needs SymPy: pip install "chainrule[symbolic]".

    \b
    Examples:
      chainrule compare "sin(x**2)" x=1.5
      chainrule compare "(x + y) * z" x=-2 y=5 z=-4 --plot ways.svg
      chainrule compare examples/neuron.py:cost --wrt w1 --wrt b
    """
    path = writable("--plot", plot, CURVES)
    found = target(function, values)
    made = compared(found, found.chosen(wrt))
    click.echo(str(made))
    if path is not None:
        from ..show.curves.comparison import comparison as drawn

        drawn(made).save(str(path))
        click.echo(f"written to {path}")
