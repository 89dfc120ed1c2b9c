"""A drawing as one HTML file: its boxes open and shut, and the card of every node can be read."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

from ..svg import element, style, text

LOOK = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { margin: 0 auto; padding: 1.5rem 1.25rem 3rem; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; }
p { margin: .2rem 0; }
.cr-graph { margin: 0; }
.cr-hint { color: var(--soft); font-size: .9rem; }
.cr-state { overflow-x: auto; padding: .6rem 0; }
.cr-state[hidden] { display: none; }
.cr-state svg { display: block; margin: 0 auto; max-width: none; }
.cr-card { border: 1px solid var(--line); background: var(--card); border-radius: 10px;
  padding: .7rem 1rem; min-height: 7.5rem; font-variant-numeric: tabular-nums; max-width: 60rem;
  margin: .6rem auto 0; overflow-wrap: anywhere; }
.cr-card p { font-size: .93rem; }
[data-to] { cursor: pointer; }
.node:focus, [data-to]:focus { outline: none; }
.node:focus-visible .shape, [data-to]:focus-visible > .ground { stroke: var(--highlight);
  stroke-width: 3; }
.node:hover .shape { stroke-width: 2.2; }
"""


@cache
def script() -> str:
    """What opens and shuts the boxes."""
    return files(__package__ or "").joinpath("fold.js").read_text("utf-8")


def page(title: str, told: str, states: Sequence[str], hint: str) -> str:
    """A whole document with one drawing, of which the first state is to be seen.

    >>> made = page("A graph", "Two nodes.", ['<svg id="g"></svg>'], "")
    >>> made.startswith("<!doctype html>"), "src=" in made
    (True, False)
    """
    drawn = "".join(
        element("div", svg, class_="cr-state", hidden="" if k else None)
        for k, svg in enumerate(states)
    )
    first = element("p", "Point at a node, or walk to it with Tab and the arrow keys, to read it.",
                    class_="cr-hint")  # fmt: skip
    card = element("div", first, class_="cr-card", aria_live="polite")
    figure = element("figure", drawn + card, class_="cr-graph", aria_label=title)
    head = element("h1", text(title)) + (element("p", text(hint), class_="cr-hint") if hint else "")
    digest = b64encode(sha256(script().encode()).digest()).decode()
    rule = (
        "default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{rule}">'
        f"<title>{text(title)}</title><style>{style()}{LOOK}</style></head>"
        f"<body><main>{head}{figure}</main><script>{script()}</script></body></html>\n"
    )
