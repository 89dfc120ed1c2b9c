"""What is practised on: a computation with a name for every value, and its values elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ...eager.backward import sweep
from ...eager.tensor import FIXED, Tensor, leaf
from ...graph.chain import path as steps_towards
from ...graph.errors import UsageError
from ...graph.namespace import XP
from ...graph.node import Constant, Input, Node, Pick
from ...graph.op import Spec
from ...graph.walk import fold, order
from ...ops.family import BroadcastTo
from ...ops.reduce import Mean, count
from ...read.code.numpy_style import NUMPY
from ...read.code.program import RESERVED, Program, _identifier, assigned, program, shorter
from ...read.code.style import Piece
from ..numbers import short
from ..steps import Step, steps
from ..wording import operation

POINTS = 6  # random points at which formulas are compared
MOST = 150  # nodes: of a larger graph nobody writes the gradient by hand
DIGITS = 4


@dataclass(frozen=True, eq=False)
class Point:
    """The values of everything at one point, and the gradient of the result by everything."""

    values: Mapping[Tensor, Any]
    gradients: Mapping[Tensor, Any]


class Subject:
    """A tape whose every node has a name that can be typed.

    The names are the user's: of a tensor, or of the variable a line assigns it to; otherwise
    u1, u2, ... in order.
    """

    def __init__(self, loss: Tensor):
        found = order((loss,))
        if len(found) > MOST:
            raise UsageError(
                f"practice: {len(found)} nodes are more than the {MOST} that exercises are made "
                "of; take a part of the function, or a smaller example of it"
            )
        names = _names(found)
        made: dict[Tensor, Tensor] = {}
        for t in found:
            made[t] = Tensor(t._value, t.op, tuple(made[i] for i in t.inputs), t.line)
            made[t]._label = names.get(t)
        self.twins = made  # the user's own tensor → ours
        self.loss = made[loss]
        self.nodes = [made[t] for t in found]
        self.leaves = [
            t for t in self.nodes if not t.inputs and t.op is not FIXED and t.dtype.kind == "f"
        ]
        self.made = [t for t in self.nodes if t.inputs]
        self.names = {t: t._label for t in self.nodes if t._label}
        self.towards = steps_towards(self.nodes, self.leaves)
        self.here = self._point({})

    @cached_property
    def steps(self) -> dict[Tensor, Step]:
        """The trace of every node, leaves first."""
        found = steps(self.loss, self.leaves)
        return dict(zip((*self.leaves, *self.made), found, strict=True))

    @cached_property
    def program(self) -> Program:
        """The backward pass as it is written in NumPy."""
        return program(self.loss, None, NUMPY.knows)

    @cached_property
    def count(self) -> int:
        """How many elements a mean divides by: N; 1 where there is none."""
        found = [int(count(t.op.axis, t.inputs[0].shape)) for t in self.made
                 if isinstance(t.op, Mean)]  # fmt: skip
        return found[-1] if found else 1

    def operation(self, t: Tensor) -> str:
        """What a node computes, by the names of its operands."""
        return operation(t.op, [self.names.get(i) or short(i._value) for i in t.inputs])

    def given(self) -> str:
        """The computation from its leaves to its result, a line for each."""
        leaves = set(self.leaves)
        lines = [f"{self.names[t]} = {short(t._value)}{_shape(t)}" for t in self.leaves]
        lines += [
            f"{self.names[t]} = {short(t._value)}{_shape(t)}  (a constant)"
            for t in self.nodes if not t.inputs and t in self.names and t not in leaves
        ]  # fmt: skip
        lines += [f"{self.names[t]} = {self.operation(t)}{_shape(t)}" for t in self.made]
        return "\n".join(lines)

    @cached_property
    def points(self) -> list[Point]:
        """Points at which formulas are compared: half of them near the given one."""
        rng, found = np.random.default_rng(2024), []
        for attempt in range(4 * POINTS):
            near = attempt % 2 == 0
            point = self._point({t: _moved(t._value, rng, near) for t in self.leaves})
            finite = all(
                np.all(np.isfinite(x)) for x in (*point.values.values(), *point.gradients.values())
                if isinstance(x, np.ndarray) and x.dtype.kind == "f"
            )  # fmt: skip
            found += [point] if finite else []
            if len(found) == POINTS:
                break
        return found or [self.here]

    def _point(self, moved: Mapping[Tensor, Any]) -> Point:
        values: dict[Tensor, Any] = {}
        again: dict[Tensor, Tensor] = {}
        with np.errstate(all="ignore"):
            for t in self.nodes:
                value = moved.get(t, t._value)
                if t.inputs:
                    value = t.op.forward(XP, *(values[i] for i in t.inputs))
                    value = value if type(value) is tuple else np.asarray(value)
                values[t] = value
                again[t] = Tensor(value, t.op, tuple(again[i] for i in t.inputs))
            output, kept = again[self.loss], {}
            seed = {output: np.ones(output.shape, output.dtype)}
            sweep(order((output,)), seed, [again[t] for t in self.leaves], kept)
        back = {a: t for t, a in again.items()}
        gradients = {back[a]: np.asarray(g) for a, g in kept.items() if type(g) is not list}
        for t in self.leaves:
            gradients.setdefault(t, np.zeros(t.shape, t.dtype))
        return Point(values, gradients)

    def environment(self, point: Point, gradients: bool = False) -> dict[str, Any]:
        """What an answer may name: every value, `N`, and on request the gradients `v_g`."""
        found = {n: point.values[t] for t, n in self.names.items() if not isinstance(t.op, Pick)}
        if gradients:
            found |= {f"{self.names[t]}_g": g for t, g in point.gradients.items()
                      if t in self.names}  # fmt: skip
        if "N" not in found and self.count > 1:
            found["N"] = float(self.count)
        # Of a tensor an answer sees the numbers alone: nothing is recorded behind them.
        return {n: leaf(np.asarray(v), FIXED) for n, v in found.items() if type(v) is not tuple}

    def written(self, t: Tensor) -> str | None:
        """The gradient of `t` in NumPy, by the values of the forward pass alone."""
        p, wanted = self.program, f"{self.names[t]}_g"
        names = {n: name for n, name in p.forward} | dict(p.inputs)
        found = [g for g, name, _ in p.backward if name == wanted]
        return _text(found[0], names) if found else None

    def line(self, t: Tensor) -> str | None:
        """The gradient of `t` in NumPy, by the gradients of what reads it."""
        names: dict[Node, str] = {}
        total = None
        for n, wanted in self.towards:
            places = [k for k, i in enumerate(n.inputs) if i is t]
            if not places or n not in self.here.gradients:
                continue
            xs = [self._stand(i, names) for i in n.inputs]
            g, y = self._stand(n, names, "_g"), self._stand(n, names)
            downs = n.op.pull(g, y, xs, list(wanted))
            for d in (downs[k] for k in places if downs[k] is not None):
                total = d if total is None else total + d
        return None if total is None else _text(shorter([total], NUMPY.knows)[total], names)

    def local(self, t: Tensor, k: int) -> str | None:
        """The local gradient of an elementwise node by one operand, in NumPy."""
        names: dict[Node, str] = {}
        xs = [self._stand(i, names) for i in t.inputs]
        found = t.op.local(self._stand(t, names), *xs)[k]  # type: ignore[attr-defined]
        found = found() if callable(found) and type(found) is not Node else found
        if not isinstance(found, Node):
            return None if found is None else _number(float(found)).text
        return _text(shorter([found], NUMPY.knows)[found], names)

    def _stand(self, x: Tensor, names: dict[Node, str], suffix: str = "") -> Node:
        """A node that stands for a value, or with `_g` for its gradient, under its name."""
        if x not in self.names:
            return Node(Constant(str(np.reshape(x._value, -1)[0]), x.dtype.name))
        name = self.names[x] + suffix
        node = next((n for n, known in names.items() if known == name), None)
        if node is None:
            node = Node(Input(Spec(x.shape, x.dtype), name))
            names[node] = name
        return node


def _shape(t: Tensor) -> str:
    return f"  # {t.shape}" if t.shape else ""


def _text(g: Node, names: Mapping[Node, str]) -> str | None:
    """A gradient as one line of NumPy by these names, or None where it cannot be written."""

    def rule(node: Node, *xs: Piece | None) -> Piece | None:
        if node in names:
            return Piece(names[node], 5)
        if isinstance(node.op, Constant):
            return _number(float(node.op.value))
        operands = [x for x in xs if x is not None]
        if not xs or len(operands) < len(xs) or not NUMPY.knows(node.op):
            return None
        if isinstance(node.op, BroadcastTo) and operands[0].text.replace(".", "").isdigit():
            return None
        return NUMPY.write(node, operands)

    found = fold((g,), rule)[g]
    return None if found is None else found.text


def _number(value: float) -> Piece:
    """A number as one writes it by hand: 2/3 rather than 0.6666666666666666."""
    if not np.isfinite(value):
        return Piece(f"({value})", 5)
    found = Fraction(value).limit_denominator(1000)
    if float(found) == value and found.denominator not in (1, 2, 4, 5, 8, 10, 100, 1000):
        return Piece(f"{found.numerator}/{found.denominator}", 2 if value > 0 else 0)
    return Piece(repr(value).removesuffix(".0"), 3 if value < 0 else 5)


def _moved(x: np.ndarray, rng: np.random.Generator, near: bool) -> np.ndarray:
    """Other numbers in the place of these: of the same signs, or of any."""
    if near:  # what must be positive stays positive
        scaled = x * rng.uniform(0.6, 1.4, x.shape) + 0.01 * rng.normal(size=x.shape)
        return scaled.astype(x.dtype)
    return rng.normal(size=x.shape).astype(x.dtype)


def _names(found: list[Tensor]) -> dict[Tensor, str]:
    """A free name that Python takes for everything but single constants."""
    wanted: dict[Tensor, str] = {}
    for t in found:
        if t.name:
            wanted[t] = _identifier(t.name)
    for t, word in assigned(found).items():
        wanted.setdefault(t, _identifier(word))
    names: dict[Tensor, str] = {}
    taken = set(RESERVED) | {"N"}
    for t, word in wanted.items():
        names[t] = _free(word, taken)
    counts = {"u": 0, "x": 0, "c": 0}
    for t in found:
        if t in names or (t.op is FIXED and t.size == 1):
            continue
        letter = "u" if t.inputs else "c" if t.op is FIXED else "x"
        counts[letter] += 1
        while f"{letter}{counts[letter]}" in taken:
            counts[letter] += 1
        names[t] = _free(f"{letter}{counts[letter]}", taken)
    return names


def _free(word: str, taken: set[str]) -> str:
    name, k = word, 1
    while name in taken or re.sub(r"_g$", "", name) in taken:
        k += 1
        name = f"{word}{k}"
    taken |= {name, f"{name}_g"}
    return name
