"""Rounding errors made visible: a graph run by NumPy with every number off by a few last places.

What moves under this noise is what rounding decides, and two readers need not agree on it. It is
stochastic arithmetic (Vignes 1993): operands and results of every op, gradients' and loops' too,
are multiplied by 1 plus a few units of the last place, differently in every run. That breaks all
ties; every other run keeps them, and only its results are off, equal ones by the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.graph.namespace import XP
from chainrule.graph.node import Constant, Input, Node, Pick
from chainrule.graph.walk import Graph
from chainrule.ops.contract import Contraction
from chainrule.ops.family import Cast, Move, SumTo, axes_of
from chainrule.ops.loop import Call, Cond
from chainrule.ops.reduce import Max, Prod, Sum
from chainrule.ops.running import CumulativeSum
from chainrule.ops.scan import Scan

UNITS = 4.0  # of the last place
ADDS = (CumulativeSum, SumTo, Cast)  # moves that are more than that
CHOOSES = (Max, Pick, Input, Constant)  # gives back a number it was given
WHOLE = (Scan, Call, Cond)  # its bodies' ops have the noise
EXACT = {"where", "equal", "not_equal", "negative", "abs", "maximum", "minimum", "relu"}
LARGEST = {"maximum", "minimum", "max", "min"}  # of zeros: one of either sign


def is_exact(op: Any) -> bool:
    """Whether an op rounds nothing and decides nothing."""
    moves = isinstance(op, Move) and not isinstance(op, ADDS)
    return moves or isinstance(op, (*CHOOSES, *WHOLE)) or op.name in EXACT


class Noise:
    """One draw of the errors."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.ties = seed % 2 == 1  # whether equal numbers stay equal

    def __call__(self, x: Any) -> Any:
        """These numbers, each a little off; zeros, infinities and integers as they are.

        The sign of what is not a number says nothing, and is drawn.
        """
        if type(x) is tuple:
            return tuple(map(self, x))
        x = np.asarray(x)
        if x.dtype.kind != "f":
            return x
        error = UNITS * np.finfo(x.dtype).eps * self.draws(x)
        x = np.where(np.isnan(x) & (error < 0), -x, x)
        known = np.finfo(x.dtype)
        small = (x != 0) & (np.abs(x) < known.tiny)  # units of these do not shrink with them
        last = error / known.eps * known.smallest_subnormal
        return np.asarray(np.where(small, x * (1 + error) + last, x * (1 + error)), x.dtype)

    def draws(self, x: np.ndarray) -> np.ndarray:
        """Numbers from -1 to 1, one for each element, or one for each value."""
        if not self.ties:
            return self.rng.uniform(-1, 1, x.shape)
        values, places = np.unique(x, return_inverse=True)
        return self.rng.uniform(-1, 1, values.shape)[places].reshape(x.shape)

    def operand(self, x: Any) -> Any:
        """What an op reads: off too, unless ties are kept."""
        return x if self.ties else self(x)

    def run(self, graph: Graph, values: Sequence[Any]) -> list[np.ndarray]:
        """The graph's outputs, computed with these errors."""
        with _running(self), np.errstate(all="ignore"):
            return [np.asarray(y) for y in graph.run([self.operand(x) for x in values])]

    def apply(self, node: Node, xs: list[Any], xp: Any) -> Any:
        """The value of one node; the gradient of a use that should cancel another's does not."""
        xp = EitherZero(xp, self.signs)
        if is_exact(node.op):
            return node.op.forward(xp, *xs)
        if isinstance(node.op, Contraction) and self.rng.random() < 0.5:
            xp = WithoutBLAS(xp)
        if isinstance(node.op, Prod):  # partial products in another order do not underflow
            xs = [self.shuffled(xs[0], axes_of(node.op, node.op.axis, xs[0].ndim))]
        made = node.op.forward(xp, *map(self.operand, xs))
        # A sum of zeros has either sign: NumPy's of a single -0.0 is 0.0.
        return self(self.signs(made) if isinstance(node.op, (Sum, SumTo)) else made)

    def shuffled(self, x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        """The elements in another order along these axes."""
        for axis in axes:
            x = np.take(x, self.rng.permutation(x.shape[axis]), axis)
        return x

    def signs(self, y: Any) -> Any:
        """Zeros of either sign for zeros."""
        if np.asarray(y).dtype.kind != "f":
            return y
        return np.where((y == 0) & (self.rng.random(np.shape(y)) < 0.5), -y, y)


class EitherZero:
    """A namespace where the larger one of zeros has either sign: IEEE 754 leaves it open."""

    def __init__(self, xp: Any, signs: Callable[[Any], Any]):
        self.xp, self.signs = xp, signs

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.xp, name)
        return (lambda *xs, **how: self.signs(found(*xs, **how))) if name in LARGEST else found


class WithoutBLAS:
    """A namespace whose products are all multiplied out: for BLAS, 0 · inf may be 0."""

    def __init__(self, xp: Any):
        self.xp = xp

    def __getattr__(self, name: str) -> Any:
        return getattr(self.xp, name)

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The matrix product."""
        left = "j" if a.ndim == 1 else "...ij"
        right = "j" if b.ndim == 1 else "...jk"
        made = "..." * (max(a.ndim, b.ndim) > 1) + "i" * (a.ndim > 1) + "k" * (b.ndim > 1)
        return np.einsum(f"{left},{right}->{made}", a, b)


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
