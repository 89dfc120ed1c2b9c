"""The few pieces of SVG that all drawings are made of; every text is escaped here."""

from __future__ import annotations

import re
from html import escape
from numbers import Integral, Real
from typing import Any

# Okabe and Ito's colours, which people with any colour vision tell apart; on dark, lighter.
LIGHT = ("#0067a5", "#b84a00", "#007a55", "#a8437c", "#7a6500", "#3c3c9c", "#5f5f5f", "#8c2d04")
DARK = ("#5db7f0", "#ff9e59", "#3fd0a1", "#ea93c3", "#e6cf4a", "#a9a9ff", "#bdbdbd", "#f59580")
DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 4", "1 4", "5 2", "3 6")
FONT = '"DejaVu Sans", Verdana, system-ui, sans-serif'  # first the one that rasterisers have

GROUNDS = {  # what is drawn on: role → (light, dark)
    "page": ("#fbfaf8", "#15171a"), "card": ("#ffffff", "#1d2024"),
    "band": ("#f3f1ec", "#24282d"), "glow": ("#fff0c2", "#463c14"),
}  # fmt: skip
INKS = {  # every ink is readable on every ground
    **GROUNDS,
    "ink": ("#1c1d1f", "#eceae6"), "soft": ("#5b5e63", "#b4b8be"),
    "line": ("#dcd9d3", "#353a41"),  # of grids and frames, never of text
    "good": ("#00684a", "#4fd6a7"), "bad": ("#a62b1f", "#ff8d7d"),
    "value": ("#006b3c", "#63d297"), "grad": ("#b0201a", "#ff9488"),
    "local": ("#6f5200", "#e6c65c"), "weight": ("#a04300", "#ffa562"),
    "input": ("#005f9e", "#74c0f7"), "class": ("#a5123c", "#ff92a8"),
    "delta": ("#7a2f9e", "#d9a6f5"), "highlight": ("#8a4b00", "#ffd45c"),
}  # fmt: skip

GRAMMAR = ("value", "grad", "local", "weight", "input", "class", "delta", "highlight")

RULES = {  # selector → declarations; a later rule wins over an earlier one as specific
    ".chart text": "font: 12px system-ui, sans-serif; fill: var(--ink);",
    ".chart .soft": "fill: var(--soft);",
    ".chart .grid": "stroke: var(--line); stroke-width: 1;",
    ".chart .axis": "stroke: var(--soft); stroke-width: 1;",
    ".chart .curve": "fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round;",
    # The kind "scene": any picture whose marks change.
    ".scene text": f"font-family: {FONT}; font-size: 12px; fill: var(--ink);",
    ".scene .soft": "fill: var(--soft);",
    ".scene .head": "font-weight: 600;",
    ".scene .small": "font-size: 10px;",
    ".scene .number": "font-variant-numeric: tabular-nums;",
    ".scene .box": "fill: var(--card); stroke: var(--soft); stroke-width: 1.2;",
    ".scene .ground": "fill: var(--band); stroke: var(--line); stroke-width: 1;",
    ".scene .edge": "fill: none; stroke: var(--soft); stroke-width: 1.4;",
    ".scene .faint": "opacity: 0.25;",
    ".mlp .cell": "stroke-width: 1;",
    ".mlp .cellular": "font-size: 11px;",
    ".mlp .sign": "font-size: 14px;",
    ".mlp .title": "font-size: 14px;",
    ".mlp .ring": "fill: var(--card); stroke-width: 1.8;",
    ".mlp .tiny": "font-size: 9px;",
    ".mlp .plus": "stroke: var(--weight);",
    ".mlp .minus": "stroke: var(--s5); stroke-dasharray: 5 3;",
    # The grammar of colours, alike in all pictures: of a text the fill, of a line the stroke.
    **{f"svg text.{k}, svg tspan.{k}, svg .fill-{k}": f"fill: var(--{k});" for k in GRAMMAR},
    **{f"svg .line-{k}": f"stroke: var(--{k});" for k in GRAMMAR},
    "svg .formula": "fill: var(--ink);",
    **{f"svg .formula.{k}": f"fill: var(--{k});" for k in GRAMMAR},
    ".film .caption text": f"font-family: {FONT}; fill: var(--ink);",
    ".film .caption .small": "font-size: 12px; fill: var(--soft);",
    ".film > .bar": "fill: var(--soft);",
    # The kind "graph": a computation with its values and gradients at the lines.
    ".graph .shape": "fill: var(--card); stroke: var(--ink); stroke-width: 1.3;",
    ".graph .behind, .graph .inner": "fill: none; stroke: var(--soft); stroke-width: 1;",
    ".graph .input .shape": "stroke: var(--input);",
    ".graph .weight .shape": "stroke: var(--weight);",
    ".graph .weight .bar": "stroke: var(--weight); stroke-width: 3; stroke-linecap: round;",
    ".graph .fixed .shape": "fill: none; stroke: var(--soft); stroke-dasharray: 3 2.5;",
    ".graph .dead .shape": "stroke: var(--soft); stroke-dasharray: 1.5 2.5;",
    ".graph .input .sign": "fill: var(--input);",
    ".graph .weight .sign": "fill: var(--weight);",
    ".graph .fixed .sign, .graph .dead .sign": "fill: var(--soft);",
    ".graph .end .sign, .graph .folded .sign": "font-weight: 600;",
    ".graph .edge": "stroke-linejoin: round;",
    ".graph .tip": "fill: var(--soft);",
    ".graph .name": "fill: var(--soft); font-style: italic;",
    ".graph .small": "font-size: 10.5px;",
    ".graph .large": "font-size: 17px;",
    ".graph .pill": "fill: var(--page); stroke: var(--local); stroke-width: 0.8;",
    ".graph .warn path": "fill: var(--glow); stroke: var(--highlight); stroke-width: 1.2;",
    ".graph .warn .alarm": "fill: var(--ink); font-size: 10px; font-weight: 600;",
    ".graph .hidden": "opacity: 0;",
    ".graph .tip.lit": "fill: var(--highlight); stroke: none;",
    "svg .glow": "fill: var(--glow);",
    "svg[class] .lit": "stroke: var(--highlight); stroke-width: 2.5;",
    "svg[class] .lit.forth": "stroke: var(--value);",
    "svg[class] .lit.back": "stroke: var(--grad);",
    # A text is not outlined but marked, as with a pen: its width stays what it was.
    "svg[class] text.lit": "stroke: var(--glow); stroke-width: 6; paint-order: stroke;",
    "svg[class] g.lit": "stroke: none;",
    "svg[class] g.lit > rect": "fill: var(--glow); stroke: var(--highlight); stroke-width: 1.6;",
}  # fmt: skip


def variables(dark: bool) -> str:
    """The colours as CSS variables, for light or for dark."""
    return " ".join(f"--{name}: {c};" for name, c in colours(dark).items())


def colours(dark: bool) -> dict[str, str]:
    """Every colour by its name, for light or for dark."""
    series = {f"s{k}": c for k, c in enumerate(DARK if dark else LIGHT)}
    return {name: pair[dark] for name, pair in INKS.items()} | series


def rules() -> str:
    """The rules of all drawings, as CSS."""
    return "\n".join(f"{k} {{ {v} }}" for k, v in RULES.items())


def style(root: str = ":root") -> str:
    """The style sheet that drawings need: light, and dark where the reader prefers it."""
    return (
        f"{root} {{ color-scheme: light dark; {variables(False)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ {root} {{ {variables(True)} }} }}\n{rules()}"
    )


def standalone(svg: str) -> str:
    """A picture that carries its style, for a file or a notebook.

    >>> "prefers-color-scheme" in standalone('<svg xmlns="http://www.w3.org/2000/svg"></svg>')
    True
    """
    return _styled(svg, f"{style('svg')}\nsvg:root {{ background: var(--page); }}")


def resolved(svg: str, dark: bool = False) -> str:
    """A picture whose colours are written out, for what knows no CSS variables.

    >>> resolved('<svg><path fill="var(--value)"/></svg>').count("var(")
    0
    """
    known = colours(dark)
    made = _styled(svg, rules())
    return re.sub(r"var\(--([\w-]+)\)", lambda m: known.get(m[1], known["ink"]), made)


def _styled(svg: str, css: str) -> str:
    end = svg.index(">") + 1
    inner = "" if svg[end - 2] != "/" else "</svg>"
    head = svg[:end] if not inner else svg[: end - 2] + ">"
    return f"{head}<style>{css}</style>{svg[end:]}{inner}"


def element(name: str, content: str = "", **attributes: Any) -> str:
    """One element; `_` in an attribute's name stands for `-`, and `class_` for `class`.

    >>> element("text", text("a < b"), x=1.25, class_="soft")
    '<text x="1.25" class="soft">a &lt; b</text>'
    """
    told = "".join(
        f' {k.rstrip("_").replace("_", "-")}="{_value(v)}"'
        for k, v in attributes.items() if v is not None
    )  # fmt: skip
    return f"<{name}{told}>{content}</{name}>" if content else f"<{name}{told}/>"


def _value(v: Any) -> str:
    if isinstance(v, Real) and not isinstance(v, Integral):
        told = f"{float(v):.2f}".rstrip("0").rstrip(".")
        return "0" if told == "-0" else told
    return text(str(v))


def text(s: str) -> str:
    """A text that means nothing to a browser but itself."""
    kept = "".join(c for c in s if c.isprintable() or c == "\n")  # XML knows no control characters
    return escape(kept, quote=True)


def picture(kind: str, ident: str, width: float, height: float, title: str, told: str, body: str):
    """A whole drawing, with a title and a description for those who do not see it."""
    return element(
        "svg",
        element("title", text(title), id=f"{ident}-title")
        + element("desc", text(told), id=f"{ident}-desc")
        + body,
        xmlns="http://www.w3.org/2000/svg", class_=kind, role="img",
        viewBox=f"0 0 {width:.0f} {height:.0f}", width=float(width), height=float(height),
        aria_labelledby=f"{ident}-title {ident}-desc",
    )  # fmt: skip


def clip(s: str, size: int) -> str:
    """A text cut to so many characters.

    >>> clip("a very long name", 8)
    'a very …'
    """
    return s if len(s) <= size else s[: size - 1] + "…"
