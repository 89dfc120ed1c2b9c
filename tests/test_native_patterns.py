"""Every pass, on random functions that are drawn so that it must find something to do.

A pattern that a pass is for is planted among drawn ops, of drawn shapes and dtypes: the pass must
count it, and leave the numbers as they are without it.
"""

from itertools import pairwise

import numpy as np
import pytest

import chainrule as cr
from chainrule.read.native.pipeline import SWITCHES

pytest.importorskip("llvmlite")
SEEDS = range(6)
BOUNDS = {"float64": (1e-10, 1e-12), "float32": (1e-4, 1e-4)}
CURVES = (cr.tanh, cr.sin, cr.cos, cr.sigmoid, cr.softplus, lambda x: x * 0.7 + 0.1, cr.abs, cr.erf)


class Drawn:
    """The dice of one function: sizes, ops, numbers."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.dtype = ("float64", "float32")[seed % 2]
        self.first = [self.one(CURVES) for _ in range(self.number(0, 3))]
        self.last = [self.one(CURVES) for _ in range(self.number(0, 3))]

    def number(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def one(self, of):
        return of[self.number(0, len(of) - 1)]

    def array(self, *shape):
        return (self.rng.normal(size=shape) / 2).astype(self.dtype)

    def shape(self, least=1):
        return [self.number(least, 9) for _ in range(self.number(1, 3))]

    def before(self, x):
        for f in self.first:
            x = f(x)
        return x

    def after(self, x):
        for f in self.last:
            x = f(x)
        return x

    def among(self, pattern):
        """The pattern, with the drawn ops before and after it."""
        return lambda x, *more: self.after(pattern(self.before(x), *more))


NOISE = (
    lambda x: x * 1.0, lambda x: x + 0.0, lambda x: cr.negative(-x), lambda x: x * -1.0,
    lambda x: x / 1.0, lambda x: x - 0.0, lambda x: x * x, lambda x: x + (-cr.exp(x)),
    lambda x: x - (-cr.exp(x)), lambda x: (-x) * cr.exp(x), lambda x: cr.pow(x, 1.0),
)  # fmt: skip
MOVES = (
    lambda x: cr.permute_dims(cr.permute_dims(x, (1, 0)), (1, 0)),
    lambda x: cr.reshape(cr.reshape(x, (-1,)), x.shape[::-1]),
    lambda x: cr.concat([x[:1], x[1:]], axis=0),
    lambda x: cr.grad(lambda y: cr.sum(cr.sin(y[:, :1])) + cr.sum(cr.exp(y[:, 1:])))(x),
)
COMPOSITE = (
    lambda x: cr.softmax(x, axis=-1), cr.mean, cr.var, cr.logsumexp,
    cr.norm,
)  # fmt: skip


def simplified(d):
    return d.among(d.one(NOISE)), [d.array(*d.shape())]


def tidied(d):
    return d.among(d.one(MOVES)), [d.array(d.number(2, 6), d.number(2, 6))]


def expanded(d):
    return d.among(d.one(COMPOSITE)), [d.array(*d.shape())]


def shared(d):
    def twice(x, y):
        return cr.sin(x * y + 0.5) * cr.cos(y * x + 0.5)

    shape = d.shape()
    return d.among(twice), [d.array(*shape), d.array(*shape)]


def scanned(d, body, more=(), **settings):
    """A scan with that body between the drawn ops; the carry is 3 numbers, or rows of them."""
    steps, rows = d.number(2, 7), d.number(1, 4)

    def f(x, start, *constants):
        step = lambda c, v: body(c, v, *constants)  # noqa: E731
        return cr.scan(step, start, x, reverse=bool(d.number(0, 1) and not settings))

    def both(x, start, *constants):
        last, ys = f(d.before(x), start, *constants)
        return d.after(cr.tree_leaves(last)[0]), cr.tree_leaves(ys)

    return both, [d.array(steps, rows, 3), d.array(rows, 3), *more]


def pruned(d):
    def body(c, v):
        now, unread, still = c
        return (cr.tanh(now + v * still), unread + v, still), now

    f, (x, start) = scanned(d, body, way=0)
    return (lambda x, start: f(x, (start, start * 2.0, start * 0.5))), [x, start]


def hoisted(d):
    return scanned(d, lambda c, v, w: ((cr.tanh(c + v @ w)), c), [d.array(3, 3)], way=0)


def loss_of(d):
    """The gradients of a recurrent network's weights."""

    def loss(w, x, start):
        step = lambda h, v: (cr.tanh(h @ w["own"] + v @ w["in"]),) * 2  # noqa: E731
        return cr.sum(d.after(cr.scan(step, start, d.before(x))[1]))

    w = {"own": d.array(3, 3), "in": d.array(3, 3)}
    steps, rows = d.number(2, 7), d.number(1, 4)
    return cr.grad(loss), [w, d.array(steps, rows, 3), d.array(rows, 3)]


def layers(d, depth):
    sizes = [d.number(2, 9) for _ in range(depth + 1)]
    return [d.array(a, b) for a, b in pairwise(sizes)], sizes[0]


def trained(d):
    """A training step: the first gradients it makes could come last."""
    ws, inputs = layers(d, d.number(3, 5))
    curve = d.one(CURVES[:4])

    def step(ws, x):
        def loss(ws):
            h = x
            for w in ws:
                h = curve(h @ w)
            return cr.mean(h * h)

        return [w - 0.1 * g for w, g in zip(ws, cr.grad(loss)(ws), strict=True)]

    return step, [ws, d.array(d.number(2, 9), inputs)]


def fused(d):
    return d.among(lambda x: cr.sum(cr.exp(cr.sin(x)) * x)), [d.array(*d.shape())]


def placed(d):
    ws, inputs = layers(d, d.number(4, 6))

    def chain(x, *ws):
        for w in ws:
            x = cr.sin(x @ w)
        return x

    return d.among(chain), [d.array(d.number(2, 9), inputs), *ws]


def parted(d):
    rows, wide = 16 * d.number(1, 2), 4 * d.number(1, 4)
    step = lambda c, v, w: (d.after(cr.tanh(c @ w + v)), c)  # noqa: E731
    f = lambda w, c, x: cr.scan(lambda c, v: step(c, v, w), c, x)  # noqa: E731
    return f, [d.array(wide, wide) / wide, d.array(rows, wide), d.array(9, rows, wide)]


def laid(d):
    rows, wide = d.number(3, 9), d.number(150, 200)
    f = lambda w, c, x: cr.scan(lambda c, v: (cr.tanh(c @ w + v), c), c, x)  # noqa: E731
    return f, [d.array(wide, wide) / wide, d.array(rows, wide), d.array(6, rows, wide)]


PATTERNS = {
    "keep": loss_of, "expand": expanded, "prune": pruned, "simplify": simplified, "tidy": tidied,
    "share": shared, "hoist": hoisted, "sink": loss_of, "schedule": trained, "fuse": fused,
    "place": placed, "split": parted, "panels": laid, "emit": expanded,
}  # fmt: skip


def test_there_is_a_pattern_for_every_pass():
    assert set(PATTERNS) == set(SWITCHES)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", PATTERNS)
def test_a_pass_finds_what_was_planted_for_it_and_changes_no_number(name, seed, monkeypatch):
    monkeypatch.setattr("chainrule.read.native.plan.scanned.WORTH_PARTS", 0)
    drawn = Drawn(seed)
    f, given = PATTERNS[name](drawn)
    on = cr.compile(f, threads=2)
    found = on(*given)
    counts = next(iter(on.versions.values())).run.counts
    assert counts[name] > 0
    same(found, f(*given), drawn.dtype)
    off = cr.compile(f, threads=2, without=name)
    same(off(*given), found, drawn.dtype)
    assert next(iter(off.versions.values())).run.counts.get(name, 0) == 0


def same(found, wanted, dtype):
    rtol, atol = BOUNDS[dtype]
    for a, b in zip(cr.tree_leaves(found), cr.tree_leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
