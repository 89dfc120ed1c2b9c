"""What graphs written as text have in common: names that are safe, boxes in boxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from unicodedata import category

from .graph.sheet import Item, Key, Sheet


def names(sheet: Sheet) -> dict[Key, str]:
    """A name for every item that is a word in any language; labels are never names."""
    return {item.key: f"n{k}" for k, item in enumerate(sheet.items)}


def printable(told: str) -> str:
    """The text without control characters, which no format can carry; line breaks stay.

    >>> printable("a\\x00b\\nc")
    'a�b\\nc'
    """
    return "".join(
        c if c == "\n" or category(c) not in ("Cc", "Cs", "Cn") else "\ufffd"
        for c in told.replace("\r\n", "\n").replace("\t", " ")
    )


def grown(
    sheet: Sheet, groups: Mapping[Key, Key], item: Callable[[Item, int], None],
    begin: Callable[[int, Key, int], None], finish: Callable[[int], None],
) -> None:  # fmt: skip
    """Go through all items box by box: each call is told how deep it is."""
    inside: dict[Key, list[tuple[bool, Key]]] = {}
    seen: set[Key] = set()
    none = object()
    for each in sheet.items:
        is_item, key = True, each.key
        while (is_item, key) not in seen:
            seen.add((is_item, key))
            around = groups.get(key, none)
            inside.setdefault(around, []).append((is_item, key))
            if around is none:
                break
            is_item, key = False, around
    by_key = sheet.by_key
    number = 0

    def walk(around: Key, depth: int) -> None:
        nonlocal number
        for is_item, key in inside.get(around, ()):
            if is_item:
                item(by_key[key], depth)
                continue
            begin(number, key, depth)
            number += 1
            walk(key, depth + 1)
            finish(depth)

    walk(none, 1)
