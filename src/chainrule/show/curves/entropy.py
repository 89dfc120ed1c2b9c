"""The cross-entropy of one answer: two curves, one formula."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.errors import UsageError
from ...nn.losses import binary_cross_entropy
from ..chart import Frame, Series, axes, path
from ..formula import formula
from ..scene import Moment, Scene
from ..svg import element, picture, text
from .slopes import at

MARGIN, HEAD, PLOT, FOOT = 24.0, 106.0, (520.0, 320.0), 58.0
TOP = 5.0  # of the loss that is drawn
STOPS = (0.05, 0.2, 0.55, 0.8, 0.95)  # answers at which the point stops
NAMES = {1: "t = 1: −log y", 0: "t = 0: −log(1 − y)"}
INK = {1: "input", 0: "class"}  # blue and red
DASH = {1: None, 0: "7 4"}


def cross_entropy(y: float | None = None, t: int | None = None, *, ident: str = "entropy") -> Scene:
    """The cross-entropy against the answer y, for both targets, with its slope.

    L = −t·log y − (1 − t)·log(1 − y): for t = 1 the first curve, for t = 0 the second. A point
    stops at some answers of each; with `y` and `t`, at that one alone.
    Raises: UsageError for a y outside (0, 1) or a t that is not 0 or 1.

    >>> scene = cross_entropy(0.55, 1)
    >>> scene.moments[-1].words
    'Target 1, answer y = 0.55: the loss is −log 0.55 = 0.5978, its slope −1/y = −1.8182.'
    """
    if y is not None and not 0 < y < 1:
        raise UsageError(f"pictures.cross_entropy: y={y!r}; an answer lies between 0 and 1")
    if t not in (None, 0, 1):
        raise UsageError(f"pictures.cross_entropy: t={t!r}; a target is 0 or 1")
    frame = Frame(MARGIN + 38, HEAD, *PLOT, xticks=[0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
                  yticks=[0.0, 1.0, 2.0, 3.0, 4.0, TOP])  # fmt: skip
    stops = [(kind, v) for kind in (1, 0) for v in (STOPS if y is None else (y,))
             if t in (None, kind)]  # fmt: skip
    moments = [Moment("The loss of one answer y, for each of the two targets.", {}, "", 2.0)]
    for kind, v in stops:
        at_v = _point(ident, frame, kind, v)
        moments.append(Moment(_words(kind, v), at_v, f"target {kind}", 1.8))
    body = _still(ident, frame, stops[0])
    title = "The cross-entropy"
    told = (
        "The loss against the answer y. Blue and whole, for target 1, −log y falls from infinity "
        "at 0 to 0 at 1. Red and dashed, for target 0, −log(1 − y) rises from 0 to infinity. One "
        "formula has both: −t·log y − (1 − t)·log(1 − y)."
    )
    width, height = frame.right + MARGIN, frame.bottom + FOOT
    return Scene(title, told, picture("scene chart", ident, width, height, title, told, body),
                 tuple(moments))  # fmt: skip


def _at(t: int, y: float) -> tuple[float, float]:
    """The loss and its slope, by the engine."""
    value, slope = at(lambda v: binary_cross_entropy(v, np.array([float(t)]), reduction="none"),
                      np.array([y]))  # fmt: skip
    return float(value[0]), float(slope[0])


def _words(t: int, y: float) -> str:
    loss, slope = _at(t, y)
    what = ("−log", f"{y:g}", "−1/y") if t else ("−log(1 −", f"{y:g})", "1/(1 − y)")
    told = f"{loss:.4f}", f"{slope:.4f}".replace("-", "−")
    return (
        f"Target {t}, answer y = {y:g}: the loss is {what[0]} {what[1]} = {told[0]}, its slope "
        f"{what[2]} = {told[1]}."
    )


def _point(ident: str, frame: Frame, t: int, y: float) -> dict[str, dict[str, Any]]:
    loss, slope = _at(t, y)
    reach = 0.13 / np.hypot(1.0, slope * frame.height / TOP / frame.width)
    ends = [(frame.x(y + s), frame.y(loss + slope * s)) for s in (-reach, reach)]
    px, py = round(frame.x(y), 1), round(frame.y(loss), 1)
    return {
        f"{ident}-point": {"cx": px, "cy": py, "class": f"fill-{INK[t]}", "opacity": 1},
        f"{ident}-tangent": {
            "d": "M{:.1f} {:.1f}L{:.1f} {:.1f}".format(*ends[0], *ends[1]), "opacity": 1,
        },
        f"{ident}-drop": {"d": f"M{px:g} {frame.bottom:g}L{px:g} {py:g}", "opacity": 1},
        f"{ident}-said": {"text": f"y = {y:g} · L = {loss:.4f} · dL/dy = {slope:.4f}"
                          .replace("-", "−")},
        f"{ident}-formula1": {"opacity": 1 if t else 0.35},
        f"{ident}-formula0": {"opacity": 0.35 if t else 1},
    }  # fmt: skip


def _still(ident: str, frame: Frame, stop: tuple[int, float]) -> str:
    clip = f"{ident}-clip"
    ys = np.concatenate([np.geomspace(1e-3, 0.05, 60), np.linspace(0.051, 0.949, 120)])
    ys = np.concatenate([ys, 1 - ys[60::-1]])
    lines = "".join(
        element("path", d=path(Series(NAMES[t], list(ys), [_at(t, y)[0] for y in ys]), frame),
                class_=f"curve line-{INK[t]}", stroke_dasharray=DASH[t])
        for t in (1, 0)
    )  # fmt: skip
    now = {i: dict(a) for i, a in _point(ident, frame, *stop).items()}
    return "".join((
        element("text", "Cross-entropy", x=MARGIN, y=28, class_="head", style="font-size:16px"),
        *_formulas(ident),
        element("clipPath", element("rect", **frame.box), id=clip),
        axes(frame, "the answer y", ""),
        element("text", "loss L", x=MARGIN, y=HEAD - 14, class_="soft"),
        element("g", lines, clip_path=f"url(#{clip})"),
        element("path", id=f"{ident}-drop", stroke="var(--soft)", stroke_dasharray="2 3",
                **{**now[f"{ident}-drop"], "opacity": 0}),
        element("g", element("path", id=f"{ident}-tangent", stroke="var(--ink)", stroke_width=1.6,
                **{**now[f"{ident}-tangent"], "opacity": 0}), clip_path=f"url(#{clip})"),
        element("circle", id=f"{ident}-point", r=6, stroke="var(--card)",
                **{**now[f"{ident}-point"], "opacity": 0}),
        element("text", text(NAMES[1]), x=frame.x(0.09), y=frame.y(3.6), class_="input head"),
        element("text", text(NAMES[0]), x=frame.x(0.91), y=frame.y(3.6), class_="class head",
                text_anchor="end"),
        element("text", "", id=f"{ident}-said", x=frame.right, y=frame.top - 14,
                text_anchor="end", class_="number"),
    ))  # fmt: skip


def _formulas(ident: str) -> tuple[str, ...]:
    """The whole formula, and the part of it that each target leaves."""
    whole = r"L = -t \cdot \log y - (1 - t) \cdot \log(1 - y)"
    left = (formula(whole, MARGIN, 56, 15),)
    return left + tuple(
        element("g", element("text", f"for t = {t}:", x=MARGIN + 300, y=y, class_=INK[t])
                + formula(tex, MARGIN + 370, y, 13, class_=INK[t]),
                id=f"{ident}-formula{t}", opacity=1)
        for t, y, tex in ((1, 38, r"L = -\log y"), (0, 62, r"L = -\log(1 - y)"))
    )  # fmt: skip
