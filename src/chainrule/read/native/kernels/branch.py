"""A branch as code: one of two functions is called, each with a table of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..program import Branch, Buffer, Program, View, whole
from ..vector import Writer, pointers_of, scalar_type


def planned(planner: Any, node: Any, then: Program, other: Program, picks: list) -> Branch | None:
    """The kernel of a cond; None where one of its bodies asks for NumPy."""
    if not (then.native and other.native):
        return None
    operands = [planner.gapless(i) for i in node.inputs]
    room = Buffer(np.dtype(np.uint8), (max(then.arena, other.arena, 1),))
    return Branch(node, operands, [*(planner.home(p) for p in picks), whole(room)], then, other)


def branch(kernel: Branch, names: tuple[str, str]) -> Writer:
    """The function that calls one of these two."""
    w = Writer()
    pointers = pointers_of(w, [*kernel.operands, *kernel.stores])

    def begin(v: View) -> str:
        at = v.buffer.start + v.offset * v.dtype.itemsize
        return w.put(f"getelementptr inbounds i8, ptr {pointers[v.buffer.slot]}, i64 {at}", "p")

    condition, *given = kernel.operands
    *outs, room = kernel.stores
    places = [begin(v) for v in (room, *given, *outs)]
    w.line(f"  %inner = alloca [{len(places)} x ptr]")
    for k, place in enumerate(places):
        slot = w.put(f"getelementptr inbounds ptr, ptr %inner, i64 {k}", "s")
        w.line(f"  store ptr {place}, ptr {slot}")
    kind = "i8" if condition.dtype.kind == "b" else scalar_type(condition.dtype)
    c = w.put(f"load {kind}, ptr {begin(condition)}")
    test = f"fcmp une {kind} {c}, 0.0" if condition.dtype.kind == "f" else f"icmp ne {kind} {c}, 0"
    w.line(f"  br i1 {w.put(test)}, label %then, label %other")
    for label, name in zip(("then", "other"), names, strict=True):
        w.line(f"{label}:")
        w.line(f"  call void @{name}(ptr %inner)")
        w.line("  br label %done")
    w.line("done:")
    return w
