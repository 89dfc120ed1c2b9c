"""The part of the inputs that is drawn: one feature along a line, or two across a square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...graph.errors import UsageError
from ...ops import square
from ...ops import sum as total
from ...study.recording import Recording
from ...transform import grad

MARGIN = 0.08  # beyond the examples, on every side
STRETCH = 3.0  # ranges closer than this to each other are drawn to one scale


@dataclass(frozen=True, eq=False)
class Plane:
    """Which features are drawn, from where to where, and where the others stand."""

    features: tuple[int, ...]  # one or two
    low: np.ndarray
    high: np.ndarray
    base: np.ndarray  # (d,) one value for every feature
    names: tuple[str, ...]  # of the features that are drawn
    note: str  # how they were chosen, where there was a choice

    def grid(self, n: int) -> np.ndarray:
        """The middles of n by n squares, the top row first: (n², d); of one feature, n points."""
        if len(self.features) == 1:
            return self.points(np.linspace(0, 1, n)[:, None])
        at = (np.arange(n) + 0.5) / n
        x, y = np.meshgrid(at, at)
        return self.points(np.stack([x.ravel(), y.ravel()], axis=1))

    def points(self, unit: np.ndarray) -> np.ndarray:
        """Places in the unit square, y downwards, as inputs of the network."""
        part = np.array(unit, float)
        if len(self.features) == 2:
            part[:, 1] = 1 - part[:, 1]
        made = np.repeat(self.base[None], len(part), axis=0)
        made[:, self.features] = self.low + part * (self.high - self.low)
        return made.astype(self.base.dtype)

    def unit(self, x: np.ndarray) -> np.ndarray:
        """Inputs as places in the unit square, y downwards; of one feature, (n, 1)."""
        part = (x[:, self.features] - self.low) / (self.high - self.low)
        if len(self.features) == 2:
            part[:, 1] = 1 - part[:, 1]
        return part

    def lines(self, count: int, fine: int) -> list[tuple[np.ndarray, ...]]:
        """The lines of a net over the plane: across, and up; of one feature, the line itself."""
        along = np.linspace(0, 1, fine)
        if len(self.features) == 1:
            return [(self.points(np.linspace(0, 1, 4 * fine)[:, None]),)]
        places = np.linspace(0, 1, count)
        across = tuple(np.stack([along, np.full(fine, p)], 1) for p in places)
        return [
            tuple(self.points(line) for line in across),
            tuple(self.points(line[:, ::-1]) for line in across),
        ]


def plane(recording: Recording, names: Sequence[str], features: Any = None) -> Plane:
    """The plane of a recorded training: both features of two, or the two that are asked for.

    Where there are more and none are asked for, those that move the output most, with the
    others at their mean.
    Raises: UsageError for features that are not there.
    """
    count = recording.X.shape[1]
    told = tuple(names) or tuple(f"x{k + 1}".translate(SUBSCRIPT) for k in range(count))
    note = ""
    if features is not None:
        chosen = tuple(_index(f, told) for f in features)
        if len(set(chosen)) != 2:
            raise UsageError(f"pictures.training: features={features!r}; give two of them")
    else:
        chosen = tuple(range(count)) if count <= 2 else _strongest(recording)
    if count > 2:
        how = "asked for" if features is not None else "that move the output most"
        note = f"the two of {count} features {how}; the others at their mean"
    low, high = (np.array(v, float)[list(chosen)] for v in (recording.low, recording.high))
    low, high = _room(low, high)
    base = np.asarray(recording.mean, recording.X.dtype)
    return Plane(chosen, low, high, base, tuple(told[k] for k in chosen), note)


SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def _index(feature: Any, names: tuple[str, ...]) -> int:
    if feature in names:
        return names.index(feature)
    if isinstance(feature, (int, np.integer)) and 0 <= feature < len(names):
        return int(feature)
    raise UsageError(
        f"pictures.training: there is no feature {feature!r}; there are {', '.join(names[:12])}, "
        f"or 0 to {len(names) - 1}"
    )


def _room(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = np.where(high > low, high - low, 1.0)
    if len(size) == 2 and size.max() < STRETCH * size.min():
        size = np.full(2, size.max())
    middle, size = (low + high) / 2, size * (1 + 2 * MARGIN)
    return middle - size / 2, middle + size / 2


def _strongest(recording: Recording) -> tuple[int, int]:
    """The features whose usual change moves the output most, by the engine's own gradient."""
    model = recording.snapshots[-1].model
    slope = np.asarray(grad(lambda x: total(square(model(x))))(recording.X))
    strength = np.abs(slope).mean(axis=0) * recording.X.std(axis=0)
    first, second = np.sort(np.argsort(-np.nan_to_num(strength), kind="stable")[:2])
    return int(first), int(second)
