"""The record look of micrograd: `{ name | data | grad }` for every value, a circle for every op."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.node import Pick
from ...study.numbers import MINUS
from ..layered import layered
from ..measure import width_of
from ..svg import element, text
from ..svg import picture as framed
from .figures import figure
from .marks import safe, tip
from .render import MARGIN, Sketch
from .shapes import TEXT
from .signs import letter, sign
from .tape import Told, sheet_of

TALL, R, GAP = 34.0, 15.0, (26.0, 12.0)


def record_sketch(
    told: Told, *, values: bool = True, gradients: bool = True, ident: str = "g", title: str = "",
    focusable: bool = False,
) -> Sketch:  # fmt: skip
    """Draw a computation as records and circles, as micrograd's `draw_dot` does."""
    sheet = sheet_of(told, title)
    nodes, edges, sizes = [], [], {}
    cells = {n: _cells(n, told, values, gradients) for n in told.nodes}
    for n in told.nodes:
        at = told.keys[n]
        nodes.append(("record", at))
        sizes["record", at] = (sum(_width(c) for c, _ in cells[n]), TALL)
        if n.inputs:
            nodes.append(("op", at))
            wide = max(2 * R, width_of(_sign(n), TEXT) + 16)
            sizes["op", at] = (wide, 2 * R)
            edges += [(("record", told.keys[i]), ("op", at)) for i in n.inputs]
            edges.append((("op", at), ("record", at)))
    plan = layered(nodes, edges, sizes, gap=GAP).moved(MARGIN, MARGIN)
    body = [_line(plan.path(e), plan.routes[e]) for e in range(len(edges))]
    names = _names(told)
    whole = sheet.by_key
    for kind, at in nodes:
        n = told.nodes[at]
        x, y = plan.at[kind, at]
        card = whole.get(at)
        head = element("title", text("\n".join([card.head, *card.told]) if card else names[n]))
        if kind == "op":
            body.append(_circle(n, x, y, sizes[kind, at][0], ident, names[n]))
            continue
        extra = {"tabindex": "0", "role": "img"} if focusable else {}
        marks = _record(cells[n], x - sizes[kind, at][0] / 2, y, ident, names[n])
        body.append(element("g", head + marks, id=f"{ident}-node-{safe(names[n])}",
                            class_="node record", **extra))  # fmt: skip
    width, height = plan.width + 2 * MARGIN, plan.height + 2 * MARGIN
    svg = framed("scene graph", ident, width, height, sheet.title, sheet.told, "".join(body))
    ids = {
        names[n]: {what: f"{ident}-{what}-{safe(names[n])}" for what in ("node", "value", "grad")}
        for n in told.nodes
    }
    return Sketch(svg, sheet.title, sheet.told, width, height, ids, sheet, plan)


def _names(told: Told) -> dict[Any, str]:
    return {n: told.names.get(n) or f"c.{k}" for k, n in enumerate(told.nodes)}


def _sign(n: Any) -> str:
    return sign(n.op) if not isinstance(n.op, Pick) else f"[{n.op.index}]"


def _cells(n: Any, told: Told, values: bool, gradients: bool) -> list[tuple[str, str]]:
    """The texts of a record, each with its class."""
    name = told.names.get(n, "") or n.name or ""
    cells = [(letter(name), "name")]
    if values:
        cells.append((f"data {_four(told.values[n])}", "value"))
    if gradients and told.gradients:
        step = told.steps.get(told.names.get(n, ""))
        g = step.upstream if step is not None and n in told.asked else None
        cells.append((f"grad {_four(g)}" if g is not None else "no grad", "grad" if
                      g is not None else "soft"))  # fmt: skip
    return cells


def _four(x: Any) -> str:
    if isinstance(x, tuple) or np.ndim(x):
        return ", ".join(figure(x, 3))
    x = np.asarray(x)
    return (f"{float(x) + 0.0:.4f}" if x.dtype.kind == "f" else str(x)).replace("-", MINUS)


def _width(told: str) -> float:
    return max(24.0, width_of(told, TEXT) + 18)


def _record(cells: list, x: float, y: float, ident: str, name: str) -> str:
    wide = sum(_width(t) for t, _ in cells)
    parts = [element("rect", id=f"{ident}-shape-{safe(name)}", x=x, y=y - TALL / 2, width=wide,
                     height=TALL, rx=4, class_="shape")]  # fmt: skip
    for k, (told, kind) in enumerate(cells):
        if k:
            parts.append(element("path", d=f"M{x:.1f} {y - TALL / 2:.1f}v{TALL:.0f}",
                                 class_="edge"))  # fmt: skip
        parts.append(element("text", text(told), id=f"{ident}-{kind}-{safe(name)}",
                             x=x + _width(told) / 2, y=y + 4.2, text_anchor="middle",
                             class_="sign" if kind == "name" else kind))  # fmt: skip
        x += _width(told)
    return "".join(parts)


def _circle(n: Any, x: float, y: float, wide: float, ident: str, name: str) -> str:
    shape = element("rect", x=x - wide / 2, y=y - R, width=wide, height=2 * R, rx=R,
                    class_="shape")  # fmt: skip
    told = element("text", text(_sign(n)), x=x, y=y + 4.2, text_anchor="middle", class_="sign")
    head = element("title", text(f"{n.op.name}: {n.op.words}"))
    return element("g", head + shape + told, id=f"{ident}-op-{safe(name)}", class_="node op")


def _line(d: str, route: list) -> str:
    (x0, _), (x1, y1) = route[-2:]
    along = (1.0, 0.0) if x1 >= x0 else (-1.0, 0.0)
    return element("path", d=d, class_="edge") + element("path", d=tip((x1, y1), along),
                                                         class_="tip")  # fmt: skip
