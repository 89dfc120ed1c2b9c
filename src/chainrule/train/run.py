"""One training: the parameters as plain arrays, the step, and the figures of an epoch."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from ..eager.tensor import Tensor, leaf
from ..graph.errors import ChainruleError, DTypeError, ScalarError, ShapeError, UsageError
from ..nn.losses import cross_entropy
from ..nn.mode import apply
from ..nn.module import Module
from ..nn.statistics import observe
from ..optim import Transform, apply_updates
from ..study import health
from ..transform import value_and_grad
from ..transform.trees import tree_flatten, tree_unflatten
from .examples import Examples, examples
from .metrics import metric_named
from .stepping import compiled

PROBE = 256  # examples on which dead and saturated units are counted


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
        self.metrics = [metric_named(m, loss) for m in listed(metrics)]
        self.gradient = value_and_grad(self._loss, has_aux=True)
        self.rng = rng  # what dropout draws from
        self.native: Any = None  # the step as machine code, where that pays

    def begin(self, steps: int) -> None:
        """Make ready for so many steps."""
        self.native = compiled(self, steps)

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

    def snapshot(self) -> Any:
        """The model as it is now, with its own copy of every parameter."""
        return self.model([leaf(np.array(p)) for p in self.params])

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
        self, x: np.ndarray, t: np.ndarray, order: np.ndarray, size: int, tell: Any
    ) -> dict[str, Any]:
        """Every example once; the mean loss, the speed, the layers' mean gradient norms."""
        started, total, steps = perf_counter(), 0.0, 0
        sums: Any = 0.0
        last: tuple = ()
        at = 0
        while at < len(order):
            batches, values, norms, found = self._stretch(x, t, order[at:], size, tell.each_step)
            at, last = at + sum(batches), found or last
            sums = sums + np.sum(norms, axis=0)
            for count, value in zip(batches, values, strict=True):
                total, steps = total + float(value) * count, steps + 1
                tell.step({"step": steps, "loss": float(value)})
        seconds = perf_counter() - started
        layers = health.by_layer(dict.fromkeys(self.names))
        return {
            "loss": total / len(order), "seconds": seconds,
            "examples_per_second": len(order) / seconds if seconds else 0.0,
            "gradient_norms": {k: float(s) / steps for k, s in zip(layers, sums, strict=True)},
            "health": self._health(x[order[:PROBE]], *last),
        }  # fmt: skip

    def _stretch(
        self, x: np.ndarray, t: np.ndarray, order: np.ndarray, size: int, each: bool
    ) -> tuple[list[int], Any, Any, tuple]:
        """The next step, or steps: their batch sizes, losses and norms.

        Of a single one also the gradients and updates: the last step of an epoch is always
        single, and the health of the layers is read off it.
        """
        native = self.native
        length = native.long(self.params, size) if native and native.ready and not each else 1
        if native and length > 1 and (len(order) - 1) // size >= length:
            rows = order[: length * size].reshape(length, size)
            self.params, self.state, values, norms = native.many(
                self.params, self.state, x[rows], t[rows]
            )
            return [size] * length, values, norms, ()
        rows = order[:size]
        value, gradients, updates = self.step(x[rows], t[rows])
        norms = health.norms(dict(zip(self.names, gradients, strict=True)))
        return [len(rows)], [value], [list(norms.values())], (gradients, updates)

    def step(self, x: np.ndarray, t: np.ndarray) -> tuple[Any, list, list]:
        """One step on these examples: the loss before it, its gradients, the updates."""
        if self.native is not None:
            found = self._natively(x, t)
            if found is not None:
                return found
        with np.errstate(all="ignore"):  # what is not finite shows in the history
            value, gradients, updates, self.state = self.optimizer.step(
                lambda params: self._measured(params, x, t), self.state, self.params
            )
            self.params = apply_updates(self.params, updates)
            if self.seen:
                self.structure = tree_flatten(observe(self.model(self.params), self.seen))[1]
        return value, gradients, updates

    def _natively(self, x: np.ndarray, t: np.ndarray) -> tuple[Any, list, list] | None:
        """The step as machine code; None, and never again, where it cannot be traced."""
        try:
            made = self.native.one(self.params, self.state, x, t)
        except ChainruleError:  # eagerly the same step says what is wrong, if something is
            self.native = None
            return None
        self.native.ready = True
        self.params, self.state, value, gradients, updates = made
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


def listed(given: Any) -> tuple:
    """One thing, or several."""
    return tuple(given) if isinstance(given, (list, tuple)) else (given,)


def _names(model: Module, leaves: list) -> list[str]:
    named = {id(p): name for name, p in model.named_parameters().items()}
    return [named.get(id(p), f"parameter{k}") for k, p in enumerate(leaves)]
