"""Transforms one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.errors import UsageError
from .decay import Decay
from .options import check_optimizer
from .transform import Rule, Transform, observed, renamed


class Chain(Transform):
    """Transforms one after the other: each receives the updates of the one before."""

    def __init__(self, *parts: Transform):
        for part in parts:
            check_optimizer("chain", part)
        rules = [k for k, part in enumerate(parts) if isinstance(part, Rule)]
        for part in parts[rules[0] if rules else len(parts) :]:
            if isinstance(part, Decay):
                raise UsageError(
                    f"chain: {part!r} after the optimiser would make weights grow; put it before, "
                    "or use AdamW, whose decay stands beside the step"
                )
        self.parts = parts

    def init(self, params: Any) -> tuple:
        return tuple(part.init(params) for part in self.parts)

    def update(self, grads: Any, state: tuple, params: Any) -> tuple[Any, tuple]:
        after = []
        for part, own in zip(self.parts, state, strict=True):
            grads, own = part.update(grads, own, params)
            after.append(own)
        return grads, tuple(after)

    def observe(self, loss: Any, state: tuple) -> tuple:
        return tuple(observed(part, loss, own) for part, own in zip(self.parts, state, strict=True))

    def named(self, names: Sequence[str]) -> Chain:
        return Chain(*(renamed(part, names) for part in self.parts))

    def __repr__(self) -> str:
        return f"chain({', '.join(map(repr, self.parts))})"


def chain(*parts: Transform) -> Chain:
    """Transforms one after the other: what works on gradients, the optimiser, what scales steps.

    Raises: UsageError for what is no (init, update) pair, and for weight decay after an optimiser.

    >>> import numpy as np, chainrule as cr
    >>> careful = cr.optim.chain(cr.optim.clip_by_norm(1.0), cr.optim.SGD(lr=0.1))
    >>> updates, state = careful.update([np.array([3.0, 4.0])], careful.init([np.zeros(2)]),
    ...                                 [np.zeros(2)])
    >>> updates[0]
    array([-0.06, -0.08])
    """
    return Chain(*parts)
