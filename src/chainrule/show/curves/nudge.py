"""The chain rule as a nudge: x moves a little, and each value after it moves by its own factor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, log10
from typing import Any

import numpy as np

from ...eager.namespace import tensor
from ...eager.tensor import Tensor
from ...graph.errors import PathError, ScalarError, UsageError
from ...graph.walk import order
from ...ops.family import Elementwise
from ...read.latex import latex, latex_of_locals
from ...read.plain import plain
from ...study.numbers import figure
from ...transform import vjp
from ..measure import width_of
from ..scene import Moment, Scene
from ..svg import clip, element, picture, text
from ..ticks import linear_ticks, tick_text

LETTERS = "uvwpqrst"  # for the values after x
MOST = len(LETTERS)
MARGIN, HEAD, ROW = 24.0, 82.0, 96.0
LEFT, WIDTH, RIGHT = 160.0, 440.0, 200.0  # what a line is, the line itself, how far it moved
SCALES = tuple(m * 10.0**k for k in range(-4, 9) for m in (1, 2, 5))
SMALLER = (0.5, 0.25, 0.05)  # of the first nudge, one after the other


@dataclass(frozen=True, eq=False)
class Step:
    """One value on the way: how it is made of earlier ones, and by which factors it moves."""

    name: str
    formula: str  # "" for x itself
    before: tuple[tuple[int, float, str], ...]  # earlier step, local slope, its formula


@dataclass(frozen=True, eq=False)
class Chain:
    """A function of one number as steps, each a value that the next ones are made of."""

    steps: tuple[Step, ...]
    values: Callable[[float], list[float]]  # of all steps, for an x
    slopes: tuple[float, ...]  # d step / dx


def nudge(
    f: Callable[[Any], Any], x: float, dx: float | None = None, *, ident: str = "nudge"
) -> Scene:
    """The chain rule of `f` at `x` as a scene: a number line for each value on the way.

    A nudge dx moves the first point; every value after it moves by the local slope as often as
    the one before: dx → du → dv. Then the nudge shrinks, and the ratio of last to first comes
    to the product of the slopes. `f` is any function of one number made of the ops; where a
    value is used twice, what it moves adds up.
    Raises: ScalarError, PathError; UsageError for more than 8 steps, or a slope not finite.

    >>> import chainrule as cr
    >>> scene = nudge(lambda x: cr.sin(x**2), 1.5)
    >>> scene.moments[0].words
    'x = 1.5; u = x² = 2.25; v = sin(u) = 0.778.'
    """
    chain = _chain(f, float(x))
    size = 10.0 ** floor(log10(abs(x))) if abs(x) >= 10 else 1.0
    dx = 0.2 * size if dx is None else float(dx)
    if not dx or not np.isfinite(dx):
        raise UsageError(f"pictures.nudge: dx={dx!r}; give a small number that is not 0")
    drawn = Lines(chain, float(x), dx, ident)
    names = " → ".join(f"d{s.name}" for s in chain.steps)
    title = f"A nudge through a chain: {names}"
    told = "Number lines below each other, one for each value on the way. " + _product(chain)
    svg = picture("scene chart", ident, drawn.width, drawn.height, title, told, drawn.still(title))
    return Scene(title, told, svg, tuple(_moments(drawn)))


def _chain(f: Callable[[Any], Any], x: float) -> Chain:
    start = tensor(x, name="x")
    y = f(start)
    if not isinstance(y, Tensor):
        raise PathError("pictures.nudge: the result does not depend on x")
    if y.size != 1:
        raise ScalarError(f"pictures.nudge: the result has the shape {y.shape}; give one number")
    tape = order((y,))
    moving: dict[Tensor, int] = {start: 0}
    for t in tape:
        if t.inputs and any(i in moving for i in t.inputs):
            if t.size != 1:
                raise ScalarError(
                    f"pictures.nudge: {t.op} makes {t.shape} of x; every value on the way must be "
                    "one number"
                )
            moving[t] = len(moving)
    if y not in moving:
        raise PathError("pictures.nudge: the result does not depend on x")
    if len(moving) > MOST + 1:
        raise UsageError(
            f"pictures.nudge: the function takes {len(moving) - 1} steps; at most {MOST} can be "
            "drawn; give a part of it"
        )
    names = ["x", *(t.name or LETTERS[k] for k, t in enumerate(list(moving)[1:]))]
    steps = [Step("x", "", ())]
    for t in list(moving)[1:]:
        steps.append(_step(t, moving, names))
    slopes = [1.0]
    for s in steps[1:]:
        slopes.append(sum(d * slopes[j] for j, d, _ in s.before))
    if not np.all(np.isfinite(slopes)):
        bad = next(s.name for s, d in zip(steps, slopes, strict=True) if not np.isfinite(d))
        raise UsageError(f"pictures.nudge: at x = {x:g} the slope of {bad} is not finite")
    return Chain(tuple(steps), lambda at: _values(f, at, len(moving)), tuple(slopes))


def _values(f: Callable[[Any], Any], x: float, count: int) -> list[float]:
    start = tensor(x, name="x")
    moving = {start: x}
    for t in order((f(start),)):
        if t.inputs and any(i in moving for i in t.inputs):
            moving[t] = t.item()
    if len(moving) != count:
        raise UsageError("pictures.nudge: the nudge makes the function take another path")
    return list(moving.values())


def _step(t: Tensor, moving: dict[Tensor, int], names: list[str]) -> Step:
    """How a value is made of those before it."""
    fresh = {i: tensor(i.item(), name=names[moving[i]]) for i in t.inputs if i in moving}
    again = t.op(*(fresh.get(i, i) for i in t.inputs))
    elementwise = isinstance(t.op, Elementwise)
    said = latex_of_locals(again) if elementwise else [""] * len(t.inputs)
    before = []
    for source, one in fresh.items():

        def part(v: Any, source: Any = source) -> Any:
            return t.op(*(v if i is source else i for i in t.inputs))

        (slope,) = vjp(part, one)[1](np.ones(np.shape(t._value)))
        places = [k for k, i in enumerate(t.inputs) if i is source]
        formula = " + ".join(plain(said[k]) for k in places if said[k])
        before.append((moving[source], float(slope), formula))
    return Step(names[moving[t]], plain(latex(again)), tuple(before))


class Lines:
    """The number lines, and where the points on them are for each nudge."""

    def __init__(self, chain: Chain, x: float, dx: float, ident: str):
        self.chain, self.x, self.dx, self.ident = chain, x, dx, ident
        self.base = chain.values(x)
        moved = [b - a for a, b in zip(self.base, chain.values(x + dx), strict=True)]
        wanted = abs(dx) / 0.2
        self.half = [next(s for s in (*SCALES, abs(m) / 0.7) if s >= wanted * 0.999
                          and s >= abs(m) / 0.88) for m in moved]  # fmt: skip
        self.width = 2 * MARGIN + LEFT + WIDTH + RIGHT
        self.height = HEAD + ROW * len(self.base) + 34

    def y(self, k: int) -> float:
        """How low the k-th line is."""
        return HEAD + ROW * k + 24

    def px(self, k: int, value: float) -> float:
        """Where a value lies on the k-th line."""
        part = (value - self.base[k]) / self.half[k]
        return MARGIN + LEFT + WIDTH * (0.5 + 0.5 * max(-1.05, min(1.05, part)))

    def changes(self, dx: float, upto: int) -> dict[str, dict[str, Any]]:
        """The nudge has come as far as line `upto`."""
        moved = self.chain.values(self.x + dx)
        made: dict[str, dict[str, Any]] = {}
        for k in range(upto + 1):
            a, b, name = self.base[k], moved[k], self.chain.steps[k].name
            x1, x2 = self.px(k, a), self.px(k, b)
            made[f"{self.ident}-moved{k}"] = {"cx": round(x2, 1), "opacity": 1}
            made[f"{self.ident}-span{k}"] = {"d": _span(x1, x2, self.y(k))}
            told = f"d{name} = {_figure(b - a)}"
            made[f"{self.ident}-far{k}"] = {"text": told, "opacity": 1}
            for j, _, _ in self.chain.steps[k].before:
                made[f"{self.ident}-go{j}-{k}"] = {
                    "d": self._way(j, k, self.px(j, moved[j]), x2), "opacity": 1}  # fmt: skip
        return made

    def _way(self, j: int, k: int, x1: float, x2: float) -> str:
        y1, y2 = self.y(j) + 7, self.y(k) - 7
        if k == j + 1:
            return f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
        bulge, middle = 60.0, (y1 + y2) / 2  # past the lines in between
        return (
            f"M{x1:.1f} {y1:.1f}C{x1 + bulge:.1f} {middle:.1f} {x2 + bulge:.1f} {middle:.1f} "
            f"{x2:.1f} {y2:.1f}"
        )

    def still(self, title: str) -> str:
        """The picture before the nudge."""
        head = element("text", text(clip(title, 90)), x=MARGIN, y=30, class_="head",
                       style="font-size:16px")  # fmt: skip
        note = element("text", text(_product(self.chain)), x=MARGIN, y=54, class_="soft")
        ratio = element("text", "", id=f"{self.ident}-ratio", x=self.width - MARGIN,
                        y=self.height - 18, text_anchor="end", class_="head number")  # fmt: skip
        rows = "".join(self._line(k) for k in range(len(self.base)))
        return head + note + rows + ratio

    def _line(self, k: int) -> str:
        step, y, base = self.chain.steps[k], self.y(k), self.base[k]
        left, right, x = MARGIN + LEFT, MARGIN + LEFT + WIDTH, self.px(k, base)
        name = f"{step.name} = {step.formula}" if step.formula else step.name
        parts = [
            element("text", text(_short(name, LEFT - 20)), x=MARGIN, y=y - 2, class_="head"),
            element("text", f"= {_figure(base)}", x=MARGIN, y=y + 15, class_="number value"),
            element("line", x1=left, x2=right, y1=y, y2=y, class_="axis"),
        ]
        if self.half[k] != self.half[0]:
            times = self.half[k] / self.half[0]
            parts.append(element("text", f"drawn {times:g} times smaller", x=right, y=y - 12,
                                 text_anchor="end", class_="small soft"))  # fmt: skip
        for t in linear_ticks(base - self.half[k], base + self.half[k], 5):
            if abs(t - base) <= self.half[k]:
                at = self.px(k, t)
                parts.append(element("line", x1=at, x2=at, y1=y, y2=y + 5, class_="axis"))
                parts.append(element("text", text(tick_text(t)), x=at, y=y + 19,
                                     text_anchor="middle", class_="small soft"))  # fmt: skip
        for j, slope, formula in step.before:
            parts.append(self._factor(j, k, slope, formula))
        mark = f"{self.ident}-{{}}{k}"
        parts += [
            element("path", id=mark.format("span"), d=_span(x, x, y), stroke="var(--weight)",
                    stroke_width=5, fill="none", stroke_linejoin="round"),
            element("circle", cx=x, cy=y, r=5, fill="var(--value)", stroke="var(--card)"),
            element("circle", id=mark.format("moved"), cx=x, cy=y, r=6, fill="var(--weight)",
                    stroke="var(--card)", opacity=0),
            element("text", f"d{step.name}", id=mark.format("far"), x=right + 24, y=y + 4,
                    class_="weight number head", opacity=0),
        ]  # fmt: skip
        return "".join(parts)

    def _factor(self, j: int, k: int, slope: float, formula: str) -> str:
        steps = self.chain.steps
        way = self._way(j, k, self.px(j, self.base[j]), self.px(k, self.base[k]))
        base = element("path", d=way, fill="none", stroke="var(--value)", opacity=0.5)
        moves = element("path", id=f"{self.ident}-go{j}-{k}", d=way, fill="none",
                        stroke="var(--weight)", stroke_dasharray="5 3", opacity=0)  # fmt: skip
        place = [i for i, _, _ in steps[k].before].index(j)
        y = self.y(k) - ROW / 2 - 4 + 16 * place
        said = f"d{steps[k].name}/d{steps[j].name} = "
        value = _figure(slope)
        if formula and formula.lstrip("-−") != value.lstrip("-−"):
            said += f"{_short(formula, RIGHT - 70)} = "
        return base + moves + element("text", text(said + value), x=MARGIN + LEFT + WIDTH + 24, y=y,
                                      class_="local number")  # fmt: skip


def _span(x1: float, x2: float, y: float) -> str:
    return f"M{x1:.1f} {y:.1f}L{x2:.1f} {y:.1f}"


def _short(words: str, width: float) -> str:
    size = len(words)
    while size > 2 and width_of(words, 12, True) > width:
        size -= 1
        words = clip(words, size)
    return words


def _figure(x: float) -> str:
    return figure(x, 3)


def _product(chain: Chain) -> str:
    """The chain rule of the whole chain, with its numbers."""
    last, total = chain.steps[-1].name, _figure(chain.slopes[-1])
    if all(len(s.before) == 1 and s.before[0][0] == k for k, s in enumerate(chain.steps[1:])):
        backwards = list(enumerate(chain.steps))[:0:-1]
        names = " · ".join(f"d{s.name}/d{chain.steps[k - 1].name}" for k, s in backwards)
        numbers = " · ".join(_bracketed(s.before[0][1]) for _, s in backwards)
        if len(chain.steps) == 2:
            return f"dv/dx = {total}".replace("dv", f"d{last}")
        return f"d{last}/dx = {names} = {numbers} = {total}"
    return f"d{last}/dx = {total}: along each way the slopes are multiplied, and the ways add up"


def _bracketed(x: float) -> str:
    return f"({_figure(x)})" if x < 0 else _figure(x)


def _moments(drawn: Lines) -> list[Moment]:
    chain, dx, ident = drawn.chain, drawn.dx, drawn.ident
    told = "; ".join(
        f"{s.name} = {s.formula} = {_figure(v)}" if s.formula else f"{s.name} = {_figure(v)}"
        for s, v in zip(chain.steps, drawn.base, strict=True)
    )
    moments = [Moment(f"{told}.", {}, "values", 2.0)]
    moved = chain.values(drawn.x + dx)
    for k, step in enumerate(chain.steps):
        d = [b - a for a, b in zip(drawn.base, moved, strict=True)]
        made = drawn.changes(dx, k)
        mine = {i: c for i, c in made.items() if i.endswith(f"{k}")}
        if not k:
            words = f"x is nudged by dx = {_figure(dx)}."
        else:
            parts = " + ".join(f"{_bracketed(s)} · {_bracketed(d[j])}" for j, s, _ in step.before)
            about = sum(s * d[j] for j, s, _ in step.before)
            words = (
                f"{step.name} moves by d{step.name} = {_figure(d[k])}. Its slope says about "
                f"{parts} = {_figure(about)}."
            )
        moments.append(Moment(words, mine, "nudge", 1.8))
    last = chain.steps[-1].name
    limit = "the sum over all ways" if _branched(chain) else "the product of the slopes"
    for share in (1.0, *SMALLER):
        small = dx * share
        found = (chain.values(drawn.x + small)[-1] - drawn.base[-1]) / small
        ratio = {f"{ident}-ratio": {"text": f"d{last}/dx ≈ {_figure(found)}"}}
        words = (
            f"With dx = {_figure(small)}, d{last}/dx is {_figure(found)}; the smaller the nudge, "
            f"the nearer to {_figure(chain.slopes[-1])}, {limit}."
        )
        changes = drawn.changes(small, len(chain.steps) - 1) if share < 1 else {}
        moments.append(Moment(words, {**changes, **ratio}, "smaller and smaller", 1.8))
    return moments


def _branched(chain: Chain) -> bool:
    return any(len(s.before) > 1 for s in chain.steps)
