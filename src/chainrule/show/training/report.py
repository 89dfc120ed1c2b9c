"""The pictures of a training that stand in its report: stills, without a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...study.recording import Recording
from ..curves.activations import activations
from ..page import Pictures
from . import film_of, panels_of, training
from .stages import stages, through

STAGES = 4  # hidden layers whose activations are shown
WHEN = ("Before training", "On the way", "At the end")


def pictures(
    history: Any, names: Sequence[str] = (), classes: Sequence[str] = ()
) -> list[Pictures]:  # fmt: skip
    """What a report shows of a recorded training; nothing where nothing was recorded.

    The output and hidden space at three times, and the activations of the network with the
    distribution of the weighted sums that they get.
    """
    recording = history if isinstance(history, Recording) else history.recording
    if recording is None or len(recording) < 2 or recording.X.ndim != 2:
        return []
    found = []
    at = (0, halfway(recording), -1)
    few = replace(recording, snapshots=[recording.snapshots[k] for k in at])
    named, known = tuple(names), tuple(classes)
    shown = panels_of(film_of(few, None, named, known, ""), ())
    squares = [name for name in shown if name in ("output", "hidden")]
    learned = [
        training(few, squares if squares and k < 2 else shown, names=named, classes=known,
                 title=when, ident=f"training-{k}").at(k)
        for k, when in enumerate(WHEN) if squares or k == 2
    ]  # fmt: skip
    told = (
        "Before the first step, where half of the way down the loss was done, and at the end. "
        "Orange is one side and blue the other, and a line runs where the output is undecided; "
        "beside it the same examples in the space of the last hidden layer, where one straight "
        "cut has to part them."
    )
    found.append(Pictures("How it learned", told, tuple(learned)))
    used = _used(recording)
    if used:
        told = (
            "Each hidden layer's activation with its slope. Shaded is where the slope is under "
            "0.05 and little of a gradient passes; the grey bars say where the layer's weighted "
            "sums lie."
        )
        found.append(Pictures("The activations, as they are used", told, tuple(used)))
    return found


def halfway(recording: Recording) -> int:
    """The snapshot at which half of what the loss falls by was done, on a logarithmic scale.

    >>> import numpy as np
    >>> from chainrule.study.recording import Recording, Snapshot
    >>> z = np.zeros((1, 1))
    >>> kept = [Snapshot(k, None, {"loss": v}) for k, v in enumerate([1.0, 0.8, 0.1, 0.01])]
    >>> halfway(Recording(z, z, z, z, z, None, 3, kept))
    2
    """
    losses = np.array([s.row["loss"] for s in recording.snapshots])
    with np.errstate(all="ignore"):
        logs = np.log(np.where(losses > 0, losses, np.nan))
    if not np.isfinite(logs).all() or logs[-1] >= logs[0]:
        return len(losses) // 2
    return int(np.argmax(logs <= (logs[0] + logs[-1]) / 2))


def _used(recording: Recording) -> list[str]:
    last = recording.snapshots[-1].model
    sums = through(last, recording.X).sums
    drawn = []
    for k, (stage, values) in enumerate(zip(stages(last), sums, strict=False)):
        if stage.activation is None or k >= STAGES or not np.isfinite(values).all():
            continue
        title, ident = f"hidden {k + 1}: {stage.kind}", f"activation-{k}"
        drawn.append(activations(stage.activation, sums=values, title=title, ident=ident).at(3))
    return drawn
