"""Matrices drawn as grids of cells with numbers, and lines of them that read like equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..measure import width_of
from ..svg import element, text
from .notation import celled, sized

WIDE, HIGH, DOTS = 48.0, 24.0, 22.0  # a cell, and the strip that stands for those left out
UNDER = 34.0  # room for the name and the shape below
SPACE = 9.0  # between the things in a line
MOST = 6  # rows and columns that are drawn; of more, the first and the last

Changes = dict[str, dict[str, Any]]


def kept(n: int, most: int, also: int | None = None) -> list[int | None]:
    """Which of `n` are drawn, `also` among them; None stands for those left out.

    >>> kept(3, 6), kept(784, 4), kept(784, 4, 300)
    ([0, 1, 2], [0, 1, None, 783], [0, None, 300, None, 783])
    """
    if n <= most:
        return list(range(n))
    last = max(1, (most - 1) // 3)
    first = list(range(most - 1 - last))
    if also is None or also in first or also >= n - last:
        return [*first, None, *range(n - last, n)]
    first = first[:-1] or first
    places = sorted({*first, also, *range(n - last, n)})
    made: list[int | None] = []
    for i, before in zip(places, [-1, *places], strict=False):
        made += [i] if i == before + 1 else [None, i]
    return made


@dataclass(eq=False)
class Grid:
    """A matrix as cells. Its marks: the whole, its frame, and of a cell box and number."""

    ident: str
    values: np.ndarray
    name: str
    kind: str  # the ink: value, grad, local, weight, input, delta
    before: str = ""  # the sign that stands to its left, and comes with it
    most: int = MOST
    also: tuple[int, int] | None = None  # of so many, this one is always drawn
    soft: bool = False
    whole: bool = False  # the numbers are counts or labels: no tint
    x: float = 0.0
    y: float = 0.0
    rows: list[int | None] = field(init=False)
    cols: list[int | None] = field(init=False)

    def __post_init__(self) -> None:
        self.rows, self.cols = (self._kept(n) for n in self.values.shape)

    def _kept(self, n: int) -> list[int | None]:
        also = self.also[1] if self.also is not None and self.also[0] == n else None
        return kept(n, self.most, also)

    @property
    def width(self) -> float:
        return sum(DOTS if j is None else WIDE for j in self.cols)

    @property
    def room(self) -> float:
        """The width of the cells, or of the name below if that is wider."""
        return max(self.width, width_of(self.name, 12.0, bold=True), width_of(self.shape, 10.0))

    @property
    def height(self) -> float:
        return sum(DOTS if i is None else HIGH for i in self.rows)

    @property
    def shape(self) -> str:
        return sized(self.values.shape)

    @property
    def lead(self) -> float:
        """The room that the sign before it takes."""
        return width_of(self.before, 14.0) + SPACE if self.before else 0.0

    def cell(self, i: int, j: int) -> str:
        """The mark of one cell."""
        return f"{self.ident}-{i}-{j}"

    def drawn(self) -> list[tuple[int, int]]:
        """The places of the cells that are drawn."""
        return [(i, j) for i in self.rows for j in self.cols if i is not None and j is not None]

    def corner(self, i: int, j: int) -> tuple[float, float]:
        """Where a drawn cell begins."""
        x, y = self.x, self.y
        for c in self.cols[: self.cols.index(j)]:
            x += DOTS if c is None else WIDE
        for r in self.rows[: self.rows.index(i)]:
            y += DOTS if r is None else HIGH
        return x, y

    def svg(self, start: Grid | None = None, cells: Changes | None = None) -> str:
        """The grid, unseen as yet; `start` is where it flies in from, `cells` how cells begin."""
        move = "translate(0 0)" if start is None else shift(start.x - self.x, start.y - self.y)
        body = "".join(self._cell(i, j, cells or {}) for i, j in self.drawn()) + self._dots()
        middle = self.x + self.width / 2
        below = self.y + self.height
        labels = element(
            "text", text(self.name), x=middle, y=below + 15, text_anchor="middle",
            class_=f"head {self.kind}",
        ) + element("text", self.shape, x=middle, y=below + 28, text_anchor="middle",
                    class_="soft small")  # fmt: skip
        frame = element(
            "rect", x=self.x - 2, y=self.y - 2, width=self.width + 4, height=self.height + 4,
            rx=3, fill="none", class_="lit", opacity=0, id=f"{self.ident}-frame",
        )  # fmt: skip
        made = element("g", body + labels + frame, id=self.ident, transform=move, opacity=0)
        return made + self._sign()

    def _sign(self) -> str:
        if not self.before:
            return ""
        return element(
            "text", text(self.before), x=self.x - self._aside - SPACE,
            y=self.y + self.height / 2 + 5, text_anchor="end", class_="sign",
            id=f"{self.ident}-sign", opacity=0,
        )  # fmt: skip

    @property
    def _aside(self) -> float:
        return (self.room - self.width) / 2

    def _cell(self, i: int, j: int, begin: Changes) -> str:
        x, y = self.corner(i, j)
        v = self.values[i, j]
        said = celled(v)
        box = element(
            "rect", x=x, y=y, width=WIDE, height=HIGH, class_=f"cell fill-{self.kind} "
            f"line-{self.kind}", fill_opacity=self.tint(v), id=f"{self.cell(i, j)}-box",
            stroke_dasharray="2 2" if self.soft else None,
        )  # fmt: skip
        told = element(
            "text", text(said), x=x + WIDE / 2, y=y + HIGH / 2 + 4, text_anchor="middle",
            class_="number cellular", id=f"{self.cell(i, j)}-text",
        )  # fmt: skip
        first = {"transform": "translate(0 0)", "opacity": 1, **begin.get(self.cell(i, j), {})}
        return element("g", box + told, id=self.cell(i, j), **first)

    def _dots(self) -> str:
        made, y = "", self.y
        for i in self.rows:
            x, high = self.x, DOTS if i is None else HIGH
            for j in self.cols:
                wide = DOTS if j is None else WIDE
                if i is None or j is None:
                    sign = "⋱" if i is None and j is None else "⋮" if i is None else "⋯"
                    made += element("text", sign, x=x + wide / 2, y=y + high / 2 + 4,
                                    text_anchor="middle", class_="soft")  # fmt: skip
                x += wide
            y += high
        return made

    def tint(self, v: float) -> float:
        """How dark a cell is: the larger its number beside the others, the darker."""
        if self.whole:
            return 0.06
        sizes = np.abs(self.values[np.isfinite(self.values)])
        top = float(sizes.max(initial=0.0))
        part = min(1.0, abs(float(v)) / top) if top and np.isfinite(v) else 0.0
        return round(0.04 + 0.2 * part, 3)

    def show(self) -> Changes:
        """It appears, at its place."""
        made: Changes = {self.ident: {"opacity": 1, "transform": "translate(0 0)"}}
        if self.before:
            made[f"{self.ident}-sign"] = {"opacity": 1}
        return made

    def lit(self, on: bool = True) -> Changes:
        """A frame around it, or none."""
        return {f"{self.ident}-frame": {"opacity": int(on)}}

    def become(self, values: np.ndarray) -> Changes:
        """Other numbers in the same cells."""
        self.values = values
        made: Changes = {}
        for i, j in self.drawn():
            made[f"{self.cell(i, j)}-text"] = {"text": celled(values[i, j])}
            made[f"{self.cell(i, j)}-box"] = {"fill-opacity": self.tint(values[i, j])}
        return made


def shift(dx: float, dy: float) -> str:
    """A transform that moves by so much."""
    return f"translate({dx:.1f} {dy:.1f})"


@dataclass(eq=False)
class Line:
    """Grids side by side on one middle line; a tuple of grids stands one below the other."""

    parts: Sequence[Grid | tuple[Grid, ...]]

    @property
    def grids(self) -> list[Grid]:
        return [g for p in self.parts for g in (p if isinstance(p, tuple) else (p,))]

    @property
    def width(self) -> float:
        each = [_lead(p) + _room(p) for p in self.parts]
        return sum(each) + SPACE * (len(each) - 1)

    @property
    def height(self) -> float:
        """The cells of the highest, and what stands below them."""
        return max(_height(p) for p in self.parts) + UNDER

    def place(self, x: float, y: float) -> None:
        """Put the line with its top left corner at x, y."""
        middle = y + (self.height - UNDER) / 2
        for part in self.parts:
            x += _lead(part)
            room, top = _room(part), middle - _height(part) / 2
            for g in part if isinstance(part, tuple) else (part,):
                g.x, g.y = x + (room - g.width) / 2, top
                top += g.height + UNDER
            x += room + SPACE


def _room(part: Grid | tuple[Grid, ...]) -> float:
    return max(g.room for g in part) if isinstance(part, tuple) else part.room


def _lead(part: Grid | tuple[Grid, ...]) -> float:
    return max(g.lead for g in part) if isinstance(part, tuple) else part.lead


def _height(part: Grid | tuple[Grid, ...]) -> float:
    if isinstance(part, tuple):
        return sum(g.height for g in part) + UNDER * (len(part) - 1)
    return part.height
