"""A mistake in typed text, shown with a caret under it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

from ...graph.errors import ExpressionError


def mistake(text: str, start: int, end: int, what: str, advice: str = "") -> ExpressionError:
    """The error for characters `start` to `end` of `text`, with carets under them.

    >>> print(mistake("2 * q", 4, 5, "q has no value", "write q=1"))
    q has no value
      2 * q
          ^
      write q=1
    """
    start = min(max(start, 0), len(text))
    under = " " * width(text[:start]) + "^" * max(width(text[start:end]), 1)
    lines = [what, f"  {text}", f"  {under}"]
    return ExpressionError("\n".join(lines + ([f"  {advice}"] if advice else [])))


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def nearest(name: str, known: Iterable[str], how_many: int = 2) -> list[str]:
    """The known names most like this one, best first; letter case counts for nothing.

    >>> nearest("tahn", ["sin", "tanh", "atan"])
    ['tanh', 'atan']
    """
    by_lower: dict[str, str] = {}
    for k in known:
        by_lower.setdefault(k.lower(), k)
    asked = name.lower()
    found = get_close_matches(asked, by_lower, n=how_many, cutoff=0.6)
    found.sort(key=lambda f: sorted(f) != sorted(asked))  # two letters swapped: the commonest slip
    return [by_lower[f] for f in found]


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The advice that names the nearest right word, or `otherwise`."""
    found = nearest(name, known)
    return f"did you mean {' or '.join(found)}?" if found else otherwise
