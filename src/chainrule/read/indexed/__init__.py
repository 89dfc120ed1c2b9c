"""Read a graph in index notation: what one element of a value is, as sums over indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...graph.node import Node
from ..formula import Formula, Reading
from ..parts import Parts
from .letters import Letters
from .reader import Places, Reader, running
from .terms import Term
from .writing import Writer

__all__ = ["indexed"]


def indexed(
    nodes: Any, names: Mapping[Any, str] | None = None, *,
    letters: Mapping[Any, Sequence[str]] | None = None, bounds: Mapping[str, str] | None = None,
    share: Mapping[Any, str] | bool | None = None,
) -> Reading:  # fmt: skip
    """The formula of one element of each node, by elements of the inputs.

    `names` gives a node its symbol in TeX; an inner node with a name is not read further.
    `letters` says how the axes of a node are indexed ("id"), `bounds` how far a letter counts
    ({"i": "N"}). `share` names nodes that get a line of their own in `.shared`; with True
    they are chosen: what is read more than once. Indices count from 1. What guards a point
    where the formula has no value is not written; loops are written out.
    Raises: UsageError for a formula that is too long to be read.

    >>> import chainrule as cr
    >>> x, w = cr.tensor([[1.0, 2.0]] * 3, name="x"), cr.tensor([1.0, 2.0], name="w")
    >>> indexed(cr.mean((x @ w) ** 2), letters={x: "id"}, bounds={"i": "N"}).tex
    '\\\\frac{1}{N} \\\\sum_{i=1}^{N} {\\\\left(\\\\sum_{d=1}^{2} x_{id} w_{d}\\\\right)}^{2}'
    """
    parts = Parts.of(nodes, names or {}, share, also=letters or ())
    reader = Reader(parts.names)
    made: list[tuple[Node, Places, Term]] = []
    for node in parts.asked:
        places = running(node.shape)
        made.append((node, places, _result(reader, parts, node, places)))
    defined: dict[Node, tuple[Places, Term]] = {}
    waiting = [*parts.shared, *reader.needed]
    while waiting:
        for node in waiting:
            places = running(node.shape)
            defined[node] = (places, reader.computed(node, places))
        waiting = [n for n in reader.needed if n not in defined]
    given = _given(reader, {parts.twin(n): axes for n, axes in (letters or {}).items()})
    chosen = Letters(given, bounds or {}, reader.names.values())
    chosen.learn([t for _, _, t in made] + [t for _, t in defined.values()])
    for node, (places, _) in defined.items():
        chosen.join(reader.names[node], [p for p in places if p.index])
    results = {parts.twin(n): axes for n, axes in (letters or {}).items()}
    for node, places, _ in made:
        for place, letter in zip(places, results.get(node, ()), strict=False):
            if place.index is not None:
                chosen.given[place.index] = letter  # type: ignore[index]
    chosen.settle([[p.index for p in places if p.index] for _, places, _ in made])
    writer = Writer(chosen)
    formulas = [_formula(writer, n, places, term) for n, places, term in made]
    rows = [(n, *defined[n]) for n in parts.in_order(defined)]
    shared = [_formula(writer, n, p, t, reader.names[n]) for n, p, t in rows]
    return Reading(tuple(formulas), tuple(shared))


def _given(reader: Reader, letters: Mapping[Node, Sequence[str]]) -> dict[tuple[str, int], str]:
    """The letters of the axes that are shown: those of more than one element."""
    found = {}
    for node, axes in letters.items():
        shown = [c for c, n in zip(axes, node.shape, strict=False) if n != 1]
        if node in reader.names:
            found |= {(reader.names[node], k): c for k, c in enumerate(shown)}
    return found


def _result(reader: Reader, parts: Parts, node: Node, places: Places) -> Term:
    """A value asked for is read by what computes it, unless it is an input or has its own line."""
    if node in parts.names and (not node.inputs or node in set(parts.shared)):
        return reader.element(node, places)
    return reader.computed(node, places)


def _formula(writer: Writer, node: Node, places: Places, term: Term, name: str = "") -> Formula:
    free = [p.index for p in places if p.index is not None]
    tex, scope = writer.formula(term, free)
    indices = tuple(scope[index] for index in free)
    return Formula(tex, name, indices, node.shape)
