"""The terminal: how text gets there, and how an error of ours ends a command."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..graph.errors import ChainruleError

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


def say(message: str, bold: bool = False, warn: bool = False) -> None:
    """One line to the reader."""
    click.secho(message, bold=bold or None, fg="yellow" if warn else None)
