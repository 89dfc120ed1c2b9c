"""A table of vectors, one for each of a number of words."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..graph.errors import AxisError, DTypeError, UsageError
from ..graph.node import Node
from ..ops import astype, expand_dims, take, where
from ..transform import stop_gradient
from .module import Module, generator, layer, parameter, static
from .settings import array, floats, whole


@layer
class Embedding(Module):
    """Row `x` of a table of learned vectors; a row that is read twice gets both gradients.

    Shapes: x (…), integers from 0 to num_embeddings - 1 (or floats that are whole, as `fit`
    casts them) → (…, embedding_dim); weight (num_embeddings, embedding_dim), drawn from a normal
    distribution. The row `padding_idx` starts at 0 and gets no gradient.
    Raises: AxisError for an index outside the table, DTypeError for one that is not whole.
    Source: Bengio et al. 2003; torch.nn.Embedding.

    >>> import chainrule as cr
    >>> table = cr.nn.Embedding(10, 3)
    >>> table(np.array([[1, 2, 1, 0]])).shape
    (1, 4, 3)
    """

    weight: Tensor
    num_embeddings: int = static()
    embedding_dim: int = static()
    padding_idx: int | None = static()

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, *,
        seed: Any = None, dtype: Any = np.float32,
    ):  # fmt: skip
        whole("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        weight = generator(seed).normal(size=(num_embeddings, embedding_dim))
        if padding_idx is not None:
            if not isinstance(padding_idx, (int, np.integer)) or not (
                -num_embeddings <= padding_idx < num_embeddings
            ):
                raise UsageError(
                    f"Embedding: padding_idx={padding_idx!r}; give a row, 0 to {num_embeddings - 1}"
                )
            padding_idx = int(padding_idx) % num_embeddings
            weight[padding_idx] = 0.0
        self._settle(
            weight=parameter(weight, floats("Embedding", dtype)), num_embeddings=num_embeddings,
            embedding_dim=embedding_dim, padding_idx=padding_idx,
        )  # fmt: skip
        if seed is None:
            self._settle(_unseeded=True)

    def reseeded(self, rng: np.random.Generator) -> Embedding:
        """The same layer with its weights drawn anew."""
        return Embedding(
            self.num_embeddings, self.embedding_dim, self.padding_idx, seed=rng,
            dtype=self.weight.dtype,
        )  # fmt: skip

    def __call__(self, x: Any) -> Any:
        x = self._rows(array(x))
        rows = take(self.weight, x, axis=0)
        if self.padding_idx is None:
            return rows
        return where(expand_dims(x != self.padding_idx, axis=-1), rows, stop_gradient(rows))

    def _rows(self, x: Any) -> Any:
        if isinstance(x, Node):  # its numbers are not known yet
            return x if x.dtype.kind in "iu" else astype(x, np.int64)
        x = x._value if isinstance(x, Tensor) else x
        if x.dtype.kind not in "iu":
            found = x.astype(np.int64) if x.dtype.kind == "f" and np.isfinite(x).all() else None
            if found is None or (found != x).any():
                raise DTypeError(
                    f"Embedding: x is {x.dtype}; give whole numbers, rows of the table"
                )
            x = found
        outside = x[(x < 0) | (x >= self.num_embeddings)]
        if outside.size:
            raise AxisError(
                f"Embedding: there is no row {outside.flat[0]}; the table has rows 0 to "
                f"{self.num_embeddings - 1}"
            )
        return x
