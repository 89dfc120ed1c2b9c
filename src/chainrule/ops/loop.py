"""Ops with a body that is applied once: cond and call; and the gradient of a body, as a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.chain import pull, push
from ..graph.coerce import DEFAULT
from ..graph.errors import ShapeError
from ..graph.node import Input, Node
from ..graph.op import Op, Spec
from ..graph.walk import Graph, capture
from .family import zeros_like


def float_places(specs: Sequence[Any]) -> list[int]:
    """The places whose values gradients can flow through."""
    return [k for k, s in enumerate(specs) if s.dtype.kind == "f"]


def inputs_like(specs: Sequence[Any]) -> list[Node]:
    """Fresh inputs of these shapes and dtypes; what is weak stays so, and Python's numbers are."""
    return [
        Node(
            Input(Spec((), DEFAULT[type(s)]), "", True) if type(s) in (int, float) else
            Input(Spec(tuple(s.shape), np.dtype(s.dtype)), "", getattr(s, "weak", False))
        )
        for s in specs
    ]  # fmt: skip


def settled(operands: Sequence[Any]) -> list[Any]:
    """The operands of a body, Python's numbers as arrays; the body has weak inputs for them."""
    return [np.asarray(x, DEFAULT[type(x)]) if type(x) in (int, float) else x for x in operands]


def vjp_graph(graph: Graph) -> tuple[Graph, list]:
    """The graph (inputs, upstream of the float outputs) → downstream of the float inputs."""
    return graph.remember("vjp", _vjp_graph)


def _vjp_graph(graph: Graph) -> tuple[Graph, list]:
    outs, ins = float_places(graph.outputs), float_places(graph.inputs)
    upstream = inputs_like([graph.outputs[k].spec for k in outs])

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
    outs, ins = float_places(graph.outputs), float_places(graph.inputs)
    tangents = inputs_like([graph.inputs[k].spec for k in ins])

    def forward(*nodes: Node) -> list[Any]:
        given = {graph.inputs[k]: t for k, t in zip(ins, tangents, strict=True)}
        made = push(graph.order, given)
        wanted = [graph.outputs[k] for k in outs]
        return [made[y] if y in made else zeros_like(y) for y in wanted]

    return capture(forward, [*graph.inputs, *tangents])


@dataclass(frozen=True, eq=False)
class Call(Op):
    """A body applied once. Only its operands are kept: the gradient computes the body anew.

    Of the first `anew` operands the body computes what was computed before.
    """

    body: Graph
    anew: int = 0

    latex = r"\operatorname{body}\left(#1\right)"
    words = "computes the body again, and sends the gradient through it"
    source = "Chen et al. 2016, arXiv:1604.06174 (checkpointing)"
    bodies = True

    def forward(self, xp, *xs):
        return tuple(self.body.run(xs, xp))

    def gives_weak(self, index):
        return self.body.outputs[index].weak

    def spec(self, *xs):
        return tuple(y.spec for y in self.body.outputs)

    def grad(self, g, y, *xs):
        back, outside = vjp_graph(self.body)
        seeds = _seeds(g, self.body.outputs)
        return _placed(Call(back, len(xs))(*xs, *seeds, *outside), self.body.inputs)

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
    bodies = True

    def forward(self, xp, c, *xs):
        return tuple((self.then if c else self.other).run(xs, xp))

    def gives_weak(self, index):
        return self.then.outputs[index].weak and self.other.outputs[index].weak

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
    fresh = inputs_like([*then.inputs, *other.inputs[shared:]])
    both = tuple(fresh)
    theirs = (*fresh[:shared], *fresh[len(then.inputs) :])
    return Graph(both, then.over(both).outputs), Graph(both, other.over(theirs).outputs)


def call_flat(f: Callable[..., Sequence[Any]], operands: Sequence[Any]) -> tuple:
    """Apply `f` as one op, whose inside is computed again for the gradient."""
    body, outside = capture(f, inputs_like(operands))
    return Call(body)(*settled(operands), *outside)


def cond_flat(c: Any, then: Callable, other: Callable, operands: Sequence[Any]) -> tuple:
    """One of two functions of the same operands, as one op."""
    (first, a), (second, b) = (capture(f, inputs_like(operands)) for f in (then, other))
    one, two = ([y.spec for y in g.outputs] for g in (first, second))
    if one != two:
        said = (", ".join(f"{s.dtype} {s.shape}" for s in specs) for specs in (one, two))
        raise ShapeError("cond: the branches return {} and {}; they must agree".format(*said))
    return Cond(*_same_inputs(first, second, len(a)))(c, *settled(operands), *a, *b)


def _seeds(g: Sequence[Any], outputs: Sequence[Node]) -> list[Any]:
    return [zeros_like(outputs[k]) if g[k] is None else g[k] for k in float_places(outputs)]


def _tangents(ts: Sequence[Any], xs: Sequence[Any], inputs: Sequence[Node]) -> list[Any]:
    return [zeros_like(xs[k]) if ts[k] is None else ts[k] for k in float_places(inputs)]


def _placed(values: Sequence[Any], among: Sequence[Node]) -> tuple:
    """The values of the float places, and None elsewhere."""
    found = iter(values)
    return tuple(next(found) if n.dtype.kind == "f" else None for n in among)
