"""One training run: prepare the data, train, judge, write the folder, say what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ..graph.errors import DataError, UsageError
from ..nn import Sequential
from ..show.draw import draw
from ..show.page import Report, figure, page
from ..show.training.report import pictures
from ..study.formula import did_you_mean
from ..study.health import verdicts
from ..train import History, fit
from ..train.data import NAMES, PARTS, Prepared, builtin
from ..train.fit import METRICS
from ..train.folder import new_folder, save_history, save_json, save_weights, versions
from ..train.progress import ProgressBar
from ..train.table import from_csv
from .settings import OPTIMIZERS, Settings, epochs_for, network, sizes
from .terminal import say as say_aloud

LOSS = {"classification": "cross_entropy", "regression": "mse"}
SAMPLE = 8  # examples that are saved with a run
METRIC = {"classification": "accuracy", "regression": "r2"}


@dataclass
class Outcome:
    """A run that has ended: what it was, and what came of it."""

    data: Prepared
    settings: Settings
    model: Sequential
    history: History
    result: dict[str, float]
    health: list[dict[str, Any]]
    seconds: float


def train(options: dict[str, Any], say: Callable[..., None]) -> Path:
    """Do all of it; returns the folder of the run."""
    hidden = sizes(options["hidden"])
    data = load(options)
    size = options["batch_size"]
    settings = Settings(
        options["epochs"] or epochs_for(len(data.rows["train"]), size), size,
        options["lr"] or OPTIMIZERS[options["optimizer"]][1], hidden,
        options["activation"], options["optimizer"], options["seed"],
    )  # fmt: skip
    sizes_told = ", ".join(f"{k} {len(data.rows[k]):,}" for k in PARTS)
    say(f"{data.name}: {len(data.X):,} rows ({sizes_told})", bold=True)
    for note in data.notes:
        say(f"  {note}")
    model = network(data.X.shape[1], data.outputs, settings)
    count = sum(p.size for p in model.parameters())
    wide = " → ".join(map(str, (data.X.shape[1], *hidden, data.outputs)))
    say(f"network {wide}, {settings.activation}, {count:,} parameters; {settings.optimizer}")
    folder = new_folder(options["out"], data.name)  # before the work whose result it is for
    try:
        outcome = _fit(data, settings, model, options["quiet"])
    except BaseException:
        folder.rmdir()
        raise
    write(folder, outcome)
    for row in outcome.health:
        say(health_line(row), warn=row["verdict"] != "healthy")
    say_aloud(result_line(outcome), bold=True)
    say_aloud(f"written to {folder}/: report.html, weights.safetensors, history.jsonl, run.json")
    return folder


def load(options: dict[str, Any]) -> Prepared:
    """The data that was asked for, by name or by file."""
    name, target = options["data"], options["target"]
    if name in NAMES:
        given = [k for k in ("target", "task", "categorical", "drop") if options[k]]
        if given:
            raise UsageError(f"--{given[0]} is for CSV files; {name} is a data set of its own")
        return builtin(name, options["seed"])
    if not Path(name).exists() and not Path(name).suffix:
        advice = did_you_mean(name, NAMES, "there are " + ", ".join(NAMES))
        raise DataError(f"there is no data set {name}, and no such file; {advice}")
    if not target:
        from ..train.csvfile import read_csv

        known = ", ".join(list(read_csv(name).columns)[:12])
        raise DataError(f"{name}: which column is to be predicted? --target, one of {known}")
    return from_csv(
        name, target, options["task"], options["seed"], options["categorical"], options["drop"]
    )


def _fit(data: Prepared, settings: Settings, model: Sequential, quiet: bool) -> Outcome:
    started = perf_counter()
    with ProgressBar() as bar:
        history = fit(
            model, *data.part("train"), loss=LOSS[data.task], optimizer=settings.optimiser(),
            epochs=settings.epochs, batch_size=settings.batch_size, seed=settings.seed,
            validation=data.part("validation"), metrics=(METRIC[data.task],),
            callbacks=() if quiet else (bar,), record=True,
        )  # fmt: skip
    seconds = perf_counter() - started
    return Outcome(data, settings, model, history, judge(data, model), health(history), seconds)


def judge(data: Prepared, model: Sequential) -> dict[str, float]:
    """The test part, which training has not seen: accuracy, or R² and the mean absolute error."""
    X, y = data.part("test")
    with np.errstate(all="ignore"):
        made = np.asarray(model(X))
    if data.task == "classification":
        commonest = np.bincount(data.part("train")[1]).argmax()
        return {
            "accuracy": METRICS["accuracy"](made, y),
            "commonest_class": float(np.mean(y == commonest)),
        }
    made = made[:, 0]
    return {
        "r2": METRICS["r2"](made, y),
        "mae": METRICS["mae"](made, y) * data.target_scale,
        "mae_of_the_mean": float(np.mean(np.abs(y))) * data.target_scale,
    }


def health(history: History) -> list[dict[str, Any]]:
    """The figures and the verdict of every layer after the last epoch."""
    if not history.rows:
        return []
    layers = history.last["health"]
    words = verdicts(layers)
    return [{"layer": k, "verdict": words[k], **row} for k, row in layers.items()]


def health_line(row: dict[str, Any]) -> str:
    """One layer's verdict, with the figures it rests on.

    >>> health_line({"layer": "0", "verdict": "dead", "norm": 0.5, "ratio": 0.001, "zero": 0.6,
    ...              "dead": 0.75, "saturated": None})
    'layer 0: dead (gradient norm 0.5, update/weight 0.001, zero gradients 60 %, dead units 75 %)'
    """
    names = {"norm": "gradient norm", "ratio": "update/weight", "zero": "zero gradients",
             "dead": "dead units", "saturated": "saturated units"}  # fmt: skip
    told = ", ".join(
        f"{name} {figure(key, row[key])}" for key, name in names.items() if row[key] is not None
    )
    return f"layer {row['layer']}: {row['verdict']} ({told})"


def result_line(outcome: Outcome) -> str:
    """What the run came to, in one line."""
    r, done = outcome.result, len(outcome.history.rows)
    if outcome.data.task == "classification":
        told = f"test accuracy {r['accuracy']:.4f}"
        than = f"{r['commonest_class']:.4f} for always saying the commonest class"
    else:
        told = f"test R² {r['r2']:.4f}, mean absolute error {r['mae']:.4g}"
        than = f"{r['mae_of_the_mean']:.4g} for always saying the mean"
    early = f" of {outcome.settings.epochs}: stopped early" if outcome.history.interrupted else ""
    return f"{told} ({than}); {done} epochs{early}, {outcome.seconds:.1f} s{_trouble(outcome)}"


def _trouble(outcome: Outcome) -> str:
    losses = [row["loss"] for row in outcome.history.rows]
    bad = next((k for k, loss in enumerate(losses) if not np.isfinite(loss)), None)
    if bad is None:
        return ""
    return f"\nthe loss is not finite since epoch {bad + 1}: try a smaller --lr"


def write(folder: Path, outcome: Outcome) -> None:
    """All files of a run."""
    data, settings = outcome.data, outcome.settings
    model = {
        "inputs": data.X.shape[1], "hidden": list(settings.hidden), "outputs": data.outputs,
        "activation": settings.activation,
    }  # fmt: skip
    state = {k: np.asarray(p) for k, p in outcome.model.named_parameters().items()}
    told = {"version": versions()["chainrule"], "model": model, "task": data.task,
            "preparation": data.preparation}  # fmt: skip
    save_weights(folder / "weights.safetensors", state, told)
    save_history(folder / "history.jsonl", outcome.history.rows)
    save_json(folder / "run.json", record(outcome, model))
    (folder / "report.html").write_text(page(report(outcome)), encoding="utf-8")


def record(outcome: Outcome, model: dict[str, Any]) -> dict[str, Any]:
    """A run as plain data."""
    data = outcome.data
    return {
        "data": {
            "name": data.name, "rows": {k: len(v) for k, v in data.rows.items()},
            "features": data.features, "classes": data.classes, "notes": data.notes,
        },
        "task": data.task, "settings": asdict(outcome.settings), "model": model,
        "loss": LOSS[data.task], "sample": sample(data),
        "epochs_completed": len(outcome.history.rows), "interrupted": outcome.history.interrupted,
        "result": outcome.result, "health": outcome.health, "seconds": outcome.seconds,
        "versions": versions(),
    }  # fmt: skip


def sample(data: Prepared) -> dict[str, Any]:
    """A few training examples as the network sees them: enough to look at the run later."""
    X, y = data.part("train")
    few = np.linspace(0, len(X) - 1, min(SAMPLE, len(X))).astype(int)  # rows are often sorted
    targets = y[few] if data.task == "classification" else y[few, None]
    return {"x": X[few].tolist(), "y": targets.tolist()}


def report(outcome: Outcome) -> Report:
    """A run as the data of its report."""
    data, settings, result = outcome.data, outcome.settings, outcome.result
    rows, metric = outcome.history.rows, METRIC[data.task]
    if data.task == "classification":
        figures = [("test accuracy", f"{result['accuracy']:.4f}"),
                   ("the commonest class alone", f"{result['commonest_class']:.4f}")]  # fmt: skip
    else:
        figures = [("test R²", f"{result['r2']:.4f}"),
                   ("mean absolute error", f"{result['mae']:.4g}")]  # fmt: skip
    count = sum(p.size for p in outcome.model.parameters())
    figures += [("parameters", f"{count:,}"), ("epochs", str(len(rows))),
                ("training time", f"{outcome.seconds:.1f} s")]  # fmt: skip
    unwell = [r for r in outcome.health if r["verdict"] != "healthy"]
    told = f"{data.task.capitalize()} of {len(data.X):,} rows by {data.X.shape[1]} features. "
    told += (
        "The gradients of all layers are healthy." if outcome.health and not unwell
        else "; ".join(f"layer {r['layer']} is {r['verdict']}" for r in unwell).capitalize() + "."
        if unwell else "No epoch was completed."
    )  # fmt: skip
    X, y = data.part("train")
    batch = slice(0, settings.batch_size)
    target = y[batch] if data.task == "classification" else y[batch, None]
    drawn = draw(
        outcome.model, X[batch], target, loss=LOSS[data.task], shapes=True, gradients=False,
        fold=True, legend=False, ident="network",
        title=f"The network of {data.name} and its loss",
    )  # fmt: skip
    told_settings = [(k.replace("_", " "), _told(v)) for k, v in asdict(settings).items()]
    told_settings += [(k, f"{len(v):,} rows") for k, v in data.rows.items()]
    told_settings += list(versions().items())
    return Report(
        f"{data.name}: a network of {len(settings.hidden) + 1} layers", told, figures, rows,
        metric, outcome.health,
        drawn.svg,
        told_settings, data.notes, pictures(outcome.history, data.features, data.classes),
    )  # fmt: skip


def _told(value: Any) -> str:
    return " ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
