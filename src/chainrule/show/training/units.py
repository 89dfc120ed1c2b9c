"""The panel of the units: a small landscape for each hidden unit, a column for each layer."""

from __future__ import annotations

import numpy as np

from ..measure import width_of
from ..svg import element, text
from .contour import contour, path, simplified
from .film import GRID, Changes, Film, Seen, pooled
from .image import diverging
from .output import TITLE, square
from .stages import RANGES

SIDE, GAP = 50.0, 6.0  # of one small landscape, in pixels
ROWS, COLUMNS = 8, 2  # of units shown of one layer
LAYERS = 4  # that are shown
SPACE = 26.0  # between layers
OFF = 0.3


class Units:
    """What every unit makes of the inputs: all units of a layer, of small ones, in a column."""

    def __init__(self, film: Film, x: float, y: float):
        self.film, self.x, self.y = film, x, y
        assert film.plane is not None
        self.flat = len(film.plane.features) == 1
        counts = [v.shape[1] for v in film.examples[-1].values][:LAYERS]
        self.layers = [min(c, ROWS * COLUMNS) for c in counts]
        self.counts = counts
        self.scale = [self._range(k) for k in range(len(counts))]
        self.lefts, left = [], x
        for k, shown in enumerate(self.layers):
            self.lefts.append(left)
            wide = -(-shown // ROWS) * (SIDE + GAP) - GAP
            left += max(wide, width_of(f"hidden {k + 1}", 12, True), width_of(self._told(k), 10))
            left += SPACE
        self.pool = 2 if sum(self.layers) <= 12 else 4
        self.width = left - SPACE - x
        most = max(min(n, ROWS) for n in self.layers)
        self.height = TITLE + 16 + most * (SIDE + GAP)

    def _told(self, layer: int) -> str:
        shown, count, kind = self.layers[layer], self.counts[layer], self.film.stages[layer].kind
        return f"{count} {kind}" if shown == count else f"{shown} of {count} {kind}"

    def _range(self, layer: int) -> tuple[float, float]:
        """The middle of a layer's values and how far they go from there, in all snapshots."""
        known = RANGES.get(self.film.stages[layer].kind)
        if known:
            return (known[0] + known[1]) / 2, (known[1] - known[0]) / 2
        every = np.concatenate([np.nan_to_num(p.values[layer]).ravel() for p in self.film.examples])
        return 0.0, float(np.quantile(np.abs(every), 0.98)) or 1.0

    def _places(self, layer: int) -> list[tuple[float, float]]:
        top = self.y + TITLE + 16
        return [
            (self.lefts[layer] + k // ROWS * (SIDE + GAP), top + k % ROWS * (SIDE + GAP))
            for k in range(self.layers[layer])
        ]

    def changes(self, seen: Seen) -> Changes:
        """The picture of one snapshot."""
        assert seen.grid is not None
        found: Changes = {}
        for layer, shown in enumerate(self.layers):
            middle, half = self.scale[layer]
            values = (np.nan_to_num(seen.grid.values[layer][:, :shown]) - middle) / half
            sums = seen.grid.sums[layer][:, :shown]
            for k, (x, y) in enumerate(self._places(layer)):
                key = self.film.name(f"unit{layer}-{k}")
                if self.flat:
                    found[f"{key}-line"] = {"d": self._curve(values[:, k], x, y)}
                    continue
                field = pooled(values[:, k].reshape(GRID, GRID), self.pool)
                line = contour(pooled(sums[:, k].reshape(GRID, GRID), self.pool))
                step = SIDE / len(field)
                drawn = [simplified((p + 0.5) * step + [x, y], OFF) for p in line]
                found[f"{key}-image"] = {"href": diverging(field)}
                found[f"{key}-line"] = {"d": path(drawn)}
        return found

    def _curve(self, values: np.ndarray, x: float, y: float) -> str:
        along = np.linspace(0, 1, len(values))[::4]
        up = (1 - np.clip(values[::4], -1.15, 1.15) / 1.2) / 2
        return path([np.stack([along, up], 1) * SIDE + [x, y]])

    def body(self, now: Changes) -> str:
        """The panel as it is now."""
        parts = []
        for layer, left in enumerate(self.lefts):
            parts.append(element("text", text(f"hidden {layer + 1}"), x=left, y=self.y + 16,
                                 class_="head"))  # fmt: skip
            parts.append(element("text", text(self._told(layer)), x=left, y=self.y + 32,
                                 class_="soft small"))  # fmt: skip
            for k, (x, y) in enumerate(self._places(layer)):
                parts.append(self._unit(f"unit{layer}-{k}", layer, k, x, y, now))
        return "".join(parts)

    def _unit(self, part: str, layer: int, k: int, x: float, y: float, now: Changes) -> str:
        mark = self.film.mark
        at = square(x, y, SIDE)
        inner = element("title", f"unit {k + 1} of hidden layer {layer + 1}")
        inner += element("rect", **at, fill="var(--card)")
        if self.flat:
            inner += mark("path", f"{part}-line", now, fill="none", stroke="var(--s0)",
                          stroke_width=1.5)  # fmt: skip
        else:
            inner += mark("image", f"{part}-image", now, **at, preserveAspectRatio="none")
            inner += mark("path", f"{part}-line", now, fill="none", stroke="var(--ink)",
                          stroke_width=1)  # fmt: skip
        inner += element("rect", **at, fill="none", stroke="var(--line)")
        return element("g", inner)
