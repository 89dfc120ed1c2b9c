"""`chainrule practice`: exercises in the terminal, one after the other, with hints and a score."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import click

from ..graph.errors import UsageError
from ..graph.spelling import counted
from ..study.practice import KINDS, SETS, Exercise, Practice, practice, practice_set
from .terminal import Words
from .typed import target

# Whole words, since a single letter may be somebody's variable.
LEAVE = ("quit", "exit", ":q")
HELP = ("hint", "?", "help")
SKIP = ("skip",)
LIST = ("given",)
TOLD = "an answer, or: hint (?), skip, given, quit"


@dataclass
class Score:
    """What has been answered so far."""

    total: int
    alone: int = 0  # right at the first go, without a hint
    helped: int = 0  # right after a hint or a second try
    shown: int = 0
    slips: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many exercises are behind."""
        return self.alone + self.helped + self.shown

    def __str__(self) -> str:
        told = f"{self.alone + self.helped} of {self.done} right"
        if self.done < self.total:
            told += f", {self.total - self.done} left"
        parts = [f"{self.alone} at the first go" if self.alone else "",
                 f"{self.helped} with a hint or a second try" if self.helped else "",
                 f"{self.shown} shown" if self.shown else ""]  # fmt: skip
        inside = ", ".join(p for p in parts if p)
        told += f" ({inside})" if inside else ""
        often = sorted(self.slips.items(), key=lambda item: -item[1])[:3]
        if often:
            told += "\nslips: " + ", ".join(f"{n} {k}×" for n, k in often)
        return told


class Session:
    """Exercises being asked; `read` gives a line, or None at the end of the input."""

    def __init__(self, made: Practice, read: Callable[[], str | None], say: Callable[..., None]):
        self.made, self.read, self.say = made, read, say
        self.score = Score(len(made))

    def run(self) -> Score:
        """Ask all of them, or as many as there are answers for."""
        self.say(self.made.given)
        self.say(f"\n{counted(len(self.made), 'exercise')}. Type {TOLD}.", dim=True)
        for k, exercise in enumerate(self.made, 1):
            self.say(f"\n{k}/{len(self.made)}", bold=True, nl=False)
            self.say(f"  {exercise.question}")
            if not self._ask(exercise):
                break
        return self.score

    def _ask(self, e: Exercise) -> bool:
        """One exercise until it is right or shown; False where the reader leaves."""
        hints, clean = list(e.hints), True
        while True:
            line = self.read()
            word = "" if line is None else line.strip()
            if line is None or word.lower() in LEAVE:
                return False
            if not word:
                self.say(TOLD, dim=True)
            elif word.lower() in LIST:
                self.say(self.made.given)
            elif word.lower() in SKIP or (word.lower() in HELP and len(hints) == 1):
                self.score.shown += 1
                self.say(e.hints[-1], fg="yellow")
                return True
            elif word.lower() in HELP:
                clean = False
                self.say(hints.pop(0), fg="yellow")
            elif self._right(e, word):
                self.score.alone += clean
                self.score.helped += not clean
                return True
            else:
                clean = False

    def _right(self, e: Exercise, word: str) -> bool:
        verdict = e.check(word)
        if verdict:
            self.say(f"✓ {verdict.words}", fg="green")
            return True
        if verdict.slip and verdict.slip != "unreadable":
            self.score.slips[verdict.slip] = self.score.slips.get(verdict.slip, 0) + 1
        self.say(f"✗ {verdict.words}", fg="red")
        return False


def reader() -> Callable[[], str | None]:
    """Lines from a terminal, with editing and history, or from a pipe, shown as they are read."""
    typed = sys.stdin.isatty()
    if typed:
        with suppress(ImportError):  # it gives input() its line editing, where there is one
            import readline  # noqa: F401

    def read() -> str | None:
        if typed:
            try:
                return input("> ")
            except (EOFError, KeyboardInterrupt):
                click.echo()
                return None
        line = sys.stdin.readline()
        if not line:
            return None
        click.echo(f"> {line.rstrip()}")
        return line

    return read


def _say(text: str, nl: bool = True, **style: Any) -> None:
    click.secho(text, nl=nl, **style)


@click.command("practice", cls=Words, context_settings={"ignore_unknown_options": True})
@click.argument("function", required=False)
@click.argument("values", nargs=-1)
@click.option("--set", "name", metavar="NAME", help=f"A ready-made set: {', '.join(SETS)}.")
@click.option("--kinds", metavar="LIST", help=f"Which kinds: {', '.join(KINDS)}.")
@click.option("--count", type=click.IntRange(1), help="How many exercises.  [default: 10]")
@click.option("--seed", type=click.IntRange(0), help="Which are drawn; the same seed, the same.")
@click.option("--wrt", multiple=True, metavar="NAME", help="Of which variables; repeat for more.")
def practice_command(
    function: str | None, values: tuple[str, ...], name: str | None, kinds: str | None,
    count: int | None, seed: int | None, wrt: tuple[str, ...],
) -> None:  # fmt: skip
    """Exercises about FUNCTION: values, local gradients, formulas, lines of backward code.

    FUNCTION is an expression in quotes, a function in a Python file (FILE.py:name), or the
    folder of a saved run; without one, a ready-made set. An answer may be a number, a formula or
    a line of NumPy; it is right if it comes to the same, however it is written. A wrong one is
    told what is wrong with it: the sign, a transpose, a factor, a sum.

    \b
    Examples:
      chainrule practice --set seed2
      chainrule practice "(x + y) * z" x=-2 y=5 z=-4
      chainrule practice examples/two_layer.py:loss --kinds code,formula
      chainrule practice "sin(x**2)" x=1.5 --count 3 --seed 7
    """
    if function is not None and name is not None:
        raise UsageError("practice: give a function or --set NAME, not both")
    seed = seed or 0
    if function is None:
        made = practice_set(name or "seed1", kinds, count, seed)
        about = SETS[name or "seed1"].about
    else:
        found = target(function, values)
        made = practice(
            found.output, found.chosen(wrt), kinds=kinds, count=count or 10, seed=seed
        )  # fmt: skip
        about = found.title
    click.secho(f"practice: {about}\n", bold=True)
    session = Session(made, reader(), _say)
    try:
        score = session.run()
    except KeyboardInterrupt:  # while nothing is being read
        score = session.score
    click.secho(f"\n{score}" if score.done else "\nuntil next time", bold=True)
