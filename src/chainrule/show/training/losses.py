"""The panel of the loss: its curve over the epochs, and a point that runs along it."""

from __future__ import annotations

from math import isfinite
from typing import Any

from ..chart import LEFT, Series, axes, curves, fitted, legend
from ..svg import element
from .film import Changes, Film, Seen

BOTTOM = 44.0
WIDE = 30  # a loss that falls by so much is drawn on a logarithmic axis


class Losses:
    """The loss of every epoch; that on held-out data too, where there is one."""

    def __init__(self, film: Film, x: float, y: float, width: float, height: float):
        self.film, self.x, self.y, self.width, self.height = film, x, y, width, height
        rows = film.recording.rows
        epochs = [row["epoch"] for row in rows]
        named = (("training loss", "loss"), ("held-out loss", "val_loss"))
        every = [Series(told, epochs, [row.get(key) for row in rows]) for told, key in named]
        self.series = [s for s in every if any(v is not None for v in s.ys)]
        shown = [v for s in self.series for v in s.ys if v is not None and isfinite(v)]
        log = bool(shown) and min(shown) > 0 and max(shown) > WIDE * min(shown)
        box = (x + LEFT, y + 42, width - LEFT, height - 42 - BOTTOM)
        self.frame = fitted(self.series, box, log)

    def changes(self, seen: Seen) -> Changes:
        """Where the point is."""
        row = seen.snapshot.row
        if not _good(row["loss"]) or (self.frame.log and row["loss"] <= 0):
            return {self.film.name("loss-point"): {"opacity": 0}}
        at = {"cx": round(self.frame.x(row["epoch"]), 1), "cy": round(self.frame.y(row["loss"]), 1)}
        return {self.film.name("loss-point"): {**at, "opacity": 1}}

    def body(self, now: Changes) -> str:
        """The panel as it is now."""
        keys, _ = legend(self.series, self.x + 160, self.y + 26, self.width - 160)
        return element("g", "".join((
            keys, axes(self.frame, "epoch", "loss"), curves(self.series, self.frame),
            self.film.mark("circle", "loss-point", now, r=5.5, fill="var(--s1)",
                           stroke="var(--card)", stroke_width=1.5),
        )), class_="chart")  # fmt: skip


def _good(value: Any) -> bool:
    return value is not None and isfinite(value)
