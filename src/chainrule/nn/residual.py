"""A layer beside which its input is passed on."""

from __future__ import annotations

from typing import Any

from ..graph.errors import ShapeError, UsageError
from .module import Module, layer
from .settings import array


@layer
class Residual(Module):
    """x + inner(x): the layers inside learn what to change, and the gradient has a way past them.

    Shapes: x (…) → the same; `inner` must keep the shape. Its parameters are named `inner.…`.
    Raises: ShapeError where it does not.
    Source: He et al. 2016, arXiv:1512.03385.

    >>> import chainrule as cr
    >>> import numpy as np
    >>> block = cr.nn.Residual(cr.nn.Sequential(cr.nn.Linear(3, 3), cr.nn.Tanh()))
    >>> list(block.named_parameters())
    ['inner.0.weight', 'inner.0.bias']
    >>> block(np.ones((2, 3))).shape
    (2, 3)
    """

    inner: Module

    def __init__(self, inner: Module):
        if not isinstance(inner, Module):
            raise UsageError(f"Residual: of {inner!r}; give a layer or nn.Sequential(...)")
        self.inner = inner

    def __call__(self, x: Any) -> Any:
        x = array(x)
        y = self.inner(x)
        if tuple(y.shape) != tuple(x.shape):
            raise ShapeError(
                f"Residual: the layers inside made {y.shape} of {x.shape}; they must keep the shape"
            )
        return x + y
