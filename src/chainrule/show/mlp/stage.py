"""The stage of an MLP's two passes: feedforward at the left, backpropagation at the right.

The two are mirror images. A layer is a line: at the left its product and activation, leading to
the middle; at the right the same weights turned over, leading to the middle again. Forward the
lines are read down, backward up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..measure import width_of
from .grids import HIGH, Changes, Grid, Line, shift
from .lossnotes import LossTold
from .notation import Notation, low, said
from .passes import Forward, Learning
from .reading import Stack

MARGIN, AISLE, HEAD, BELOW, APART = 22.0, 30.0, 56.0, 24.0, 22.0
BARS = 170.0  # the length of the bar of the larger loss


@dataclass(eq=False)
class Stage:
    """Every grid of the picture by its role and layer, and where the lines lie."""

    ident: str
    stack: Stack
    note: Notation
    forward: Forward
    run: Learning | None  # None: the forward pass alone
    told: LossTold | None
    most: int
    bars: bool = False  # whether the loss is drawn as a bar, before the step and after
    grids: dict[tuple[str, int], Grid] = field(default_factory=dict)
    left: dict[int, Line] = field(default_factory=dict)
    right: dict[int, Line] = field(default_factory=dict)
    tops: dict[int, float] = field(default_factory=dict)
    axis: float = 0.0
    loss_at: tuple[float, float] = (0.0, 0.0)  # where the words of the loss begin
    width: float = 0.0
    height: float = 0.0

    def __post_init__(self) -> None:
        depth = len(self.stack.layers)
        for k in range(1, depth + 1):
            self.left[k] = self._ahead(k)
            if self.run is not None:
                self.right[k] = self._back(k)
        if self.run is not None:
            self.left[depth + 1], self.right[depth + 1] = self._loss()
        self._lay()

    @property
    def also(self) -> tuple[int, int] | None:
        """Where the outputs are shares of classes, the right class is always drawn."""
        if self.told is None or self.told.shares is None:
            return None
        return self.told.target.shape[1], int(np.argmax(self.told.target[0]))

    def grid(self, role: str, k: int, values: np.ndarray, name: str, kind: str, before: str = "",
             **told: bool) -> Grid:  # fmt: skip
        """A new grid with a role: W, H, b, Z, A forward; V, D, U, S, E backward."""
        made = Grid(f"{self.ident}-{role}{k}", values, name, kind, before, self.most, self.also,
                    **told)  # fmt: skip
        self.grids[role, k] = made
        return made

    def _ahead(self, k: int) -> Line:
        """Layer k of the forward pass: W · H + b = Z → A."""
        one, note, f = self.stack.layers[k - 1], self.note, self.forward
        w = self.grid("W", k, note.ahead(one.weight), note.w_ahead(k), "weight",
                      "" if note.columns else "·")  # fmt: skip
        h = self.grid("H", k, note.shown(f.into(k - 1)), note.h(k - 1),
                      "value" if k > 1 else "input", "·" if note.columns else "")  # fmt: skip
        b = None
        if one.bias is not None:
            row = note.shown(one.bias[None, :])
            b = self.grid("b", k, row, f"b{low(k)}", "weight", "+")
        name = note.z(k) if one.bend.sign else f"{note.z(k)} = {note.h(k)}"
        z = self.grid("Z", k, note.shown(f.sums[k - 1]), name, "value", "=")
        parts: list = [w, h, b, z] if note.columns else [h, (w, b) if b else w, z]
        if one.bend.sign:
            values = note.shown(f.outputs[k - 1])
            parts.append(self.grid("A", k, values, note.h(k), "value", f"{one.bend.sign} →"))
        return Line([p for p in parts if p is not None])

    def _slope(self, k: int, upstream: np.ndarray, name: str) -> list[Grid]:
        """δ = σ′(Z) ⊙ dL/dH for the outputs of layer k."""
        note, back = self.note, self.run.backward  # type: ignore[union-attr]
        bend, slopes = self.stack.layers[k - 1].bend, back.slopes[k - 1]
        e = self.grid("E", k, note.shown(back.deltas[k - 1]), note.delta(k), "delta")
        if not bend.sign:
            return [e]
        made = [e]
        if slopes is not None:
            made.append(
                self.grid("S", k, note.shown(slopes), note.slope(bend.sign, k), "local", "=")
            )
        sign = "⊙" if slopes is not None else f"← {bend.sign}′"
        made.append(self.grid("U", k, note.shown(upstream), name, "grad", sign))
        return made

    def _back(self, k: int) -> Line:
        """Layer k of the backward pass: δ below it = σ′ ⊙ dL/dH ← Wᵀ · δ."""
        note, back = self.note, self.run.backward  # type: ignore[union-attr]
        weight = note.ahead(self.stack.layers[k - 1].weight).T
        soft = k == 1
        if soft:
            first = [self.grid("U", 0, note.shown(back.x), "dL/dX", "grad", soft=True)]
        else:
            first = self._slope(k - 1, back.of_outputs[k - 2], f"dL/d{note.h(k - 1)}")
        sign = "←" if len(first) > 1 or soft else "="
        v = self.grid("V", k, weight, note.w_back(k), "weight", sign if note.columns else "·",
                      soft=soft)  # fmt: skip
        d = self.grid("D", k, note.shown(back.deltas[k - 1]), note.delta(k), "delta",
                      "·" if note.columns else sign, soft=soft)  # fmt: skip
        return Line([*first, *note.in_order(v, d)])

    def _loss(self) -> tuple[Line, Line]:
        """The prediction beside the target at the left; at the right where δ begins."""
        note, told, depth = self.note, self.told, self.note.depth
        assert told is not None
        assert self.run is not None
        y = self.grid("Y", 0, note.shown(self.forward.y), "Y", "value")
        parts = [y]
        if told.shares is not None:
            parts.append(self.grid("P", 0, note.shown(told.shares), "p", "value",
                                   f"{told.shares_by} →"))  # fmt: skip
        parts.append(self.grid("T", 0, note.shown(told.target), "t (target)", "input", "↔",
                               whole=True))  # fmt: skip
        end = self._slope(depth, self.run.backward.of_outputs[-1], "dL/dY")
        return Line(parts), Line(end)

    def _lay(self) -> None:
        """Put everything at its place: lines of one layer at one height, the axis between."""
        depth, inner = self.note.depth, AISLE if self.run else 0.0
        notes = [width_of(self.formula(k), 12) + 90 for k in self.left]
        wide = max(*(line.width for line in self.left.values()), *notes, 300.0)
        self.axis = MARGIN + wide + inner
        y = HEAD
        for k, line in self.left.items():
            self.tops[k] = y
            lines = [line, *([self.right[k]] if k in self.right else [])]
            high = max(x.height for x in lines)
            for side, x in zip((-1, 1), lines, strict=False):
                start = self.axis - inner - x.width if side < 0 else self.axis + AISLE
                x.place(start, y + (high - x.height) / 2)
            y += high + BELOW + APART
            if k > depth:
                y += self._lay_loss(wide - line.width - 40, high)
        right = [x.width for x in self.right.values()]
        right += [width_of(self.formula_back(k), 12) for k in self.right]
        self.width = self.axis + (AISLE + max(right) if right else 0.0) + MARGIN
        self.height = y

    def _lay_loss(self, room: float, high: float) -> float:
        """Put the loss left of the prediction where there is room, else below; what that adds."""
        last, tall = self.note.depth + 1, 54.0 if self.bars else 12.0
        first, wide = self.left[last].grids[0], self._loss_width()
        if room >= wide:
            self.loss_at = (MARGIN, first.y + first.height / 2 - HIGH / 2)
            return max(0.0, tall - high / 2)
        self.loss_at = (self.axis - AISLE - wide, self.tops[last] + high + 14)
        return tall

    def _loss_width(self) -> float:
        told = self.told
        assert told is not None
        return max(width_of(told.formula, 13, bold=True), width_of(self.loss_line(), 12), BARS + 80)

    def loss_line(self) -> str:
        """The loss as a number, and how it comes out."""
        assert self.run is not None
        assert self.told is not None
        numbers = f" = {self.told.numbers}" if self.told.numbers else ""
        return f"L{numbers} = {said(self.run.loss)}"

    def formula(self, k: int) -> str:
        """What the left line of layer k says."""
        note = self.note
        if k > note.depth:
            return ""
        one = self.stack.layers[k - 1]
        made = f"{note.z(k)} = {note.product(k, one.bias is not None)}"
        return f"{made},   {note.h(k)} = {one.bend.sign}({note.z(k)})" if one.bend.sign else made

    def formula_back(self, k: int) -> str:
        """What the right line of layer k says."""
        note = self.note
        if k == 1:
            return f"dL/dX = {note.sent(1)}   (nothing is learned from it)"
        of = k - 1
        bend, slopes = self.stack.layers[of - 1].bend, self.run.backward.slopes[of - 1]  # type: ignore[union-attr]
        upstream = "dL/dY" if k > note.depth else note.sent(k)
        made = f"{note.delta(of)} = "
        if not bend.sign:
            made += upstream
        elif slopes is None:
            made += f"H ⊙ (g − Σ g·H), g = {upstream}" if bend.sign == "softmax" else (
                f"{bend.sign}′({note.z(of)}) of {upstream}")  # fmt: skip
        else:
            made += f"{upstream} ⊙ {note.slope(bend.sign, of)}"
        if self.told is None or k <= note.depth:
            return made
        known = "" if bend.sign or self.told.slope == "dL/dY" else self.told.slope
        short = self.told.short or known
        return f"{made} = {short}" if short else made

    def floor(self, k: int) -> float:
        """The height of the formulas under line k."""
        lines = [self.left[k], *([self.right[k]] if k in self.right else [])]
        return self.tops[k] + max(x.height for x in lines) + 14

    def source(self, role: str, k: int) -> Grid | None:
        """Where a grid's numbers come from: the grid that it flies in from."""
        out = ("A", "Z")
        of = {"H": [(r, k - 1) for r in out], "Y": [(r, self.note.depth) for r in out],
              "D": [("E", k)]}.get(role, [])  # fmt: skip
        return next((self.grids[key] for key in of if key in self.grids), None)

    def over(self, k: int) -> Changes:
        """Where the cells of W lie, seen from those of Wᵀ: they fly over from there."""
        v, w = self.grids["V", k], self.grids["W", k]
        made: Changes = {}
        for i, j in v.drawn():
            (x, y), (x0, y0) = v.corner(i, j), w.corner(j, i)
            made[v.cell(i, j)] = {"transform": shift(x0 - x, y0 - y)}
        return made

    def turn(self, k: int) -> Changes:
        """W flies over and becomes Wᵀ."""
        v = self.grids["V", k]
        cells = {v.cell(i, j): {"transform": "translate(0 0)"} for i, j in v.drawn()}
        return {**v.show(), **cells}

    def words_of(self, *idents: str) -> Changes:
        """Formulas appear."""
        return {f"{self.ident}-{i}": {"opacity": 1} for i in idents}
