"""How large an item is, and where in it everything stands; the middle of its shape's line is 0."""

from __future__ import annotations

from dataclasses import dataclass

from ..measure import width_of
from .sheet import Item, Lines, Out, Row

R = 16.0  # of an op's circle
TEXT, SMALL, NAME = 12.0, 10.5, 12.0  # sizes of text
LINE = 15.0  # from one line of text to the next
PILL = 18.0  # how tall a local gradient's ground is
LEAF, BOX = 28.0, 50.0  # how tall a leaf and a box are
FAN, STUB = 16.0, 10.0  # where several lines come together, and the shortest line
INDENT = 14.0  # of the second line of a value and those after it
AIR = 5.0  # between a line and the text at it
SHARED = 9.0  # how far the shape of a box or the end reaches over its text


@dataclass(frozen=True)
class Form:
    """The measures of an item: from left to right its rows, its shape, its trunks."""

    width: float
    height: float
    rows: tuple[float, ...]  # the height of every row's line over the middle, downwards
    outs: tuple[float, ...]  # the same of every value
    left: float  # where the rows end and their lines come together
    begin: float  # where the shape begins
    end: float  # where it ends, and the trunk begins
    tall: float  # the shape's height

    @property
    def middle(self) -> float:
        """The middle of the shape, from the left."""
        return (self.begin + self.end) / 2


def form_of(item: Item) -> Form:
    """The measures of an item."""
    wide = _shape_width(item)
    rows, row_width = _rows(item.rows)
    outs = _outs(item.outs)
    if item.kind == "box" and len(rows) == len(outs) > 1 and outs[1] - outs[0] >= rows[1] - rows[0]:
        rows = outs  # a chain of boxes with as many lines in as out runs straight
    left = row_width
    fan = 0.0
    if item.rows:
        fan = FAN if len(item.rows) > 1 and item.kind != "box" else AIR + 7
    begin = left + fan
    if not item.rows and not outs:
        begin = 0.0
    trunk = max((_trunk(o) for o in item.outs), default=0.0)
    tall = _tall(item, rows, outs)
    over = tall / 2 + (LINE + 3 if item.over else 0) + (4 if item.warn else 0)
    below = tall / 2 + (LINE if item.under and item.kind == "op" else 0)
    up, down = [over], [below]
    for y, row in zip(rows, item.rows, strict=True):
        up.append(-y + PILL / 2 + 1)
        down.append(y + (PILL / 2 + 1 if row.local else 0) + _height(row.part))
    for y, out in zip(outs, item.outs, strict=True):
        up.append(-y + _height(out.value) + (AIR if out.value else 0) + (LINE if out.label else 0))
        down.append(y + _height(out.grad) + AIR)
    if len(item.over) > 2:  # a name wider than the circle must not lie over its neighbours
        half = width_of(item.over, NAME) / 2
        begin_needed = half - wide / 2
        begin = max(begin, begin_needed)
    end = begin + wide
    right = max(trunk, width_of(item.over, NAME) / 2 - wide / 2, _under_over(item, wide))
    height = 2 * max(*up, *down)
    return Form(end + right, height, rows, outs, left, begin, end, tall)


def _under_over(item: Item, wide: float) -> float:
    if item.kind != "op" or not item.under:
        return 0.0
    return width_of(item.under, SMALL) / 2 - wide / 2


def _shape_width(item: Item) -> float:
    text = width_of(item.sign, TEXT, bold=item.kind in ("end", "box"))
    if item.kind == "op":
        return max(2 * R, text + 18)
    if item.kind == "box":
        return max(84.0, text + 28, width_of(item.under, SMALL) + 28)
    return max(LEAF + 6, text + 22)


def _height(lines: Lines) -> float:
    return LINE * len(lines)


def _rows(rows: list[Row]) -> tuple[tuple[float, ...], float]:
    """Where the rows' lines are, and how wide they are with what stands at them."""
    n = len(rows)
    step = 24.0
    if n > 1:
        tallest = max(PILL * bool(r.local) / 2 + _height(r.part) for r in rows)
        step = max(step, tallest + PILL / 2 + 5)
    width = max((row_width(r) for r in rows), default=0.0)
    return tuple((k - (n - 1) / 2) * step for k in range(n)), width


def row_width(row: Row) -> float:
    """What stands at one row's line."""
    part = max((width_of(t, SMALL) for t in row.part), default=0.0)
    pill = pill_width(row)
    return max(part + 6, pill + 8) if pill or part else 0.0


def pill_width(row: Row) -> float:
    """The ground of a local gradient."""
    return width_of(row.local, SMALL) + 12 if row.local else 0.0


def _trunk(out: Out) -> float:
    lines = [(t, INDENT if k else 0.0) for told in (out.value, out.grad)
             for k, t in enumerate(told)]  # fmt: skip
    widest = max((width_of(t, TEXT) + more for t, more in [*lines, (out.label, 0.0)]))
    return widest + 14 if widest else STUB


def _outs(outs: list[Out]) -> tuple[float, ...]:
    """Where the trunks are, one below the other."""
    if len(outs) < 2:
        return (0.0,) * len(outs)
    y, found = 0.0, []
    for out in outs:
        y += _height(out.value) + AIR + (LINE if out.label else 0)
        found.append(y)
        y += _height(out.grad) + AIR + 6
    shift = (found[0] + found[-1]) / 2
    return tuple(v - shift for v in found)


def _tall(item: Item, rows: tuple, outs: tuple) -> float:
    reach = max((abs(y) for y in (*rows, *outs)), default=0.0)
    if item.kind == "box":
        return max(BOX, 2 * reach + 24)
    if item.kind == "op":
        return max(2 * R, 2 * max((abs(y) for y in outs), default=0.0) + 24)
    return LEAF
