"""The graph of a drawing in Mermaid's language, which many pages and editors draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .graph.sheet import Item, Key, Sheet
from .graphtext import grown, names, printable

SHAPES = {  # how each kind of item is bracketed: round for ops, sharp for what is given
    "op": ("([", "])"),
    "weight": ("[", "]"),
    "input": ("[", "]"),
    "fixed": ("[", "]"),
    "box": ("[[", "]]"),
    "end": (">", "]"),
}
CLASSES = {
    "weight": "stroke:#a04300",
    "input": "stroke:#005f9e",
    "fixed": "stroke-dasharray:3 2",
}
PLAIN = frozenset(" .,=+-×·→←∂∇Σ()/²³ᵀ'")


def quoted(told: str) -> str:
    """Any text as a label that shows exactly this text: what might be markup is a character code.

    >>> quoted("a < b")
    '"a #60; b"'
    """
    return '"' + "".join(_shown(c) for c in printable(told)) + '"'


def _shown(c: str) -> str:
    if c == "\n":
        return "<br/>"
    return c if c.isalnum() or c in PLAIN else f"#{ord(c)};"


def mermaid(
    sheet: Sheet, groups: Mapping[Key, Key] | None = None, titles: Mapping[Key, str] | None = None
) -> str:
    """The items of a sheet and its open boxes as a Mermaid flowchart, from left to right.

    `groups` names the box of an item or of a box, `titles` what stands over a box. The text is
    the same for the same sheet, and any label is shown as it is, never run.
    """
    ids, titles = names(sheet), titles or {}
    lines = ["flowchart LR"]

    def one(item: Item, depth: int) -> None:
        left, right = SHAPES.get(item.kind, SHAPES["op"])
        kind = f":::{item.kind}" if item.kind in CLASSES else ""
        lines.append("  " * depth + f"{ids[item.key]}{left}{quoted(_label(item))}{right}{kind}")

    def begin(number: int, group: Key, depth: int) -> None:
        title = quoted(str(titles.get(group, group)))
        lines.append("  " * depth + f"subgraph g{number}[{title}]")

    def finish(depth: int) -> None:
        lines.append("  " * depth + "end")

    grown(sheet, groups or {}, one, begin, finish)
    lines.extend("  " + line for line in _edges(sheet, ids))
    used = {item.kind for item in sheet.items}
    lines.extend(f"  classDef {kind} {how}" for kind, how in CLASSES.items() if kind in used)
    return "\n".join([*lines, ""])


def _label(item: Item) -> str:
    lines = [t for t in (item.over, item.sign, item.under) if t]
    if item.kind in ("weight", "input", "fixed"):
        lines += [t for out in item.outs for t in (*out.value, *out.grad)]
    return "\n".join(lines) or item.name or " "


def _edges(sheet: Sheet, ids: Mapping[Any, str]) -> Iterator[str]:
    items = sheet.by_key
    for source, out, target, k in sheet.links:
        row, origin = items[target].rows[k], items[source]
        value = origin.outs[out] if out < len(origin.outs) else None
        told: list[str] = []
        if value is not None and origin.kind not in ("weight", "input", "fixed"):
            told += [*value.value, *(() if row.part else value.grad)]
        told += [*row.part, *([row.local] if row.local else [])]
        line = "-.->" if row.dead else "-->"
        label = f"|{quoted(chr(10).join(told))}|" if told else ""
        yield f"{ids[source]} {line}{label} {ids[target]}"
