"""`chainrule train`: data in, a trained network and its report out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .config import chosen
from .settings import GROUPS, SETTINGS
from .terminal import say


class Grouped(click.Command):
    """A command whose options are listed under the groups of the settings table."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each group under its name."""
        options = {p.name: p for p in self.params if isinstance(p, click.Option)}
        named = [(g, [s.key for s in SETTINGS.values() if s.group == g]) for g in GROUPS]
        rest = [n for n in options if n not in SETTINGS]
        for title, keys in (*named, ("general", [*rest, "help"])):
            shown = [options[k] for k in keys if k in options]
            shown += [h for h in [self.get_help_option(ctx)] if h and "help" in keys]
            records = [r for o in shown if (r := o.get_help_record(ctx)) is not None]
            with formatter.section(title.capitalize()):
                formatter.write_dl(records)


def settings_options(command: Any) -> Any:
    """The options of a command that takes every setting, made from the table."""
    for key, s in reversed(SETTINGS.items()):
        if key == "data":
            continue
        more: dict[str, Any] = {"is_flag": True} if s.is_flag else {"metavar": s.metavar}
        command = click.option(s.option, key, help=s.told, multiple=s.many, **more)(command)
    return command


@click.command("train", cls=Grouped)
@click.argument("data", required=False)
@settings_options
@click.option("--config", metavar="FILE", help="Settings from a TOML file; options win over it.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Any setting by its key.")
@click.option("--resume", "folder", metavar="RUN", help="Take up a run that was stopped or killed.")
@click.pass_context
def train_command(
    ctx: click.Context, config: str | None, sets: tuple[str, ...], folder: str | None,
    **options: Any,
) -> None:  # fmt: skip
    """Train a network on DATA and write a report.

    DATA is digits, moons, circles, spiral, blobs or xor, or a file: .csv, .parquet, .npz, .npy.

    \b
    Examples:
      chainrule train digits
      chainrule train spiral --model "32 tanh, 32 tanh" --epochs 300
      chainrule train houses.csv --target price --schedule "cosine warmup=100"
      chainrule train titanic.csv --target survived --drop name --class-weight balanced
      chainrule train X.npy --target y.npy --model net.py:model
      chainrule train --config run.toml --set lr=0.01
      chainrule train --resume runs/digits-001

    Every run gets a folder of its own (runs/digits-001) with weights.safetensors,
    history.jsonl, run.json and report.html. Ctrl-C saves the run and says how to go on.
    """
    from .run import resume, train

    found = chosen(options, sets, config)
    tell = say_nothing if found["quiet"] else say
    _, code = resume(Path(folder), found, tell) if folder else train(found, tell)
    ctx.exit(code)


def say_nothing(*_: Any, **__: Any) -> None:
    """For --quiet."""
