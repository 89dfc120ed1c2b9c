"""Record a training while it runs: copies of the parameters, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...study.recording import Recording, Snapshot, affordable, planned, some

FRAMES = 60


class Recorder:
    """A callback of `fit` that keeps snapshots; `fit(..., record=60)` makes one.

    Nothing is computed while the network trains: a snapshot is a copy of the parameters, and
    of the running statistics where there are any. The random numbers of the training are not
    touched, so the same seed gives the same bits with and without it.
    """

    def __init__(self, frames: int | bool = True):
        self.frames = FRAMES if frames is True else frames
        self.recording: Recording | None = None

    def on_start(self, run: Any, x: np.ndarray, t: np.ndarray, epochs: int) -> None:
        """Keep the model as it is before the first step, and some of the examples."""
        self.run = run
        self.plan = planned(epochs, affordable(self.frames, run.params))
        made = Recording(
            *some(x, t), x.min(axis=0), x.max(axis=0), x.mean(axis=0), run.loss, epochs
        )
        with np.errstate(all="ignore"):
            before = float(run.loss(run.snapshot()(made.X), made.y))
        made.rows.append({"epoch": 0, "loss": before})
        made.snapshots.append(Snapshot(0, run.snapshot(), made.rows[0]))
        self.recording, self.passing = made, False

    def on_epoch(self, row: dict[str, Any]) -> None:
        """Keep the model after this epoch; in place of the one before, where that was passing.

        The latest is always there: training may end at any epoch.
        """
        assert self.recording is not None
        kept = self.recording.snapshots
        if self.passing:
            kept.pop()
        kept.append(Snapshot(row["epoch"], self.run.snapshot(), row))
        self.recording.rows.append(row)
        self.passing = row["epoch"] not in self.plan

    def state(self) -> dict[str, Any]:
        """The snapshots and rows so far, as plain data."""
        made = self.recording
        if made is None:
            return {}
        kept = [{"epoch": s.epoch, "model": s.model.state_dict()} for s in made.snapshots]
        return {"passing": self.passing, "rows": made.rows, "snapshots": kept}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from them."""
        made = self.recording
        if made is None or not state:
            return
        self.passing, made.rows = state["passing"], list(state["rows"])
        rows = {row["epoch"]: row for row in made.rows}
        whole = self.run.snapshot()
        made.snapshots = [
            Snapshot(s["epoch"], whole.load_state_dict(s["model"]), rows[s["epoch"]])
            for s in state["snapshots"]
        ]
