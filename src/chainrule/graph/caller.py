"""Whose line was it: the innermost line of code that is the user's, not ours."""

from __future__ import annotations

import os
import sys
import warnings
from types import CodeType
from typing import NamedTuple

LONGEST = 120  # letters of a line of code that are shown
HOUSE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Line(NamedTuple):
    """A place in the user's code, kept as what costs nothing to keep."""

    code: CodeType
    instruction: int

    @property
    def number(self) -> int:
        """The line number, worked out only when somebody reads it."""
        number = self.code.co_firstlineno
        for start, end, line in self.code.co_lines():
            if start <= self.instruction < end and line is not None:
                number = line
        return number

    @property
    def source(self) -> str:
        """The text of the line, or nothing where the source is not to be had."""
        import linecache

        return linecache.getline(self.code.co_filename, self.number).strip()

    def __str__(self) -> str:
        return f"{os.path.basename(self.code.co_filename)}:{self.number}"


Place = tuple[CodeType, int]  # what a Line is made of: cheaper to keep than a Line

# Asked for every op that is applied, so remembered for every file.
_OURS: dict[str, bool] = {}


def caller(depth: int = 1) -> Place | None:
    """The innermost place outside this package, or None when there is no such frame."""
    frame = sys._getframe(depth)
    while frame is not None:
        name = frame.f_code.co_filename
        ours = _OURS.get(name)
        if ours is None:
            # Code made by dataclasses and the like has no file; it stands between our frames.
            ours = _OURS[name] = name.startswith(HOUSE) or name == "<string>"
        if not ours:
            return frame.f_code, frame.f_lasti
        frame = frame.f_back
    return None


def made_at(place: Place | None) -> str:
    """The last lines of an error message: the user's own line, where there is one."""
    if place is None:
        return ""
    line = Line(*place)
    source = line.source if len(line.source) <= LONGEST else line.source[: LONGEST - 2] + " …"
    return f"\n  made at {line}" + (f"    {source}" if source else "")


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the user's own line."""
    place = caller()
    if place is None:
        warnings.warn(message, category, stacklevel=2)
    else:
        line = Line(*place)
        warnings.warn_explicit(message, category, line.code.co_filename, line.number)
