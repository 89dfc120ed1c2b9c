"""How each op makes an element of its value from elements of its operands: index notation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Any

from ...graph.node import Node, Pick
from ...graph.op import Op
from ...ops import contract, elementwise, family, linalg, reduce, running, shares
from ...ops.family import axes_of
from ...ops.linear import Linear
from .moves import MOVES
from .places import FIRST, Index, along
from .pointwise import POINTWISE, call, exp, square
from .reader import Places, Reader, Rule, aligned
from .terms import (
    ONE_,
    ZERO,
    Call,
    Entry,
    Product,
    Term,
    Total,
    as_product,
    negative,
    number,
    plus,
    product,
    quotient,
    total,
)


def rule_of(op: Op) -> Rule | None:
    """The rule of an op, or None for one that is read by its notation."""
    return RULES.get(type(op))


def _sum(reader: Reader, node: Node, places: Places) -> Term:
    return _reduced(reader, node, places, "sum")


def inner(node: Node, places: Places) -> tuple[Places, list[Index]]:
    """The places of a reduction's operand, and the new indices among them."""
    (x,), op = node.inputs, node.op
    axes = axes_of(op, op.axis, len(x.shape))  # type: ignore[attr-defined]
    rest = iter(places if not op.keepdims else  # type: ignore[attr-defined]
                [p for k, p in enumerate(places) if k not in axes])  # fmt: skip
    new = {a: Index(x.shape[a]) for a in axes if x.shape[a] != 1}
    at = [
        (along(new[k]) if k in new else FIRST) if k in axes else next(rest)
        for k in range(len(x.shape))
    ]
    return tuple(at), list(new.values())


def _reduced(reader: Reader, node: Node, places: Places, kind: str, of: Any = None) -> Term:
    at, indices = inner(node, places)
    if kind == "sum" and any(i.size == 0 for i in indices):
        return ZERO
    body = reader.element(node.inputs[0], at)
    return summed(body if of is None else of(body), indices, kind)


def summed(body: Term, indices: Sequence[Index], kind: str = "sum") -> Term:
    """The term summed over all these indices, the first one outermost."""
    for index in reversed(indices):
        body = total(kind, index, body)
    return body


def _mean(reader: Reader, node: Node, places: Places) -> Term:
    at, indices = inner(node, places)
    one_over = number(1, tuple((i, -1) for i in indices))
    return product(one_over, summed(reader.element(node.inputs[0], at), indices))


def _norm(reader: Reader, node: Node, places: Places) -> Term:
    return call(elementwise.sqrt, _reduced(reader, node, places, "sum", square))


def _logsumexp(reader: Reader, node: Node, places: Places) -> Term:
    return call(elementwise.log, _reduced(reader, node, places, "sum", exp))


def _extreme(kind: str) -> Rule:
    return lambda reader, node, places: _reduced(reader, node, places, kind)


def _ask(reader: Reader, node: Node, places: Places) -> Term | None:
    """any and all by elements; argmax counts from 0, its place from 1."""
    if node.op.axis is None and str(node.op).startswith("arg") and node.inputs[0].ndim != 1:  # type: ignore[attr-defined]
        return None
    found = _reduced(reader, node, places, str(node.op))
    if not str(node.op).startswith("arg"):
        return found
    return plus(found, number(-1)) if isinstance(found, Total) else ZERO


def _sum_to(reader: Reader, node: Node, places: Places) -> Term:
    (x,) = node.inputs
    repeated = family._repeated(x.shape, node.op.to)  # type: ignore[attr-defined]
    new = {a: Index(x.shape[a]) for a in repeated if x.shape[a] != 1}
    extra = len(x.shape) - len(places)
    at = tuple(
        along(new[k]) if k in new else FIRST if k < extra else places[k - extra]
        for k in range(len(x.shape))
    )
    return summed(reader.element(x, at), list(new.values()))


def _broadcast(reader: Reader, node: Node, places: Places) -> Term:
    """The operand's element; a number that is one over how many copies there are says so."""
    term = reader.operand(node, 0, places)
    shape = node.inputs[0].shape
    kept = aligned(places, shape)
    old = {p for p, n in zip(kept, shape, strict=True) if n > 1}
    indices = [p.index for p in places if p not in old and p.index is not None]
    copies = prod(i.size for i in indices)
    p = as_product(term)
    if copies < 2 or p.sizes or abs(p.value) not in (Fraction(1, copies), Fraction(1, 2 * copies)):
        return term
    sizes = tuple((i, -1) for i in indices)
    return product(Product(p.value * copies, sizes), Product(ONE_, (), p.above, p.below))


def _matmul(reader: Reader, node: Node, places: Places) -> Term:
    a, b = node.inputs
    rows, columns = (places, ()) if b.ndim == 1 else (places[:-1], places[-1:])
    row = rows[len(rows) - 1 :] if a.ndim > 1 else ()
    batch = rows[: len(rows) - len(row)]
    index = Index(a.shape[-1])
    k = (along(index) if index.size != 1 else FIRST,)
    left = reader.element(a, aligned((*batch, *row, *k) if a.ndim > 1 else k, a.shape))
    right = reader.element(b, aligned((*batch, *k, *columns) if b.ndim > 1 else k, b.shape))
    return ZERO if index.size == 0 else summed(product(left, right), [index] * (index.size != 1))


def _linear(reader: Reader, node: Node, places: Places) -> Term:
    x, w, b = node.inputs
    index = Index(w.shape[1])
    k = along(index) if index.size != 1 else FIRST
    weighted = product(
        reader.element(x, aligned((*places[:-1], k), x.shape)),
        reader.element(w, aligned((places[-1], k), w.shape)),
    )
    bias = reader.element(b, aligned(places, b.shape))
    return plus(summed(weighted, [index] * (index.size != 1)), bias)


def _einsum(reader: Reader, node: Node, places: Places) -> Term:
    op: Any = node.op
    sizes = op.sizes([x.shape for x in node.inputs])
    at = dict(zip(op.out, places, strict=True))
    summed_out = [c for c in dict.fromkeys("".join(op.terms)) if c not in at]
    new = {c: Index(sizes[c]) for c in summed_out if sizes[c] != 1}
    at |= {c: along(new[c]) if c in new else FIRST for c in summed_out}
    factors = [
        reader.element(x, aligned(tuple(at[c] for c in term), x.shape))
        for term, x in zip(op.terms, node.inputs, strict=True)
    ]
    return summed(product(*factors), list(new.values()))


def _shares(reader: Reader, node: Node, places: Places) -> Term:
    (x,), (axis,) = node.inputs, axes_of(node.op, node.op.axis, node.ndim)  # type: ignore[attr-defined]
    index = Index(x.shape[axis])
    others = tuple(along(index) if k == axis else p for k, p in enumerate(places))
    z = reader.element(x, places)
    whole = summed(exp(reader.element(x, aligned(others, x.shape))), [index])
    if type(node.op) is shares.Softmax:
        return quotient(exp(z), whole)
    return plus(z, negative(call(elementwise.log, whole)))


def _cumulative(kind: str) -> Rule:
    def rule(reader: Reader, node: Node, places: Places) -> Term:
        (x,), (axis,) = node.inputs, axes_of(node.op, node.op.axis, node.ndim)  # type: ignore[attr-defined]
        index = Index(x.shape[axis])
        at = tuple(along(index) if k == axis else p for k, p in enumerate(places))
        return total(kind, index, reader.element(x, aligned(at, x.shape)), places[axis])

    return rule


def _matrix(reader: Reader, node: Node, places: Places, rest: int) -> Any:
    """A matrix of a batch as a whole: what comes before its rows and columns is fixed."""
    (x, *_) = node.inputs
    batch = places[: len(places) - rest]
    return reader.array(x, batch[len(batch) - x.ndim + 2 :])


def _inv(reader: Reader, node: Node, places: Places) -> Term:
    return Entry("{#1}^{-1}", (_matrix(reader, node, places, 2),), places[-2:])


def _solve(reader: Reader, node: Node, places: Places) -> Term:
    a, b = node.inputs
    one = b.ndim == 1
    batch, row = (places[:-1], places[-1]) if one else (places[:-2], places[-2])
    leaf = reader.array(a, batch[len(batch) - a.ndim + 2 :])
    index = Index(a.shape[-1])
    k = along(index) if index.size != 1 else FIRST
    entry = Entry("{#1}^{-1}", (leaf,), (row, k))
    at = (k,) if one else aligned((*batch, k, places[-1]), b.shape)
    return summed(product(entry, reader.element(b, at)), [index] * (index.size != 1))


def _det(reader: Reader, node: Node, places: Places) -> Term:
    return Call(r"\det\left(#1\right)", 4, (0,), (_matrix(reader, node, places, 0),))


def _pick(reader: Reader, node: Node, places: Places) -> Term | None:
    (whole,), place = node.inputs, node.op.index  # type: ignore[attr-defined]
    if type(whole.op) is not linalg.Slogdet:
        return None
    tex = (r"\operatorname{sign}\left(\det\left(#1\right)\right)",
           r"\ln\left|\det\left(#1\right)\right|")[place]  # fmt: skip
    return Call(tex, 4, (0,), (_matrix(reader, whole, places, 0),))


def _cholesky(reader: Reader, node: Node, places: Places) -> Term:
    leaf = _matrix(reader, node, places, 2)
    return Entry(r"\operatorname{chol}\left(#1\right)", (leaf,), places[-2:])


RULES: dict[type, Rule] = {
    **POINTWISE, **MOVES,
    reduce.Sum: _sum, reduce.Mean: _mean, reduce.Norm: _norm, reduce.Logsumexp: _logsumexp,
    reduce.Max: _extreme("max"), reduce.Min: _extreme("min"), reduce.Prod: _extreme("prod"),
    reduce.Ask: _ask, running.CumulativeSum: _cumulative("sum"),
    running.CumulativeProd: _cumulative("prod"), family.SumTo: _sum_to,
    family.BroadcastTo: _broadcast, contract.Matmul: _matmul, contract.Einsum: _einsum,
    Linear: _linear, shares.Softmax: _shares, shares.LogSoftmax: _shares,
    linalg.Inv: _inv, linalg.Solve: _solve, linalg.Det: _det, linalg.Cholesky: _cholesky,
    Pick: _pick,
}  # fmt: skip
