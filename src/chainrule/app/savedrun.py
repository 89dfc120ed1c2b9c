"""A run that was saved, read back as data: what it was told, its history, its results."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from math import nan
from pathlib import Path
from typing import Any

from ..graph.errors import ChainruleError, DataError
from ..nn import Module
from ..train.checkpoint import Checkpoints, load
from ..train.folder import load_json
from .saved import rebuilt, run_folder
from .settings import SETTINGS
from .usermodel import from_file


@dataclass
class SavedRun:
    """The folder of a run, read; nothing in it is run or imported."""

    folder: Path
    told: dict[str, Any]

    @property
    def name(self) -> str:
        """What the run is called: its folder's name."""
        return self.folder.resolve().name

    @property
    def task(self) -> str:
        """classification or regression."""
        return self.part("task", str)

    @property
    def metric(self) -> str:
        """The metric that the run is judged by."""
        return "accuracy" if self.task == "classification" else "r2"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the run that are known today."""
        return {k: v for k, v in self.part("settings", dict).items() if k in SETTINGS}

    @property
    def result(self) -> dict[str, float]:
        """The figures of the test part; {} of a run that has not ended."""
        found = self.told.get("result") or {}
        return {k: v for k, v in found.items() if isinstance(v, (int, float))}

    @property
    def health(self) -> list[dict[str, Any]]:
        """A row a layer, with its verdict."""
        found = self.told.get("health") or []
        return [r for r in found if isinstance(r, dict) and "layer" in r and "verdict" in r]

    def part(self, key: str, kind: type) -> Any:
        """An entry of run.json.

        Raises: DataError where it is not there, or of another kind.
        """
        found = self.told.get(key)
        if not isinstance(found, kind):
            raise DataError(
                f"{self.folder / 'run.json'}: {key} is not there, or is no {kind.__name__}; it was "
                "written by an older version or changed since: train once more"
            )
        return found

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The history, a row an epoch; of a run that was killed, as far as its last checkpoint."""
        path = self.folder / "history.jsonl"
        if not path.is_file():
            state = Checkpoints(self.folder / "checkpoints").latest()
            return list(state.rows) if state else []
        try:
            found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: cannot be read: {error}") from None
        if not all(isinstance(row, dict) and "epoch" in row for row in found):
            raise DataError(f"{path}: a line is no row of a history")
        return found

    def column(self, key: str) -> list[float]:
        """A figure of every epoch, NaN where there is none."""
        return [number(row.get(key)) for row in self.rows]

    def norms(self) -> dict[str, list[float]]:
        """The norm of every layer's gradient, epoch by epoch."""
        given = [row.get("gradient_norms") or {} for row in self.rows]
        names = dict.fromkeys(name for row in given for name in row)
        return {n: [number(row.get(n)) for row in given] for n in names}

    def model(self, own: str | None = None) -> Module:
        """The trained network; `own` names it in the user's file, where it came from one.

        Raises: DataError where the weights cannot be read, or fit no such network.
        """
        if self.told.get("status") == "begun":
            raise DataError(
                f"{self.folder}: the run has not ended, so there is no network yet; if it was "
                f"killed: chainrule train --resume {self.folder}"
            )
        if own is None:
            return rebuilt(self.folder).model
        outputs = len(self.part("data", dict).get("classes") or [0])
        if str(self.told.get("loss")).startswith("binary"):
            outputs = 1
        inputs = len(self.part("data", dict).get("features") or [])
        facts = {"inputs": inputs, "outputs": outputs, "seed": self.settings.get("seed", 0)}
        return load(self.folder / "weights.safetensors", into=from_file(own, facts))


def number(given: Any) -> float:
    """A number from JSON, where null stands for what is not finite."""
    return float(given) if isinstance(given, (int, float)) else nan


def saved_run(name: str) -> SavedRun:
    """The run in a folder.

    Raises: UsageError where there is none, DataError where its record cannot be read.
    """
    folder = run_folder(Path(name))
    try:
        return SavedRun(folder, load_json(folder / "run.json"))
    except ChainruleError as error:
        raise DataError(str(error).partition("\n")[0]) from None
