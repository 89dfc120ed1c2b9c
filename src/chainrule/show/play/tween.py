"""What lies between two values of an attribute; player.js says the same in JavaScript."""

from __future__ import annotations

import re
from math import floor

NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
AT_ONCE = {"text", "class", "style", "id", "href", "fill", "stroke", "font-family"}  # no numbers
UNSAID = {  # what an attribute is that is not written
    "opacity": "1", "fill-opacity": "1", "stroke-opacity": "1", "stroke-dashoffset": "0",
}  # fmt: skip


def mix(name: str, old: str, new: str, part: float) -> str:
    """The value of an attribute when `part` of the way from `old` to `new` is done.

    Where the text around the numbers is the same, every number moves; everything else changes
    as soon as the way begins, and so do texts, classes and colours.

    >>> mix("points", "0,0 10,0", "0,10 20,0", 0.5)
    '0,5 15,0'
    >>> mix("class", "s1", "s2", 0.01), mix("x", "4", "8", 0.0)
    ('s2', '4')
    """
    if part <= 0.0 or old == new:
        return old
    if part >= 1.0 or name in AT_ONCE or "#" in old + new:
        return new
    before, after = NUMBER.split(old), NUMBER.split(new)
    if before != after:
        return new
    here = [float(x) for x in NUMBER.findall(old)]
    there = [float(x) for x in NUMBER.findall(new)]
    if not max((abs(x) for x in here + there), default=0.0) < 1e12:
        return new  # no place in a picture; and thousandths of it are no whole numbers any more
    moved = [number(a + (b - a) * part) for a, b in zip(here, there, strict=True)]
    return "".join(x for pair in zip(before, [*moved, ""], strict=True) for x in pair)


def number(x: float) -> str:
    """A number with at most three decimals.

    >>> number(0.12345), number(-0.0001), number(3.0)
    ('0.123', '0', '3')
    """
    # floor(x + ½) and not round(): JavaScript has no rounding of halves to even.
    thousandths = floor(x * 1000 + 0.5)
    if thousandths % 1000 == 0:
        return str(thousandths // 1000)
    return repr(thousandths / 1000)


def travel(seconds: float, moving: float | None = None) -> float:
    """How much of a moment its changes take; the rest is for reading.

    >>> travel(0.5), travel(4.0), travel(4.0, 3.0), travel(1.0, 3.0)
    (0.25, 0.6, 3.0, 1.0)
    """
    return min(0.6, seconds / 2) if moving is None else min(moving, seconds)


def ease(part: float) -> float:
    """From 0 to 1, slow at both ends.

    >>> ease(0.0), ease(0.5), ease(1.0)
    (0.0, 0.5, 1.0)
    """
    return part * part * (3.0 - 2.0 * part)
