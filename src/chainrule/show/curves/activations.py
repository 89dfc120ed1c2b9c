"""Activations and their derivatives: where the gradient passes, and where it is lost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph.errors import UsageError
from ...study.health import FLAT
from ...study.numbers import figure, minus
from ..chart import Frame, axes, ink, legend, path
from ..formula import formula
from ..measure import width_of
from ..scene import Moment, Scene
from ..svg import element, picture, text
from ..ticks import linear_ticks
from .facts import ACTIVATIONS, Activation
from .slopes import Curve, at, curve

LOW, HIGH = -5.0, 5.0
STOPS = (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0)
MARGIN = 22.0
PLOT = (460.0, 290.0)  # of one activation alone
SMALL = (250.0, 165.0)  # of one among all
BINS = 40
TANGENT = 1.1  # how far the line that shows the slope reaches, in units of x


@dataclass(frozen=True, eq=False)
class Panel:
    """One activation in its place, and the marks that move over it."""

    shown: Activation
    name: str  # of its marks
    curve: Curve
    frame: Frame
    stops: tuple[tuple[float, float, float], ...]  # place, value, slope

    def changes(self, k: int) -> dict[str, dict[str, Any]]:
        """The points at the k-th stop."""
        x, y, d = self.stops[k]
        frame, reach = self.frame, TANGENT / np.hypot(1.0, d)
        ends = [(frame.x(x + s), frame.y(y + d * s)) for s in (-reach, reach)]
        px = round(frame.x(x), 1)
        return {
            f"{self.name}-value": {"cx": px, "cy": round(frame.y(y), 1)},
            f"{self.name}-slope": {"cx": px, "cy": round(frame.y(d), 1)},
            f"{self.name}-tangent": {
                "d": "M{:.1f} {:.1f}L{:.1f} {:.1f}".format(*ends[0], *ends[1])
            },
            f"{self.name}-drop": {"d": f"M{px:g} {frame.y(y):.1f}L{px:g} {frame.y(d):.1f}"},
        }

    def marks(self) -> str:
        """What moves, at the first stop."""
        now = self.changes(0)

        def mark(kind: str, part: str, **more: Any) -> str:
            ident = f"{self.name}-{part}"
            return element(kind, id=ident, **now[ident], **more)

        return (
            mark("path", "drop", stroke="var(--soft)", stroke_dasharray="2 3", fill="none")
            + element(
                "g", mark("path", "tangent", stroke="var(--ink)", stroke_width=1.6, fill="none"),
                clip_path=f"url(#{self.name}-clip)",
            )
            + mark("circle", "value", r=5, fill="var(--s0)", stroke="var(--card)")
            + mark("circle", "slope", r=5, fill="var(--s1)", stroke="var(--card)")
        )  # fmt: skip


def activations(
    name: Any = None, *, sums: Any = None, title: str = "", ident: str = "activations"
) -> Scene:  # fmt: skip
    """Activations with their derivatives: all of the catalogue, or the one of this name.

    The values are the op's, the slopes are the engine's. Shaded is where the slope is under
    0.05, of either sign: little of a gradient passes there. `name` may also be a function of
    one number, made of the ops. `sums` are weighted sums that a network's units had: their
    distribution is drawn below the curve. `title` is what is written above.
    Raises: UsageError for a name that is not known.

    >>> scene = activations("sigmoid")
    >>> scene.moments[-3].words
    'At x = 1 the value is 0.731 and the slope 0.197: an upstream gradient of 1 goes on as 0.197.'
    """
    if name is None:
        return _all(ident)
    shown = _shown(name)
    title = title or f"{shown.title} and its derivative"
    made = _panel(shown, ident, (MARGIN + 30, 118.0, *PLOT))
    frame = made.frame
    below = frame.bottom + 62
    lines = [f.words for f in shown.facts]
    if shown.op in _OPS and getattr(shown.op, "words", ""):
        lines.append(f"Backward, it {minus(shown.op.words)}.")
    if sums is not None:
        lines.append(_lost(shown, np.ravel(np.asarray(sums))))
    keys, _ = legend([made.curve.values("value"), made.curve.slopes("slope")], MARGIN, 98, 300)
    width = PLOT[0] + 2 * MARGIN + 50
    rows = [row for line in lines for row in _wrapped(line, width - 2 * MARGIN)]
    body = "".join((
        element("text", text(title), x=MARGIN, y=28, class_="head", style="font-size:16px"),
        _formulas(shown, MARGIN, 62), keys,
        _plot(made, "x" if sums is None else "x, the weighted sum", sums), made.marks(),
        *(element("text", text(row), x=MARGIN, y=below + 18 * k) for k, row in enumerate(rows)),
    ))  # fmt: skip
    told, height = " ".join(lines), below + 18 * len(rows) + 6
    svg = picture("scene chart", ident, width, height, title, told, body)
    return Scene(title, told, svg, tuple(_moments([made])))


def _shown(name: Any) -> Activation:
    if isinstance(name, str):
        key = name.lower().replace(" ", "_").replace("leakyrelu", "leaky_relu")
        if key not in ACTIVATIONS:
            raise UsageError(
                f"pictures.activations: {name!r} is not known; there are {', '.join(ACTIVATIONS)}, "
                "or give a function"
            )
        return ACTIVATIONS[key]
    if not callable(name):
        raise UsageError(f"pictures.activations: {name!r}; give a name or a function of one number")
    known = next((a for a in ACTIVATIONS.values() if a.op is name), None)
    told = str(name) if name in _OPS else getattr(name, "__name__", type(name).__name__)
    return known or Activation(name, "f" if told == "<lambda>" else told, "", ())


_OPS = tuple(a.op for a in ACTIVATIONS.values())


def _panel(shown: Activation, ident: str, box: tuple[float, ...]) -> Panel:
    made = curve(shown.op, LOW, HIGH, getattr(shown.op, "kinks", ()))
    stops = tuple(
        (x, float(y), float(d))
        for x, y, d in zip(STOPS, *at(shown.op, np.array(STOPS)), strict=True)
    )
    finite = [v for v in (*made.y, *made.d) if np.isfinite(v)]
    low, high = max(min(finite), -3.0), min(max(finite), 3.2)
    ticks = linear_ticks(low - 0.04 * (high - low), high + 0.04 * (high - low), 5)
    frame = Frame(*box, xticks=[LOW, -3.0, -1.0, 0.0, 1.0, 3.0, HIGH], yticks=ticks)
    return Panel(shown, ident, made, frame, stops)


def _plot(made: Panel, below: str, sums: Any = None) -> str:
    frame = made.frame
    clip = f"{made.name}-clip"
    parts = [element("clipPath", element("rect", **frame.box), id=clip), _shades(made)]
    if sums is not None:
        parts.append(_histogram(frame, np.ravel(np.asarray(sums, float))))
    parts.append(axes(frame, below, ""))
    zero = frame.y(0.0)
    parts.append(element("line", x1=frame.left, x2=frame.right, y1=zero, y2=zero, class_="axis"))
    lines = "".join(
        element("path", d=path(s, frame), **ink(k))
        for k, s in enumerate((made.curve.values("value"), made.curve.slopes("slope")))
    )
    parts.append(element("g", lines, clip_path=f"url(#{clip})"))
    for place, left, here, right in made.curve.jumps:
        x = frame.x(place)
        for d in sorted({left, right}):
            fill = "var(--s1)" if np.isclose(d, here, atol=1e-6) else "var(--card)"
            parts.append(element("circle", cx=x, cy=frame.y(d), r=4, fill=fill, stroke="var(--s1)",
                                 stroke_width=1.6))  # fmt: skip
    return "".join(parts)


def _shades(made: Panel) -> str:
    frame, parts = made.frame, []
    for low, high in made.curve.flat(FLAT):
        x, wide = frame.x(low), frame.x(high) - frame.x(low)
        parts.append(element("rect", x=x, y=frame.top, width=wide, height=frame.height,
                             class_="glow"))  # fmt: skip
        told = "slope 0" if not made.curve.d[(made.curve.x > low) & (made.curve.x < high)].any() \
            else f"slope under {FLAT:g}"  # fmt: skip
        if wide > width_of(told, 10) + 4:
            parts.append(element("text", told, x=x + wide / 2, y=frame.top + 13,
                                 text_anchor="middle", class_="small soft"))  # fmt: skip
    return "".join(parts)


def _histogram(frame: Frame, sums: np.ndarray) -> str:
    counts, edges = np.histogram(np.clip(sums, LOW, HIGH), BINS, (LOW, HIGH))
    tall = frame.height * 0.3 / max(1, counts.max())
    bars = (
        element("rect", x=frame.x(a) + 0.5, width=frame.x(b) - frame.x(a) - 1, height=n * tall,
                y=frame.bottom - n * tall)
        for n, a, b in zip(counts, edges, edges[1:], strict=False) if n
    )  # fmt: skip
    return element("g", "".join(bars), fill="var(--soft)", opacity=0.45)


def _lost(shown: Activation, sums: np.ndarray) -> str:
    _, slope = at(shown.op, sums.astype(float))
    share = 100 * float(np.mean(np.abs(slope) < FLAT))
    return (
        f"Grey: where the {sums.size:,} weighted sums of the units lie, the ends gathered at "
        f"the borders. Of them, {share:.3g} % lie where the slope is under {FLAT:g}."
    )


def _formulas(shown: Activation, x: float, y: float) -> str:
    if shown.op not in _OPS:
        return ""
    value = re.sub(r"\d+\.\d{5,}", lambda m: f"{float(m[0]):.4f}", shown.op.latex)
    value = value.replace("#1", "x")
    left = formula(rf"f(x) = {value}", x, y, 13)
    return left + formula(rf"f'(x) = {shown.slope}", x + PLOT[0] / 2 + 30, y, 13)


def _wrapped(words: str, width: float) -> list[str]:
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _moments(panels: list[Panel]) -> list[Moment]:
    moments = []
    for k, x in enumerate(STOPS):
        if len(panels) == 1:
            _, y, d = panels[0].stops[k]
            told = (
                f"At x = {figure(x)} the value is {figure(y, 3)} and the slope {figure(d, 3)}: an "
                f"upstream gradient of 1 goes on as {figure(d, 3)}."
            )
        else:
            slopes = ", ".join(f"{p.shown.title} {figure(p.stops[k][2], 2)}" for p in panels)
            told = f"Slopes at x = {figure(x)}: {slopes}."
        moved = {i: c for p in panels for i, c in p.changes(k).items()}
        moments.append(Moment(told, moved if k else {}, "", 1.6))
    return moments


def _all(ident: str) -> Scene:
    columns, gap = 3, (64.0, 110.0)
    panels, parts = [], []
    for k, (name, shown) in enumerate(ACTIVATIONS.items()):
        x = MARGIN + 34 + k % columns * (SMALL[0] + gap[0])
        y = 104 + k // columns * (SMALL[1] + gap[1])
        made = _panel(shown, f"{ident}-{name}", (x, y, *SMALL))
        parts.append(element("text", text(shown.title), x=x - 34, y=y - 14, class_="head"))
        parts.append(_plot(made, "") + made.marks())
        rows = _wrapped(shown.facts[0].words, SMALL[0] + 40)
        parts += [element("text", text(row), x=x - 34, y=y + SMALL[1] + 38 + 15 * j, class_="soft",
                          style="font-size:11px") for j, row in enumerate(rows)]  # fmt: skip
        panels.append(made)
    keys, _ = legend([panels[0].curve.values("value"), panels[0].curve.slopes("slope")],
                     MARGIN, 58, 400)  # fmt: skip
    head = element("text", "Activations and their derivatives", x=MARGIN, y=30, class_="head",
                   style="font-size:16px")  # fmt: skip
    rows = -(-len(panels) // columns)
    width = 2 * MARGIN + columns * (SMALL[0] + gap[0]) - 20
    height = 104 + rows * (SMALL[1] + gap[1]) - 20
    told = (
        "Each activation with its slope; shaded where the slope is under 0.05, so that little of a "
        "gradient passes. "
        + " ".join(f"{a.title}: {a.facts[0].words}" for a in ACTIVATIONS.values())
    )
    title = "Activations and their derivatives"
    svg = picture("scene chart", ident, width, height, title, told, head + keys + "".join(parts))
    return Scene(title, told, svg, tuple(_moments(panels)))
