"""The moments of a scene being put together: what is said, what appears, what is framed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ..scene import Moment
from .grids import Changes, Grid
from .notation import said

READ = 22.0  # characters that are read in a second
FLIGHT = 1.2  # seconds that matrices take to fly to another place


@dataclass(eq=False)
class Reel:
    """Moments in a row. Whatever is framed in one is let go in the next."""

    moments: list[Moment] = field(default_factory=list)
    lit: list[Grid] = field(default_factory=list)

    def add(self, chapter: str, words: str, *changes: Changes, lit: Iterable[Grid] = ()) -> None:
        """One more moment."""
        made: Changes = {}
        lit = list(lit)
        for part in (*(g.lit(False) for g in self.lit), *changes, *(g.lit() for g in lit)):
            for ident, of in part.items():
                made[ident] = {**made.get(ident, {}), **of}
        self.lit = lit
        seconds = min(max(1.6, round(0.6 + len(words) / READ, 1)), 8.0)
        flies = any("transform" in of or "points" in of for of in made.values())
        moving = FLIGHT if flies and self.moments else None
        self.moments.append(Moment(words, made, chapter, seconds, moving))


def together(*changes: Changes) -> Changes:
    """Several changes at once."""
    made: Changes = {}
    for part in changes:
        for ident, of in part.items():
            made[ident] = {**made.get(ident, {}), **of}
    return made


def alarm(values: np.ndarray, name: str) -> str:
    """A sentence about numbers that are not finite, where there are any.

    >>> alarm(np.array([[1.0, np.nan]]), "Z₁"), alarm(np.ones((1, 2)), "Z₁")
    (' Z₁ is not finite: it holds NaN.', '')
    """
    if np.isfinite(values).all():
        return ""
    return f" {name} is not finite: it holds {said(values[~np.isfinite(values)].flat[0])}."
