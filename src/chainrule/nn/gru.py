"""The gated recurrent unit."""

from __future__ import annotations

from typing import Any

from ..ops import linear, sigmoid, tanh
from .module import layer
from .recurrent import Recurrent


@layer
class GRU(Recurrent):
    """A recurrent layer that mixes its old state and a new one, by a gate.

    r, z = σ(W xₜ + b + U hₜ₋₁ + c), n = tanh(W xₜ + b + r·(U hₜ₋₁ + c)), each with weights of
    its own, and hₜ = (1 - z)·n + z·hₜ₋₁. The weights of r, z, n stand below each other.
    Shapes: x (T, N, input_size), or (N, T, input_size) with `batch_first`, or one sequence
    (T, input_size); state h0 (num_layers·D, N, hidden_size), zeros where none is given, with D = 2
    if `bidirectional`, otherwise 1 → (y (T, N, D·hidden_size), h_n shaped as h0).
    `lengths` (N,) says how many steps of each sequence count: its y is 0 after them, and h_n is
    the state at its own end. `dropout` is between layers, in training.
    Raises: ShapeError, DataError, UsageError, with the names of what does not fit.
    Source: Cho et al. 2014, arXiv:1406.1078, with the reset gate after the product, as in its
    version 1 and in torch.nn.GRU.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> y, h = cr.nn.GRU(3, 4, batch_first=True)(np.ones((2, 6, 3)))
    >>> y.shape, h.shape
    ((2, 6, 4), (1, 2, 4))
    """

    gates = 3
    adds_outside = False  # the reset gate multiplies the state's bias too

    def _step(self, state: tuple, x: Any, w: Any, b: Any) -> tuple:
        (h,), n = state, self.hidden_size
        own = linear(h, w, b)
        both = sigmoid(x[..., : 2 * n] + own[..., : 2 * n])
        reset, keep = both[..., :n], both[..., n:]
        new = tanh(x[..., 2 * n :] + reset * own[..., 2 * n :])
        return (new + keep * (h - new),)
