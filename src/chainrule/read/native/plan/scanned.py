"""The kernel of a scan: where its carries go from step to step, and in how many parts it runs.

Data in: a scan's node, its operands planned. Data out: a `Steps` among the kernels, with a program
for its body. A carry goes one of three ways:

    a trail    row 0 ─▶ row 1 ─▶ row 2 …      somebody reads what it was at every step
    it stays   one place, written over        the body reads it last where it writes the next one
    by turns   last ⇄ spare                   all others: the step reads one and writes the other
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ....graph.node import Node, Pick
from ....graph.walk import Graph
from ....ops.scan import Scan
from ..program import Buffer, Program, Steps, Trail, View, whole
from ..work import of_program
from .donate import in_time
from .panels import laid_out
from .place import views_of
from .split import split

if TYPE_CHECKING:
    from .planner import Planner

FAR = 1 << 20  # bytes of stacked rows from which on those of the next step are asked for early
WORTH_PANELS = 4  # steps from which on the constants of products are laid out before the scan
WORTH_PARTS = 2_000_000  # floating-point operations of a scan from which on threads share it


class _Ys(NamedTuple):
    """The stacked values of a scan: those that its body makes, and those that carries are."""

    own: list[int]
    carry: dict[int, int | None]  # for each y the carry that it is after the step, if it is one

    @classmethod
    def of(cls, op: Scan) -> _Ys:
        """Those of this scan."""
        carried, made = op.body.outputs[: op.carries], op.body.outputs[op.carries :]
        carry = {k: next((j for j, c in enumerate(carried) if c is y), None)
                 for k, y in enumerate(made)}  # fmt: skip
        return cls([k for k in carry if carry[k] is None], carry)


def planned(planner: Planner, node: Node) -> bool:
    """A scan as a loop in machine code, if all of its body can be; whether it can."""
    op = node.op
    outputs, ys = op.body.outputs, _Ys.of(op)
    kept = (*outputs[: op.carries], *(outputs[op.carries + k] for k in ys.own))
    inner = Graph(op.body.inputs, kept)
    body, parts = _in_parts(planner, inner, op)
    if not body.native or not op.length:
        return False
    carries, xs, constants = _handed(planner, node, body)
    picks = [Node(Pick(k), (node,)) for k in range(len(node.spec))]
    trails = _trails(planner, node, picks, ys)
    last = [planner.home(p) if t is None else t.last for p, t in zip(picks, trails, strict=False)]
    ends = zip(body.inputs, body.outputs, strict=False)
    stays = [t is None and in_time(body, *e) for t, e in zip(trails, ends, strict=False)]
    spare = [
        v if stay else whole(Buffer(v.dtype, v.shape)) for v, stay in zip(last, stays, strict=True)
    ]
    stacks = [planner.home(picks[op.carries + k]) for k in ys.own]
    _look_ahead(body, op, xs, stacks, trails)
    arena = whole(Buffer(np.dtype(np.uint8), (body.arena * parts,)))
    handed = zip(inner.inputs[op.carries :], body.inputs[op.carries :], xs, strict=False)
    apart = [parts > 1 and i.shape != b.shape for i, b, _ in handed]
    planner.kernels.append(Steps(
        body, carries, xs, constants, last, stacks, trails, spare, arena, op.length, op.reverse,
        parts, apart, stays,
    ))  # fmt: skip
    mine = iter(stacks)
    rows: list[Any] = trails  # of a carry that nobody asks for step by step: None, nor is it picked
    values = [next(mine) if j is None else rows[j].after for j in ys.carry.values()]
    planner.several[node] = [*last, *values, *(t and t.before for t in rows)]
    planner.after[node] = len(planner.kernels)
    return True


def _trails(planner: Planner, node: Node, picks: list[Node], ys: _Ys) -> list[Trail | None]:
    """For each carry the rows that it goes along, if somebody reads what it was at every step."""
    op = node.op
    read = {n for n in planner.graph.order if type(n.op) is Pick and n.inputs[0] is node}
    starts = picks[len(op.body.outputs) :]
    return [
        Trail(whole(Buffer(c.dtype, (op.length + 1, *c.shape))), op.reverse)
        if start in read or k in ys.carry.values() else None
        for k, (c, start) in enumerate(zip(op.body.outputs[: op.carries], starts, strict=True))
    ]  # fmt: skip


def _look_ahead(body: Program, op: Scan, xs: list, ys: list, trails: list) -> None:
    """Where the body finds what its next step reads and writes, if that is far from the core."""
    first = op.carries
    rows = [
        *zip(body.inputs[first:], xs, strict=False),
        *zip(body.outputs[first:], ys, strict=True),
    ]
    rows += [(b, t.rows) for b, t in zip(body.outputs, trails, strict=False) if t is not None]
    if sum(v.buffer.bytes for _, v in rows) > FAR:
        for buffer, v in rows:
            buffer.ahead = (-1 if op.reverse else 1) * prod(v.shape[1:]) * v.dtype.itemsize


def _handed(planner: Planner, node: Node, body: Program) -> list[list[View]]:
    """Carries, xs and constants in memory without gaps; where only panels are read, those."""
    read = {v.buffer for kernel in body.kernels for v in views_of(kernel)}
    views = [
        planner.gapless(i) if b in read else planner.read(i)
        for i, b in zip(node.inputs, body.inputs, strict=False)
    ]
    carries, xs, constants = node.op.split(views)
    laid = [laid_out(planner, node.inputs[p.place], p) for p in body.panels]
    return [carries, xs, [*constants, *laid]]


def _in_parts(planner: Planner, body: Graph, op: Scan) -> tuple[Program, int]:
    """The program of a scan's body: for a part of the batch, if that is worth the threads."""
    constants = len(body.inputs) - op.carries - op.xs
    fixed = constants if op.length >= WORTH_PANELS else 0
    whole = planner.body(body, planner.threads, fixed)
    if planner.threads < 2 or "split" in planner.without or not whole.native:
        return whole, 1
    if of_program(whole).operations * op.length < WORTH_PARTS:
        return whole, 1
    for parts in range(planner.threads, 1, -1):
        part = split(body, constants, parts)
        if part is not None:
            return planner.body(part, 1, fixed), parts
    return whole, 1
