"""Line charts as SVG: round ticks, a legend that has its own place, and words for every picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log10
from typing import Any

from .svg import DASHES, LIGHT, clip, element, picture, text
from .ticks import linear_ticks, log_ticks, tick_text

CHARACTER = 6.6  # the mean width of one, in the size that charts are labelled with
LEFT, RIGHT, BOTTOM, HEAD, ROW = 62.0, 18.0, 44.0, 30.0, 20.0


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
    log: bool

    def x(self, value: float) -> float:
        """Where a value of the horizontal axis lies."""
        low, high = self.xticks[0], self.xticks[-1]
        return self.left + self.width * (value - low) / (high - low)

    def y(self, value: float) -> float:
        """Where a value of the vertical axis lies."""
        low, high = self.yticks[0], self.yticks[-1]
        if self.log:
            low, high, value = log10(low), log10(high), log10(value)
        return self.top + self.height * (1 - (value - low) / (high - low))


def chart(
    title: str, series: Sequence[Series], x_label: str, y_label: str, ident: str,
    log: bool = False, width: float = 520, height: float = 320,
) -> str:  # fmt: skip
    """A line chart of these series, as SVG text.

    >>> svg = chart("Loss", [Series("training", [1, 2, 3], [3, 2, 1])], "epoch", "loss", "loss")
    >>> svg.startswith("<svg") and "training" in svg
    True
    """
    legend, rows = _legend(series, width)
    top = HEAD + ROW * rows + 24
    frame = _frame(series, log, top, width, height)
    curves = "".join(_curve(s, k, frame) for k, s in enumerate(series))
    body = (
        element("text", text(clip(title, 70)), x=0, y=16, font_weight=600, style="font-size:14px")
        + legend + _axes(frame, x_label, y_label, top) + curves
    )  # fmt: skip
    return picture("chart", ident, width, height, title, describe(series, y_label, log), body)


def _points(series: Series, log: bool) -> list[tuple[float, float]]:
    return [
        (x, y) for x, y in zip(series.xs, series.ys, strict=True)
        if y is not None and isfinite(y) and (y > 0 or not log)
    ]  # fmt: skip


def _frame(series: Sequence[Series], log: bool, top: float, width: float, height: float) -> Frame:
    points = [p for s in series for p in _points(s, log)] or [(0.0, 1.0)]
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    yticks = log_ticks(min(ys), max(ys)) if log else linear_ticks(min(ys), max(ys))
    low, high = min(xs), max(xs)
    if low == high:
        low, high = low - 1, high + 1
    inner = [t for t in linear_ticks(low, high, 7) if low < t < high and t == int(t)]
    gap = (high - low) / 14  # a tick this near an end would run into its label
    xticks = [low, *(t for t in inner if t - low > gap and high - t > gap), high]
    size = (width - LEFT - RIGHT, height - top - BOTTOM)
    return Frame(LEFT, top, *size, xticks, yticks, log)


def _axes(frame: Frame, x_label: str, y_label: str, top: float) -> str:
    right, bottom = frame.left + frame.width, frame.top + frame.height
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
    parts.append(
        element("text", text(x_label), x=middle, y=bottom + 37, text_anchor="middle", class_="soft")
    )
    kind = f"{y_label} (logarithmic)" if frame.log else y_label
    parts.append(element("text", text(kind), x=0, y=top - 16, class_="soft"))
    return "".join(parts)


def _legend(series: Sequence[Series], width: float) -> tuple[str, int]:
    """A row above the plot, or several: it never lies over a curve."""
    parts, x, row = [], 0.0, 0
    for k, s in enumerate(series):
        label = clip(s.name, 40)
        wide = 40 + CHARACTER * len(label)
        if x and x + wide > width:
            x, row = 0.0, row + 1
        y = HEAD + ROW * row + 6
        parts.append(element("line", x1=x, x2=x + 26, y1=y - 4, y2=y - 4, **_ink(k)))
        parts.append(element("text", text(label), x=x + 32, y=y))
        x += wide + 12
    return "".join(parts), row + 1


def _ink(k: int) -> dict[str, Any]:
    return {
        "class_": "curve",
        "stroke": f"var(--s{k % len(LIGHT)})",
        "stroke_dasharray": DASHES[k % len(DASHES)] or None,
    }


def _curve(series: Series, k: int, frame: Frame) -> str:
    pieces: list[list[str]] = [[]]
    shown = set(_points(series, frame.log))
    for x, y in zip(series.xs, series.ys, strict=True):
        if y is not None and (x, y) in shown:
            pieces[-1].append(f"{frame.x(x):.1f} {frame.y(y):.1f}")
        elif pieces[-1]:
            pieces.append([])
    lines = [p for p in pieces if p]
    path = "".join(f"M{' L'.join(p if len(p) > 1 else p * 2)}" for p in lines)
    return element("path", d=path, **_ink(k)) if path else ""


def describe(series: Sequence[Series], what: str, log: bool = False) -> str:
    """What the curves do, in words.

    >>> describe([Series("training", [1, 2, 3], [3.0, 1.0, 2.0])], "loss")
    'training: loss from 3 to 2, lowest 1 at 2, highest 3 at 1.'
    """
    told = []
    for s in series:
        points = _points(s, log)
        gone = len(s.ys) - len(points)
        gap = f", {gone} values cannot be shown" if gone else ""
        if not points:
            told.append(f"{s.name}: no {what} that can be shown.")
            continue
        low, high = min(points, key=lambda p: p[1]), max(points, key=lambda p: p[1])
        told.append(
            f"{s.name}: {what} from {points[0][1]:.3g} to {points[-1][1]:.3g}, "
            f"lowest {low[1]:.3g} at {low[0]:g}, highest {high[1]:.3g} at {high[0]:g}{gap}."
        )
    return " ".join(told)
