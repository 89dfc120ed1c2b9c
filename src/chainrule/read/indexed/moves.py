"""How ops that move elements find the element they read: arithmetic with indices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from ...graph.node import Node
from ...ops import family, index, move, slicing
from ...ops.family import axes_of
from ..keys import steps
from .places import FIRST, Index, Place, along, at, combined, floor, mod, value
from .reader import Places, Reader, aligned
from .terms import ONE, ZERO, Both, Indicator, Term, Test, choice, known, product, total


def _reshape(reader: Reader, node: Node, places: Places) -> Term:
    (x,) = node.inputs
    flat = combined(*zip(places, _strides(node.shape), strict=True))
    found = [
        mod(floor(flat, step), n) if k else floor(flat, step)
        for k, (n, step) in enumerate(zip(x.shape, _strides(x.shape), strict=True))
    ]
    return reader.element(x, aligned(found, x.shape))


def _strides(shape: Sequence[int]) -> list[int]:
    return [prod(shape[k + 1 :]) for k in range(len(shape))]


def _cast(reader: Reader, node: Node, places: Places) -> Term:
    """An answer among numbers is 1 or 0."""
    (x,) = node.inputs
    term = reader.element(x, places)
    answer = x.dtype.kind == "b" and node.dtype.kind != "b" and known(term) is None
    return Indicator(term) if answer else term


def _permute(reader: Reader, node: Node, places: Places) -> Term:
    found = dict(zip(node.op.axes, places, strict=True))  # type: ignore[attr-defined]
    return reader.element(node.inputs[0], tuple(found[k] for k in range(len(places))))


def _flip(reader: Reader, node: Node, places: Places) -> Term:
    axes = axes_of(node.op, node.op.axis, node.ndim)  # type: ignore[attr-defined]
    found = [
        combined((p, -1), shift=n - 1) if k in axes else p
        for k, (p, n) in enumerate(zip(places, node.shape, strict=True))
    ]
    return reader.element(node.inputs[0], tuple(found))


def _roll(reader: Reader, node: Node, places: Places) -> Term:
    op: Any = node.op
    axes = axes_of(op, op.axis, node.ndim)
    by = op.shift if isinstance(op.shift, tuple) else (op.shift,) * len(axes)
    found = list(places)
    for axis, shift in zip(axes, by, strict=True):
        found[axis] = mod(combined((found[axis], 1), shift=-shift), node.shape[axis])
    return reader.element(node.inputs[0], tuple(found))


def holds(sign: str, left: Place, right: Place) -> Term:
    """A relation of two places, as an answer where there is only one."""
    low, high = combined((left, 1), (right, -1)).limits
    certain = {
        r"\le": (high <= 0, low > 0), r"\ge": (low >= 0, high < 0),
        "=": (low == high == 0, low > 0 or high < 0),
    }[sign]  # fmt: skip
    return ONE if certain[0] else ZERO if certain[1] else Test(sign, left, right)


def both(tests: Sequence[Term]) -> Term:
    """All of these conditions at once."""
    if ZERO in tests:
        return ZERO
    open_ones = tuple(dict.fromkeys(t for t in tests if t != ONE))
    return ONE if not open_ones else open_ones[0] if len(open_ones) == 1 else Both(open_ones)


def within(condition: Term, make: Callable[[], Term], other: Term = ZERO) -> Term:
    """A term where a condition on places holds, another elsewhere."""
    if condition == ZERO:
        return other
    return make() if condition == ONE else choice([(make(), condition), (other, None)])


def _concat(reader: Reader, node: Node, places: Places) -> Term:
    (axis,) = axes_of(node.op, node.op.axis, node.ndim)  # type: ignore[attr-defined]
    rows: list[tuple[Term, Term | None]] = []
    start = 0
    for x in node.inputs:
        stop = start + x.shape[axis]
        here = both([holds(r"\ge", places[axis], at(start)),
                     holds(r"\le", places[axis], at(stop - 1))])  # fmt: skip
        if here != ZERO and stop > start:
            moved = list(places)
            moved[axis] = combined((places[axis], 1), shift=-start)
            condition = holds(r"\le", places[axis], at(stop - 1))
            rows.append((reader.element(x, aligned(moved, x.shape)), condition))
        start = stop
    if not rows:
        return ZERO
    last, _ = rows[-1]
    return choice([*rows[:-1], (last, None)])


def _pad(reader: Reader, node: Node, places: Places) -> Term:
    from .pointwise import parameter

    (x,), op = node.inputs, node.op
    moved = [combined((p, 1), shift=-a) for p, (a, _) in zip(places, op.widths, strict=True)]  # type: ignore[attr-defined]
    inside = []
    for p, n, (a, _) in zip(places, x.shape, op.widths, strict=True):  # type: ignore[attr-defined]
        inside += [holds(r"\ge", p, at(a)), holds(r"\le", p, at(a + n - 1))]
    value = parameter(op.value)  # type: ignore[attr-defined]
    return within(both(inside), lambda: reader.element(x, aligned(moved, x.shape)), value)


def _triangle(reader: Reader, node: Node, places: Places) -> Term:
    op: Any = node.op
    row, column = places[-2:]
    sign = r"\le" if op.lower else r"\ge"
    inside = holds(sign, column, combined((row, 1), shift=op.k))
    return within(inside, lambda: reader.element(node.inputs[0], places))


def _slice(reader: Reader, node: Node, places: Places) -> Term:
    (x,) = node.inputs
    parts = steps(node.op.key, x.shape)  # type: ignore[attr-defined]
    return _picked(reader, x, parts, iter(places))


def _unslice(reader: Reader, node: Node, places: Places) -> Term:
    (x,) = node.inputs
    asked, found, tests = iter(places), [], []
    for part in steps(node.op.key, node.shape):  # type: ignore[attr-defined]
        if part[0] == "new":
            found.append(FIRST)
            continue
        here = next(asked)
        if part[0] == "at":
            tests.append(holds("=", here, at(part[1])))
        else:
            inside, place = _inside(here, *part[1:])
            tests += inside
            found.append(place)
    return within(both(tests), lambda: reader.element(x, aligned(found, x.shape)))


def _inside(here: Place, start: int, step: int, count: int) -> tuple[list[Term], Place]:
    """Whether a place is one that a slice takes, and the how-manieth."""
    if count == 0:
        return [ZERO], FIRST
    if step < 0:
        tests, place = _inside(here, start + step * (count - 1), -step, count)
        return tests, combined((place, -1), shift=count - 1)
    last = start + step * (count - 1)
    tests = [holds(r"\ge", here, at(start)), holds(r"\le", here, at(last))]
    apart = combined((here, 1), shift=-start)
    if step == 1:
        return tests, apart
    left = mod(apart, step)
    tests.append(
        holds("=", left, FIRST) if left.number is not None
        else Test(r"\equiv", here, at(start), step)
    )  # fmt: skip
    return tests, floor(apart, step)


def _block(node_key: tuple, shape: Sequence[int], arrays: Sequence[Node]) -> tuple:
    """The parts of a key with arrays, their common shape, and where it stands in the value."""
    parts = steps(node_key, shape)
    common = np.broadcast_shapes(*(a.shape for a in arrays))
    places = [k for k, part in enumerate(parts) if part[0] in ("array", "at")]
    together = all(parts[k][0] in ("array", "at") for k in range(places[0], places[-1] + 1))
    first = sum(1 for part in parts[: places[0]] if part[0] in ("slice", "new"))
    return parts, common, first if together else 0


def _gather(reader: Reader, node: Node, places: Places) -> Term:
    x, *arrays = node.inputs
    parts, common, first = _block(node.op.key, x.shape, arrays)  # type: ignore[attr-defined]
    block = places[first : first + len(common)]
    rest = iter((*places[:first], *places[first + len(common) :]))
    return _picked(reader, x, parts, rest, arrays, block)


def _picked(
    reader: Reader, x: Node, parts: Sequence[tuple], rest: Iterator[Place],
    arrays: Sequence[Node] = (), block: Sequence[Place] = (),
) -> Term:  # fmt: skip
    """The element that a key picks; `block` are the places in its arrays, `rest` all others."""
    found = []
    for part in parts:
        if part[0] == "array":
            found.append(_read(reader, arrays[part[1]], block))
        elif part[0] == "at":
            found.append(at(part[1]))
        elif part[0] == "new":
            next(rest)
        else:
            found.append(combined((next(rest), part[2]), shift=part[1]))
    return reader.element(x, aligned(found, x.shape))


def _read(reader: Reader, array: Node, block: Sequence[Place]) -> Place:
    return value(reader.element(array, aligned(block, array.shape)))


def _scatter(reader: Reader, node: Node, places: Places) -> Term:
    """Σ over all that was added: the element where its index is this place."""
    x, *arrays = node.inputs
    parts, common, first = _block(node.op.key, node.shape, arrays)  # type: ignore[attr-defined]
    new = {k: Index(n) for k, n in enumerate(common) if n != 1}
    block = tuple(along(new[k]) if k in new else FIRST for k in range(len(common)))
    asked, found, tests = iter(zip(places, node.shape, strict=True)), [], []
    for part in parts:
        if part[0] == "new":
            found.append(FIRST)
            continue
        here, n = next(asked)
        if part[0] == "array":
            if n > 1:
                tests.append(Test(r"\equiv", _read(reader, arrays[part[1]], block), here, n))
        elif part[0] == "at":
            tests.append(holds("=", here, at(part[1])))
        else:
            inside, place = _inside(here, *part[1:])
            tests += inside
            found.append(place)
    condition = both(tests)
    if condition == ZERO:
        return ZERO
    found[first:first] = block
    body = reader.element(x, aligned(found, x.shape))
    body = body if condition == ONE else product(Indicator(condition), body)
    for k in reversed(new):
        body = total("sum", new[k], body)
    return body


MOVES: dict[type, Callable[[Reader, Node, Places], Term | None]] = {
    family.Reshape: _reshape, family.Cast: _cast, move.Permute: _permute, move.Flip: _flip,
    move.Roll: _roll, move.Concat: _concat, move.Pad: _pad, move.Triangle: _triangle,
    slicing.Slice: _slice, slicing.Unslice: _unslice, index.Gather: _gather,
    index.Scatter: _scatter,
}  # fmt: skip
