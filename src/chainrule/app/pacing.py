"""Checkpoints that do not slow a training down."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

from ..train.checkpoint import Checkpoints

SHARE = 0.1  # of the time that saving may take


class Paced(Checkpoints):
    """Checkpoints after epochs, left out where saving would take more than a tenth of the time.

    When a state is saved changes nothing in the training, so a clock may decide it.
    """

    def __init__(self, folder: Any, keep: int):
        super().__init__(folder, every="epoch", keep=keep)
        self.ended, self.cost = 0.0, 0.0

    def due(self, run: Any) -> bool:
        """Whether an epoch has ended, and enough time has passed since the last was saved."""
        waited = perf_counter() - self.ended
        return super().due(run) and waited * SHARE >= self.cost

    def save(self, state: Any, told: dict[str, Any] | None = None) -> Path:
        """Save, and remember how long it took."""
        started = perf_counter()
        path = super().save(state, told)
        self.ended = perf_counter()
        self.cost = self.ended - started
        return path
