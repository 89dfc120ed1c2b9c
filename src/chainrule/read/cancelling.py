"""What stands above a line and below it cancels out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Part = TypeVar("Part")


def cancelled(above: Sequence[Part], below: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """The factors without those that stand on both sides, as often as they do.

    >>> cancelled("aab", "ac")
    (['a', 'b'], ['c'])
    """
    kept, rest = [], list(below)
    for factor in above:
        if factor in rest:
            rest.remove(factor)
        else:
            kept.append(factor)
    return kept, rest
