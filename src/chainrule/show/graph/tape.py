"""A computation with numbers, read as a sheet: from the steps that transcripts are made of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...eager.tensor import FIXED, Tensor
from ...graph.chain import path
from ...graph.node import Pick
from ...graph.walk import order
from ...study.steps import Step, plain_value, steps
from ...study.trace import Trace, card, forward_line
from .figures import by, factor, figure, is_bad, term
from .kinks import kink
from .sheet import Item, Out, Row, Sheet
from .signs import letter, number_of, sign, takes_number, under

PAPER = 7  # digits of what is shown of paper arithmetic, which rounds by itself
PRODUCTS = {  # local gradients of what is no product element by element
    "matmul": ("{g} {b}ᵀ", "{a}ᵀ {g}"),
    "linear": ("δ {b}", "δᵀ {a}", "Σ δ"),
}


@dataclass(frozen=True)
class Told:
    """What a sheet of a tape is made of: the nodes, their names, their steps."""

    nodes: tuple[Tensor, ...]
    names: dict[Tensor, str]
    steps: dict[str, Step]
    values: dict[Tensor, Any]
    digits: int
    gradients: bool  # whether there are any
    asked: frozenset  # what gradients are asked of, and all that depends on it
    weights: frozenset  # the leaves that were named as what gradients are asked of

    @cached_property
    def keys(self) -> dict[Tensor, int]:
        """Of every node the key of its item; a tensor is none, since == of two is a tensor."""
        return {n: k for k, n in enumerate(self.nodes)}

    @cached_property
    def picks(self) -> dict[Tensor, list[Tensor]]:
        """Of every op of several values, those that are read."""
        found: dict[Tensor, list[Tensor]] = {}
        for n in self.nodes:
            if isinstance(n.op, Pick):
                found.setdefault(n.inputs[0], []).append(n)
        return found


def told_of(trace: Trace, weights: Collection[Tensor] = (), digits: int = 4) -> Told:
    """What a trace says."""
    by_name = {s.name: s for s in trace.steps}
    wrt = [n for n in trace.nodes if trace.names.get(n) in trace.gradients]
    values = {n: trace.value_of(n) for n in trace.nodes}
    asked = {*wrt, *(n for n, _ in path(trace.nodes, wrt))}
    digits = digits if trace.digits is None else PAPER
    return Told(trace.nodes, trace.names, by_name, values, digits, True, frozenset(asked),
                frozenset(weights))  # fmt: skip


def told_of_value(output: Tensor, weights: Collection[Tensor] = (), digits: int = 4) -> Told:
    """What is to be said of a value that has no gradient: it is not one float."""
    nodes = tuple(order((output,)))
    given = [n for n in nodes if not n.inputs and n.op is not FIXED and n.dtype.kind == "f"]
    made = [n for n in nodes if n.inputs]
    done = steps(output, given)
    names = {n: s.name for n, s in zip((*given, *made), done, strict=True)}
    return Told(nodes, names, {s.name: s for s in done}, {n: plain_value(n._value) for n in nodes},
                digits, False, frozenset(), frozenset(weights))  # fmt: skip


def sheet_of(told: Told, title: str = "") -> Sheet:
    """The sheet of a computation with its numbers."""
    output = told.nodes[-1]
    readers = _readers(told)
    items = []
    for n in told.nodes:
        if isinstance(n.op, Pick):
            continue
        if not n.inputs:
            if readers.get(n):
                items.append(_leaf(n, told))
        else:
            items.append(_op(n, told, readers))
    if not items:
        items.append(_leaf(output, told))
    items.append(_end(output, told))
    name = letter(output.name) if output.name else "the loss" if told.gradients else "the result"
    computed = sum(1 for n in told.nodes if n.inputs)
    return Sheet(items, title or f"How {name} is computed", _in_words(told, items), True, computed)


def _readers(told: Told) -> dict[Tensor, list[Tensor]]:
    """Who reads what, where a number beside a sign is no reading."""
    found: dict[Tensor, list[Tensor]] = {}
    for n in told.nodes:
        for i, number in zip(n.inputs, _numbers(n), strict=True):
            if number is None:
                found.setdefault(i, []).append(n)
    return found


def _numbers(n: Tensor) -> list[str | None]:
    if not takes_number(n.op, len(n.inputs)):
        return [None] * len(n.inputs)
    numbers = [number_of(i) for i in n.inputs]
    return numbers if None in numbers else [None] * len(n.inputs)


def _leaf(n: Tensor, told: Told) -> Item:
    name = told.names.get(n, "")
    if not name:
        return _fixed(n, told)
    step = told.steps[name]
    kind = "weight" if n in told.weights else "input"
    out = _out(n, step, told)
    what = "parameter" if kind == "weight" else "input"
    head = f"{name}, {what}{_sized(n)}"
    bad = "it holds what is not finite" if is_bad(told.values[n]) else ""
    return Item(told.keys[n], kind, letter(name), name, outs=[out], head=head,
                told=_card(n, step, told), warn=bad, size=n.size)  # fmt: skip


def _fixed(n: Tensor, told: Told) -> Item:
    value = told.values[n]
    shown = figure(value, told.digits)
    single = np.ndim(value) == 0
    label = letter(n.name) if n.name else shown[0] if single else "constant"
    given = n.op is not FIXED  # handed in, but no float: nothing can be asked of it
    dead = given and told.gradients
    out = Out(n.name or "", () if single and not n.name else _arrowed("→ ", shown),
              ("no gradient",) if dead else (), dead=dead)  # fmt: skip
    head = f"{n.name or 'a constant'}{_sized(n)}"
    why = f"It is {n.dtype}; only floats have gradients." if dead else "No gradient is asked of it."
    words = ("value " + ", ".join(shown), why)
    return Item(told.keys[n], "input" if given else "fixed", label, n.name or "", outs=[out],
                head=head, told=words, size=n.size)  # fmt: skip


def _sized(n: Tensor) -> str:
    if n.shape:
        return f", {by(n.shape)} {n.dtype}"
    return "" if n.dtype.kind == "f" else f", {n.dtype}"


def _op(n: Tensor, told: Told, readers: dict) -> Item:
    name = told.names[n]
    step = told.steps[name]
    numbers = _numbers(n)
    ways = iter(step.operands)
    rows = []
    for i, number in zip(n.inputs, numbers, strict=True):
        way = next(ways, None) if i in told.names else None
        if number is None:
            rows.append(_row(n, i, len(rows), way, told, readers))
    several = isinstance(told.values[n], tuple)
    outs = _outs(n, told) if several else [_out(n, step, told)]
    xs = [told.values[i] for i in n.inputs]
    warn = kink(n.op, xs, told.values[n]) if told.gradients and n in told.asked else ""
    if is_bad(told.values[n]) and not any(is_bad(x) for x in xs):
        warn = f"the first value on this way that is not finite{'; ' if warn else ''}{warn}"
    head = f"{name} = {step.operation}"
    return Item(
        told.keys[n], "op", sign(n.op, numbers), name, "" if several else letter(name),
        under(n.op), rows, outs, head, _card(n, step, told), warn,
    )  # fmt: skip


def _row(n: Tensor, i: Tensor, k: int, way: Any, told: Told, readers: dict) -> Row:
    source, out = _source(i, told)
    flows = told.gradients and i in told.asked
    if way is None or way.downstream is None or not flows:
        return Row(source, out, dead=told.gradients and n in told.asked)
    found = way.local is not None
    local = factor(way.local, told.digits) if found else _product(n, k, told)
    many = len(readers[i]) > 1
    part = _arrowed("← ", figure(way.downstream, told.digits)) if many else ()
    return Row(source, out, local, part, sent=way.downstream)


def _product(n: Tensor, k: int, told: Told) -> str:
    forms = PRODUCTS.get(n.op.name, ())
    if k >= len(forms) or (n.op.name == "matmul" and max(i.ndim for i in n.inputs) > 2):
        return "× Jᵀ"
    names = [letter(told.names.get(i, "") or i.name or "C", 8) for i in n.inputs]
    return forms[k].format(a=names[0], b=names[1], g="G")


def _source(i: Tensor, told: Told) -> tuple[Any, int]:
    if not isinstance(i.op, Pick):
        return told.keys[i], 0
    of = i.inputs[0]
    return told.keys[of], [p is i for p in told.picks[of]].index(True)


def _outs(n: Tensor, told: Told) -> list[Out]:
    made = []
    for p in told.picks.get(n, ()):
        out = _out(p, told.steps[told.names[p]], told)
        out.label = pick_label(n.op, p.op)
        made.append(out)
    return made


def pick_label(op: Any, pick: Any) -> str:
    """Which one of several values it is."""
    index = pick.index
    if op.name == "scan":
        if index < op.carries:
            return "last state" if op.carries == 1 else f"last state {index + 1}"
        return "all steps" if index < len(op.body.outputs) else "states before"
    return f"value {index + 1}"


def _out(n: Tensor, step: Step, told: Told) -> Out:
    value = _arrowed("→ ", figure(told.values[n], told.digits))
    if not told.gradients or n not in told.asked:
        return Out(step.name, value)
    if step.upstream is None:
        return Out(step.name, value, ("no gradient",), dead=True)
    grad = figure(step.upstream, told.digits)
    if len(step.parts) < 2:
        return Out(step.name, value, _arrowed("← ", grad))
    if np.ndim(step.upstream) == 0 and len(step.parts) <= 3:
        terms = " + ".join(term(g, told.digits) for _, g in step.parts)
        return Out(step.name, value, _arrowed(f"← {terms} = ", grad), terms)
    terms = f"Σ of {len(step.parts)}"
    if np.ndim(step.upstream) == 0:
        return Out(step.name, value, _arrowed(f"← {terms} = ", grad), terms)
    return Out(step.name, value, (f"← {terms} =", *_arrowed("   ", grad)), terms)


def _arrowed(arrow: str, lines: Sequence[str]) -> tuple[str, ...]:
    return (arrow + lines[0], *lines[1:])


def _end(output: Tensor, told: Told) -> Item:
    loss = told.gradients
    source, out = _source(output, told)
    name = output.name or ("loss" if loss else "result")
    words = (
        ("The loss: its gradient by itself is 1, and from here all gradients start.",)
        if loss else ("The result.",)
    )  # fmt: skip
    shown = letter(name)
    return Item("end", "end", shown, "end", rows=[Row(source, out)], head=name, told=words)


def _card(n: Tensor, step: Step, told: Told) -> tuple[str, ...]:
    lines = [forward_line(step, False).strip()]
    if n in told.asked and step.upstream is not None:
        lines += [x.strip() for x in card(step)]
    elif n in told.asked:
        lines.append("no gradient reaches it")
    elif step.words and not step.is_variable:
        lines.append(step.words)
    if step.line is not None:
        source = f"  {step.line.source}" if step.line.source else ""
        lines.append(f"made at {step.line}{source}")
    return tuple(lines)


def _in_words(told: Told, items: list[Item]) -> str:
    leaves = [i for i in items if i.kind in ("weight", "input")]
    ops = [i for i in items if i.kind == "op"]
    named = ", ".join(i.name for i in leaves[:8]) + (", …" if len(leaves) > 8 else "")
    text = f"A graph of {len(ops)} operations, from left to right"
    text += f", from {named or 'constants'} to the {'loss' if told.gradients else 'result'}. "
    lines = [forward_line(told.steps[i.name], False).strip() for i in ops[:12] if i.name]
    text += "; ".join(lines) + ("; …" if len(ops) > 12 else ".")
    if told.gradients:
        found = [
            f"{i.name} {o.grad[0].removeprefix('← ')}"
            for i in leaves[:12] for o in i.outs if o.grad
        ]  # fmt: skip
        text += f" Gradients, from right to left: {'; '.join(found)}." if found else ""
    return text
