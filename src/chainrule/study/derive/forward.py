"""The sections that go forward: what every u stands for, and the loss getting shorter by them."""

from __future__ import annotations

from ...graph.node import Node
from ...graph.walk import order
from .notation import BY_NAME, Notation
from .reasons import size_of
from .record import Section, Step
from .sweep import replaced

CLOSED = "Kept closed"


def substitution(notation: Notation) -> Section:
    """u₁ … uₙ: every value by the ones before it, in symbols and in numbers."""
    reading = notation.reading
    steps = []
    for n in reading.shown:
        meaning = reading.means[n]
        tex = notation.meaning(n)
        steps.append(
            Step(
                "substitute",
                notation.symbol(reading.stand[n], tex),
                tex or _of_its_operands(notation, n),
                numbers=notation.numbers(meaning) if tex else "",
                result=reading.value(n),
                reason=_made_of(notation, n),
                shapes=notation.shapes(meaning) if tex else "",
                note=_note(notation, n, tex),
                where=tex.where,
                of=(reading.names[n],),
                axes=notation.axes(reading.stand[n], tex),
            )
        )
    words = "Every step of the computation gets a name, from the inside out."
    return Section("substitution", "Substitution", f"{words} {SIGNS[notation.form]}".strip(),
                   tuple(steps))  # fmt: skip


SIGNS = {
    "scalar": "",
    "index": "A formula is that of one element; its indices count from 1, and a letter with a "
    "prime runs in a sum of its own.",
    "matrix": "Letters beside each other are a matrix product; ⊙ multiplies element by element, "
    "functions act on every element, 𝟏 is a column of ones, and 𝟙[…] is 1 where the condition "
    "holds and 0 elsewhere.",
}


def _made_of(notation: Notation, n: Node) -> str:
    """The shape, and whether the value plays no part in the gradient."""
    reading = notation.reading
    said = []
    if n.shape:
        said.append(size_of(n.shape))
    if n not in reading.path:
        said.append("not on the path: a constant for this derivative")
    return ", ".join(said)


def _of_its_operands(notation: Notation, n: Node) -> str:
    """A value that is kept closed, as a function of what it is made of."""
    reading = notation.reading
    inside = ", ".join(reading.symbols[i] for i in reading.operands(n))
    return rf"f_{{{reading.symbols[n]}}}\left({inside}\right)"


def _note(notation: Notation, n: Node, tex: str) -> str:
    if tex:
        return _without_notation(tex) if notation.form == "matrix" else ""
    count = sum(bool(i.inputs) for i in order((notation.reading.means[n],), set(notation.names)))
    return f"{CLOSED}: {count} operations between these values, too many for a line."


def _without_notation(tex: str) -> str:
    found = BY_NAME.search(tex)
    return "" if found is None else (
        f"{found[1]} has no notation of whole matrices and stands by its name; index form has one."
    )  # fmt: skip


def rewriting(notation: Notation) -> Section | None:
    """The loss written out, then shorter and shorter as the names are put in."""
    reading = notation.reading
    inner = [n for n in reading.shown if n is not reading.loss]
    lines: list[str] = []
    for k in range(len(inner) + 1):
        expression = reading.means[reading.loss]
        for v in reversed(inner[k:]):
            expression = replaced(expression, {reading.stand[v]: reading.means[v]})
        tex = notation.write(expression, reading.stand[reading.loss])
        if tex and not tex.where and (not lines or lines[-1] != tex):
            lines.append(tex)
    if len(lines) < 2:
        return None
    left = notation.symbol(reading.stand[reading.loss])
    value = reading.value(reading.loss)
    steps = tuple(
        Step("put the names in", left if k == 0 else "", line,
             result=value if k in (0, len(lines) - 1) else None, of=(reading.names[reading.loss],))
        for k, line in enumerate(lines)
    )  # fmt: skip
    return Section(
        "rewriting",
        "The same function, with the names put in",
        "Line by line the formula shrinks until one step is left.",
        steps,
    )
