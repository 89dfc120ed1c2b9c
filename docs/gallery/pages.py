"""The gallery's pages: an index of cards, and a page for each room."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from exhibit import Exhibit, Room, source_of
from rendering import DERIVED, Rendering, apart, thumbnail, width

from chainrule.show.graph.page import script as folding_script
from chainrule.show.play.page import head, script
from chainrule.show.svg import text

TITLE = "Backpropagation, seen through"
LEAD = (
    "Every picture, every worked number and every claim of four articles about backpropagation, "
    "each made by one call from the graph that the program runs, and the same calls on functions "
    "that no article has."
)
LEGEND = (
    "P is a picture of an article, N its numbers, C a claim, X a slip; the digit says which of "
    "the four articles."
)
# What stands between these is left out when a fresh build is compared with what is there: a
# training or rounding noise, which differ from machine to machine in the last digits. So are
# images and the outlines of formulas, which differ from library to library.
LOOSE, FIRM = "<!--loose-->", "<!--firm-->"
IMAGES = re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+")
OUTLINES = re.compile(r'(class="formula[^>]*><title>[^<]*</title>)(?:</?(?:path|rect)\b[^>]*>)*')

FRONT = "mirror"
CAPTION = (
    "One example on its way through a network and back. Left the forward pass, values green; "
    "right the backward pass, gradients red, δ purple: every layer a mirror image."
)
STARTS = (
    ("elegant.html#hero", "Play it, step by step"),
    ("neuron.html#step", "Begin with one neuron"),
    ("two-layers.html#expansion", "Derive it on paper"),
    ("beyond.html", "Other functions"),
)
ITEM = re.compile(r"([PNCX])(\d)\.?(.*)")  # of an article; other exhibits have the name of a call
LONG = 14  # lines of a call that are to be seen at once

Results = Mapping[Exhibit, Any]


def steady(page: str) -> str:
    """A page without what differs from machine to machine, or from library to library."""
    kept = re.sub(f"{LOOSE}.*?{FIRM}", LOOSE + FIRM, page, flags=re.S)
    return OUTLINES.sub(r"\1", IMAGES.sub("", kept))


def room_page(room: Room, rooms: Sequence[Room], results: Results) -> str:
    """A room: what its article is about, its contents, and every exhibit."""
    body = (
        f'<p class="of-article">{text(room.origin)}</p><h1>{text(room.title)}</h1>'
        f'<p class="lead">{text(room.lead)}</p>{_contents(room)}{_settings(room)}'
    )
    body += "\n".join(_exhibit(e, results[e]) for e in room.exhibits)
    return _document(f"{room.title} · {TITLE}", body, rooms, room)


def index_page(rooms: Sequence[Room], results: Results) -> str:
    """The index: the two passes of a network at one glance, then a card for every exhibit."""
    body = f'<h1>{text(TITLE)}</h1><p class="lead">{text(LEAD)}</p>{_front(rooms, results)}'
    body += "".join(_cards(room, results) for room in rooms)
    body += (
        '<section class="exhibit" id="contents"><h2>What is where</h2>'
        f'<p class="words">{text(LEGEND)}</p><ul class="toc">{_every_id(rooms)}</ul></section>'
    )
    return _document(TITLE, body, rooms, None)


def _front(rooms: Sequence[Room], results: Results) -> str:
    """The picture at the top, and where it is played."""
    shown = next(e for room in rooms for e in room.exhibits if e.anchor == FRONT)
    scene = apart(results[shown], "front-")
    stage = f'<div class="cr-stage" tabindex="0" style="--wide: {width(scene.svg):g}">'
    links = "".join(f'<a class="go" href="{to}">{text(said)}</a>' for to, said in STARTS)
    return (
        f'<figure class="cr-graph front">{stage}{scene.at()}</div>'
        f"<figcaption>{text(CAPTION)}</figcaption></figure>"
        f'<p class="starts">{links}</p>'
    )


def _document(title: str, body: str, rooms: Sequence[Room], here: Room | None) -> str:
    look = (Path(__file__).parent / "look.css").read_text("utf-8")
    digest = b64encode(sha256(folding_script().encode()).digest()).decode()
    allowed = head().replace("script-src '", f"script-src 'sha256-{digest}' '", 1)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{allowed}<style>{DERIVED}{look}</style><title>{text(title)}</title></head>\n"
        '<body class="cr-page ga"><a class="skip" href="#main">To the exhibits</a><main id="main">'
        f"{_rooms(rooms, here)}{body}\n"
        "<footer><span>Written by chainrule; nothing here is fetched from a network.</span>"
        "<span>Built by <code>make gallery</code>.</span></footer></main>\n"
        f"{script()}<script>{folding_script()}</script></body></html>\n"
    )


def _rooms(rooms: Sequence[Room], here: Room | None) -> str:
    links = [("index.html", "Gallery", here is None)]
    links += [(f"{r.name}.html", r.title, r is here) for r in rooms]
    items = "".join(
        f'<li><a href="{to}"{" aria-current=page" if now else ""}>{text(title)}</a></li>'
        for to, title, now in links
    )
    return f'<nav aria-label="Pages"><ul class="rooms">{items}</ul></nav>'


def _contents(room: Room) -> str:
    rows = "".join(
        f'<li><span class="id">{text(" ".join(e.ids))}</span>'
        f'<a href="#{e.anchor}">{text(e.title)}</a></li>' for e in room.exhibits
    )  # fmt: skip
    return f'<nav aria-label="On this page"><ul class="toc">{rows}</ul></nav>'


def _every_id(rooms: Sequence[Room]) -> str:
    found: dict[str, list[str]] = {}
    for room in rooms:
        for e in room.exhibits:
            for i in filter(ITEM.match, e.ids):
                found.setdefault(i, []).append(
                    f'<a href="{room.name}.html#{e.anchor}">{text(e.title)}</a>'
                )
    ordered = sorted(found, key=_order)
    return "".join(
        f'<li><span class="id">{text(i)}</span><span>{"; ".join(found[i])}</span></li>'
        for i in ordered
    )


def _order(ident: str) -> tuple:
    """P0.2 before P0.10, by article, then by kind."""
    found = ITEM.match(ident)
    assert found is not None
    return found[2], "PNCX".index(found[1]), int(found[3]) if found[3].isdigit() else 0, found[3]


def _settings(room: Room) -> str:
    calls = "".join(
        f'<div class="sheet call"><pre tabindex="0">{text(source_of(f))}</pre></div>'
        for f in room.settings
    )
    return (
        '<details class="settings"><summary>The functions that the calls below use</summary>'
        "<p>Table, Printed, Formulas, Beside, Told, Said and Program lay results out on these "
        f"pages; all else is chainrule’s.</p>{calls}</details>"
    )


def _exhibit(e: Exhibit, result: Any) -> str:
    ids = "".join(f"<li>{text(i)}</li>" for i in e.ids)
    made = (
        f'<ul class="ids" aria-label="What it shows">{ids}</ul><h2>{text(e.title)}</h2>'
        f'<p class="words">{text(e.words)}</p>'
        f"{_call(e.source)}{Rendering(e.anchor).html(result)}"
    )
    made = made if e.steady else f"{LOOSE}{made}{FIRM}"
    return f'<section class="exhibit" id="{e.anchor}">{made}</section>'


def _call(source: str) -> str:
    lines = source.count("\n") + 1
    made = f'<div class="sheet call"><pre tabindex="0">{text(source)}</pre></div>'
    if lines <= LONG:
        return made
    return f"<details><summary>The call: {lines} lines</summary>{made}</details>"


def _cards(room: Room, results: Results) -> str:
    cards = "".join(_card(room, e, results[e]) for e in room.exhibits)
    return (
        f'<section class="room-head" id="{room.name}"><p class="of-article">{text(room.origin)}</p>'
        f'<h2><a href="{room.name}.html">{text(room.title)}</a></h2><p>{text(room.lead)}</p>'
        f'<ul class="cards">{cards}</ul></section>'
    )


def _card(room: Room, e: Exhibit, result: Any) -> str:
    thumb = thumbnail(result)
    thumb = thumb if e.steady else f"{LOOSE}{thumb}{FIRM}"
    return (
        f'<li class="card"><a href="{room.name}.html#{e.anchor}"><span class="thumb">{thumb}</span>'
        f'<span><span class="name">{text(e.title)}</span>'
        f'<span class="of">{text(" ".join(e.ids))}</span></span></a></li>'
    )


def pages(rooms: Sequence[Room], results: Results) -> Iterator[tuple[str, str]]:
    """Every page: the name of its file, and its text."""
    yield "index.html", index_page(rooms, results)
    for room in rooms:
        yield f"{room.name}.html", room_page(room, rooms, results)
