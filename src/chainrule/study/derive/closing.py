"""From the product of derivatives to one closed formula: back-substitution and simplification."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ...graph.node import Constant, Node
from ...graph.walk import fold, order
from ...ops import negative, subtract
from ...read.formula import Formula
from .backward import FEW, paths, paths_to
from .merging import merged
from .notation import Notation, Scalar, Tex, derivative, parts_of
from .record import Closed, Section, Step
from .sweep import closed_graph, replaced, substituted

# Ops through which a factor of a product is still a factor of the whole.
PRODUCTS = {
    "multiply", "negative", "matmul", "permute", "sum_to", "sum", "broadcast_to", "reshape",
    "divide", "cast",
}  # fmt: skip
ERROR = {"scalar": r"\varepsilon", "index": "e", "matrix": "E"}  # e alone is Euler's number
SHORT = 5  # parts of a difference that needs no name of its own


@dataclass(frozen=True, eq=False)
class Opened:
    """A gradient with the values written out as far as a line holds them."""

    steps: tuple[Step, ...]
    formula: Node  # in terms of leaves, and of `kept`
    kept: tuple[Node, ...]  # values that stay closed: a line would be too long


def back_substitution(notation: Notation) -> tuple[Section, dict[Node, Opened]]:
    """Line by line, the last value first, until only leaves are left."""
    opened = {t: _opened(notation, t) for t in notation.reading.targets}
    section = Section(
        "back-substitution",
        "Back-substitution",
        "The factors are put in, numbers gathered in front; then every u is replaced by what it "
        "stands for, the last one first.",
        tuple(s for o in opened.values() for s in o.steps),
    )
    return section, opened


def _opened(notation: Notation, t: Node) -> Opened:
    sweep, reading = notation.sweep, notation.reading
    name, s_t, result = reading.names[t], reading.stand[t], sweep.number(sweep.in_values(t))
    steps: list[Step] = []

    def line(tex: Tex, reason: str, numbers: str = "") -> None:
        if tex and (not steps or steps[-1].right != tex):
            left = _left(notation, t, tex)
            same = bool(steps) and list(notation.axes(s_t, tex)) == list(steps[0].axes)
            steps.append(
                Step("back-substitute", "" if same else left, tex, numbers=numbers,
                     result=None if steps else result, reason=reason, where=tex.where,
                     of=(name,), axes=notation.axes(s_t, tex))
            )  # fmt: skip

    if isinstance(notation, Scalar) and 0 < paths_to(sweep, t).get(reading.loss, 0) <= FEW:
        line(_product(notation, t), "the local gradients, put into the chain rule")
    formula, kept = sweep.in_values(t), []
    line(notation.short(formula, s_t), "multiplied out, numbers in front",
         notation.numbers(formula))  # fmt: skip
    for v in reversed(reading.shown):
        s = reading.stand[v]
        if s not in set(order((formula,))):
            continue
        longer = substituted(formula, {s: reading.means[v]})
        tex = notation.short(longer, s_t)
        if not tex:
            kept.append(v)
            continue
        formula = longer
        line(tex, f"{reading.names[v]} is replaced by what it stands for")
    kept = [v for v in kept if reading.stand[v] in set(order((formula,)))]
    return Opened(tuple(steps), formula, tuple(reversed(kept)))


def _left(notation: Notation, t: Node, tex: Tex) -> str:
    reading = notation.reading
    return derivative(reading.symbols[reading.loss], notation.symbol(reading.stand[t], tex))


def _product(notation: Notation, t: Node) -> Tex:
    """The local gradients as the chain rule multiplies them, each as its own formula."""
    found = []
    for path in paths(notation.sweep, t):
        factors = [
            "" if e.local is None else notation.write(e.local, notation.reading.stand[e.operand])
            for e in path
        ]
        if not all(factors):
            return Tex("")
        found.append(r" \cdot ".join(_bracketed(f) for f in factors))
    return Tex(" + ".join(found))


def _bracketed(tex: str) -> str:
    """A factor that is one symbol or number as it is, everything else in brackets."""
    return tex if re.fullmatch(r"[\\\w.]+(_\{\w+\})?", tex) else rf"\left({tex}\right)"


def simplification(notation: Notation, opened: dict[Node, Opened]) -> tuple[Section, list[Closed]]:
    """The shared difference is called the error, and the formula is done."""
    steps: list[Step] = []
    closed: list[Closed] = []
    stays: set[Node] = set()
    for t, o in opened.items():  # what one formula keeps under its name, all of them do
        stays |= set(_with_repeats_closed(notation, t, {*stays, *o.kept})[1])
    for t in opened:
        made, found = _simplified(notation, t, stays)
        said = {s.line for s in steps}  # what several formulas name is said once
        steps += [s for s in made if s.rule != "name" or s.line not in said]
        closed.append(found)
    return Section(
        "simplification",
        "The closed formula",
        "What the formula compares (a prediction with its target) gets a name of its own, and what "
        "it uses several times keeps the one it has.",
        tuple(steps),
    ), closed


def _simplified(notation: Notation, t: Node, keep: set[Node]) -> tuple[list[Step], Closed]:
    sweep, reading = notation.sweep, notation.reading
    name = reading.names[t]
    result = sweep.number(sweep.in_values(t))
    here = reading.stand[t]
    formula, stays = _with_repeats_closed(notation, t, keep)
    formula, error = _with_an_error(formula)
    free = _free(notation)
    short = notation.short(formula, here, {error: free} if error is not None else {})
    left = _left(notation, t, short)
    tex = short if notation.form == "matrix" else merged(short)
    kept = _definitions(notation, stays, keep)
    where = [notation.definition(reading.stand[v], meaning) for v, meaning in kept]
    steps = [
        Step("name", f.left, f.tex, result=reading.value(v), reason=KEPT, symbol=f.name,
             of=(reading.names[v],), axes=_axes_of(f))
        for f, (v, _) in zip(where, kept, strict=True) if f.tex
    ]  # fmt: skip
    number = None if error is None else sweep.number(error)
    steps += [
        Step("name", f.left, f.tex, symbol=f.name, of=(f.name,),
             result=number if f.name == free else None, reason=ERRS if f.name == free else HELPS,
             axes=_axes_of(f))
        for f in short.where
    ]  # fmt: skip
    steps.append(
        Step("simplify", left, tex, also=tuple(x for x in (short,) if x != tex),
             result=result, of=(name,),
             reason="the gradient in closed form" if short else "",
             note="" if short else TOO_LONG, axes=notation.axes(here, short))
    )  # fmt: skip
    graph, arguments = closed_graph(sweep, t)
    return steps, Closed(name, left, tex, (*where, *short.where), graph, arguments, result)


TOO_LONG = "Too long for one line: the running products tell it in steps."
KEPT = "keeps its name: it is used more than once, or written out it would be too long"


def _axes_of(f: Formula) -> dict[str, int]:
    return dict(zip(f.indices, [n for n in f.shape if n != 1], strict=False))


HELPS = "a part that the formula reads as a whole"
ERRS = "the error: how far what was computed is from what it is compared with"


def _with_repeats_closed(notation: Notation, t: Node, keep: set[Node]) -> tuple[Node, list[Node]]:
    """The formula in leaves, but for values that it would write out several times."""
    reading = notation.reading
    formula = notation.sweep.in_values(t)
    stays: list[Node] = []
    closed = set(notation.names)
    for v in reversed(reading.shown):
        s = reading.stand[v]
        if s not in set(order((formula,))):
            continue
        if v in keep:
            stays.append(v)
            continue
        often = _occurrences(formula, s, _difference(formula))
        if often > 1 and parts_of(reading.means[v], closed) > 1:
            stays.append(v)
        else:
            formula = substituted(formula, {s: reading.means[v]})
    return formula, stays


def _occurrences(formula: Node, s: Node, cut: Node | None) -> int:
    """How often a symbol is written in a formula, not counting what is inside `cut`."""
    return fold(
        (formula,),
        lambda n, *xs: 0 if n is cut else 1 if n is s else sum(min(x, 10**9) for x in xs),
    )[formula]


def _definitions(notation: Notation, stays: list[Node], keep: set[Node]) -> list[tuple[Node, Node]]:
    """What the values that keep their names are, in leaves and in each other."""
    reading = notation.reading
    needed: dict[Node, Node] = {}
    rest = list(stays)
    while rest:
        v = rest.pop()
        if v in needed or not v.inputs:
            continue
        meaning = reading.means[v]
        for u in reversed(reading.shown):
            s = reading.stand[u]
            if u is v or s not in set(order((meaning,))):
                continue
            if u in keep or u in set(stays):
                rest.append(u)
                continue
            longer = substituted(meaning, {s: reading.means[u]})
            if not notation.write(longer, reading.stand[v]):
                rest.append(u)
            else:
                meaning = longer
        needed[v] = meaning
    return [(v, needed[v]) for v in reading.shown if v in needed]


def _free(notation: Notation) -> str:
    """A name for the error that nothing else has."""
    taken = set(notation.names.values())
    wished = [] if ERROR[notation.form] == "e" and notation.has_euler else [ERROR[notation.form]]
    return next(c for c in (*wished, r"\varepsilon", r"\epsilon", r"\eta") if c not in taken)


def _with_an_error(formula: Node) -> tuple[Node, Node | None]:
    """The formula with its difference turned to (computed - given), and that difference."""
    found = _difference(formula)
    if found is None or parts_of(found, set()) < SHORT:
        return formula, None
    a, b = found.inputs
    if a.inputs or not b.inputs:
        return formula, found
    turned = subtract(b, a)
    swapped = replaced(formula, {found: negative(turned)})
    (short,) = (substituted(swapped, {}),)
    return (short, turned) if turned in set(order((short,))) else (formula, found)


def _difference(formula: Node) -> Node | None:
    """The difference from something given that is a factor of the whole formula, if there is."""
    rest: list[Any] = [formula]
    while rest:
        n = rest.pop(0)
        if n.op.name == "subtract" and _is_a_comparison(*n.inputs):
            return n
        if n.op.name in PRODUCTS:
            rest += n.inputs
    return None


def _is_a_comparison(a: Node, b: Node) -> bool:
    """Whether one of the two was given and the other one computed, or has a name."""
    return (not a.inputs or not b.inputs) and not any(isinstance(i.op, Constant) for i in (a, b))
