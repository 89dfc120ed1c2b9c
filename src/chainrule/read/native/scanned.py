"""The kernel of a scan: where its carries go from step to step, and in how many parts it runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.node import Node, Pick
from ...graph.walk import Graph
from ...ops.scan import Scan
from .program import Buffer, Program, Steps, Trail, whole
from .split import split
from .work import of_program

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
    carries, xs, constants = op.split([planner.gapless(i) for i in node.inputs])
    starts = picks[len(op.body.outputs) :]
    trails = [
        Trail(whole(Buffer(c.dtype, (op.length + 1, *c.shape))), op.reverse)
        if start in used or k in after.values() else None
        for k, (c, start) in enumerate(zip(carried, starts, strict=True))
    ]  # fmt: skip
    last = [planner.home(p) if t is None else t.last for p, t in zip(picks, trails, strict=False)]
    spare = [whole(Buffer(v.dtype, v.shape)) for v in last]
    ys = [planner.home(picks[op.carries + k]) for k in own]
    arena = whole(Buffer(np.dtype(np.uint8), (body.arena * parts,)))
    views = (body, carries, xs, constants, last, ys, trails, spare, arena)
    planner.kernels.append(Steps(*views, op.length, op.reverse, parts))
    mine = iter(ys)
    kept: list[Any] = trails
    stacks = [next(mine) if j is None else kept[j].after for j in after.values()]
    planner.several[node] = [*last, *stacks, *(t and t.before for t in trails)]
    planner.after[node] = len(planner.kernels)
    return True


def _in_parts(planner: Any, body: Graph, op: Scan) -> tuple[Program, int]:
    """The program of a scan's body: for a part of the batch, if that is worth the threads."""
    whole = planner.body(body, planner.threads)
    if planner.threads < 2 or "split" in planner.without or not whole.native:
        return whole, 1
    if of_program(whole).operations * op.length < WORTH_PARTS:
        return whole, 1
    constants = len(body.inputs) - op.carries - op.xs
    for parts in range(planner.threads, 1, -1):
        part = split(body, constants, parts)
        if part is not None:
            return planner.body(part, 1), parts
    return whole, 1
