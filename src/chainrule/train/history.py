"""What happened in training: a row an epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from math import isfinite
from pathlib import Path
from typing import Any

from ..graph.errors import UsageError
from ..graph.spelling import counted
from ..study.diagnosis import advice, diagnosis, line

SPEED = ("seconds", "examples_per_second")
WIDE = 30  # what falls by so much is drawn on a logarithmic axis


class History:
    """The record of a run: `rows` is a list of dicts, one an epoch; a column is an attribute.

    `verdicts` is a word for every layer and `print(history)` says what to change where one fails.
    `model` is the trained model; `interrupted` says whether Ctrl-C ended it early; `diverged` is
    what happened where it was no longer finite, or None; `recording` has the snapshots that
    `fit(..., record=60)` kept, or is None.

    >>> history = History(None)
    >>> history.add({"epoch": 1, "loss": 0.5})
    >>> history.loss, history["loss"]
    ([0.5], [0.5])
    """

    def __init__(self, model: Any, rows: list[dict[str, Any]] | None = None):
        self.model = model
        self.rows: list[dict[str, Any]] = [] if rows is None else rows
        self.interrupted = False
        self.diverged: str | None = None
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

    @property
    def verdicts(self) -> dict[str, str]:
        """A word for every layer, from the last look at its gradients: how it fared.

        healthy, vanishing, exploding, dead, saturated, not finite, or cut off by another layer.
        Empty where no look was taken (`watch=False`, batches from an iterator).

        >>> history = History(None)
        >>> history.add({"epoch": 1, "loss": 0.5, "health": {
        ...     "0": {"norm": 0.0}, "2": {"norm": 0.0, "dead": 1.0}, "4": {"norm": 0.3}}})
        >>> history.verdicts
        {'0': 'cut off by layer 2', '2': 'dead', '4': 'healthy'}
        >>> print(history)
        History(1 epoch; last: loss=0.5)
        layer 0: cut off by layer 2 (gradient norm 0)
        layer 2: dead (gradient norm 0, dead units 100 %)
        layer 4: healthy (gradient norm 0.3)
        layer 2 is dead: over half of the units are 0 for every example, ...
        """
        return {row["layer"]: row["verdict"] for row in self.diagnosis}

    @property
    def diagnosis(self) -> list[dict[str, Any]]:
        """A row a layer: `layer`, `verdict`, and the figures that it rests on."""
        looked = (row["health"] for row in reversed(self.rows) if "health" in row)
        return diagnosis(next(looked, {}))

    def save(self, path: Any) -> None:
        """Write the rows as JSON lines."""
        lines = [json.dumps(row, allow_nan=True) + "\n" for row in self.rows]
        Path(path).write_text("".join(lines), encoding="utf-8")

    def plot(self, *columns: str, log: bool | None = None) -> Any:
        """Curves over the epochs, as a picture that notebooks show and `.save(path)` writes.

        Without names, the loss and every metric, each beside its figures on held-out data.
        "gradient_norms" gives a curve for each layer. `log` makes the upright axis logarithmic;
        by default where a loss or a norm falls far.
        Raises: UsageError for an unknown column, and where there is nothing to draw.

        >>> history = History(None)
        >>> for epoch, loss in enumerate((0.5, 0.2, 0.1), start=1):
        ...     history.add({"epoch": epoch, "loss": loss, "val_loss": 2 * loss})
        >>> print(history.plot().told)
        loss: from 0.5 to 0.1. held-out loss: from 1 to 0.2.
        """
        from ..show.beside import beside

        panels = [_panel(self, name, k, log) for k, name in enumerate(columns or self._figures())]
        return panels[0] if len(panels) == 1 else beside(*panels, title="training")

    def _figures(self) -> list[str]:
        """The figures that have a panel of their own."""
        found = [k for k, v in self.last.items() if isinstance(v, float) and k not in SPEED]
        return [k for k in found if not (k.startswith("val_") and k[4:] in found)]

    def _repr_html_(self) -> str:
        if not self.rows:
            return "<p>no epoch</p>"
        told = "".join(f"<p>{escape(what)}</p>" for what in advice(self.diagnosis))
        return self.plot()._repr_html_() + told

    def __str__(self) -> str:
        rows = self.diagnosis
        return "\n".join([repr(self), *map(line, rows), *advice(rows)])

    def __repr__(self) -> str:
        if not self.rows:
            return "History(no epoch)"
        shown = ", ".join(f"{k}={v:.4g}" for k, v in self.last.items() if isinstance(v, float))
        ended = "; interrupted" if self.interrupted else "; diverged" if self.diverged else ""
        return f"History({counted(len(self), 'epoch')}; last: {shown}{ended})"


def _panel(history: History, name: str, place: int, log: bool | None) -> Any:
    """The curve of a column, and that on held-out data beside it; of norms one for each layer."""
    from ..show.curves.lines import lines

    column = history[name]
    if isinstance(column[-1], list):
        raise UsageError(
            f"history: {name!r} is a table, and makes no curve; history.last[{name!r}] is the last"
        )
    epochs = [row["epoch"] for row in history.rows]
    if isinstance(column[-1], dict):
        found = {f"layer {k}": (epochs, [_number(c, k) for c in column]) for k in column[-1]}
    else:
        found = {name.replace("_", " "): (epochs, [_number(c) for c in column])}
        other = f"val_{name}"
        if any(other in row for row in history.rows):
            found[f"held-out {name.replace('_', ' ')}"] = (
                epochs,
                [_number(c) for c in history[other]],
            )
    falls = log if log is not None else _falls(name, [y for _, ys in found.values() for y in ys])
    told = " ".join(f"{k}: from {ys[0]:.3g} to {ys[-1]:.3g}." for k, (_, ys) in found.items())
    label = name.replace("_", " ")
    return lines(found, x="epoch", y=label, title=label, told=told, log=falls, ident=f"h{place}")


def _number(value: Any, key: str | None = None) -> float:
    value = value.get(key) if key is not None and isinstance(value, dict) else value
    return float(value) if isinstance(value, (int, float)) else float("nan")


def _falls(name: str, values: list[float]) -> bool:
    """Whether a loss or a norm is so far apart that a logarithmic axis shows more."""
    known = [v for v in values if isfinite(v)]
    errors = "loss" in name or name in ("mse", "rmse", "mae", "gradient_norms")
    return errors and bool(known) and min(known) > 0 and max(known) > WIDE * min(known)
