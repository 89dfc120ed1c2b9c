"""δ, the gradient where the paths to several parameters join, and what its reuse saves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from ...graph.node import Input, Node
from ...graph.walk import order
from ...ops.contract import Einsum, Matmul
from .backward import partial
from .notation import Notation, derivative
from .numerals import number_tex
from .record import Section, Step
from .sweep import Sweep, replaced


@dataclass(frozen=True)
class Work:
    """Multiplications: when every path is expanded, and when what is shared is computed once."""

    expanded: int
    shared: int

    @property
    def saved(self) -> int:
        """The difference."""
        return self.expanded - self.shared


def joins(sweep: Sweep) -> list[Node]:
    """The values at which paths to different parameters join, operands first.

    A sum hands its gradient on as it is: what lies below it in one block of additions is the
    same δ, and is not counted again.
    """
    reading = sweep.reading
    below: dict[Node, frozenset] = {t: frozenset({t}) for t in reading.targets}
    for n in reading.active:
        reached = [below[e.operand] for e in sweep.out_of(n) if e.operand in below]
        below[n] = frozenset().union(below.get(n, frozenset()), *reached)
    found: list[Node] = []
    same: set[Node] = set()
    for n in reversed(reading.active):
        if n is reading.loss:
            continue
        handed = {below[e.operand] for e in sweep.out_of(n) if e.operand in below}
        if len(handed) > 1 and n not in same:
            found.append(n)
        if len(handed) > 1 or n in same:
            same |= {
                e.operand for e in sweep.out_of(n)
                if e.down is sweep.upstream[n] and len(sweep.into(e.operand)) == 1
            }  # fmt: skip
    return found[::-1]


def work(sweep: Sweep) -> Work:
    """Multiplications with an upstream gradient in them, counted from the formulas."""
    reading = sweep.reading
    above = {reading.loss: 1}
    for e in sweep.edges:
        above[e.operand] = above.get(e.operand, 0) + above.get(e.reader, 0)
    below = {t: 1 for t in reading.targets}
    for e in reversed(sweep.edges):
        below[e.reader] = below.get(e.reader, 0) + below.get(e.operand, 0)
    costs = [(e, multiplications(e.down, sweep.upstream[e.reader])) for e in sweep.edges]
    return Work(
        sum(c * above[e.reader] * below.get(e.operand, 0) for e, c in costs),
        sum(c for _, c in costs),
    )


def multiplications(down: Node, g: Node) -> int:
    """How many numbers are multiplied with something that came from the upstream gradient."""
    if not isinstance(g.op, Input):
        return 0  # upstream of the loss is 1: nothing is multiplied
    reached = {g}
    total = 0
    for n in order((down,)):
        if any(i in reached for i in n.inputs):
            reached.add(n)
            total += COUNTED.get(n.op.name, _none)(n)
    return total


def _none(n: Node) -> int:
    return 0


def _of_product(n: Node) -> int:
    inner = n.inputs[0].shape[-1] if n.inputs[0].shape else 1
    return n.size * inner


def _of_einsum(n: Node) -> int:
    op = n.op
    assert isinstance(op, Einsum)
    return prod(op.sizes([i.shape for i in n.inputs]).values()) * (len(n.inputs) - 1)


COUNTED: dict[str, Callable[[Node], int]] = {
    "multiply": lambda n: n.size,
    "divide": lambda n: n.size,
    Matmul.name: _of_product,
    "linear": _of_product,
    Einsum.name: _of_einsum,
}


def delta(notation: Notation) -> Section | None:
    """What δ is here, what is made of it, and how many multiplications were saved."""
    sweep, reading = notation.sweep, notation.reading
    found = [n for n in joins(sweep) if isinstance(sweep.upstream[n].op, Input)]
    if len(reading.targets) < 2 or not found:
        return None
    names = {n: r"\delta" if len(found) == 1 else rf"\delta_{{{k + 1}}}"
             for k, n in enumerate(found)}  # fmt: skip
    kept = dict(notation.names)
    notation.names |= {sweep.upstream[n]: tex for n, tex in names.items()}
    try:
        steps = [_named(notation, n, names) for n in reversed(found)]
        steps += [_used(notation, t, found) for t in reading.targets]
    finally:
        notation.names = kept
    steps.append(_counted(notation, len(found)))
    return Section(
        "delta",
        "δ and its reuse",
        "The paths to several parameters run together up to the loss. The gradient where they "
        "join is computed once, is called δ, and serves all of them.",
        tuple(s for s in steps if s is not None),
    )


def _between(sweep: Sweep, n: Node, deltas: list[Node]) -> Node:
    """The gradient at a value, in terms of the nearest δ above it."""
    stop = set(deltas)
    formula = sweep.sums[n]
    for v in sweep.reading.active:
        if v in sweep.sums and v not in stop and sweep.upstream[v] in set(order((formula,))):
            formula = replaced(formula, {sweep.upstream[v]: sweep.sums[v]})
    return formula


def _named(notation: Notation, n: Node, names: dict[Node, str]) -> Step:
    sweep, reading = notation.sweep, notation.reading
    loss = reading.symbols[reading.loss]
    formula = _between(sweep, n, [d for d in names if d is not n])
    joined = [reading.names[t] for t in reading.targets if _reaches(sweep, n, t)]
    also = (derivative(loss, reading.symbols[n]), *_factors(notation, n))
    tex = notation.short(formula, reading.stand[n])
    return Step(
        "name δ", notation.symbol(sweep.upstream[n], tex), tex, "=", also,
        notation.numbers(formula), sweep.gradient(n),
        f"The gradient at {reading.names[n]}: the paths to {_listed(joined)} join here.",
        where=tex.where, symbol=notation.names[sweep.upstream[n]], of=(reading.names[n],),
        axes=notation.axes(reading.stand[n], tex),
    )  # fmt: skip


def _factors(notation: Notation, n: Node) -> tuple[str, ...]:
    """The factors δ stands for, where one path leads up from it."""
    path = notation.sweep.path(n)
    if len(path) < 2:  # the derivative of the loss itself
        return ()
    return (r" \cdot ".join(partial(notation, e) for e in path),)


def _reaches(sweep: Sweep, n: Node, t: Node) -> bool:
    reached = {t}
    for e in reversed(sweep.edges):
        if e.operand in reached:
            reached.add(e.reader)
    return n in reached


def _used(notation: Notation, t: Node, deltas: list[Node]) -> Step | None:
    sweep, reading = notation.sweep, notation.reading
    if t not in sweep.sums:
        return None
    formula = _between(sweep, t, deltas)
    used = [d for d in deltas if sweep.upstream[d] in set(order((formula,)))]
    if not used:
        return None
    tex = notation.short(formula, reading.stand[t])
    same = any(formula is sweep.upstream[d] for d in used)
    return Step(
        "use δ", derivative(reading.symbols[reading.loss], notation.symbol(reading.stand[t], tex)),
        tex, "=", (), notation.numbers(formula),
        sweep.gradient(t),
        f"{reading.names[t]} has exactly the gradient δ: nothing is multiplied." if same else
        "δ is taken as it is, and multiplied by what belongs to this one alone.",
        shapes=notation.shapes(formula), where=tex.where, of=(reading.names[t],),
        axes=notation.axes(reading.stand[t], tex),
    )  # fmt: skip


def _counted(notation: Notation, count: int) -> Step:
    counted = work(notation.sweep)
    return Step(
        "count",
        r"\text{saved}",
        rf"{number_tex(counted.expanded)} - {number_tex(counted.shared)}",
        result=counted.saved,
        reason=f"Multiplying along every path by itself takes {counted.expanded} multiplications; "
        f"with every gradient computed once it takes {counted.shared}."
        + (" Products with 1 and −1 are not counted." if count else ""),
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]
