"""A mistake in typed text, shown with a caret under it."""

from __future__ import annotations

import unicodedata

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
