"""The table as a picture: a row for each piece of work, a mark for each system, the limit a bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import NamedTuple

from chainrule.show.measure import width_of
from chainrule.show.scene import Scene
from chainrule.show.svg import element, picture, text
from chainrule.show.ticks import tick_text

ROW, NAMES, RATIO, WIDTH, MARGIN = 34.0, 196.0, 92.0, 960.0, 18.0
LINE = {"style": "stroke: var(--line); stroke-width: 1"}
GAP = {"style": "stroke: var(--soft); stroke-width: 1.5"}
LIMIT = {"style": "stroke: var(--ink); stroke-width: 3"}
# Marks differ in shape as well as in colour: a path around 0, and whether it is filled.
SHAPES = (
    ("M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z", True),
    ("M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z", False),
    ("M-4.5 -4.5H4.5V4.5H-4.5Z", True), ("M-4.5 -4.5H4.5V4.5H-4.5Z", False),
    ("M0 -6L5.5 4.5H-5.5Z", True), ("M0 -6L5.5 4.5H-5.5Z", False), ("M0 -6L6 0L0 6L-6 0Z", True),
    ("M0 -6L6 0L0 6L-6 0Z", False), ("M-4 -4L4 4M-4 4L4 -4", False),
)  # fmt: skip


class Row(NamedTuple):
    """One piece of work: microseconds by system, the limit, and our best over the best peer's."""

    name: str
    seen: Mapping[str, float]
    limit: float
    ratio: float | None


class Plot:
    """Rows on one logarithmic axis. `names` has all systems, so that each keeps its mark."""

    def __init__(self, rows: Sequence[Row], names: Mapping[str, str], ours: Sequence[str]):
        self.rows, self.ours = rows, ours
        self.marks = {s: k for k, s in enumerate(names)}
        self.names = {s: n for s, n in names.items() if any(s in r.seen for r in rows)}
        every = [t for r in rows for t in r.seen.values()]
        every += [r.limit for r in rows if r.limit >= 0.5 * min(r.seen.values())]
        self.low, self.high = decade(min(every)), decade(max(every)) + 1
        self.left, self.right = MARGIN + NAMES, WIDTH - MARGIN - RATIO
        self.keys, self.top = self.legend()

    def x(self, t: float) -> float:
        """Where so many microseconds lie."""
        share = (log10(t) - self.low) / (self.high - self.low)
        return self.left + max(share, 0.0) * (self.right - self.left)

    def legend(self) -> tuple[str, float]:
        """What the marks stand for, in lines above the rows; and where the rows begin."""
        parts, x, y = "", MARGIN, 58.0
        for system, name in [*self.names.items(), ("", "limit of the products alone")]:
            wide = 34 + width_of(name)
            if x + wide > WIDTH - MARGIN:
                x, y = MARGIN, y + 22
            key = self.mark(system, x + 8, y - 4) if system else bar(x + 8, y - 4)
            parts += key + element("text", text(name), x=x + 20, y=y)
            x += wide
        return parts, y + 30

    def mark(self, system: str, x: float, y: float) -> str:
        """The mark of a system."""
        k = self.marks[system]
        shape, filled = SHAPES[k % len(SHAPES)]
        colour = f"var(--s{k % 8})"
        look = f"fill: {colour if filled else 'var(--page)'}; stroke: {colour}; stroke-width: 1.8"
        return element("path", d=shape, transform=f"translate({x:.1f} {y:.1f})", style=look)

    def row(self, k: int) -> str:
        """One piece of work: its name, marks, the gap to the best peer, and the ratio."""
        r, y = self.rows[k], self.top + ROW * (k + 0.5)
        parts = element("line", x1=self.left, x2=self.right, y1=y, y2=y, **LINE)
        parts += element("text", text(r.name), x=self.left - 12, y=y + 4, text_anchor="end")
        best = [
            min((t for s, t in r.seen.items() if (s in self.ours) == own), default=None)
            for own in (True, False)
        ]
        if None not in best:
            a, b = map(self.x, best)
            parts += element("line", x1=a, x2=b, y1=y, y2=y, **GAP)
        if r.limit >= 10.0**self.low:
            parts += bar(self.x(r.limit), y)
        for s in reversed(self.names):  # ours over the others
            if s in r.seen:
                parts += self.mark(s, self.x(r.seen[s]), y)
        told = "no peer" if r.ratio is None else f"{r.ratio:.2f}"
        return parts + element(
            "text", text(told), x=WIDTH - MARGIN, y=y + 4, text_anchor="end", class_="number head"
        )

    def axis(self) -> str:
        """A line at every power of ten, and what it stands for."""
        bottom = self.top + ROW * len(self.rows)
        parts = ""
        for power in range(self.low, self.high + 1):
            x = self.x(10.0**power)
            parts += element("line", x1=x, x2=x, y1=self.top - 4, y2=bottom, **LINE)
            parts += element("text", text(tick_text(10.0**power)), x=x, y=bottom + 18,
                             text_anchor="middle", class_="number")  # fmt: skip
        middle = (self.left + self.right) / 2
        told = "microseconds a step or a pass (logarithmic): further left is faster"
        parts += element("text", text(told), x=middle, y=bottom + 40, text_anchor="middle",
                         class_="soft")  # fmt: skip
        told = "best / best peer"
        return parts + element("text", text(told), x=WIDTH - MARGIN, y=self.top - 8,
                               text_anchor="end", class_="soft")  # fmt: skip

    def scene(self, title: str) -> Scene:
        """The whole picture, and the same in words."""
        head = element("text", text(title), x=MARGIN, y=28, class_="head", style="font-size:16px")
        body = head + self.keys + self.axis() + "".join(map(self.row, range(len(self.rows))))
        told = " ".join(
            f"{r.name}: " + ", ".join(f"{self.names[s]} {t:.3g}" for s, t in r.seen.items())
            + f" µs, limit {r.limit:.3g}." for r in self.rows
        )  # fmt: skip
        height = self.top + ROW * len(self.rows) + 54
        return Scene(title, told, picture("scene", "bench", WIDTH, height, title, told, body))


def bar(x: float, y: float) -> str:
    """The mark of the limit."""
    return element("line", x1=x, x2=x, y1=y - 9, y2=y + 9, **LIMIT)


def decade(t: float) -> int:
    """The power of ten at or below a number.

    >>> decade(0.134), decade(1.0), decade(121857.0)
    (-1, 0, 5)
    """
    return floor(log10(t) + 1e-9)
