"""The files of a run: run.json, weights, history, report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..graph.errors import CheckpointError
from ..graph.spelling import counted
from ..show.draw import draw
from ..show.page import Report, page
from ..show.training.report import pictures
from ..train.checkpoint import save
from ..train.checkpoint.models import save_model
from ..train.data.fingerprint import fingerprint
from ..train.folder import finite, save_history, save_json, versions
from .network import told as told_network
from .outcome import Outcome, title_metric
from .setup import Setup
from .usermodel import is_file

SAMPLE = 8  # examples that are saved with a run


def begin(folder: Path, setup: Setup) -> None:
    """What is written before training: enough to take the run up again."""
    save_json(folder / "run.json", record(setup))


def write(folder: Path, outcome: Outcome) -> None:
    """All files of a run; the weights first, and what is made of them after."""
    setup = outcome.setup
    told = finite({"task": setup.data.task, "preparation": setup.data.preparation})
    path = folder / "weights.safetensors"
    try:
        save_model(setup.model, path, told)
    except CheckpointError:  # layers of the user's own: the numbers by name
        save(setup.model.state_dict(), path)
    save_history(folder / "history.jsonl", outcome.history.rows)
    (folder / "report.html").write_text(page(report(outcome)), encoding="utf-8")
    save_json(folder / "run.json", record(setup, outcome))  # last: only now the run has ended


def record(setup: Setup, outcome: Outcome | None = None) -> dict[str, Any]:
    """A run as plain data: before it has ended, all but what came of it."""
    data = setup.data
    found = {
        "status": outcome.status if outcome else "begun",
        "data": {
            "name": data.name, "rows": {k: len(v) for k, v in data.rows.items()},
            "features": data.features, "classes": data.classes, "notes": data.notes,
            "fingerprint": list(fingerprint(data.source("train"))),
        },
        "task": data.task, "settings": setup.settings, "network": told_network(setup.model),
        "own_file": is_file(setup.chosen["model"]), "loss": setup.loss,
        "preparation": data.preparation, "sample": sample(setup), "versions": versions(),
    }  # fmt: skip
    if outcome is not None:
        found |= {
            "epochs_completed": len(outcome.history.rows),
            "interrupted": outcome.history.interrupted, "result": outcome.result,
            "health": outcome.health, "seconds": outcome.seconds,
        }  # fmt: skip
    return found


def sample(setup: Setup) -> dict[str, Any]:
    """A few training examples as the network sees them: enough to look at the run later."""
    part = setup.data.source("train")
    few = np.linspace(0, len(part) - 1, min(SAMPLE, len(part))).astype(int)  # often sorted
    x, t = part.take(few)
    return {"x": x.tolist(), "y": _targets(setup, t).tolist()}


def _targets(setup: Setup, t: np.ndarray) -> np.ndarray:
    """Targets in the shape that the loss wants beside one output or several."""
    if setup.loss == "cross_entropy":
        return t
    return t.astype(np.float32)[:, None]


def report(outcome: Outcome) -> Report:
    """A run as the data of its report."""
    setup, data = outcome.setup, outcome.setup.data
    rows, metric = outcome.history.rows, title_metric(setup)
    unwell = [r for r in outcome.health if r["verdict"] != "healthy"]
    rows_told = counted(len(data.examples), "row")
    told = f"{data.task.capitalize()} of {rows_told} of shape {data.shape}. "
    told += (
        "The gradients of all layers are healthy." if outcome.health and not unwell
        else "; ".join(f"layer {r['layer']} is {r['verdict']}" for r in unwell).capitalize() + "."
        if unwell else "No epoch was completed."
    )  # fmt: skip
    settings = [(k.replace("_", " "), _told(v)) for k, v in setup.settings.items()]
    settings += [(k, counted(len(v), "row")) for k, v in data.rows.items()]
    settings += list(versions().items())
    return Report(
        f"{data.name}: {told_network(setup.model)}", told, figures(outcome), rows, metric,
        outcome.health, _drawn(outcome), settings, data.notes,
        pictures(outcome.history, data.features, data.classes),
    )  # fmt: skip


def figures(outcome: Outcome) -> list[tuple[str, str]]:
    """The few numbers on top of the report."""
    result, setup = outcome.result, outcome.setup
    if setup.data.task == "classification":
        found = [("test accuracy", f"{result['accuracy']:.4f}"),
                 ("the commonest class alone", f"{result['commonest_class']:.4f}")]  # fmt: skip
    else:
        found = [("test R²", f"{result['r2']:.4f}"),
                 ("mean absolute error", f"{result['mae']:.4g}")]  # fmt: skip
    count = sum(p.size for p in setup.model.parameters())
    return [*found, ("parameters", f"{count:,}"), ("epochs", str(len(outcome.history.rows))),
            ("training time", f"{outcome.seconds:.1f} s")]  # fmt: skip


def _drawn(outcome: Outcome) -> str:
    setup = outcome.setup
    part = setup.data.source("train")
    x, t = part.take(np.arange(min(setup.chosen["batch_size"], len(part), 256)))
    return draw(
        setup.model, x, _targets(setup, t), loss=setup.loss, shapes=True, gradients=False,
        fold=True, legend=False, ident="network",
        title=f"The network of {setup.data.name} and its loss",
    ).svg  # fmt: skip


def _told(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
