"""Every kind of result as HTML: pictures, derivations, transcripts, code, tables, exercises."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from html import escape
from itertools import count
from typing import Any

from exhibit import Beside, Formulas, Printed, Program, Said, Table, Told

from chainrule.read.mathml import mathml
from chainrule.show.draw import Drawing
from chainrule.show.play.page import fragment
from chainrule.show.scene import Scene
from chainrule.show.svg import clip, element, standalone, text
from chainrule.study.derive import Derivation, Section
from chainrule.study.derive.page import STYLE as DERIVED
from chainrule.study.path_text import Paths
from chainrule.study.practice.exercise import Practice
from chainrule.study.trace import Trace

LINES = 40  # of a text that is shown whole
WIDE = 2.6  # times its height: such a picture is cut in a thumbnail, not shrunk
HEADS = ("what", "as printed", "as it is", "why")


class Rendering:
    """The results of one exhibit, whose marks get names that no other has on the page."""

    def __init__(self, anchor: str):
        self.anchor, self.numbers = anchor, count(1)

    def html(self, result: Any) -> str:
        """Any result as HTML."""
        if isinstance(result, tuple) and result and isinstance(result[0], Printed):
            return printed(result)
        if isinstance(result, tuple):
            return "\n".join(map(self.html, result))
        if isinstance(result, Beside):
            cells = "".join(f"<div>{self.html(r)}</div>" for r in result.results)
            return f'<div class="beside">{cells}</div>'
        if isinstance(result, Drawing) and result.sketch is not None:
            return self.drawing(result)
        if isinstance(result, Scene):
            name = self.name()
            shown = f">{text(result.title)}</text>" in result.svg  # its title is in the picture
            return fragment(apart(result, f"{name}-"), name, whole=False, titled=not shown)
        return next(write for of, write in WRITERS.items() if isinstance(result, of))(result)

    def name(self) -> str:
        """A name for the next picture."""
        k = next(self.numbers)
        return self.anchor if k == 1 else f"{self.anchor}-{k}"

    def drawing(self, d: Drawing) -> str:
        """A graph whose boxes open and shut, and whose nodes can be read."""
        name = self.name()
        if d.boxes is None or not d.groups:
            states = [apart(d, f"{name}-").svg]
        else:
            states = d.boxes.drawn(f"{name}-s", legend=d.legend)
        drawn = "".join(
            element("div", svg, class_="cr-state cr-stage", style=f"--wide: {width(svg):g}",
                    hidden="" if k else None)
            for k, svg in enumerate(states)
        )  # fmt: skip
        card = ""
        if "tabindex" in drawn:  # else the picture says all there is to say
            hint = "Point at a node, or walk to it with Tab and the arrow keys, to read it here."
            card = element("div", element("p", hint), class_="cr-card", aria_live="polite")
        title = element("h3", text(d.title), class_="cr-title")
        return element("figure", title + drawn + card, class_="cr-graph", aria_label=d.title)


def width(svg: str) -> float:
    """How wide a picture is, in pixels."""
    said = re.match(r'<svg[^>]*? width="([\d.]+)', svg)
    return float(said[1]) if said else 800.0


def _ratio(svg: str) -> float:
    said = re.match(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"', svg)
    return float(said[1]) / float(said[2]) if said else 1.0


def apart(scene: Scene, prefix: str) -> Scene:
    """The same scene, its marks named apart from those of other pictures on the page."""
    svg = re.sub(r'(\s(?:id|aria-labelledby)=")([^"]*)"', lambda m: m[1] + " ".join(
        prefix + i for i in m[2].split(" ")) + '"', scene.svg)  # fmt: skip
    svg = re.sub(r'(href="#|url\(#)', lambda m: m[1] + prefix, svg)
    moments = tuple(
        replace(m, changes={prefix + i: _led(of, prefix) for i, of in m.changes.items()})
        for m in scene.moments
    )
    return Scene(scene.title, scene.told, svg, moments)


def _led(changes: Any, prefix: str) -> dict[str, Any]:
    return {
        a: v.replace("url(#", f"url(#{prefix}") if isinstance(v, str) and a != "text" else v
        for a, v in changes.items()
    }


# ------------------------------------------------------------------ mathematics


def derived(d: Derivation) -> str:
    """A derivation without its style, which the page has once."""
    body = re.sub(r"<style>.*?</style>", "", d.mathml(), flags=re.S)
    body = body.replace("<h3>", "<h4>").replace("</h3>", "</h4>")
    body = body.replace("<h2>", "<h3>").replace("</h2>", "</h3>")
    return f'<div class="sheet">{body}</div>'


def section(s: Section) -> str:
    """One section of a derivation."""
    whole = derived(Derivation(s.title, "", (s,), (), {}))
    return re.sub(r"<h4>1\. .*?</h4>", "", whole)


def formulas(f: Formulas) -> str:
    """Formulas below each other, each with what it is of."""
    rows = "".join(
        f'<div class="formula-row"><span class="of">{text(of)}</span>'
        f'<span class="side">{mathml(tex, display=True)}</span></div>' for of, tex in f.rows
    )  # fmt: skip
    return f'<div class="sheet"><div class="cr-derive">{rows}</div></div>'


# ------------------------------------------------------------------ text and tables


def pre(body: str, command: str = "") -> str:
    """A text of fixed width; a long one opens on a click."""
    prompt = f'<span class="prompt">$ {text(command)}</span>\n' if command else ""
    made = f'<div class="sheet"><pre tabindex="0">{prompt}{text(body)}</pre></div>'
    lines = body.count("\n") + 1
    return made if lines <= LINES else f"<details><summary>{lines} lines</summary>{made}</details>"


def said(s: Said) -> str:
    """A sentence below a picture."""
    return f'<p class="said">{text(s.sentence)}</p>'


def program(p: Program) -> str:
    """The text of a program, behind a click."""
    lines = p.text.count("\n") + 1
    return (
        f"<details><summary>{text(p.path)}: {lines} lines</summary>"
        f'<div class="sheet call"><pre tabindex="0">{text(p.text)}</pre></div></details>'
    )


def table(t: Table) -> str:
    """Rows under their headings; numbers at the right."""
    heads = "".join(f'<th scope="col">{text(h)}</th>' for h in t.heads)
    rows = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in t.rows)
    return (
        f'<div class="sheet"><table class="plain"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(s: str) -> str:
    number = ' class="n"' if re.fullmatch(r"[−-]?[\d.,]+", s) else ""
    return f"<td{number}>{text(s)}</td>"


def printed(rows: tuple[Printed, ...]) -> str:
    """What an article prints beside what is exact."""
    heads = "".join(f'<th scope="col">{h}</th>' for h in HEADS)
    body = "".join(
        f'<tr><th scope="row">{text(r.what)}</th><td data-is="as printed">{text(r.printed)}</td>'
        f'<td class="right" data-is="as it is">{text(r.exact)}</td>'
        f'<td class="why" data-is="why">{text(r.why)}</td></tr>'
        for r in rows
    )
    return (
        f'<div class="sheet"><table class="plain slips"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def exercises(p: Practice) -> str:
    """Questions, each with its hints behind a click."""
    return f'<div class="sheet asked">{p._repr_html_()}</div>'


WRITERS: dict[type, Any] = {
    Derivation: derived, Section: section, Formulas: formulas, Table: table,
    Practice: exercises, Trace: lambda t: pre(t.transcript(places=False)),
    Paths: lambda p: pre(str(p)), Told: lambda t: pre(t.text, t.command), str: pre,
    Said: said, Program: program,
}  # fmt: skip


# ------------------------------------------------------------------ thumbnails


def thumbnail(result: Any) -> str:
    """A small view of a result: its picture, its formula, or its first lines."""
    first = result
    while isinstance(first, (tuple, Beside)):
        first = (first.results if isinstance(first, Beside) else first)[0]
    if isinstance(first, Printed):
        first = Table(("as printed", "as it is"), tuple((p.printed, p.exact) for p in result))
    if isinstance(first, Scene):
        svg = first.at()
        data = b64encode(standalone(svg).encode()).decode()
        alt = text(clip(f"{first.title}. {first.told}", 180))
        wide = ' class="wide"' if _ratio(svg) > WIDE else ""
        return f'<img{wide} src="data:image/svg+xml;base64,{data}" alt="{alt}" loading="lazy">'
    if isinstance(first, (Derivation, Section)):
        steps = first.steps if isinstance(first, Derivation) else tuple(first)
        chosen = next((s for s in steps if s.rule == "chain rule"), steps[-1])
        return f'<span class="tex">{mathml(chosen.line, display=True)}</span>'
    if isinstance(first, Formulas):
        return f'<span class="tex">{mathml(first.rows[-1][1], display=True)}</span>'
    return f'<span class="lines" aria-hidden="true">{escape(_first_lines(first))}</span>'


def _first_lines(first: Any) -> str:
    if isinstance(first, Table):
        rows = [first.heads, *first.rows][:9]
        widths = [min(max(map(len, column)), 22) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(clip(c, w).ljust(w) for c, w in zip(row, widths, strict=True))
                         for row in rows)  # fmt: skip
    if isinstance(first, Trace):
        first = first.transcript(places=False)
    told = f"$ {first.command}\n{first.text}" if isinstance(first, Told) else str(first)
    return "\n".join(told.splitlines()[:12])


__all__ = ["DERIVED", "Rendering", "apart", "thumbnail", "width"]
