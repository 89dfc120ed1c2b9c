"""A scene as a page: one file with picture, player and transcript, opened from disk."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING

from ..svg import element, standalone, style, text

if TYPE_CHECKING:
    from ..scene import Moment, Scene

ICONS = {  # in a square of 16
    "first": "M3 3h2v10H3z M13 3v10L6 8z", "back": "M11 3v10L4 8z",
    "next": "M5 3v10l7-5z", "last": "M11 3h2v10h-2z M3 3v10l7-5z",
    "playing": "M4 2.5v11l9-5.5z", "pausing": "M4 3h3v10H4z M9 3h3v10H9z",
}  # fmt: skip
STEPS = {
    "first": "First moment (Home)", "back": "One step back (←)",
    "next": "One step on (→)", "last": "Last moment (End)",
}  # fmt: skip
SPEEDS = ("0.5", "1", "1.5", "2", "4")
KEYS = (
    ("Space", "plays"), ("← →", "step"), ("Shift ← →", "by chapter"), ("Home End", "to an end"),
    ("B", "to the backward pass"), ("1 – 5", "speed"),
)  # fmt: skip
LONGEST = 3  # captions that keep room for all others
READING, TALLEST = 390, 620  # pixels: what surrounds a picture in a notebook, and its own most


@cache
def _shipped(name: str) -> str:
    return files(__name__.rpartition(".")[0]).joinpath(name).read_text("utf-8")


def script() -> str:
    """The player, as a script element: once in a page, after its scenes."""
    return f"<script>{_shipped('player.js')}</script>"


def head() -> str:
    """What a page with scenes needs in its head: the styles, and that nothing is ever fetched."""
    digest = b64encode(sha256(_shipped("player.js").encode()).digest()).decode()
    rule = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    return (
        f'<meta http-equiv="Content-Security-Policy" content="{rule}">'
        f"<style>\n{style()}\n{_shipped('player.css')}</style>"
    )


def page(
    scenes: Sequence[Scene], title: str, lead: str = "", autoplay: bool = False, brief: bool = False
) -> str:
    """A whole HTML document that plays these scenes, each by itself; it needs no network.

    >>> from chainrule.show.scene import Moment, Scene
    >>> made = page([Scene("A", "a", '<svg id="a"></svg>', (Moment("It is."),))], "Two scenes")
    >>> made.startswith("<!doctype html>"), "http-equiv" in made, "src=" in made
    (True, True, False)
    """
    alone = len(scenes) == 1 and scenes[0].title == title and not brief
    drawn = "".join(
        fragment(s, f"scene-{k}", not brief, autoplay, titled=not alone)
        for k, s in enumerate(scenes, 1)
    )
    widest = max((_wide(s.svg) for s in scenes), default=0.0)
    above = "" if brief else element("h1", text(title))
    above += element("p", text(lead)) if lead else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{head()}<title>{text(title)}</title></head>\n"
        f'<body class="cr-page{" cr-brief" if brief else ""}">'
        f'<main style="--widest: {widest:g}">{above}\n{drawn}</main>\n'
        f"{script()}</body></html>\n"
    )


def fragment(
    scene: Scene, ident: str = "scene", whole: bool = True, autoplay: bool = False,
    titled: bool = True,
) -> str:  # fmt: skip
    """One scene as a figure, for a page that has `head()` and, at its end, `script()` once.

    `ident` names the scene in the page's address; `whole` opens the transcript.
    """
    ident = re.sub(r"[^\w-]", "-", ident) or "scene"
    parts = [element("h2", text(scene.title), class_="cr-title")] if titled else []
    wide = f"--wide: {_wide(scene.svg):g}"
    if scene.moments:  # words and controls below it are to be seen together with the picture
        wide += f"; --ratio: {_wide(scene.svg) / _tall(scene.svg):.3f}"
    parts.append(element("div", scene.at(), class_="cr-stage", style=wide))
    if scene.moments:
        dock = _words(scene.moments) + _controls(scene.moments)
        parts += [element("div", dock, class_="cr-dock"), _keys()]
        parts += [_transcript(scene, whole), _data(scene)]
        return element(
            "figure", "\n".join(parts), class_="cr-scene", data_scene=ident, tabindex=-1,
            aria_label=scene.title, data_autoplay="yes" if autoplay else None,
        )  # fmt: skip
    parts.append(element("figcaption", element("p", text(scene.told), class_="cr-now"),
                         class_="cr-words"))  # fmt: skip
    return element("figure", "\n".join(parts), class_="cr-scene cr-still")


def _wide(svg: str) -> float:
    said = re.match(r'<svg[^>]*? width="([\d.]+)', svg)
    return float(said[1]) if said else 800.0


def _tall(svg: str) -> float:
    said = re.match(r'<svg[^>]*? height="([\d.]+)', svg)
    return float(said[1]) if said else 400.0


def _words(moments: Sequence[Moment]) -> str:
    longest = sorted({m.words for m in moments}, key=lambda w: (len(w), w))[-LONGEST:]
    room = "".join(element("p", text(w), class_="cr-room", aria_hidden="true") for w in longest)
    where = element("p", text(moments[-1].chapter) or "&nbsp;", class_="cr-where")
    now = element("p", text(moments[-1].words), class_="cr-now", aria_live="polite",
                  aria_atomic="true")  # fmt: skip
    n = len(moments)
    count = element("span", f"{n} / {n}", class_="cr-count", aria_hidden="true")
    return element("div", where + count + now + room, class_="cr-words")


def runs(moments: Sequence[Moment]) -> list[tuple[str, int, int]]:
    """The chapters: name, first moment, and how many; one that comes again counts again."""
    made, start = [], 0
    for name, group in groupby(m.chapter for m in moments):
        size = len(list(group))
        made.append((name, start, size))
        start += size
    return made


def _controls(moments: Sequence[Moment]) -> str:
    n = len(moments)
    named = [(name, start) for name, start, _ in runs(moments) if name]
    chapters = "".join(
        element("button", text(name), type="button", class_="cr-chapter", data_start=start,
                data_name=name) for name, start in named
    )  # fmt: skip
    ticks = "".join(
        element("span", " ", class_="cr-tick", style=f"--at: {start / max(n - 1, 1):.4f}")
        for _, start in named if start
    )  # fmt: skip
    scrubber = element(
        "input", type="range", class_="cr-range", min=1, max=n, step=1, value=n,
        aria_label="Moment",
    )  # fmt: skip
    # Not empty even without chapters: HTML would leave an empty element open.
    chapters = element(
        "div", chapters or " ", class_="cr-chapters", role="group", aria_label="Chapters"
    )
    track = element("div", ticks + scrubber, class_="cr-track")
    return element("div", chapters + track + _bar(), class_="cr-controls")


def _keys() -> str:
    keys = " ".join(element("span", element("kbd", k) + f" {what}") for k, what in KEYS)
    return element("p", keys, class_="cr-keys")


def _bar() -> str:
    first, back, on, last = (
        element("button", _icon(name), type="button", class_=f"cr-button cr-{name}",
                aria_label=said.split(" (")[0], title=said)
        for name, said in STEPS.items()
    )  # fmt: skip
    inside = _icon("playing") + _icon("pausing") + element("span", "Play", class_="cr-word")
    play = element("button", inside, type="button", class_="cr-button cr-play",
                   title="Play (Space)")  # fmt: skip
    choices = "".join(
        element("option", f"{s} ×", value=s, selected="" if s == "1" else None) for s in SPEEDS
    )
    pace = element(
        "label",
        element("span", "Speed") + element("select", choices, class_="cr-speed",
                                           aria_label="Speed"),
        class_="cr-pace",
    )  # fmt: skip
    return element("div", first + back + play + on + last + pace, class_="cr-bar")


def _icon(name: str) -> str:
    return element(
        "svg", element("path", d=ICONS[name]), viewBox="0 0 16 16", class_=f"cr-{name}",
        aria_hidden="true",
    )  # fmt: skip


def _transcript(scene: Scene, opened: bool) -> str:
    parts = [element("p", text(scene.told))]
    for name, start, size in runs(scene.moments):
        if name:
            parts.append(element("h3", text(name)))
        lines = (
            element("li", element("button", element("span", str(k + 1)) +
                                  element("span", text(scene.moments[k].words)),
                                  type="button", class_="cr-line"))
            for k in range(start, start + size)
        )  # fmt: skip
        parts.append(element("ol", "".join(lines)))
    return element(
        "details",
        element("summary", "Transcript") + element("div", "".join(parts), class_="cr-list"),
        class_="cr-transcript", open="" if opened else None,
    )  # fmt: skip


def _data(scene: Scene) -> str:
    from ..scene import written

    told = {
        "start": scene.start,
        "moments": [
            {
                "words": m.words, "chapter": m.chapter, "seconds": m.seconds, "moving": m.moving,
                "changes": {i: {a: written(v) for a, v in of.items()}
                            for i, of in m.changes.items()},
            } for m in scene.moments
        ],
    }  # fmt: skip
    # A `<` could end the script element; no other character can.
    plain = json.dumps(told, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" class="cr-data">{plain}</script>'


def in_notebook(scene: Scene) -> str:
    """The player in a frame of its own, where it and the notebook cannot disturb each other."""
    if not scene.moments:
        data = b64encode(standalone(scene.svg).encode()).decode()
        return element(
            "img", src=f"data:image/svg+xml;base64,{data}", alt=scene.title, style="max-width: 100%"
        )
    size = re.match(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"', scene.svg)
    wide, tall = (float(size[1]), float(size[2])) if size else (800.0, 400.0)
    scale = min(1.25, max(0.72, 820 / wide))  # as the style sheet has it
    height = min(tall * scale, TALLEST) + READING
    # Escaped as it is: a character less, and the script would not be the one that is allowed.
    inside = escape(page((scene,), scene.title, brief=True), quote=True)
    return (
        f'<iframe srcdoc="{inside}" sandbox="allow-scripts" title="{text(scene.title)}" '
        f'style="width: 100%; height: {height:.0f}px; border: 0"></iframe>'
    )
