"""Values of settings as they are typed, in a terminal or a file: each kind says what it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

from ..graph.spelling import did_you_mean

DIGITS = 18  # of a whole number
Reader = Callable[[Any], Any]  # from what was typed to the value; raises Unfit


class Unfit(ValueError):
    """What was given is no such value; the message says what would be."""


def text(given: Any) -> str:
    """A text."""
    if not isinstance(given, str):
        raise Unfit("give a text")
    return given


def texts(given: Any) -> tuple[str, ...]:
    """Several texts, or one."""
    found = [given] if isinstance(given, str) else given
    if not isinstance(found, (list, tuple)) or not all(isinstance(t, str) for t in found):
        raise Unfit("give texts")
    return tuple(found)


def flag(given: Any) -> bool:
    """True or false."""
    found = {"true": True, "false": False}.get(str(given).lower())
    if found is None:
        raise Unfit("give true or false")
    return found


def whole(least: int) -> Reader:
    """A whole number, `least` or more.

    >>> whole(1)("32")
    32
    """

    def read(given: Any) -> int:
        found = given
        if isinstance(given, str) and re.fullmatch(r"[+-]?\d+", given.strip()):
            found = int(given) if len(given.strip()) <= DIGITS else None
        if found is None:
            raise Unfit(f"give a whole number, {least} or more, of at most {DIGITS} digits")
        if isinstance(found, bool) or not isinstance(found, int) or found < least:
            raise Unfit(f"give a whole number, {least} or more")
        return found

    return read


def positive(given: Any) -> float:
    """A number above 0."""
    try:
        found = float("nan" if isinstance(given, bool) else given)
    except (TypeError, ValueError):
        found = float("nan")
    if not isfinite(found) or not found > 0:
        raise Unfit("give a number above 0")
    return found


def word(*known: str) -> Reader:
    """One of these words.

    >>> try:
    ...     word("relu", "tanh")("rleu")
    ... except Unfit as error:
    ...     print(error)
    did you mean relu? There are relu, tanh
    """

    def read(given: Any) -> str:
        if given not in known:
            raise Unfit(unknown(str(given), known))
        return str(given)

    return read


def words(*known: str) -> Reader:
    """Some of these words, in a list or divided by blanks or commas."""

    def read(given: Any) -> tuple[str, ...]:
        parts = texts(given)
        found = [w for part in parts for w in part.replace(",", " ").split()]
        return tuple(map(word(*known), found))

    return read


def unknown(given: str, known: Iterable[str]) -> str:
    """The advice for a word that is none of those known."""
    listed = ", ".join(known)
    near = did_you_mean(given, known, "")
    return f"{near} There are {listed}" if near else f"there are {listed}"


def sizes(given: Any) -> tuple[int, ...]:
    """Sizes typed as "64 64", or a list of them; an empty text is none.

    >>> sizes("64, 32"), sizes(""), sizes([8])
    ((64, 32), (), (8,))
    """
    if isinstance(given, (list, tuple)):
        return tuple(map(whole(1), given))
    parts = text(given).replace(",", " ").replace("x", " ").split()
    if parts in (["none"], ["0"]):
        return ()
    for part in parts:
        if not part.isdigit() or not 0 < int(part) <= MOST:
            raise Unfit(f'{part!r} is no size; write sizes: "64 64"')
    return tuple(map(int, parts))


MOST = 100_000  # units in a layer
