"""Read what was computed as steps: value, upstream, local and downstream gradient of every node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from operator import attrgetter
from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..graph.caller import Line
from ..graph.chain import pull
from ..graph.node import Pick
from ..graph.op import Op
from ..graph.walk import order
from ..ops import Elementwise, Reduce
from ..ops.contract import Matmul
from ..ops.family import Move
from ..read.code.program import roles
from .numbers import short
from .paper import Paper
from .wording import operation


@dataclass(frozen=True, eq=False)
class Operand:
    """One way down from a node: what it multiplies by, and what arrives."""

    name: str
    local: Any = None  # None: the rule is not a product with an array; `words` say what it is
    downstream: Any = None  # None: no gradient flows here
    words: str = ""


@dataclass(frozen=True, eq=False)
class Step:
    """One node of the computation, with its numbers."""

    name: str
    operation: str
    value: Any
    upstream: Any = None
    parts: tuple[tuple[str, Any], ...] = ()  # who sent how much of it
    operands: tuple[Operand, ...] = ()
    is_variable: bool = False
    words: str = ""  # what the op does to a gradient
    line: Line | None = None  # the user's


class PassOn(Op):
    """The value itself: marks one operand's place, to see the gradient that goes there."""

    def grad(self, g: Any, y: Any, x: Any) -> tuple:
        return (g,)

    def mask_down(self, mask: Any, y: Any, xs: list) -> list:
        return [mask]


class Place:
    """A stand-in for a tensor, or for one operand of one, that the chain rule can walk over."""

    def __init__(self, tensor: Tensor, op: Op, inputs: tuple[Place, ...], value: Any):
        self.tensor, self.op, self.inputs, self.value = tensor, op, inputs, value
        self.spec = tensor.spec

    @property
    def dtype(self) -> Any:
        """The dtype of the value."""
        return self.tensor.dtype

    @property
    def flows(self) -> bool:
        """Whether a gradient passes through."""
        return self.tensor.flows


def steps(
    output: Tensor, variables: Sequence[Tensor], values: Mapping[Tensor, Any] | None = None
) -> list[Step]:
    """Every node that `output` came from, variables first, with all gradients.

    One sweep of the same chain rule that trains networks, over stand-ins that keep apart what
    each operand receives. `values` may hold other numbers than the tensors' own, such as those
    of paper arithmetic; the gradients are then computed as they are.
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
        value = n._value if values is None else values[n]
        places[n] = Place(n, n.op, tuple(_edge(n, places[i]) for i in n.inputs), value)
    kept: dict = {}
    with np.errstate(all="ignore"):
        seed = {places[output]: as_paper(np.ones(output.shape, output.dtype), values, output)}
        pull(_walk(nodes, places), seed, [places[v] for v in used], attrgetter("value"), kept)
        sent = _sent(nodes, places)
        return [_step(n, places[n], names, kept, sent.get(places[n], ())) for n in shown]


def _sent(nodes: list[Tensor], places: dict[Tensor, Place]) -> dict[Place, list]:
    """Of every place, who reads it, and the edge that the gradient comes back along."""
    found: dict[Place, list] = {}
    for reader in nodes:
        for edge in places[reader].inputs:
            if isinstance(edge.op, PassOn):
                found.setdefault(edge.inputs[0], []).append((reader, edge))
    return found


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
    return Place(operand.tensor, PassOn(), (operand,), operand.value)


def _names(made: list[Tensor], used: list[Tensor]) -> dict[Tensor, str]:
    names = {n: n.name for n in (*used, *made) if n.name}
    taken = set(names.values())
    if len(taken) < len(names):  # two of one name would be told apart by nothing
        seen: set[str] = set()
        names = {n: w for n, w in names.items() if not (w in seen or seen.add(w))}
    parts = roles(order(made))  # what a layer multiplies by is w1, as in code
    for letter in "xwb":
        alike = [v for v in used if v not in names and parts.get(v, "x") == letter]
        names |= _numbered(alike, letter, taken)
    return names | _numbered([n for n in made if n not in names], "u", taken)


def _numbered(nodes: list[Tensor], letter: str, taken: set[str]) -> dict[Tensor, str]:
    """What has no name is u1, u2, ...: the names that code and derivations give it too."""
    free = (w for k in count(1) if (w := f"{letter}{k}") not in taken)
    return dict(zip(nodes, free, strict=False))


def _step(n: Tensor, place: Place, names: Mapping, kept: dict, sent: Sequence) -> Step:
    operands = [names.get(i) or _constant(i) for i in n.inputs]
    parts = tuple((names[reader], plain_value(kept[edge])) for reader, edge in sent if edge in kept)
    ways = []
    for k, edge in enumerate(place.inputs):
        if n.inputs[k] in names and not isinstance(n.op, Pick):
            local = local_gradient(place, k) if edge in kept else None
            words = "" if local is not None else _rule(n, k, operands)
            down = plain_value(kept.get(edge))
            ways.append(Operand(names[n.inputs[k]], local, down, words))
    return Step(
        names[n],
        operation(n.op, operands) if n.inputs else "given",
        plain_value(place.value),
        plain_value(kept.get(place)),
        parts,
        tuple(ways),
        not n.inputs,
        n.op.words,
        Line(*n.line) if n.line is not None else None,
    )


def _rule(n: Tensor, k: int, operands: list[str]) -> str:
    """How the downstream gradient comes about, where it is no product element by element."""
    if isinstance(n.op, Matmul) and [i.ndim for i in n.inputs] in ([2, 2], [2, 1]):
        a, b = operands
        left = f"G @ {b}.T" if n.inputs[1].ndim == 2 else f"outer(G, {b})"
        return (left, f"{a}.T @ G")[k]
    return n.op.words


def _constant(i: Tensor) -> str:
    return short(i._value)


def local_gradient(n: Place, k: int) -> Any:
    """What an operand's gradient is the upstream gradient times, where that is an array."""
    xs = [i.value for i in n.inputs]
    if isinstance(n.op, Elementwise):
        local = n.op.local(n.value, *xs)[k]
        local = local() if callable(local) else local
        return None if local is None else np.asarray(plain_value(local), np.float64)
    if type(n.value) is tuple:
        return None
    if n.tensor.size == 1 or isinstance(n.op, (Reduce, Move)):
        wanted = [i == k for i in range(len(xs))]
        one = np.ones(n.tensor.shape, n.dtype)
        one = Paper(one, n.value.digits) if isinstance(n.value, Paper) else one
        return plain_value(n.op.pull(one, n.value, xs, wanted)[k])
    return None


def as_paper(x: Any, values: Mapping[Tensor, Any] | None, output: Tensor) -> Any:
    """`x` in the arithmetic that the output was computed in."""
    found = None if values is None else values[output]
    return Paper(x, found.digits) if isinstance(found, Paper) else x


def plain_value(x: Any) -> Any:
    """The numbers of a value in whatever arithmetic."""
    if isinstance(x, (tuple, list)):
        return type(x)(plain_value(v) for v in x)
    return x._value if isinstance(x, Paper) else x
