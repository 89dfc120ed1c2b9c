"""A sheet as a picture: laid out, drawn, and with the ids of everything in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...eager.tensor import Tensor
from ...study.trace import Trace
from ..layered import Layered, layered
from ..measure import width_of
from ..svg import element, text
from ..svg import picture as framed
from .marks import Pen, item_svg, safe
from .shapes import SMALL, Form, form_of
from .sheet import Item, Key, Out, Row, Sheet
from .tape import sheet_of, told_of

MARGIN = 18.0
GAP = (24.0, 14.0)
LEAST = 420.0  # the width that notes may have under a narrow picture
LEGEND = (
    ("→", "value", "value"), ("←", "grad", "gradient of the loss"),
    ("×", "local", "local gradient: upstream × local = downstream"),
)  # fmt: skip


@dataclass(frozen=True)
class Sketch:
    """A drawn graph: the SVG, and under which ids its parts are found."""

    svg: str
    title: str
    told: str
    width: float
    height: float
    ids: Mapping[str, dict[str, Any]]
    sheet: Sheet
    plan: Layered = field(repr=False)


def picture(
    trace: Trace, *, wrt: Collection[Tensor] = (), values: bool = True, gradients: bool = True,
    hidden: bool = False, ident: str = "g", title: str = "", digits: int = 4, legend: bool = True,
    focusable: bool = False,
) -> Sketch:  # fmt: skip
    """The picture of a trace, with the ids by which an animation changes it.

    `wrt` are the leaves drawn as parameters. With `hidden`, every value, gradient and local
    gradient is there and not seen: take the class `hidden` from it to show it.
    """
    sheet = sheet_of(told_of(trace, wrt, digits), title)
    return sketch(shown(sheet, values, gradients), ident=ident, hidden=hidden, legend=legend,
                  focusable=focusable)  # fmt: skip


def shown(sheet: Sheet, values: bool = True, gradients: bool = True) -> Sheet:
    """The sheet without its values, or without its gradients."""
    if values and gradients:
        return sheet  # nothing is left out

    def row(r: Row) -> Row:
        return r if gradients else replace(r, local="", part=(), dead=False)

    def out(o: Out) -> Out:
        if not values:
            o = replace(o, value=())
        return o if gradients else replace(o, grad=(), sum="", dead=False)

    def item(i: Item) -> Item:
        told = i.told if gradients else i.told[:1]
        warn = i.warn if gradients else ""
        return replace(i, rows=[row(r) for r in i.rows], outs=[out(o) for o in i.outs],
                       told=told, warn=warn)  # fmt: skip

    return replace(sheet, items=[item(i) for i in sheet.items])


def sketch(
    sheet: Sheet, *, ident: str = "g", hidden: bool = False, legend: bool = True,
    focusable: bool = False, groups: Mapping[Key, Key] | None = None,
    titles: Mapping[Key, str] | None = None, notes: Sequence[str] = (),
    leads: Mapping[Key, int] | None = None,
) -> Sketch:  # fmt: skip
    """Lay a sheet out and draw it.

    `groups` are open boxes, drawn round their items; `notes` stand under the picture; a click on
    a box `leads` to the state of this number.
    """
    forms = {i.key: form_of(i) for i in sheet.items}
    plan = _laid_out(sheet, forms, groups)
    if any(i.kind == "box" and len(i.rows) + len(i.outs) > 2 for i in sheet.items):
        sheet = _untangled(sheet, plan)
        forms = {i.key: form_of(i) for i in sheet.items}
        plan = _laid_out(sheet, forms, groups)
    foot = 30.0 if legend else 0.0
    key = _legend(sheet, ident) if legend else None
    lines = [piece for note in notes for piece in _wrapped(note, max(plan.width, LEAST))]
    widest = max([key[1] if key else 0.0, *(width_of(t, 12) for t in lines)], default=0.0)
    width = max(plan.width, widest) + 2 * MARGIN
    height = plan.height + 2 * MARGIN + foot + (18 * len(lines) + 8 if lines else 0)
    plan = plan.moved(MARGIN + (width - 2 * MARGIN - plan.width) / 2, MARGIN)
    leads = leads or {}
    body = [_grounds(plan, titles or {}, leads)]
    names = _mark_names(sheet)
    links = sheet.links
    ids: dict[str, dict[str, Any]] = {}
    for e, (source, _, target, k) in enumerate(links):
        mark = f"{ident}-edge-{safe(names[source])}-{safe(names[target])}-{k}"
        body.append(element("path", id=mark, d=plan.path(e), class_="edge"))
    for i in sheet.items:
        x, y = plan.at[i.key]
        form = forms[i.key]
        pen = Pen(ident, names[i.key], x - form.width / 2, y, form, hidden)
        body.append(item_svg(i, pen, focusable, leads.get(i.group)))
        ids.update(_ids(i, pen, names, sheet))
    for k, t in enumerate(lines):
        y = plan.height + 2 * MARGIN + 12 + 18 * k
        body.append(element("text", text(t), x=MARGIN, y=y, class_="note"))
    if key:
        body.append(element("g", key[0], transform=f"translate({MARGIN:.0f} {height - 16:.0f})",
                            class_="legend"))  # fmt: skip
    svg = framed("scene graph", ident, width, height, sheet.title, sheet.told, "".join(body))
    return Sketch(svg, sheet.title, sheet.told, width, height, ids, sheet, plan)


def _wrapped(note: str, width: float) -> list[str]:
    """A sentence in lines of at most this width."""
    lines, current = [], ""
    for word in note.split(" "):
        longer = f"{current} {word}".strip() if current else word
        if current and width_of(longer, 12) > width:
            lines.append(current)
            longer = word
        current = longer
    return [*lines, current]


def _laid_out(sheet: Sheet, forms: dict[Key, Form], groups: Mapping | None) -> Layered:
    links = sheet.links
    ports = {
        e: (forms[source].outs[out] if forms[source].outs else 0.0, forms[target].rows[k])
        for e, (source, out, target, k) in enumerate(links)
    }
    return layered(
        [i.key for i in sheet.items], [(a, b) for a, _, b, _ in links],
        {k: (f.width, f.height) for k, f in forms.items()}, gap=GAP, ports=ports, groups=groups,
    )  # fmt: skip


def _untangled(sheet: Sheet, plan: Layered) -> Sheet:
    """The same, the lines at every box in the order of the heights that they run at."""
    into: dict[Key, dict[int, float]] = {}
    out_of: dict[Key, dict[int, float]] = {}
    for e, (source, out, target, k) in enumerate(sheet.links):
        points = plan.routes[e]
        into.setdefault(target, {})[k] = points[max(len(points) - 3, 0)][1]
        out_of.setdefault(source, {})[out] = points[min(2, len(points) - 1)][1]
    rows = {i.key: _by_height(i, len(i.rows), into) for i in sheet.items}
    outs = {i.key: _by_height(i, len(i.outs), out_of) for i in sheet.items}
    items = [
        replace(
            i,
            rows=[_moved(i.rows[k], outs) for k in rows[i.key]],
            outs=[i.outs[k] for k in outs[i.key]],
        )
        for i in sheet.items
    ]
    return replace(sheet, items=items)


def _by_height(item: Item, count: int, heights: Mapping[Key, Mapping[int, float]]) -> list[int]:
    """The lines of a box from top to bottom; those of an operation stay in its order."""
    own = heights.get(item.key, {})
    order = list(range(count))
    return sorted(order, key=lambda k: own.get(k, 0.0)) if item.kind == "box" else order


def _moved(row: Row, outs: Mapping[Key, list[int]]) -> Row:
    """A row whose source has its values in another order now."""
    order = outs[row.source]
    return replace(row, out=order.index(row.out)) if order else row


def _mark_names(sheet: Sheet) -> dict[Key, str]:
    """What the marks of every item are called by: its name, where no other has the same."""
    names: dict[Key, str] = {}
    taken: set[str] = set()
    for k, item in enumerate(sheet.items):
        name = item.name if item.name and item.name not in taken else f"{item.name or 'c'}.{k}"
        taken.add(name)
        names[item.key] = name
    return names


def _ids(item: Item, pen: Pen, names: dict, sheet: Sheet) -> dict[str, dict[str, Any]]:
    name = names[item.key]
    made: dict[str, dict[str, Any]] = {
        name: {
            "node": pen.mark("node", name), "shape": pen.mark("shape", name),
            "rows": [pen.mark("row", name, k) for k in range(len(item.rows))],
            "locals": [pen.mark("local", name, k) if r.local else None
                       for k, r in enumerate(item.rows)],
            "parts": [pen.mark("part", name, k) if r.part else None
                      for k, r in enumerate(item.rows)],
            "edges": [f"{pen.ident}-edge-{safe(names[r.source])}-{safe(name)}-{k}"
                      for k, r in enumerate(item.rows)],
            "sources": [names[r.source] for r in item.rows],
        }
    }  # fmt: skip
    for out in item.outs:
        called = pen.out(item, out)
        made.setdefault(called, {}).update(
            trunk=pen.mark("trunk", called),
            value=pen.mark("value", called) if out.value else None,
            grad=pen.mark("grad", called) if out.grad else None,
        )
    return made


def _grounds(plan: Layered, titles: Mapping[Key, str], leads: Mapping[Key, int]) -> str:
    parts = []
    for group, (x, y, w, h) in plan.boxes.items():
        told = titles.get(group, str(group))
        inside = element("title", text(told))
        inside += element("rect", x=x - w / 2, y=y - h / 2, width=w, height=h, rx=12,
                          class_="ground")  # fmt: skip
        inside += element("text", text(clipped(told, w - 24)), x=x - w / 2 + 12, y=y - h / 2 + 18,
                          class_="head soft")  # fmt: skip
        extra = {} if group not in leads else {
            "data-to": str(leads[group]), "data-group": str(group), "role": "button",
            "aria-expanded": "true", "aria-label": told, "tabindex": "0",
        }  # fmt: skip
        parts.append(element("g", inside, class_="open", **extra))
    return "".join(parts)


def clipped(told: str, width: float) -> str:
    """A title cut to what fits."""
    while len(told) > 1 and width_of(told, 12, bold=True) > width:
        told = told[:-2].rstrip() + "…"
    return told


def _legend(sheet: Sheet, ident: str) -> tuple[str, float]:
    """What the signs at the lines mean, in one line, and how wide it is."""
    outs = [o for i in sheet.items for o in i.outs]
    there = {
        "value": any(o.value for o in outs), "grad": any(o.grad for o in outs),
        "local": any(r.local for i in sheet.items for r in i.rows),
    }  # fmt: skip
    parts, x = [], 0.0
    for arrow, kind, words in LEGEND:
        if not there[kind]:
            continue
        words = words if sheet.numbers or kind != "value" else "shape of the value"
        parts.append(element("text", text(arrow), x=x, y=0, class_=f"{kind} small"))
        x += width_of(arrow, SMALL) + 5
        parts.append(element("text", text(words), x=x, y=0, class_="soft small"))
        x += width_of(words, SMALL) + 20
    return "".join(parts), max(x - 20, 0.0)
