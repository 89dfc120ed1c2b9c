"""What an experiment hands over, and how it is told: a table, a picture, a sentence."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import numpy as np

import chainrule as cr
from chainrule.study.numbers import figure


@dataclass(frozen=True)
class Seen:
    """What was measured: rows under their headings, a picture of it, and one sentence."""

    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    picture: cr.pictures.Scene
    sentence: str


def headed(*heads: str) -> Callable[[Callable], Callable[[], Seen]]:
    """Make a function that gives rows, a picture and a sentence an experiment with these heads."""

    def of(measure: Callable) -> Callable[[], Seen]:
        @wraps(measure)
        def experiment() -> Seen:
            return Seen(heads, *measure())

        return experiment

    return of


def short(found: object, digits: int = 3) -> str:
    """A number to so many digits; a text or a count as it is."""
    return figure(found, digits) if isinstance(found, (float, np.floating)) else str(found)


def table(seen: Seen) -> str:
    """The rows below their headings: words to the left, numbers to the right."""
    columns = []
    for head, *found in zip(seen.heads, *seen.rows, strict=True):
        cells = [head, *map(short, found)]
        wide, words = max(map(len, cells)), all(isinstance(x, str) for x in found)
        columns.append([x.ljust(wide) if words else x.rjust(wide) for x in cells])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def tell(*experiments: Callable[[], Seen]) -> None:
    """Run them, print their tables and sentences, and save their pictures where `--out` says."""
    options = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    options.add_argument("--out", type=Path, default=Path("pictures"), help=(
        "a folder for the pictures, or the picture: .svg, .html, .png or .gif "
        "(default %(default)s)"))  # fmt: skip
    out = options.parse_args().out
    for experiment in experiments:
        seen, name = experiment(), Path(inspect.getfile(inspect.unwrap(experiment))).stem
        path = out if out.suffix else out / f"{name}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        seen.picture.save(path)
        print(f"{table(seen)}\n\n{seen.sentence}\n\npicture: {path}\n", flush=True)
