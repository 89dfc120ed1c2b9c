"""A stage as SVG: its grids, unseen as yet, and what stands around them."""

from __future__ import annotations

import numpy as np

from ..svg import element, text
from .notation import said
from .stage import AISLE, APART, BARS, Stage


def drawn(stage: Stage) -> str:
    """All of it, before the first moment."""
    parts = [_frame(stage)]
    for (role, k), grid in stage.grids.items():
        cells = stage.over(k) if role == "V" else None
        parts.append(grid.svg(stage.source(role, k), cells))
    return "".join(parts)


def _frame(stage: Stage) -> str:
    """What stands before anything happens: titles, the axis, the formulas."""
    made, inner = "", stage.axis - (AISLE if stage.run else 0.0)
    outer = stage.axis + AISLE
    heads = [(inner, "end", "feedforward ↓")]
    if stage.run is not None:
        heads.append((outer, "start", "↑ backpropagation"))
        made += element("line", x1=stage.axis, x2=stage.axis, y1=18.0, y2=stage.height - APART,
                        class_="edge", stroke_dasharray="5 5")  # fmt: skip
    for x, anchor, head in heads:
        made += element("text", head, x=x, y=28.0, text_anchor=anchor, class_="head title")
    start = min(g.x - g.lead for line in stage.left.values() for g in line.grids)
    for k in stage.left:
        y = stage.floor(k)
        if k <= stage.note.depth:
            made += _formula(stage, f"say{k}", stage.formula(k), inner, y, "end")
            made += element("text", f"layer {k}", x=start, y=y, class_="soft")
        else:
            made += _loss(stage)
        if k in stage.right:
            made += _formula(stage, f"back{k}", stage.formula_back(k), outer, y, "start")
    return made


def _formula(stage: Stage, mark: str, told: str, x: float, y: float, anchor: str) -> str:
    return element("text", text(told), x=x, y=y, text_anchor=anchor, id=f"{stage.ident}-{mark}",
                   opacity=0)  # fmt: skip


def _loss(stage: Stage) -> str:
    """The loss in two lines, left of the prediction, and the bars it is as long as."""
    told, run = stage.told, stage.run
    assert told is not None
    assert run is not None
    x, y = stage.loss_at
    made = element("text", text(told.formula), x=x, y=y, class_="head")
    made += element("text", text(stage.loss_line()), x=x, y=y + 20, class_="number")
    made = element("g", made, id=f"{stage.ident}-loss", opacity=0)
    if not stage.bars:
        return made
    top = max(run.loss, run.loss_after)
    pair = _bar(x, y + 32, "before", run.loss, top) + _bar(x, y + 50, "after", run.loss_after, top)
    return made + element("g", pair, id=f"{stage.ident}-after", opacity=0)


def _bar(x: float, y: float, when: str, loss: float, top: float) -> str:
    wide = BARS * max(loss, 0.0) / top if np.isfinite([loss, top]).all() and top > 0 else 0.0
    ink = 0.5 if when == "before" else 0.9
    bar = element("rect", x=x, y=y, width=wide, height=12.0, class_="fill-grad",
                  fill_opacity=ink)  # fmt: skip
    told = f"{when} {said(loss)}"
    return bar + element("text", told, x=x + wide + 6, y=y + 10, class_="small number")
