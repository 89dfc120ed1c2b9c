"""The progress of training: a live bar in a terminal, plain lines everywhere else."""

from __future__ import annotations

import sys
from typing import Any, TextIO

LINES = 10  # of plain progress, whatever the number of epochs
FIGURES = (
    ("loss", "loss"),
    ("val_loss", "val loss"),
    ("val_accuracy", "val acc"),
    ("val_r2", "val R²"),
)


def told(row: dict[str, Any]) -> str:
    """The figures of an epoch on one line.

    >>> told({"loss": 0.51234, "val_accuracy": 0.9, "examples_per_second": 12345.6})
    'loss 0.5123  val acc 0.9000  12,346 examples/s'
    """
    parts = [
        f"{label} {row[key]:.4f}" if 1e-3 < abs(row[key]) < 1e4 else f"{label} {row[key]:.2e}"
        for key, label in FIGURES if isinstance(row.get(key), float) and key != "val_loss"
    ]  # fmt: skip
    return "  ".join([*parts, f"{row.get('examples_per_second', 0):,.0f} examples/s"])


class ProgressBar:
    """A callback of `fit` that shows epoch, loss, validation metric and speed.

    Close it, or use it in a `with` block, where training may end early.
    """

    def __init__(self, stream: TextIO | None = None):
        self.stream = stream or sys.stdout
        self.live: Any = None
        self.task: Any = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def on_epoch(self, row: dict[str, Any]) -> None:
        """Show the row of an epoch."""
        if self.stream.isatty():
            self._draw(row)
        else:
            self._line(row)
        if row["epoch"] == row["epochs"]:
            self.close()

    def close(self) -> None:
        """Leave the bar as it is."""
        if self.live is not None:
            self.live.stop()
            self.live = None

    def _draw(self, row: dict[str, Any]) -> None:
        if self.live is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
            from rich.progress import TimeRemainingColumn as Remaining

            columns = (
                TextColumn("epoch"), MofNCompleteColumn(), BarColumn(bar_width=None),
                TextColumn("{task.fields[told]}"), Remaining(compact=True),
            )  # fmt: skip
            self.live = Progress(*columns, console=Console(file=self.stream, highlight=False))
            self.live.start()
            self.task = self.live.add_task("", total=row["epochs"], told="")
        self.live.update(self.task, completed=row["epoch"], told=told(row))

    def _line(self, row: dict[str, Any]) -> None:
        epoch, epochs = row["epoch"], row["epochs"]
        every = max(1, -(-epochs // LINES))
        if epoch == 1 or epoch == epochs or epoch % every == 0:
            wide = len(str(epochs))
            print(f"epoch {epoch:>{wide}}/{epochs}  {told(row)}", file=self.stream, flush=True)
