"""What happened in training: a row an epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..graph.errors import UsageError


class History:
    """The record of a run: `rows` is a list of dicts, one an epoch; a column is an attribute.

    `model` is the trained model, `interrupted` says whether Ctrl-C ended it early, `recording`
    has the snapshots that `fit(..., record=60)` kept, or is None.

    >>> history = History(None)
    >>> history.add({"epoch": 1, "loss": 0.5})
    >>> history.loss, history["loss"]
    ([0.5], [0.5])
    """

    def __init__(self, model: Any):
        self.model = model
        self.rows: list[dict[str, Any]] = []
        self.interrupted = False
        self.recording: Any = None

    def add(self, row: dict[str, Any]) -> None:
        """Append the row of an epoch."""
        self.rows.append(row)

    def __getitem__(self, column: str) -> list:
        if self.rows and not any(column in row for row in self.rows):
            known = sorted({key for row in self.rows for key in row})
            raise UsageError(f"history: no column {column!r}; there are {', '.join(known)}")
        return [row.get(column) for row in self.rows]

    def __getattr__(self, column: str) -> list:
        if column.startswith("_") or column == "rows":
            raise AttributeError(column)
        try:
            return self[column]
        except UsageError as error:
            raise AttributeError(str(error)) from None

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    @property
    def last(self) -> dict[str, Any]:
        """The row of the last epoch.

        Raises: UsageError where there is none.
        """
        if not self.rows:
            raise UsageError("history: no epoch was completed, so there is no last row")
        return self.rows[-1]

    def save(self, path: Any) -> None:
        """Write the rows as JSON lines."""
        lines = [json.dumps(row, allow_nan=True) + "\n" for row in self.rows]
        Path(path).write_text("".join(lines), encoding="utf-8")

    def __repr__(self) -> str:
        if not self.rows:
            return "History(no epoch)"
        shown = ", ".join(f"{k}={v:.4g}" for k, v in self.last.items() if isinstance(v, float))
        return f"History({len(self)} epochs; last: {shown})"
