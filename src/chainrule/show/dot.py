"""The graph of a drawing in Graphviz's language, for those who have it: nothing here needs it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .graph.sheet import Item, Key, Sheet
from .graphtext import grown, names, printable

# What an item is drawn as: the shape, and the ink of its border as in the SVG pictures.
SHAPES = {
    "op": ("ellipse", "#5b5e63"),
    "weight": ("box", "#a04300"),
    "input": ("box", "#005f9e"),
    "fixed": ("box", "#5b5e63"),
    "box": ("box3d", "#5b5e63"),
    "end": ("plaintext", "#5b5e63"),
}
SOFT = "#8a8d92"
RECORD = re.compile(r'[\\{}|<>" ]')  # what has a meaning in the label of a record


def quoted(told: str) -> str:
    """Any text as a string of DOT that shows exactly this text; line breaks are kept.

    >>> print(quoted('a "b"'))
    "a \\"b\\""
    """
    plain = _spelled(told).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + plain.replace("\n", "\\n") + '"'


def _spelled(told: str) -> str:
    # Graphviz reads &lt; and the like in every text.
    return printable(told).replace("&", "&amp;")


def _cell(told: str) -> str:
    """Any text as a field of a record: no bracket or bar in it divides anything."""
    plain = RECORD.sub(lambda found: "\\" + found[0], _spelled(told))
    return plain.replace("\n", "\\n")


def dot(
    sheet: Sheet, groups: Mapping[Key, Key] | None = None,
    titles: Mapping[Key, str] | None = None, style: str = "graph",
) -> str:  # fmt: skip
    """The items of a sheet and its open boxes as DOT text, from left to right.

    `groups` names the box of an item or of a box, `titles` what stands over a box. With
    `style="micrograd"` values are records `{ name | value | gradient }` between their ops.
    The text is the same for the same sheet, and any label is shown as it is.
    """
    ids, titles = names(sheet), titles or {}
    lines = [
        "digraph {",
        f'  graph [rankdir=LR, label={quoted(sheet.title)}, labelloc=t, fontname="DejaVu Sans"];',
        '  node [fontname="DejaVu Sans", fontsize=11];',
        '  edge [fontname="DejaVu Sans", fontsize=10, color="#5b5e63"];',
    ]

    def boxed(item: Item, depth: int) -> None:
        lines.extend("  " * depth + line for line in _item(item, ids[item.key], style))

    def begin(number: int, group: Key, depth: int) -> None:
        pad = "  " * depth
        lines.append(f"{pad}subgraph cluster_{number} {{")
        lines.append(f'{pad}  label={quoted(str(titles.get(group, group)))}; color="{SOFT}";')

    def finish(depth: int) -> None:
        lines.append("  " * depth + "}")

    grown(sheet, groups or {}, boxed, begin, finish)
    lines.extend("  " + line for line in _edges(sheet, ids, style))
    return "\n".join([*lines, "}", ""])


def _item(item: Item, name: str, style: str) -> Iterator[str]:
    shape, ink = SHAPES.get(item.kind, SHAPES["op"])
    tip = "\n".join([item.head, *item.told])
    told = f", tooltip={quoted(tip)}" if tip else ""
    if style == "micrograd" and item.kind not in ("box", "end"):
        if item.kind == "op":
            yield f"{name}_op [label={quoted(item.sign)}, shape=circle{told}];"
            yield f"{name}_op -> {name};"
        yield f'{name} [label="{_fields(item)}", shape=record{told}];'
        return
    lines = [t for t in (item.over, item.sign, item.under) if t]
    if item.kind in ("weight", "input", "fixed"):
        lines += [t for out in item.outs for t in (*out.value, *out.grad)]
    label = quoted("\n".join(lines) or item.name)
    yield f'{name} [label={label}, shape={shape}, color="{ink}"{told}];'


def _fields(item: Item) -> str:
    """The name, and of each value the numbers: the fields of a record."""
    cells = [_cell(item.over or item.name or item.sign)]
    for out in item.outs:
        for word, lines in (("data", out.value), ("grad", out.grad)):
            if lines:
                cells.append(_cell(f"{word} " + "\n".join(lines).lstrip("→← ")))
    return "{ " + " | ".join(cells) + " }"


def _edges(sheet: Sheet, ids: Mapping[Any, str], style: str) -> Iterator[str]:
    items = sheet.by_key
    for source, out, target, k in sheet.links:
        row, end = items[target].rows[k], ids[target]
        if style == "micrograd" and items[target].kind == "op":
            yield f"{ids[source]} -> {end}_op;"
            continue
        value = items[source].outs[out] if out < len(items[source].outs) else None
        told: list[str] = []
        if value is not None and items[source].kind not in ("weight", "input", "fixed"):
            told += [*value.value, *(() if row.part else value.grad)]
        told += [*row.part, row.local]
        label = "\n".join(t for t in told if t)
        made = [f"label={quoted(label)}"] if label else []
        if row.dead:
            made.append(f'style=dashed, color="{SOFT}"')
        yield f"{ids[source]} -> {end}" + (f" [{', '.join(made)}]" if made else "") + ";"
