"""Read what was computed as steps: value, upstream, local and downstream gradient of every node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..graph.chain import pull
from ..graph.node import Pick
from ..graph.op import Op
from ..graph.walk import order
from ..ops import Elementwise, Reduce
from ..ops.contract import Matmul
from ..ops.family import Move
from .numbers import short
from .wording import operation

LETTERS = ("u", "v", "n", "k", "node_")  # steps are u1, u2, ... unless variables are called so


@dataclass
class Operand:
    """One way down from a node: what it multiplies by, and what arrives."""

    name: str
    local: Any = None  # None: the rule is not a product with an array; `words` say what it is
    downstream: Any = None  # None: no gradient flows here
    words: str = ""


@dataclass
class Step:
    """One node of the computation, with its numbers."""

    name: str
    operation: str
    value: Any
    upstream: Any = None
    parts: list[tuple[str, Any]] = field(default_factory=list)  # who sent how much of it
    operands: list[Operand] = field(default_factory=list)
    is_variable: bool = False


class PassOn(Op):
    """The value itself: marks one operand's place, to see the gradient that goes there."""

    def grad(self, g: Any, y: Any, x: Any) -> tuple:
        return (g,)

    def mask_down(self, mask: Any, y: Any, xs: list) -> list:
        return [mask]


class Place:
    """A stand-in for a tensor, or for one operand of one, that the chain rule can walk over."""

    def __init__(self, tensor: Tensor, op: Op, inputs: tuple[Place, ...]):
        self.tensor, self.op, self.inputs = tensor, op, inputs
        self.spec = tensor.spec

    @property
    def dtype(self) -> Any:
        """The dtype of the value."""
        return self.tensor.dtype

    @property
    def flows(self) -> bool:
        """Whether a gradient passes through."""
        return self.tensor.flows

    @property
    def value(self) -> Any:
        """The numbers."""
        return self.tensor._value


def steps(output: Tensor, variables: Sequence[Tensor]) -> list[Step]:
    """Every node that `output` came from, variables first, with all gradients.

    One sweep of the same chain rule that trains networks, over stand-ins that keep apart what
    each operand receives.
    Shapes: `output` is one number.
    """
    nodes = order((output,))
    reached = set(nodes)
    used = [v for v in variables if v in reached]
    made = [n for n in nodes if n.inputs]
    shown = used + made
    names = _names(made, used)
    places: dict[Tensor, Place] = {}
    for n in nodes:
        places[n] = Place(n, n.op, tuple(_edge(n, places[i]) for i in n.inputs))
    seed = {places[output]: np.ones(output.shape, output.dtype)}
    kept: dict = {}
    with np.errstate(all="ignore"):
        pull(_walk(nodes, places), seed, [places[v] for v in used], attrgetter("value"), kept)
        return [_step(n, places[n], names, kept, nodes, places) for n in shown]


def _walk(nodes: list[Tensor], places: dict[Tensor, Place]) -> list[Place]:
    # In the order of the tensors: gradients that meet are added in the same order as in
    # `backward`, and so to the same bits.
    walk: list[Place] = []
    for n in nodes:
        if not isinstance(n.op, Pick):
            walk += reversed(places[n].inputs)
        walk.append(places[n])
    return walk


def _edge(n: Tensor, operand: Place) -> Place:
    if isinstance(n.op, Pick):  # its values come back together, in the node itself
        return operand
    return Place(operand.tensor, PassOn(), (operand,))


def _names(made: list[Tensor], used: list[Tensor]) -> dict[Tensor, str]:
    names = {v: v.name or "" for v in used}
    taken = set(names.values())
    numbers = range(1, len(made) + 1)
    letter = next(c for c in LETTERS if not any(f"{c}{k}" in taken for k in numbers))
    return names | {n: f"{letter}{k}" for n, k in zip(made, numbers, strict=True)}


def _step(n: Tensor, place: Place, names: Mapping, kept: dict, nodes: list, places: dict) -> Step:
    operands = [names.get(i) or _constant(i) for i in n.inputs]
    step = Step(
        names[n],
        operation(n.op, operands) if n.inputs else "given",
        n._value,
        kept.get(place),
        is_variable=not n.inputs,
    )
    for reader in nodes:
        for edge in places[reader].inputs:
            if edge.inputs == (place,) and isinstance(edge.op, PassOn) and edge in kept:
                step.parts.append((names[reader], kept[edge]))
    for k, edge in enumerate(place.inputs):
        if n.inputs[k] in names and not isinstance(n.op, Pick):
            local = local_gradient(n, k) if edge in kept else None
            words = "" if local is not None else _rule(n, k, operands)
            step.operands.append(Operand(names[n.inputs[k]], local, kept.get(edge), words))
    return step


def _rule(n: Tensor, k: int, operands: list[str]) -> str:
    """How the downstream gradient comes about, where it is no product element by element."""
    if isinstance(n.op, Matmul) and [i.ndim for i in n.inputs] in ([2, 2], [2, 1]):
        a, b = operands
        left = f"G @ {b}.T" if n.inputs[1].ndim == 2 else f"outer(G, {b})"
        return (left, f"{a}.T @ G")[k]
    return n.op.words


def _constant(i: Tensor) -> str:
    return short(i._value)


def local_gradient(n: Tensor, k: int) -> Any:
    """What an operand's gradient is the upstream gradient times, where that is an array."""
    xs = [i._value for i in n.inputs]
    if isinstance(n.op, Elementwise):
        local = n.op.local(n._value, *xs)[k]
        local = local() if callable(local) else local
        return None if local is None else np.asarray(local, np.float64)
    if type(n._value) is tuple:
        return None
    if n.size == 1 or isinstance(n.op, (Reduce, Move)):
        wanted = [i == k for i in range(len(xs))]
        return n.op.pull(np.ones(n.shape, n.dtype), n._value, xs, wanted)[k]
    return None
