"""The plain recurrent network."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import UsageError
from ..ops import linear, relu, tanh
from .module import layer, static
from .recurrent import Recurrent

NONLINEARITIES = {"tanh": tanh, "relu": relu, "identity": lambda x: x}


@layer
class RNN(Recurrent):
    """hₜ = f(W_ih xₜ + b_ih + W_hh hₜ₋₁ + b_hh), with f tanh, relu or the identity.

    Shapes: x (T, N, input_size), or (N, T, input_size) with `batch_first`, or one sequence
    (T, input_size); state h0 (num_layers·D, N, hidden_size), zeros where none is given, with D = 2
    if `bidirectional`, otherwise 1 → (y (T, N, D·hidden_size), h_n shaped as h0).
    `lengths` (N,) says how many steps of each sequence count: its y is 0 after them, and h_n is
    the state at its own end. `dropout` is between layers, in training (see Dropout).
    Raises: ShapeError, DataError, UsageError, with the names of what does not fit.
    Source: Elman 1990, doi:10.1207/s15516709cog1402_1; torch.nn.RNN. With the identity it is
    the linear network in which gradients of long sequences can be seen to vanish or explode.

    >>> import chainrule as cr
    >>> y, h = cr.nn.RNN(3, 4, bidirectional=True)(np.ones((6, 2, 3)))
    >>> y.shape, h.shape
    ((6, 2, 8), (2, 2, 4))
    """

    nonlinearity: str = static()

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh",
        bias: bool = True, batch_first: bool = False, dropout: float = 0.0,
        bidirectional: bool = False, *, seed: Any = None, dtype: Any = np.float32,
    ):  # fmt: skip
        if nonlinearity not in NONLINEARITIES:
            raise UsageError(
                f"RNN: nonlinearity={nonlinearity!r}; use one of {', '.join(NONLINEARITIES)}"
            )
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            seed=seed, dtype=dtype,
        )  # fmt: skip

    def _step(self, state: tuple, x: Any, w: Any, b: Any) -> tuple:
        return (NONLINEARITIES[self.nonlinearity](x + linear(state[0], w, b)),)
