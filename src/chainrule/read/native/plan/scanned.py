"""The kernel of a scan: where its carries go from step to step, and in how many parts it runs."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ....graph.node import Node, Pick
from ....graph.walk import Graph
from ....ops.scan import Scan
from ..program import Buffer, Program, Steps, Trail, View, whole
from ..work import of_program
from .donate import in_time
from .place import views_of
from .prepacked import laid_out
from .split import split

FAR = 1 << 20  # bytes of stacked rows from which on those of the next step are asked for early
WORTH_PANELS = 4  # steps from which on the constants of products are laid out before the scan
WORTH_PARTS = 2_000_000  # floating-point operations of a scan from which on threads share it


def planned(planner: Any, node: Node) -> bool:
    """A scan as a loop in machine code, if all of its body can be."""
    op = node.op
    picks = [Node(Pick(k), (node,)) for k in range(len(node.spec))]
    used = {n for n in planner.graph.order if type(n.op) is Pick and n.inputs[0] is node}
    carried, made = op.body.outputs[: op.carries], op.body.outputs[op.carries :]
    after = {k: next((j for j, c in enumerate(carried) if c is y), None)
             for k, y in enumerate(made)}  # fmt: skip
    own = [k for k in after if after[k] is None]
    inner = Graph(op.body.inputs, (*carried, *(made[k] for k in own)))
    body, parts = _in_parts(planner, inner, op)
    if not body.native or not op.length:
        return False
    carries, xs, constants = _handed(planner, node, body)
    starts = picks[len(op.body.outputs) :]
    trails = [
        Trail(whole(Buffer(c.dtype, (op.length + 1, *c.shape))), op.reverse)
        if start in used or k in after.values() else None
        for k, (c, start) in enumerate(zip(carried, starts, strict=True))
    ]  # fmt: skip
    last = [planner.home(p) if t is None else t.last for p, t in zip(picks, trails, strict=False)]
    stays = [t is None and in_time(body, *ends) for t, ends in zip(
        trails, zip(body.inputs, body.outputs, strict=False), strict=False
    )]  # fmt: skip
    spare = [
        v if stay else whole(Buffer(v.dtype, v.shape)) for v, stay in zip(last, stays, strict=True)
    ]
    ys = [planner.home(picks[op.carries + k]) for k in own]
    arena = whole(Buffer(np.dtype(np.uint8), (body.arena * parts,)))
    _look_ahead(body, op, xs, ys, trails)
    views = (body, carries, xs, constants, last, ys, trails, spare, arena)
    handed = zip(inner.inputs[op.carries :], body.inputs[op.carries :], xs, strict=False)
    apart = [parts > 1 and i.shape != b.shape for i, b, _ in handed]
    planner.kernels.append(Steps(*views, op.length, op.reverse, parts, apart, stays))
    mine = iter(ys)
    kept: list[Any] = trails
    stacks = [next(mine) if j is None else kept[j].after for j in after.values()]
    planner.several[node] = [*last, *stacks, *(t and t.before for t in trails)]
    planner.after[node] = len(planner.kernels)
    return True


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


def _handed(planner: Any, node: Node, body: Program) -> list[list[View]]:
    """Carries, xs and constants in memory without gaps; where only panels are read, those."""
    read = {v.buffer for kernel in body.kernels for v in views_of(kernel)}
    views = [
        planner.gapless(i) if b in read else planner.read(i)
        for i, b in zip(node.inputs, body.inputs, strict=False)
    ]
    carries, xs, constants = node.op.split(views)
    laid = [laid_out(planner, node.inputs[p.place], p) for p in body.panels]
    return [carries, xs, [*constants, *laid]]


def _in_parts(planner: Any, body: Graph, op: Scan) -> tuple[Program, int]:
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
