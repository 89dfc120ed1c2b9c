"""Several attentions side by side."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..graph.errors import ShapeError, UsageError
from ..ops import expand_dims, linear, mean, permute_dims, reshape, squeeze, where
from .attention import attention
from .linear import Linear
from .mode import drawing
from .module import Module, generator, layer, parameter, static
from .settings import array, floats, share, whole


@layer
class MultiheadAttention(Module):
    """Several attentions side by side, each on a projection of its own, and a last projection.

    Shapes: query (L, N, embed_dim), key and value (S, N, embed_dim), or (N, L, embed_dim) with
    `batch_first`, or without N → (the query's shape, weights (N, L, S)). Without key and value
    they are the query. `key_padding_mask` (N, S) and `attn_mask` (L, S) or (N·num_heads, L, S)
    are, as in PyTorch, True where a query may NOT look; `attn_mask` may be numbers to add.
    `need_weights` asks for the weights, their mean over the heads unless
    `average_attn_weights` is False; otherwise None stands there. With `is_causal` query k looks at
    keys 0 to k. `dropout` is of the weights, in training.
    Parameters: in_proj_weight (3·embed_dim, embed_dim), in_proj_bias, out_proj.weight and .bias.
    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2; torch.nn.MultiheadAttention.

    >>> import chainrule as cr
    >>> y, weights = cr.nn.MultiheadAttention(8, 2, batch_first=True)(np.ones((3, 5, 8)))
    >>> y.shape, weights.shape
    ((3, 5, 8), (3, 5, 5))
    """

    by_mode = True

    in_proj_weight: Tensor
    in_proj_bias: Tensor | None
    out_proj: Linear
    embed_dim: int = static()
    num_heads: int = static()
    dropout: float = static()
    batch_first: bool = static()

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True,
        batch_first: bool = False, *, seed: Any = None, dtype: Any = np.float32,
    ):  # fmt: skip
        kind = "MultiheadAttention"
        whole(kind, embed_dim=embed_dim, num_heads=num_heads)
        if embed_dim % num_heads:
            raise UsageError(f"{kind}: embed_dim={embed_dim} is no multiple of {num_heads} heads")
        dtype, rng = floats(kind, dtype), generator(seed)
        self._settle(
            in_proj_weight=_projection(rng, embed_dim, dtype),
            in_proj_bias=parameter(np.zeros(3 * embed_dim), dtype) if bias else None,
            out_proj=Linear(embed_dim, embed_dim, bias, seed=rng, dtype=dtype),
            embed_dim=embed_dim, num_heads=num_heads,
            dropout=share(kind, "dropout", dropout), batch_first=bool(batch_first),
        )  # fmt: skip
        if seed is None:
            self._settle(_unseeded=True)

    def reseeded(self, rng: np.random.Generator) -> MultiheadAttention:
        """The same layer with its weights drawn anew."""
        weight = _projection(rng, self.embed_dim, self.in_proj_weight.dtype)
        return self.replace(in_proj_weight=weight, out_proj=self.out_proj.reseeded(rng))

    def __call__(
        self, query: Any, key: Any = None, value: Any = None, key_padding_mask: Any = None,
        need_weights: bool = True, attn_mask: Any = None, average_attn_weights: bool = True,
        is_causal: bool = False, *, training: bool | None = None, rng: Any = None,
    ) -> tuple[Any, Any]:  # fmt: skip
        key = query if key is None else key
        value = key if value is None else value
        given = [array(x) for x in (query, key, value)]
        alone = self._checked(given)
        q, k, v = (self._heads(x, part, alone) for part, x in enumerate(given))
        count, _, steps, size = q.shape
        mask = self._mask(attn_mask, key_padding_mask, count, (steps, k.shape[2]))
        drawn = drawing(self, training, rng) if self.dropout else None
        y, weights = attention(q, k, v, mask, causal=is_causal, dropout=self.dropout, rng=drawn)
        y = reshape(permute_dims(y, (0, 2, 1, 3)), (count, steps, self.num_heads * size))
        y = self.out_proj(y)
        weights = mean(weights, axis=1) if average_attn_weights else weights
        if alone:
            y, weights = squeeze(y, 0), squeeze(weights, 0)
        elif not self.batch_first:
            y = permute_dims(y, (1, 0, 2))
        return y, weights if need_weights else None

    def _checked(self, given: list) -> bool:
        """Whether these are one query, key and value without N; refused where they do not fit."""
        q, k, v = (tuple(x.shape) for x in given)
        batch = 0 if self.batch_first else 1
        fits = (
            len(q) in (2, 3)
            and len(q) == len(k)
            and k == v
            and q[-1] == k[-1] == self.embed_dim
            and (len(q) == 2 or q[batch] == k[batch])
        )
        if not fits:
            n = "(N, {}, {})" if self.batch_first else "({}, N, {})"
            raise ShapeError(
                f"MultiheadAttention: query {q}, key {k}, value {v}; the query must be "
                f"{n.format('L', self.embed_dim)}, key and value {n.format('S', self.embed_dim)}"
            )
        return len(q) == 2

    def _heads(self, x: Any, part: int, alone: bool) -> Any:
        """The projection of query (0), key (1) or value (2), by heads: (N, heads, steps, size)."""
        n = self.embed_dim
        rows = slice(part * n, (part + 1) * n)
        bias = 0.0 if self.in_proj_bias is None else self.in_proj_bias[rows]
        if alone:
            x = expand_dims(x, axis=0)
        elif not self.batch_first:
            x = permute_dims(x, (1, 0, 2))
        y = linear(x, self.in_proj_weight[rows], bias)
        y = reshape(y, (*y.shape[:2], self.num_heads, n // self.num_heads))
        return permute_dims(y, (0, 2, 1, 3))

    def _mask(self, attn_mask: Any, padding: Any, count: int, scores: tuple) -> Any:
        """Both of PyTorch's masks as one of ours: (N or 1, heads or 1, L or 1, S)."""
        mask = None
        if attn_mask is not None:
            mask = array(attn_mask)
            if tuple(mask.shape) not in (scores, (count * self.num_heads, *scores)):
                raise ShapeError(
                    f"MultiheadAttention: attn_mask of {tuple(mask.shape)}; it must be {scores} or "
                    f"{(count * self.num_heads, *scores)}"
                )
            if len(mask.shape) == 3:
                mask = reshape(mask, (count, self.num_heads, *scores))
            mask = ~mask if mask.dtype.kind == "b" else mask
        if padding is None:
            return mask
        padding = np.asarray(padding)
        wanted = (count, scores[1])
        if padding.dtype.kind != "b" or padding.shape not in (wanted, wanted[1:]):
            raise ShapeError(
                f"MultiheadAttention: key_padding_mask of {padding.dtype} {padding.shape}; it must "
                f"be bool {wanted}"
            )
        may = ~padding.reshape(count, 1, 1, scores[1])
        if mask is None:
            return may
        return mask & may if mask.dtype.kind == "b" else where(may, mask, -inf)


def _projection(rng: np.random.Generator, size: int, dtype: Any) -> Tensor:
    """Glorot's uniform weights for query, key and value, as of one matrix of all three."""
    bound = sqrt(6.0 / (4 * size))
    return parameter(rng.uniform(-bound, bound, (3 * size, size)), dtype)
