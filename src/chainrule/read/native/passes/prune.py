"""Prune: scans without what nobody reads, what does not change, and what is one number.

Data in: a scan as `Parts`. Data out: the same values, of those that are read, with fewer carries,
xs, constants and ys. To a scan what dead code elimination and constant propagation are to a graph.
"""

from __future__ import annotations

from ....graph.node import Constant, Node
from ....graph.walk import Graph, order
from ....ops.family import BroadcastTo, broadcast_to
from .levels import Counted
from .scans import Handed, Parts, scans


def prune(graph: Graph) -> Counted:
    """Every scan with fewer operands and values: the same ones that are read."""
    total, count = 0, 1
    while count:  # what a later scan no longer reads, an earlier one need not make
        graph, count = scans(graph, _prune)
        total += count
    return graph, total


def _prune(parts: Parts) -> int:
    count = _unread_ys(parts)
    while True:
        done = _still(parts) + _twins(parts) + _numbers(parts) + _unread_carries(parts)
        count += done
        if not done:
            return count + _unread_operands(parts)


def _unread_ys(parts: Parts) -> int:
    """A y that nobody reads is not stacked."""
    dead = [
        k for k, origin in enumerate(parts.origins)
        if parts.op.carries + origin not in parts.used
    ]  # fmt: skip
    for k in reversed(dead):
        parts.drop_y(k)
    return len(dead)


def _unread_carries(parts: Parts) -> int:
    """A carry that is read only to make itself goes."""
    live = {c for c in parts.carries if parts.used & {parts.last(c), parts.start(c)}}
    reached: set[Node] = set()
    while True:
        reached = set(order([*parts.ys, *(c.after for c in live)]))
        more = {c for c in parts.carries if c not in live and c.inside in reached}
        if not more:
            break
        live |= more
    dead = [c for c in parts.carries if c not in live]
    parts.carries = [c for c in parts.carries if c in live]
    return len(dead)


def _still(parts: Parts) -> int:
    """A carry that every step hands on unchanged is a constant."""
    still = [c for c in parts.carries if c.after is c.inside]
    for carry in still:
        parts.carries.remove(carry)
        parts.constants.append(Handed(carry.inside, carry.outside))
        rows = (parts.op.length, *carry.outside.shape)
        parts.given[parts.last(carry)] = lambda v=carry.outside: v
        parts.given[parts.start(carry)] = lambda v=carry.outside, r=rows: broadcast_to(v, r)
    return len(still)


def _twins(parts: Parts) -> int:
    """What is handed in twice is handed in once."""
    swap: dict[Node, Node] = {}
    for group in (parts.xs, parts.constants):
        first: dict[Node, Handed] = {}
        for x in list(group):
            if first.setdefault(x.outside, x) is not x:
                swap[x.inside] = first[x.outside].inside
                group.remove(x)
    if swap:
        parts.swap(swap)
    return len(swap)


def _numbers(parts: Parts) -> int:
    """Rows that are all alike are constants; a number goes into the body."""
    swap: dict[Node, Node] = {}
    count = 0
    for x in list(parts.xs):
        row = _same_row(x.outside, x.inside.shape)
        if row is not None:
            parts.xs.remove(x)
            parts.constants.append(Handed(x.inside, row))
            count += 1
    for x in list(parts.constants):
        number = x.outside
        while isinstance(number.op, BroadcastTo):
            number = number.inputs[0]
        if isinstance(number.op, Constant):
            swap[x.inside] = broadcast_to(number, x.inside.shape)
            parts.constants.remove(x)
    if swap:
        parts.swap(swap)
    return count + len(swap)


def _same_row(x: Node, shape: tuple[int, ...]) -> Node | None:
    """What every row of `x` is, if that can be seen."""
    if not isinstance(x.op, BroadcastTo):
        return None
    inner = x.inputs[0]
    return broadcast_to(inner, shape) if inner.ndim < x.ndim else None


def _unread_operands(parts: Parts) -> int:
    """What the body does not read it is not handed."""
    reached = set(order(parts.outputs))
    count = len(parts.xs) + len(parts.constants)
    parts.xs = [x for x in parts.xs if x.inside in reached]
    parts.constants = [x for x in parts.constants if x.inside in reached]
    return count - len(parts.xs) - len(parts.constants)
