"""Below the two passes: the gradient of a layer's weights as a product, and the step they take."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..svg import element, text
from . import backward_words
from .grids import UNDER, Changes, Grid, Line
from .notation import said
from .reel import Reel
from .stage import MARGIN, Stage

ONE_BY_ONE = 4  # neurons whose changes are shown singly


@dataclass(eq=False)
class Bench:
    """δ · Hᵀ = dW, and W − lr·dW = the new W, of one layer."""

    stage: Stage
    k: int
    parts: dict[str, Grid] = field(default_factory=dict)

    def __post_init__(self) -> None:
        stage, k, run, note = self.stage, self.k, self.stage.run, self.stage.note
        assert run is not None
        one = stage.stack.layers[k - 1]
        factors = note.change_factors(run.backward.deltas[k - 1], run.forward.into(k - 1))
        names = note.change_names(k)
        of_delta = ("delta", "value") if note.out_by_in else ("value", "delta")
        kinds = tuple("input" if x == "value" and k == 1 else x for x in of_delta)
        w = f"d{note.w(k)}"
        rate = f"− {said(run.lr)}·{w} ="
        for role, values, name, kind, sign in (
            ("L", factors[0], names[0], kinds[0], ""),
            ("R", factors[1], names[1], kinds[1], "·"),
            ("G", run.backward.weights[k - 1], w, "grad", "="),
            ("O", one.weight, note.w(k), "weight", "   so"),
            ("N", run.weights[k - 1], f"new {note.w(k)}", "weight", rate),
        ):
            ident = f"{stage.ident}-{role}{k}"
            self.parts[role] = Grid(ident, values, name, kind, sign, stage.most, stage.also)

    @property
    def line(self) -> Line:
        return Line(list(self.parts.values()))

    def place(self, x: float, y: float) -> None:
        """Put it below the stage."""
        self.line.place(x, y + 28)

    @property
    def height(self) -> float:
        return self.line.height + 28 + 10

    @property
    def mark(self) -> str:
        return f"{self.stage.ident}-bench{self.k}"

    def svg(self) -> str:
        """The bench, empty: its grids appear one by one, and in dW each cell by itself."""
        top = min(g.y for g in self.parts.values()) - 14
        title = f"layer {self.k}: the change of its weights"
        made = element("text", text(title), x=self.parts["L"].x, y=top, class_="head title")
        unseen = {self.parts["G"].cell(i, j): {"opacity": 0} for i, j in self.parts["G"].drawn()}
        for role, g in self.parts.items():
            made += g.svg(self._source(role), unseen)
        return element("g", made, id=self.mark, opacity=0)

    def _source(self, role: str) -> Grid | None:
        grids, k = self.stage.grids, self.k
        delta, h = grids.get(("E", k)), grids.get(("H", k))
        first, second = (delta, h) if self.stage.note.out_by_in else (h, delta)
        return {"L": first, "R": second, "O": grids.get(("W", k))}.get(role)

    def cells(self, neuron: int | None = None) -> Changes:
        """The change of one neuron's weights appears, or of all."""
        axis = 0 if self.stage.note.out_by_in else 1
        return {
            self.parts["G"].cell(i, j): {"opacity": 1}
            for i, j in self.parts["G"].drawn() if neuron is None or (i, j)[axis] == neuron
        }  # fmt: skip

    def tell(self, reel: Reel, singly: bool, before: Bench | None = None) -> None:
        """The moments of this layer's weights."""
        stage, k, p = self.stage, self.k, self.parts
        away: Changes = {} if before is None else {before.mark: {"opacity": 0}}
        here = {self.mark: {"opacity": 1}}
        chapter = f"weights of layer {k}"
        neurons = stage.stack.sizes[k]
        start = (away, here, p["L"].show(), p["R"].show())
        if singly and 1 < neurons <= ONE_BY_ONE and len(stage.forward.x) == 1:
            for i in range(neurons):
                new = (*start, p["G"].show()) if i == 0 else ()
                lit = [p["L"], p["R"]]
                reel.add(chapter, backward_words.neuron(stage, k, i), *new, self.cells(i), lit=lit)
            start = ()
        reel.add(chapter, backward_words.change(stage, k), *start, p["G"].show(), self.cells(),
                 lit=[p["G"]])  # fmt: skip
        reel.add(chapter, backward_words.step(stage, k), p["O"].show(), p["N"].show(), lit=[p["N"]])


def benches(stage: Stage) -> tuple[dict[int, Bench], float, float]:
    """A bench for every layer, all at one place; the width and the height of the picture then."""
    made = {k: Bench(stage, k) for k in range(1, stage.note.depth + 1)}
    for bench in made.values():
        bench.place(MARGIN, stage.height)
    wide = max(b.line.width for b in made.values()) + 2 * MARGIN
    high = max(b.height for b in made.values())
    return made, max(stage.width, wide), stage.height + high + UNDER / 2
