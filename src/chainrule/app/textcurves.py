"""Curves as text: a plot of characters for a terminal, and a line of blocks for a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, log10

MARKS = "●○×+△▪"  # one a curve, in this order
BOTH = "◍"  # where two curves meet
BARS = "▁▂▃▄▅▆▇█"
WIDE = 30  # a figure that falls by so much is drawn on a logarithmic axis


def plotted(
    series: Mapping[str, Sequence[float]], width: int = 64, height: int = 12, x: str = "epoch"
) -> list[str]:
    """Curves over 1, 2, 3, ... as lines of text, with their names above and the axes' ends.

    What is not finite is a gap.

    >>> print("\\n".join(plotted({"loss": [3.0, 2.0, 1.0]}, width=9, height=3)))
       ● loss
     3 ┤●
     2 ┤    ●
     1 ┤        ●
       └─────────
        1       3 epoch
    """
    shown = {n: ys for n, ys in series.items() if any(isfinite(y) for y in ys)}
    if not shown:
        return ["no epoch has a finite value to draw"]
    values = [y for ys in shown.values() for y in ys if isfinite(y)]
    log = min(values) > 0 and max(values) > WIDE * min(values)
    scale = log10 if log else float
    low, high = scale(min(values)), scale(max(values))
    longest = max(map(len, shown.values()))
    grid = [[" "] * width for _ in range(height)]
    for mark, ys in zip(MARKS, shown.values(), strict=False):
        for column, y in _columns(ys, longest, width):
            row = round((scale(y) - low) / (high - low) * (height - 1)) if high > low else 0
            cell = grid[height - 1 - row][column]
            grid[height - 1 - row][column] = mark if cell in (" ", mark) else BOTH
    ends = {0: f"{max(values):.4g}", height - 1: f"{min(values):.4g}"}
    if height > 2:
        middle = height // 2
        value = high - (high - low) * middle / (height - 1)
        ends[middle] = f"{10**value if log else value:.4g}"
    wide = max(map(len, ends.values()))
    names = "   ".join(f"{mark} {name}" for mark, name in zip(MARKS, shown, strict=False))
    lines = [" " * (wide + 2) + names + ("   (logarithmic)" if log else "")]
    for k, cells in enumerate(grid):
        lines.append(f"{ends.get(k, ''):>{wide}} ┤{''.join(cells)}".rstrip())
    gap = " " * (width - 1 - len(str(longest)))
    lines.append(" " * (wide + 1) + "└" + "─" * width)
    lines.append(" " * (wide + 2) + (f"1{gap}{longest} {x}" if longest > 1 else f"1 {x}"))
    return [f" {line}" for line in lines]


def _columns(ys: Sequence[float], longest: int, width: int) -> list[tuple[int, float]]:
    """What stands in each column: the mean of the values that fall into it."""
    found: dict[int, list[float]] = {}
    for k, y in enumerate(ys):
        if isfinite(y):
            found.setdefault(round(k * (width - 1) / max(longest - 1, 1)), []).append(y)
    return [(column, sum(some) / len(some)) for column, some in found.items()]


def blocks(ys: Sequence[float], width: int = 16) -> str:
    """A curve as one line of blocks, on a logarithmic scale where it is above 0.

    >>> blocks([1.0, 2.0, 4.0, 8.0])
    '▁▃▆█'
    """
    known = [y for y in ys if isfinite(y)]
    if not known:
        return ""
    scale = log10 if min(known) > 0 else float
    few = dict(_columns(ys, len(ys), min(width, len(ys))))
    low, high = min(map(scale, few.values())), max(map(scale, few.values()))
    span = (high - low) or 1.0
    return "".join(BARS[round((scale(y) - low) / span * (len(BARS) - 1))] for y in few.values())
