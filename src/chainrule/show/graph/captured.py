"""A graph without numbers, read as a sheet: shapes for values, formulas for local gradients."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...graph.caller import Line
from ...graph.chain import path, pull
from ...graph.errors import ChainruleError
from ...graph.node import Constant, Input, Node, Pick, constant_node, input_node
from ...graph.walk import Graph, users
from ...ops.family import Elementwise, Reduce, Reshape
from ...ops.move import Permute
from ...read.latex import latex
from ...read.plain import plain
from ...read.simplify import simplify
from ...study.wording import operation
from ..measure import width_of
from .figures import by
from .sheet import Item, Out, Row, Sheet
from .signs import assigned, letter, number_of, sign, takes_number, under
from .tape import PRODUCTS, pick_label

WIDEST = 96.0  # a formula that is wider is written as ∂u/∂x
BRIEF = {"relu": "[{} > 0]"}  # local gradients in brackets that are 1 where they hold, else 0
SHORT = 12  # ops of a graph of single numbers whose gradients are written as formulas


@dataclass(frozen=True)
class Named:
    """A captured graph with a name for each node."""

    graph: Graph
    names: dict[Node, str]
    weights: frozenset
    asked: frozenset  # all that a gradient flows through
    loss: Node | None  # where gradients start, if there is one such place

    @cached_property
    def keys(self) -> dict[Node, int]:
        """Of every node the key of its item; a node is none, since == of two is a node."""
        return {n: k for k, n in enumerate(self.graph.order)}

    @cached_property
    def readers(self) -> dict[Node, list]:
        """Who reads what."""
        return users(self.graph.outputs)

    @cached_property
    def gradients(self) -> dict[Node, str]:
        """The gradients of a short graph of single numbers, as formulas of its inputs."""
        nodes = self.graph.order
        if (
            self.loss is None
            or len(nodes) > SHORT
            or any(
                type(n.spec) is tuple or n.shape or (isinstance(n.op, Input) and not n.name)
                for n in nodes
            )
        ):
            return {}
        kept: dict[Node, Any] = {}
        one = constant_node(1.0, self.loss.dtype)
        wrt = [n for n in nodes if isinstance(n.op, Input) and n in self.asked]
        pull(nodes, {self.loss: one}, wrt, keep=kept)
        try:
            return {n: plain(latex(simplify([g])[0])) for n, g in kept.items()}
        except ChainruleError:
            return {}

    @cached_property
    def picks(self) -> dict[Node, list[Node]]:
        """Of every op of several values, those that are read."""
        found: dict[Node, list[Node]] = {}
        for n in self.graph.order:
            if isinstance(n.op, Pick):
                found.setdefault(n.inputs[0], []).append(n)
        return found


def named_graph(
    graph: Graph, labels: Mapping[Node, str] | None = None, weights: Collection[Node] = ()
) -> Named:
    """Names for the nodes of a graph: inputs by their own, the rest u1, u2, ..."""
    labels, owned = dict(labels or {}), frozenset(weights)  # == of two nodes is a node
    names: dict[Node, str] = {}
    taken = {labels.get(n, n.name) for n in graph.inputs}
    made = [n for n in graph.order if n.inputs]
    letter_ = next(c for c in ("u", "v", "n", "node_") if not any(
        f"{c}{k}" in taken for k in range(1, len(made) + 1)))  # fmt: skip
    inputs = [n for n in graph.order if isinstance(n.op, Input)]
    free = (f"{c}{k}" for k in range(1, len(inputs) + 9) for c in ("x",))
    for n in inputs:
        own = labels.get(n, n.name)
        while not own or own in names.values():
            own = next(f for f in free if f not in taken)
        names[n] = own
    names |= {n: f"{letter_}{k}" for k, n in enumerate(made, 1)}
    own = {n: w for n, w in assigned(made).items() if w not in taken}
    names |= {n: w for n, w in own.items() if w not in names.values()}
    one = graph.outputs[0] if len(graph.outputs) == 1 else None
    loss = one if one is not None and one.dtype.kind == "f" and one.size == 1 else None
    wrt = [n for n in inputs if n.dtype.kind == "f" and (not owned or n in owned)]
    asked = {*wrt, *(n for n, _ in path(graph.order, wrt))} if loss is not None else set()
    return Named(graph, names, owned, frozenset(asked), loss)


def captured_sheet(named: Named, title: str = "", loss_name: str = "L") -> Sheet:
    """The sheet of a graph that holds no numbers."""
    items: list[Item] = []
    for n in named.graph.order:
        if isinstance(n.op, Pick):
            continue
        if n.inputs:
            items.append(_op(n, named, loss_name))
        elif isinstance(n.op, Input):
            items.append(_leaf(n, named, loss_name))
        elif _is_drawn(n, named):
            shown = number_of(n) or str(n.op)
            head = f"the constant {shown}"
            items.append(Item(named.keys[n], "fixed", shown, outs=[Out()], head=head))
    many = len(named.graph.outputs) > 1
    for k, y in enumerate(named.graph.outputs):
        source, out = _source(y, named)
        name = "loss" if named.loss is not None else f"result {k + 1}" if many else "result"
        key = f"end{k + 1}" if many else "end"
        words = ("The loss: from here all gradients start.",) if named.loss is not None else ()
        items.append(Item(key, "end", name, key, rows=[Row(source, out)], head=name, told=words))
    made = sum(1 for n in named.graph.order if n.inputs)
    title = title or f"A graph of {made} operations"
    lines = [f"{i.head}" for i in items if i.kind == "op"]
    told = "; ".join(lines[:16]) + ("; …" if len(lines) > 16 else ".")
    return Sheet(items, title, f"From left to right: {told}", False, made)


def _is_drawn(n: Node, named: Named) -> bool:
    """Whether a constant stands anywhere but beside a sign."""
    return any(
        number is None
        for r in named.readers[n]
        for i, number in zip(r.inputs, _numbers(r), strict=True)
        if i is n
    )


def _numbers(n: Node) -> list[str | None]:
    if not takes_number(n.op, len(n.inputs)):
        return [None] * len(n.inputs)
    numbers = [number_of(i) if isinstance(i.op, Constant) else None for i in n.inputs]
    return numbers if None in numbers else [None] * len(n.inputs)


def _specs(n: Node) -> str:
    if type(n.spec) is tuple:
        return f"{len(n.spec)} values"
    return f"{by(n.shape) or 'one number'}, {n.dtype}"


def _leaf(n: Node, named: Named, loss: str) -> Item:
    name = named.names[n]
    kind = "weight" if n in named.weights else "input"
    what = "parameter" if kind == "weight" else "input"
    head = f"{name}, {what}: {_specs(n)}"
    return Item(named.keys[n], kind, letter(name), name, outs=[_out(n, named, loss)], head=head,
                size=n.size)  # fmt: skip


def _op(n: Node, named: Named, loss: str) -> Item:
    name, numbers = named.names[n], _numbers(n)
    rows = []
    for k, (i, number) in enumerate(zip(n.inputs, numbers, strict=True)):
        if number is None:
            source, out = _source(i, named)
            flows = n in named.asked and i in named.asked
            local = _local(n, k, named) if flows else ""
            rows.append(Row(source, out, local, dead=bool(named.asked) and not flows))
    operands = [named.names.get(i) or number_of(i) or "constant" for i in n.inputs]
    told = [f"{name} = {operation(n.op, operands)}: {_specs(n)}"]
    if n.op.words:
        told.append(f"Backward it {n.op.words}.")
    if n.line is not None:
        line = Line(*n.line)
        told.append(f"made at {line}{f'  {line.source}' if line.source else ''}")
    several = type(n.spec) is tuple
    outs = _outs(n, named, loss) if several else [_out(n, named, loss)]
    over = "" if several else letter(name)
    return Item(named.keys[n], "op", sign(n.op, numbers), name, over, under(n.op), rows, outs,
                told[0], tuple(told))  # fmt: skip


def _outs(n: Node, named: Named, loss: str) -> list[Out]:
    made = []
    for p in named.picks.get(n, ()):
        out = _out(p, named, loss)
        out.label = pick_label(n.op, p.op)
        made.append(out)
    return made


def _out(n: Node, named: Named, loss: str) -> Out:
    value = (f"→ {by(n.shape)}",) if n.shape else ()
    name = named.names[n]
    if n not in named.asked:
        return Out(name, value)
    if n is named.loss:
        return Out(name, value, ("← 1",))
    written = named.gradients.get(n, "")
    if written and width_of(written, 12) <= WIDEST:
        return Out(name, value, (f"← ∂{loss}/∂{letter(name, 12)} = {written}",))
    several = "Σ " if len([r for r in named.readers[n] if r in named.asked]) > 1 else ""
    return Out(name, value, (f"← {several}∂{loss}/∂{letter(name, 12)}",))


def _source(i: Node, named: Named) -> tuple[Any, int]:
    if not isinstance(i.op, Pick):
        return named.keys[i], 0
    of = i.inputs[0]
    return named.keys[of], [p is i for p in named.picks[of]].index(True)


def _local(n: Node, k: int, named: Named) -> str:
    """The local gradient by operand `k`, as a formula in the names of the operands."""
    names = [letter(named.names.get(i, "") or number_of(i) or "c", 12) for i in n.inputs]
    if n.op.name in BRIEF:
        return f"× {BRIEF[n.op.name].format(names[0])}"
    if isinstance(n.op, (Reshape, Permute)):
        return "× 1"
    if isinstance(n.op, Reduce):
        return _of_reduction(n)
    if isinstance(n.op, Elementwise):
        written = _formula(n, k, named)
        if written and width_of(written, 10.5) <= WIDEST:
            return f"× {written}"
        return f"× ∂{letter(named.names[n], 12)}/∂{names[k]}"
    forms = PRODUCTS.get(n.op.name, ())
    if k < len(forms) and max(len(getattr(i, "shape", ())) for i in n.inputs) <= 2:
        return forms[k].format(a=names[0], b=names[1], g="G")
    return "× Jᵀ"


def _of_reduction(n: Node) -> str:
    count = n.inputs[0].size // max(n.size, 1)
    return {"sum": "× 1", "mean": f"× 1/{count}"}.get(n.op.name, "× Jᵀ")


def _formula(n: Node, k: int, named: Named) -> str:
    def stand_in(i: Node) -> Node:
        if isinstance(i.op, Constant):
            return i
        return input_node(i.shape, i.dtype, named.names.get(i, "c"))

    made: dict[Node, Node] = {}
    xs = [made.setdefault(i, stand_in(i)) for i in n.inputs]
    y = stand_in(n)
    try:
        local = n.op.local(y, *xs)[k]  # type: ignore[attr-defined]
        local = local() if callable(local) and type(local) is not Node else local
        if local is None:
            return "0"
        if isinstance(local, (int, float)):
            return f"{local:g}"
        return plain(latex(simplify([local])[0]))
    except ChainruleError:  # a formula that our TeX has no word for
        return ""
