"""Products that sum over axes: matmul and einsum, and what is said with them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..graph.coerce import array_of
from ..graph.errors import ShapeError, UsageError
from ..graph.op import Op, Spec
from .family import Cast, axes_of, broadcast_to, like, mask_to, reshape, select, sum_to
from .move import expand_dims, matrix_transpose, moveaxis, permute_dims
from .reduce import Ask


class Contraction(Op):
    """A product that sums over axes: what was discarded of its value cleans its operands."""

    def pull_masked(self, mask, g, y, xs, wanted):
        # A row that was discarded whole may hold NaN, and 0 · NaN would pass it on.
        counts = self.mask_down(mask, y, xs)
        clean = [x if c is None else select(c, x) for c, x in zip(counts, xs, strict=True)]
        return self.pull(g, y, clean, wanted)


class Matmul(Contraction):
    """The matrix product; axes before the last two are a batch and broadcast."""

    latex, binds, takes = "#1 #2", 2, (2, 3)
    words = (
        "sends the upstream gradient through the other factor, transposed: "
        "G Bᵀ to the left one, Aᵀ G to the right one"
    )
    source = "Array API 2024.12, matmul; Giles 2008, section 2.2.2"

    def forward(self, xp, a, b):
        return xp.matmul(a, b)

    def spec(self, a, b):
        if not a.shape or not b.shape or a.shape[-1] != b.shape[max(len(b.shape) - 2, 0)]:
            raise ShapeError(
                f"matmul: shapes {a.shape} and {b.shape} do not chain;\n"
                "  the columns of the first must be as many as the rows of the second"
            )
        try:
            batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        except ValueError:
            raise ShapeError(
                f"matmul: the batches {a.shape[:-2]} and {b.shape[:-2]} of shapes "
                f"{a.shape} and {b.shape} do not broadcast"
            ) from None
        rows = a.shape[-2:-1] if len(a.shape) > 1 else ()
        columns = b.shape[-1:] if len(b.shape) > 1 else ()
        return Spec((*batch, *rows, *columns), np.result_type(a.dtype, b.dtype))

    def mask_down(self, mask, y, xs):
        a, b = xs
        if mask is None or len(a.shape) < 2 or len(b.shape) < 2:
            return [None, None]
        return [counted(mask, -1, a.shape), counted(mask, -2, b.shape)]

    def grad(self, g, y, a, b):
        if len(a.shape) == 2 and len(b.shape) == 2:
            return (lambda: like(matmul(g, b.T), a), lambda: like(matmul(a.T, g), b))
        return (lambda: _left(g, a, b), lambda: _right(g, a, b))

    def push(self, ts, y, xs):
        (ta, tb), (a, b) = ts, xs
        left = None if ta is None else matmul(ta, b)
        right = None if tb is None else matmul(a, tb)
        return left if right is None else right if left is None else left + right


def counted(mask: Any, axis: int, shape: tuple[int, ...]) -> Any:
    """Of an operand of this shape, what counts: all that some place along `axis` was made of."""
    once = tuple(1 if k == len(shape) + axis else n for k, n in enumerate(shape))
    return broadcast_to(mask_to(Ask.of(axis, True, "any")(mask), once), shape)


def _matrices(g: Any, a: Any, b: Any) -> tuple:
    """A vector as the row or column it counts as, so that only matrices are left."""
    if len(a.shape) == 1:
        a, g = expand_dims(a, axis=0), expand_dims(g, axis=-2 if len(b.shape) > 1 else 0)
    if len(b.shape) == 1:
        b, g = expand_dims(b, axis=1), expand_dims(g, axis=-1)
    return g, a, b


def _left(g: Any, a: Any, b: Any) -> Any:
    g, a2, b = _matrices(g, a, b)
    return like(reshape(sum_to(matmul(g, matrix_transpose(b)), a2.shape), a.shape), a)


def _right(g: Any, a: Any, b: Any) -> Any:
    g, a, b2 = _matrices(g, a, b)
    return like(reshape(sum_to(matmul(matrix_transpose(a), g), b2.shape), b.shape), b)


@dataclass(frozen=True, eq=False)
class Einsum(Contraction):
    """Products of elements, summed over the letters that the value does not have."""

    terms: tuple[str, ...]
    out: str

    words = "is an einsum of the upstream gradient with all the other operands"
    source = "numpy.einsum; Laue, Mitterreiter and Giesen 2020"

    binds = 1

    @property
    def takes(self) -> tuple[int, ...]:
        return (4,) * len(self.terms)

    @property
    def latex(self) -> str:
        summed = sorted(set("".join(self.terms)) - set(self.out))
        sign = rf"\sum_{{{''.join(summed)}}} " if summed else ""
        return sign + " ".join(f"{{#{k + 1}}}_{{{t}}}" for k, t in enumerate(self.terms))

    def forward(self, xp, *xs):
        return xp.einsum(self.text, *xs, optimize=True)

    @property
    def text(self) -> str:
        """The subscripts as NumPy writes them."""
        return ",".join(self.terms) + "->" + self.out

    def spec(self, *xs):
        sizes = self.sizes([x.shape for x in xs])
        return Spec(tuple(sizes[c] for c in self.out), np.result_type(*(x.dtype for x in xs)))

    def sizes(self, shapes: list) -> dict[str, int]:
        """How long the axis of each letter is; raises where two operands disagree."""
        sizes: dict[str, int] = {}
        for term, shape in zip(self.terms, shapes, strict=True):
            if len(term) != len(shape):
                raise ShapeError(f"einsum {self.text}: '{term}' does not name the axes of {shape}")
            for c, n in zip(term, shape, strict=True):
                if sizes.setdefault(c, n) != n:
                    raise ShapeError(f"einsum {self.text}: '{c}' is {sizes[c]} and {n}")
        return sizes

    def grad(self, g, y, *xs):
        return tuple(self._down(g, xs, k) for k in range(len(xs)))

    def _down(self, g: Any, xs: tuple, k: int) -> Any:
        def down() -> Any:
            term, x = self.terms[k], xs[k]
            others = [t for j, t in enumerate(self.terms) if j != k]
            rest = [x for j, x in enumerate(xs) if j != k]
            known = set("".join(others)) | set(self.out)
            kept = "".join(dict.fromkeys(c for c in term if c in known))
            d = Einsum.of((self.out, *others), kept)(g, *rest)
            return like(_spread(d, kept, term, x.shape), x)

        return down

    def mask_down(self, mask, y, xs):
        if mask is None:
            return [None] * len(xs)
        return [self._counts(mask, term, x.shape) for term, x in zip(self.terms, xs, strict=True)]

    def _counts(self, mask: Any, term: str, shape: tuple[int, ...]) -> Any:
        kept = "".join(dict.fromkeys(c for c in term if c in self.out))
        places = Einsum.of((self.out,), kept)(Cast.of(np.dtype(float))(mask))
        return _spread(places, kept, term, shape) > 0

    def push(self, ts, y, xs):
        total = None
        for k, t in enumerate(ts):
            if t is not None:
                d = self(*xs[:k], t, *xs[k + 1 :])
                total = d if total is None else total + d
        return total


def _spread(d: Any, kept: str, term: str, shape: tuple[int, ...]) -> Any:
    """From the axes `kept` to all of `term`: summed-out ones repeat, doubled ones are diagonal."""
    sizes = dict(zip(term, shape, strict=True))
    distinct = "".join(dict.fromkeys(term))
    d = reshape(d, tuple(sizes[c] if c in kept else 1 for c in distinct))
    d = broadcast_to(d, tuple(sizes[c] for c in distinct))
    return d if len(distinct) == len(term) else _diagonal(d, distinct, term, sizes)


def _diagonal(d: Any, distinct: str, term: str, sizes: dict[str, int]) -> Any:
    """Zero off the diagonals that a letter named twice walks along."""
    letters = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    seen: set[str] = set()
    fresh, eyes, names = "", [], []
    for c in term:
        if c in seen:
            new = next(x for x in letters if x not in term)
            eyes.append(np.eye(sizes[c], dtype=d.dtype))
            names.append(c + new)
            fresh += new
        else:
            seen.add(c)
            fresh += c
    return Einsum.of((distinct, *names), fresh)(d, *eyes)


matmul = Matmul()


def einsum(subscripts: str, *operands: Any) -> Any:
    """Products of elements summed over the letters missing on the right of `->`.

    Raises: ShapeError where a letter has two sizes, UsageError for an ellipsis.

    >>> import chainrule as cr
    >>> cr.einsum("ij,j->i", np.eye(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    if not isinstance(subscripts, str):
        raise UsageError(f"einsum: subscripts {subscripts!r}; give a text such as 'ij,jk->ik'")
    text = subscripts.replace(" ", "")
    left, arrow, out = text.partition("->")
    terms = tuple(left.split(","))
    if "." in text or len(terms) != len(operands) or not left.replace(",", "").isalpha():
        raise UsageError(
            f"einsum: '{subscripts}' with {len(operands)} operands; name every axis by a letter, "
            "one group for each operand"
        )
    if not arrow:
        letters = left.replace(",", "")
        out = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if set(out) - set(left) or len(set(out)) < len(out):
        raise UsageError(f"einsum: '{out}' must name axes of the operands, each once")
    operands = tuple(array_of(x) for x in operands)
    op = Einsum.of(terms, out)
    op.sizes([x.shape for x in operands])  # NumPy would broadcast a 1: nothing is summed back then
    return op(*operands)


def tensordot(a: Any, b: Any, *, axes: Any = 2) -> Any:
    """The sum over pairs of axes: the last `axes` of `a` with the first of `b`, or two lists."""
    if isinstance(axes, int):
        if not 0 <= axes <= min(len(a.shape), len(b.shape)):
            raise ShapeError(f"tensordot: {a.shape} and {b.shape} have no {axes} axes to sum over")
        left, right = tuple(range(len(a.shape) - axes, len(a.shape))), tuple(range(axes))
    else:
        left = axes_of("tensordot", tuple(axes[0]), len(a.shape))
        right = axes_of("tensordot", tuple(axes[1]), len(b.shape))
    if len(left) != len(right) or any(
        a.shape[i] != b.shape[j] for i, j in zip(left, right, strict=True)
    ):
        raise ShapeError(f"tensordot: {a.shape} and {b.shape} do not agree on axes {axes}")
    rows = tuple(k for k in range(len(a.shape)) if k not in left)
    columns = tuple(k for k in range(len(b.shape)) if k not in right)
    inner = prod(a.shape[k] for k in left)
    flat_a = reshape(permute_dims(a, rows + left), (prod(a.shape[k] for k in rows), inner))
    flat_b = reshape(permute_dims(b, right + columns), (inner, prod(b.shape[k] for k in columns)))
    shape = (*(a.shape[k] for k in rows), *(b.shape[k] for k in columns))
    return reshape(matmul(flat_a, flat_b), shape)


def vecdot(a: Any, b: Any, *, axis: int = -1) -> Any:
    """The dot products of the vectors along `axis`."""
    n = min(len(a.shape), len(b.shape))
    if not -n <= axis < 0 and len(a.shape) != len(b.shape):
        raise UsageError(f"vecdot: axis {axis} must be counted from the end, from {-n} to -1")
    a, b = moveaxis(a, axis, -1), moveaxis(b, axis, -1)
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(f"vecdot: the vectors have {a.shape[-1]} and {b.shape[-1]} elements")
    product = matmul(expand_dims(a, axis=-2), expand_dims(b, axis=-1))
    return reshape(product, product.shape[:-2])


def outer(a: Any, b: Any) -> Any:
    """Every element of one vector times every element of another."""
    if len(a.shape) != 1 or len(b.shape) != 1:
        raise ShapeError(f"outer: needs two vectors, found {a.shape} and {b.shape}")
    return expand_dims(a, axis=1) * expand_dims(b, axis=0)
