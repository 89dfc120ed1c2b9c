"""Read nodes as matrices: by the op's rule, or by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from math import prod
from typing import Any

from ...graph.node import Constant, Node
from ...ops.family import Elementwise
from ..symbols import fraction_of
from ..tree import escaped
from .algebra import (
    Name,
    Scaled,
    Shape,
    chain,
    function,
    number,
    of,
    ones,
    refuse,
    scalar,
    turned,
)

Rule = Callable[["Reader", Node], Scaled | None]


def matrix_shape(shape: Shape) -> Shape:
    """The shape in which an array of this shape is written: one axis is a column."""
    return (shape[0], 1) if len(shape) == 1 else shape


class Reader:
    """Nodes as matrices, remembered."""

    def __init__(self, names: Mapping[Node, str]):
        self.names = names
        self._made: dict[Node, Scaled] = {}

    def matrix(self, node: Node) -> Scaled:
        """The node by its name, or by what computes it."""
        if node in self.names:
            return of(Name(matrix_shape(node.shape), self.names[node]))
        return self.computed(node)

    def computed(self, node: Node) -> Scaled:
        """The node by what computes it, shape-checked against the node."""
        if node not in self._made:
            found = self._computed(node)
            wanted = matrix_shape(node.shape)
            if found.shape != wanted and not (found.body is None and not found.fills):
                raise refuse(f"{node.op} and what it was read as", wanted, found.shape)
            self._made[node] = found
        return self._made[node]

    def _computed(self, node: Node) -> Scaled:
        op = node.op
        if isinstance(op, Constant):
            return constant(op)
        from .rules import RULES

        rule = RULES.get(type(op))
        if rule is not None:
            found = rule(self, node)
            if found is not None:
                return found
        if op.latex == "#1":
            return self.matrix(node.inputs[0])
        if isinstance(op, Elementwise):
            return self.elementwise(node)
        return self.fallback(node)

    def operands(self, node: Node) -> list[Scaled]:
        """The operands of an elementwise op, each in the shape of the value or one number."""
        return [spread(self.matrix(x), x.shape, node.shape) for x in node.inputs]

    def elementwise(self, node: Node) -> Scaled:
        """A function element by element, in the op's notation."""
        xs, shape, op = self.operands(node), matrix_shape(node.shape), node.op
        latex = op.latex or named(op, len(xs))
        if shape:  # powers of a matrix mean something else
            latex = re.sub(r"(?<![A-Za-z])e\^\{#(\d)\}", r"\\exp\\left(#\1\\right)", latex)
            latex = re.sub(r"\{#(\d)\}\^\{(?!\\odot)(.+?)\}", r"{#\1}^{\\odot \2}", latex)
        return function(latex, op.binds, op.takes, xs, shape)

    def fallback(self, node: Node) -> Scaled:
        """The op by its name: it has no reading in matrices."""
        shape = matrix_shape(node.shape)
        xs = [self.matrix(x) for x in node.inputs]
        return function(named(node.op, len(xs)), 4, (0,) * len(xs), xs, shape)


def named(op: Any, count: int) -> str:
    """A call by the op's name, its options in words."""
    inside = [f"#{k + 1}" for k in range(count)]
    if is_dataclass(op):
        told = [f for f in fields(op) if f.name not in ("key", "question")]
        kept = [f for f in told if getattr(op, f.name) not in (f.default, None, False)]
        inside += [rf"\text{{{escaped(f'{f.name}={getattr(op, f.name)}')}}}" for f in kept]
    return rf"\operatorname{{{escaped(str(op))}}}\left({', '.join(inside)}\right)"


def constant(op: Constant) -> Scaled:
    """A number."""
    if op.value.dtype.kind == "b":
        return number(int(op.value))
    found = fraction_of(op.value)
    if found is not None:
        return number(found)
    signs = {"inf": r"\infty", "-inf": r"-\infty"}
    return of(Name((), signs.get(str(op.value), r"\mathrm{NaN}")))


def spread(x: Scaled, shape: Shape, to: Shape) -> Scaled:
    """A matrix repeated up to a shape: as a product with ones; a number stays one."""
    if shape == to or len(to) > 2 or (x.body is None and not x.fills):
        return x if matrix_shape(to) in (x.shape, ()) or not x.shape else _fallen(x, shape, to)
    if prod(shape) == 1:
        return scalar(x)
    if x.body is None:
        return replace(x, fills=matrix_shape(to))
    if len(shape) == 1 or shape[0] == 1:  # a row, repeated downwards
        row = turned(x) if len(shape) == 1 else x
        return chain(ones(to[0]), row) if len(to) == 2 else x
    columns = list(to)[-1]
    return chain(x, turned(ones(columns)))


def _fallen(x: Scaled, shape: Shape, to: Shape) -> Scaled:
    if x.body is None:
        return replace(x, fills=to)
    if prod(shape) == 1:
        return scalar(x)
    inside = rf"\operatorname{{broadcast}}\left(#1, \text{{to={to}}}\right)"
    return function(inside, 4, (0,), (x,), matrix_shape(to))
