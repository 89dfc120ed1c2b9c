"""The terminal: how text gets there, and how an error of ours ends a command."""

from __future__ import annotations

import re
import sys
from typing import Any

import click

from ..graph.errors import ChainruleError, UsageError
from ..study.formula import did_you_mean

WIDTH_OF_A_FILE = 120  # where there is no terminal to ask, as in a pipe


def screen(stderr: bool = False) -> Any:
    """Where rich prints: the terminal, or plain text of a fixed width into a file or a pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_A_FILE
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


class Commands(click.Group):
    """A group whose commands end with one message, and no traceback, on an error of ours."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; our errors become exit code 2."""
        try:
            return super().invoke(ctx)
        except ChainruleError as error:
            message = str(error).split("\n  made at")[0]
            click.secho("error: ", fg="red", bold=True, nl=False, err=True)
            click.echo(message, err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("\nstopped", err=True)
            ctx.exit(130)
        except BrokenPipeError:  # the reader of a pipe (head, less) has left
            ctx.exit(0)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are worth knowing."""
        return list(self.commands)


class Words(click.Command):
    """A command whose options with an optional word take it after `=` alone.

    So in `--code x=2` the value of x is not taken for the name of a style; of what begins like an
    option and is none, the nearest one is told.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Spell a lone option out, and refuse what is no option."""
        options = [o for o in self.params if isinstance(o, click.Option)]
        known = {name: o for o in options for name in o.opts}
        spelt = []
        for k, given in enumerate(args):
            option = known.get(given)
            following = args[k + 1] if k + 1 < len(args) else ""
            if option is not None and not option.is_flag and isinstance(option.flag_value, str):
                words = getattr(option.type, "choices", ())
                given = given if following in words else f"{given}={option.flag_value}"
            elif option is None and re.fullmatch(r"--[a-z][a-z-]{2,}(=.*)?", given):
                name = given.partition("=")[0]
                first = all(a[:1] == "-" for a in args[:k])  # it may be an expression: --x
                advice = did_you_mean(name, known, "" if first else "see --help")
                if name not in ("--help", *known) and advice:
                    raise UsageError(f"there is no option {name}; {advice}")
            spelt.append(given)
        return super().parse_args(ctx, spelt)


def say(message: str, bold: bool = False, warn: bool = False) -> None:
    """One line to the reader."""
    click.secho(message, bold=bold or None, fg="yellow" if warn else None)
