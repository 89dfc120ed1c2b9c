"""Ops with a body: scan, cond and call. A loop stays a loop, and its gradient is a loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.chain import pull, push
from ..graph.errors import ShapeError
from ..graph.node import Input, Node, Pick
from ..graph.op import Op, Spec
from ..graph.walk import Graph, capture
from .family import zeros_like


def _float(specs: Sequence[Any]) -> list[int]:
    """The places whose values gradients can flow through."""
    return [k for k, s in enumerate(specs) if s.dtype.kind == "f"]


def _inputs_like(specs: Sequence[Spec]) -> list[Node]:
    return [Node(Input(Spec(tuple(s.shape), np.dtype(s.dtype)))) for s in specs]


def vjp_graph(graph: Graph) -> tuple[Graph, list]:
    """The graph (inputs, upstream of the float outputs) → downstream of the float inputs."""
    return graph.remember("vjp", _vjp_graph)


def _vjp_graph(graph: Graph) -> tuple[Graph, list]:
    outs, ins = _float(graph.outputs), _float(graph.inputs)
    upstream = _inputs_like([graph.outputs[k].spec for k in outs])

    def backward(*nodes: Node) -> list[Any]:
        seeds: dict = {}
        for k, g in zip(outs, upstream, strict=True):  # a node may be two of the outputs
            node = graph.outputs[k]
            seeds[node] = seeds[node] + g if node in seeds else g
        wrt = [graph.inputs[k] for k in ins]
        found = pull(graph.order, seeds, wrt)
        return [found[x] if x in found else zeros_like(x) for x in wrt]

    return capture(backward, [*graph.inputs, *upstream])


def jvp_graph(graph: Graph) -> tuple[Graph, list]:
    """The graph (inputs, tangents of the float inputs) → tangents of the float outputs."""
    return graph.remember("jvp", _jvp_graph)


def _jvp_graph(graph: Graph) -> tuple[Graph, list]:
    outs, ins = _float(graph.outputs), _float(graph.inputs)
    tangents = _inputs_like([graph.inputs[k].spec for k in ins])

    def forward(*nodes: Node) -> list[Any]:
        given = {graph.inputs[k]: t for k, t in zip(ins, tangents, strict=True)}
        made = push(graph.order, given)
        wanted = [graph.outputs[k] for k in outs]
        return [made[y] if y in made else zeros_like(y) for y in wanted]

    return capture(forward, [*graph.inputs, *tangents])


@dataclass(frozen=True, eq=False)
class Call(Op):
    """A body applied once. Only its operands are kept: the gradient computes the body anew."""

    body: Graph

    latex = r"\operatorname{body}\left(#1\right)"
    words = "computes the body again, and sends the gradient through it"
    source = "Chen et al. 2016, arXiv:1604.06174 (checkpointing)"

    def forward(self, xp, *xs):
        return tuple(self.body.run(xs, xp))

    def spec(self, *xs):
        return tuple(y.spec for y in self.body.outputs)

    def grad(self, g, y, *xs):
        back, outside = vjp_graph(self.body)
        seeds = _seeds(g, self.body.outputs)
        return _placed(Call(back)(*xs, *seeds, *outside), self.body.inputs)

    def push(self, ts, y, xs):
        fore, outside = jvp_graph(self.body)
        made = Call(fore)(*xs, *_tangents(ts, xs, self.body.inputs), *outside)
        return _placed(made, self.body.outputs)


@dataclass(frozen=True, eq=False)
class Cond(Op):
    """The first body if the first operand is true, otherwise the second."""

    then: Graph
    other: Graph

    latex = r"\operatorname{cond}\left(#1, #2\right)"
    words = "sends the gradient through the body that was taken"
    source = "as jax.lax.cond"
    conditions = 1

    def forward(self, xp, c, *xs):
        return tuple((self.then if c else self.other).run(xs, xp))

    def spec(self, c, *xs):
        return tuple(y.spec for y in self.then.outputs)

    def grad(self, g, y, c, *xs):
        (then, a), (other, b) = vjp_graph(self.then), vjp_graph(self.other)
        seeds = _seeds(g, self.then.outputs)
        down = Cond(*_same_inputs(then, other, len(a)))(c, *xs, *seeds, *a, *b)
        return (None, *_placed(down, self.then.inputs))

    def push(self, ts, y, xs):
        (then, a), (other, b) = jvp_graph(self.then), jvp_graph(self.other)
        c, *rest = xs
        tangents = _tangents(ts[1:], rest, self.then.inputs)
        made = Cond(*_same_inputs(then, other, len(a)))(c, *rest, *tangents, *a, *b)
        return _placed(made, self.then.outputs)


def _same_inputs(then: Graph, other: Graph, only_then: int) -> tuple[Graph, Graph]:
    """Two graphs with the same list of inputs: shared ones, then's own, then the other's own."""
    shared = len(then.inputs) - only_then
    fresh = _inputs_like([i.spec for i in (*then.inputs, *other.inputs[shared:])])
    both = tuple(fresh)
    theirs = (*fresh[:shared], *fresh[len(then.inputs) :])
    return Graph(both, then.over(both).outputs), Graph(both, other.over(theirs).outputs)


@dataclass(frozen=True, eq=False)
class Scan(Op):
    """A body applied `length` times, handing on a carry.

    Body: (carry…, x…, constant…) → (carry…, y…). Operands: the first carries, the xs with a
    leading axis of `length`, the constants. Values: the last carries, the stacked ys, and the
    stacked carries each step began with, which the gradient starts again from.
    """

    body: Graph
    carries: int
    xs: int
    length: int
    reverse: bool = False

    latex = r"\operatorname{scan}\left(#1\right)"
    words = "walks back through the steps, handing the carry's gradient from each to the one before"
    source = "as jax.lax.scan; Werbos 1990 (backpropagation through time)"

    @property
    def steps(self) -> range:
        """The steps in the order they are taken."""
        return range(self.length)[:: -1 if self.reverse else 1]

    def forward(self, xp, *xs):
        carry, ins = list(xs[: self.carries]), xs[self.carries : self.carries + self.xs]
        constants = xs[self.carries + self.xs :]
        stacked = [xp.empty(s.shape, s.dtype) for s in self.spec()[self.carries :]]
        for t in self.steps:
            before = carry
            made = self.body.run([*carry, *(x[t] for x in ins), *constants], xp)
            carry = made[: self.carries]
            for row, value in zip(stacked, [*made[self.carries :], *before], strict=True):
                row[t] = value
        return (*carry, *stacked)

    def spec(self, *xs):
        for x in xs[self.carries : self.carries + self.xs]:
            if x.shape[:1] != (self.length,):
                raise ShapeError(f"scan: {self.length} steps over an array of shape {x.shape}")
        carries = [y.spec for y in self.body.outputs[: self.carries]]
        ys = [y.spec for y in self.body.outputs[self.carries :]]
        return (*carries, *(Spec((self.length, *s.shape), s.dtype) for s in (*ys, *carries)))

    def grad(self, g, y, *xs):
        return _scan_grad(self, g, y, xs)

    def push(self, ts, y, xs):
        return _scan_push(self, ts, xs)


def _scan_grad(op: Scan, g: Any, y: Any, operands: tuple) -> tuple:
    body, c, n = op.body, op.carries, op.xs
    ins = _float(body.inputs)
    carried = [k for k in ins if k < c]
    read = [k for k in ins if c <= k < c + n]
    constant = [k for k in ins if k >= c + n]
    outs = _float(body.outputs)
    back, outside = vjp_graph(body)
    specs = op.spec(*operands)
    g = [zeros_like(s) if d is None else d for d, s in zip(g, specs, strict=True)]
    of_carry = [g[k] for k in carried]
    of_ys = [g[k] for k in outs if k >= c]
    of_starts = [g[len(body.outputs) + k] for k in carried]
    starts = [Pick.of(len(body.outputs) + k)(y) for k in range(c)]
    read_xs = list(operands[c : c + n])
    fixed = [*operands[c + n :], *outside]
    zeros = [zeros_like(operands[k]) for k in constant]

    def step(*values: Any) -> list[Any]:
        take = _Take(values)
        gc, gk = take(len(carried)), take(len(constant))
        x, start, gy, gs = take(n), take(c), take(len(of_ys)), take(len(of_starts))
        k = take(len(fixed))
        own, extra = k[: len(fixed) - len(outside)], k[len(fixed) - len(outside) :]
        downs = back.replay([*start, *x, *own, *gc, *gy, *extra])
        d = _Take(downs)
        dc, dx, dk = d(len(carried)), d(len(read)), d(len(constant))
        return [*_add(dc, gs), *_add(gk, dk), *dx]

    arguments = [*of_carry, *zeros, *read_xs, *starts, *of_ys, *of_starts, *fixed]
    moved = len(read_xs) + c + len(of_ys) + len(of_starts)
    made = scan_flat(
        step, arguments, len(carried) + len(constant), moved, op.length, not op.reverse
    )
    take = _Take(made)
    values = [*take(len(carried)), *take(len(constant)), *take(len(read))]
    downs: list = [None] * len(operands)
    for k, d in zip([*carried, *constant, *read], values, strict=True):
        downs[k] = d
    return tuple(downs)


def _scan_push(op: Scan, ts: list, operands: list) -> tuple:
    body, c, n = op.body, op.carries, op.xs
    fore, outside = jvp_graph(body)
    ins, outs = _float(body.inputs), _float(body.outputs)
    tangents = {k: zeros_like(operands[k]) if ts[k] is None else ts[k] for k in ins}
    carried = [k for k in ins if k < c]
    read = [k for k in ins if c <= k < c + n]
    constant = [k for k in ins if k >= c + n]
    fixed = [*operands[c + n :], *(tangents[k] for k in constant), *outside]

    def step(*values: Any) -> list[Any]:
        take = _Take(values)
        carry, tc, x, tx = take(c), take(len(carried)), take(n), take(len(read))
        k = take(len(fixed))
        own, rest = k[: len(operands) - c - n], k[len(operands) - c - n :]
        tk, extra = rest[: len(constant)], rest[len(constant) :]
        made = body.replay([*carry, *x, *own])
        moved = fore.replay([*carry, *x, *own, *tc, *tx, *tk, *extra])
        d = dict(zip(outs, moved, strict=True))
        next_tc = [d[j] if j in d else zeros_like(made[j]) for j in carried]
        return [*made[:c], *next_tc, *(d[j] for j in outs if j >= c), *tc]

    arguments = [
        *operands[:c], *(tangents[k] for k in carried),
        *operands[c : c + n], *(tangents[k] for k in read), *fixed,
    ]  # fmt: skip
    made = scan_flat(step, arguments, c + len(carried), n + len(read), op.length, op.reverse)
    result: list = [None] * len(op.spec(*operands))
    take = _Take(made[c:])
    for k, d in zip(carried, take(len(carried)), strict=True):
        result[k] = d
    ys = [j for j in outs if j >= c]
    for k, d in zip(ys, take(len(ys)), strict=True):
        result[k] = d
    for k, d in zip(carried, take(len(carried)), strict=True):
        result[len(body.outputs) + k] = d
    return tuple(result)


class _Take:
    """Hands out the next so many of a list."""

    def __init__(self, values: Sequence[Any]):
        self.values, self.at = values, 0

    def __call__(self, count: int) -> list[Any]:
        self.at += count
        return list(self.values[self.at - count : self.at])


def _add(a: list, b: list) -> list:
    return [x + y for x, y in zip(a, b, strict=True)]


def scan_flat(
    step: Callable[..., Sequence[Any]], operands: Sequence[Any], carries: int, xs: int,
    length: int, reverse: bool = False,
) -> tuple:  # fmt: skip
    """Scan `step` over flat lists of operands; gives the last carries and the stacked ys."""
    specs = [Spec(tuple(v.shape), np.dtype(v.dtype)) for v in operands]
    for k in range(carries, carries + xs):
        specs[k] = Spec(specs[k].shape[1:], specs[k].dtype)
    body, outside = capture(step, _inputs_like(specs))
    op = Scan(body, carries, xs, length, reverse)
    return op(*operands, *outside)[: len(body.outputs)]


def call_flat(f: Callable[..., Sequence[Any]], operands: Sequence[Any]) -> tuple:
    """Apply `f` as one op, whose inside is computed again for the gradient."""
    body, outside = capture(f, _inputs_like(operands))
    return Call(body)(*operands, *outside)


def cond_flat(c: Any, then: Callable, other: Callable, operands: Sequence[Any]) -> tuple:
    """One of two functions of the same operands, as one op."""
    (first, a), (second, b) = (capture(f, _inputs_like(operands)) for f in (then, other))
    one, two = ([y.spec for y in g.outputs] for g in (first, second))
    if one != two:
        said = (", ".join(f"{s.dtype} {s.shape}" for s in specs) for specs in (one, two))
        raise ShapeError("cond: the branches return {} and {}; they must agree".format(*said))
    return Cond(*_same_inputs(first, second, len(a)))(c, *operands, *a, *b)


def _seeds(g: Sequence[Any], outputs: Sequence[Node]) -> list[Any]:
    return [zeros_like(outputs[k]) if g[k] is None else g[k] for k in _float(outputs)]


def _tangents(ts: Sequence[Any], xs: Sequence[Any], inputs: Sequence[Node]) -> list[Any]:
    return [zeros_like(xs[k]) if ts[k] is None else ts[k] for k in _float(inputs)]


def _placed(values: Sequence[Any], among: Sequence[Node]) -> tuple:
    """The values of the float places, and None elsewhere."""
    found = iter(values)
    return tuple(next(found) if n.dtype.kind == "f" else None for n in among)
