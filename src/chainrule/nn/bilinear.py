"""The bilinear layer: every product of an element of one input and one of the other."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..graph.errors import ShapeError
from ..ops import einsum, reshape
from .module import Module, generator, layer, parameter, static
from .settings import around_zero, array, ends_in, floats, whole


@layer
class Bilinear(Module):
    """yₖ = x₁ᵀ Wₖ x₂ + bₖ: weighted sums of the products of two inputs' elements.

    Shapes: x1 (…, in1_features), x2 (…, in2_features) → (…, out_features); weight
    (out, in1, in2) and bias (out,), uniform within ±1/√in1_features.
    Raises: ShapeError where the inputs' other axes differ; nothing is broadcast.
    Source: torch.nn.Bilinear.

    >>> import chainrule as cr
    >>> layer = cr.nn.Bilinear(2, 3, 4)
    >>> layer(np.ones((5, 2)), np.ones((5, 3))).shape
    (5, 4)
    """

    weight: Tensor
    bias: Tensor | None
    in1_features: int = static()
    in2_features: int = static()
    out_features: int = static()

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, *,
        seed: Any = None, dtype: Any = np.float32,
    ):  # fmt: skip
        sizes = {"in1_features": in1_features, "in2_features": in2_features}
        whole("Bilinear", **sizes, out_features=out_features)
        dtype, rng = floats("Bilinear", dtype), generator(seed)
        weight = around_zero(rng, (out_features, in1_features, in2_features), in1_features)
        biases = around_zero(rng, (out_features,), in1_features) if bias else None
        self._settle(
            weight=parameter(weight, dtype),
            bias=None if biases is None else parameter(biases, dtype),
            **sizes, out_features=out_features,
        )  # fmt: skip
        if seed is None:
            self._settle(_unseeded=True)

    def reseeded(self, rng: np.random.Generator) -> Bilinear:
        """The same layer with its weights drawn anew."""
        return Bilinear(
            self.in1_features, self.in2_features, self.out_features, self.bias is not None,
            seed=rng, dtype=self.weight.dtype,
        )  # fmt: skip

    def __call__(self, x1: Any, x2: Any) -> Any:
        x1 = ends_in("Bilinear", array(x1), (self.in1_features,))
        x2 = ends_in("Bilinear", array(x2), (self.in2_features,))
        before = tuple(x1.shape[:-1])
        if tuple(x2.shape[:-1]) != before:
            raise ShapeError(
                f"Bilinear: inputs of shapes {x1.shape} and {x2.shape}; all axes but the last "
                "must agree"
            )
        rows = prod(before)
        flat = (reshape(x1, (rows, self.in1_features)), reshape(x2, (rows, self.in2_features)))
        y = einsum("ni,oij,nj->no", flat[0], self.weight, flat[1])
        y = reshape(y, (*before, self.out_features))
        return y if self.bias is None else y + self.bias
