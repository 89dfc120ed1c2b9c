"""Sink: sums over the steps of a scan, and products nothing in it reads, after the loop.

Data in: a scan as `Parts`. Data out: the same with a carry or a product less; what these were made
of is stacked over the steps, and one op after the loop does the rest:

    for t:  d = d + h[t].T @ g[t]           after the loop:  d = d + H.T @ G
            y[t] = g[t] @ w                                  y = G @ w
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod

from ....graph.node import Node
from ....graph.walk import Graph
from ....ops import contract, move, reduce
from ....ops.elementwise import add, multiply, negative, subtract
from ....ops.family import Reshape, SumTo, axes_of, reshape
from ...simplify import number
from .hoist import FIXED, NUMBER, depends_on, readers
from .levels import Counted
from .scans import Carry, Parts, scans

Later = Callable[[], Node]


def sink(graph: Graph) -> Counted:
    """A weight's gradient is one product over the stacked steps, not a sum of one a step."""
    return scans(graph, lambda parts: _products(parts) + _sums(parts))


def _sums(parts: Parts) -> int:
    """Carries that only add up: c + d, where d can be summed over all steps at once."""
    count = 0
    for carry in list(parts.carries):
        terms = _terms(carry.after, carry.inside, readers(parts))
        if terms is None or parts.start(carry) in parts.used or carry.after is carry.inside:
            continue
        totals = [_total(parts, t) for t in terms]
        if any(t is None for t in totals):
            continue
        parts.carries.remove(carry)
        parts.given[parts.last(carry)] = _summed(carry, totals)
        count += 1
    return count


def _summed(carry: Carry, totals: list) -> Later:
    def value() -> Node:
        found = None if number(carry.outside) == 0.0 else carry.outside
        for total in totals:
            found = total() if found is None else add(found, total())
        return carry.outside if found is None else found

    return value


def _terms(after: Node, inside: Node, readers: dict[Node, int]) -> list[Node] | None:
    """What is added to the carry; None if it is not a sum with the carry once in it."""
    if readers.get(inside, 0) != 1:
        return None
    if after is inside:
        return []
    if after.op != add or readers.get(after, 0) != 1 or after.spec != inside.spec:
        return None
    for k in (0, 1):
        rest = _terms(after.inputs[k], inside, readers)
        if rest is not None:
            return [*rest, after.inputs[1 - k]]
    return None


def _total(parts: Parts, node: Node) -> Later | None:
    """The sum of a node of the body over all steps, if it is best made at once."""
    op, steps = node.op, parts.op.length
    rule = TOTALS.get(type(op))
    return None if rule is None else rule(parts, node, op, steps)


def _of_sum_to(parts: Parts, node: Node, op: SumTo, steps: int) -> Later | None:
    rows = parts.collect(node.inputs[0])
    return lambda: SumTo.of(op.to)(rows())


def _of_sum(parts: Parts, node: Node, op: reduce.Sum, steps: int) -> Later | None:
    rows = parts.collect(node.inputs[0])
    axes = axes_of(op, op.axis, node.inputs[0].ndim)
    return lambda: reshape(reduce.Sum.of((0, *(a + 1 for a in axes)), False)(rows()), node.shape)


def _of_product(parts: Parts, node: Node, op: contract.Matmul, steps: int) -> Later | None:
    """Σₜ AₜBₜ is one product: the A side by side, the B below each other."""
    a, b = node.inputs
    most = depends_on(parts)
    if a.ndim != 2 or b.ndim != 2 or min(most[a], most[b]) <= FIXED:
        return None
    turned = isinstance(a.op, move.Permute)
    left, right = parts.collect(a.inputs[0] if turned else a), parts.collect(b)

    def value() -> Node:
        side = left() if turned else move.permute_dims(left(), (0, 2, 1))
        return contract.matmul(move.transpose(_flat(side)), _flat(right()))

    return value


def _flat(x: Node) -> Node:
    """The rows of all steps below each other."""
    return reshape(x, (prod(x.shape[:-1]), x.shape[-1]))


def _around(parts: Parts, node: Node, op: object, steps: int) -> Later | None:
    inner = _total(parts, node.inputs[0])
    return None if inner is None else lambda: op(inner())  # type: ignore[operator]


def _of_times(parts: Parts, node: Node, op: object, steps: int) -> Later | None:
    for k in (0, 1):
        if number(node.inputs[k]) is not None:
            inner = _total(parts, node.inputs[1 - k])
            return None if inner is None else partial(_times, node.inputs[k], inner)
    return None


def _times(k: Node, inner: Later) -> Node:
    return multiply(k, inner())


def _of_both(parts: Parts, node: Node, op: object, steps: int) -> Later | None:
    if any(i.shape != node.shape for i in node.inputs):
        return None
    a, b = (_total(parts, i) for i in node.inputs)
    return None if a is None or b is None else lambda: op(a(), b())  # type: ignore[operator]


TOTALS = {
    SumTo: _of_sum_to, reduce.Sum: _of_sum, contract.Matmul: _of_product, move.Permute: _around,
    Reshape: _around, type(negative): _around, type(multiply): _of_times, type(add): _of_both,
    type(subtract): _of_both,
}  # fmt: skip


def _products(parts: Parts) -> int:
    """A y that is a product with a constant: what it is a product of is stacked instead."""
    most, count = depends_on(parts), readers(parts)
    fixed = {k.inside: k.outside for k in parts.constants}
    found = []
    for k, (y, origin) in enumerate(zip(parts.ys, parts.origins, strict=True)):
        if type(y.op) is not contract.Matmul or count[y] != 1 or origin < 0:
            continue
        a, b = y.inputs
        if a.ndim == 2 and b in fixed and most[a] > NUMBER:
            found.append((k, origin, y, a, fixed[b]))
    for k, *_ in reversed(found):
        parts.drop_y(k)
    for _, origin, y, a, b in found:
        rows = parts.collect(a)
        parts.given[parts.op.carries + origin] = lambda rows=rows, y=y, b=b: reshape(
            contract.matmul(_flat(rows()), b), (parts.op.length, *y.shape)
        )
    return len(found)
