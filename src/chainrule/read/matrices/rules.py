"""Reductions, products and linear algebra in matrix notation; the rules of all ops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...graph.errors import UsageError
from ...graph.node import Node, Pick
from ...ops import elementwise, family, linalg, reduce, shares
from ...ops.contract import Einsum, Matmul
from ...ops.family import axes_of
from ...ops.linear import Linear
from .algebra import (
    Scaled,
    Shape,
    chain,
    function,
    ones,
    plus,
    scalar,
    times,
    turned,
)
from .moves import MOVES, full, powers
from .pointwise import POINTWISE, call, exp, square
from .reader import Reader, Rule, matrix_shape, spread


def summed(x: Scaled, shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Scaled | None:
    """The sum along axes, as products with ones; None for what is no matrix."""
    if len(shape) > 2:
        return None
    axes = tuple(a for a in axes if shape[a] != 1 or not keepdims)
    if not axes:
        return x
    full = replace(x, fills=matrix_shape(shape)) if x.body is None else x
    if len(shape) == 1:
        total = chain(turned(ones(shape[0])), full)
        return total if keepdims else scalar(total)
    rows, columns = list(shape)
    down = chain(turned(ones(rows)), full) if 0 in axes else full
    both = chain(down, ones(columns)) if 1 in axes else down
    if keepdims:
        return both
    return scalar(both) if len(axes) == 2 else turned(both) if axes == (0,) else both


def _sum(reader: Reader, node: Node) -> Scaled | None:
    (x,), op = node.inputs, node.op
    axes = axes_of(op, op.axis, x.ndim)  # type: ignore[attr-defined]
    return summed(reader.matrix(x), x.shape, axes, op.keepdims)  # type: ignore[attr-defined]


def _mean(reader: Reader, node: Node) -> Scaled | None:
    total = _sum(reader, node)
    if total is None:
        return None
    (x,), op = node.inputs, node.op
    joined = [x.shape[a] for a in axes_of(op, op.axis, x.ndim)]  # type: ignore[attr-defined]
    return times(Scaled(sizes=powers([n for n in joined if n > 1], -1)), total)


def _sum_to(reader: Reader, node: Node) -> Scaled | None:
    (x,) = node.inputs
    axes = family._repeated(x.shape, node.shape)
    keeps = x.ndim == node.ndim
    if not keeps and node.ndim and len(axes) != x.ndim - node.ndim:
        return None
    return summed(reader.matrix(x), x.shape, axes, keeps)


def _norm(reader: Reader, node: Node) -> Scaled | None:
    (x,), op = node.inputs, node.op
    if x.ndim > 2:
        return None
    made = reader.matrix(x)
    if op.axis is None and not op.keepdims:  # type: ignore[attr-defined]
        return function(r"\left\|#1\right\|", 4, (0,), (made,), ())
    axes = axes_of(op, op.axis, x.ndim)  # type: ignore[attr-defined]
    total = summed(square(made), x.shape, axes, op.keepdims)  # type: ignore[attr-defined]
    return None if total is None else call(elementwise.sqrt, total)


def _logsumexp(reader: Reader, node: Node) -> Scaled | None:
    (x,), op = node.inputs, node.op
    if x.ndim > 2:
        return None
    axes = axes_of(op, op.axis, x.ndim)  # type: ignore[attr-defined]
    total = summed(exp(reader.matrix(x)), x.shape, axes, op.keepdims)  # type: ignore[attr-defined]
    return None if total is None else call(elementwise.log, total)


def _shares(reader: Reader, node: Node) -> Scaled | None:
    """The softmax of every row; of a column, or of the columns, by transposes."""
    (x,), (axis,) = node.inputs, axes_of(node.op, node.op.axis, node.ndim)  # type: ignore[attr-defined]
    if x.ndim > 2:
        return None
    made, flipped = reader.matrix(x), axis == 0
    z = turned(made) if flipped else made
    found = function(node.op.latex, 4, (0,), (z,), z.shape)
    return turned(found) if flipped else found


def _matmul(reader: Reader, node: Node) -> Scaled | None:
    a, b = node.inputs
    if a.ndim > 2 or b.ndim > 2:
        return None
    left, right = full(reader, a), full(reader, b)
    if a.ndim == 1:
        made = chain(turned(left), right)
        return scalar(made) if b.ndim == 1 else turned(made)
    return chain(left, right)


def _linear(reader: Reader, node: Node) -> Scaled | None:
    x, w, b = node.inputs
    if x.ndim > 2:
        return None
    data, weights = full(reader, x), full(reader, w)
    made = chain(weights, data) if x.ndim == 1 else chain(data, turned(weights))
    return plus(made, spread(reader.matrix(b), b.shape, node.shape))


def _einsum(reader: Reader, node: Node) -> Scaled | None:
    """Two operands that share one letter, summed over, or none."""
    op: Any = node.op
    if len(op.terms) != 2 or any(len(set(t)) != len(t) or len(t) > 2 for t in op.terms):
        return None
    a, b = op.terms
    shared = set(a) & set(b)
    if len(shared) > 1 or (shared & set(op.out)) or len(op.out) != len(a + b) - 2 * len(shared):
        return None
    if not shared and not len(a) == len(b) == 1:
        return None
    left, right = (full(reader, x) for x in node.inputs)
    if shared:
        (k,) = shared
        left = turned(left) if a[0] == k else left
        right = turned(right) if len(b) == 2 and b[1] == k else right
        rest = (a + b).replace(k, "")
    else:
        right, rest = turned(right), a + b
    made = chain(left, right)
    if not op.out:
        return scalar(made)
    as_asked = len(a) > 1 if len(op.out) == 1 else rest == op.out
    return made if as_asked else turned(made)


def _inverse(x: Scaled) -> Scaled:
    return function("{#1}^{-1}", 3, (4,), (x,), x.shape)


def _inv(reader: Reader, node: Node) -> Scaled | None:
    return _inverse(reader.matrix(node.inputs[0])) if node.ndim == 2 else None


def _solve(reader: Reader, node: Node) -> Scaled | None:
    a, b = node.inputs
    if a.ndim > 2 or b.ndim > 2:
        return None
    return chain(_inverse(reader.matrix(a)), full(reader, b))


def _pick(reader: Reader, node: Node) -> Scaled | None:
    """The sign or the logarithm of a determinant; nothing else has several values here."""
    (whole,), place = node.inputs, node.op.index  # type: ignore[attr-defined]
    if type(whole.op) is not linalg.Slogdet:
        raise UsageError(f"{whole.op} has several values; read what is made of each")
    latex = (r"\operatorname{sign}\left(\det\left(#1\right)\right)", whole.op.latex)[place]
    return function(latex, 4, (0,), (reader.matrix(whole.inputs[0]),), matrix_shape(node.shape))


def _det(reader: Reader, node: Node) -> Scaled | None:
    return None if node.ndim else function(
        r"\det\left(#1\right)", 4, (0,), (reader.matrix(node.inputs[0]),), ())  # fmt: skip


RULES: dict[type, Rule] = {
    **POINTWISE, **MOVES, family.SumTo: _sum_to, reduce.Sum: _sum, reduce.Mean: _mean,
    reduce.Norm: _norm, reduce.Logsumexp: _logsumexp, shares.Softmax: _shares,
    shares.LogSoftmax: _shares, Matmul: _matmul, Linear: _linear, Einsum: _einsum,
    linalg.Inv: _inv, linalg.Solve: _solve, linalg.Det: _det, Pick: _pick,
}  # fmt: skip
