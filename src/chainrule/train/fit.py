"""`fit`: train a network on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from ..graph.errors import DataError, ShapeError, UsageError
from ..nn.losses import loss_named
from ..nn.module import Module, generator
from ..optim import Adam, Transform
from .examples import Examples, split
from .history import History
from .metrics import METRICS
from .record import Recorder
from .run import Run, listed

__all__ = ["METRICS", "fit"]


def fit(
    model: Module, X: Any, y: Any, loss: Any = "mse", optimizer: Transform | None = None,
    epochs: int = 10, batch_size: int = 32, seed: Any = 0, *, validation: Any = None,
    metrics: Sequence[Any] = (), callbacks: Sequence[Any] = (), shuffle: bool = True,
    progress: bool = False, record: int | bool = False,
) -> History:  # fmt: skip
    """Train `model` in place by mini-batches, and return what happened.

    Shapes: X (N, …); y (N, …) as the loss wants it, and (N,) is read as (N, 1) where the model
    has one output. Data are cast to the model's dtype; integers are labels where the model has
    an output for each class, and numbers otherwise.
    `loss` is a name of `chainrule.nn.losses` or a function (prediction, target) → number;
    `optimizer` defaults to Adam(); `validation` is (X, y) or a share of the data to hold out;
    `metrics` are "accuracy", "mae", "r2" or functions; `callbacks` have `on_epoch(row)` or
    `on_step(row)`, and may raise StopIteration to end early; `seed` is a number or a Generator.
    `record` is how many snapshots of the model to keep in `history.recording` (True: 60), for
    `chainrule.pictures.training`.
    The same seed gives the same bits. Ctrl-C ends it at the last completed step. A parameter
    that stands in several places is trained as one.
    Raises: DataError (text, NaN, lengths), ShapeError, UsageError.

    >>> import chainrule as cr
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> model = cr.nn.Sequential(cr.nn.Linear(1, 16), cr.nn.Tanh(), cr.nn.Linear(16, 1))
    >>> history = cr.fit(model, X, X ** 2, epochs=100, optimizer=cr.optim.Adam(lr=0.05))
    >>> history.loss[-1] < 0.01 < history.loss[0]
    True
    """
    for name, value, least in (("batch_size", batch_size, 1), ("epochs", epochs, 0)):
        if not isinstance(value, (int, np.integer)) or value < least:
            raise UsageError(f"fit: {name}={value!r}; give a whole number, {least} or more")
    rng = generator(seed)
    run = Run(model, loss_named(loss), Adam() if optimizer is None else optimizer, metrics, rng)
    (x, t), held_out = _parts(run, run.data(X, y), validation, rng)
    if run.optimizer.full_batch and batch_size < len(x):
        raise UsageError(
            f"fit: {type(optimizer).__name__} needs all {len(x)} examples in every step; give "
            f"batch_size={len(x)}"
        )
    history = History(model)
    with _bar(progress) as bar:
        recorder = [Recorder(record)] if record is not False else []
        tell = Told((*recorder, *listed(callbacks), *([bar] if bar else [])))
        run.begin(epochs * -(-len(x) // batch_size))
        tell.start(run, x, t, epochs)
        history.recording = recorder[0].recording if recorder else None
        try:
            for epoch in range(1, epochs + 1):
                order = rng.permutation(len(x)) if shuffle else np.arange(len(x))
                row = {"epoch": epoch, "epochs": epochs}
                row |= run.epoch(x, t, order, batch_size, tell)
                row |= run.judge(x, t, held_out)
                history.add(row)
                tell.epoch(row)
        except Enough:
            pass
        except KeyboardInterrupt:
            history.interrupted = True
        finally:
            model.adopt(run.model(run.tensors()))
    return history


def _bar(progress: bool) -> Any:
    if not progress:
        return nullcontext()
    from .progress import ProgressBar

    return ProgressBar()


def _parts(run: Run, data: Examples, validation: Any, rng: np.random.Generator) -> tuple:
    """The examples to train on, and the held-out ones or None."""
    held_out = None
    if isinstance(validation, (tuple, list)) and len(validation) == 2:
        held_out = run.data(*validation)
        shapes = data[0].shape[1:], held_out[0].shape[1:]
        if shapes[0] != shapes[1]:
            raise ShapeError(f"fit: examples are {shapes[0]}, those of validation {shapes[1]}")
    elif validation is not None:
        data, held_out = split(*data, validation, rng)
    for what, part in (("train on", data), ("validate with", held_out)):
        if part is not None and not len(part[0]):
            raise DataError(f"fit: no examples to {what}")
    return data, held_out


class Enough(Exception):
    """A callback raised StopIteration; the same from anywhere else is a mistake, and passes."""


class Told:
    """The callbacks, each told what it has a method for."""

    def __init__(self, callbacks: tuple):
        self.of_starts = [c.on_start for c in callbacks if hasattr(c, "on_start")]
        self.of_epochs = [c.on_epoch for c in callbacks if hasattr(c, "on_epoch")]
        self.of_steps = [c.on_step for c in callbacks if hasattr(c, "on_step")]
        for callback in callbacks:
            if not hasattr(callback, "on_epoch") and not hasattr(callback, "on_step"):
                raise UsageError(
                    f"fit: callback {callback!r} has neither on_epoch(row) nor on_step(row)"
                )

    @property
    def each_step(self) -> bool:
        """Whether any of them wants to hear of every step as it is taken."""
        return bool(self.of_steps)

    def start(self, run: Run, x: np.ndarray, t: np.ndarray, epochs: int) -> None:
        """Tell that it begins, and of what; `run.snapshot()` is the model at any time."""
        for hook in self.of_starts:
            hook(run, x, t, epochs)

    def epoch(self, row: dict) -> None:
        """Tell of an epoch."""
        _tell(self.of_epochs, row)

    def step(self, row: dict) -> None:
        """Tell of a step."""
        _tell(self.of_steps, row)


def _tell(hooks: list, row: dict) -> None:
    try:
        for hook in hooks:
            hook(row)
    except StopIteration:
        raise Enough from None
