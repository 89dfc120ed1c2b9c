"""Attention: every query reads a mean of the values, weighted by how well their keys fit."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..graph.errors import DataError, ShapeError
from ..graph.node import Node
from ..ops import matmul, matrix_transpose, softmax, where
from .dropout import dropped
from .module import Module, generator, layer, static
from .settings import array


def attention(
    query: Any, key: Any, value: Any, mask: Any = None, *, causal: bool = False,
    scale: float | None = None, dropout: float = 0.0, rng: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """softmax(Q Kᵀ · scale) V, and the softmax itself: the weights.

    Shapes: query (…, L, E), key (…, S, E), value (…, S, V) → ((…, L, V), (…, L, S)). `mask`
    (…, L, S) is True where a query may look, or numbers that are added to the scores; with `causal`
    query k looks at keys 0 to k. `scale` is 1/√E where none is given. With `rng`, weights are
    dropped with probability `dropout`.
    Raises: ShapeError; DataError for a query that may look nowhere.
    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.1;
    torch.nn.functional.scaled_dot_product_attention.

    >>> y, weights = attention(np.eye(2), np.eye(2), np.array([[1.0], [3.0]]), causal=True)
    >>> y.round(3).tolist(), weights.round(3).tolist()
    ([[1.0], [2.34]], [[1.0, 0.0], [0.33, 0.67]])
    """
    query, key, value = array(query), array(key), array(value)
    if (
        min(len(x.shape) for x in (query, key, value)) < 2
        or query.shape[-1] != key.shape[-1]
        or key.shape[-2] != value.shape[-2]
    ):
        raise ShapeError(
            f"attention: query {query.shape}, key {key.shape}, value {value.shape}; they must be "
            "(…, L, E), (…, S, E) and (…, S, V)"
        )
    scale = 1.0 / sqrt(query.shape[-1]) if scale is None else scale
    scores = matmul(query, matrix_transpose(key)) * scale
    weights = softmax(_masked(scores, mask, causal))
    if rng is not None:
        weights = dropped(weights, dropout, generator(rng))
    return matmul(weights, value), weights


def _masked(scores: Any, mask: Any, causal: bool) -> Any:
    """The scores, -inf where a query may not look."""
    may = np.tri(*scores.shape[-2:], dtype=bool) if causal else None
    if mask is not None:
        mask = array(mask)
        if mask.dtype.kind != "b":
            scores = scores + mask
        else:
            may = mask if may is None else may & mask
    if may is None:
        return scores
    try:
        np.broadcast_shapes(may.shape, scores.shape)
    except ValueError:
        raise ShapeError(
            f"attention: a mask of {may.shape} for scores {tuple(scores.shape)}"
        ) from None
    known = may._value if isinstance(may, Tensor) else may
    if not isinstance(known, Node) and not known.any(axis=-1).all():
        where_to = tuple(map(int, np.argwhere(~known.any(axis=-1))[0]))
        raise DataError(f"attention: the mask lets query {where_to} look nowhere; allow it one key")
    return where(may, scores, -inf)


@layer
class Attention(Module):
    """Scaled dot-product attention as a layer: no weights, one head.

    Shapes: query (…, L, E), key (…, S, E), value (…, S, V) → (…, L, V); without key and value
    they are the query: self-attention. `mask` (…, L, S) is True where a query may look.
    Source: Vaswani et al. 2017, arXiv:1706.03762; torch.nn.functional.scaled_dot_product_attention.

    >>> import chainrule as cr
    >>> cr.nn.Attention(causal=True)(np.ones((2, 5, 4))).shape
    (2, 5, 4)
    """

    causal: bool = static(default=False)
    scale: float | None = static(default=None)

    def __call__(self, query: Any, key: Any = None, value: Any = None, mask: Any = None) -> Any:
        key = query if key is None else key
        value = key if value is None else value
        return attention(query, key, value, mask, causal=self.causal, scale=self.scale)[0]
