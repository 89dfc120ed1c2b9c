"""Pictures next to each other, as one."""

from __future__ import annotations

import re

from ..graph.errors import UsageError
from .scene import Moment, Scene
from .svg import element, picture, text

MARGIN, HEAD, FOOT = 22.0, 40.0, 8.0
OPENING = re.compile(r'<svg[^>]* class="([\w -]*)"[^>]* width="([\d.]+)" height="([\d.]+)"[^>]*>')
IDENT = re.compile(r'\sid="([^"]+)"')


def beside(
    *scenes: Scene, title: str = "", told: str = "", columns: int = 0, ident: str = "beside"
) -> Scene:
    """Several scenes in a row as one, which plays them one after the other.

    `columns` are how many stand in a row before the next row begins; by default all do. `title`
    stands above them all, and `told` says what there is to see; by default what the scenes say
    themselves.
    Raises: UsageError for what is no scene, or where two have the same `ident`.

    >>> from chainrule.show.curves.lines import lines
    >>> a, b = (lines({"loss": [2.0, 1.0]}, title=name, ident=name) for name in "ab")
    >>> [m.chapter for m in beside(a, b, title="Two trainings", columns=1).moments]
    ['a', 'b']
    """
    openings = [m for s in scenes if isinstance(s, Scene) and (m := OPENING.match(s.svg))]
    if not scenes or len(openings) < len(scenes):
        raise UsageError(
            "pictures.beside: give scenes with a width and a height, such as pictures.lines(...)"
        )
    _distinct(scenes)
    head = HEAD if title else 0.0
    body = element("text", text(title), x=MARGIN, y=30, class_="head", style="font-size:16px")
    body, x, y, wide, tall = body if title else "", 0.0, head, 0.0, 0.0
    for k, (scene, opening) in enumerate(zip(scenes, openings, strict=True)):
        if columns and k and not k % columns:
            x, y, tall = 0.0, y + tall, 0.0
        kind, width, height = opening.groups()
        inside = scene.svg[opening.end() :].removesuffix("</svg>")
        body += element("g", inside, class_=kind, transform=f"translate({x:g} {y:g})")
        x, tall = x + float(width), max(tall, float(height))
        wide = max(wide, x)
    title = title or "; ".join(s.title for s in scenes)
    told = told or " ".join(s.told for s in scenes)
    moments = tuple(
        Moment(m.words, m.changes, m.chapter or s.title, m.seconds, m.moving)
        for s in scenes for m in s.moments
    )  # fmt: skip
    svg = picture("scene beside", ident, wide, y + tall + FOOT, title, told, body)
    return Scene(title, told, svg, moments)


def _distinct(scenes: tuple[Scene, ...]) -> None:
    seen: set[str] = set()
    for scene in scenes:
        own = set(IDENT.findall(scene.svg))
        if both := sorted(own & seen):
            raise UsageError(
                f"pictures.beside: two scenes have a mark {both[0]!r}; give each an ident of its "
                "own, such as ident='left'"
            )
        seen |= own
