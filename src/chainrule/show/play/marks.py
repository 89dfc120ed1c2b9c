"""The marks of a picture: the elements with an id, and how to write the picture with them changed.

A picture is cut once at its marks; each frame of a film then only writes the marks anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import unescape

from ..svg import text

TAG = re.compile(r'<([A-Za-z_][\w:.-]*)((?:\s+[\w:.-]+="[^"]*")*)\s*(/?)>')
ATTRIBUTE = re.compile(r'([\w:.-]+)="([^"]*)"')


@dataclass
class Mark:
    """One element: its name, its attributes, and its text where that changes."""

    name: str
    attributes: dict[str, str]
    closed: bool
    content: str | None = None  # None: what stands in the element stays as it is

    def written(self, changed: Mapping[str, str]) -> str:
        """The element as SVG text, with these attributes changed."""
        told = {**self.attributes, **{k: v for k, v in changed.items() if k != "text"}}
        inside = "".join(f' {k}="{text(v)}"' for k, v in told.items())
        if self.content is None:
            return f"<{self.name}{inside}{'/' if self.closed else ''}>"
        content = text(changed.get("text", self.content))
        return f"<{self.name}{inside}>{content}</{self.name}>"


@dataclass
class Marks:
    """A picture, cut at the marks that change."""

    pieces: list[str] = field(default_factory=list)  # one more than there are marks
    found: dict[str, Mark] = field(default_factory=dict)

    def written(self, changed: Mapping[str, Mapping[str, str]]) -> str:
        """The whole picture, with these changes."""
        made = [m.written(changed.get(ident, {})) for ident, m in self.found.items()]
        return "".join(x for pair in zip(self.pieces, [*made, ""], strict=True) for x in pair)


def cut(svg: str, wanted: Iterable[str], texts: Iterable[str]) -> Marks:
    """The picture cut at the marks with these ids; of `texts`, the text is a mark's own too.

    A mark of `texts` that holds other elements is left out, and so is one that is not there.
    """
    wanted, texts = set(wanted), set(texts)
    made, done = Marks(), 0
    for tag in TAG.finditer(svg):
        name, inside, closed = tag.groups()
        told = {k: unescape(v) for k, v in ATTRIBUTE.findall(inside)}
        ident = told.get("id", "")
        if ident not in wanted or ident in made.found:
            continue
        mark, end = Mark(name, told, bool(closed)), tag.end()
        if ident in texts:
            stop = svg.find("<", end)
            if not closed and not svg.startswith(f"</{name}>", stop):
                continue
            mark.content = "" if closed else unescape(svg[end:stop])
            end = end if closed else stop + len(name) + 3
        made.pieces.append(svg[done : tag.start()])
        made.found[ident], done = mark, end
    made.pieces.append(svg[done:])
    return made
