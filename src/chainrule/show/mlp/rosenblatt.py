"""A perceptron learning in the plane: inputs added to the weight vector, or taken away from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph.errors import DataError, ShapeError, UsageError
from ...nn import Perceptron
from ..scene import Scene
from ..svg import picture
from .forward_words import dot
from .grids import Changes, shift
from .notation import listed, said
from .plane import INKS, MARGIN, PANEL, SIZE, TOP, Plane, drawn, readings
from .reel import Reel

HEADWAY = 1.15  # how much wider than all that lies in it the plane is


@dataclass(frozen=True, eq=False)
class Correction:
    """One example that was wrong, and the perceptron before and after it."""

    place: int
    x: np.ndarray
    label: int
    before: Perceptron
    after: Perceptron
    epoch: int


def perceptron(
    points: Any, labels: Any, *, lr: float = 0.5, epochs: int = 20, steps: int = 8,
    model: Perceptron | None = None, seed: int = 0, ident: str = "perceptron",
) -> Scene:  # fmt: skip
    """A perceptron learning: the weight vector orange, inputs of label 1 blue and of 0 red.

    Where it should have said 1 the scaled input is added to the weights, where it should have
    said 0 it is subtracted; the boundary turns, and the dot product grows or shrinks. The first
    correction is shown in three moments, the later ones in two; `steps` corrections are shown.
    Shapes: `points` (N, 2), or one (2,); `labels` N of 0 or 1. `model` is where it starts,
    otherwise weights drawn from `seed`.
    Raises: ShapeError, DataError, UsageError.

    >>> import chainrule as cr
    >>> from chainrule.show.mlp import perceptron
    >>> start = cr.nn.Perceptron(2, lr=0.5)
    >>> scene = perceptron([[1.0, 2.0], [2.0, -1.0]], [1, 0], model=start)
    >>> scene.moments[-1].words
    'In pass 2 nothing is wrong any more: it has learned, after 2 corrections.'
    """
    xs, ts = _examples(points, labels)
    for name, value in (("epochs", epochs), ("steps", steps)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise UsageError(f"perceptron: {name}={value!r}; give a whole number, 1 or more")
    start = Perceptron(2, lr=lr, std=1.0, seed=seed) if model is None else model
    if not isinstance(start, Perceptron) or start.weight.shape != (2,):
        raise UsageError(f"perceptron: model={start!r}; give an nn.Perceptron(2)")
    done, clean = _corrections(start, xs, ts, epochs)
    shown = done[:steps]
    models = [start, *(c.after for c in shown), done[-1].after if done else start]
    ends = [m.weight.value for m in models]
    far = max(float(np.abs(v).max()) for v in (xs, *ends))
    plane = Plane(ident, (far if np.isfinite(far) and far else 1.0) * HEADWAY)
    reel = Reel()
    _moments(plane, reel, xs, ts, start, shown, done, clean)
    title = f"A perceptron learning {len(xs)} point{'s' if len(xs) > 1 else ''}"
    told = f"{title}, with the weight vector drawn among them. {reel.moments[-1].words}"
    body = drawn(plane, xs, ts, start)
    width, height = 2 * MARGIN + SIZE + PANEL, TOP + SIZE + MARGIN
    return Scene(title, told, picture("scene mlp", ident, width, height, title, told, body),
                 tuple(reel.moments))  # fmt: skip


def _examples(points: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    try:
        xs, ts = np.asarray(points, np.float64), np.atleast_1d(np.asarray(labels))
    except (TypeError, ValueError):
        raise DataError("perceptron: the points are no array of numbers") from None
    xs = xs[None] if xs.shape == (2,) else xs
    if xs.ndim != 2 or xs.shape[1] != 2 or not len(xs):
        raise ShapeError(
            f"perceptron: points {np.shape(points)}; the picture is a plane: give (N, 2)"
        )
    if ts.shape != (len(xs),):
        raise ShapeError(f"perceptron: {len(xs)} points, labels {ts.shape}; give one for each")
    if not np.isfinite(xs).all():
        raise DataError("perceptron: some points are NaN or infinite; leave them out")
    if set(ts.tolist()) - {0, 1}:
        raise DataError(f"perceptron: labels are {sorted(set(ts.tolist()))[:5]}; use 0 and 1")
    return xs, ts.astype(int)


def _corrections(start: Perceptron, xs: np.ndarray, ts: np.ndarray, epochs: int) -> tuple:
    """Every correction, in order, and the pass in which there was none (0: never)."""
    done: list[Correction] = []
    model = start
    for epoch in range(1, epochs + 1):
        before = len(done)
        for place, (x, t) in enumerate(zip(xs, ts, strict=True)):
            after = model.step(x, int(t))
            if after is not model:
                done.append(Correction(place, x, int(t), model, after, epoch))
                model = after
        if len(done) == before:
            return done, epoch
    return done, 0


def _read(plane: Plane, model: Perceptron, x: np.ndarray | None) -> Changes:
    return {f"{plane.ident}-{k}": {"text": v} for k, v in readings(model, x).items()}


def _moments(plane: Plane, reel: Reel, xs: Any, ts: Any, start: Perceptron, shown: list,
             done: list, clean: int) -> None:  # fmt: skip
    ones = int(ts.sum())
    zeros = len(xs) - ones
    reel.add("start", f"{len(xs)} point{'s' * (len(xs) > 1)}: {ones} of label 1 (blue, round), "
             f"{zeros} of label 0 (red, square). The perceptron says 1 on the side of the boundary "
             f"that w = {listed(start.weight.value)} points to.")  # fmt: skip
    angle = plane.side(start, 0.0)[1]
    for n, c in enumerate(shown):
        angle = _correction(plane, reel, c, n, angle)
    last = done[-1].after if done else start
    if len(done) > len(shown):
        _, _, turned = _turned(plane, last, angle)
        reel.add("later", f"{len(done) - len(shown)} more corrections of the same kind follow: "
                 f"w = {listed(last.weight.value)}.", turned, _read(plane, last, None),
                 _cleared(plane, shown))  # fmt: skip
    many = f"{len(done)} correction{'s' if len(done) != 1 else ''}"
    if clean:
        words = f"In pass {clean} nothing is wrong any more: it has learned, after {many}."
    else:
        words = (
            f"It stops after pass {done[-1].epoch}, in which there still were mistakes; {many} so "
            "far. If no line parts the points, this never ends."
        )
    reel.add("end", words, _cleared(plane, shown), _read(plane, last, None))


def _cleared(plane: Plane, shown: list) -> Changes:
    i = plane.ident
    made: Changes = {f"{i}-ring{c.place}": {"opacity": 0} for c in shown}
    if shown:
        made |= {f"{i}-x": {"opacity": 0}, f"{i}-move": {"opacity": 0}}
    return made


def _correction(plane: Plane, reel: Reel, c: Correction, n: int, angle: float) -> float:
    """The moments of one correction; the angle of the boundary after it."""
    i, lr, zero = plane.ident, c.before.lr, np.zeros(2)
    more = c.label == 1
    before, after = float(c.before.score(c.x)), float(c.after.score(c.x))
    chapter = f"pass {c.epoch}"
    kind = INKS[c.label][0]
    change = (1 if more else -1) * lr * c.x
    rings = _rings(reel, i)
    rings[f"{i}-ring{c.place}"] = {"opacity": 1}
    arrow = {"points": plane.arrow(zero, c.x, 3.5), "class": f"fill-{kind}", "opacity": 0.5}
    w = c.before.weight.value
    found: Changes = {**rings, f"{i}-x": arrow, f"{i}-move": {
        "points": plane.arrow(zero, change, 3.5), "class": f"fill-{kind}", "opacity": 0,
        "transform": "translate(0 0)"}}  # fmt: skip
    (x0, y0), (x1, y1) = plane.at(zero), plane.at(w)
    flown: Changes = {f"{i}-move": {"opacity": 1, "transform": shift(x1 - x0, y1 - y0)}}
    score = said(before) if n else dot(w, c.x, before, float(c.before.bias.value))
    wrong = (
        f"Point {c.place + 1}, x = {listed(c.x)}, has label {c.label}, but w·x + b = {score}"
        f"{', not above 0' if more else ', above 0'}: it says {1 - c.label}."
    )
    adds = (
        f"w shall point {'more' if more else 'less'} along x: {said(lr)}·x is "
        f"{'added to' if more else 'subtracted from'} w."
    )
    if n == 0:
        reel.add(chapter, wrong, found, _read(plane, c.before, c.x))
        reel.add(chapter, adds, flown)
    else:
        reel.add(chapter, f"{wrong} So {said(lr)}·x is {'added' if more else 'subtracted'}.",
                 found, flown, _read(plane, c.before, c.x))  # fmt: skip
    _, angle, turned = _turned(plane, c.after, angle)
    by = lr * (float(c.x @ c.x) + 1.0)
    verb = "grows" if more else "shrinks"
    right = "now it is right" if (after > 0) == more else "still wrong, but nearer"
    told = (
        f"w moves to {listed(c.after.weight.value)} and the boundary turns. w·x + b {verb} by "
        f"{said(lr)}·(x·x + 1) = {said(by)}, from {said(before)} to {said(after)}: {right}."
    )
    reel.add(chapter, told, turned, _read(plane, c.after, c.x), {f"{i}-move": {"opacity": 0}})
    return angle


def _rings(reel: Reel, ident: str) -> Changes:
    """The rings that are shown, put out."""
    shown = {m for of in reel.moments for m in of.changes if m.startswith(f"{ident}-ring")}
    return {m: {"opacity": 0} for m in shown}


def _turned(plane: Plane, model: Perceptron, angle: float) -> tuple[str, float, Changes]:
    i, w = plane.ident, model.weight.value
    place, angle, there = plane.side(model, angle)
    x, y = plane.beyond(w)
    return place, angle, {
        f"{i}-w": {"points": plane.arrow(np.zeros(2), w, 5.0)},
        f"{i}-side": {"transform": place, "opacity": there},
        f"{i}-name": {"x": x, "y": y},
    }  # fmt: skip
