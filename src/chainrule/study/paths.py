"""Every path from a leaf to the loss, its product, their sum, and the work backprop shares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from ..eager.tensor import FIXED, Tensor
from ..graph.chain import path as steps_towards
from ..graph.chain import pull
from ..graph.errors import ExpressionError, PathError, UsageError
from ..graph.node import Constant, Input, Node, Pick
from ..graph.op import Spec
from ..graph.spelling import told_type
from ..graph.walk import order
from ..ops.family import Elementwise
from ..read.code.numpy_style import summed
from ..read.latex import latex
from ..read.plain import plain
from ..read.simplify import simplify
from ..read.text import text
from .numbers import MINUS, number, short
from .path_text import DIGITS, GRADIENT, Factor, Path, Paths, Shared, Work, _bracketed, letter
from .steps import Place, _rule, local_gradient, plain_value, steps
from .trace import refuse

LIMIT = 200  # paths that are written out; of more there is a count


def paths(loss: Tensor, wrt: Any = None, *, limit: int = LIMIT) -> Paths:
    """Every path from a leaf to the loss with its product; their sum is the gradient.

    The chain rule written out: a product of local gradients along each path, and the sum over
    all of them. Backpropagation finds the same sum with every shared beginning computed once;
    `.work` counts the multiplications of both. Names are those of `cr.trace`. Of
    arrays, a path's factors are told as operations, and its product is what flows along it alone.
    Of more than `limit` paths there is an exact count in `.counts`, whatever their number:
    they are counted, not walked.
    Shapes: `loss` is one number; `wrt` a tensor or a list of them (all leaves given).
    Raises: ScalarError, DTypeError (an integer), PathError, UsageError.
    Source: Bauer 1974 (the gradient as a sum over paths); Griewank and Walther, chapter 3.

    >>> import chainrule as cr
    >>> x = cr.tensor(3.0, name="x")
    >>> print(cr.paths(x * x + x))
    3 paths from x to u₂
      1. x → u₁ → u₂
         ∂u₂/∂u₁ · ∂u₁/∂x (left)
         = 1 · x
         = 1 · 3
         = 3
      2. x → u₁ → u₂
         ∂u₂/∂u₁ · ∂u₁/∂x (right)
         = 1 · x
         = 1 · 3
         = 3
      3. x → u₂
         ∂u₂/∂x
         = 1
    sum over the paths of x: 7, and the backward sweep finds 7
    work: 2 multiplications with every path written out, 2 in one backward sweep
    shared: ∂u₂/∂u₁ = 1 stands in 2 of them and is computed once
    """
    refuse(loss, "paths")
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise UsageError(f"paths: limit={limit!r}; give a whole number, 0 or more")
    asked = _asked(loss, wrt)
    return _Survey(loss, asked, limit).found()


def _asked(loss: Tensor, wrt: Any) -> list[Tensor]:
    nodes = order((loss,))
    if wrt is None:
        asked = [n for n in nodes if not n.inputs and n.op is not FIXED and n.dtype.kind == "f"]
        if not asked:
            raise PathError("paths: nothing this was computed from is a tensor that you made")
        return asked
    several = isinstance(wrt, Sequence) and not isinstance(wrt, Tensor)
    asked: list[Any] = list(wrt) if several else [wrt]
    reached = set(nodes)
    for w in asked:
        if type(w) is not Tensor or w not in reached:
            what = getattr(w, "name", None) or told_type(w)
            raise PathError(f"paths: the value does not depend on {what} of wrt")
    return asked


Edge = tuple[Tensor, int]  # a node, and which of its operands


class _Survey:
    """One question on its way: the edges that gradients flow along, counted and walked."""

    def __init__(self, loss: Tensor, asked: list[Tensor], limit: int):
        self.loss, self.asked, self.limit = loss, dict.fromkeys(asked), limit
        self.nodes = order((loss,))
        self.towards = steps_towards(self.nodes, asked)
        self.readers: dict[Tensor, list[Edge]] = {}
        for n, wanted in self.towards:
            for k, (i, on) in enumerate(zip(n.inputs, wanted, strict=True)):
                if on:
                    self.readers.setdefault(i, []).append((n, k))
        self._count()

    def _count(self) -> None:
        """Ways to the loss, and edges on all of them together, by dynamic programming."""
        self.ways: dict[Tensor, int] = {self.loss: 1}
        self.edges: dict[Tensor, int] = {self.loss: 0}
        for n in reversed(self.nodes):
            for reader, _ in self.readers.get(n, ()):
                ways = self.ways.get(reader, 0)
                self.ways[n] = self.ways.get(n, 0) + ways
                self.edges[n] = self.edges.get(n, 0) + self.edges.get(reader, 0) + ways
        self.starts: dict[Tensor, int] = {w: 1 for w in self.asked}  # paths that end in a node
        for n, wanted in self.towards:
            below = sum(self.starts.get(i, 0) for i, on in zip(n.inputs, wanted, strict=True) if on)
            self.starts[n] = self.starts.get(n, 0) + below

    def found(self) -> Paths:
        """Everything there is to say."""
        variables = [n for n in self.nodes if not n.inputs and n.op is not FIXED]
        told = steps(self.loss, variables)
        made = [n for n in self.nodes if n.inputs]
        self.steps = dict(zip((*variables, *made), told, strict=True))
        self.names = {n: s.name for n, s in self.steps.items()}
        counts = {self.names[w]: self.ways.get(w, 0) for w in self.asked}
        total = sum(counts.values())
        listed = None
        if total <= self.limit:
            listed = tuple(p for w in self.asked for p in self._from(w))
        gradients = {self.names[w]: self._gradient(w) for w in self.asked}
        sums = {} if listed is None else {
            name: sum((p.product for p in listed if p.leaf == name), np.zeros_like(g))
            for name, g in gradients.items()
        }  # fmt: skip
        return Paths(
            self.names[self.loss], counts, listed, self.limit, sums, gradients, self._shared(),
            self._work(),
        )  # fmt: skip

    def _gradient(self, w: Tensor) -> Any:
        found = self.steps[w].upstream
        return np.zeros(w.shape, w.dtype) if found is None else found

    def _work(self) -> Work:
        # A path of m edges takes m - 1 products; the sweep one for each edge that is not the
        # loss's own, whose upstream gradient is 1.
        walked = [e for i, es in self.readers.items() for e in es if self.ways.get(e[0], 0)]
        sweep = sum(1 for n, _ in walked if n is not self.loss)
        expanded = sum(self.edges.get(w, 0) - self.ways.get(w, 0) for w in self.asked
                       if w is not self.loss)  # fmt: skip
        return Work(expanded, sweep)

    def _shared(self) -> tuple[Shared, ...]:
        """The nodes below which the way to the leaves parts: what stands above is shared."""
        found = []
        for n, wanted in self.towards:
            parts = sum(wanted) + (n in self.asked)
            if n is self.loss or parts < 2 or not self.ways.get(n, 0) or isinstance(n.op, Pick):
                continue
            upstream = self.steps[n].upstream
            value = upstream if isinstance(upstream, np.ndarray | np.generic) else None
            symbol = f"∂{self.names[self.loss]}/∂{self.names[n]}"
            found.append(Shared(self.names[n], symbol, self.ways[n] * self.starts[n], value))
        return tuple(sorted(found, key=lambda s: -s.paths)[:10])

    def _from(self, leaf: Tensor) -> Iterator[Path]:
        """The paths of a leaf, one after the other; iterative, as a chain may be long."""
        trail: list[Edge] = []
        rest = [iter(self.readers.get(leaf, ()))]
        if leaf is self.loss:
            yield self._told(leaf, [])
        while rest:
            for edge in rest[-1]:
                if not self.ways.get(edge[0], 0):
                    continue
                trail.append(edge)
                if edge[0] is self.loss:
                    yield self._told(leaf, trail)
                    trail.pop()
                    continue
                rest.append(iter(self.readers.get(edge[0], ())))
                break
            else:
                rest.pop()
                if trail:
                    trail.pop()

    def _told(self, leaf: Tensor, trail: list[Edge]) -> Path:
        nodes = (self.names[leaf], *(self.names[n] for n, _ in trail))
        operations = tuple(self.steps[n].operation for n, _ in trail)
        factors = tuple(self._factor(n, k) for n, k in reversed(trail))
        return Path(nodes, operations, factors, _along(leaf, trail))

    def _factor(self, n: Tensor, k: int) -> Factor:
        of, by = self.names[n], self.names[n.inputs[k]]
        places = tuple(Place(i, i.op, (), i._value) for i in n.inputs)
        picked = isinstance(n.op, Pick)  # one of several values: there is nothing to multiply by
        local = None if picked else local_gradient(Place(n, n.op, places, n._value), k)
        symbol = f"∂{of}/∂{by}"
        twice = [j for j, i in enumerate(n.inputs) if i is n.inputs[k]]
        if len(twice) > 1:  # the same operand more than once: which of its places
            side = ("left", "right") if len(n.inputs) == 2 else tuple(map(str, range(1, 99)))
            symbol += f" ({side[k]})"
        typed = self._formula(n, k, local)
        return Factor(of, by, symbol, typed, self._shown(n, k, typed), plain_value(local))

    def _formula(self, n: Tensor, k: int, local: Any) -> str:
        if isinstance(n.op, Elementwise):
            return _with_sum(n, k, formula_of(n, k, self.names))
        if local is not None and np.size(local) and np.ptp(local) == 0:
            return number(np.reshape(local, -1)[0], DIGITS)
        told = _rule(n, k, [self.names.get(i) or short(i._value) for i in n.inputs])
        return told if GRADIENT.search(told) else f"⟨{n.op}⟩"

    def _shown(self, n: Tensor, k: int, typed: str) -> str:
        """The formula as mathematics; as it would be typed where there is no such notation."""
        if not isinstance(n.op, Elementwise):
            names = [letter(self.names.get(i) or short(i._value)) for i in n.inputs]
            told = _rule(n, k, names) if GRADIENT.search(typed) else typed
            told = re.sub(r"^outer\(G, (.*)\)$", r"G \1ᵀ", told)
            return told.replace(" @ ", " ").replace(".T", "ᵀ").replace("-", MINUS)
        if summed(n.shape, n.inputs[k].shape):
            return typed
        local = _local_of(n, k, self.names)
        try:
            return typed if local is None else plain(latex(local))
        except ExpressionError:  # a label that is no symbol
            return typed


def _with_sum(n: Tensor, k: int, formula: str) -> str:
    """A local gradient as it is; of an operand that was repeated, with the sum over its copies."""
    axes = summed(n.shape, n.inputs[k].shape)
    if not axes:
        return formula
    inside = "G" if formula == "1" else f"G · {_bracketed(formula)}"
    along = "" if len(axes) == n.ndim else f", axis={axes[0] if len(axes) == 1 else axes}"
    return f"sum({inside}{along})"


def formula_of(n: Tensor, k: int, names: dict[Tensor, str]) -> str:
    """The local gradient of an elementwise node as it would be typed, by these names."""
    local = _local_of(n, k, names)
    return "0" if local is None else text(simplify([local])[0])


def _local_of(n: Tensor, k: int, names: dict[Tensor, str]) -> Node | None:
    def node(t: Tensor) -> Node:
        if t.op is FIXED and t.size == 1 and t not in names:
            return Node(Constant(str(np.reshape(t._value, ())[()]), t.dtype.name))
        return Node(Input(Spec(t.shape, t.dtype), names.get(t) or short(t._value)))

    leaves = {t: node(t) for t in {n, *n.inputs}}
    local = n.op.local(leaves[n], *(leaves[i] for i in n.inputs))[k]  # type: ignore[attr-defined]
    local: Any = local() if callable(local) and type(local) is not Node else local
    if isinstance(local, int | float):
        return Node(Constant(number(local), n.dtype.name))
    return local


def _along(leaf: Tensor, trail: list[Edge]) -> Any:
    """What one path contributes: the chain rule over stand-ins that know no other way."""
    start = here = Place(leaf, leaf.op, (), leaf._value)
    walk = [here]
    for n, k in trail:
        beside = [Place(i, i.op, (), i._value) for i in n.inputs]
        inputs = tuple(here if j == k else b for j, b in enumerate(beside))
        here = Place(n, n.op, inputs, n._value)
        walk += [i for i in inputs if i is not walk[-1]] + [here]
    seed = {here: np.ones(here.tensor.shape, here.dtype)}
    with np.errstate(all="ignore"):
        found = pull(walk, seed, [start], attrgetter("value"))
    g = found.get(start)
    return np.zeros(leaf.shape, leaf.dtype) if g is None else np.asarray(g)
