"""The panel of the output: what the network answers everywhere, and the examples."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...study.numbers import figure
from ..measure import width_of
from ..svg import element, text
from .contour import contour, path, simplified
from .film import GRID, Changes, Film, Seen
from .image import diverging, shares
from .markers import INKS, Markers

SIDE = 280.0  # of a panel, in pixels
TITLE, FOOT = 26.0, 36.0  # above and below it
OFF = 0.35  # pixels that a drawn boundary may be off


def boundaries(field: np.ndarray, side: float, x: float = 0.0, y: float = 0.0) -> str:
    """Where a field changes sides, as a path in a square of so many pixels.

    Shapes: field (n, n) crossing 0, or (n, n, classes) of shares.
    """
    fields = [field] if field.ndim == 2 else [
        field[..., k] - np.delete(field, k, axis=-1).max(-1) for k in range(field.shape[-1] - 1)
    ]  # fmt: skip
    step = side / field.shape[0]
    lines = [(line + 0.5) * step + [x, y] for f in fields for line in contour(f)]
    return path([simplified(line, OFF) for line in lines])


def landscape(field: np.ndarray) -> str:
    """A picture of a field of sides, (n, n), or of shares, (n, n, classes)."""
    return diverging(field) if field.ndim == 2 else shares(field)


def square(x: float, y: float, side: float) -> dict[str, Any]:
    """The attributes of a square in its place."""
    return {"x": x, "y": y, "width": side, "height": side}


def framed(film: Film, part: str, title: str, note: str, x: float, y: float, inner: str) -> str:
    """A square with a title, and a note below it; what is inside is cut off at its border."""
    clip = film.name(f"{part}-clip")
    foot = y + TITLE + SIDE + 15
    at = square(x, y + TITLE, SIDE)
    return "".join((
        element("text", text(title), x=x, y=y + 16, class_="head"),
        element("clipPath", element("rect", **at), id=clip),
        element("rect", **at, fill="var(--card)"),
        element("g", inner, clip_path=f"url(#{clip})"),
        element("rect", **at, fill="none", stroke="var(--soft)"),
        *(element("text", text(line), x=x, y=foot + 13 * k, class_="soft small")
          for k, line in enumerate(wrapped(note, SIDE))),
    ))  # fmt: skip


def wrapped(words: str, width: float) -> list[str]:
    """A text in lines of at most so many pixels, of the size called small."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, 10) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


class Output:
    """The landscape of the output over two features, or its curve over one."""

    width, height = SIDE, TITLE + SIDE + FOOT

    def __init__(self, film: Film, x: float, y: float):
        assert film.plane is not None
        self.film, self.plane, self.x, self.y = film, film.plane, x, y
        self.markers = Markers(film, "output")
        unit = film.plane.unit(film.recording.X)
        self.flat = unit.shape[1] == 1
        if self.flat:
            unit = np.concatenate([unit, self._up(self._targets())[:, None]], axis=1)
        self.places = unit * SIDE + [x, y + TITLE]

    def _targets(self) -> np.ndarray:
        a = self.film.answers
        if a.kind == "two":
            return a.group * 2.0 - 1.0
        if a.kind == "classes":
            return a.group / (len(a.labels) - 1) * 2.0 - 1.0
        y = self.film.recording.y
        return (y.reshape(len(y), -1)[:, 0] - a.middle) / a.half

    def _up(self, value: np.ndarray) -> np.ndarray:
        return (1 - value / 1.35) / 2

    def changes(self, seen: Seen) -> Changes:
        """The picture of one snapshot."""
        assert seen.grid is not None
        field = self.film.answers.read(seen.grid.output)
        name = self.film.name
        if self.flat:
            return {name("output-curve"): {"d": path(self._curves(field))}}
        field = field.reshape(GRID, GRID, *field.shape[1:])
        return {
            name("output-image"): {"href": landscape(field)},
            name("output-line"): {"d": boundaries(field, SIDE, self.x, self.y + TITLE)},
        }

    def _curves(self, field: np.ndarray) -> list[np.ndarray]:
        columns = [field] if field.ndim == 1 else list(2 * field.T - 1)
        along = np.linspace(0, 1, len(field))
        return [
            np.stack([along, self._up(np.clip(f, -1.4, 1.4))], 1) * SIDE + [self.x, self.y + TITLE]
            for f in columns
        ]

    def body(self, now: Changes) -> str:
        """The panel as it is now."""
        points = self.markers.body(self.markers.changes(self.places))
        mark = self.film.mark
        if self.flat:
            line = mark("path", "output-curve", now, fill="none", stroke=INKS[1], stroke_width=2.5)
            inner, title = points + line, "the network's answer"
        else:
            at = square(self.x, self.y + TITLE, SIDE)
            image = mark("image", "output-image", now, **at, preserveAspectRatio="none")
            line = mark("path", "output-line", now, fill="none", stroke="var(--ink)",
                        stroke_width=1.6, stroke_linejoin="round")  # fmt: skip
            inner, title = image + line + points, "output"
        return framed(self.film, "output", title, self._note(), self.x, self.y, inner)

    def _note(self) -> str:
        p = self.plane
        sides = zip(p.names, p.low, p.high, strict=True)
        said = [f"{n} {figure(a, 2)} to {figure(b, 2)}" for n, a, b in sides]
        ways = ("across",) if self.flat else ("across", "up")
        told = ", ".join(f"{s} {w}" for s, w in zip(said, ways, strict=True))
        return f"{told}; {p.note}" if p.note else told


def places(unit: np.ndarray, x: float, y: float) -> np.ndarray:
    """Places in the unit square as pixels of a panel; far outside is just outside."""
    return np.clip(np.nan_to_num(unit), -0.3, 1.3) * SIDE + [x, y + TITLE]
