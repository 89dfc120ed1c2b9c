"""A recorded training, computed snapshot by snapshot for the panels that show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...study.recording import Recording, Snapshot
from ..svg import element
from .answers import Answers
from .plane import Plane
from .stages import Pass, Stage, stages, through

GRID = 80  # squares along each side of a landscape
ALIKE = 1 / 3  # of the examples, or of the spread of numbers: what may be told otherwise
LINES, FINE = 10, 120  # of the net that is laid over the inputs, and the points of each

Changes = dict[str, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Seen:
    """What one snapshot says to the examples and, where there is a plane, to its grid."""

    snapshot: Snapshot
    examples: Pass
    grid: Pass | None

    @property
    def model(self) -> Any:
        """The model of the snapshot."""
        return self.snapshot.model


@dataclass(frozen=True, eq=False)
class Film:
    """The recording, and how it is looked at."""

    recording: Recording
    plane: Plane | None  # None where an example is no row of features
    answers: Answers
    ident: str

    @cached_property
    def stages(self) -> list[Stage]:
        """The stages of the network."""
        return stages(self.recording.snapshots[-1].model)

    @cached_property
    def examples(self) -> list[Pass]:
        """What every snapshot says to the examples."""
        return [through(s.model, self.recording.X) for s in self.recording.snapshots]

    @cached_property
    def net(self) -> list[list[np.ndarray]]:
        """For each snapshot, the values of the last hidden stage along the lines of the net.

        Shapes: for each way (lines, points, units).
        """
        if self.plane is None:
            return [[] for _ in self.recording.snapshots]
        ways = [np.stack(lines) for lines in self.plane.lines(LINES, FINE)]
        return [
            [through(s.model, w.reshape(-1, w.shape[-1])).values[-1].reshape(*w.shape[:2], -1)
             for w in ways]
            for s in self.recording.snapshots
        ]  # fmt: skip

    @cached_property
    def telling(self) -> bool:
        """Whether the features that are drawn give most examples the answer that all give."""
        assert self.plane is not None
        drawn = list(self.plane.features)
        alone = np.repeat(self.plane.base[None], len(self.recording.X), axis=0)
        alone[:, drawn] = self.recording.X[:, drawn]
        model = self.recording.snapshots[-1].model
        said, whole = (self.answers.read(through(model, x).output)
                       for x in (alone, self.recording.X))  # fmt: skip
        if self.answers.kind == "number":
            return bool(np.sum((said - whole) ** 2) < ALIKE * np.sum((whole - whole.mean()) ** 2))
        sides = (v.argmax(-1) if v.ndim > 1 else v > 0 for v in (said, whole))
        return bool(np.mean(np.equal(*sides)) >= 1 - ALIKE)

    def seen(self) -> Iterator[Seen]:
        """Snapshot after snapshot; a landscape is only kept until the next."""
        plane = self.plane
        for snapshot, examples in zip(self.recording.snapshots, self.examples, strict=True):
            if plane is None:
                yield Seen(snapshot, examples, None)
                continue
            n = GRID if len(plane.features) == 2 else 2 * GRID
            yield Seen(snapshot, examples, through(snapshot.model, plane.grid(n)))

    def name(self, part: str) -> str:
        """The id of a mark."""
        return f"{self.ident}-{part}"

    def mark(self, kind: str, part: str, now: Changes, content: str = "", **attributes: Any) -> str:
        """An element that changes, as it is now."""
        ident = self.name(part)
        changing = dict(now.get(ident, {}))
        content = str(changing.pop("text", content))
        return element(kind, content, id=ident, **changing, **attributes)


def pooled(field: np.ndarray, by: int) -> np.ndarray:
    """A coarser landscape: the means of `by` times `by` places.

    Shapes: (by·n, by·m) → (n, m).
    """
    n, m = field.shape[0] // by, field.shape[1] // by
    return field.reshape(n, by, m, by).mean(axis=(1, 3))
