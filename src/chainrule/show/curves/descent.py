"""Gradient descent on a surface of two numbers: the landscape, and the way down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...eager.namespace import tensor
from ...graph.errors import ScalarError, UsageError
from ...study.numbers import figure
from ...transform import value_and_grad
from ..chart import Frame, axes
from ..scene import Moment, Scene
from ..svg import element, picture, text
from ..ticks import linear_ticks
from ..training.contour import contour, path, simplified
from ..training.image import levels

MARGIN, HEAD, SIDE, FOOT = 24.0, 88.0, 400.0, 58.0
GRID, LEVELS = 60, 9
MOST = 200  # steps


def descent(
    f: Callable[[Any, Any], Any], start: Sequence[float], *, lr: float = 0.1, steps: int = 20,
    names: Sequence[str] = ("w₁", "w₂"), low: Sequence[float] = (), high: Sequence[float] = (),
    ident: str = "descent",
) -> Scene:  # fmt: skip
    """Gradient descent on `f` of two numbers from `start`, one moment for each step.

    Lines join places of equal height, and the way down crosses them at right angles. `low` and
    `high` are the corners of what is shown, by default around the way. Gradients are the
    engine's.
    Raises: ScalarError where `f` returns no single number; UsageError.

    >>> scene = descent(lambda a, b: (a - 1) ** 2 + 3 * b**2, (-1.0, 1.0), steps=3)
    >>> scene.moments[1].words[:57]
    'Step 1: the gradient is (−4, 6); minus 0.1 times that is '
    """
    if len(start) != 2 or not 1 <= steps <= MOST:
        raise UsageError(
            f"pictures.descent: start={start!r}, steps={steps!r}; give two numbers, and 1 to "
            f"{MOST} steps"
        )
    way = _walk(f, np.asarray(start, float), lr, steps)
    frame = _frame(np.array([p for p, _, _ in way]), low, high)
    pixels = [(frame.x(p[0]), frame.y(p[1])) for p, _, _ in way]
    title = "Gradient descent"
    told = (
        f"The height of a function of two numbers, the bluer the higher, and the way of "
        f"{len(way) - 1} steps downhill, from {figure(way[0][1], 4)} to {figure(way[-1][1], 4)}."
    )
    body = element("text", title, x=MARGIN, y=30, class_="head", style="font-size:16px")
    body += element("text", "", id=f"{ident}-now", x=MARGIN, y=54, class_="soft number")
    body += axes(frame, names[0], "") + _surface(f, frame, ident)
    body += element("text", text(names[1]), x=MARGIN, y=HEAD - 12, class_="soft")
    body += element("path", id=f"{ident}-way", d=_line(pixels, 0), fill="none",
                    stroke="var(--weight)", stroke_width=2.2, stroke_linejoin="round")  # fmt: skip
    x, y = pixels[0]
    body += element("circle", id=f"{ident}-point", cx=x, cy=y, r=6.5, fill="var(--weight)",
                    stroke="var(--card)", stroke_width=1.5)  # fmt: skip
    size = (frame.right + MARGIN, frame.bottom + FOOT)
    svg = picture("scene chart", ident, *size, title, told, body)
    return Scene(title, told, svg, tuple(_moments(way, pixels, lr, ident)))


Place = tuple[np.ndarray, float, np.ndarray]  # where, how high, the gradient


def _walk(f: Callable[[Any, Any], Any], at: np.ndarray, lr: float, steps: int) -> list[Place]:
    slope = value_and_grad(f, argnums=(0, 1))
    way: list[Place] = []
    for _ in range(steps + 1):
        value, gradient = slope(*(tensor(v) for v in at))
        g = np.array([float(np.asarray(v)) for v in gradient])
        way.append((at, float(value), g))
        at = at - lr * g
        if not np.all(np.isfinite(at)):
            break
    return way


def _frame(way: np.ndarray, low: Sequence[float], high: Sequence[float]) -> Frame:
    first, last = way.min(axis=0), way.max(axis=0)
    size = max(float((last - first).max()), 0.5)
    middle = (first + last) / 2
    a = np.asarray(low, float) if len(low) else middle - 0.75 * size
    b = np.asarray(high, float) if len(high) else middle + 0.75 * size
    across, up = (linear_ticks(a[k], b[k]) for k in (0, 1))
    return Frame(MARGIN + 40, HEAD, SIDE, SIDE, across, up)


def _surface(f: Callable[[Any, Any], Any], frame: Frame, ident: str) -> str:
    xs = np.linspace(frame.xticks[0], frame.xticks[-1], GRID + 1)
    ys = np.linspace(frame.yticks[-1], frame.yticks[0], GRID + 1)
    with np.errstate(all="ignore"):
        high = np.array([[float(np.asarray(f(x, y))) for x in xs] for y in ys])
    if not np.isfinite(high).any():
        raise ScalarError("pictures.descent: the function is not finite anywhere here")
    order = np.quantile(high[np.isfinite(high)], np.linspace(0, 1, LEVELS + 2))
    field = np.interp(high, *_distinct(order))
    step = SIDE / GRID
    lines = [
        simplified(line * step + [frame.left, frame.top], 0.3)
        for level in order[1:-1] for line in contour(high, level)
    ]  # fmt: skip
    middles = (field[1:, 1:] + field[:-1, :-1] + field[1:, :-1] + field[:-1, 1:]) / 4
    clip = f"{ident}-clip"
    return element("clipPath", element("rect", **frame.box), id=clip) + element("g", (
        element("rect", **frame.box, fill="var(--card)")
        + element("image", href=levels(middles), preserveAspectRatio="none", **frame.box)
        + element("path", d=path(lines), fill="none", stroke="var(--soft)", opacity=0.6)
    ), clip_path=f"url(#{clip})")  # fmt: skip


def _distinct(heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heights and their ranks from 0 to 1, each height once."""
    kept = np.unique(heights)
    return kept, np.linspace(0, 1, len(kept))


def _line(pixels: Sequence[tuple[float, float]], upto: int) -> str:
    # All points are there from the start, gathered where the way has come to: so it can grow.
    shown = [pixels[min(k, upto)] for k in range(len(pixels))]
    return "M" + " ".join(f"{x:.1f} {y:.1f}" for x, y in shown)


def _moments(way: list[Place], pixels: list, lr: float, ident: str) -> list[Moment]:
    at, value, _ = way[0]
    height = f"height {figure(value, 4)}"
    moments = [Moment(f"Start at {_pair(at)}, at {height}.",
                      {f"{ident}-now": {"text": height}}, "start", 1.6)]  # fmt: skip
    for k, (at, value, _) in enumerate(way[1:], 1):
        before, g = way[k - 1][0], way[k - 1][2]
        words = (
            f"Step {k}: the gradient is {_pair(g)}; minus {lr:g} times that is "
            f"{_pair(at - before)}. The height is now {figure(value, 4)}."
        )
        x, y = pixels[k]
        moments.append(Moment(words, {
            f"{ident}-point": {"cx": round(x, 1), "cy": round(y, 1)},
            f"{ident}-way": {"d": _line(pixels, k)},
            f"{ident}-now": {"text": f"step {k} · {_pair(at)} · height {figure(value, 4)}"},
        }, "descent", 0.9))  # fmt: skip
    return moments


def _pair(v: np.ndarray) -> str:
    return f"({figure(v[0], 4)}, {figure(v[1], 4)})"
