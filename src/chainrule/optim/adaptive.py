"""Adam and its family: a running mean of the gradient, scaled by a running mean of its square.

Below, m ← β₁m + (1-β₁)g and v ← β₂v + (1-β₂)g² throughout, and t counts steps from 1.
"""

from __future__ import annotations

from typing import Any

from ..graph.operators import Operators
from ..ops import maximum, sign, sqrt, where
from .options import RATE, check, check_betas, check_rate
from .transform import Rule, State


class Adam(Rule):
    """Steps of about lr in every direction: the mean gradient over its root mean square.

    w ← w - lr·m̂/(√v̂ + eps), with m̂ = m/(1-β₁ᵗ) and v̂ = v/(1-β₂ᵗ). `weight_decay` adds
    weight_decay·w to the gradient; `amsgrad` divides by the largest v so far.
    Source: Kingma and Ba 2015; Reddi, Kale and Kumar 2018 (amsgrad, in PyTorch's form).

    >>> import numpy as np, chainrule as cr
    >>> optimizer, w = cr.optim.Adam(lr=0.1), np.array([1.0, 1.0])
    >>> optimizer.update(np.array([2.0, -300.0]), optimizer.init(w), w)[0]
    array([-0.1,  0.1])
    """

    decoupled = False

    def __init__(
        self, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, amsgrad: bool = False,
    ):  # fmt: skip
        name = type(self).__name__
        check_rate(name, lr)
        check(name, RATE, eps=eps, weight_decay=weight_decay)
        self.lr, self.betas, self.eps = lr, check_betas(name, betas), eps
        self.weight_decay, self.amsgrad, self.slots = weight_decay, amsgrad, 3 if amsgrad else 2

    def shared(self, t: Any) -> tuple:
        lr, (b1, b2) = self.rate(t), self.betas
        return -lr / (1 - b1**t), 1 / (1 - b2**t) ** 0.5, lr * self.weight_decay

    def rule(self, shared: Any, g: Any, w: Any, m: Any, v: Any, *largest: Any) -> tuple:
        (b1, b2), (rate, scale, shrink) = self.betas, shared
        if self.weight_decay and not self.decoupled:
            g = self.weight_decay * w + g
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * (g * g)
        if self.amsgrad:
            largest = (maximum(largest[0], v),)
        spread = sqrt(largest[0] if largest else v) * scale + self.eps
        update = rate * m / spread
        if self.weight_decay and self.decoupled:
            update = update - shrink * w
        return (update, m, v, *largest)


class AdamW(Adam):
    """Adam, with the weights shrunk by lr·weight_decay beside the step instead of inside it.

    w ← (1 - lr·weight_decay)·w - lr·m̂/(√v̂ + eps).
    Source: Loshchilov and Hutter 2019.

    >>> import numpy as np, chainrule as cr
    >>> optimizer, w = cr.optim.AdamW(lr=0.1, weight_decay=0.5), np.array([2.0])
    >>> optimizer.update(np.array([3.0]), optimizer.init(w), w)[0]
    array([-0.2])
    """

    decoupled = True

    def __init__(
        self, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.01, amsgrad: bool = False,
    ):  # fmt: skip
        super().__init__(lr, betas, eps, weight_decay, amsgrad)


class NAdam(Rule):
    """Adam that looks ahead as Nesterov's momentum does.

    w ← w - lr·((1-μₜ)/(1-Πₜ)·g + μₜ₊₁/(1-Πₜμₜ₊₁)·m)/(√v̂ + eps), with
    μₜ = β₁(1 - ½·0.96^(t·momentum_decay)) and Πₜ = μ₁⋯μₜ.
    `weight_decay` adds weight_decay·w to the gradient, or with `decoupled_weight_decay` shrinks
    the weights as AdamW does.
    Source: Dozat 2016, in PyTorch's form.

    >>> import numpy as np, chainrule as cr
    >>> optimizer, w = cr.optim.NAdam(lr=0.1), np.array([1.0])
    >>> optimizer.update(np.array([2.0]), optimizer.init(w), w)[0].round(3)
    array([-0.106])
    """

    slots = 2

    def __init__(
        self, lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
    ):  # fmt: skip
        check_rate("NAdam", lr)
        check("NAdam", RATE, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        self.lr, self.betas, self.eps = lr, check_betas("NAdam", betas), eps
        self.weight_decay, self.momentum_decay = weight_decay, momentum_decay
        self.decoupled = decoupled_weight_decay

    def init(self, params: Any) -> State:
        made = super().init(params)
        return State(made.step, (*made.slots, [1.0] * len(made.slots[0])))

    def shared(self, t: Any) -> tuple:
        lr, (b1, b2) = self.rate(t), self.betas
        now, then = (b1 * (1 - 0.5 * 0.96 ** (k * self.momentum_decay)) for k in (t, t + 1))
        return lr, 1 / (1 - b2**t) ** 0.5, lr * self.weight_decay, now, then

    def rule(self, shared: Any, g: Any, w: Any, m: Any, v: Any, product: Any) -> tuple:
        (b1, b2), (lr, scale, shrink, now, then) = self.betas, shared
        if self.weight_decay and not self.decoupled:
            g = self.weight_decay * w + g
        product = plain(product) * now
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * (g * g)
        ahead = (lr * (1 - now) / (1 - product)) * g + (lr * then / (1 - product * then)) * m
        update = -ahead / (sqrt(v) * scale + self.eps)
        if self.weight_decay and self.decoupled:
            # PyTorch shrinks the weights first; the step itself does not depend on them.
            update = update - shrink * w
        return (update, m, v, product)


class RAdam(Rule):
    """Adam without its first steps' luck: plain momentum until v̂ has seen enough gradients.

    w ← w - lr·m̂·r·√(1-β₂ᵗ)/(√v + eps) where ρ > 5, and w - lr·m̂ before; with ρ∞ = 2/(1-β₂) - 1,
    ρ = ρ∞ - 2tβ₂ᵗ/(1-β₂ᵗ), r² = (ρ-4)(ρ-2)ρ∞/((ρ∞-4)(ρ∞-2)ρ).
    `weight_decay` and `decoupled_weight_decay` are those of NAdam.
    Source: Liu et al. 2020, in PyTorch's form.

    >>> import numpy as np, chainrule as cr
    >>> optimizer, w = cr.optim.RAdam(lr=0.1), np.array([1.0])
    >>> optimizer.update(np.array([2.0]), optimizer.init(w), w)[0]
    array([-0.2])
    """

    slots = 2

    def __init__(
        self, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, decoupled_weight_decay: bool = False,
    ):  # fmt: skip
        check_rate("RAdam", lr)
        check("RAdam", RATE, eps=eps, weight_decay=weight_decay)
        self.lr, self.betas, self.eps = lr, check_betas("RAdam", betas), eps
        self.weight_decay, self.decoupled = weight_decay, decoupled_weight_decay

    def shared(self, t: Any) -> tuple:
        lr, (b1, b2) = self.rate(t), self.betas
        whole = 2 / (1 - b2) - 1
        seen = whole - 2 * t * b2**t / (1 - b2**t)
        enough, rectified = seen > 5, 1.0
        if isinstance(enough, Operators) or enough:
            # Where too little was seen the root would be of a negative number.
            safe = where(enough, seen, 6.0) if isinstance(enough, Operators) else seen
            ratio = (safe - 4) * (safe - 2) / safe * (whole / ((whole - 4) * (whole - 2) or 1.0))
            rectified = ((1 - b2**t) * ratio) ** 0.5
        return -lr / (1 - b1**t), rectified, enough, lr * self.weight_decay

    def rule(self, shared: Any, g: Any, w: Any, m: Any, v: Any) -> tuple:
        (b1, b2), (rate, rectified, enough, shrink) = self.betas, shared
        if self.weight_decay and not self.decoupled:
            g = self.weight_decay * w + g
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * (g * g)
        update = rate * m
        if isinstance(enough, Operators):
            update = update * where(enough, rectified / (sqrt(v) + self.eps), 1.0)
        elif enough:
            update = update * rectified / (sqrt(v) + self.eps)
        if self.weight_decay and self.decoupled:
            update = update - shrink * w
        return (update, m, v)


class Lion(Rule):
    """Steps of exactly lr: the sign of a mean between the gradient and its running mean.

    w ← w - lr·(sign(β₁m + (1-β₁)g) + weight_decay·w), then m ← β₂m + (1-β₂)g: one slot a
    parameter, half of Adam's. Its lr is customarily 3 to 10 times smaller than Adam's.
    Source: Chen et al. 2023.

    >>> import numpy as np, chainrule as cr
    >>> optimizer, w = cr.optim.Lion(lr=0.1), np.array([1.0, 1.0])
    >>> optimizer.update(np.array([2.0, -300.0]), optimizer.init(w), w)[0]
    array([-0.1,  0.1])
    """

    slots = 1

    def __init__(
        self, lr: Any = 1e-4, betas: tuple[float, float] = (0.9, 0.99), weight_decay: float = 0.0
    ):
        check_rate("Lion", lr)
        check("Lion", RATE, weight_decay=weight_decay)
        self.lr, self.betas, self.weight_decay = lr, check_betas("Lion", betas), weight_decay

    def shared(self, t: Any) -> Any:
        return -self.rate(t)

    def rule(self, shared: Any, g: Any, w: Any, m: Any) -> tuple:
        b1, b2 = self.betas
        step = sign(b1 * m + (1 - b1) * g)
        if self.weight_decay:
            step = step + self.weight_decay * w
        return (shared * step, b2 * m + (1 - b2) * g)


def plain(x: Any) -> Any:
    """A number as Python's own, so that it leaves float32 alone; what is traced stays."""
    return x if isinstance(x, Operators) else float(x)
