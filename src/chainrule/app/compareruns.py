"""`chainrule compare-runs`: what differs between runs, and what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, isnan
from typing import Any

import click

from ..graph.errors import UsageError
from ..graph.spelling import listed
from ..show.page import NAMES
from ..show.scene import Scene
from .files import writable
from .savedrun import SavedRun, number, saved_run
from .settings import SETTINGS
from .show import KINDS, save, scene, shown
from .terminal import say, screen
from .textcurves import MARKS, plotted

DRAWN = ("loss", "val_loss")  # and the validation metric that they have in common


def differing(runs: Sequence[SavedRun]) -> dict[str, list[str]]:
    """The settings that are not the same in all runs, with each run's value."""
    found = {}
    for key in SETTINGS:
        values = [shown(r.settings.get(key)) for r in runs]
        if len(set(values)) > 1:
            found[key] = ["" if v == "None" else v for v in values]
    return found


def results(runs: Sequence[SavedRun]) -> dict[str, list[str]]:
    """Each run's figures: what the test part said, epochs, seconds."""
    keys = dict.fromkeys(k for r in runs for k in r.result)
    found = {NAMES.get(k, k): [_figure(r.result.get(k)) for r in runs] for k in keys}
    found["epochs"] = [str(len(r.rows)) for r in runs]
    found["best validation loss"] = [_best(r.column("val_loss")) for r in runs]
    found["seconds"] = [_figure(r.told.get("seconds")) for r in runs]
    found["status"] = [str(r.told.get("status")) for r in runs]
    return found


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float)) else "none"


def _best(ys: list[float]) -> str:
    known = [(y, k) for k, y in enumerate(ys, 1) if isfinite(y)]
    return f"{min(known)[0]:.4g} in epoch {min(known)[1]}" if known else "none"


def drawn(runs: Sequence[SavedRun]) -> dict[str, dict[str, list[float]]]:
    """The curves that the runs have in common, each run's under its name."""
    metrics = {r.metric for r in runs}
    keys = [*DRAWN, *(f"val_{m}" for m in metrics if len(metrics) == 1)]
    names = distinct(runs)
    found = {}
    for key in keys:
        series = {n: r.column(key) for n, r in zip(names, runs, strict=True)}
        series = {n: ys for n, ys in series.items() if not all(map(isnan, ys))}
        if series:
            found[key] = series
    return found


def distinct(runs: Sequence[SavedRun]) -> list[str]:
    """Names for the runs: their folders', with the folder above where two are the same."""
    names = [r.name for r in runs]
    return [n if names.count(n) == 1 else str(r.folder) for n, r in zip(names, runs, strict=True)]


def undrawn(runs: Sequence[SavedRun]) -> list[str]:
    """What is said of the runs that have no curve, or not all of one."""
    told = []
    for name, run in zip(distinct(runs), runs, strict=True):
        bad = [row["epoch"] for row in run.rows if not isfinite(number(row.get("loss")))]
        if not run.rows:
            told.append(f"{name} has no epoch yet, so no curve")
        elif bad:
            none = ", so it has no curve" if len(bad) == len(run.rows) else ""
            told.append(f"the loss of {name} is not finite in epoch {bad[0]}, where it ended{none}")
    return told


TITLES = {"loss": "training loss", "val_loss": "validation loss",
          "val_accuracy": "validation accuracy", "val_r2": "validation R²"}  # fmt: skip


def scenes(runs: Sequence[SavedRun]) -> list[Scene]:
    """The curves that the runs have in common as pictures, side by side."""
    return [scene(series, TITLES.get(k, k), f"runs-{k}") for k, series in drawn(runs).items()]


def _table(head: str, rows: dict[str, list[str]], names: list[str]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(head)
    for name in names:
        table.add_column(Text(name))
    for what, values in rows.items():
        table.add_row(Text(what, style="dim"), *map(Text, values))
    return table


@click.command("compare-runs")
@click.argument("runs", nargs=-1, required=True)
@click.option("--html", metavar="FILE", help="The curves as a page that needs no network.")
@click.option("--png", metavar="FILE", help="The curves as an image.")
@click.option("--svg", metavar="FILE", help="The curves as a drawing.")
def compare_runs_command(runs: tuple[str, ...], **files: str | None) -> None:
    """Compare saved runs: the settings that differ, the results, the curves.

    \b
    Examples:
      chainrule compare-runs runs/digits-001 runs/digits-002
      chainrule compare-runs runs/moons-00* --html moons.html
    """
    paths = [writable(f"--{k}", files[k], kinds) for k, kinds in KINDS.items()]
    if len(runs) < 2:
        raise UsageError(f"{' '.join(runs)}: give two runs or more; chainrule show tells of one")
    found = [saved_run(name) for name in runs]
    names = distinct(found)
    different = differing(found)
    if different:
        screen().print(_table("settings that differ", different, names))
    else:
        say("no setting differs")
    say("")
    screen().print(_table("results", results(found), names))
    for key, series in drawn(found).items():
        say(f"\n{TITLES.get(key, key)}", bold=True)
        some = dict(list(series.items())[: len(MARKS)])
        click.echo("\n".join(plotted(some)))
        if len(series) > len(some):
            click.echo(f"(the first {len(some)} runs; --html draws all)")
    for line in undrawn(found):
        say(f"\n{line}", warn=True)
    if any(p is not None for p in paths):
        title = listed(names)
        save(scenes(found), title, undrawn(found), paths)
