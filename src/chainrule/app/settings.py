"""What a training run can be told: one table, from which options, TOML keys and records come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..nn.activations import ACTIVATIONS
from ..nn.losses import LOSSES
from ..train.metrics import METRICS
from .recipe import OPTIMIZERS, SCHEDULES
from .values import Reader, flag, positive, sizes, text, texts, whole, word, words

__all__ = ["GROUPS", "SETTINGS", "STEPS", "Setting", "defaults", "epochs_for"]


@dataclass(frozen=True)
class Setting:
    """One thing a run can be told: its key, what it takes, what it is without being told."""

    key: str
    read: Reader
    default: Any
    told: str
    metavar: str = "TEXT"
    group: str = "training"
    many: bool = False

    @property
    def option(self) -> str:
        """How it is written on the command line."""
        return "--" + self.key.replace("_", "-")

    @property
    def is_flag(self) -> bool:
        """Whether it is a switch."""
        return self.read is flag


GROUPS = ("data", "network", "training", "output")
STEPS = 4000  # as many as small data need; the epochs follow from the number of examples
FEWEST, MOST = 10, 200

SETTINGS: dict[str, Setting] = {
    s.key: s
    for s in (
        Setting("data", text, None, "A data set's name, or a file.", "DATA", "data"),
        Setting("target", text, None, "The column to predict; of .npz the array, of .npy the "
                "other file.", "NAME", "data"),
        Setting("task", word("classification", "regression"), None,
                "Overrule what the target suggests: classification or regression.", "WORD", "data"),
        Setting("categorical", texts, (), "A column of numbers that are categories; repeat for "
                "more.", "COLUMN", "data", many=True),
        Setting("drop", texts, (), "A column to leave out; repeat for more.", "COLUMN", "data",
                many=True),
        Setting("model", text, None, 'Layers, "64 relu dropout 0.2, 64 tanh", or your own: '
                "FILE.py:name.", "LAYERS", "network"),
        Setting("hidden", sizes, (64, 64), 'Sizes alone; "" for none. Default: "64 64".',
                "SIZES", "network"),
        Setting("activation", word(*ACTIVATIONS), "relu", "After each of the sizes. Default: "
                "relu.", "WORD", "network"),
        Setting("loss", word(*LOSSES), None, "Default: cross_entropy for classes, mse for "
                "numbers.", "WORD"),
        Setting("optimizer", text, "adam", f"One of {', '.join(OPTIMIZERS)}; with options: "
                '"sgd momentum=0.9". Default: adam.', "WORDS"),
        Setting("lr", positive, None, "Learning rate. Default: the optimizer's own.", "NUMBER"),
        Setting("schedule", text, None, f"One of {', '.join(SCHEDULES)}; with options: "
                '"cosine warmup=100".', "WORDS"),
        Setting("clip", text, None, 'Gradients held in bounds: "norm 1" or "value 5".', "WORDS"),
        Setting("epochs", whole(1), None, f"Default: enough for about {STEPS:,} steps.", "N"),
        Setting("batch_size", whole(1), 32, "Default: 32.", "N"),
        Setting("accumulate", whole(1), 1, "Batches that make one step. Default: 1.", "N"),
        Setting("class_weight", word("balanced"), None, "balanced: rare classes count as much as "
                "common ones.", "WORD"),
        Setting("metric", words(*METRICS), (), f"Followed beside the loss: {', '.join(METRICS)}; "
                "repeat for more.", "WORD", many=True),
        Setting("patience", whole(1), None, "End after so many epochs without a better "
                "validation loss, and keep the best.", "N"),
        Setting("seed", whole(0), 0, "The same seed gives the same bits. Default: 0.", "N"),
        Setting("out", text, "runs", "Where the folder of the run is made. Default: runs.", "DIR",
                "output"),
        Setting("checkpoint", whole(1), None, "Save so that it can go on after every N steps. "
                "Default: after epochs, in at most a tenth of the time.", "N", "output"),
        Setting("quiet", flag, False, "Print the result alone.", "", "output"),
    )
}  # fmt: skip


def defaults() -> dict[str, Any]:
    """Every setting as it is without being told."""
    return {key: s.default for key, s in SETTINGS.items()}


def epochs_for(examples: int, batch_size: int) -> int:
    """How many epochs make about 4,000 steps, between 10 and 200.

    >>> epochs_for(1257, 32)
    100
    """
    return int(min(MOST, max(FEWEST, round(STEPS / max(1, -(-examples // batch_size))))))
