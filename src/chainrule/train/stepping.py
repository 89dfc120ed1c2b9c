"""The step of a training as machine code, one call for many steps, where that pays.

The whole step is one pure function of parameters, optimiser state and batch: loss, gradient,
update. Compiled, it runs without Python between its ops; a stretch of steps is a scan over
batches, so there is no Python between steps either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..nn.mode import named_layers
from ..ops import stack
from ..optim import Transform, apply_updates
from ..optim.clip import global_norm
from ..study.health import by_layer
from ..transform import scan, value_and_grad
from ..transform.compile import Compiled

# Fewer steps than this do not earn back the time that compiling takes, a third of a second. It is a
# count and not a time, so that the same program gives the same bits.
WORTH = 2000
LONGEST = 16  # steps in one call: between two of them Ctrl-C and progress are seen
FLOPS = 1e9  # that a stretch may take, about a tenth of a second; no time decides, for the bits


class NativeStep:
    """The compiled step of one run; `ready` once a first step showed that it can be traced."""

    def __init__(self, loss: Callable, optimizer: Transform, names: list[str]):
        self.gradient = value_and_grad(loss)
        self.optimizer, self.names = optimizer, names
        self.one = Compiled(self._step)
        self.many = Compiled(self._stretch)
        self.ready = False

    def _step(self, params: list, state: Any, x: Any, t: Any) -> tuple:
        value, gradients, updates, state = self.optimizer.step(
            lambda params: self.gradient(params, x, t), state, params
        )
        return apply_updates(params, updates), state, value, gradients, updates

    def _stretch(self, params: list, state: Any, xs: Any, ts: Any) -> tuple:
        def body(carry: tuple, batch: tuple) -> tuple:
            params, state, value, gradients, _ = self._step(*carry, *batch)
            return (params, state), (value, self.norms(gradients))

        (params, state), (values, norms) = scan(body, (params, state), (xs, ts))
        return params, state, values, norms

    def norms(self, gradients: list) -> Any:
        """The gradient's norm in every layer."""
        layers = by_layer(dict(zip(self.names, gradients, strict=True)))
        return stack([global_norm(parts) for parts in layers.values()])

    def long(self, params: list, batch: int) -> int:
        """How many steps make a stretch: a step takes about six operations a weight and example."""
        step = 6.0 * batch * sum(p.size for p in params)
        return max(1, min(LONGEST, int(FLOPS // max(step, 1.0))))


def compiled(run: Any, steps: int) -> NativeStep | None:
    """The compiled step of a run of so many steps; None where it stays step by step in NumPy.

    What draws random numbers or keeps statistics of its batches is not compiled.
    """
    if steps < WORTH or run.optimizer.full_batch:
        return None
    layers = [layer for _, layer in named_layers(run.model(run.tensors()))]
    if any(hasattr(layer, "by_mode") and getattr(layer, "dropout", 1) for layer in layers):
        return None
    loss = lambda params, x, t: run.loss(run.model(params)(x), t)  # noqa: E731
    return NativeStep(loss, run.optimizer, run.names)
