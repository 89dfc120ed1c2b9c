"""An exhibit: what it is of, the call that makes it, and what that call gives."""

from __future__ import annotations

import inspect
import os
import sys
import textwrap
from collections.abc import Callable
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import chainrule as cr

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Exhibit:
    """One thing to see: the ids of what it shows, its title, a sentence, and its call."""

    ids: tuple[str, ...]
    title: str
    words: str
    make: Callable[[], Any]
    steady: bool = True  # the same bytes on every machine: no training, no rounding noise

    @property
    def anchor(self) -> str:
        """Its name in the page's address: P0.1 is p0-1."""
        return self.make.__name__.replace("_", "-")

    @property
    def source(self) -> str:
        """The code that makes it, as it is written here: the body of the function."""
        lines = source_of(self.make).splitlines()
        start = next(k for k, line in enumerate(lines) if line.startswith("def ")) + 1
        body = textwrap.dedent("\n".join(lines[start:]))
        return body.replace("\nreturn ", "\n").removeprefix("return ")


@dataclass(frozen=True, eq=False)
class Room:
    """A page: the article it belongs to, the settings its exhibits share, and the exhibits."""

    name: str  # of the file
    title: str
    lead: str
    origin: str  # what it goes back to, in words
    settings: tuple[Callable[[], Any], ...] = ()
    exhibits: list[Exhibit] = field(default_factory=list)

    def shows(self, ids: str, title: str, words: str, steady: bool = True) -> Callable:
        """Hangs the function below it up in this room."""

        def hung(make: Callable[[], Any]) -> Callable[[], Any]:
            self.exhibits.append(Exhibit(tuple(ids.split()), title, words, make, steady))
            return make

        return hung


@dataclass(frozen=True)
class Printed:
    """Something an article prints, beside what the engine finds."""

    what: str
    printed: str
    exact: str
    why: str


@dataclass(frozen=True)
class Table:
    """Rows that the engine computed, under their headings."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Formulas:
    """Formulas as TeX, each with what it is of."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Told:
    """A text of fixed width: a transcript, or what a command prints."""

    text: str
    command: str = ""


@dataclass(frozen=True)
class Said:
    """A sentence with the numbers that were measured."""

    sentence: str


@dataclass(frozen=True)
class Program:
    """A program of this repository, by its path in it: its text opens on a click."""

    path: str

    @property
    def text(self) -> str:
        """What is written in it."""
        return (ROOT / self.path).read_text("utf-8").rstrip()


@dataclass(frozen=True)
class Beside:
    """Several results next to each other, where there is room."""

    results: tuple[Any, ...]


def command(line: str) -> Told:
    """What a command of `chainrule` prints."""
    import shlex

    from click.testing import CliRunner

    from chainrule.app.cli import main

    with _wide(), chdir(ROOT):
        done = CliRunner().invoke(main, shlex.split(line)[1:])
    if done.exit_code:
        raise RuntimeError(f"{line}: {done.output}")
    return Told(done.output.rstrip(), line)


def experiment(name: str) -> tuple[Any, ...]:
    """An experiment as its program runs it: the picture, the sentence, the table, the program."""
    folder, path = ROOT / "examples" / "experiments", f"examples/experiments/{name}.py"
    sys.path.insert(0, str(folder))
    try:
        seen = import_module(name).experiment()
        table = import_module("experiment").table(seen)
    finally:
        sys.path.remove(str(folder))
    return seen.picture, Said(seen.sentence), Told(table, f"python {path}"), Program(path)


def source_of(f: Callable) -> str:
    """A function as it is written here."""
    return inspect.getsource(f).rstrip().replace("  # fmt: skip", "")


@contextmanager
def _wide():
    """A terminal of a known width without colours, so that every build prints the same."""
    known = {"COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb"}
    before = {k: os.environ.get(k) for k in known}
    os.environ.update(known)
    try:
        yield
    finally:
        for k, v in before.items():
            if v is None:
                del os.environ[k]
            else:
                os.environ[k] = v


def six(x: Any) -> str:
    """A number to six digits after the point, with a minus that is one."""
    return f"{float(cr.asarray(x)):.6f}".rstrip("0").rstrip(".").replace("-", "−")
