"""Whole programs: loops and branches with bodies of their own, the table of weights, `draw`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .drawing import Draw
from .graphs import Given, Program
from .makers import (
    SIMPLE,
    cast,
    clip,
    contraction,
    elementwise,
    indexed,
    joined,
    looked_up,
    moved,
    power,
    product,
    reduction,
    reshape,
    running,
    shares,
    solved,
    stopped,
    triangles,
    turned,
)  # fmt: skip


def inner(d: Draw, values: list, count: int) -> Draw:
    """A program of its own on these values, grown by the ops that stand above."""
    body = Draw(int(d.rng.integers(2**31)), most=min(d.most, 600), wild=d.wild)
    for v in values:
        body.give(v)
    for _ in range(count):
        before = dict(body.nodes), dict(body.values)
        body.grow(SIMPLE, 1)
        if len(body.nodes) > len(before[0]) and any(
            isinstance(body.nodes[k], Given) for k in range(len(values), len(body.nodes))
        ):
            body.nodes, body.values = before  # it wanted an input of its own
    return body


def fitted(body: Draw, like: Any, avoid: int) -> int | None:
    """Some value of a body, made to have the shape and the dtype of `like`."""
    kinds = "fib"
    same = body.pick(kinds, lambda v: v.shape == like.shape and v.dtype == like.dtype)
    if like.dtype.kind == "f":
        if same is not None and same != avoid:
            return body.step("tanh", same)
        other = body.some("f")
        total = body.step("mean", other)
        total = None if total is None else body.step("astype", total, args=(like.dtype.name,))
        half = body.step("multiply", avoid, args=(0.5,))
        return None if total is None or half is None else body.step("add", half, total)
    return same if same is not None else avoid


def loop(d: Draw) -> int | None:
    """A scan with a body of its own."""
    length = d.number(1, 6) if d.chance(0.97) else 0
    carries = _picked(d, "fi", d.number(0, 2))
    rows = [_rows(d, length) for _ in range(d.number(0 if carries else 1, 2))]
    constants = _picked(d, "fb", 1)
    kept, read = ([np.asarray(d.values[k]) for k in of] for of in (carries, constants))
    firsts = [_row(d.values[r]) for r in rows]
    body = inner(d, [*kept, *firsts, *read], d.number(1, 6))
    after = [fitted(body, x, k) for k, x in enumerate(kept)]
    ys = [
        y for y in (body.pick() for _ in range(d.number(0 if carries else 1, 2))) if y is not None
    ]
    own = len(kept) + len(firsts) + len(read)
    if None in after or not (after or ys) or _asks(body, own):
        return None
    made = Program(body.nodes, (*after, *ys))
    scan = d.step("scan", *carries, *rows, *constants, args=(len(carries), len(rows)), body=made,
                  length=length, reverse=d.chance(0.3))  # fmt: skip
    if scan is not None:
        for k in range(len(after) + len(ys)):
            d.step("pick", scan, args=(k,))
    return scan


def _picked(d: Draw, kinds: str, count: int) -> list[int]:
    found = [d.pick(kinds, lambda v: np.size(v) <= 200) for _ in range(count)]
    return [k for k in found if k is not None]


def _rows(d: Draw, length: int) -> int:
    shape = (length, *d.shape(d.number(0, 2)))
    shape = shape if int(np.prod(shape)) <= 600 else (length, 3)
    return d.give(d.array(shape, d.one(("float32", "float64", "int64"))))


def _row(x: np.ndarray) -> np.ndarray:
    return np.asarray(x[0]) if len(x) else np.zeros(x.shape[1:], x.dtype)


def _asks(body: Draw, own: int) -> bool:
    """Whether a body has inputs beyond its first ones, that nobody would hand it."""
    return any(isinstance(n, Given) and k >= own for k, n in body.nodes.items())


def enclosed(d: Draw) -> int | None:
    """A part that is recomputed, or one of two branches."""
    xs = [d.some("f", lambda v: np.size(v) <= 300) for _ in range(d.number(1, 2))]
    body = inner(d, [np.asarray(d.values[x]) for x in xs], d.number(1, 5))
    out = body.pick("f")
    if out is None or _asks(body, len(xs)):
        return None
    made = Program(body.nodes, (out,))
    if d.chance(0.6):
        return d.step("checkpoint", *xs, body=made)
    asked = d.step("any", d.some("b"))
    return None if asked is None else d.step("cond", asked, *xs, body=made)


MAKERS = {
    elementwise: 11.0, power: 0.5, cast: 0.8, reduction: 3.5, running: 0.35, shares: 0.5, clip: 0.2,
    reshape: 1.0, turned: 1.2, looked_up: 1.8, joined: 0.9, moved: 2.2, triangles: 0.3,
    indexed: 0.6, product: 1.8, contraction: 0.9, solved: 0.15, stopped: 0.15, loop: 0.7,
    enclosed: 0.35,
}  # fmt: skip


def draw(seed: Any) -> Program:
    """A random program: the same for the same seed."""
    d = Draw(seed)
    if d.chance(0.12):
        d.most = 20_000
    order = d.one((0, 0, 0, 0, 0, 1, 1, 1, 2))
    d.give(d.array(d.shape(), d.one(("float32", "float64"))))
    d.grow(MAKERS, d.number(1, 5) if d.chance(0.3) else d.number(4, 25))
    return d.program(order)
