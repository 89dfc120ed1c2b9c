"""The plane of a perceptron's two inputs: points, the weight vector as an arrow, the boundary."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, hypot

import numpy as np

from ...nn import Perceptron
from ..svg import element, text
from ..ticks import linear_ticks
from .grids import shift
from .notation import listed, said

SIZE, MARGIN, PANEL, TOP = 460.0, 34.0, 250.0, 20.0
INKS = {1: ("input", "blue, round"), 0: ("class", "red, square")}


@dataclass(eq=False)
class Plane:
    """The plane of the two inputs, as a square of the picture."""

    ident: str
    reach: float  # how far the plane goes from the origin, in units of the inputs

    def at(self, v: np.ndarray) -> tuple[float, float]:
        """Where a vector ends in the picture."""
        half = SIZE / 2
        return (
            MARGIN + half + float(v[0]) / self.reach * half,
            TOP + half - float(v[1]) / self.reach * half,
        )

    def beyond(self, v: np.ndarray) -> tuple[float, float]:
        """Where the name of an arrow stands: a little past its tip."""
        x, y = self.at(v)
        size = float(np.hypot(*v)) or 1.0
        return x + 14 * float(v[0]) / size, y - 14 * float(v[1]) / size + 4

    def arrow(self, start: np.ndarray, end: np.ndarray, wide: float) -> str:
        """An arrow as the outline of a shape: seven points, whatever its length."""
        (x0, y0), (x1, y1) = self.at(start), self.at(end)
        long = hypot(x1 - x0, y1 - y0)
        if long < 1e-6:
            return " ".join([f"{x0:.2f},{y0:.2f}"] * 7)
        head = min(4.0 * wide, long * 0.6)
        ux, uy = (x1 - x0) / long, (y1 - y0) / long
        places = [(0, wide / 2), (long - head, wide / 2), (long - head, 1.6 * wide), (long, 0)]
        places += [(a, -b) for a, b in reversed(places[:3])]
        return " ".join(f"{x0 + a * ux - b * uy:.2f},{y0 + a * uy + b * ux:.2f}" for a, b in places)

    def side(self, model: Perceptron, last: float) -> tuple[str, float, int]:
        """The transform of the side of 1, its angle (turning the short way), and whether there is
        one at all."""
        w, b = model.weight.value, float(model.bias.value)
        size = float(w @ w)
        if size == 0 or not np.isfinite(size):
            return f"{shift(*self.at(np.zeros(2)))} rotate({last:.2f})", last, 0
        angle = -degrees(atan2(w[1], w[0]))
        angle += 360.0 * round((last - angle) / 360.0)
        x, y = self.at(-b * w / size)
        return f"{shift(x, y)} rotate({angle:.2f})", angle, 1


def drawn(plane: Plane, xs: np.ndarray, ts: np.ndarray, start: Perceptron) -> str:
    """The plane before the first moment."""
    i = plane.ident
    box = element("rect", x=MARGIN, y=TOP, width=SIZE, height=SIZE, class_="ground")
    made = element("defs", element("clipPath", box, id=f"{i}-clip")) + box
    place, _, there = plane.side(start, 0.0)
    far = 3 * SIZE
    half = element("rect", x=0.0, y=-far, width=far, height=2 * far, class_="fill-input",
                   fill_opacity=0.1)  # fmt: skip
    edge = element("line", x1=0.0, x2=0.0, y1=-far, y2=far, class_="edge", stroke_width=2)
    side = element("g", half + edge, id=f"{i}-side", transform=place, opacity=there)
    made += element("g", side, clip_path=f"url(#{i}-clip)") + _axes(plane)
    made += "".join(
        _point(plane, k, x, int(t)) for k, (x, t) in enumerate(zip(xs, ts, strict=True))
    )
    zero, w = np.zeros(2), start.weight.value
    for name, kind, end, seen in (("x", "input", zero, 0), ("w", "weight", w, 1),
                                  ("move", "input", zero, 0)):  # fmt: skip
        made += element("polygon", points=plane.arrow(zero, end, 5.0 if name == "w" else 3.5),
                        class_=f"fill-{kind}", id=f"{i}-{name}", opacity=seen,
                        transform="translate(0 0)", fill_opacity=0.85)  # fmt: skip
    x, y = plane.beyond(w)
    made += element("text", "w", x=x, y=y, text_anchor="middle", class_="weight head",
                    id=f"{i}-name")  # fmt: skip
    return made + _panel(plane, start)


def _axes(plane: Plane) -> str:
    (x, y), made = plane.at(np.zeros(2)), ""
    made += element("line", x1=MARGIN, x2=MARGIN + SIZE, y1=y, y2=y, class_="grid")
    made += element("line", x1=x, x2=x, y1=TOP, y2=TOP + SIZE, class_="grid")
    for v in linear_ticks(-plane.reach, plane.reach):
        if v and abs(v) < plane.reach * 0.96:
            px, _ = plane.at(np.array([v, 0.0]))
            _, py = plane.at(np.array([0.0, v]))
            made += element("text", said(v), x=px, y=TOP + SIZE + 16, text_anchor="middle",
                            class_="soft small")  # fmt: skip
            made += element("text", said(v), x=MARGIN - 6, y=py + 4, text_anchor="end",
                            class_="soft small")  # fmt: skip
    return made


def _point(plane: Plane, k: int, x: np.ndarray, label: int) -> str:
    px, py = plane.at(x)
    kind = INKS[label][0]
    told = element("title", text(f"point {k + 1}: {listed(x)}, label {label}"))
    ring = element("circle", cx=px, cy=py, r=12, fill="none", class_="lit", opacity=0,
                   id=f"{plane.ident}-ring{k}")  # fmt: skip
    mark = (
        element("circle", cx=px, cy=py, r=6, class_=f"fill-{kind}") if label
        else element("rect", x=px - 5.5, y=py - 5.5, width=11.0, height=11.0, class_=f"fill-{kind}")
    )  # fmt: skip
    return element("g", told + mark + ring, id=f"{plane.ident}-point{k}")


def _panel(plane: Plane, start: Perceptron) -> str:
    """What the plane means, and the numbers of the moment."""
    x, made = MARGIN + SIZE + 22, ""
    rows = [
        (f'<circle cx="{x + 6}" cy="{TOP + 16}" r="6" class="fill-input"/>', "label 1"),
        (f'<rect x="{x + 0.5}" y="{TOP + 34.5}" width="11" height="11" class="fill-class"/>',
         "label 0"),
        (f'<rect x="{x}" y="{TOP + 60}" width="12" height="4" class="fill-weight"/>',
         "w, the weight vector"),
        (f'<rect x="{x}" y="{TOP + 79}" width="12" height="12" class="fill-input" '
         f'fill-opacity="0.15"/>', "here it says 1: w·x + b > 0"),
    ]  # fmt: skip
    for r, (mark, said_) in enumerate(rows):
        made += mark + element("text", text(said_), x=x + 20, y=TOP + 20 + 22 * r)
    for r, (name, value) in enumerate(readings(start, None).items()):
        made += element("text", text(value), x=x, y=TOP + 140 + 24 * r,
                        class_="head number", id=f"{plane.ident}-{name}")  # fmt: skip
    return made


def readings(model: Perceptron, x: np.ndarray | None) -> dict[str, str]:
    """What the panel says of a perceptron, and of how it answers to `x`."""
    score = "" if x is None else f"w·x + b = {said(float(model.score(x)))}"
    return {
        "w-is": f"w = {listed(model.weight.value)}",
        "b-is": f"b = {said(float(model.bias.value))}",
        "score-is": score,
    }
