"""`fit`: train a network on arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from time import perf_counter
from typing import Any

import numpy as np

from ..eager.tensor import Tensor, leaf
from ..graph.errors import DataError, DTypeError, ScalarError, ShapeError, UsageError
from ..nn.losses import cross_entropy, loss_named
from ..nn.mode import apply
from ..nn.module import Module, generator
from ..nn.statistics import observe
from ..optim import Adam, Transform, apply_updates
from ..study import health
from ..transform import value_and_grad
from ..transform.trees import tree_flatten, tree_unflatten
from .examples import Examples, examples, split
from .history import History
from .metrics import METRICS, metric_named

__all__ = ["METRICS", "fit"]

PROBE = 256  # examples on which dead and saturated units are counted


def fit(
    model: Module, X: Any, y: Any, loss: Any = "mse", optimizer: Transform | None = None,
    epochs: int = 10, batch_size: int = 32, seed: Any = 0, *, validation: Any = None,
    metrics: Sequence[Any] = (), callbacks: Sequence[Any] = (), shuffle: bool = True,
    progress: bool = False,
) -> History:  # fmt: skip
    """Train `model` in place by mini-batches, and return what happened.

    Shapes: X (N, …); y (N, …) as the loss wants it, and (N,) is read as (N, 1) where the model
    has one output. Data are cast to the model's dtype; integers are labels where the model has
    an output for each class, and numbers otherwise.
    `loss` is a name of `chainrule.nn.losses` or a function (prediction, target) → number;
    `optimizer` defaults to Adam(); `validation` is (X, y) or a share of the data to hold out;
    `metrics` are "accuracy", "mae", "r2" or functions; `callbacks` have `on_epoch(row)` or
    `on_step(row)`, and may raise StopIteration to end early; `seed` is a number or a Generator.
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
        tell = Told((*_listed(callbacks), *([bar] if bar else [])))
        try:
            for epoch in range(1, epochs + 1):
                order = rng.permutation(len(x)) if shuffle else np.arange(len(x))
                row = {"epoch": epoch, "epochs": epochs}
                row |= run.epoch(x, t, order, batch_size, tell.step)
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


def _listed(given: Any) -> tuple:
    """One thing, or several."""
    return tuple(given) if isinstance(given, (list, tuple)) else (given,)


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
        self.of_epochs = [c.on_epoch for c in callbacks if hasattr(c, "on_epoch")]
        self.of_steps = [c.on_step for c in callbacks if hasattr(c, "on_step")]
        for callback in callbacks:
            if not hasattr(callback, "on_epoch") and not hasattr(callback, "on_step"):
                raise UsageError(
                    f"fit: callback {callback!r} has neither on_epoch(row) nor on_step(row)"
                )

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


class Run:
    """One training: the parameters as plain arrays, the step, and the figures of an epoch."""

    def __init__(self, model: Module, loss: Callable, optimizer: Transform, metrics: Any, rng: Any):
        if not isinstance(model, Module):
            raise UsageError(
                f"fit: the model is a {type(model).__name__}; give a layer or nn.Sequential(...)"
            )
        if not isinstance(optimizer, Transform):
            wrong = f"the class {optimizer.__name__}" if isinstance(optimizer, type) else optimizer
            called = optimizer.__name__ if isinstance(optimizer, type) else "Adam"
            raise UsageError(
                f"fit: optimizer is {wrong}; give one such as chainrule.optim.{called}()"
            )
        leaves, self.structure = tree_flatten(model)
        if not leaves or any(isinstance(p, Module) for p in leaves):
            why = "mark its class with @chainrule.nn.layer" if leaves else "add nn.Linear"
            raise UsageError(f"fit: the model has no parameters to train; {why}")
        # A tensor that stands in several places is one parameter: its gradients add up.
        keys = [id(p) if isinstance(p, Tensor) else -1 - k for k, p in enumerate(leaves)]
        unique = dict(zip(keys, leaves, strict=True))
        self.places = [list(unique).index(key) for key in keys]
        self.names = _names(model, list(unique.values()))
        self.params = [
            p._value if isinstance(p, Tensor) else np.asarray(p) for p in unique.values()
        ]
        self.dtype = self.params[0].dtype
        self.optimizer = optimizer.named(self.names)
        self.state = self.optimizer.init(self.params)
        self.loss = loss
        self.metrics = [metric_named(m, loss) for m in _listed(metrics)]
        self.gradient = value_and_grad(self._loss, has_aux=True)
        self.rng = rng  # what dropout draws from

    def model(self, params: list) -> Any:
        """The model with these parameters in their places."""
        return tree_unflatten(self.structure, [params[k] for k in self.places])

    def _loss(self, params: list, x: np.ndarray, t: np.ndarray) -> tuple[Any, Any]:
        y, seen = apply(self.model(params), x, training=True, rng=self.rng)
        return self.loss(y, t), seen

    def _measured(self, params: list, x: np.ndarray, t: np.ndarray) -> tuple[Any, list]:
        (value, self.seen), gradients = self.gradient(params, x, t)
        return value, gradients

    def tensors(self) -> list[Tensor]:
        """The parameters as they are now, as the model holds them."""
        return [leaf(np.asarray(p)) for p in self.params]

    def data(self, X: Any, y: Any) -> Examples:
        """Inputs and targets as arrays of the model's dtype, checked."""
        x, t = examples(X, y, self.dtype)
        if not len(x):
            return x, t
        try:
            return x, self._fitted(x, t)
        except (ShapeError, DTypeError, UsageError) as error:
            found = str(error).partition("\n  made at")[0]
            raise type(error)(
                f"{found}\n  seen on the first example of X {x.shape} and y {t.shape}"
            ) from None

    def _fitted(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """The targets in the shape the model answers in, or the error that says why not."""
        made = self.model(self.params)(x[:1])
        shape = getattr(made, "shape", None)
        if shape is None:
            raise UsageError(
                f"fit: the model returned {type(made).__name__}; it must return one array"
            )
        classes = len(shape) == t.ndim + 1 and shape[-1] > 1
        if t.dtype.kind in "iub" and not classes and self.loss is not cross_entropy:
            t = t.astype(self.dtype)
        if shape == (1, 1) and t.ndim == 1 and self.loss is not cross_entropy:
            t = t[:, None]
        cost = self.loss(made, t[:1])
        if np.shape(cost) != ():
            raise ScalarError(
                f"fit: the loss has shape {np.shape(cost)}; it must be one number: take cr.mean "
                f"of it"
            )
        return t

    def epoch(
        self, x: np.ndarray, t: np.ndarray, order: np.ndarray, size: int, tell: Callable
    ) -> dict[str, Any]:
        """Every example once; the mean loss, the speed, the layers' mean gradient norms."""
        started, total, steps = perf_counter(), 0.0, 0
        sums: dict[str, float] = {}
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            value, gradients, updates = self.step(x[rows], t[rows])
            total, steps = total + float(value) * len(rows), steps + 1
            for layer, norm in health.norms(dict(zip(self.names, gradients, strict=True))).items():
                sums[layer] = sums.get(layer, 0.0) + norm
            tell({"step": steps, "loss": float(value)})
        seconds = perf_counter() - started
        return {
            "loss": total / len(order), "seconds": seconds,
            "examples_per_second": len(order) / seconds if seconds else 0.0,
            "gradient_norms": {layer: s / steps for layer, s in sums.items()},
            "health": self._health(x[order[:PROBE]], gradients, updates),
        }  # fmt: skip

    def step(self, x: np.ndarray, t: np.ndarray) -> tuple[Any, list, list]:
        """One step on these examples: the loss before it, its gradients, the updates."""
        with np.errstate(all="ignore"):  # what is not finite shows in the history
            value, gradients, updates, self.state = self.optimizer.step(
                lambda params: self._measured(params, x, t), self.state, self.params
            )
            self.params = apply_updates(self.params, updates)
            if self.seen:
                self.structure = tree_flatten(observe(self.model(self.params), self.seen))[1]
        return value, gradients, updates

    def _health(self, x: np.ndarray, gradients: list, updates: list) -> dict[str, dict]:
        units = health.units(self.model(self.tensors()), x)
        triples = dict(
            zip(self.names, zip(gradients, updates, self.params, strict=True), strict=True)
        )
        found = {}
        for layer, parts in health.by_layer(triples).items():
            size = {k: health.norm([p[k] for p in parts]) for k in range(3)}
            zeros = sum(int((p[0] == 0).sum()) for p in parts) / sum(p[0].size for p in parts)
            found[layer] = {
                "norm": size[0], "ratio": size[1] / size[2] if size[2] else None, "zero": zeros,
                "dead": None, "saturated": None, **units.get(layer, {}),
            }  # fmt: skip
        return found

    def judge(self, x: np.ndarray, t: np.ndarray, held_out: Any) -> dict[str, float]:
        """The metrics on the training data, and loss and metrics on the held-out data."""
        found = {}
        for prefix, data in (("", (x, t)), ("val_", held_out)):
            if data is None or not (prefix or self.metrics):
                continue
            with np.errstate(all="ignore"):
                made = np.asarray(self.model(self.params)(data[0]))
                if prefix:
                    found["val_loss"] = float(self.loss(made, data[1]))
                for name, metric in self.metrics:
                    found[prefix + name] = float(metric(made, data[1]))
        return found


def _names(model: Module, leaves: list) -> list[str]:
    named = {id(p): name for name, p in model.named_parameters().items()}
    return [named.get(id(p), f"parameter{k}") for k, p in enumerate(leaves)]
