"""Ready-made callbacks: the history as a file while it is made, TensorBoard, and small ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ...graph.errors import DataError, MissingExtraError, UsageError
from ..folder import finite
from ..metrics import HIGHER_IS_BETTER


class HistoryFile:
    """Writes every epoch's row as a line of JSON while the training goes on.

    The file begins anew with a training; where one is taken up again, its earlier epochs are
    written first. Every line is there at once, so it can be followed (tail -f). What is not
    finite becomes null.

    >>> import json, tempfile, chainrule as cr
    >>> path = Path(tempfile.mkdtemp()) / "history.jsonl"
    >>> X = np.linspace(-1, 1, 8)[:, None]
    >>> _ = cr.fit(cr.nn.Linear(1, 1), X, X, epochs=3, callbacks=HistoryFile(path))
    >>> [json.loads(line)["epoch"] for line in path.read_text().splitlines()]
    [1, 2, 3]
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.file: Any = None

    def on_start(self, run: Any, x: Any, t: Any, epochs: int) -> None:
        """Open the file, with the epochs that have been."""
        self.run = run
        self._close()
        try:
            self.file = self.path.open("w", encoding="utf-8", buffering=1)
        except OSError as error:
            raise DataError(f"HistoryFile: {self.path}: {error.strerror}") from None
        for row in run.rows:
            self._write(row)

    def state(self) -> dict[str, Any]:
        """Nothing: the rows are the training's own."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Write the epochs of the training that is taken up again."""
        self.on_start(self.run, None, None, 0)

    def on_epoch(self, row: dict[str, Any]) -> None:
        """Write the row of an epoch."""
        self._write(row)

    def on_end(self, history: Any) -> None:
        """Close the file."""
        self._close()

    def _write(self, row: dict[str, Any]) -> None:
        self.file.write(json.dumps(finite(row), allow_nan=False, ensure_ascii=False) + "\n")

    def _close(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


class TensorBoard:
    """Writes losses, metrics, and the layers' gradient norms for TensorBoard to show.

    `tensorboard --logdir FOLDER` shows them. A training that is taken up again goes on in the
    same folder, and what was written beyond its epoch counts no more.
    Raises: MissingExtraError without the extra `tensorboard`.
    """

    def __init__(self, folder: str | Path):
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise MissingExtraError("TensorBoard", "tensorboard") from None
        self.folder, self.make = Path(folder), SummaryWriter
        self.writer: Any = None

    def on_start(self, run: Any, x: Any, t: Any, epochs: int) -> None:
        """Open the folder's file."""
        self._open(run.epoch)

    def state(self) -> dict[str, Any]:
        """How far it has written."""
        return {"epoch": self.epoch}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on after that epoch."""
        self._open(state["epoch"])

    def _open(self, epoch: int) -> None:
        self.on_end(None)
        self.epoch = epoch
        self.writer = self.make(str(self.folder), purge_step=epoch + 1 if epoch else None)

    def on_epoch(self, row: dict[str, Any]) -> None:
        """Write the figures of an epoch."""
        self.epoch = row["epoch"]
        for tag, value in scalars(row).items():
            self.writer.add_scalar(tag, value, self.epoch)
        self.writer.flush()

    def on_end(self, history: Any) -> None:
        """Close the file."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None


def scalars(row: dict[str, Any]) -> dict[str, float]:
    """The numbers of an epoch's row under names whose first part groups them.

    >>> scalars({"epoch": 1, "loss": 0.5, "val_loss": 0.6, "gradient_norms": {"0": 2.0}})
    {'loss/training': 0.5, 'loss/validation': 0.6, 'gradient_norm/0': 2.0}
    """
    found = {}
    for key, value in row.items():
        if isinstance(value, float) and key != "seconds":
            held_out = key.startswith("val_")
            part = "validation" if held_out else "training"
            found[f"{key.removeprefix('val_')}/{part}"] = value
    norms = row.get("gradient_norms", {})
    return found | {f"gradient_norm/{layer}": norm for layer, norm in norms.items()}


class Every:
    """Calls `function(row)` after every so many epochs.

    >>> import chainrule as cr
    >>> seen, X = [], np.linspace(-1, 1, 8)[:, None]
    >>> note = Every(2, lambda row: seen.append(row["epoch"]))
    >>> _ = cr.fit(cr.nn.Linear(1, 1), X, X, epochs=5, callbacks=note)
    >>> seen
    [2, 4]
    """

    def __init__(self, epochs: int, function: Callable[[dict[str, Any]], Any]):
        if not isinstance(epochs, (int, np.integer)) or epochs < 1:
            raise UsageError(f"Every: {epochs!r}; give a number of epochs, 1 or more")
        if not callable(function):
            raise UsageError(f"Every: {function!r} cannot be called; give a function of a row")
        self.epochs, self.function = int(epochs), function

    def on_epoch(self, row: dict[str, Any]) -> None:
        """Call it, if it is time."""
        if row["epoch"] % self.epochs == 0:
            self.function(row)


class StopAt:
    """Ends a training once a figure is as good as it need be, such as StopAt("val_accuracy", 0.99).

    It ends where the figure is `value` or above for accuracy, F1, precision, recall, AUC and R²,
    and `value` or below for all others.

    >>> import chainrule as cr
    >>> X = np.linspace(-1, 1, 8)[:, None]
    >>> line, sgd = cr.nn.Linear(1, 1), cr.optim.SGD(0.3)
    >>> history = cr.fit(line, X, X, optimizer=sgd, epochs=999, callbacks=StopAt("loss", 1e-3))
    >>> len(history) < 99, history.loss[-1] <= 1e-3 < history.loss[-2]
    (True, True)
    """

    def __init__(self, monitor: str, value: float):
        self.monitor, self.value = str(monitor), float(value)
        self.largest = self.monitor.removeprefix("val_") in HIGHER_IS_BETTER

    def on_epoch(self, row: dict[str, Any]) -> None:
        """End it, if it is good enough."""
        if self.monitor not in row:
            known = ", ".join(k for k, v in row.items() if isinstance(v, float))
            raise UsageError(
                f"StopAt: no figure {self.monitor!r} in the history; there are {known}"
            )
        found = row[self.monitor]
        if found >= self.value if self.largest else found <= self.value:
            raise StopIteration
