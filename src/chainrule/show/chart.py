"""Line charts as SVG: round ticks, a legend that has its own place, and words for every picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log10
from typing import Any

from ..study.numbers import figure
from .measure import width_of
from .svg import DASHES, LIGHT, clip, element, picture, text
from .ticks import linear_ticks, log_ticks, tick_text

LEFT, RIGHT, BOTTOM, HEAD, ROW = 62.0, 18.0, 44.0, 30.0, 20.0
FEW = 40  # values of a curve that are drawn as points too


@dataclass(frozen=True)
class Series:
    """One curve. What is not finite, or not above 0 on a logarithmic axis, is a gap."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float | None]


@dataclass(frozen=True)
class Frame:
    """From data to the picture: the corners of the plot, and the axes' ticks."""

    left: float
    top: float
    width: float
    height: float
    xticks: Sequence[float]
    yticks: Sequence[float]
    log: bool = False
    log_x: bool = False

    @property
    def right(self) -> float:
        """The right border."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower border."""
        return self.top + self.height

    @property
    def box(self) -> dict[str, Any]:
        """The attributes of a rectangle in its place."""
        return {"x": self.left, "y": self.top, "width": self.width, "height": self.height}

    def x(self, value: float) -> float:
        """Where a value of the horizontal axis lies."""
        return self.left + self.width * _share(value, self.xticks, self.log_x)

    def y(self, value: float) -> float:
        """Where a value of the vertical axis lies."""
        return self.top + self.height * (1 - _share(value, self.yticks, self.log))


def _share(value: float, ticks: Sequence[float], log: bool) -> float:
    low, high = ticks[0], ticks[-1]
    if log:
        low, high, value = log10(low), log10(high), log10(value)
    return (value - low) / (high - low)


def chart(
    title: str, series: Sequence[Series], x_label: str, y_label: str, ident: str,
    log: bool = False, width: float = 520, height: float = 320, log_x: bool = False,
) -> str:  # fmt: skip
    """A line chart of these series, as SVG text.

    >>> svg = chart("Loss", [Series("training", [1, 2, 3], [3, 2, 1])], "epoch", "loss", "loss")
    >>> svg.startswith("<svg") and "training" in svg
    True
    """
    keys, rows = legend(series, 0, HEAD + 6, width)
    top = HEAD + ROW * rows + 24
    box = (LEFT, top, width - LEFT - RIGHT, height - top - BOTTOM)
    frame = fitted(series, box, log, log_x)
    body = (
        element("text", text(clip(title, 70)), x=0, y=16, font_weight=600, style="font-size:14px")
        + keys + axes(frame, x_label, y_label) + curves(series, frame)
    )  # fmt: skip
    told = describe(series, y_label, log)
    return picture("chart", ident, width, height, title, told, body)


def _points(series: Series, log: bool, log_x: bool = False) -> list[tuple[float, float]]:
    return [
        (x, y) for x, y in zip(series.xs, series.ys, strict=True)
        if y is not None and isfinite(y) and (y > 0 or not log) and (x > 0 or not log_x)
    ]  # fmt: skip


def fitted(
    series: Sequence[Series],
    box: tuple[float, float, float, float],
    log: bool = False,
    log_x: bool = False,
) -> Frame:
    """A frame in this box (left, top, width, height) that shows all of these series."""
    points = [p for s in series for p in _points(s, log, log_x)] or [(1.0, 1.0)]
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    yticks = log_ticks(min(ys), max(ys)) if log else linear_ticks(min(ys), max(ys))
    low, high = min(xs), max(xs)
    if log_x:
        return Frame(*box, log_ticks(low, high), yticks, log, log_x)
    if low == high:
        low, high = low - 1, high + 1
    inner = [t for t in linear_ticks(low, high, 7) if low < t < high and t == int(t)]
    gap = (high - low) / 14  # a tick this near an end would run into its label
    xticks = [low, *(t for t in inner if t - low > gap and high - t > gap), high]
    return Frame(*box, xticks, yticks, log)


def axes(frame: Frame, x_label: str, y_label: str) -> str:
    """Grid lines, ticks and the names of the axes; the vertical one's above the plot."""
    right, bottom = frame.right, frame.bottom
    parts = []
    for t in frame.yticks:
        y = frame.y(t)
        parts.append(element("line", x1=frame.left, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(
            element("text", text(tick_text(t)), x=frame.left - 8, y=y + 4, text_anchor="end")
        )
    for t in frame.xticks:
        x = frame.x(t)
        parts.append(element("line", x1=x, x2=x, y1=bottom, y2=bottom + 5, class_="axis"))
        parts.append(element("text", text(tick_text(t)), x=x, y=bottom + 19, text_anchor="middle"))
    parts.append(element("line", x1=frame.left, x2=right, y1=bottom, y2=bottom, class_="axis"))
    middle = frame.left + frame.width / 2
    told = f"{x_label} (logarithmic)" if frame.log_x else x_label
    if x_label:
        parts.append(element("text", text(told), x=middle, y=bottom + 37, text_anchor="middle",
                             class_="soft"))  # fmt: skip
    told = f"{y_label} (logarithmic)" if frame.log else y_label
    left = frame.left - LEFT
    if y_label:
        parts.append(element("text", text(told), x=left, y=frame.top - 16, class_="soft"))
    return "".join(parts)


def legend(
    series: Sequence[Series], left: float, top: float, width: float, inks: Sequence[int] = ()
) -> tuple[str, int]:
    """The curves' names in a row, or several, and how many: they never lie over a curve.

    `inks` are the curves' numbers in the tables of colours and dashes, else 0, 1, 2, ...
    """
    parts, x, row = [], 0.0, 0
    for k, s in zip(inks or range(len(series)), series, strict=False):
        label = clip(s.name, 40)
        wide = 40 + width_of(label)
        if x and x + wide > width:
            x, row = 0.0, row + 1
        y = top + ROW * row
        parts.append(element("line", x1=left + x, x2=left + x + 26, y1=y - 4, y2=y - 4, **ink(k)))
        parts.append(element("text", text(label), x=left + x + 32, y=y))
        x += wide + 12
    return "".join(parts), row + 1


def ink(k: int) -> dict[str, Any]:
    """The colour and the dashes of the k-th curve."""
    return {
        "class_": "curve",
        "stroke": f"var(--s{k % len(LIGHT)})",
        "stroke_dasharray": DASHES[k % len(DASHES)] or None,
    }


def curves(series: Sequence[Series], frame: Frame) -> str:
    """All curves, each with its own colour and dashes."""
    paths = (path(s, frame) for s in series)
    return "".join(element("path", d=d, **ink(k)) for k, d in enumerate(paths) if d)


def dots(series: Series, frame: Frame, k: int) -> str:
    """The values of the k-th curve as points, where they are few."""
    points = _points(series, frame.log, frame.log_x)
    return "".join(
        element("circle", cx=frame.x(x), cy=frame.y(y), r=2.6, fill=f"var(--s{k % len(LIGHT)})")
        for x, y in points if len(points) <= FEW
    )  # fmt: skip


def path(series: Series, frame: Frame) -> str:
    """A curve as the data of an SVG path, with its gaps."""
    pieces: list[list[str]] = [[]]
    shown = set(_points(series, frame.log, frame.log_x))
    for x, y in zip(series.xs, series.ys, strict=True):
        if y is not None and (x, y) in shown:
            pieces[-1].append(f"{frame.x(x):.1f} {frame.y(y):.1f}")
        elif pieces[-1]:
            pieces.append([])
    lines = [p for p in pieces if p]
    return "".join(f"M{' L'.join(p if len(p) > 1 else p * 2)}" for p in lines)


def describe(series: Sequence[Series], what: str, log: bool = False) -> str:
    """What the curves do, in words.

    >>> describe([Series("training", [1, 2, 3], [3.0, 1.0, 2.0])], "loss")
    'training: loss from 3 to 2, lowest 1 at 2, highest 3 at 1.'
    >>> describe([Series("training", [1, 2], [3.0, 3.0])], "loss")
    'training: loss 3 throughout.'
    """
    told = []
    for s in series:
        points = _points(s, log)
        gone = len(s.ys) - len(points)
        gap = f", {gone} value{'s' * (gone > 1)} cannot be shown" if gone else ""
        if not points:
            told.append(f"{s.name}: no {what} that can be shown.")
            continue
        low, high = min(points, key=lambda p: p[1]), max(points, key=lambda p: p[1])
        if low[1] == high[1]:
            where = "throughout" if len(points) > 1 else f"at {figure(low[0])}"
            told.append(f"{s.name}: {what} {figure(low[1], 3)} {where}{gap}.")
            continue
        told.append(
            f"{s.name}: {what} from {figure(points[0][1], 3)} to {figure(points[-1][1], 3)}, "
            f"lowest {figure(low[1], 3)} at {figure(low[0])}, highest {figure(high[1], 3)} at "
            f"{figure(high[0])}{gap}."
        )
    return " ".join(told)
