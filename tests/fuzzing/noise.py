"""Rounding errors made visible: a graph run by NumPy with every number off by a few last places.

What moves under this noise is what rounding decides, and two readers need not agree on it. It is
stochastic arithmetic (Vignes 1993): operands and results of every op, gradients' and loops' too,
are multiplied by 1 plus a few units of the last place, differently in every run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.graph.namespace import XP
from chainrule.graph.node import Constant, Input, Node, Pick
from chainrule.graph.walk import Graph
from chainrule.ops.family import Cast, Move, SumTo
from chainrule.ops.loop import Call, Cond
from chainrule.ops.reduce import CumulativeSum, Max
from chainrule.ops.scan import Scan

UNITS = 4.0  # of the last place
ADDS = (CumulativeSum, SumTo, Cast)  # moves that are more than that
CHOOSES = (Max, Pick, Input, Constant)  # gives back a number it was given
WHOLE = (Scan, Call, Cond)  # its bodies' ops have the noise
EXACT = {"where", "equal", "not_equal", "negative", "abs", "maximum", "minimum", "relu"}


def is_exact(op: Any) -> bool:
    """Whether an op rounds nothing and decides nothing."""
    moves = isinstance(op, Move) and not isinstance(op, ADDS)
    return moves or isinstance(op, (*CHOOSES, *WHOLE)) or op.name in EXACT


class Noise:
    """One draw of the errors."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)

    def __call__(self, x: Any) -> Any:
        """These numbers, each a little off; zeros, infinities and integers as they are."""
        if type(x) is tuple:
            return tuple(map(self, x))
        x = np.asarray(x)
        if x.dtype.kind != "f":
            return x
        error = UNITS * np.finfo(x.dtype).eps * self.rng.uniform(-1, 1, x.shape)
        return np.asarray(x * (1 + error), x.dtype)

    def run(self, graph: Graph, values: Sequence[Any]) -> list[np.ndarray]:
        """The graph's outputs, computed with these errors."""
        with _running(self), np.errstate(all="ignore"):
            return [np.asarray(y) for y in graph.run([self(x) for x in values])]

    def apply(self, node: Node, xs: list[Any], xp: Any) -> Any:
        """The value of one node; the gradient of a use that should cancel another's does not."""
        if is_exact(node.op):
            return node.op.forward(xp, *xs)
        return self(node.op.forward(xp, *map(self, xs)))


@contextmanager
def _running(noise: Noise) -> Iterator[None]:
    """Every graph is run with noise, those within loops too."""

    def run(graph: Graph, values: Sequence[Any], xp: Any = XP) -> list[Any]:
        made = dict(zip(graph.inputs, values, strict=True))
        for node in graph.order:
            if node not in made:
                made[node] = noise.apply(node, [made[i] for i in node.inputs], xp)
        return [made[o] for o in graph.outputs]

    before = Graph.run
    Graph.run = run  # type: ignore[method-assign]
    try:
        yield
    finally:
        Graph.run = before  # type: ignore[method-assign]
