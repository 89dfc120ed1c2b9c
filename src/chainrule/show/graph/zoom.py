"""One node, seen from near: upstream in, local gradients, downstream = upstream × local."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...eager.tensor import Tensor
from ...graph.errors import UsageError
from ...study.numbers import minus
from .figures import factor, figure, line, term
from .sheet import Item, Out, Row, Sheet
from .signs import letter
from .tape import Told, sheet_of

LONGEST = 30  # characters of a product that is written in one line


def zoomed(told: Told, name: str) -> tuple[Sheet, tuple[str, ...]]:
    """The sheet of one node with its neighbours, and what is said of it in words."""
    node = _found(told, name)
    whole = sheet_of(told).by_key
    if told.keys[node] not in whole:  # one of several values: the node that has them
        node = node.inputs[0]
    center = whole[told.keys[node]]
    before = [_operand(node, k, told, whole) for k in range(len(center.rows))]
    rows = [Row(("before", k), 0, r.local, dead=r.dead) for k, r in enumerate(center.rows)]
    after = _readers(node, told, whole)
    kind = "op" if node.inputs else center.kind
    middle = Item(center.key, kind, center.sign, center.name, center.over, center.under, rows,
                  center.outs, center.head, center.told, center.warn)  # fmt: skip
    items = [*before, middle, *after]
    words = _words(node, told, center)
    return Sheet(items, f"The node {letter(name)}", " ".join(words), True, len(told.nodes)), words


def _found(told: Told, name: str) -> Tensor:
    for n, known in told.names.items():
        if known == name:
            return n
    names = list(told.names.values())
    listed = ", ".join(names[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "")
    raise UsageError(f"draw: there is no node called {name!r}; there are {listed}")


def _operand(node: Tensor, place: int, told: Told, whole: dict) -> Item:
    row = whole[told.keys[node]].rows[place]
    source = whole[row.source]
    out = source.outs[row.out] if source.outs else Out()
    ways = {o.name: o for o in told.steps[told.names[node]].operands}
    way = ways.get(out.name)
    grad: tuple[str, ...] = ()
    if told.gradients and way is not None and way.downstream is not None and row.local:
        grad = _product(told, node, way, row.local)
    elif told.gradients and row.dead:
        grad = ("no gradient",)
    kind = source.kind if source.kind in ("weight", "fixed", "input") else "near"
    shown = letter(out.name) if out.name else source.sign
    return Item(("before", place), kind, shown, out.name, outs=[
        Out(out.name, out.value, grad, dead=grad == ("no gradient",))],
        head=source.head, told=source.told)  # fmt: skip


def _product(told: Told, node: Tensor, way: Any, local: str) -> tuple[str, ...]:
    g = told.steps[told.names[node]].upstream
    down = figure(way.downstream, told.digits)
    if way.local is not None and np.ndim(g) == 0:
        written = f"← {line(g, told.digits)} {factor(way.local, told.digits)} ="
        if len(down) == 1 and len(written) + len(down[0]) < LONGEST:
            return (f"{written} {down[0]}",)
        return (written, *down)
    return (f"← upstream {local} =" if local[0] == "×" else f"← {local} =", *down)


def _readers(node: Tensor, told: Told, whole: dict) -> list[Item]:
    """Those that read the node: each sends a part of the upstream gradient."""
    found = []
    key = told.keys[node]
    for item in whole.values():
        for k, row in enumerate(item.rows):
            if row.source != key:
                continue
            if item.kind == "end":
                found.append(Item("end", "end", item.sign, "end", rows=[Row(key, row.out)],
                                  head=item.head, told=item.told))  # fmt: skip
                continue
            part = row.part
            found.append(Item(("after", item.key, k), "op", item.sign, f"{item.name}.{k}",
                              item.over, rows=[Row(key, row.out, "", part, dead=row.dead)],
                              head=item.head, told=item.told))  # fmt: skip
    return found


def _words(node: Tensor, told: Told, item: Item) -> tuple[str, ...]:
    step = told.steps.get(item.name)
    if step is None:
        return item.told
    lines = [item.head + (f" = {line(step.value, told.digits)}" if node.inputs else "")]
    if told.gradients and step.upstream is not None:
        total = line(step.upstream, told.digits)
        if len(step.parts) > 1:
            sent = " + ".join(f"{term(g, told.digits)} from {letter(n)}" for n, g in step.parts[:6])
            more = f" + {len(step.parts) - 6} more" if len(step.parts) > 6 else ""
            lines.append(f"Upstream: {sent}{more} = {total}. What several send is added up.")
        else:
            lines.append(f"Upstream: {total}.")
        if node.inputs and step.words:
            lines.append(f"This operation {minus(step.words)}.")
    if item.warn:
        lines.append(f"No derivative {item.warn}.")
    if step.line is not None:
        source = f":  {step.line.source}" if step.line.source else ""
        lines.append(f"made at {step.line}{source}")
    return tuple(lines)
