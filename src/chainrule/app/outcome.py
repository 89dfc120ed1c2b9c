"""What came of a run: the test part's figures, the layers' verdicts, and how it ended in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.spelling import counted
from ..nn.losses import LOSSES
from ..train import History
from ..train.batches import Examples
from ..train.data.prepared import Prepared
from ..train.metrics import METRICS, metric_named
from ..train.metrics.judging import measured, predictions
from .setup import METRIC, Setup


@dataclass
class Outcome:
    """A run that has ended: what it was, and what came of it."""

    setup: Setup
    history: History
    result: dict[str, Any]
    seconds: float
    terminated: bool = False  # whether it was SIGTERM that stopped it, and not Ctrl-C

    @property
    def health(self) -> list[dict[str, Any]]:
        """The figures and the verdict of every layer after the last epoch."""
        return self.history.diagnosis

    @property
    def bad(self) -> int | None:
        """The first epoch whose loss is not finite, if there is one."""
        return stuck(self.history.rows)

    @property
    def status(self) -> str:
        """How it ended, in a word or two."""
        if self.bad is not None:
            return "not finite"
        return "interrupted" if self.history.interrupted else "finished"


def stuck(rows: list[dict[str, Any]]) -> int | None:
    """The first epoch whose loss is not finite, if there is one."""
    return next((r["epoch"] for r in rows if not np.isfinite(r["loss"])), None)


def judge(setup: Setup) -> dict[str, Any]:
    """The test part, which training has not seen: accuracy, or R² and the mean absolute error.

    And the metrics that were asked for.
    """
    data = setup.data
    part = Examples(data.source("test"))
    made, t = predictions(setup.model, part)
    t = t[:, None] if made.ndim == t.ndim + 1 and made.shape[-1] == 1 else t
    if data.task == "regression":  # in the units of the target
        made, t = (data.target_mean + data.target_scale * x.astype(np.float64) for x in (made, t))
    named = [metric_named(m, LOSSES[setup.loss]) for m in setup.chosen["metric"]]
    found = measured(named, made, t, part)
    with np.errstate(all="ignore"):
        return found | (_right if data.task == "classification" else _near)(data, made, t)


def _right(data: Prepared, made: np.ndarray, t: np.ndarray) -> dict[str, float]:
    commonest = np.bincount(data.source("train").targets()).argmax()
    return {
        "accuracy": float(METRICS["accuracy"](made, t)),
        "commonest_class": float(np.mean(t == commonest)),
    }


def _near(data: Prepared, made: np.ndarray, t: np.ndarray) -> dict[str, float]:
    return {
        "r2": float(METRICS["r2"](made, t)),
        "mae": float(METRICS["mae"](made, t)),
        "mae_of_the_mean": float(np.mean(np.abs(t - data.target_mean))),
    }


def result_line(outcome: Outcome) -> str:
    """What the run came to, in one line."""
    r, done, data = outcome.result, len(outcome.history.rows), outcome.setup.data
    if data.task == "classification":
        told = f"test accuracy {r['accuracy']:.4f}"
        than = f"{r['commonest_class']:.4f} for always saying the commonest class"
    else:
        told = f"test R² {r['r2']:.4f}, mean absolute error {r['mae']:.4g}"
        than = f"{r['mae_of_the_mean']:.4g} for always saying the mean"
    shown = {"accuracy", "r2", "mae"}
    asked_for = [k for k in outcome.setup.chosen["metric"] if k not in shown]
    more = [f"{k} {r[k]:.4g}" for k in asked_for if isinstance(r.get(k), float)]
    told = ", ".join([told, *more])
    asked = outcome.setup.epochs
    ended = {"not finite": "not finite", "interrupted": "stopped"}
    why = ended.get(outcome.status, "stopped early")
    early = f" of {asked}: {why}" if done < asked else ""
    return f"{told} ({than}); {counted(done, 'epoch')}{early}, {outcome.seconds:.1f} s"


def trouble(outcome: Outcome) -> str:
    """What is said of a loss that is not finite."""
    return (
        f"the loss is not finite since epoch {outcome.bad}, and the training was ended there: try "
        f'a smaller --lr (it was {outcome.setup.settings["lr"]:g}), or --clip "norm 1"'
    )


def title_metric(setup: Setup) -> str:
    """The metric that a run is judged by."""
    return METRIC[setup.data.task]
