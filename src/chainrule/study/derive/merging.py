"""What stands beside two cases of 0 and 1 is written into them: {0; 1} · a is {0; a}."""

from __future__ import annotations

from ...read.tex import parse, write
from ...read.tree import Big, Row, Sign, Table, Tree

SUMS = ("binary", "relation")
TIMES = r"\cdot"


def merged(tex: str) -> str:
    """The formula with the factors beside its cases inside them; as it was, if it has no such.

    What stands before a large sum stays there: it does not depend on what the cases ask.

    >>> merged(r"2 \\sum_{i} x \\begin{cases} 0 & z \\le 0 \\\\ 1 & z > 0 \\end{cases}")
    '2 \\\\sum_{i} \\\\begin{cases} 0 & z \\\\le 0 \\\\\\\\ x & z > 0 \\\\end{cases}'
    """
    if tex.count(r"\begin{cases} 0 &") != 1:
        return tex
    tree = parse(tex)
    if not isinstance(tree, Row):
        return tex
    items = list(tree.items)
    places = [k for k, part in enumerate(items) if _is_a_gate(part)]
    if len(places) != 1:
        return tex
    start, stop = _product_around(items, places[0])
    inside = [part for k, part in enumerate(items[start:stop], start) if k != places[0]]
    inside = _without_loose_signs(inside)
    if not inside:
        return tex
    gate = items[places[0]]
    assert isinstance(gate, Table)
    (zero, shut), (_, open_) = gate.rows
    value = inside[0] if len(inside) == 1 else Row(tuple(inside))
    table = Table("cases", ((zero, shut), (value, open_)))
    return write(Row((*items[:start], table, *items[stop:])))


def _is_a_gate(part: Tree) -> bool:
    rows = part.rows if isinstance(part, Table) and part.kind == "cases" else ()
    return [write(row[0]) for row in rows] == ["0", "1"]


def _product_around(items: list[Tree], k: int) -> tuple[int, int]:
    """Where the product begins and ends that the part at `k` is a factor of."""
    start = k
    while start and not _ends_a_product(items[start - 1]):
        start -= 1
    stop = k + 1
    while stop < len(items) and not _ends_a_product(items[stop]):
        stop += 1
    return start, stop


def _ends_a_product(part: Tree) -> bool:
    if isinstance(part, Big):
        return True
    return isinstance(part, Sign) and part.kind in SUMS and part.tex != TIMES


def _without_loose_signs(parts: list[Tree]) -> list[Tree]:
    """The factors, without a dot that has lost what stood beside it."""
    kept: list[Tree] = []
    for part in parts:
        dot = isinstance(part, Sign) and part.tex == TIMES
        if dot and (not kept or isinstance(kept[-1], Sign)):
            continue
        kept.append(part)
    return kept[:-1] if kept and isinstance(kept[-1], Sign) else kept
