"""What an experiment hands over, and how it is told: a table, a picture, a sentence."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


def short(found: object, digits: int = 3) -> str:
    """A number to so many digits; a text or a count as it is."""
    return figure(found, digits) if isinstance(found, (float, np.floating)) else str(found)


def table(seen: Seen) -> str:
    """The rows below their headings: words to the left, numbers to the right."""
    cells = [list(seen.heads), *([short(x) for x in row] for row in seen.rows)]
    wide = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(f"{x:<{w}}" if k == 0 else f"{x:>{w}}" for k, (x, w) in enumerate(
            zip(row, wide, strict=True))).rstrip()
        for row in cells
    )  # fmt: skip


def tell(*experiments: Callable[[], Seen]) -> None:
    """Run them, print their tables and sentences, and save their pictures where `--out` says."""
    options = argparse.ArgumentParser(description=inspect.getmodule(experiments[0]).__doc__)
    options.add_argument("--out", type=Path, default=Path("pictures"), help=(
        "a folder for the pictures, or the picture: .svg, .html, .png or .gif "
        "(default %(default)s)"))  # fmt: skip
    out = options.parse_args().out
    for experiment in experiments:
        seen, name = experiment(), Path(inspect.getfile(experiment)).stem
        path = out if out.suffix else out / f"{name}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        seen.picture.save(path)
        print(f"{table(seen)}\n\n{seen.sentence}\n\npicture: {path}\n", flush=True)
