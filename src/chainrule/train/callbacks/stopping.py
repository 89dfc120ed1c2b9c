"""Early stopping: end where a figure no longer improves, and keep the best model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.errors import UsageError
from ...graph.spelling import did_you_mean
from ..metrics import HIGHER_IS_BETTER


class EarlyStopping:
    """Ends a training once `monitor` has not improved for `patience` epochs.

    `monitor` is a column of the history: "val_loss", "loss", or a metric such as "val_accuracy".
    It improves where it gets better by more than `min_delta`; larger is better for accuracy, F1,
    precision, recall, AUC and R², and smaller for all else, unless `mode` says "max" or "min".
    With `restore_best` the model ends as it was after its best epoch.
    `best` is the best figure, `best_epoch` its epoch, `stopped` whether it has ended the training.
    Raises: UsageError for an option outside its range, and where there is no such column.

    >>> import numpy as np, chainrule as cr
    >>> X, model = np.linspace(-1, 1, 64)[:, None], cr.nn.Linear(1, 1)
    >>> early = EarlyStopping("loss", patience=3, min_delta=1e-3)
    >>> history = cr.fit(model, X, 2 * X, optimizer=cr.optim.SGD(0.3), epochs=500, callbacks=early)
    >>> len(history) < 50, early.stopped, early.best_epoch == len(history) - 3
    (True, True, True)
    """

    def __init__(
        self, monitor: str = "val_loss", patience: int = 10, min_delta: float = 0.0,
        restore_best: bool = True, mode: str | None = None,
    ):  # fmt: skip
        whole = isinstance(patience, (int, np.integer)) and not isinstance(patience, bool)
        if not whole or patience < 1:
            raise UsageError(
                f"EarlyStopping: patience={patience!r}; give a whole number of epochs, 1 or more"
            )
        if not isinstance(min_delta, (int, float, np.number)) or not 0 <= min_delta < np.inf:
            raise UsageError(f"EarlyStopping: min_delta={min_delta!r}; give a number, 0 or more")
        if mode not in (None, "min", "max"):
            raise UsageError(f"EarlyStopping: mode={mode!r}; there are 'min' and 'max'")
        self.monitor, self.patience, self.min_delta = str(monitor), int(patience), float(min_delta)
        self.restore_best = restore_best
        self.largest = (mode or self._usual()) == "max"
        self._anew()

    def _usual(self) -> str:
        return "max" if self.monitor.removeprefix("val_") in HIGHER_IS_BETTER else "min"

    def _anew(self) -> None:
        self.best: float | None = None
        self.best_epoch = self.bad = 0
        self.stopped = False
        self.kept: dict[str, np.ndarray] = {}

    def on_start(self, run: Any, x: Any, t: Any, epochs: int) -> None:
        """Begin, or go on where the same training goes on."""
        if getattr(self, "run", None) is not run or self.stopped:
            self._anew()
        self.run = run

    def on_epoch(self, row: dict[str, Any]) -> None:
        """Look at the figure of an epoch."""
        value = self._figure(row)
        if self._better(value):
            self.best, self.best_epoch, self.bad = value, row["epoch"], 0
            if self.restore_best:
                self.kept = self.run.snapshot().state_dict()
            return
        self.bad += 1
        if self.bad >= self.patience:
            self.stopped = True
            raise StopIteration

    def _figure(self, row: dict[str, Any]) -> float:
        if isinstance(row.get(self.monitor), (int, float)):
            return float(row[self.monitor])
        known = ", ".join(k for k, v in row.items() if isinstance(v, float))
        advice = (
            "give validation=, a share or (X, y)"
            if self.monitor.startswith("val_") and "val_loss" not in row
            else f"there are {known}"
        )
        raise UsageError(f"EarlyStopping: no figure {self.monitor!r} in the history; {advice}")

    def _better(self, value: float) -> bool:
        if not np.isfinite(value):
            return False
        if self.best is None:
            return True
        gain = value - self.best if self.largest else self.best - value
        return gain > self.min_delta

    def on_end(self, history: Any) -> None:
        """Give the model its best parameters and running statistics back, unless by Ctrl-C."""
        if self.restore_best and self.kept and not history.interrupted:
            self.run.adopt(self.run.snapshot().load_state_dict(self.kept))

    def state(self) -> dict[str, Any]:
        """What it remembers."""
        return {"best": self.best, "best_epoch": self.best_epoch, "bad": self.bad,
                "stopped": self.stopped, "kept": dict(self.kept)}  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what it remembered."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.bad, self.stopped = state["bad"], state["stopped"]
        self.kept = {name: np.asarray(a) for name, a in state["kept"].items()}


def early(given: Any) -> list[EarlyStopping]:
    """What fit's `early_stopping` means: one of these, a patience, or nothing."""
    if given is None or given is False:
        return []
    if isinstance(given, EarlyStopping):
        return [given]
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
        return [EarlyStopping(patience=int(given))]
    raise UsageError(
        f"fit: early_stopping={given!r}; give how many epochs to be patient, or "
        "EarlyStopping(monitor=..., patience=...)"
    )


def watchable(callbacks: list, metrics: Sequence[tuple[str, Any]], held_out: bool) -> None:
    """Refuse, before anything is trained, to stop by a figure that there will not be.

    Where other callbacks hear of epochs too, they may add figures of their own to the row.
    """
    ours = [one for one in callbacks if isinstance(one, EarlyStopping)]
    others = any(hasattr(c, "on_epoch") for c in callbacks if not isinstance(c, EarlyStopping))
    figures = ["loss", *(name for name, _ in metrics)]
    known = [*figures, *(f"val_{name}" for name in figures if held_out)]
    for one in ours:
        name = one.monitor
        if name in known or (others and not name.startswith("val_")):
            continue
        if name.startswith("val_") and name[4:] in figures and not held_out:
            raise UsageError(
                f"EarlyStopping: {name!r} needs validation=, a share or (X, y); or give "
                "monitor='loss'"
            )
        advice = did_you_mean(name, known, f"there are {', '.join(known)}")
        raise UsageError(
            f"EarlyStopping: there will be no figure {name!r} in the history; {advice}"
        )
