"""`fit`: train a network on arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..graph.errors import DataError, ShapeError, UsageError
from ..nn.losses import loss_named
from ..nn.module import Module
from ..optim import Adam, Transform, apply_updates
from ..study import health
from ..transform import value_and_grad
from ..transform.trees import tree_flatten, tree_unflatten
from .history import History

PROBE = 256  # examples on which dead and saturated units are counted


def fit(
    model: Module, X: Any, y: Any, loss: Any = "mse", optimizer: Transform | None = None,
    epochs: int = 10, batch_size: int = 32, seed: Any = 0, *, validation: Any = None,
    metrics: Sequence[Any] = (), callbacks: Sequence[Any] = (), shuffle: bool = True,
    progress: bool = False,
) -> History:  # fmt: skip
    """Train `model` in place by mini-batches, and return what happened.

    Shapes: X (N, …); y (N, …) as the loss wants it, and (N,) is read as (N, 1) where the model
    has one output. Data are cast to the model's dtype, integer labels stay integers.
    `loss` is a name of `chainrule.nn.losses` or a function (prediction, target) → number;
    `optimizer` defaults to Adam(); `validation` is (X, y) or a share of the data to hold out;
    `metrics` are "accuracy", "mae", "r2" or functions; `callbacks` have `on_epoch(row)` or
    `on_step(row)`, and may raise StopIteration to end early; `seed` is a number or a Generator.
    The same seed gives the same bits. Ctrl-C ends it at the last completed step.
    Raises: DataError (NaN, lengths), ShapeError, UsageError.

    >>> import chainrule as cr
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> model = cr.nn.Sequential(cr.nn.Linear(1, 16), cr.nn.Tanh(), cr.nn.Linear(16, 1))
    >>> history = cr.fit(model, X, X ** 2, epochs=50, optimizer=cr.optim.Adam(lr=0.01))
    >>> history.loss[-1] < 0.01 < history.loss[0]
    True
    """
    run = Run(model, loss_named(loss), optimizer or Adam(), metrics)
    x, t = run.data(X, y)
    rng = np.random.default_rng(seed)
    (x, t), held_out = _split(x, t, validation, run, rng)
    if not len(x):
        raise DataError("fit: no examples to train on")
    if batch_size < 1 or epochs < 0:
        raise UsageError(f"fit: batch_size={batch_size}, epochs={epochs}; at least 1 and 0")
    if progress:
        from .progress import ProgressBar

        callbacks = (*callbacks, ProgressBar())
    history = History(model)
    try:
        for epoch in range(1, epochs + 1):
            order = rng.permutation(len(x)) if shuffle else np.arange(len(x))
            row = {"epoch": epoch, "epochs": epochs}
            row |= run.epoch(x, t, order, batch_size, lambda r: _tell(callbacks, "on_step", r))
            row |= run.judge(x, t, held_out)
            history.add(row)
            _tell(callbacks, "on_epoch", row)
    except StopIteration:
        pass
    except KeyboardInterrupt:
        history.interrupted = True
    finally:
        model.adopt(tree_unflatten(run.structure, run.tensors()))
    return history


def _tell(callbacks: Sequence[Any], event: str, row: dict) -> None:
    for callback in callbacks:
        hook = getattr(callback, event, None)
        if hook is not None:
            hook(row)


class Run:
    """One training: the parameters as plain arrays, the step, and the figures of an epoch."""

    def __init__(self, model: Module, loss: Callable, optimizer: Transform, metrics: Sequence):
        leaves, self.structure = tree_flatten(model)
        if not leaves:
            raise UsageError("fit: the model has no parameters to train")
        self.names = _names(model, leaves)
        self.params = [p._value if isinstance(p, Tensor) else np.asarray(p) for p in leaves]
        self.dtype = self.params[0].dtype
        self.optimizer, self.state = optimizer, optimizer.init(self.params)
        self.loss, self.metrics = loss, [metric_named(m) for m in metrics]
        self.gradient = value_and_grad(self._loss)

    def _loss(self, params: list, x: np.ndarray, t: np.ndarray) -> Any:
        return self.loss(self._predict(params, x, t), t)

    def _predict(self, params: list, x: np.ndarray, t: np.ndarray) -> Any:
        return tree_unflatten(self.structure, params)(x)

    def tensors(self) -> list[Tensor]:
        """The parameters as they are now, as the model holds them."""
        return [Tensor(p) for p in self.params]

    def data(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets as arrays of the model's dtype, checked."""
        x, t = np.asarray(X), np.asarray(y)
        if not x.ndim or not t.ndim or len(x) != len(t):
            raise DataError(f"fit: X has shape {x.shape}, y {t.shape}; one target for each example")
        x = _finite("X", _numbers("X", x).astype(self.dtype, copy=False))
        t = _numbers("y", t)
        t = _finite("y", t.astype(self.dtype, copy=False)) if t.dtype.kind == "f" else t
        if len(x):
            t = self._fitted(x, t)
        return x, t

    def _fitted(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """The targets in the shape the model answers in, or the error that says why not."""
        made = self._predict(self.params, x[:1], t[:1])
        if t.dtype.kind in "iub" and self.loss is not loss_named("cross_entropy"):
            t = t.astype(self.dtype)
        if made.shape == (1, 1) and t.ndim == 1 and t.dtype.kind == "f":
            t = t[:, None]
        self.loss(made, t[:1])
        return t

    def epoch(
        self, x: np.ndarray, t: np.ndarray, order: np.ndarray, size: int, tell: Callable
    ) -> dict[str, Any]:
        """Every example once; the mean loss, the speed, the layers' mean gradient norms."""
        started, total, steps = perf_counter(), 0.0, 0
        sums: dict[str, float] = {}
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            value, gradients = self.gradient(self.params, x[rows], t[rows])
            updates, state = self.optimizer.update(gradients, self.state, self.params)
            self.params, self.state = apply_updates(self.params, updates), state
            total, steps = total + float(value) * len(rows), steps + 1
            squares = [float(np.vdot(g, g)) for g in gradients]
            for layer, parts in health.by_layer(
                dict(zip(self.names, squares, strict=True))
            ).items():
                sums[layer] = sums.get(layer, 0.0) + sum(parts) ** 0.5
            tell({"step": steps, "loss": float(value)})
        seconds = perf_counter() - started
        return {
            "loss": total / len(order), "seconds": seconds,
            "examples_per_second": len(order) / seconds if seconds else 0.0,
            "gradient_norms": {layer: s / steps for layer, s in sums.items()},
            "health": self._health(x[order[:PROBE]], gradients, updates),
        }  # fmt: skip

    def _health(self, x: np.ndarray, gradients: list, updates: list) -> dict[str, dict]:
        model = tree_unflatten(self.structure, self.tensors())
        units = health.units(model, x)
        triples = dict(
            zip(self.names, zip(gradients, updates, self.params, strict=True), strict=True)
        )
        found = {}
        for layer, parts in health.by_layer(triples).items():
            size = {k: _norm([p[k] for p in parts]) for k in range(3)}
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
                made = self._predict(self.params, *data)
                if prefix:
                    found["val_loss"] = float(self.loss(made, data[1]))
            for name, metric in self.metrics:
                found[prefix + name] = float(metric(np.asarray(made), data[1]))
        return found


def _norm(arrays: list) -> float:
    return float(np.sqrt(sum(float(np.vdot(a, a)) for a in arrays)))


def _names(model: Module, leaves: list) -> list[str]:
    named = {id(p): name for name, p in model.named_parameters().items()}
    return [named.get(id(p), f"parameter{k}") for k, p in enumerate(leaves)]


def _numbers(name: str, a: np.ndarray) -> np.ndarray:
    if a.dtype.kind not in "biuf":
        raise DataError(f"fit: {name} is {a.dtype}; give numbers (text columns: see read_csv)")
    return a


def _finite(name: str, a: np.ndarray) -> np.ndarray:
    bad = np.argwhere(~np.isfinite(a))
    if len(bad):
        rows = ", ".join(str(r) for r in sorted({int(b[0]) for b in bad})[:5])
        raise DataError(
            f"fit: {name} has {len(bad)} values that are NaN or Inf, the first in rows {rows}; "
            "fill them in or leave the rows out"
        )
    return a


def _split(x: Any, t: Any, validation: Any, run: Run, rng: np.random.Generator) -> tuple:
    if validation is None:
        return (x, t), None
    if isinstance(validation, tuple):
        held_out = run.data(*validation)
        if held_out[0].shape[1:] != x.shape[1:]:
            raise ShapeError(
                f"fit: examples are {x.shape[1:]}, those of validation {held_out[0].shape[1:]}"
            )
        return (x, t), held_out
    if not 0 < validation < 1:
        raise UsageError(f"fit: validation={validation}; give (X, y) or a share between 0 and 1")
    order = rng.permutation(len(x))
    count = max(1, round(validation * len(x)))
    kept, held = order[count:], order[:count]
    return (x[kept], t[kept]), (x[held], t[held])


def accuracy(prediction: np.ndarray, target: np.ndarray) -> float:
    """The share of right answers: the largest logit, or the sign of the only one."""
    if prediction.ndim > 1 and prediction.shape[-1] > 1:
        labels = target if target.ndim < prediction.ndim else target.argmax(-1)
        return float(np.mean(prediction.argmax(-1) == labels))
    return float(np.mean((prediction > 0) == (target > 0.5)))


def mae(prediction: np.ndarray, target: np.ndarray) -> float:
    """The mean absolute error."""
    return float(np.mean(np.abs(prediction - target)))


def r2(prediction: np.ndarray, target: np.ndarray) -> float:
    """The share of the variance explained; 0 for always saying the mean."""
    spread = float(np.sum((target - target.mean(0)) ** 2))
    return 1.0 - float(np.sum((prediction - target) ** 2)) / spread if spread else 0.0


METRICS: dict[str, Callable] = {"accuracy": accuracy, "mae": mae, "r2": r2}


def metric_named(metric: Any) -> tuple[str, Callable]:
    """A metric's name and function, from either."""
    if callable(metric):
        return getattr(metric, "__name__", "metric"), metric
    if metric not in METRICS:
        raise UsageError(f"metric: {metric!r} is not known; use one of {', '.join(METRICS)}")
    return metric, METRICS[metric]
