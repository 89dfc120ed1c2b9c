"""Norms over the last axes of each example: LayerNorm and RMSNorm."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..ops import mean, sqrt, square
from .module import Module, layer, parameter, static
from .settings import ends_in, floats, last_axes


@layer
class LayerNorm(Module):
    """(x - mean)/√(variance + eps) · weight + bias, over the last axes of each example.

    Shapes: x (…, *normalized_shape) → the same; weight and bias normalized_shape, 1 and 0 at
    the start. The variance is the mean of the squares.
    Source: Ba, Kiros and Hinton 2016, arXiv:1607.06450; torch.nn.LayerNorm.

    >>> import chainrule as cr
    >>> y = cr.nn.LayerNorm(4)(np.array([[1.0, 2.0, 3.0, 4.0]]))
    >>> np.round(y.value, 2)
    array([[-1.34, -0.45,  0.45,  1.34]])
    """

    weight: Tensor | None
    bias: Tensor | None
    normalized_shape: tuple = static()
    eps: float = static()

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True,
        bias: bool = True, *, dtype: Any = np.float32,
    ):  # fmt: skip
        shape, dtype = last_axes("LayerNorm", normalized_shape), floats("LayerNorm", dtype)
        self._settle(
            weight=parameter(np.ones(shape), dtype) if elementwise_affine else None,
            bias=parameter(np.zeros(shape), dtype) if elementwise_affine and bias else None,
            normalized_shape=shape, eps=float(eps),
        )  # fmt: skip

    def __call__(self, x: Any) -> Any:
        x = ends_in("LayerNorm", x, self.normalized_shape)
        axes = tuple(range(-len(self.normalized_shape), 0))
        away = x - mean(x, axis=axes, keepdims=True)
        y = away / sqrt(mean(square(away), axis=axes, keepdims=True) + self.eps)
        y = y if self.weight is None else y * self.weight
        return y if self.bias is None else y + self.bias


@layer
class RMSNorm(Module):
    """x/√(mean of x² + eps) · weight, over the last axes of each example.

    Shapes: x (…, *normalized_shape) → the same; weight normalized_shape, 1 at the start.
    `eps` defaults to the spacing of x's dtype at 1.
    Source: Zhang and Sennrich 2019, arXiv:1910.07467; torch.nn.RMSNorm.

    >>> import chainrule as cr
    >>> cr.nn.RMSNorm(2, dtype=np.float64)(np.array([[3.0, 3.0]])).value.round(6)
    array([[1., 1.]])
    """

    weight: Tensor | None
    normalized_shape: tuple = static()
    eps: float | None = static()

    def __init__(
        self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True, *,
        dtype: Any = np.float32,
    ):  # fmt: skip
        shape, dtype = last_axes("RMSNorm", normalized_shape), floats("RMSNorm", dtype)
        self._settle(
            weight=parameter(np.ones(shape), dtype) if elementwise_affine else None,
            normalized_shape=shape, eps=None if eps is None else float(eps),
        )  # fmt: skip

    def __call__(self, x: Any) -> Any:
        x = ends_in("RMSNorm", x, self.normalized_shape)
        axes = tuple(range(-len(self.normalized_shape), 0))
        eps = float(np.finfo(x.dtype).eps) if self.eps is None else self.eps
        y = x / sqrt(mean(square(x), axis=axes, keepdims=True) + eps)
        return y if self.weight is None else y * self.weight
