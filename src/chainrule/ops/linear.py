"""The affine map x Wᵀ + b of a layer, as one op: half the passes over memory of three ops."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..graph.errors import ShapeError
from ..graph.op import Spec
from .contract import Contraction, counted, matmul
from .family import broadcast_to, like, reshape, sum_to
from .move import matrix_transpose


class Linear(Contraction):
    """x Wᵀ + b: the weighted sums of a layer, W with a row for every unit."""

    latex, binds, takes = r"#1 {#2}^{\top} + #3", 1, (2, 4, 1)
    words = "sends δ = G through the weights: δ W to x, δᵀ x to W, and the sum of δ to b"
    source = "Rumelhart, Hinton and Williams 1986; torch.nn.functional.linear"

    def forward(self, xp, x, w, b):
        y = xp.matmul(x, w.T)
        if y.dtype == b.dtype:
            y += b  # y is fresh: adding in place saves a pass
            return y
        return y + b

    def spec(self, x, w, b):
        if len(w.shape) != 2 or not x.shape or x.shape[-1] != w.shape[-1]:
            raise ShapeError(
                f"linear: x of shape {x.shape} and weight {w.shape}; "
                "the last axis of x must have as many elements as a row of the weight"
            )
        if b.shape not in ((), (w.shape[0],)):
            raise ShapeError(f"linear: bias {b.shape} for weight {w.shape}; one number a row")
        dtype = np.result_type(x.dtype, w.dtype, b.dtype)
        return Spec((*x.shape[:-1], w.shape[0]), dtype)

    def grad(self, g, y, x, w, b):
        return (
            lambda: like(matmul(g, w), x),
            lambda: like(matmul(_rows(g).T, _rows(x)), w),
            lambda: like(sum_to(g, b.shape), b),
        )

    def mask_down(self, mask, y, xs):
        x, w, _ = xs
        if mask is None or len(y.shape) < 2:
            return [None, None, None]
        of_w = counted(matrix_transpose(_rows(mask)), -1, w.shape)
        return [counted(mask, -1, x.shape), of_w, None]

    def push(self, ts, y, xs):
        (tx, tw, tb), (x, w, _) = ts, xs
        terms = [
            None if tx is None else matmul(tx, w.T),
            None if tw is None else matmul(x, tw.T),
            tb,
        ]
        total = None
        for term in terms:
            if term is not None:
                total = term if total is None else total + term
        return broadcast_to(total, y.shape)


def _rows(x: Any) -> Any:
    """All axes but the last as one."""
    return x if len(x.shape) == 2 else reshape(x, (prod(x.shape[:-1]), x.shape[-1]))


_linear = Linear()


def linear(x: Any, weight: Any, bias: Any = 0.0) -> Any:
    """x Wᵀ + b, the weighted sums of a layer.

    Shapes: x (…, in), weight (out, in), bias (out,) → (…, out).
    Raises: ShapeError where the sizes do not chain.
    Source: torch.nn.functional.linear.

    >>> import chainrule as cr
    >>> cr.linear(np.array([-1.0, -2.0]), np.array([[2.0, -3.0]]), np.array([-3.0]))
    array([1.])
    """
    weight = weight if hasattr(weight, "dtype") else np.asarray(weight)
    if isinstance(bias, (int, float)):
        bias = np.asarray(bias, weight.dtype)
    if len(weight.shape) != 2 or len(bias.shape) > 1:
        _linear.spec(*(Spec(v.shape, v.dtype) for v in (x, weight, bias)))
    return _linear(x, weight, bias)
