"""The network as people draw it: neurons as circles in columns, weights as lines between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

import numpy as np

from ..measure import width_of
from ..scene import Scene
from ..svg import element, picture, text
from .grids import kept
from .lossnotes import name_of
from .notation import celled, listed, low, said, sized
from .passes import Forward, Learning, forward_of, inputs_of, learning
from .reading import Stack, stack

RADIUS, GAP, TALL, TOP, MARGIN = 22.0, 156.0, 58.0, 96.0, 26.0
THIN, THICK = 0.6, 5.0
MOST = 8  # neurons of a layer that are drawn; of more, the first and the last
LABELS, LINE = 24, 11.0  # weights whose numbers are written, and the room that one takes


@dataclass(eq=False)
class Diagram:
    """Where the neurons are."""

    stack: Stack
    ident: str
    forward: Forward | None
    run: Learning | None
    loss: str
    most: int
    columns: list[list[int | None]] = field(default_factory=list)
    at: dict[tuple[int, int], tuple[float, float]] = field(default_factory=dict)
    gaps: dict[int, float] = field(default_factory=dict)  # where neurons are left out
    xs: list[float] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    def __post_init__(self) -> None:
        self.columns = [kept(n, self.most) for n in self.stack.sizes]
        step = TALL + (30.0 if self.labelled else 16.0 if self.run is not None else 0.0)
        tallest = max(map(len, self.columns))
        x = MARGIN + 50.0
        for c, column in enumerate(self.columns):
            wide = max(width_of(t, 12, bold=True) for t in self.titles(c)) / 2
            x = max(x, wide + MARGIN) if c == 0 else x + max(GAP, wide + self._half(c - 1) + 24)
            self.xs.append(x)
            top = TOP + RADIUS + (tallest - len(column)) * step / 2
            for r, i in enumerate(column):
                if i is None:
                    self.gaps[c] = top + r * step
                else:
                    self.at[c, i] = (x, top + r * step)
        tail = 150.0 if self.loss else 0.0
        self.width = x + self._half(len(self.columns) - 1) + MARGIN + tail
        self.height = TOP + 2 * RADIUS + (tallest - 1) * step + 62.0

    def _half(self, c: int) -> float:
        return max(width_of(t, 12, bold=True) for t in self.titles(c)) / 2

    @property
    def labelled(self) -> bool:
        """Whether there are so few weights that their numbers have room."""
        few = sum(a * b for a, b in pairwise(self.stack.sizes)) <= LABELS
        return few and max(self.stack.sizes) <= 3

    def titles(self, c: int) -> tuple[str, str, str]:
        """What stands over a column: its name, what it computes, its parameters."""
        depth, n = len(self.stack.layers), self.stack.sizes[c]
        count = f"{n:,} input{'s' if n > 1 else ''}" if c == 0 else f"{n:,} neuron{'s' * (n > 1)}"
        if c == 0:
            return "input X", count, ""
        one = self.stack.layers[c - 1]
        name = "output Y" if c == depth else "hidden" if depth == 2 else f"hidden {c}"
        does = f"affine + {one.bend.sign}" if one.bend.sign else "affine"
        weights = f"W{low(c)} {sized(one.weight.shape)}"
        bias = "" if one.bias is None else f", b{low(c)} {one.bias.size}"
        return f"{name}, {count}", does, weights + bias

    def values(self, c: int) -> np.ndarray | None:
        """The values of a column's neurons, of the first example."""
        if self.forward is None:
            return None
        return self.forward.x[0] if c == 0 else self.forward.outputs[c - 1][0]

    def weight(self, c: int, i: int, j: int) -> float:
        """The weight from neuron i of column c to neuron j of the next."""
        w = self.stack.layers[c].weight
        return float(w[j, i] if self.stack.out_by_in else w[i, j])

    def pairs(self, c: int) -> list[tuple[int, int]]:
        """The neurons, drawn ones, between column c and the next."""
        left, right = ([i for i in self.columns[k] if i is not None] for k in (c, c + 1))
        return list(product(left, right))

    def svg(self) -> str:
        """The whole drawing, without its frame."""
        parts = [self._lines(c) for c in range(len(self.columns) - 1)]
        parts += [self._neuron(c, i) for c, i in self.at]
        parts += [self._elided(c) for c in self.gaps]
        parts += [self._heads(c) for c in range(len(self.columns))]
        parts.append(self._legend())
        return "".join(parts) + (self._loss() if self.loss else "")

    def _heads(self, c: int) -> str:
        ink = ("head", "soft", "weight small")
        return "".join(
            element("text", text(told), x=self.xs[c], y=26.0 + 18 * r, text_anchor="middle",
                    class_=ink[r])
            for r, told in enumerate(self.titles(c)) if told
        )  # fmt: skip

    def _lines(self, c: int) -> str:
        """The weights into column c + 1: width for size, dash and colour for sign."""
        weights = {p: self.weight(c, *p) for p in self.pairs(c)}
        finite = [abs(w) for w in weights.values() if np.isfinite(w)]
        top = max(finite, default=0.0) or 1.0
        made = ""
        for (i, j), w in weights.items():
            (x0, y0), (x1, y1) = self.at[c, i], self.at[c + 1, j]
            size = THIN + (THICK - THIN) * (abs(w) / top if np.isfinite(w) else 1.0)
            told = f"{self._name(c, i)} → {self._name(c + 1, j)}: weight {said(w)}"
            made += element(
                "line", element("title", text(told)), x1=x0 + RADIUS, y1=y0, x2=x1 - RADIUS, y2=y1,
                class_="minus" if w < 0 else "plus", stroke_width=size, stroke_opacity=0.85,
                id=f"{self.ident}-w{c + 1}-{j}-{i}",
            )  # fmt: skip
        return made + (self._numbers(c, weights) if self.labelled else "")

    def _numbers(self, c: int, weights: dict[tuple[int, int], float]) -> str:
        made = ""
        for (i, j), w in weights.items():
            (x0, y0), (x1, y1) = self.at[c, i], self.at[c + 1, j]
            part = 0.22
            x, y = x0 + RADIUS + part * (x1 - x0 - 2 * RADIUS), y0 + part * (y1 - y0)
            wide = width_of(celled(w), 9) + 4
            made += element("rect", x=x - wide / 2, y=y - 6, width=wide, height=12.0, rx=3,
                            style="fill: var(--page)", fill_opacity=0.85)  # fmt: skip
            made += element("text", celled(w), x=x, y=y + 3, text_anchor="middle",
                            class_="weight tiny number")  # fmt: skip
        return made

    def _name(self, c: int, i: int) -> str:
        if c == 0:
            return f"x{low(i + 1)}"
        return f"neuron {i + 1} of layer {c}"

    def _neuron(self, c: int, i: int) -> str:
        x, y = self.at[c, i]
        kind = "input" if c == 0 else "value"
        values = self.values(c)
        told = self._name(c, i)
        inside = ""
        if values is not None:
            told += f": {said(values[i])}"
            inside = element("text", celled(values[i]), x=x, y=y + 4, text_anchor="middle",
                             class_="small number")  # fmt: skip
        if c and self.run is not None:
            d = self.run.backward.deltas[c - 1][0, i]
            told += f", δ = {said(d)}"
            inside += element("text", f"δ {celled(d)}", x=x, y=y + RADIUS + 13,
                              text_anchor="middle", class_="delta small number")  # fmt: skip
        ring = element("circle", cx=x, cy=y, r=RADIUS, class_=f"ring line-{kind}")
        title = element("title", text(told))
        return element("g", title + ring + inside, id=f"{self.ident}-n{c}-{i}", class_="neuron")

    def _elided(self, c: int) -> str:
        n, x, y = self.stack.sizes[c], self.xs[c], self.gaps[c]
        told = f"⋮ {n:,} neurons" if c else f"⋮ {n:,} inputs"
        wide = width_of(told, 12) + 12
        ground = element("rect", x=x - wide / 2, y=y - 12, width=wide, height=24.0, rx=4,
                         style="fill: var(--page)", fill_opacity=0.85)  # fmt: skip
        return ground + element("text", told, x=x, y=y + 4, text_anchor="middle", class_="soft")

    def _legend(self) -> str:
        y, x, made = self.height - 18.0, MARGIN, ""
        for kind, told in (("plus", "positive weight"), ("minus", "negative weight")):
            made += element("line", x1=x, x2=x + 30, y1=y, y2=y, class_=kind, stroke_width=2.5)
            made += element("text", told, x=x + 36, y=y + 4, class_="soft small")
            x += 46 + width_of(told, 10)
        return made + element("text", "the wider, the larger in its layer", x=x, y=y + 4,
                              class_="soft small")  # fmt: skip

    def _loss(self) -> str:
        """The loss at the right end, with lines from the outputs."""
        c = len(self.columns) - 1
        x = self.width - MARGIN - 56.0
        ys = [y for (k, _), (_, y) in self.at.items() if k == c]
        y = sum(ys) / len(ys)
        wide = max(width_of(self.loss, 12) + 20, 60.0)
        x = self.width - MARGIN - wide / 2
        made = "".join(
            element("line", x1=self.xs[c] + RADIUS, y1=v, x2=x - wide / 2, y2=y, class_="edge")
            for v in ys
        )
        made += element("rect", x=x - wide / 2, y=y - 17, width=wide, height=34.0, rx=6,
                        class_="ring line-grad")  # fmt: skip
        made += element("text", text(self.loss), x=x, y=y + 4, text_anchor="middle")
        if self.run is not None:
            made += element("text", f"L = {said(self.run.loss)}", x=x, y=y - 25,
                            text_anchor="middle", class_="head number")  # fmt: skip
            made += element("text", text(f"t = {listed(self.run.target[0], 3)}"), x=x, y=y + 34,
                            text_anchor="middle", class_="input small number")  # fmt: skip
        return element("g", made, id=f"{self.ident}-loss")


def network(
    model: Any, x: Any = None, y: Any = None, loss: Any = None, *, most: int = MOST,
    ident: str = "net",
) -> Scene:  # fmt: skip
    """The network diagram: neurons in columns, weights as lines; a still.

    A line is as wide as its weight is large, and dashed where that is negative. With `x` the
    neurons hold their values; with `y` and `loss` also each one's δ, and the loss stands at the
    end. Of a batch the first example is shown. `most` neurons of a layer are drawn.
    Raises: UsageError (not an MLP), ShapeError, DataError.

    >>> import chainrule as cr
    >>> from chainrule.show.mlp import network
    >>> model = cr.nn.Sequential(cr.nn.Linear(784, 16), cr.nn.ReLU(), cr.nn.Linear(16, 10))
    >>> "⋮ 784 inputs" in network(model).svg
    True
    """
    layers = stack(model, "network")
    run = forward = None
    if x is not None and y is not None and loss is not None:
        run = learning(layers, x, y, loss, 0.1, "network")
        forward = run.forward
    elif x is not None:
        forward = forward_of(layers, inputs_of(layers, x, "network"))
    name = "" if loss is None else loss if isinstance(loss, str) else name_of(loss)
    made = Diagram(layers, ident, forward, run, name.replace("_", " "), most)
    title = f"A network of sizes {' → '.join(map(str, layers.sizes))}"
    told = f"{title}. " + "; ".join(
        ", ".join(t for t in made.titles(c) if t) for c in range(len(layers.sizes))
    )
    told += f". {layers.count:,} numbers are learned."
    if forward is not None:
        told += f" For x = {listed(forward.x[0])} it gives {listed(forward.y[0])}."
    if run is not None:
        told += f" The loss is {said(run.loss)}."
    svg = picture("scene mlp", ident, made.width, made.height, title, told, made.svg())
    return Scene(title, told, svg)
