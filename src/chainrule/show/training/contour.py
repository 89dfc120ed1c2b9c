"""Where a field of numbers crosses a level: lines, found square by square."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Line = np.ndarray  # (points, 2): x and y

# The sides of a square that a line joins, by which corners are above: 1 top left, 2 top right,
# 4 bottom right, 8 bottom left. Sides: 0 top, 1 right, 2 bottom, 3 left. The two cases of a
# saddle are settled by a fixed choice.
SIDES = (
    (), ((3, 0),), ((0, 1),), ((3, 1),), ((1, 2),), ((3, 0), (1, 2)), ((0, 2),), ((3, 2),),
    ((2, 3),), ((2, 0),), ((0, 1), (2, 3)), ((2, 1),), ((1, 3),), ((1, 0),), ((0, 3),), (),
)  # fmt: skip


def contour(field: np.ndarray, level: float = 0.0) -> list[Line]:
    """The lines on which `field` is `level`, in units of its columns and rows.

    Shapes: field (rows, columns) → lines (points, 2), x along the columns.
    Source: Lorensen and Cline 1987, in two dimensions: marching squares.

    >>> [line.tolist() for line in contour(np.array([[0.0, 1.0], [0.0, 1.0]]), 0.5)]
    [[[0.5, 0.0], [0.5, 1.0]]]
    """
    field = np.nan_to_num(np.asarray(field, float)) - level
    above = field > 0
    case = above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, 1:] + 8 * above[1:, :-1]
    neighbours: dict[tuple, list[tuple]] = {}
    for i, j in zip(*np.nonzero((case > 0) & (case < 15)), strict=True):
        # A side has one name, whichever of its two squares it is seen from.
        names = ((i, j, 0), (i, j + 1, 1), (i + 1, j, 0), (i, j, 1))
        for a, b in SIDES[case[i, j]]:
            neighbours.setdefault(names[a], []).append(names[b])
            neighbours.setdefault(names[b], []).append(names[a])
    return [_placed(chain, field) for chain in _chains(neighbours)]


def _chains(neighbours: dict[tuple, list[tuple]]) -> list[list[tuple]]:
    """The sides in the order in which a line passes them; open lines from one of their ends."""
    seen: set[tuple] = set()
    chains = []
    ends = [k for k, n in neighbours.items() if len(n) == 1]
    for start in (*ends, *neighbours):
        if start in seen:
            continue
        chain, here = [], start
        while here is not None:
            seen.add(here)
            chain.append(here)
            here = next((n for n in neighbours[here] if n not in seen), None)
        if len(chain) > 2 and start in neighbours[chain[-1]]:
            chain.append(start)
        chains.append(chain)
    return chains


def _placed(chain: Sequence[tuple], field: np.ndarray) -> Line:
    i, j, down = np.array(chain).T
    a, b = field[i, j], field[i + down, j + 1 - down]
    part = a / (a - b)
    return np.stack([j + part * (1 - down), i + part * down], axis=1)


def simplified(line: Line, tolerance: float) -> Line:
    """The line through fewer of its points, nowhere further off than `tolerance`.

    Source: Ramer 1972; Douglas and Peucker 1973.

    >>> len(simplified(np.array([[0.0, 0.0], [1.0, 0.001], [2.0, 0.0], [2.0, 5.0]]), 0.1))
    3
    """
    kept, stack = {0, len(line) - 1}, [(0, len(line) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        along = line[last] - line[first]
        off = line[first + 1 : last] - line[first]
        length = np.hypot(*along)
        away = np.abs(off @ [-along[1], along[0]]) / length if length else np.hypot(*off.T)
        k = int(away.argmax())
        if away[k] > tolerance:
            middle = first + 1 + k
            kept.add(middle)
            stack += [(first, middle), (middle, last)]
    return line[sorted(kept)]


def path(lines: Sequence[Line]) -> str:
    """Lines in pixels as the data of an SVG path.

    >>> path([np.array([[0.0, 0.5], [2.0, 3.04]])])
    'M0 0.5 2 3'
    """
    return "".join("M" + " ".join(f"{short(x)} {short(y)}" for x, y in line) for line in lines)


def short(x: float) -> str:
    """A length in pixels, to a tenth.

    >>> short(2.04), short(-0.01), short(3.16)
    ('2', '0', '3.2')
    """
    said = f"{x:.1f}".removesuffix(".0")
    return "0" if said == "-0" else said
