"""What a key of basic indexing does to each axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def steps(key: tuple[tuple[Any, ...], ...], shape: Sequence[int]) -> list[tuple]:
    """The key, a part for every axis: ("at", i), ("slice", start, step, count), ("array", k)."""
    rest: tuple[Any, ...] = ("rest",)
    used = sum(1 for part in key if part[0] in ("at", "slice", "array"))
    found: list[tuple] = []
    sizes = list(shape)
    for part in key if ("rest",) in key else (*key, rest):
        if part[0] == "rest":
            found += [("slice", 0, 1, n) for n in sizes[: len(sizes) - used]]
            sizes = sizes[len(sizes) - used :]
            continue
        if part[0] == "new":
            found.append(part)
            continue
        n, used = sizes.pop(0), used - 1
        if part[0] == "slice":
            start, stop, step = slice(*part[1:]).indices(n)
            found.append(("slice", start, step, len(range(start, stop, step))))
        else:
            found.append(("at", part[1] % n) if part[0] == "at" else part)
    return found
