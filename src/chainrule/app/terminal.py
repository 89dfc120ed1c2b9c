"""The terminal: how text gets there, and how an error of ours ends a command."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Any

import click

from ..graph.errors import ChainruleError, UsageError
from ..graph.spelling import did_you_mean

Later = dict[str, tuple[str, str, str]]  # command → module, name there, what it does
WIDTH_OF_A_FILE = 120  # where there is no terminal to ask, as in a pipe


def screen(stderr: bool = False) -> Any:
    """Where rich prints: the terminal, or plain text of a fixed width into a file or a pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_A_FILE
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


class Commands(click.Group):
    """A group whose commands end with one message, and no traceback, on an error of ours.

    `later` are commands that are imported when they are called: name → module, name there, words.
    """

    def __init__(self, *args: Any, later: Later | None = None, **more: Any):
        super().__init__(*args, **more)
        self.later = later or {}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, imported now if it was not yet."""
        if cmd_name in self.later and cmd_name not in self.commands:
            module, name, _ = self.later[cmd_name]
            self.add_command(getattr(import_module(module), name), cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, _, told) in self.later.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; our errors become exit code 2."""
        try:
            return super().invoke(ctx)
        except ChainruleError as error:
            _end(ctx, str(error).split("\n  made at")[0].removeprefix("fit: "))
        except click.UsageError as error:
            _end(ctx, in_our_words(error))
        except KeyboardInterrupt:
            click.echo("\nstopped", err=True)
            ctx.exit(130)
        except BrokenPipeError:  # the reader of a pipe (head, less) has left
            ctx.exit(0)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The words before the command; without any, the help."""
        try:
            return super().parse_args(ctx, args)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            _end(ctx, in_our_words(error))
            return []

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        """The command of a name, or the error with the nearest one."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known:
            advice = did_you_mean(name, known, f"there are {', '.join(known)}")
            raise UsageError(f"there is no command {name}; {advice}")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are worth knowing."""
        return [*self.later, *(name for name in self.commands if name not in self.later)]


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


def _end(ctx: click.Context, message: str) -> None:
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(message, err=True)
    ctx.exit(2)


def in_our_words(error: click.UsageError) -> str:
    """What click says of a mistake, as we say it: what was asked, what to do."""
    command = error.ctx.command_path if error.ctx else "chainrule"
    see = f"{command} --help"
    match error:
        case click.NoSuchOption():
            known = [o for p in error.ctx.command.params for o in p.opts] if error.ctx else []
            advice = did_you_mean(error.option_name, known, f"see {see}")
            return f"there is no option {error.option_name}; {advice}"
        case click.BadOptionUsage():
            return f"{error.option_name} needs a value; see {see}"
        case click.MissingParameter() if error.param is not None:
            return f"{error.param.human_readable_name} is missing; see {see}"
        case click.BadParameter() if error.param is not None:
            return _bad(error)
    told = error.message.rstrip(".")
    return told[:1].lower() + told[1:] + ("" if " " in told and ";" in told else f"; see {see}")


def _bad(error: click.BadParameter) -> str:
    assert error.param is not None
    name, kind, told = error.param.opts[0], error.param.type, error.message.rstrip(".")
    if isinstance(kind, click.IntRange):
        if kind.max is None:
            return f"{name}: give a whole number, {kind.min} or more"
        return f"{name}: give a whole number from {kind.min} to {kind.max}"
    known = [str(choice) for choice in getattr(kind, "choices", ())]
    value = re.match(r"'([^']*)'", told)
    if value and known:
        near = did_you_mean(value[1], known, "")
        return f"{name} {value[1]}: {near}{' There' if near else 'there'} are {', '.join(known)}"
    return f"{name}: {told[:1].lower()}{told[1:]}"


def say(message: str, bold: bool = False, warn: bool = False, err: bool = False) -> None:
    """One line to the reader; with `err` beside the output, which a program may read."""
    click.secho(message, bold=bold or None, fg="yellow" if warn else None, err=err)
