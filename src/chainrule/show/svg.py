"""The few pieces of SVG that all drawings are made of; every text is escaped here."""

from __future__ import annotations

from html import escape
from typing import Any

# Okabe and Ito's colours, which people with any colour vision tell apart; on dark, lighter.
LIGHT = ("#0067a5", "#b84a00", "#007a55", "#a8437c", "#7a6500", "#3c3c9c", "#5f5f5f", "#8c2d04")
DARK = ("#5db7f0", "#ff9e59", "#3fd0a1", "#ea93c3", "#e6cf4a", "#a9a9ff", "#bdbdbd", "#f2886b")
DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 4", "1 4", "5 2", "3 6")

INKS = {  # role → (light, dark)
    "page": ("#fbfaf8", "#15171a"), "card": ("#ffffff", "#1d2024"),
    "ink": ("#1c1d1f", "#eceae6"), "soft": ("#5b5e63", "#a9adb3"),
    "line": ("#dcd9d3", "#353a41"), "band": ("#f3f1ec", "#24282d"),
    "good": ("#00684a", "#4fd6a7"), "bad": ("#a62b1f", "#ff8d7d"),
}  # fmt: skip

RULES = """
.chart text, .net text { font: 12px system-ui, sans-serif; fill: var(--ink); }
.chart .soft, .net .soft { fill: var(--soft); }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .axis { stroke: var(--soft); stroke-width: 1; }
.chart .curve { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.net .band { fill: var(--band); stroke: var(--line); }
.net .op { fill: var(--card); stroke: var(--soft); }
.net .given { fill: var(--page); stroke: var(--soft); stroke-dasharray: 3 2; }
.net .edge { fill: none; stroke: var(--soft); stroke-width: 1.4; }
.net .tip { fill: var(--soft); }
.net .head { font-weight: 600; }
"""


def variables(dark: bool) -> str:
    """The colours as CSS variables, for light or for dark."""
    inks = [f"--{name}: {pair[dark]};" for name, pair in INKS.items()]
    series = [f"--s{k}: {c};" for k, c in enumerate(DARK if dark else LIGHT)]
    return " ".join(inks + series)


def style() -> str:
    """The style sheet that drawings need: light, and dark where the reader prefers it."""
    return (
        f":root {{ color-scheme: light dark; {variables(False)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {variables(True)} }} }}\n{RULES}"
    )


def element(name: str, content: str = "", **attributes: Any) -> str:
    """One element; `_` in an attribute's name stands for `-`, and `class_` for `class`.

    >>> element("text", text("a < b"), x=1.25, class_="soft")
    '<text x="1.2" class="soft">a &lt; b</text>'
    """
    told = "".join(
        f' {k.rstrip("_").replace("_", "-")}="{_value(v)}"'
        for k, v in attributes.items() if v is not None
    )  # fmt: skip
    return f"<{name}{told}>{content}</{name}>" if content else f"<{name}{told}/>"


def _value(v: Any) -> str:
    return f"{v:.1f}".removesuffix(".0") if isinstance(v, float) else text(str(v))


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
