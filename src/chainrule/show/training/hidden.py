"""The panel of hidden space: where the last hidden layer puts the examples, and the net."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph.errors import UsageError
from .contour import path
from .film import Changes, Film, Seen
from .markers import Markers
from .output import FOOT, SIDE, TITLE, boundaries, framed, landscape, places, square
from .stages import RANGES, head

SHADE = 40  # squares along each side of the shading
BENDS = 34  # points of each line of the net
EVEN = 0.3  # of them, the share that is spread evenly over the inputs; the rest over the curve


@dataclass(frozen=True, eq=False)
class View:
    """Two directions in the space of a layer's units, and the window that is shown."""

    centre: np.ndarray
    directions: np.ndarray  # (2, units), at right angles and of length 1
    low: np.ndarray
    high: np.ndarray
    note: str

    def unit(self, values: np.ndarray) -> np.ndarray:
        """Values of the units as places in the unit square, y downwards."""
        with np.errstate(all="ignore"):
            at = (np.nan_to_num(values) - self.centre) @ self.directions.T
            part = (at - self.low) / (self.high - self.low)
        part[:, 1] = 1 - part[:, 1]
        return part

    def plane(self, n: int) -> np.ndarray:
        """Values of the units at the middles of n by n squares, the top row first."""
        along = (np.arange(n) + 0.5) / n
        x, y = np.meshgrid(along, along)
        at = self.low + np.stack([x.ravel(), 1 - y.ravel()], 1) * (self.high - self.low)
        return (self.centre + at @ self.directions).astype(self.centre.dtype)


def view(film: Film, units: Any = None) -> View:
    """The view of the last hidden layer: its two units, two that are asked for, or PCA."""
    values = [p.values[-1] for p in film.examples]
    last = values[-1]
    count, layer = last.shape[1], len(film.examples[-1].values)
    if units is None and count > 2:
        centre, directions, part = _principal(last)
        note = f"{count} units along their 2 main directions (PCA: {100 * part:.0f} % of the "
        note += "spread); shaded on the plane through their mean"
    else:
        chosen = (0, 1) if units is None else tuple(units)
        if len(set(chosen)) != 2 or not all(
            isinstance(u, (int, np.integer)) and 0 <= u < count for u in chosen
        ):
            raise UsageError(
                f"pictures.training: units={units!r}; give two of the {count} units of the last "
                f"hidden layer, from 0 to {count - 1}"
            )
        directions = np.eye(count, dtype=last.dtype)[list(chosen)]
        away = 1 - directions.sum(axis=0)
        centre = (last.mean(axis=0) * away).astype(last.dtype)
        note = f"hidden {layer}: unit {chosen[0] + 1} across, unit {chosen[1] + 1} up"
        note += f", the other {count - 2} at their mean" if count > 2 else ""
    low, high = _window(film, [(v - centre) @ directions.T for v in values], units, count)
    return View(centre, directions, low, high, note)


def _principal(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    values = np.nan_to_num(values)
    centre = values.mean(axis=0)
    # Two rows of nothing: with them there are two directions, however few the examples.
    spread = np.concatenate([values - centre, np.zeros((2, values.shape[1]), values.dtype)])
    _, size, ways = np.linalg.svd(spread, full_matrices=False)
    ways = ways[:2] * np.sign(ways[np.arange(2), np.abs(ways[:2]).argmax(axis=1)])[:, None]
    return centre, ways, float((size[:2] ** 2).sum() / max((size**2).sum(), 1e-30))


def _window(film: Film, at: list[np.ndarray], units: Any, count: int) -> tuple:
    kind = film.stages[-2].kind
    if kind in RANGES and (units is not None or count == 2):
        low, high = (np.full(2, v) for v in RANGES[kind])
    else:
        every = np.nan_to_num(np.concatenate(at))
        low, high = np.quantile(every, 0.005, axis=0), np.quantile(every, 0.995, axis=0)
    size = np.where(high > low, high - low, 1.0)
    return low - 0.08 * size, high + 0.08 * size


class Hidden:
    """The examples and the warped net, on what the last layer makes of each place."""

    width, height = SIDE, TITLE + SIDE + FOOT

    def __init__(self, film: Film, x: float, y: float, units: Any = None):
        self.film, self.x, self.y = film, x, y
        self.view = view(film, units)
        self.markers = Markers(film, "hidden")
        self.net = self._net()

    def changes(self, seen: Seen) -> Changes:
        """The picture of one snapshot."""
        name = self.film.name
        made = self.film.answers.read(head(seen.model, self.view.plane(SHADE)))
        field = made.reshape(SHADE, SHADE, *made.shape[1:])
        found: Changes = {
            name("hidden-image"): {"href": landscape(field)},
            name("hidden-line"): {"d": boundaries(field, SIDE, self.x, self.y + TITLE)},
        }
        for k, lines in enumerate(self.net[self.film.recording.snapshots.index(seen.snapshot)]):
            found[name(f"hidden-net{k}")] = {"d": path(list(lines))}
        at = places(self.view.unit(seen.examples.values[-1]), self.x, self.y)
        return found | self.markers.changes(at)

    def _net(self) -> list[list[np.ndarray]]:
        """The lines of the net in pixels, for each snapshot and each way.

        Every line keeps the same points in all snapshots, so that they can move; there are more
        where the line is long.
        """
        ways = []
        for lines in zip(*self.film.net, strict=True):
            every = np.stack([
                places(self.view.unit(w.reshape(-1, w.shape[-1])), self.x, self.y)
                .reshape(*w.shape[:2], 2) for w in lines
            ])  # fmt: skip
            ways.append(np.stack([_chosen(every[:, k]) for k in range(every.shape[1])], axis=1))
        return [[w[k] for w in ways] for k in range(len(self.film.net))]

    def body(self, now: Changes) -> str:
        """The panel as it is now."""
        mark = self.film.mark
        at = square(self.x, self.y + TITLE, SIDE)
        inner = mark("image", "hidden-image", now, **at, preserveAspectRatio="none")
        inner += "".join(
            mark("path", f"hidden-net{k}", now, fill="none", stroke="var(--ink)",
                 stroke_width=0.7, opacity=0.45, stroke_dasharray="5 2" if k else None)
            for k in range(len(self.net[0]))
        )  # fmt: skip
        inner += mark("path", "hidden-line", now, fill="none", stroke="var(--ink)",
                      stroke_width=1.6)  # fmt: skip
        inner += self.markers.body(now)
        title = "the last hidden layer's space"
        return framed(self.film, "hidden", title, self.view.note, self.x, self.y, inner)


def _chosen(line: np.ndarray) -> np.ndarray:
    """Some points of a line, the same in all snapshots: (snapshots, points, 2) of more of them."""
    steps = np.hypot(*np.diff(line, axis=1).T).T  # (snapshots, points - 1)
    weight = (steps / np.maximum(steps.sum(axis=1, keepdims=True), 1e-9)).mean(axis=0)
    weight = (1 - EVEN) * weight + EVEN / len(weight)
    along = np.concatenate([[0.0], np.cumsum(weight / weight.sum())])
    return line[:, np.searchsorted(along, np.linspace(0, 1 - 1e-9, BENDS))]
