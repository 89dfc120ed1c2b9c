"""Boxes that stand for several operations: which there are, and a sheet with some of them shut."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .figures import figure
from .sheet import Item, Key, Out, Row, Sheet
from .signs import letter

Path = tuple[Key, ...]


@dataclass(frozen=True)
class Grouping:
    """Which items belong together: of every item its boxes, the outermost first."""

    path: Mapping[Key, Path]
    titles: Mapping[Key, str]

    def keyed(self, keys: Mapping[Any, Key]) -> Grouping:
        """The same boxes, of items in place of nodes."""
        return replace(self, path={keys[n]: p for n, p in self.path.items() if n in keys})

    @cached_property
    def groups(self) -> list[Key]:
        """Every box, an outer one before those in it."""
        found = {g for p in self.path.values() for g in p}
        return [g for g in self.titles if g in found]

    @cached_property
    def _above(self) -> dict[Key, Path]:
        return {g: p[:k] for p in set(self.path.values()) for k, g in enumerate(p)}

    def above(self, group: Key) -> Path:
        """The boxes that a box lies in, the outermost first."""
        return self._above.get(group, ())


def with_leaves(sheet: Sheet, grouping: Grouping) -> Grouping:
    """The same grouping with every parameter and constant in the box that alone reads it."""
    readers: dict[Key, list[Path]] = {}
    for source, _, target, _ in sheet.links:
        readers.setdefault(source, []).append(grouping.path.get(target, ()))
    path = dict(grouping.path)
    for item in sheet.items:
        if item.kind in ("weight", "fixed") and item.key in readers:
            path[item.key] = _shared(readers[item.key])
    return replace(grouping, path=path)


def _shared(paths: list[Path]) -> Path:
    shared = paths[0]
    for p in paths[1:]:
        k = 0
        while k < min(len(shared), len(p)) and shared[k] == p[k]:
            k += 1
        shared = shared[:k]
    return shared


def folded(
    sheet: Sheet, grouping: Grouping, open_: Collection[Key], digits: int = 4
) -> tuple[Sheet, dict[Key, Key]]:
    """The sheet with every box shut that is not open; and of what is in open boxes, in which."""
    place: dict[Key, Key] = {}  # of every item: what stands for it
    around: dict[Key, Key] = {}
    for item in sheet.items:
        path = grouping.path.get(item.key, ())
        shut = next((k for k, g in enumerate(path) if g not in open_), len(path))
        place[item.key] = ("box", path[shut]) if shut < len(path) else item.key
        if shut:
            around[place[item.key]] = path[shut - 1]
            around |= dict(zip(path[1:shut], path[: shut - 1], strict=True))
    items: dict[Key, Item] = {}
    inside: dict[Key, list[Item]] = {}
    for item in sheet.items:
        inside.setdefault(place[item.key], []).append(item)
    outs, readers = _leaving(sheet, place)
    for key, members in inside.items():
        if key in place.values() and key not in place:
            items[key] = _box(key, members, grouping, outs, sheet)
        else:
            items[key] = members[0]
    for key, item in items.items():
        items[key] = replace(item, rows=_rows(key, inside[key], place, outs, readers, digits))
    made = replace(sheet, items=_in_order(list(items.values())))
    return made, around


def _leaving(sheet: Sheet, place: dict) -> tuple[dict, dict]:
    """Of every box, the values that leave it; and how many places read each value."""
    outs: dict[Key, list[tuple[Key, int]]] = {}
    readers: dict[tuple, set] = {}
    for source, out, target, _ in sheet.links:
        if place[source] != place[target]:
            left = outs.setdefault(place[source], [])
            if (source, out) not in left:
                left.append((source, out))
            readers.setdefault((source, out), set()).add(place[target])
    return outs, readers


def _box(key: Key, members: list[Item], grouping: Grouping, outs: dict, sheet: Sheet) -> Item:
    by_key = {m.key: m for m in members}
    group = key[1]  # type: ignore[index]
    left = [by_key[source].outs[out] for source, out in outs.get(key, ())]
    ops = [m for m in members if m.kind == "op"]
    size = sum(m.size for m in members if m.kind == "weight")
    told = f"{len(ops):,} op{'s' * (len(ops) != 1)}"
    under = f"{told}, {size:,} parameters" if size else told
    title = grouping.titles.get(group, str(group))
    lines = [m.head for m in ops[:12]] + ([f"… and {len(ops) - 12} more"] if ops[12:] else [])
    warn = next((m.warn for m in ops if m.warn), "")
    name = f"box {group}"
    shown = [replace(o, label=o.label or (letter(o.name) if len(left) > 1 else "")) for o in left]
    return Item(key, "box", title, name, under=under, outs=shown or [Out()],
                head=f"{title}: {under}", told=tuple(lines), warn=warn, group=group)  # fmt: skip


def _rows(
    key: Key, members: list[Item], place: dict, outs: dict, readers: dict, digits: int
) -> list[Row]:
    """The lines into an item or a box: one for each value from outside."""
    single = len(members) == 1 and members[0].key == key
    found: dict[Any, list[Row]] = {}
    for m in members:
        for k, row in enumerate(m.rows):
            if place[row.source] != key:
                at = (row.source, row.out, k if single else None)
                found.setdefault(at, []).append(row)
    made = []
    for (source, out, _), rows in found.items():
        holder = place[source]
        number = outs[holder].index((source, out)) if holder != source else out
        row = replace(rows[0], source=holder, out=number)
        if not single:
            several = len(readers[source, out]) > 1
            sent = [r.sent for r in rows if r.sent is not None]
            total = _total(sent)
            part = figure(total, digits) if several and total is not None else ()
            part = (f"← {part[0]}", *part[1:]) if part else ()
            dead = all(r.dead for r in rows)
            row = replace(row, local="", part=part, sent=total, dead=dead)
        made.append(row)
    return made


def _total(sent: list[Any]) -> Any:
    if not sent:
        return None
    with np.errstate(all="ignore"):
        return sent[0] if len(sent) == 1 else sum(sent[1:], start=sent[0])


def _in_order(items: list[Item]) -> list[Item]:
    """The items, operands first."""
    by_key = {i.key: i for i in items}
    done: dict[Key, Item] = {}
    path: list[tuple[Item, Any]] = []
    for start in items:
        path.append((start, iter(start.rows)))
        while path:
            item, rest = path[-1]
            row = next((r for r in rest if r.source not in done), None)
            if row is None:
                done.setdefault(item.key, item)
                path.pop()
            elif any(i.key == row.source for i, _ in path[-200:]):
                raise Knotted(row.source, item.key)
            else:
                path.append((by_key[row.source], iter(by_key[row.source].rows)))
    return list(done.values())


class Knotted(Exception):
    """Two boxes that each need the other: they cannot both be shut."""


def untied(sheet: Sheet, grouping: Grouping) -> Grouping:
    """The grouping without the boxes that cannot be shut, since they need themselves."""
    while True:
        try:
            folded(sheet, grouping, ())
            return grouping
        except Knotted as knot:
            bad = {k[1] for k in knot.args if isinstance(k, tuple) and k[:1] == ("box",)}
            kept = {k: tuple(g for g in p if g not in bad) for k, p in grouping.path.items()}
            grouping = replace(grouping, path=kept)
            if not bad:
                return replace(grouping, path={})
