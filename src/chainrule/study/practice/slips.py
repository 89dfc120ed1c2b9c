"""The slips people make with the chain rule, and how to recognise each from what it gives.

Every slip is a function of the exact gradient's making: a factor left out, a path left out, a
stop half-way. What a wrong answer comes to is compared with what each of them would come to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from ...eager.tensor import Tensor
from ...graph.chain import path as steps_towards
from ...graph.chain import pull
from ...graph.op import Op
from ...ops.family import Elementwise, sum_to
from ..steps import Place, local_gradient
from .subject import Point, Subject

MOST_EDGES = 120


@dataclass(frozen=True, eq=False)
class Slip:
    """A slip, what to say of it, and what it gives at a point."""

    name: str
    words: str
    at: Callable[[Point], Any]


class Altered(Op):
    """An op that forgets one of its operands, or that operand's local gradient."""

    def __init__(self, op: Op, rules: dict[int, str]):
        self.op, self.rules = op, rules
        vars(self).update(selects=False, stops=op.stops)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def pull(self, g: Any, y: Any, xs: list, wanted: list[bool]) -> list:
        """What goes down, with the slip."""
        downs = self.op.pull(g, y, xs, wanted)
        for k, rule in self.rules.items():
            if rule == "forgotten":
                downs[k] = None
            elif rule == "factor 1":
                downs[k] = sum_to(np.broadcast_to(g, np.shape(y)), np.shape(xs[k]))
        return downs


def gradient_with(
    subject: Subject, point: Point, target: Tensor, rules: dict[Tensor, dict[int, str]],
    of: Tensor | None = None,
) -> Any:  # fmt: skip
    """The gradient of the result, or of `of`, by `target`, if these nodes made these slips."""
    places: dict[Tensor, Place] = {}
    for t in subject.nodes:
        op = Altered(t.op, rules[t]) if t in rules else t.op
        places[t] = Place(t, op, tuple(places[i] for i in t.inputs), point.values[t])
    of = subject.loss if of is None else of
    seed = {places[of]: np.ones(of.shape, of.dtype)}
    with np.errstate(all="ignore"):
        found = pull(list(places.values()), seed, [places[target]], attrgetter("value"))
    g = found.get(places[target])
    return np.zeros(target.shape) if g is None else np.asarray(g)


def slips(subject: Subject, target: Tensor) -> Iterator[Slip]:
    """All slips there can be on the way to one gradient, the likeliest first."""
    names, loss = subject.names, subject.names[subject.loss]
    towards = steps_towards(subject.nodes, (target,))
    edges = [(n, k) for n, wanted in reversed(towards) for k, on in enumerate(wanted) if on]
    yield from _terms(subject, target, towards)
    for n, k in edges:
        if n.inputs[k] is target:
            yield _local(subject, n, k)
    for n, _ in towards:
        if n is not subject.loss and n is not target and n in subject.here.gradients:
            yield Slip(
                "outer without inner",
                f"that is ∂{loss}/∂{names[n]}, the outer part alone: it still has to be "
                f"multiplied by the inner one, ∂{names[n]}/∂{names[target]}",
                lambda p, n=n: p.gradients[n],
            )
    for n, k in edges[:MOST_EDGES]:
        if isinstance(n.op, Elementwise):
            yield Slip(
                "missing factor",
                f"one factor of the chain is missing: the local gradient "
                f"∂{names[n]}/∂{names[n.inputs[k]]} of {names[n]} = {subject.operation(n)}",
                lambda p, n=n, k=k: gradient_with(subject, p, target, {n: {k: "factor 1"}}),
            )


def _terms(subject: Subject, target: Tensor, towards: list) -> Iterator[Slip]:
    """Where several ways lead on to the target: one of them left out."""
    names = subject.names
    readers: dict[Tensor, list] = {}
    for n, wanted in towards:
        ways = [k for k, on in enumerate(wanted) if on]
        for k in ways:
            readers.setdefault(n.inputs[k], []).append((n, k))
        if len(ways) < 2:
            continue
        product = n.op.name == "multiply"
        rule = "product rule" if product else "missing term"
        told = (
            f"{names[n]} = {subject.operation(n)} depends on {names[target]} through both factors: "
            "the product rule has two terms, (a·b)' = a'·b + a·b'"
            if product else f"{names[n]} = {subject.operation(n)} depends on {names[target]} "
            "through several operands: the gradients of all of them add up"
        )  # fmt: skip
        for k in ways:
            yield Slip(rule, told, _altered(subject, target, {n: {k: "forgotten"}}))
        if product and not n.shape and n in subject.here.gradients:
            yield Slip(
                "product rule",
                f"the derivative of the product {names[n]} = {subject.operation(n)} is not the "
                "product of the derivatives: (a·b)' = a'·b + a·b'",
                lambda p, n=n: _times_derivatives(subject, p, target, n),
            )
    for x, found in readers.items():
        if len(found) > 1 and len({n for n, _ in found}) > 1:
            told = (
                f"{names[x]} is read by {' and '.join(dict.fromkeys(names[n] for n, _ in found))}: "
                "what they send back adds up, and a part is missing"
            )
            for n, k in found:
                yield Slip("missing term", told, _altered(subject, target, {n: {k: "forgotten"}}))


def _times_derivatives(subject: Subject, p: Point, target: Tensor, n: Tensor) -> Any:
    """The gradient, if a product's derivative were the product of the derivatives."""
    a, b = (gradient_with(subject, p, target, {}, of=i) for i in n.inputs)
    rest = gradient_with(subject, p, target, {n: {0: "forgotten", 1: "forgotten"}})
    return rest + p.gradients[n] * a * b


def _altered(subject: Subject, target: Tensor, rules: dict) -> Callable[[Point], Any]:
    return lambda p: gradient_with(subject, p, target, rules)


def _local(subject: Subject, n: Tensor, k: int) -> Slip:
    names = subject.names
    told = (
        f"that is the local gradient ∂{names[n]}/∂{names[n.inputs[k]]} alone: downstream is "
        f"upstream times local, and the upstream gradient ∂{names[subject.loss]}/∂{names[n]} is "
        "missing"
    )

    def at(p: Point) -> Any:
        places = tuple(Place(i, i.op, (), p.values[i]) for i in n.inputs)
        found = local_gradient(Place(n, n.op, places, p.values[n]), k)
        return np.nan if found is None else found

    return Slip("local gradient", told, at)
