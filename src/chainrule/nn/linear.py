"""The fully connected layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..eager.dtypes import dtype_of
from ..eager.tensor import Tensor
from ..graph.errors import DTypeError, ShapeError, UsageError
from ..ops.linear import linear
from .init import initialiser
from .module import Module, generator, layer, parameter, static


@layer
class Linear(Module):
    """y = x Wᵀ + b: every output is a weighted sum of all inputs.

    Shapes: x (…, in_features) → (…, out_features); weight (out, in) and bias (out,), as
    PyTorch stores them. Dtype: float32 unless `dtype` says otherwise.
    Weights are drawn by `init` (a name or a function of `chainrule.nn.init`) from `seed`, a
    number or a Generator; without one from seed 0 and the layer's place in its Sequential.
    Biases start at 0.

    >>> import chainrule as cr
    >>> cr.nn.Linear(2, 3)(np.ones((5, 2), np.float32)).shape
    (5, 3)
    """

    weight: Tensor
    bias: Tensor | None
    in_features: int = static()
    out_features: int = static()
    init: Any = static()

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *,
        init: Any = "glorot_uniform", seed: Any = None, dtype: Any = np.float32,
    ):  # fmt: skip
        for size in (in_features, out_features):
            if not isinstance(size, (int, np.integer)) or size < 1:
                raise UsageError(
                    f"Linear({in_features!r}, {out_features!r}): sizes must be whole numbers, "
                    f"1 or more"
                )
        if dtype_of(dtype).kind != "f":
            raise DTypeError(f"Linear: dtype={dtype}; weights are floats")
        weight = initialiser(init)(generator(seed), (out_features, in_features))
        if np.shape(weight) != (out_features, in_features):
            raise ShapeError(
                f"Linear: init gave {np.shape(weight)} for weights of {(out_features, in_features)}"
            )
        self._settle(
            weight=parameter(weight, dtype),
            bias=parameter(np.zeros(out_features), dtype) if bias else None,
            in_features=in_features, out_features=out_features, init=init,
        )  # fmt: skip
        if seed is None:
            self._settle(_unseeded=True)

    def reseeded(self, rng: np.random.Generator) -> Linear:
        """The same layer with its weights drawn anew."""
        return Linear(
            self.in_features, self.out_features, self.bias is not None,
            init=self.init, seed=rng, dtype=self.weight.dtype,
        )  # fmt: skip

    def __call__(self, x: Any) -> Any:
        return linear(x, self.weight, 0.0 if self.bias is None else self.bias)
