"""Three ways to a derivative as two charts: how far off, and how much work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...graph.errors import UsageError
from ...study.compare import Comparison
from ..chart import Series, axes, dots, fitted, ink, legend, path
from ..scene import Moment, Scene
from ..svg import element, picture, text

MARGIN, GAP = 24.0, 40.0
PLOT = (400.0, 260.0)
TOP = 142.0  # of the plots
LEAST = 1e-17  # an error of 0 is drawn here: below what a float64 can tell apart
DIM = 0.2
ASIDE = 62.0  # what stands left of a plot
# A curve's place here is its colour and its dashes.
NAMES = ("numerical", "backprop", "symbolic, unshared", "symbolic, shared", "central",
         "Richardson", "complex step")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Half:
    """One of the two charts: its curves, and where it stands."""

    title: str
    series: tuple[Series, ...]
    labels: tuple[str, str]
    part: str
    left: float
    log_x: bool


def comparison(found: Any, *, ident: str = "compare") -> Scene:
    """What `cr.compare` found, as two charts: error against the step h, work against the size.

    The error of a difference first falls with h and then rises as digits cancel; that of the
    complex step only falls. The work is in scalar operations: numerical, by backpropagation,
    and by algebra with every repeated sub-expression counted again, and with each counted once.
    The moments take up one way after the other.

    >>> import chainrule as cr
    >>> scene = comparison(cr.compare(lambda x: cr.sin(x**2), 1.5))
    >>> scene.title
    'Three ways to a derivative'
    """
    if not isinstance(found, Comparison):
        raise UsageError(
            f"pictures.comparison: {type(found).__name__}; give what cr.compare(f, *args) returned"
        )
    left = MARGIN + ASIDE
    halves = (
        Half("Error of the numerical ways", _errors(found), ("step h", "relative error"), "error",
             left, True),
        Half("Work as the size grows", _work(found), ("size", "scalar operations"), "work",
             left + PLOT[0] + GAP + ASIDE, False),
    )  # fmt: skip
    title = "Three ways to a derivative"
    width = halves[1].left + PLOT[0] + MARGIN
    note = f"Size: {found.grown_by}."
    body = element("text", title, x=MARGIN, y=30, class_="head", style="font-size:16px")
    body += "".join(_drawn(half, ident) for half in halves)
    body += element("text", text(note), x=halves[1].left - ASIDE, y=TOP + PLOT[1] + 58,
                    class_="soft small")  # fmt: skip
    told = " ".join(words for words, _ in _claims(found))
    svg = picture("scene chart", ident, width, TOP + PLOT[1] + 74, title, told, body)
    return Scene(title, told, svg, tuple(_moments(found, halves, ident)))


def _errors(found: Comparison) -> tuple[Series, ...]:
    ways = (("central", "central"), ("Richardson", "richardson"), ("complex step", "complex_step"))
    steps = [row.h for row in found.errors]
    series = []
    for name, key in ways:
        values = [getattr(row, key) for row in found.errors]
        if any(v is not None for v in values):
            series.append(Series(name, steps, [None if v is None else max(v, LEAST)
                                               for v in values]))  # fmt: skip
    return tuple(series)


def _work(found: Comparison) -> tuple[Series, ...]:
    ways = (("numerical", "numerical"), ("symbolic, unshared", "symbolic"),
            ("symbolic, shared", "shared"), ("backprop", "backprop"))  # fmt: skip
    sizes = [row.size for row in found.growth]
    series = [
        Series(name, sizes, [getattr(row, key) for row in found.growth]) for name, key in ways
    ]
    return tuple(s for s in series if any(v is not None for v in s.ys))


def _drawn(half: Half, ident: str) -> str:
    frame = fitted(half.series, (half.left, TOP, *PLOT), True, half.log_x)
    inks = [NAMES.index(s.name) for s in half.series]
    x = half.left - ASIDE
    keys, _ = legend(half.series, x, 78, PLOT[0] + ASIDE + 10, inks)
    lines = "".join(
        element("g", element("path", d=path(s, frame), **ink(k)) + dots(s, frame, k),
                id=f"{ident}-{half.part}{n}")
        for n, (s, k) in enumerate(zip(half.series, inks, strict=True))
    )  # fmt: skip
    head = element("text", half.title, x=x, y=56, class_="head")
    return head + keys + axes(frame, *half.labels) + lines


def _best(found: Comparison, key: str) -> tuple[float, float] | None:
    rows = [(getattr(r, key), r.h) for r in found.errors if getattr(r, key) is not None]
    return min(rows) if rows else None


def _claims(found: Comparison) -> list[tuple[str, tuple[str, ...]]]:
    """What the charts show, in words with the numbers, and which curves it is about."""
    claims: list[tuple[str, tuple[str, ...]]] = []
    error, h = _best(found, "central") or (0.0, 0.0)
    if h < found.errors[0].h:
        said = (
            f"Central differences: the error falls with h² to {_size(error)} at h = {h:.0e}; with "
            "smaller steps digits cancel, and it rises."
        )
    else:
        said = (
            "Central differences: where the function is straight a large step is exact, "
            f"{_size(error)} off; with smaller steps digits cancel."
        )
    claims.append((said, ("central",)))
    error, h = _best(found, "richardson") or (0.0, 0.0)
    claims.append((
        f"Richardson's extrapolation, two central differences combined, comes to {_size(error)} "
        f"at h = {h:.0e}.", ("Richardson",)))  # fmt: skip
    exact = _best(found, "complex_step")
    if exact:
        claims.append((
            "The complex step subtracts nothing, so nothing cancels: its error falls to "
            f"{_size(exact[0])} and stays there.", ("complex step",)))  # fmt: skip
    last = found.growth[-1]
    claims.append((
        f"At size {last.size}, with {_many(last.inputs, 'input')}: {last.forward:,} operations "
        f"forward, {last.backprop:,} for value and gradient by backprop, {last.numerical:,} by "
        "central differences: two passes for every input.", ("numerical", "backprop")))  # fmt: skip
    if last.symbolic is not None and last.shared is not None:
        slower = last.symbolic > last.numerical
        claims.append((
            f"Algebra written out takes {last.symbolic:,} operations"
            + (", more even than differences" if slower else "")
            + f"; with repeated parts computed once, {last.shared:,}.",
            ("symbolic, unshared", "symbolic, shared")))  # fmt: skip
    return claims


def _size(error: float) -> str:
    return f"{error:.1e}" if error > LEAST else "less than can be told apart"


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _moments(found: Comparison, halves: Sequence[Half], ident: str) -> list[Moment]:
    every = [(s.name, f"{ident}-{h.part}{n}") for h in halves for n, s in enumerate(h.series)]
    moments = [Moment("Left: how far off. Right: how much work.", {}, "", 2.0)]
    for words, names in _claims(found):
        dim = {mark: {"opacity": 1 if name in names else DIM} for name, mark in every}
        chapter = "work" if set(names) & {"numerical", "symbolic, shared"} else "error"
        moments.append(Moment(words, dim, chapter, 4.0))
    all_of_them = {mark: {"opacity": 1} for _, mark in every}
    return [*moments, Moment("All of them together.", all_of_them, "together", 2.0)]
