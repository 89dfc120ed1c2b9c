"""Ready-made sets of exercises: the worked examples that backpropagation is taught with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ... import ops
from ...eager.namespace import tensor
from ...eager.tensor import Tensor
from ...graph.errors import UsageError
from ...graph.spelling import did_you_mean
from .exercise import Exercise, Practice
from .making import practice
from .questions import code_exercise, formula_exercise
from .subject import Subject


class Set(NamedTuple):
    """A set: what it is about, its computation, and the gradients it asks for first."""

    about: str
    make: Callable[[], Tensor]
    first: tuple[tuple[str, str, str], ...] = ()  # kind, of what, an answer as people write it


def neuron() -> Tensor:
    """A sigmoid neuron with two inputs and half a squared error."""
    w1, w2, b = (tensor(v, name=n) for n, v in (("w1", 2.0), ("w2", -3.0), ("b", -3.0)))
    x1, x2, y = (tensor(v, name=n) for n, v in (("x1", -1.0), ("x2", -2.0), ("y", 1.0)))
    z = (w1 * x1 + w2 * x2 + b).named("z")
    a = ops.sigmoid(z).named("a")
    return (0.5 * (y - a) ** 2).named("C")


def product() -> Tensor:
    """A sum and a product."""
    x, y, z = (tensor(v, name=n) for n, v in (("x", -2.0), ("y", 5.0), ("z", -4.0)))
    return ((x + y).named("q") * z).named("L")


def two_layers() -> Tensor:
    """A relu layer, an affine layer, the mean squared error, for three samples."""
    rng = np.random.default_rng(5)
    shapes = {"x": (3, 2), "w1": (2, 4), "b1": (4,), "w2": (4, 1), "b2": (1,), "y": (3, 1)}
    p = {n: tensor(np.round(rng.normal(size=s), 1), name=n) for n, s in shapes.items()}
    u1 = (p["x"] @ p["w1"] + p["b1"]).named("u1")
    u2 = ops.relu(u1).named("u2")
    u3 = (u2 @ p["w2"] + p["b2"]).named("u3")
    e = (u3 - p["y"]).named("e")
    return ops.mean(e**2).named("MSE")


def classifier() -> Tensor:
    """Three weight matrices with sigmoids between them, and the cross-entropy of one example."""
    rng = np.random.default_rng(7)
    shapes = {"x": (2, 1), "W1": (3, 2), "W2": (2, 3), "W3": (1, 2)}
    p = {n: tensor(np.round(rng.normal(size=s), 1), name=n) for n, s in shapes.items()}
    Z1 = (p["W1"] @ p["x"]).named("Z1")
    H1 = ops.sigmoid(Z1).named("H1")
    Z2 = (p["W2"] @ H1).named("Z2")
    H2 = ops.sigmoid(Z2).named("H2")
    y = ops.sigmoid((p["W3"] @ H2).named("Z3")).named("y")
    return ops.sum(-ops.log(y)).named("L")


SETS = {
    "seed0": Set(
        "a sigmoid neuron with half a squared error", neuron,
        (("formula", "w1", "-(y - a) * a * (1 - a) * x1"),
         ("formula", "b", "-(y - a) * a * (1 - a)"),
         ("formula", "x2", "-(y - a) * a * (1 - a) * w2")),
    ),
    "seed1": Set(
        "the product of a sum: (x + y) z", product,
        (("formula", "x", "z"), ("formula", "z", "q")),
    ),
    "seed2": Set(
        "two layers with relu and the mean squared error", two_layers,
        (("formula", "b1", "2/N * sum((e @ w2.T) * (u1 > 0), axis=0)"),
         ("formula", "x", "2/N * ((e @ w2.T) * (u1 > 0)) @ w1.T"),
         ("formula", "w2", "2/N * u2.T @ e"),
         ("formula", "b2", "2/N * sum(e, axis=0)"),
         ("formula", "w1", "2/N * x.T @ ((e @ w2.T) * (u1 > 0))"),
         ("code", "w1", ""), ("code", "u2", ""), ("code", "b1", "")),
    ),
    "seed3": Set(
        "three layers of sigmoids and the cross-entropy", classifier,
        (("formula", "Z3", "y - 1"), ("formula", "W3", "(y - 1) @ H2.T"),
         ("formula", "Z2", "(W3.T @ (y - 1)) * H2 * (1 - H2)"),
         ("code", "W1", ""), ("code", "Z1", "")),
    ),
}  # fmt: skip


def practice_set(
    name: str, kinds: object = None, count: int | None = None, seed: int = 0
) -> Practice:
    """A ready-made set: its own questions first, then `count` in all, drawn by `seed`.

    Raises: UsageError for a name that is not known.

    >>> [e.question for e in practice_set("seed1", count=2)]
    ['What is ∂L/∂x, as a formula?', 'What is ∂L/∂z, as a formula?']
    """
    if name not in SETS:
        advice = did_you_mean(name, SETS, f"there are {', '.join(SETS)}")
        raise UsageError(f"practice: there is no set {name!r}; {advice}")
    chosen = SETS[name]
    loss = chosen.make()
    if kinds is not None:
        return practice(loss, kinds=kinds, count=count or 10, seed=seed)
    s = Subject(loss)
    by_name = {n: t for t, n in s.names.items()}
    own = [_own(s, kind, by_name[of], answer) for kind, of, answer in chosen.first]
    count = max(10, len(own)) if count is None else count
    asked = {e.question for e in own}
    rest = [e for e in practice(loss, count=100, seed=seed) if e.question not in asked]
    return Practice(s.given(), tuple([*own, *_mixed(rest)][:count]))


def _own(s: Subject, kind: str, t: Tensor, answer: str) -> Exercise:
    made = formula_exercise(s, t, answer) if kind == "formula" else code_exercise(s, t)
    if made is None:
        raise UsageError(f"practice: {answer or kind} is no answer for {s.names[t]}")
    return made


def _mixed(exercises: list[Exercise]) -> list[Exercise]:
    """One of each kind after the other."""
    by_kind: dict[str, list[Exercise]] = {}
    for e in exercises:
        by_kind.setdefault(e.kind, []).append(e)
    longest = max(map(len, by_kind.values()), default=0)
    return [e[k] for k in range(longest) for e in by_kind.values() if k < len(e)]
