"""The sections that go backward: the chain rule, its factors, and their running products."""

from __future__ import annotations

from ...graph.node import Input, Node
from .kinks import kink
from .notation import Notation, Scalar, Tex, derivative
from .record import Section, Step
from .sweep import Edge, Sweep

FEW = 6  # paths that are still written out one by one


def paths_to(sweep: Sweep, target: Node) -> dict[Node, int]:
    """From how many paths down to `target` each value has."""
    count = {target: 1}
    for e in reversed(sweep.edges):
        count[e.reader] = count.get(e.reader, 0) + count.get(e.operand, 0)
    return count


def paths(sweep: Sweep, target: Node) -> list[tuple[Edge, ...]]:
    """Every path from the loss down to `target`; ask how many there are first."""
    found: list[tuple[Edge, ...]] = []
    rest: list[tuple[Edge, ...]] = [(e,) for e in sweep.out_of(sweep.reading.loss)]
    leads = paths_to(sweep, target)
    while rest:
        path = rest.pop(0)
        if path[-1].operand is target:
            found.append(path)
        rest += [(*path, e) for e in sweep.out_of(path[-1].operand) if leads.get(e.operand)]
    return [p for p in found if p[-1].operand is target]


def mark(sweep: Sweep, e: Edge, tex: str) -> str:
    """The part of a formula that belongs to an edge of the picture."""
    names = sweep.reading.names
    return rf"\mark{{{_ident(names[e.reader])}-{_ident(names[e.operand])}}}{{{tex}}}"


def _ident(name: str) -> str:
    return "".join(c if c.isalnum() else "." for c in name)


def partial(notation: Notation, e: Edge) -> str:
    """∂reader/∂operand, with its mark."""
    reading = notation.reading
    return mark(
        notation.sweep, e, derivative(reading.symbols[e.reader], reading.symbols[e.operand])
    )


def chain_rule(notation: Notation) -> Section:
    """dL/dw as the product along the path, or the rule at each node and the sum over paths."""
    sweep, reading = notation.sweep, notation.reading
    loss = reading.symbols[reading.loss]
    steps = []
    for t in reading.targets:
        left = derivative(loss, reading.symbols[t])
        count = paths_to(sweep, t).get(reading.loss, 0)
        if not count:
            steps.append(_no_way(notation, t, left))
        elif count <= FEW:
            products = [r" \cdot ".join(partial(notation, e) for e in p) for p in paths(sweep, t)]
            reason = (
                f"One path leads from {reading.names[t]} to {reading.names[reading.loss]}: the "
                "product of the derivatives along it."
                if count == 1 else
                f"{count} paths lead from {reading.names[t]} to {reading.names[reading.loss]}: "
                "a product along each, and their sum."
            )  # fmt: skip
            right = " + ".join(products)
            if sweep.into(t)[0].reader is reading.loss and count == 1:
                right, reason = "", f"One step leads from {reading.names[t]} to the loss."
            steps.append(Step("chain rule", left, right, reason=reason,
                              result=sweep.gradient(t), of=(reading.names[t],)))  # fmt: skip
        else:
            steps.append(_too_many(notation, t, left, count))
    return Section(
        "chain rule",
        "The chain rule",
        "A change goes from step to step: the derivatives along a path are multiplied, and where "
        "several paths meet their products are added.",
        (*steps, *_meetings(notation)),
    )


def _no_way(notation: Notation, t: Node, left: str) -> Step:
    """Every path to a leaf leads through a function that is constant in steps."""
    sweep, name = notation.sweep, notation.reading.names[t]
    return Step(
        "chain rule", left, "0", result=sweep.gradient(t), of=(name,),
        reason=f"Every path from {name} leads through a function that is constant in steps "
        "(floor, sign, a comparison): its derivative is 0 wherever it has one.",
    )  # fmt: skip


def _too_many(notation: Notation, t: Node, left: str, count: int) -> Step:
    sweep, reading = notation.sweep, notation.reading
    loss = reading.symbols[reading.loss]
    terms = [
        rf"{derivative(loss, reading.symbols[e.reader])} \cdot {partial(notation, e)}"
        for e in sweep.into(t)
    ]
    return Step(
        "chain rule", left, " + ".join(terms),
        reason=f"{count} paths lead from {reading.names[t]} to {reading.names[reading.loss]}, too "
        "many to write; the rule at each value, below, covers all of them.",
        result=sweep.gradient(t), of=(reading.names[t],),
    )  # fmt: skip


def _meetings(notation: Notation) -> list[Step]:
    """The multivariable chain rule at every value that several others read."""
    sweep, reading = notation.sweep, notation.reading
    loss = reading.symbols[reading.loss]
    steps = []
    for n in reversed(reading.active):
        into = sweep.into(n)
        if len(into) > 1:
            terms = [
                rf"{derivative(loss, reading.symbols[e.reader])} \cdot {partial(notation, e)}"
                for e in into
            ]
            readers = " and ".join(reading.names[e.reader] for e in into)
            steps.append(
                Step("chain rule at a meeting", derivative(loss, reading.symbols[n]),
                     " + ".join(terms), result=sweep.gradient(n),
                     reason=f"{reading.names[n]} is read by {readers}: it changes the loss through "
                     "each of them, and the changes add up.", of=(reading.names[n],))
            )  # fmt: skip
    return steps


def local_gradients(notation: Notation) -> Section:
    """A table: every factor of the chain as a formula, and in numbers."""
    steps = tuple(_local(notation, e) for e in notation.sweep.edges)
    return Section(
        "local gradients",
        "Local gradients",
        "How each step changes with each of its operands, all others held fixed. Where a step "
        "is a matrix product, its derivative is told by what it makes of a gradient G that "
        "arrives."
        if any(e.local is None for e in notation.sweep.edges) else
        "How each step changes with each of its operands, all others held fixed.",
        steps,
    )  # fmt: skip


def _local(notation: Notation, e: Edge) -> Step:
    sweep, reading = notation.sweep, notation.reading
    left = derivative(*(notation.symbol(reading.stand[n]) for n in (e.reader, e.operand)))
    of = (reading.names[e.reader], reading.names[e.operand])
    reason, note = notation.why(e), kink(sweep, e)
    if e.local is None:
        right = _of_a_g(notation, e)
        return Step("local gradient", mark(sweep, e, left), right, ":", reason=reason,
                    note=note or ("" if right else CLOSED), where=right.where,
                    shapes=notation.shapes(e.down), of=of)  # fmt: skip
    meaning = notation.meaning(e.reader)
    by = reading.symbols[e.operand]
    also = ()
    if meaning and isinstance(notation, Scalar):
        also = (rf"\frac{{\partial}}{{\partial {by}}}\left({meaning}\right)",)
    tex = notation.short(e.local, reading.stand[e.operand])
    numbers = notation.numbers(e.local)
    reason = reason if tex else ""
    return Step("local gradient", mark(sweep, e, left), tex, "=", also, numbers,
                sweep.number(e.local), reason, note or ("" if tex else CLOSED),
                where=tex.where, of=of,
                axes=notation.axes(reading.stand[e.operand], tex))  # fmt: skip


CLOSED = "Kept closed: its formula is too long for a line, or has no notation in this form."


def _of_a_g(notation: Notation, e: Edge) -> Tex:
    """What the operand receives, with the upstream gradient called G."""
    g = notation.sweep.upstream[e.reader]
    if not isinstance(g.op, Input):
        return notation.write(e.down, notation.reading.stand[e.operand])
    kept, notation.names[g] = notation.names[g], "G"
    try:
        down = notation.write(e.down, notation.reading.stand[e.operand])
        rule = rf"{notation.symbol(g)} \mapsto {down}" if down else ""
        return Tex(rule, down.indices, down.where)
    finally:
        notation.names[g] = kept


def running_products(notation: Notation) -> Section:
    """u₄_g, u₃_g, …: the product so far, times one more factor, from the loss down."""
    sweep, reading = notation.sweep, notation.reading
    between = [*reading.leaf_targets, *(n for n in reading.active if n is not reading.loss)]
    steps = [_running(notation, n) for n in reversed(between) if n in sweep.sums]
    return Section(
        "running products",
        "Running products",
        "The product is not computed anew for each value: from the loss down, what is there "
        "already (in brackets) is multiplied by one more factor. v with g below it is the "
        "gradient of the loss at v.",
        tuple(steps),
    )


def _running(notation: Notation, n: Node) -> Step:
    sweep, reading = notation.sweep, notation.reading
    into = sweep.into(n)
    formula = sweep.sums[n]
    also = [" + ".join(_factor(notation, e) for e in into)]
    grown = _grown(notation, n)
    if grown:
        also.append(grown)
    tex = notation.short(formula, reading.stand[n])
    return Step(
        "multiply",
        notation.symbol(sweep.upstream[n], tex),
        tex,
        "=",
        tuple(dict.fromkeys(x for x in also if x != tex)),
        notation.numbers(formula),
        sweep.gradient(n),
        " ".join(dict.fromkeys(filter(None, (notation.why(e) for e in into if e.local is None)))),
        " ".join(dict.fromkeys(x for x in (kink(sweep, e) for e in into) if x))
        or ("" if tex or grown or len(into) > 1 else CLOSED),
        notation.shapes(formula),
        where=tex.where,
        of=(reading.names[n],),
        axes=notation.axes(reading.stand[n], tex),
    )


def _factor(notation: Notation, e: Edge) -> str:
    reading, g = notation.reading, notation.sweep.upstream[e.reader]
    if e.reader is reading.loss:
        return partial(notation, e)
    return rf"{notation.symbol(g)} \cdot {partial(notation, e)}"


def _grown(notation: Notation, n: Node) -> str:
    """All factors from the loss down: the product so far in brackets; "" where paths meet."""
    path = notation.sweep.path(n)
    if len(path) < 2:
        return ""
    *before, last = (partial(notation, e) for e in path)
    so_far = r" \cdot ".join(before)
    return rf"\left({so_far}\right) \cdot {last}"
