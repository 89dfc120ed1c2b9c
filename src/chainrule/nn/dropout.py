"""Dropout: in training, elements are put to 0 by chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from .mode import drawing
from .module import Module, layer, static
from .settings import array, share


def dropped(x: Any, p: float, rng: np.random.Generator) -> Any:
    """`x` with each element 0 with probability `p`, and the others divided by 1 - p."""
    if p == 0.0:
        return x
    kept = rng.random(x.shape) >= p
    return x * (kept / max(1.0 - p, np.finfo(float).tiny)).astype(x.dtype)


@layer
class Dropout(Module):
    """In training each element is 0 with probability `p`, and the others are divided by 1 - p.

    Called as `layer(x)` it evaluates and passes `x` on; called as `layer(x, training=True,
    rng=rng)` it drops, by random numbers from `rng`, a whole number or a Generator. For a whole
    model see `chainrule.nn.apply`. In a traced function the mask is drawn once, at the tracing.
    Shapes: x (…) → the same.
    Source: Srivastava et al. 2014; torch.nn.Dropout.

    >>> import chainrule as cr
    >>> layer = cr.nn.Dropout(0.5)
    >>> layer(np.ones(4)), layer(np.ones(4), training=True, rng=0)
    (array([1., 1., 1., 1.]), array([2., 0., 0., 0.]))
    """

    by_mode = True

    p: float = static(default=0.5)

    def __init__(self, p: float = 0.5):
        self.p = share("Dropout", "p", p)

    def __call__(self, x: Any, *, training: bool | None = None, rng: Any = None) -> Any:
        if self.p == 0.0:
            return x
        drawn = drawing(self, training, rng)
        return x if drawn is None else dropped(array(x), self.p, drawn)
