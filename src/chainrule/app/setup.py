"""What a run consists of, made from its settings: data, network, loss, optimiser, trainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..graph.errors import DataError, ExpressionError, UsageError
from ..graph.spelling import counted, did_you_mean
from ..train import Trainer, prepared
from ..train.batches import Examples
from ..train.checks import check_metrics
from ..train.data.prepared import NAMES, Prepared, builtin
from ..train.data.sources.files import ENDINGS, read_table
from ..train.data.tables.csvfile import read_csv
from .config import Chosen
from .network import network, plain
from .recipe import OPTIMIZERS, clip, optimizer
from .settings import SETTINGS, epochs_for
from .usermodel import check_outputs, from_file, is_file
from .values import Unfit

LOSSES = {  # those that go with a task, the usual one first
    "classification": ("cross_entropy", "binary_cross_entropy_with_logits"),
    "regression": ("mse", "l1", "huber"),
}
METRIC = {"classification": "accuracy", "regression": "r2"}
NOT_RECORDED = ("quiet", "out", "hidden", "activation")  # `model` says what they say


@dataclass
class Setup:
    """A run before it begins."""

    chosen: Chosen
    data: Prepared
    loss: str
    model: Any
    epochs: int
    steps: int  # in an epoch

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting, with what was chosen where none was given."""
        found = {k: v for k, v in self.chosen.items() if k not in NOT_RECORDED}
        name = self.chosen["optimizer"].split()[0]
        return found | {
            "model": layers_of(self.chosen), "epochs": self.epochs, "loss": self.loss,
            "lr": self.chosen["lr"] or OPTIMIZERS[name].lr,
        }  # fmt: skip

    @property
    def outputs(self) -> int:
        """How many numbers the network gives."""
        return outputs_of(self.data, self.loss)

    def trainer(self, callbacks: Sequence[Any] = ()) -> Trainer:
        """The trainer of the run.

        Raises: UsageError where a phrase of the settings says what cannot be.
        """
        c = self.chosen
        schedule, steps = c["schedule"], max(1, self.epochs * self.steps // c["accumulate"])
        try:
            made = optimizer(c["optimizer"], c["lr"], schedule, steps, self.steps)
        except Unfit as error:
            key = blamed(c)
            raise UsageError(f"{c.places.get(key, key)}: {error}") from None
        bounds = c.fitting("clip", clip) if c["clip"] else None
        metrics = tuple(dict.fromkeys((METRIC[self.data.task], *c["metric"])))
        trainer = Trainer(
            self.model, self.loss, made, metrics=metrics, callbacks=callbacks, seed=c["seed"],
            clip=bounds, accumulate=c["accumulate"],
        )  # fmt: skip
        try:
            check_metrics(trainer.metrics, trainer.loss, Examples(self.data.source("train")))
        except UsageError as error:
            raise UsageError(c.said_of("metric", error)) from None
        return trainer


def blamed(c: Chosen) -> str:
    """Which of optimizer and schedule is at fault: the one that fails without the other."""
    try:
        optimizer(c["optimizer"], None, None, 1000, 10)
    except Unfit:
        return "optimizer"
    return "schedule" if c["schedule"] else "lr"


def setup(chosen: Chosen) -> Setup:
    """Data, network and loss for these settings.

    Raises: UsageError, DataError, ExpressionError, before anything is trained.
    """
    try:
        data = load(chosen)
    except (DataError, UsageError) as error:
        raise type(error)(chosen.said_of(named(chosen, str(error)), error)) from None
    loss = loss_for(chosen, data)
    model = model_for(chosen, data, loss)
    size = chosen["batch_size"]
    count = len(data.rows["train"])
    if chosen["optimizer"].split()[:1] == ["lbfgs"] and not chosen.asked("batch_size"):
        chosen["batch_size"] = size = count
    return Setup(
        chosen, data, loss, model, chosen["epochs"] or epochs_for(count, size), -(-count // size)
    )


def named(chosen: Chosen, told: str) -> str:
    """The setting that a refusal of the data is about; "" where it is about what is in them."""
    for key in ("target", "categorical", "drop"):
        values = chosen[key] or ()
        if any(f"there is no column {v!r}" in told for v in
               ((values,) if isinstance(values, str) else values)):  # fmt: skip
            return key
    return "data" if chosen["data"] and not Path(chosen["data"]).exists() else ""


def loss_for(chosen: Chosen, data: Prepared) -> str:
    """The loss that was asked for, if it goes with the task, or the usual one."""
    known = LOSSES[data.task]
    asked = chosen["loss"] or known[0]
    where = chosen.places.get("loss", "loss")
    if asked not in known:
        raise UsageError(f"{where}: {data.task} is trained with {' or '.join(known)}")
    if asked.startswith("binary") and len(data.classes) != 2:
        raise UsageError(
            f"{where}: it is for two classes, and there are {len(data.classes)}; take cross_entropy"
        )
    if data.task == "regression" and chosen["class_weight"]:
        raise UsageError(f"{chosen.places['class_weight']}: regression has no classes")
    return asked


def outputs_of(data: Prepared, loss: str) -> int:
    """How many numbers a network for these data and this loss gives."""
    return 1 if loss.startswith("binary") else data.outputs


def model_for(chosen: Chosen, data: Prepared, loss: str) -> Any:
    """The network: from words, from sizes, or from the user's own file."""
    asked, seed, outputs = chosen["model"], chosen["seed"], outputs_of(data, loss)
    if is_file(asked):
        inputs = data.shape[0] if len(data.shape) == 1 else data.shape
        made = from_file(asked, {"inputs": inputs, "outputs": outputs, "seed": seed})
        x, _ = data.source("train").take(np.arange(1))
        classes = f"{counted(len(data.classes), 'class', 'classes')} with {loss}"
        why = classes if data.task == "classification" else data.task
        check_outputs(asked, made, x, outputs, f"for {why}")
        return made
    try:
        return network(layers_of(chosen), data.shape, outputs, seed)
    except ExpressionError as error:  # its caret stands under the text, which is said once
        where = chosen.places.get("model", "").partition(": model")[0]
        option = "--model" if where.startswith("--") or not where else where
        raise ExpressionError(f"{option}: {error}") from None


def layers_of(chosen: Chosen) -> str:
    """The layers as one text, or the name of the user's file."""
    if chosen["model"] is not None:
        return chosen["model"]
    return plain(chosen["hidden"], chosen["activation"])


def load(chosen: Chosen) -> Prepared:
    """The data that was asked for, by name or by file.

    Raises: DataError, UsageError.
    """
    name = chosen["data"]
    if name is None:
        raise UsageError(
            f"train on what? Give a file, or one of {', '.join(NAMES)}: chainrule train digits"
        )
    if name in NAMES:
        for key in ("target", "task", "categorical", "drop"):
            if chosen[key]:
                option = SETTINGS[key].option
                raise UsageError(f"{option} is for files; {name} is a data set of its own")
        return builtin(name, chosen["seed"])
    path = Path(name)
    if not path.exists() and not path.suffix:
        advice = did_you_mean(name, NAMES, "there are " + ", ".join(NAMES))
        raise DataError(f"there is no data set {name}, and no such file; {advice}")
    if not chosen["target"] and ENDINGS.get(path.suffix.lower()[1:]) in ("csv", "parquet"):
        table = read_csv(path) if path.suffix.lower() == ".csv" else read_table(path)
        known = ", ".join(list(table.columns)[:12])
        raise DataError(f"{name}: which column is to be predicted? --target, one of {known}")
    return prepared(
        path, chosen["target"], chosen["task"], chosen["seed"], chosen["categorical"],
        chosen["drop"],
    )  # fmt: skip
