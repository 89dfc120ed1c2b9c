"""Examples as points: every group has a shape and a colour of its own."""

from __future__ import annotations

import numpy as np

from ...study.numbers import figure
from ..measure import width_of
from ..svg import clip, element, text
from .contour import path, short
from .film import Changes, Film

# The corners of each shape, from the middle of its point, in units of its size; none: a circle.
SHAPES = {
    "circle": (),
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "triangle": ((0, -1.2), (1.2, 0.9), (-1.2, 0.9)),
    "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    "wedge": ((0, 1.2), (1.2, -0.9), (-1.2, -0.9)),
    "hourglass": ((-1, -1), (1, -1), (-1, 1), (1, 1)),
    "bar": ((-1.5, -0.5), (1.5, -0.5), (1.5, 0.5), (-1.5, 0.5)),
    "column": ((-0.5, -1.5), (0.5, -1.5), (0.5, 1.5), (-0.5, 1.5)),
}
INKS = tuple(f"var(--s{k})" for k in (1, 0, 2, 3, 4, 5, 6, 7))  # as image.CLASSES has them
# Numbers from the lowest to the highest: from orange over grey to blue, and larger.
STEPS = (("#b84a00", 2.2), ("#eda35c", 2.7), ("#9a9a9a", 3.2), ("#62a8dc", 3.7), ("#0067a5", 4.3))
SIZE = 3.4  # pixels
FEW, FEWER = 160, 0.8  # of more points, each is drawn smaller


def shape(name: str, size: float) -> str:
    """A shape drawn from where the pen is, as the data of an SVG path.

    >>> shape("square", 2.0)
    'm-1.8 -1.8l3.6 0 0 3.6 -3.6 0z'
    """
    corners = np.array(SHAPES[name]) * size
    if not len(corners):
        r, d = short(size), short(2 * size)
        return f"m-{r} 0a{r} {r} 0 1 0 {d} 0 {r} {r} 0 1 0 -{d} 0z"
    (x, y), rest = corners[0], np.diff(corners, axis=0)
    return f"m{short(x)} {short(y)}l" + " ".join(f"{short(a)} {short(b)}" for a, b in rest) + "z"


class Markers:
    """The examples of a film in one panel: a path for each group, its points the examples.

    The shape stands in the picture once, as the marker of every point of the path.
    """

    def __init__(self, film: Film, panel: str):
        self.film, self.panel = film, panel
        group = film.answers.group
        less = FEWER if len(group) > FEW else 1.0
        self.groups = []
        names = list(SHAPES)
        for k in np.unique(group):
            if film.answers.kind == "number":
                ink, size = STEPS[k]
                row = (k, group == k, ink, shape("circle", size * less))
            else:
                ink = INKS[k % len(INKS)]
                row = (k, group == k, ink, shape(names[k % len(names)], SIZE * less))
            self.groups.append(row)

    def changes(self, pixels: np.ndarray) -> Changes:
        """Where the points are: (n, 2) in pixels."""
        return {
            self.film.name(f"{self.panel}-points{k}"): {"d": path([pixels[mine]])}
            for k, mine, _, _ in self.groups
        }

    def body(self, now: Changes) -> str:
        """The paths of all groups."""
        return "".join(self._group(k, ink, drawn, now) for k, _, ink, drawn in self.groups)

    def _group(self, k: int, ink: str, drawn: str, now: Changes) -> str:
        ident = self.film.name(f"{self.panel}-shape{k}")
        one = element("path", d=f"M0 0{drawn}", fill=ink, stroke="var(--card)", stroke_width=0.7)
        defined = element(
            "marker", one, id=ident, viewBox="-8 -8 16 16", markerWidth=16, markerHeight=16,
            markerUnits="userSpaceOnUse", overflow="visible",
        )  # fmt: skip
        at = f"url(#{ident})"
        return defined + self.film.mark(
            "path", f"{self.panel}-points{k}", now, fill="none", stroke="none",
            marker_start=at, marker_mid=at, marker_end=at,
        )  # fmt: skip


def legend(film: Film, right: float, y: float, room: float) -> str:
    """What the markers mean, in a row that ends at `right`; only the first if they are many."""
    keys, parts, x = _keys(film), [], right
    while sum(row[2] for row in keys) > room and len(keys) > 2:
        keys = [*keys[:-3], ("", "…", 12.0)]
    for kind, drawn, wide in reversed(keys):
        x -= wide
        if kind:
            parts.append(element("path", d=f"M{short(x + 6)} {short(y - 4)}{drawn}", fill=kind))
        else:
            parts.append(element("text", text(drawn), x=x, y=y))
    return "".join(parts)


def wide(film: Film) -> float:
    """The width of the legend."""
    return sum(row[2] for row in _keys(film))


def _keys(film: Film) -> list[tuple[str, str, float]]:
    """The parts of the legend from left to right: ink and shape, or "" and a text; the width."""
    a, names = film.answers, list(SHAPES)
    if a.kind == "number":
        low, high = (figure(a.middle + s * a.half, 3) for s in (-1, 1))
        steps = [(ink, shape("circle", size), 12.0) for ink, size in STEPS]
        return [("", f"target {low}", width_of(f"target {low}") + 4), *steps,
                ("", high, width_of(high) - 2)]  # fmt: skip
    found = []
    for k, label in enumerate(a.labels):
        label = clip(label, 16)
        drawn = shape(names[k % len(names)], 4.2)
        found.append((INKS[k % len(INKS)], drawn, 15.0))
        found.append(("", label, width_of(label) + (14 if k + 1 < len(a.labels) else 0)))
    return found
