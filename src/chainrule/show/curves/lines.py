"""Curves of your own: anything measured, against epochs, layers, time steps or sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...graph.errors import DataError, UsageError
from ..chart import LEFT, RIGHT, ROW, Series, axes, describe, dots, fitted, ink, legend, path
from ..scene import Moment, Scene
from ..svg import element, picture, text

MARGIN, HEAD, FOOT = 22.0, 62.0, 52.0
PLOT = (400.0, 250.0)
DIM = 0.15


def lines(
    series: Mapping[str, Any], *, x: str = "", y: str = "", title: str = "", told: str = "",
    log: bool = False, log_x: bool = False, ident: str = "lines",
) -> Scene:  # fmt: skip
    """A line chart of numbers that you measured, each curve under its name.

    A curve is a sequence of values, which then lie at 1, 2, 3, ..., or a pair (places, values).
    `x` and `y` name the axes; `log` and `log_x` make them logarithmic. What is not finite, or
    not above 0 on a logarithmic axis, is a gap. `told` says in words what there is to see; by
    default where each curve begins, ends, and is lowest and highest.
    Raises: UsageError for no curve, DataError for what is no curve.

    >>> scene = lines({"tanh": [0.5, 0.1], "relu": [1.0, 0.9]}, x="layer", y="gradient", log=True)
    >>> scene.moments[1].words
    'tanh: gradient from 0.5 to 0.1, lowest 0.1 at 2, highest 0.5 at 1.'
    """
    if not isinstance(series, Mapping) or not series:
        raise UsageError("pictures.lines: give curves by their names, such as {'loss': [2, 1]}")
    drawn = [_series(str(name), values) for name, values in series.items()]
    width = 2 * MARGIN + LEFT + PLOT[0] + RIGHT
    keys, rows = legend(drawn, MARGIN, HEAD if title else 30, width - 2 * MARGIN)
    top = (HEAD if title else 30) + ROW * rows + 16
    frame = fitted(drawn, (MARGIN + LEFT, top, *PLOT), log, log_x)
    body = element("text", text(title), x=MARGIN, y=30, class_="head", style="font-size:15px")
    body = (body if title else "") + keys + axes(frame, x, y)
    for k, s in enumerate(drawn):
        curve = element("path", d=path(s, frame), **ink(k)) + dots(s, frame, k)
        body += element("g", curve, id=f"{ident}-{k}")
    what = y or "value"
    told = told or describe(drawn, what, log)
    title = title or (f"{what} by {x}" if x else what)
    svg = picture("scene chart", ident, width, frame.bottom + FOOT, title, told, body)
    return Scene(title, told, svg, tuple(_moments(drawn, what, log, ident)))


def _series(name: str, values: Any) -> Series:
    pair = isinstance(values, tuple) and len(values) == 2 and np.ndim(values[0]) == 1
    try:
        ys = np.asarray(values[1] if pair else values, np.float64)
        xs = np.asarray(values[0], np.float64) if pair else np.arange(1.0, 1.0 + ys.size)
    except (TypeError, ValueError):
        raise DataError(f"pictures.lines: {name!r} is no sequence of numbers") from None
    if ys.ndim != 1 or xs.shape != ys.shape or not ys.size:
        raise DataError(
            f"pictures.lines: {name!r} has places {xs.shape} and values {ys.shape}; give a row "
            "of values, or a pair of rows that are as long as each other"
        )
    return Series(name, xs.tolist(), ys.tolist())


def _moments(drawn: list[Series], what: str, log: bool, ident: str) -> list[Moment]:
    """All curves, one after the other, and all of them again."""
    marks = [f"{ident}-{k}" for k in range(len(drawn))]
    if len(drawn) == 1:
        return [Moment(describe(drawn, what, log), {}, "", 3.0)]
    moments = [
        Moment(describe([s], what, log),
               {mark: {"opacity": 1 if mark == marks[k] else DIM} for mark in marks}, "", 3.0)
        for k, s in enumerate(drawn)
    ]  # fmt: skip
    whole = {mark: {"opacity": 1} for mark in marks}
    names = "; ".join(s.name for s in drawn)
    opening = Moment(f"{what[0].upper()}{what[1:]}: {names}.", whole, "", 3.0)
    return [opening, *moments, Moment("All of them together.", whole, "", 2.0)]
