"""Weight decay: a pull of every weight towards 0, added to its gradient."""

from __future__ import annotations

from typing import Any

from ..transform.trees import tree_flatten, tree_unflatten
from .options import RATE, check
from .transform import Transform, bare, dressed, same_leaves


class Decay(Transform):
    """The gradient of ½·rate·w² added to every gradient; see `weight_decay`."""

    def __init__(self, rate: Any):
        check("weight_decay", RATE, rate=rate)
        self.rate = rate

    def update(self, grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
        given, structure = tree_flatten(grads)
        g, w = bare(given), bare(tree_flatten(params)[0])
        same_leaves(g, w)
        pulled = [a + self.rate * b for a, b in zip(g, w, strict=True)]
        return tree_unflatten(structure, dressed(pulled, given)), state

    def __repr__(self) -> str:
        return f"weight_decay({self.rate})"


def weight_decay(rate: float) -> Decay:
    """g ← g + rate·w: what the penalty ½·rate·Σw² adds to the gradient.

    It stands before the optimiser: `chain(weight_decay(1e-4), SGD(lr=0.1))` takes the steps of
    `SGD(lr=0.1, weight_decay=1e-4)`. With `groups` it reaches the parameters that are named.
    For a decay beside the step, that no running mean divides, use AdamW.
    Raises: UsageError for a rate below 0.
    Source: Krogh and Hertz 1992.

    >>> import numpy as np, chainrule as cr
    >>> w = np.array([10.0])
    >>> cr.optim.weight_decay(0.1).update(np.array([2.0]), None, w)[0]
    array([3.])
    """
    return Decay(rate)
