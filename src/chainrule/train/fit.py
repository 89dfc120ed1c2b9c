"""`fit`: train a network on data, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import Any, Never

from ..nn.module import Module
from ..optim import Transform
from .checks import refuse_unknown
from .history import History
from .metrics import METRICS
from .trainer import Trainer

__all__ = ["METRICS", "fit"]


def fit(
    model: Module, X: Any, y: Any = None, loss: Any = "mse", optimizer: Transform | None = None,
    epochs: int = 10, batch_size: int | None = None, seed: Any = 0, *, validation: Any = None,
    metrics: Sequence[Any] = (), callbacks: Sequence[Any] = (), shuffle: Any = True,
    progress: bool = False, record: int | bool = False, sample_weight: Any = None,
    class_weight: Any = None, early_stopping: Any = None, clip: Any = None, accumulate: int = 1,
    checkpoint: Any = None, **unknown: Never,
) -> History:  # fmt: skip
    """Train `model` in place by mini-batches, and return what happened.

    Shapes: X (N, …); y (N, …) as the loss wants it, and (N,) is read as (N, 1) where the model
    has one output. Data are cast to the model's dtype; integers are labels where the model has
    an output for each class, and numbers otherwise.
    `X` may also be a frame, a file, a memory-mapped array or batches:
    `chainrule.train.data.sources`.

    `batch_size` is 32 without being told, and that of the batches where X is batches.
    `loss` is a name of `chainrule.nn.losses` or a function (prediction, target) → number;
    `optimizer` defaults to Adam(); `clip` holds the norm of all gradients at a number, or their
    elements within (low, high); `accumulate` is how many batches make a step.
    `validation` is a share of the data to hold out, (X, y) or (X, y, weights); `metrics` are names
    of `METRICS`, functions of `sklearn.metrics`, or functions (prediction, target) → number.
    `early_stopping` is an `EarlyStopping`, or how many epochs to be patient with the loss on
    held-out data. `callbacks` have `on_start(run, x, t, epochs)`, `on_step(row)`, `on_epoch(row)`
    or `on_end(history)`, and may raise StopIteration to end early.
    `sample_weight` (N,) weighs the examples and `class_weight` their classes: "balanced", a dict
    or an array. `shuffle` is True, False, "stratified" (each batch has each class in its share),
    "balanced" (all classes alike), or a function from how many to their order.
    `record` is how many snapshots of the model to keep in `history.recording` (True: 60), for
    `chainrule.pictures.training`; `checkpoint` is a `chainrule.Checkpoints`. `seed` is a number or
    a Generator.

    The same seed gives the same bits. Ctrl-C ends it at the last completed step. A training whose
    loss or parameters are no longer finite ends with a `TrainingWarning` and the last finite model.
    A parameter that stands in several places is trained as one.
    Raises: DataError (text, NaN, lengths, labels, classes), ShapeError, UsageError; before
    anything is trained.

    >>> import numpy as np, chainrule as cr
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> model = cr.nn.Sequential(cr.nn.Linear(1, 16), cr.nn.Tanh(), cr.nn.Linear(16, 1))
    >>> history = cr.fit(model, X, X ** 2, epochs=100, optimizer=cr.optim.Adam(lr=0.05))
    >>> history.loss[-1] < 0.01 < history.loss[0]
    True
    """
    if unknown:
        refuse_unknown("fit", unknown, signature(fit).parameters)
    trainer = Trainer(
        model, loss, optimizer, metrics=metrics, callbacks=callbacks, seed=seed, clip=clip,
        accumulate=accumulate,
    )  # fmt: skip
    return trainer.fit(
        X, y, epochs=epochs, batch_size=batch_size, shuffle=shuffle, validation=validation,
        sample_weight=sample_weight, class_weight=class_weight, early_stopping=early_stopping,
        progress=progress, record=record, checkpoint=checkpoint,
    )  # fmt: skip
