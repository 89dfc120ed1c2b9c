"""An item as SVG: its shape and everything that stands beside it, each under its own id."""

from __future__ import annotations

import re
from math import asin, cos, hypot, sin
from typing import NamedTuple

from ..svg import element, text
from .shapes import AIR, INDENT, LEAF, LINE, PILL, SMALL, TEXT, Form, pill_width
from .sheet import Item, Out, Row

TIP = 7.0
CORNERS = {"box": 9.0, "input": LEAF / 2, "near": LEAF / 2}  # how round a shape is
LARGE = set("+−·÷=<>≤≥≠@Σ∏σ")  # signs of one character, which are small for their circle


def safe(name: str) -> str:
    """A name as a part of an id: letters, digits and _ as they are, all else as .hex.

    >>> safe("u1"), safe("0.weight"), safe("</text>")
    ('u1', '0.2e.weight', '.3c..2f.text.3e.')
    """
    return re.sub(r"[^A-Za-z0-9_]", lambda m: f".{ord(m[0]):x}.", name)


class Pen(NamedTuple):
    """Draws one item at its place."""

    ident: str
    name: str  # what the marks of this item are called by
    x: float  # the left border
    y: float  # the middle
    form: Form
    hidden: bool

    def mark(self, what: str, *names: object) -> str:
        """The id of a mark."""
        return "-".join([self.ident, what, *(safe(str(n)) for n in names)])

    def out(self, item: Item, out: Out) -> str:
        """What the marks of one value are called by."""
        return out.name if len(item.outs) > 1 and out.name else self.name

    def class_(self, name: str) -> str:
        """A class of what may have to be hidden at first."""
        return f"{name} hidden" if self.hidden else name

    def lines(
        self, what: str, told: tuple, x: float, top: float, ident: str, anchor: str = "start",
        size: float = TEXT,
    ) -> str:  # fmt: skip
        """Some lines of text, the first with its baseline at `top`; later ones stand indented."""
        small = " small" if size < TEXT else ""
        name = self.class_(what + small)
        if len(told) == 1:
            return element("text", text(told[0]), id=ident, x=x, y=top, text_anchor=anchor,
                           class_=name)  # fmt: skip
        more = INDENT if anchor == "start" else 0.0
        spans = "".join(
            element("tspan", text(t), id=f"{ident}.{k}", x=x + (more if k else 0.0),
                    y=top + LINE * k)
            for k, t in enumerate(told)
        )  # fmt: skip
        return element("text", spans, id=ident, text_anchor=anchor, class_=name)


def item_svg(item: Item, pen: Pen, focusable: bool = False, leads: int | None = None) -> str:
    """An item, with its card as title and description; a click on a box `leads` to a state."""
    form, name = pen.form, pen.name
    parts = [
        element("title", text("\n".join([item.head, *(t for t in item.told if t != item.head)]))),
    ]
    words = [*item.told, *((item.warn,) if item.warn else ())]
    parts.append(element("desc", text(". ".join(words))))
    parts += [_row(r, k, y, name, pen, item) for k, (r, y) in enumerate(
        zip(item.rows, form.rows, strict=True))]  # fmt: skip
    parts += [_out(o, y, pen, item) for o, y in zip(item.outs, form.outs, strict=True)]
    parts.append(_shape(item, name, pen))
    if item.over:
        middle = pen.x + form.middle
        parts.append(element("text", text(item.over), id=pen.mark("name", name), x=middle,
                             y=pen.y - form.tall / 2 - 6, text_anchor="middle",
                             class_="name"))  # fmt: skip
    if item.under and item.kind == "op":
        parts.append(element("text", text(item.under), x=pen.x + form.middle,
                             y=pen.y + form.tall / 2 + 12, text_anchor="middle",
                             class_="soft small"))  # fmt: skip
    if item.warn:
        parts.append(_warning(pen, item))
    extra = {"tabindex": "0", "role": "img"} if focusable else {}
    if leads is not None:
        extra |= {"data-to": str(leads), "data-group": str(item.group), "role": "button",
                  "aria-expanded": "false"}  # fmt: skip
    called = "folded" if item.kind == "box" else item.kind
    kind = f"node {called}" + (" dead" if any(o.dead for o in item.outs) else "")
    return element("g", "".join(parts), id=pen.mark("node", name), class_=kind, **extra)


def _shape(item: Item, name: str, pen: Pen) -> str:
    form = pen.form
    x, y, wide, tall = pen.x + form.begin, pen.y, form.end - form.begin, form.tall
    ident = pen.mark("shape", name)
    r = min(tall, wide) / 2 if item.kind == "op" else CORNERS.get(item.kind, 6.0)
    parts = []
    if item.kind == "box":
        parts.append(element("rect", x=x + 4, y=y - tall / 2 + 4, width=wide, height=tall, rx=r,
                             class_="behind"))  # fmt: skip
    parts.append(element("rect", id=ident, x=x, y=y - tall / 2, width=wide, height=tall,
                         rx=min(r, tall / 2), class_="shape"))  # fmt: skip
    if item.kind == "end":
        parts.append(element("rect", x=x + 3, y=y - tall / 2 + 3, width=wide - 6,
                             height=tall - 6, rx=4, class_="inner"))  # fmt: skip
    if item.kind == "weight":
        parts.append(element("path", d=f"M{x + 5:.1f} {y - 8:.1f}V{y + 8:.1f}", class_="bar"))
    up = 4.2 if not (item.kind == "box" and item.under) else -3.0
    shift = 2.0 if item.kind == "weight" else 0.0
    large = item.kind == "op" and item.sign in LARGE
    up += 1.8 if large else 0.0
    parts.append(element("text", text(item.sign), id=pen.mark("sign", name),
                         x=x + wide / 2 + shift, y=y + up, text_anchor="middle",
                         class_="sign large" if large else "sign"))  # fmt: skip
    if item.kind == "box" and item.under:
        parts.append(element("text", text(item.under), x=x + wide / 2, y=y + 13,
                             text_anchor="middle", class_="soft small"))  # fmt: skip
    return "".join(parts)


def _row(row: Row, k: int, y: float, name: str, pen: Pen, item: Item) -> str:
    form = pen.form
    top = pen.y + y
    begin, left = pen.x, pen.x + form.left
    (ex, ey), (dx, dy) = _entry(y, item, pen, len(item.rows))
    d = f"M{begin:.1f} {top:.1f}"
    if left > begin:
        d += f"H{left:.1f}"
    if abs(ey - top) < 0.05:
        d += f"H{ex - TIP + 1:.1f}"
    else:
        bx, by = ex - dx * (TIP - 1), ey - dy * (TIP - 1)
        reach = hypot(bx - left, by - top) * 0.45
        d += (f"C{left + reach:.1f} {top:.1f} {bx - dx * reach:.1f} {by - dy * reach:.1f} "
              f"{bx:.1f} {by:.1f}")  # fmt: skip
    parts = [
        element("path", id=pen.mark("row", name, k), d=d, class_="edge"),
        element("path", d=tip((ex, ey), (dx, dy)), class_="tip"),
    ]
    if row.local:
        wide = pill_width(row)
        x = left - wide
        ground = element("rect", x=x, y=top - PILL / 2, width=wide, height=PILL, rx=PILL / 2,
                         class_="pill")  # fmt: skip
        told = element("text", text(row.local), x=x + wide / 2, y=top + 3.8,
                       text_anchor="middle", class_="local small")  # fmt: skip
        parts.append(element("g", ground + told, id=pen.mark("local", name, k),
                             class_=pen.class_("factor")))  # fmt: skip
    if row.part:
        below = top + (PILL / 2 if row.local else 0) + 11.5
        parts.append(pen.lines("grad", row.part, left - 4, below, pen.mark("part", name, k), "end",
                               SMALL))  # fmt: skip
    return "".join(parts)


def _entry(y: float, item: Item, pen: Pen, count: int) -> tuple[tuple, tuple]:
    """Where a row's line enters the shape, and in which direction."""
    form = pen.form
    x = pen.x + form.begin
    if item.kind != "op" or count == 1:
        return (x, pen.y + (y if item.kind == "box" else 0.0)), (1.0, 0.0)
    r = min(form.tall, form.end - form.begin) / 2
    angle = asin(max(-0.8, min(0.8, 0.55 * y / r)))
    cx = x + r
    return (cx - r * cos(angle), pen.y + r * sin(angle)), (cos(angle), -sin(angle))


def tip(at: tuple[float, float], along: tuple[float, float]) -> str:
    """An arrow's tip that ends here."""
    (x, y), (dx, dy) = at, along
    bx, by = x - dx * TIP, y - dy * TIP
    nx, ny = -dy * TIP * 0.48, dx * TIP * 0.48
    return f"M{x:.1f} {y:.1f}L{bx + nx:.1f} {by + ny:.1f}L{bx - nx:.1f} {by - ny:.1f}Z"


def _out(out: Out, y: float, pen: Pen, item: Item) -> str:
    form = pen.form
    top = pen.y + y
    begin, end = pen.x + form.end, pen.x + form.width
    name = pen.out(item, out)
    parts = [element("path", id=pen.mark("trunk", name), d=f"M{begin:.1f} {top:.1f}H{end:.1f}",
                     class_="edge")]  # fmt: skip
    x = begin + 7
    if out.value:
        first = top - AIR - LINE * (len(out.value) - 1)
        parts.append(pen.lines("value", out.value, x, first, pen.mark("value", name)))
    if out.label:
        above = top - AIR - LINE * len(out.value)
        parts.append(element("text", text(out.label), x=x, y=above, class_="soft small"))
    if out.grad:
        what = "soft" if out.dead else "grad"
        parts.append(pen.lines(what, out.grad, x, top + LINE, pen.mark("grad", name)))
    return "".join(parts)


def _warning(pen: Pen, item: Item) -> str:
    form = pen.form
    x, y = pen.x + form.end - 7, pen.y - form.tall / 2 - 2
    shape = f"M{x:.1f} {y - 8:.1f}L{x + 8.5:.1f} {y + 6:.1f}H{x - 8.5:.1f}Z"
    mark = element("text", "!", x=x, y=y + 4.6, text_anchor="middle", class_="alarm")
    return element("g", element("title", text(item.warn)) + element("path", d=shape) + mark,
                   id=pen.mark("warn", pen.name), class_="warn")  # fmt: skip


__all__ = ["SMALL", "Pen", "item_svg", "safe", "tip"]
