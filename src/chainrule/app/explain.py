"""`chainrule explain`: every number of a forward and backward pass, and every way to look at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .explanation import explained
from .files import FILMS, PAGES, PICTURES, writable, write
from .table import as_json, print_explanation
from .target import Target
from .terminal import Words
from .typed import target

FORMS = ("scalar", "index", "matrix")
STYLES = ("numpy", "torch", "python")
TEXTS = ("paper", "derive", "paths", "style")
FILES = ("draw", "animate", "html")


@click.command("explain", cls=Words, context_settings={"ignore_unknown_options": True})
@click.argument("function")
@click.argument("values", nargs=-1)
@click.option("--json", "as_text", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--paper",
    type=click.IntRange(0, 12),
    metavar="N",
    help="Tell it step by step, rounded to N decimals as one does on paper.",
)
@click.option(
    "--derive",
    is_flag=False,
    flag_value="auto",
    type=click.Choice(["auto", *FORMS]),
    metavar="[=scalar|index|matrix]",
    help="Derive the gradient on paper: chain rule, local gradients, closed formula.",
)
@click.option("--paths", is_flag=True, help="Write out every path, and what backprop shares.")
@click.option(
    "--code",
    "style",
    is_flag=False,
    flag_value="numpy",
    type=click.Choice(STYLES),
    metavar="[=numpy|torch|python]",
    help="Print it as source code that runs by itself.",
)
@click.option("--draw", metavar="FILE", help="Draw the graph: .svg .png .dot .mmd .html")
@click.option("--animate", metavar="FILE", help="Play both passes: .html .gif .webp .mp4")
@click.option("--html", metavar="FILE", help="All of it in one page that needs no network.")
@click.option("--wrt", multiple=True, metavar="NAME", help="Of which variables; repeat for more.")
def explain_command(function: str, values: tuple[str, ...], **options: Any) -> None:
    """Show the forward values and all gradients of FUNCTION.

    FUNCTION is an expression in quotes, a function in a Python file (FILE.py:name), or the
    folder of a saved run. VALUES are written name=number or name=[[1, 2], [3, 4]]; what a
    function of a file is not given takes its default.

    \b
    Examples:
      chainrule explain "(x + y) * z" x=-2 y=5 z=-4
      chainrule explain "sigmoid(w*x + b)" w=2 x=-1 b=3 --paper 2
      chainrule explain "sum(tanh(A @ x) ** 2)" "A=[[1, 2], [3, 4]]" "x=[0.5, -0.2]"
      chainrule explain examples/two_layer.py:loss --derive --wrt w1
      chainrule explain examples/neuron.py:cost b=-2 --draw neuron.svg --animate neuron.html
      chainrule explain runs/digits-001 rows=2 --html digits.html
      chainrule explain "sin(x**2)" x=1.5 --code=python
    """
    texts = [k for k in ("paper", "derive", "style") if options[k] is not None]
    texts += ["paths"] if options["paths"] else []
    if options["as_text"] and texts:
        raise click.UsageError("--json prints the table; leave out --paper, --derive, --paths "
                               "and --code")  # fmt: skip
    draw = writable("--draw", options["draw"], PICTURES)
    animate = writable("--animate", options["animate"], FILMS)
    html = writable("--html", options["html"], PAGES)
    found = target(function, values)
    wrt = found.chosen(options["wrt"])
    if options["as_text"]:
        click.echo(as_json(explained(found)))
    elif not texts and not (draw or animate or html):
        print_explanation(explained(found))
    parts = [SECTIONS[k](found, wrt, options[k]) for k in TEXTS if k in texts]
    click.echo("\n\n".join(part.strip("\n") for part in parts), nl=bool(parts))
    for path, make in ((draw, _draw), (animate, _animate), (html, _page)):
        if path is not None:
            make(found, wrt, path)
            click.echo(f"written to {path}", err=options["as_text"])


def _paper(found: Target, wrt: Any, digits: int) -> str:
    from ..study.trace import trace

    return trace(found.output, wrt, digits=digits).transcript(places=False)


def _derive(found: Target, wrt: Any, form: str) -> str:
    from ..study.derive import derive

    return derive(found.output, wrt, None if form == "auto" else form).text()


def _paths(found: Target, wrt: Any, _: Any) -> str:
    from ..study.paths import paths

    return str(paths(found.output, wrt))


def _code(found: Target, wrt: Any, style: str) -> str:
    from ..read.code import code

    return code(found.output, wrt, style=style)


SECTIONS: dict[str, Callable[[Target, Any, Any], str]] = {
    "paper": _paper, "derive": _derive, "paths": _paths, "style": _code,
}  # fmt: skip


def _draw(found: Target, wrt: Any, path: Path) -> None:
    from ..show.draw import draw

    draw(found.output, wrt=wrt).save(str(path))


def _animate(found: Target, wrt: Any, path: Path) -> None:
    from ..show.animate import animate

    animate(found.output, wrt=wrt).save(str(path))


def _page(found: Target, wrt: Any, path: Path) -> None:
    from ..show.explained import explained_page

    write(path, explained_page(found.output, found.title, wrt, found.notes))
