"""Gradient descent, and the rules that divide by what gradients were: one rule a parameter.

Learning rates multiply gradients directly. `lr` is a number or a schedule.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import UsageError
from ..ops import sqrt
from .options import RATE, SHARE, check, check_rate
from .transform import Rule, State


class SGD(Rule):
    r"""Gradient descent: w ← w - lr·v, with v ← momentum·v + g.

    `nesterov` looks ahead: w ← w - lr·(g + momentum·v). `weight_decay` adds weight_decay·w to
    the gradient. `lr` is a number, or a schedule of `optim.schedules`.
    Raises: UsageError for a negative rate, or nesterov without momentum.
    Source: Robbins and Monro 1951; Polyak 1964; Nesterov 1983, in PyTorch's form.

    >>> import numpy as np, chainrule as cr
    >>> optimizer, w = cr.optim.SGD(lr=0.1), np.array([1.0])
    >>> updates, state = optimizer.update(np.array([2.0]), optimizer.init(w), w)
    >>> cr.optim.apply_updates(w, updates)
    array([0.8])
    """

    def __init__(
        self, lr: Any = 0.01, momentum: float = 0.0, nesterov: bool = False,
        weight_decay: float = 0.0,
    ):  # fmt: skip
        check_rate("SGD", lr)
        check("SGD", SHARE, momentum=momentum)
        check("SGD", RATE, weight_decay=weight_decay)
        if nesterov and not momentum:
            raise UsageError("SGD(nesterov=True): needs a momentum above 0")
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov
        self.weight_decay, self.slots = weight_decay, 1 if momentum else 0

    def shared(self, t: Any) -> Any:
        return -self.rate(t)

    def rule(self, shared: Any, g: Any, w: Any, *slots: Any) -> tuple:
        if self.weight_decay:
            g = self.weight_decay * w + g
        if not self.momentum:
            return (shared * g,)
        v = self.momentum * slots[0] + g
        step = self.momentum * v + g if self.nesterov else v
        return (shared * step, v)


class RMSProp(Rule):
    """The gradient over its running root mean square: v ← αv + (1-α)g²; w ← w - lr·g/(√v + eps).

    `centered` divides by the spread about the running mean: √(v - m²), m ← αm + (1-α)g.
    `momentum` gives the quotient inertia: u ← momentum·u + g/(…); w ← w - lr·u.
    Source: Tieleman and Hinton 2012, lecture 6.5; Graves 2013 (centered); in PyTorch's form.

    >>> import numpy as np, chainrule as cr
    >>> optimizer, w = cr.optim.RMSProp(lr=0.1, alpha=0.0), np.array([1.0])
    >>> optimizer.update(np.array([20.0]), optimizer.init(w), w)[0]
    array([-0.1])
    """

    def __init__(
        self, lr: Any = 0.01, alpha: float = 0.99, eps: float = 1e-8, momentum: float = 0.0,
        weight_decay: float = 0.0, centered: bool = False,
    ):  # fmt: skip
        check_rate("RMSProp", lr)
        check("RMSProp", SHARE, alpha=alpha, momentum=momentum)
        check("RMSProp", RATE, eps=eps, weight_decay=weight_decay)
        self.lr, self.alpha, self.eps = lr, alpha, eps
        self.momentum, self.weight_decay, self.centered = momentum, weight_decay, centered
        self.slots = 1 + bool(momentum) + bool(centered)

    def shared(self, t: Any) -> Any:
        return -self.rate(t)

    def rule(self, shared: Any, g: Any, w: Any, v: Any, *more: Any) -> tuple:
        if self.weight_decay:
            g = self.weight_decay * w + g
        v = self.alpha * v + (1 - self.alpha) * (g * g)
        after, square = [v], v
        if self.centered:
            after.append(self.alpha * more[-1] + (1 - self.alpha) * g)
            square = v - after[-1] * after[-1]
        step = g / (sqrt(square) + self.eps)
        if self.momentum:
            step = self.momentum * more[0] + step
            after.insert(1, step)
        return (shared * step, *after)


class Adagrad(Rule):
    """The gradient over the root of all its squares so far: rare features keep large steps.

    v ← v + g²; w ← w - lr/(1 + (t-1)·lr_decay)·g/(√v + eps), with v = initial_accumulator_value
    at first.
    Source: Duchi, Hazan and Singer 2011; the options are PyTorch's.

    >>> import numpy as np, chainrule as cr
    >>> optimizer, w = cr.optim.Adagrad(lr=0.1), np.array([1.0])
    >>> optimizer.update(np.array([20.0]), optimizer.init(w), w)[0]
    array([-0.1])
    """

    slots = 1

    def __init__(
        self, lr: Any = 0.01, eps: float = 1e-10, weight_decay: float = 0.0,
        lr_decay: float = 0.0, initial_accumulator_value: float = 0.0,
    ):  # fmt: skip
        check_rate("Adagrad", lr)
        check(
            "Adagrad", RATE, eps=eps, weight_decay=weight_decay, lr_decay=lr_decay,
            initial_accumulator_value=initial_accumulator_value,
        )  # fmt: skip
        self.lr, self.eps, self.weight_decay = lr, eps, weight_decay
        self.lr_decay, self.initial = lr_decay, initial_accumulator_value

    def init(self, params: Any) -> State:
        state = super().init(params)
        (totals,) = state.slots
        return State(state.step, ([np.full_like(v, self.initial) for v in totals],))

    def shared(self, t: Any) -> Any:
        return -self.rate(t) / (1 + (t - 1) * self.lr_decay)

    def rule(self, shared: Any, g: Any, w: Any, total: Any) -> tuple:
        if self.weight_decay:
            g = self.weight_decay * w + g
        total = g * g + total
        return (shared * g / (sqrt(total) + self.eps), total)
