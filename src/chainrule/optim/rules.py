"""The optimisers, each one rule for one parameter. Learning rates multiply gradients directly."""

from __future__ import annotations

from typing import Any

from ..graph.errors import UsageError
from ..ops import sqrt
from .transform import Rule


def _check(name: str, below_one: tuple[str, ...] = (), **options: Any) -> None:
    """Refuse options that are no numbers, are below 0, or reach 1 where they must not."""
    for key, value in options.items():
        share = key in below_one
        try:
            fits = 0 <= value < (1 if share else float("inf"))
        except TypeError:
            fits = False
        if not fits:
            allowed = "lie in [0, 1)" if share else "be a number, 0 or more"
            raise UsageError(f"{name}({key}={value!r}): must {allowed}")


class SGD(Rule):
    r"""Gradient descent: w ← w - lr·v, with v ← momentum·v + g.

    `nesterov` looks ahead: w ← w - lr·(g + momentum·v). `weight_decay` adds weight_decay·w to
    the gradient.
    Raises: UsageError for a negative rate, or nesterov without momentum.
    Source: Robbins and Monro 1951; Polyak 1964; Nesterov 1983, in PyTorch's form.

    >>> import numpy as np, chainrule as cr
    >>> optimizer, w = cr.optim.SGD(lr=0.1), np.array([1.0])
    >>> updates, state = optimizer.update(np.array([2.0]), optimizer.init(w), w)
    >>> cr.optim.apply_updates(w, updates)
    array([0.8])
    """

    def __init__(
        self, lr: float = 0.01, momentum: float = 0.0, nesterov: bool = False,
        weight_decay: float = 0.0,
    ):  # fmt: skip
        _check("SGD", ("momentum",), lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and not momentum:
            raise UsageError("SGD(nesterov=True): needs a momentum above 0")
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov
        self.weight_decay, self.slots = weight_decay, 1 if momentum else 0

    def rule(self, t: Any, g: Any, w: Any, *slots: Any) -> tuple:
        if self.weight_decay:
            g = self.weight_decay * w + g
        if not self.momentum:
            return (-self.lr * g,)
        v = self.momentum * slots[0] + g
        step = self.momentum * v + g if self.nesterov else v
        return (-self.lr * step, v)


class Adam(Rule):
    """Steps of about lr in every direction: the mean gradient over its root mean square.

    m ← β₁m + (1-β₁)g; v ← β₂v + (1-β₂)g²; w ← w - lr·m̂/(√v̂ + eps), with m̂ = m/(1-β₁ᵗ)
    and v̂ = v/(1-β₂ᵗ). `weight_decay` adds weight_decay·w to the gradient.
    Source: Kingma and Ba 2015.
    """

    slots = 2
    decoupled = False

    def __init__(
        self, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):  # fmt: skip
        name = type(self).__name__
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise UsageError(f"{name}(betas={betas!r}): give two numbers")
        shares = {"beta1": betas[0], "beta2": betas[1]}
        _check(name, tuple(shares), lr=lr, **shares, eps=eps, weight_decay=weight_decay)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay

    def rule(self, t: Any, g: Any, w: Any, m: Any, v: Any) -> tuple:
        b1, b2 = self.betas
        if self.weight_decay and not self.decoupled:
            g = self.weight_decay * w + g
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * (g * g)
        spread = sqrt(v) * (1 / (1 - b2**t) ** 0.5) + self.eps
        update = (-self.lr / (1 - b1**t)) * m / spread
        if self.weight_decay and self.decoupled:
            update = update - (self.lr * self.weight_decay) * w
        return (update, m, v)


class AdamW(Adam):
    """Adam, with the weights shrunk by lr·weight_decay beside the step instead of inside it.

    Source: Loshchilov and Hutter 2019.
    """

    decoupled = True

    def __init__(
        self, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):  # fmt: skip
        super().__init__(lr, betas, eps, weight_decay)


class RMSProp(Rule):
    """The gradient over its running root mean square: v ← αv + (1-α)g²; w ← w - lr·g/(√v + eps).

    Source: Tieleman and Hinton 2012, lecture 6.5; in PyTorch's form.
    """

    def __init__(
        self, lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-8, momentum: float = 0.0,
        weight_decay: float = 0.0,
    ):  # fmt: skip
        _check(
            "RMSProp", ("alpha", "momentum"),
            lr=lr, alpha=alpha, momentum=momentum, eps=eps, weight_decay=weight_decay,
        )  # fmt: skip
        self.lr, self.alpha, self.eps = lr, alpha, eps
        self.momentum, self.weight_decay = momentum, weight_decay
        self.slots = 2 if momentum else 1

    def rule(self, t: Any, g: Any, w: Any, v: Any, *speed: Any) -> tuple:
        if self.weight_decay:
            g = self.weight_decay * w + g
        v = self.alpha * v + (1 - self.alpha) * (g * g)
        step = g / (sqrt(v) + self.eps)
        if not speed:
            return (-self.lr * step, v)
        moved = self.momentum * speed[0] + step
        return (-self.lr * moved, v, moved)


class Adagrad(Rule):
    """The gradient over the root of all its squares so far: rare features keep large steps.

    Source: Duchi, Hazan and Singer 2011.
    """

    slots = 1

    def __init__(self, lr: float = 0.01, eps: float = 1e-10, weight_decay: float = 0.0):
        _check("Adagrad", lr=lr, eps=eps, weight_decay=weight_decay)
        self.lr, self.eps, self.weight_decay = lr, eps, weight_decay

    def rule(self, t: Any, g: Any, w: Any, total: Any) -> tuple:
        if self.weight_decay:
            g = self.weight_decay * w + g
        total = g * g + total
        return (-self.lr * g / (sqrt(total) + self.eps), total)
