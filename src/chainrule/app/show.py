"""`chainrule show`: a run looked at again: its curves, its layers, its gradients."""

from __future__ import annotations

from math import isfinite, isnan
from typing import Any

import click

from ..graph.errors import UsageError
from ..graph.spelling import counted
from ..show.curves.lines import lines
from ..show.page import NAMES, panels
from ..show.scene import Scene
from ..study.diagnosis import advice, line
from .files import writable, write
from .savedrun import SavedRun, saved_run
from .settings import SETTINGS
from .terminal import say, screen
from .textcurves import WIDE, blocks, plotted

KINDS = {"html": ("html",), "png": ("png",), "svg": ("svg",)}
EARLIER = {"begun": "it was killed, or is still running", "interrupted": "it was stopped"}


def curves(run: SavedRun) -> dict[str, dict[str, list[float]]]:
    """What is drawn of a run: the loss and its metric, in training and validation."""
    found = {}
    for title, key in (("loss", "loss"), (run.metric, run.metric)):
        named = {"training": run.column(key), "validation": run.column(f"val_{key}")}
        found[title] = {n: ys for n, ys in named.items() if not all(map(isnan, ys))}
    return {title: series for title, series in found.items() if series}


def summary(run: SavedRun) -> list[str]:
    """A run in a few lines: what it was told, and what came of it."""
    data = run.part("data", dict)
    told = [f"{run.name}: {run.task} of {data.get('name')}; {run.told.get('network')}"]
    words = [f"{k} = {shown(v)}" for k, v in run.settings.items() if unusual(k, v)]
    told += [f"  {', '.join(words)}"] if words else []
    status = str(run.told.get("status"))
    told.append(f"  {status}: {len(run.rows)} of {counted(run.settings.get('epochs', 0), 'epoch')}"
                + (f"; {EARLIER[status]}: chainrule train --resume {run.folder}"
                   if status in EARLIER else ""))  # fmt: skip
    if run.result:
        told.append("  " + ", ".join(f"{NAMES.get(k, k)} {v:.4g}" for k, v in run.result.items()))
    return told


def unusual(key: str, value: Any) -> bool:
    """Whether a setting is another than it is without being told."""
    default = SETTINGS[key].default
    plain = list(default) if isinstance(default, tuple) else default
    return value != plain and value is not None and key != "data"


def shown(value: Any) -> str:
    """A setting's value in words."""
    return " ".join(map(str, value)) or "none" if isinstance(value, (list, tuple)) else str(value)


def scenes(run: SavedRun) -> list[Scene]:
    """The curves of a run as pictures."""
    made = [
        scene(series, NAMES.get(title, title), f"show-{title}")
        for title, series in curves(run).items()
    ]
    norms = {f"layer {n}": ys for n, ys in run.norms().items() if any(map(isfinite, ys))}
    if norms:
        made.append(lines(norms, x="epoch", y="norm, mean of the epoch", log=True,
                          ident="show-norms", title="Gradient norm of each layer"))  # fmt: skip
    return made


def scene(series: dict[str, list[float]], name: str, ident: str) -> Scene:
    """Curves over the epochs as a picture; logarithmic where they fall far."""
    ys = [y for some in series.values() for y in some if isfinite(y)]
    steep = bool(ys) and min(ys) > 0 and max(ys) > WIDE * min(ys)
    title = name[0].upper() + name[1:]
    return lines(series, x="epoch", y=name, log=steep, ident=ident, title=title)


def save(made: list[Scene], title: str, told: list[str], paths: list[Any]) -> None:
    """Pictures side by side, in each of the files asked for; `told` is said of them all."""
    from ..show.beside import beside

    if not made:
        raise UsageError("no epoch has a finite figure, so there is nothing to draw")
    for path in paths:
        if path is None:
            continue
        if path.suffix.lower() == ".html":
            write(path, panels(title, told, [scene.at() for scene in made]))
        else:
            beside(*made, title=title, told=" ".join(told), ident="side-by-side").save(str(path))
        click.echo(f"written to {path}")


def norms_table(run: SavedRun) -> Any:
    """The gradient norms of every layer: first, last, and their way in between."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in ("layer", "mean gradient norm, first epoch", "last", "on the way"):
        table.add_column(head, justify="left" if head in ("layer", "on the way") else "right")
    for name, ys in run.norms().items():
        ends = [f"{y:.3g}" if isfinite(y) else "not finite" for y in (ys[0], ys[-1])]
        table.add_row(name, *ends, blocks(ys))
    return table


@click.command("show")
@click.argument("run")
@click.option("--html", metavar="FILE", help="The curves as a page that needs no network.")
@click.option("--png", metavar="FILE", help="The curves as an image.")
@click.option("--svg", metavar="FILE", help="The curves as a drawing.")
def show_command(run: str, **files: str | None) -> None:
    """Show the curves, layers and gradients of a saved run.

    RUN is the folder that train wrote. A run that is still going, or was killed, is shown as far
    as its last checkpoint.

    \b
    Examples:
      chainrule show runs/digits-001
      chainrule show runs/digits-001 --html digits.html
    """
    paths = [writable(f"--{k}", files[k], kinds) for k, kinds in KINDS.items()]
    found = saved_run(run)
    first, *rest = summary(found)
    say(first, bold=True)
    for told in rest:
        say(told)
    if not curves(found):
        say("\nno epoch has a finite figure to draw", warn=True)
    for title, series in curves(found).items():
        say(f"\n{NAMES.get(title, title)}", bold=True)
        click.echo("\n".join(plotted(series)))
    if found.health:
        say("\nlayers", bold=True)
    for row in found.health:
        say(line(row), warn=row["verdict"] != "healthy")
    for told in advice(found.health):
        say(told, warn=True)
    if found.norms():
        say("")
        screen().print(norms_table(found))
    if any(p is not None for p in paths):
        save(scenes(found), found.name, summary(found)[1:], paths)
