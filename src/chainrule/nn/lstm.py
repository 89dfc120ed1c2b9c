"""The long short-term memory."""

from __future__ import annotations

from typing import Any

from ..ops import linear, sigmoid, tanh
from .module import layer
from .recurrent import Recurrent


@layer
class LSTM(Recurrent):
    """A recurrent layer whose cell keeps what its gates let it keep.

    i, f, o = σ(W xₜ + b + U hₜ₋₁ + c) and g = tanh(…), each with weights of its own;
    cₜ = f·cₜ₋₁ + i·g and hₜ = o·tanh(cₜ). The weights of i, f, g, o stand below each other.
    Shapes: x (T, N, input_size), or (N, T, input_size) with `batch_first`, or one sequence
    (T, input_size); state (h0, c0), both (num_layers·D, N, hidden_size), zeros where none is given,
    with D = 2 if `bidirectional`, otherwise 1 → (y (T, N, D·hidden_size), (h_n, c_n)).
    `lengths` (N,) says how many steps of each sequence count: its y is 0 after them, and h_n
    and c_n are the states at its own end. `dropout` is between layers, in training.
    Raises: ShapeError, DataError, UsageError, with the names of what does not fit.
    Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and
    Cummins 2000; torch.nn.LSTM.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> y, (h, c) = cr.nn.LSTM(3, 4, num_layers=2)(np.ones((6, 2, 3)), lengths=[6, 1])
    >>> y.shape, h.shape, float(cr.sum(y[1:, 1] ** 2))
    ((6, 2, 4), (2, 2, 4), 0.0)
    """

    gates = 4
    state_names = ("h0", "c0")

    def _step(self, state: tuple, x: Any, w: Any, b: Any) -> tuple:
        h, c = state
        sums, n = x + linear(h, w, b), self.hidden_size
        let_in, forget, new, out = (sums[..., k * n : (k + 1) * n] for k in range(4))
        c = sigmoid(forget) * c + sigmoid(let_in) * tanh(new)
        return sigmoid(out) * tanh(c), c
