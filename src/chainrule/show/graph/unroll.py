"""Loops written out: every step of a scan as operations of its own, with its own numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...eager.tensor import FIXED, Tensor, leaf
from ...graph.node import Node, Pick, as_node
from ...graph.op import Spec
from ...graph.walk import Graph, order, replay_node
from ...ops.family import Move
from ...ops.scan import Scan
from .sheet import Key
from .signs import assigned

LONGEST = 24  # steps of a loop that are written out
MOST = 1500  # operations that writing out may make


class Stacked(Move):
    """The values of all steps, one below the other."""

    name = "stack"
    words = "hands every step its own part of the gradient"

    def forward(self, xp: Any, *xs: Any) -> Any:
        return xp.stack(xs)

    def spec(self, *xs: Spec) -> Spec:
        return Spec((len(xs), *xs[0].shape), xs[0].dtype)

    def grad(self, g: Any, y: Any, *xs: Any) -> tuple:
        return tuple(g[k] for k in range(len(xs)))


stacked = Stacked()


@dataclass
class Unrolled:
    """What loops were written out to: the new outputs, what stands for what, and the boxes."""

    outputs: list[Any]
    made: dict[Any, Any]
    path: dict[Any, tuple] = field(default_factory=dict)
    titles: dict[Key, str] = field(default_factory=dict)


def unrolled(outputs: Sequence[Any], owned: Mapping[Any, tuple] | None = None) -> Unrolled | None:
    """The same computation with its short scans written out; None where there are none.

    `owned` are the boxes of the old nodes, which the new ones lie in too.
    """
    nodes = order(outputs)
    loops = [n for n in nodes if isinstance(n.op, Scan) and 0 < n.op.length <= LONGEST]
    work = sum(n.op.length * len(n.op.body.order) for n in loops)
    if not loops or work > MOST:
        return None
    done, written = Unrolled([], {}), set(loops)
    owned = owned or {}
    for n in nodes:
        if not n.inputs:
            done.made[n] = n
            continue
        operands = [done.made[i] for i in n.inputs]
        if n in written:
            done.made[n] = _steps(n.op, operands, len(done.titles), owned.get(n, ()), done)
        elif isinstance(n.op, Pick):
            source = operands[0]
            done.made[n] = source[n.op.index] if isinstance(source, tuple) else n
        else:
            done.made[n] = again = _again(n, operands)
            if again is not n and n in owned:
                done.path[again] = owned[n]
        if not isinstance(done.made[n], tuple) and done.made[n] is n and n in owned:
            done.path[n] = owned[n]
    done.outputs = [done.made[y] for y in outputs]
    return done


def is_step(group: Key) -> bool:
    """Whether a box is one step of a loop."""
    return isinstance(group, str) and group.startswith("loop ") and ", step " in group


def _again(n: Any, operands: list) -> Any:
    """The same op, line and name of other operands."""
    if all(a is b for a, b in zip(n.inputs, operands, strict=True)):
        return n
    if type(n) is Node:
        return Node(n.op, tuple(operands), n.line)
    made = Tensor(n._value, n.op, tuple(operands), n.line)
    made._label = n.name
    return made


def _steps(op: Scan, operands: list, count: int, owner: tuple, done: Unrolled) -> tuple:
    """The values of a scan, step by step: its last carries, its stacked outputs, its starts."""
    loop = f"loop {count + 1}"
    done.titles[loop] = f"loop of {op.length} steps"
    carry, end = operands[: op.carries], op.carries + op.xs
    known = set(order([x for x in operands if hasattr(x, "op")]))
    rows: dict[int, list] = {}
    words = assigned([n for n in op.body.order if n.inputs])
    for t in op.steps:
        step = f"{loop}, step {t + 1}"
        done.titles[step] = f"step {t + 1}"
        before = carry
        now = [x[t] for x in operands[op.carries : end]]
        values = [*carry, *now, *operands[end:]]
        made = _replayed(op.body, values, operands, {n: f"{w}{t + 1}" for n, w in words.items()})
        carry, rows[t] = made[: op.carries], [*made[op.carries :], *before]
        for n in order([y for y in made if hasattr(y, "op")], known):
            if n not in known:
                known.add(n)
                if n.inputs:
                    done.path[n] = (*owner, loop, step)
    columns = zip(*(rows[t] for t in range(op.length)), strict=True)
    return (*carry, *(_stacked(column, done, (*owner, loop), known) for column in columns))


def _replayed(body: Graph, values: list, operands: list, names: Mapping[Node, str]) -> list:
    """The body's ops of these values, each with the user's line that the body has, and a name."""
    made: dict[Any, Any] = dict(zip(body.inputs, values, strict=True))
    for n in body.order:
        if n in made:
            continue
        made[n] = y = replay_node(n, [made[i] for i in n.inputs])
        if type(y) is Tensor:
            y.line, y._label = n.line, names.get(n)
    return [_lifted(made[y], operands) for y in body.outputs]


def _stacked(rows: Sequence[Any], done: Unrolled, path: tuple, known: set) -> Any:
    """The rows of a value put together, which lies in the loop's box."""
    made = stacked(*rows)
    for n in order([made], known):
        if n not in known and n.inputs:
            known.add(n)
            done.path[n] = path
    return made


def _lifted(y: Any, operands: list) -> Any:
    """What a body returned, as what the loop is made of: constants are lifted too."""
    if hasattr(y, "op"):
        return y
    return as_node(y) if any(type(x) is Node for x in operands) else leaf(y, FIXED)
