"""`chainrule explain`: one expression, and every number of its forward and backward pass."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import click
import numpy as np

from .. import ops
from ..eager.tensor import Tensor
from ..study.numbers import block, plain, short
from ..study.steps import Step, steps
from .expression import assignment, evaluate, names_in, one_line
from .functions import CONSTANTS
from .mistake import did_you_mean, mistake

LEGEND = "downstream = upstream · local; several upstreams add up; G is the upstream gradient"


@dataclass
class Explanation:
    """An expression worked out: its steps, its result, the gradient of every variable."""

    expression: str
    steps: list[Step]
    result: Any
    gradients: dict[str, Any]  # None where nothing depends on the variable
    notes: list[str]
    output: Tensor  # what the gradients are those of


def explain(expression: str, assignments: tuple[str, ...] = ()) -> Explanation:
    """Work out an expression for these values.

    Raises: ExpressionError, with a caret under the mistake.

    >>> made = explain("(x + y) * z", ("x=-2", "y=5", "z=-4"))
    >>> {name: float(g) for name, g in made.gradients.items()}
    {'x': -4.0, 'y': -4.0, 'z': 3.0}
    """
    text = one_line(expression)
    values = dict(assignment(a) for a in assignments)
    notes = _unused(text, values)
    made = evaluate(text, values)
    if isinstance(made, tuple):
        raise mistake(text, 0, len(text), f"this gives {len(made)} values", "pick one: f(x)[0]")
    if made.dtype.kind != "f":
        what = "a truth value" if made.dtype.kind == "b" else "a whole number"
        advice = "where(condition, a, b) makes numbers of truth values"
        raise mistake(text, 0, len(text), f"the result is {what}, which has no gradient", advice)
    if made.size != 1:
        notes.append(
            f"the result has the shape {made.shape}, not one number; "
            "the gradients are those of the sum of its elements, the last step"
        )
    output = made if made.size == 1 else ops.sum(made)
    done = steps(output, list(values.values()))
    upstream = {s.name: s.upstream for s in done if s.is_variable}
    gradients = {n: upstream[n] for n in values if n in upstream}
    notes += _not_finite(done)
    notes += [
        f"the result does not change with {n}: no gradient reaches it"
        for n, g in gradients.items() if g is None
    ]  # fmt: skip
    return Explanation(text, done, made._value, gradients, notes, output)


def _unused(text: str, values: dict[str, Tensor]) -> list[str]:
    names = names_in(text)
    missing = [n for n in names if n not in values and n not in CONSTANTS]
    unused = [n for n in values if n not in names]
    return [
        f"{n} is given, but the expression does not use it"
        + (f"; {hint}" if (hint := did_you_mean(n, missing)) else "")
        for n in unused
    ]


def _not_finite(done: list[Step]) -> list[str]:
    """Where the first NaN or Inf came from, forward or else backward."""
    for key in ("value", "upstream"):
        for s in done if key == "value" else reversed(done):
            found = getattr(s, key)
            if isinstance(found, np.ndarray) and not np.all(np.isfinite(found)):
                said = s.operation if key == "value" else f"the gradient that reaches {s.name}"
                return [f"not finite: {said} is {short(found)}"]
    return []


def as_json(made: Explanation) -> str:
    """The explanation for programs."""
    return json.dumps(
        {
            "expression": made.expression,
            "result": plain(made.result),
            "gradients": {n: plain(g) for n, g in made.gradients.items()},
            "steps": [
                {
                    "name": s.name,
                    "operation": s.operation,
                    "value": plain(s.value),
                    "upstream": plain(s.upstream),
                    "from": [{"node": n, "gradient": plain(g)} for n, g in s.parts],
                    "operands": [
                        {
                            "name": o.name,
                            "local": plain(o.local),
                            "downstream": plain(o.downstream),
                            "rule": o.words,
                        }
                        for o in s.operands
                    ],
                }
                for s in made.steps
            ],
            "notes": made.notes,
        },
        indent=2,
        allow_nan=False,
    )


def upstream_text(step: Step) -> str:
    """The upstream gradient, written as a sum where several nodes send a part."""
    if step.upstream is None:
        return "none"
    total = block(step.upstream)
    if len(step.parts) < 2:
        return total
    parts = [block(g) for _, g in step.parts]
    if any("\n" in p or len(p) > 24 for p in parts):
        return "\n+ ".join(parts) + f"\n= {total}"
    return " + ".join(f"({p})" if p.startswith("-") else p for p in parts) + f" = {total}"


def print_explanation(made: Explanation) -> None:
    """The explanation as tables in the terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from .terminal import screen

    console = screen()
    table = Table(box=box.SIMPLE_HEAD, title=Text(made.expression), title_justify="left")
    for heading in ("node", "operation", "value", "upstream", "to", "local", "downstream"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("node", "to"))
    for s in made.steps:
        first = [s.name, s.operation, block(s.value), upstream_text(s)]
        rows = [_way_down(o) for o in s.operands] or [("", "", "")]
        for k, row in enumerate(rows):
            cells = [*(first if k == 0 else [""] * 4), *row]
            table.add_row(*map(Text, cells), style="cyan" if s.is_variable else None)
    console.print(table)
    console.print(Text(f"result  {short(made.result, 10)}", style="bold"))
    for n, g in made.gradients.items():
        told = "0" if g is None else short(g, 10)
        console.print(Text(f"gradient of {n}  {told}", style="bold"))
    console.print(Text(LEGEND, style="dim"))
    for note in made.notes:
        console.print(Text(f"note: {note}", style="yellow"))


def _way_down(o: Any) -> tuple[str, str, str]:
    if o.downstream is None:
        return (o.name, "no gradient", "")
    return (o.name, block(o.local) if o.local is not None else o.words, block(o.downstream))


@click.command("explain", context_settings={"ignore_unknown_options": True})
@click.argument("expression")
@click.argument("values", nargs=-1)
@click.option("--json", "as_text", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--paper",
    type=click.IntRange(0, 12),
    metavar="N",
    help="Tell it step by step, rounded to N decimals as one does on paper.",
)
@click.option(
    "--code",
    "style",
    is_flag=False,
    flag_value="numpy",
    type=click.Choice(["numpy", "torch", "python"]),
    help="Print it as source code that runs by itself.",
)
def explain_command(
    expression: str, values: tuple[str, ...], as_text: bool, paper: int | None, style: str | None
) -> None:
    """Show the forward values and all gradients of an expression.

    VALUES are written name=number or name=[[1, 2], [3, 4]].

    \b
    Examples:
      chainrule explain "(x + y) * z" x=-2 y=5 z=-4
      chainrule explain "1 / (1 + exp(-(w*x + b)))" w=2 x=-1 b=-3
      chainrule explain "sum(tanh(A @ x) ** 2)" "A=[[1, 2], [3, 4]]" "x=[0.5, -0.2]"
      chainrule explain "log(x)" x=0.5 --json
      chainrule explain "sigmoid(w*x + b)" w=2 x=-1 b=3 --paper 2
      chainrule explain "sin(x**2)" x=1.5 --code=python
    """
    if as_text and (paper is not None or style):
        raise click.UsageError("--json prints the table; leave out --paper and --code")
    made = explain(expression, values)
    if paper is None and not style:
        click.echo(as_json(made)) if as_text else print_explanation(made)
        return
    if paper is not None:
        from ..study.trace import trace

        click.echo(trace(made.output, digits=paper).transcript(places=False))
    if style:
        from ..read.code import code

        click.echo(code(made.output, style=style), nl=False)
