"""Formulas in pictures: drawn as shapes where the extra is installed, otherwise as one line."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple
from warnings import catch_warnings, simplefilter

from ..read.mathml import mathml
from ..read.plain import plain
from ..read.tex import unmarked
from .measure import width_of
from .svg import element, text

SHIFT = {"start": 0.0, "middle": 0.5, "end": 1.0}


class Drawn(NamedTuple):
    """A formula with its baseline at y = 0 and its left edge at x = 0."""

    svg: str
    width: float
    above: float
    below: float


def formula(
    tex: str, x: float, y: float, size: float = 14.0, ident: str = "",
    anchor: str = "start", class_: str = "",
) -> str:  # fmt: skip
    """A formula as an SVG group, its baseline at `y`, its TeX as the title.

    Its ink is the fill: classes such as `value` and `grad` colour it.

    >>> formula(r"x_{1}", 10, 20, ident="f").startswith('<g id="f" class="formula" transform="tr')
    True
    """
    made = drawn(unmarked(tex), float(size))
    left = x - SHIFT[anchor] * made.width
    return element(
        "g", element("title", text(unmarked(tex))) + made.svg,
        id=ident or None, class_=f"formula {class_}".strip(),
        transform=f"translate({left:.2f} {y:.2f})",
    )  # fmt: skip


def formula_size(tex: str, size: float = 14.0) -> tuple[float, float, float]:
    """How wide a formula is, and how far it reaches above and below its baseline.

    >>> wide, above, below = formula_size(r"\\frac{a}{b}", 14)
    >>> wide > 5, above > 5, below >= 0
    (True, True, True)
    """
    made = drawn(unmarked(tex), float(size))
    return made.width, made.above, made.below


@lru_cache(maxsize=1000)
def drawn(tex: str, size: float) -> Drawn:
    """A formula without its place: shapes, or a line of text where they cannot be had."""
    return _shapes(tex, size) or _line(tex, size)


def _line(tex: str, size: float) -> Drawn:
    said = plain(tex)
    svg = element("text", text(said), style=f"font-size: {size:g}px; fill: inherit")
    return Drawn(svg, width_of(said, size), 0.76 * size, 0.24 * size)


def _shapes(tex: str, size: float) -> Drawn | None:
    try:
        with catch_warnings():  # on some versions of Python it opens its font in an old way
            simplefilter("ignore", DeprecationWarning)
            import ziamath as drawn
    except ImportError:
        return None
    ziamath: Any = drawn
    config = ziamath.config
    kept = config.svg2, config.precision
    # Paths in place, not symbols: their ids would meet those of other formulas in the page.
    config.svg2, config.precision = False, 2
    try:
        made = ziamath.Math(mathml(tex, display=True), size=size)
        svg = made.svg()
    except Exception:  # a library's own errors, of any kind: there is the line to fall back on
        return None
    finally:
        config.svg2, config.precision = kept
    wide, tall = made.getsize()
    below = -made.getyofst()
    inner = re.sub(r' fill="black"', "", svg[svg.index(">") + 1 : svg.rindex("</svg>")])
    return Drawn(inner, wide, tall - below, below)
