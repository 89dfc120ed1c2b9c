"""One picture and what happens in it: the same scene is printed, played and filmed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from typing import Any

from ..graph.errors import UsageError
from .play.marks import Marks, cut
from .play.tween import UNSAID, mix, number
from .svg import standalone

Changes = Mapping[str, Mapping[str, str | float]]


@dataclass(frozen=True)
class Moment:
    """One thing that happens: what it is called in words, and what changes in the picture."""

    words: str  # the caption: one or two plain sentences with the numbers
    changes: Changes = field(default_factory=dict)  # mark → attribute ("text": its text) → value
    chapter: str = ""  # "forward", "loss", "backward", "update", ...
    seconds: float = 1.2  # how long it lasts, when played
    moving: float | None = None  # how much of that the changes take; by default at most 0.6


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with marks, and the moments in which they change; without moments, a still.

    >>> svg = '<svg xmlns="http://www.w3.org/2000/svg"><circle id="c" cx="0" r="2"/></svg>'
    >>> made = Scene("A ball", "A ball rolls.", svg, (
    ...     Moment("Here is a ball."), Moment("It rolls to 10.", {"c": {"cx": 10}})))
    >>> made.at(1, 0.5)
    '<svg xmlns="http://www.w3.org/2000/svg"><circle id="c" cx="5" r="2"/></svg>'
    """

    title: str
    told: str  # the description, for those who do not see the picture
    svg: str  # one <svg> element: the picture before the first moment
    moments: tuple[Moment, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "moments", tuple(self.moments))
        if not self.svg.startswith("<svg"):
            raise UsageError(f"Scene: the picture starts with {self.svg[:20]!r}, not with <svg")
        for k, m in enumerate(self.moments):
            if lost := [i for i in m.changes if i not in self._marks.found]:
                raise UsageError(
                    f"Scene {self.title!r}: moment {k} ({m.words!r}) changes {lost[0]!r}; the "
                    f"picture has no such mark, or its text is to change and it holds elements"
                )

    @cached_property
    def _marks(self) -> Marks:
        changed = [(i, a) for m in self.moments for i, of in m.changes.items() for a in of]
        return cut(
            self.svg,
            {i for m in self.moments for i in m.changes},
            {i for i, a in changed if a == "text"},
        )

    @cached_property
    def start(self) -> dict[str, dict[str, str]]:
        """What all that ever changes is in the picture before the first moment."""
        made: dict[str, dict[str, str]] = {}
        for m in self.moments:
            for ident, of in m.changes.items():
                mark = self._marks.found[ident]
                for name in of:
                    said = mark.content if name == "text" else mark.attributes.get(name)
                    said = UNSAID.get(name, "") if said is None else said
                    made.setdefault(ident, {}).setdefault(name, said)
        return made

    @cached_property
    def tracks(self) -> dict[tuple[str, str], tuple[list[int], list[str]]]:
        """Of every attribute that changes, the moments in which it does, and its values then."""
        made = {(i, a): ([-1], [v]) for i, of in self.start.items() for a, v in of.items()}
        for k, m in enumerate(self.moments):
            for ident, of in m.changes.items():
                for name, value in of.items():
                    at, values = made[ident, name]
                    at.append(k)
                    values.append(written(value))
        return made

    def at(self, k: int = -1, part: float = 1.0) -> str:
        """The picture as SVG text, when `part` of moment `k` has happened.

        `at(0, 0.0)` is the picture before the first moment, `at(-1)` the last one.
        """
        if not self.moments:
            return self.svg
        k = self._place(k)
        changed: dict[str, dict[str, str]] = {}
        for (ident, name), (at, values) in self.tracks.items():
            i = bisect_right(at, k) - 1
            value = values[i]
            if at[i] == k:
                value = mix(name, values[i - 1], value, part)
            if value or name != "text":
                changed.setdefault(ident, {})[name] = value
            else:
                changed.setdefault(ident, {})["text"] = ""
        unsaid = {i: {a: v for a, v in of.items() if self._said(i, a, v)}
                  for i, of in changed.items()}  # fmt: skip
        return self._marks.written(unsaid)

    def _said(self, ident: str, name: str, value: str) -> bool:
        # What was not written in the picture is not written where it is as it was.
        known = name == "text" or name in self._marks.found[ident].attributes
        return known or value != self.start[ident][name]

    def _place(self, k: int) -> int:
        n = len(self.moments)
        if not isinstance(k, int) or not -n <= k < n:
            raise UsageError(f"Scene.at: there is no moment {k!r}; there are 0 to {n - 1}")
        return k % n

    def transcript(self) -> str:
        """All that happens, in words, chapter by chapter."""
        lines, chapter = [self.title, self.told], ""
        for k, m in enumerate(self.moments, 1):
            if m.chapter and m.chapter != chapter:
                lines.append(m.chapter)
                chapter = m.chapter
            lines.append(f"  {k}. {m.words}")
        return "\n".join(lines)

    def html(self) -> str:
        """One HTML file that plays the scene, opened from disk, with no network."""
        from .play.page import page

        return page((self,), self.title)

    def fragment(self, ident: str = "") -> str:
        """The player as a part of a page that holds `play.page.head()` once."""
        from .play.page import fragment

        return fragment(self, ident)

    def save(self, path: str | PathLike[str], **options: Any) -> None:
        """Write the scene to a file: .svg, .png, .html, .gif, .webp, .mp4 or .txt.

        `moment` chooses the one that a still shows (the last), `scale` the size, `dark` the
        colours; `fps` is that of a film.
        Raises: UsageError for another ending; MissingExtraError for what is not installed.
        """
        from .play.save import save

        save(self, path, **options)

    def __str__(self) -> str:
        return self.transcript()

    def _repr_html_(self) -> str:
        from .play.page import in_notebook

        return in_notebook(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        made = {"image/svg+xml": standalone(self.at()), "text/plain": self.transcript()}
        return {"text/html": self._repr_html_(), **made} if self.moments else made


def written(value: str | float) -> str:
    """A value as it stands in an attribute."""
    return value if isinstance(value, str) else number(float(value))
