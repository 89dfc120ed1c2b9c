"""Draw any computation: its graph with the numbers, a network, or one node from near."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from ..graph.errors import UsageError
from ..graph.walk import Graph
from ..nn.module import Module
from ..study.trace import Trace, trace
from .graph.asked import Asked, asked
from .graph.captured import captured_sheet, named_graph
from .graph.folding import Grouping, folded
from .graph.owners import by_line, joined
from .graph.page import page
from .graph.record import record_sketch
from .graph.render import Sketch, shown, sketch
from .graph.sheet import Key, Sheet
from .graph.states import Folding, folding
from .graph.tape import Told, sheet_of, told_of, told_of_value
from .graph.unroll import is_step, unrolled
from .graph.zoom import zoomed
from .scene import Scene

STYLES = ("graph", "micrograd", "network", "mirror")
FEW = 24  # items of a drawing in which the steps of loops are open too
MANY = 60  # items of a drawing that opens with everything to be seen
TEXTS = {".dot": "dot", ".gv": "dot", ".mmd": "mermaid"}


@dataclass(frozen=True, eq=False)
class Drawing(Scene):
    """A picture of a computation: in a notebook it shows itself, `save` writes it to a file."""

    sketch: Sketch | None = field(default=None, repr=False)
    boxes: Folding | None = field(default=None, repr=False)
    ident: str = "g"
    legend: bool = True

    @property
    def open(self) -> frozenset:
        """The names of the boxes that are open."""
        return self.boxes.open if self.boxes else frozenset()

    @property
    def groups(self) -> list[Key]:
        """The names of all boxes, an outer one before those in it."""
        return self.boxes.grouping.groups if self.boxes else []

    def dot(self) -> str:
        """The graph in Graphviz's language, for those who have it."""
        from .dot import dot

        return dot(*self._for_text())

    def mermaid(self) -> str:
        """The graph in Mermaid's language, which many pages draw."""
        from .mermaid import mermaid

        return mermaid(*self._for_text())

    def _for_text(self) -> tuple[Sheet, dict, dict]:
        assert self.sketch is not None
        if self.boxes is None:
            return self.sketch.sheet, {}, {}
        sheet, groups = folded(self.boxes.sheet, self.boxes.grouping, self.open)
        return sheet, groups, dict(self.boxes.grouping.titles)

    def html(self) -> str:
        """One HTML file in which boxes open and shut and every node can be read; no network."""
        if self.boxes is None or not self.groups:
            return page(self.title, self.told, [self.svg], "")
        states = self.boxes.drawn(self.ident, legend=self.legend)
        hint = (
            f"{self.boxes.sheet.node_count:,} operations. Click a box, or press Enter on it, to "
            "open it; click the ground of an open one to shut it."
        )
        return page(self.title, self.told, states, hint)

    def save(self, path: str | PathLike[str], **options: Any) -> None:
        """Write the drawing to a file: .svg, .png, .html, .dot, .mmd or .txt.

        Raises: UsageError for another ending; MissingExtraError where PNG needs the extra.
        """
        target = Path(fspath(path))
        language = TEXTS.get(target.suffix.lower())
        if language is None:
            super().save(path, **options)
            return
        try:
            target.write_text(getattr(self, language)(), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"save: {target} cannot be written: {error.strerror}") from None


def draw(
    what: Any, *args: Any, wrt: Any = None, style: str = "graph", values: bool = True,
    gradients: bool = True, fold: bool | Collection[str] | None = None, node: str | None = None,
    loss: Any = None, digits: int | None = None, unroll: bool = True, shapes: bool = False,
    legend: bool = True, title: str = "", ident: str = "g",
) -> Any:  # fmt: skip
    """The picture of a computation, from left to right, with the numbers it was made with.

    `what` is a tensor, a graph of `cr.capture` (shapes and formulas then stand for numbers), a
    `cr.trace`, or a function or model with its arguments; with `loss`, the last argument is the
    targets. Over each line stands the value, under it the gradient, at the op the local gradient.

    `wrt`: the leaves (or their names) whose gradients are shown, drawn as parameters.
    `values`, `gradients`: what is written; `digits`: arithmetic as on paper, as in `cr.trace`.
    `node`: the name of one node, to see it from near.
    `fold`: True shuts every box (layers, loops, lines of code), False opens them, names shut
    those; by default a large graph opens folded. `unroll=False` keeps a scan as one operation.
    `shapes=True` computes nothing: shapes and formulas in place of numbers.
    `style`: "graph", "micrograd" (records), "network" and "mirror" (of an MLP).
    Returns: a Drawing (`save`, `html`, `dot`, `mermaid`); a Scene for a network.
    Raises: UsageError, PathError; what the function itself raises.

    >>> import chainrule as cr
    >>> from chainrule.show.draw import draw
    >>> x, y, z = cr.tensor(-2.0, name="x"), cr.tensor(5.0, name="y"), cr.tensor(-4.0, name="z")
    >>> made = draw((x + y) * z)
    >>> "← 3" in made.svg, made.title
    (True, 'How the loss is computed')
    """
    if style not in STYLES:
        raise UsageError(f"draw: style={style!r}; use one of {', '.join(STYLES)}")
    if style in ("network", "mirror"):
        return _of_network(style, what, args, loss)
    if isinstance(what, Module) and not args and style == "graph" and node is None:
        return _of_network("network", what, args, loss)
    question = asked(what, args, wrt, loss, shapes)
    if isinstance(question.output, Graph):
        return _of_graph(question, style, node, values, gradients, fold, unroll, legend, title,
                         ident)  # fmt: skip
    if style == "graph" and node is None and unroll:
        question = _unrolled(question)
    told = _told(question, digits)
    if node is not None:
        sheet, words = zoomed(told, node)
        made = sketch(shown(sheet, values, gradients), ident=ident, legend=legend, notes=words)
        return Drawing(title or made.title, made.told, made.svg, (), made, None, ident, legend)
    if style == "micrograd":
        made = record_sketch(told, values=values, gradients=gradients, ident=ident, title=title)
        return Drawing(made.title, made.told, made.svg, (), made, None, ident, legend)
    sheet = shown(sheet_of(told, title), values, gradients)
    return _drawing(sheet, question.grouping, told.keys, fold, told.digits, legend, ident)


def _of_network(style: str, model: Any, args: tuple, loss: Any) -> Scene:
    from . import mlp

    if style == "mirror":
        if len(args) != 2:
            raise UsageError(
                'draw: the mirror needs an example and its target: cr.draw(model, x, y, loss="mse",'
                ' style="mirror")'
            )
        return mlp.mirror(model, *args, loss if loss is not None else "mse")
    if len(args) > 2:
        raise UsageError("draw: a network takes an example and its target, not more")
    return mlp.network(model, *args, **({} if loss is None else {"loss": loss}))


def _told(question: Asked, digits: int | None) -> Told:
    output = question.output
    if isinstance(output, Trace):
        return told_of(output, question.weights)
    if output.dtype.kind == "f" and output.size == 1:
        return told_of(trace(output, question.wrt, digits=digits), question.weights)
    return told_of_value(output, question.weights)


def _unrolled(question: Asked) -> Asked:
    if isinstance(question.output, Trace):
        return question
    done = unrolled([question.output], question.grouping.path)
    if done is None:
        return question
    path = {done.made[n]: p for n, p in question.grouping.path.items()
            if not isinstance(done.made.get(n, ()), tuple)}  # fmt: skip
    grouping = Grouping({**path, **done.path}, {**question.grouping.titles, **done.titles})
    return Asked(done.outputs[0], question.weights, question.wrt, grouping)


def _of_graph(
    question: Asked, style: str, node: str | None, values: bool, gradients: bool, fold: Any,
    unroll: bool, legend: bool, title: str, ident: str,
) -> Drawing:  # fmt: skip
    if style != "graph" or node is not None:
        asked_for = f"style={style!r}" if style != "graph" else "node="
        raise UsageError(
            f"draw: {asked_for} needs numbers, and a captured graph has none; give a tensor, or "
            "a function and its arguments"
        )
    graph, grouping = question.output, question.grouping
    done = unrolled(graph.outputs) if unroll else None
    if done is not None:
        graph = Graph(graph.inputs, tuple(done.outputs))
        grouping = joined(grouping, done.path, done.titles)
    named = named_graph(graph, weights=question.weights)
    sheet = shown(captured_sheet(named, title), values, gradients)
    return _drawing(sheet, grouping, named.keys, fold, 4, legend, ident)


def _drawing(
    sheet: Sheet, grouping: Grouping, keys: dict, fold: Any, digits: int, legend: bool, ident: str
) -> Drawing:
    if not grouping.groups and (len(sheet.items) > MANY or fold is True):
        grouping = by_line(list(keys))
    boxes = folding(sheet, grouping.keyed(keys), _opened(sheet, fold), digits)
    if not boxes.grouping.groups:
        made = sketch(sheet, ident=ident, legend=legend, focusable=True)
        return Drawing(made.title, made.told, made.svg, (), made, None, ident, legend)
    made = boxes.draw(boxes.open, ident, legend=legend, focusable=True)
    return Drawing(made.title, made.told, made.svg, (), made, boxes, ident, legend)


def _opened(sheet: Sheet, fold: Any) -> Callable[[Grouping, int], frozenset]:
    """Which boxes are open at first."""

    def chosen(grouping: Grouping, _: int) -> frozenset:
        groups = grouping.groups
        if isinstance(fold, bool):
            return frozenset() if fold else frozenset(groups)
        if fold is not None:
            names = [fold] if isinstance(fold, str) else list(fold)
            if unknown := [n for n in names if n not in groups]:
                raise UsageError(
                    f"draw: fold={unknown[0]!r} is no box; there are "
                    f"{', '.join(map(str, groups)) or 'none'}"
                )
            return frozenset(g for g in groups if g not in names)
        return _fitting(sheet, grouping)

    return chosen


def _fitting(sheet: Sheet, grouping: Grouping) -> frozenset:
    """Level by level, all boxes of a level are open while everything fits."""
    if len(sheet.items) <= FEW:
        return frozenset(grouping.groups)
    levels: dict[int, list[Key]] = {}
    for g in grouping.groups:
        if is_step(g):  # a step is better seen as one, and the chain of them as what it is
            continue
        levels.setdefault(len(grouping.above(g)), []).append(g)
    open_: frozenset = frozenset()
    for depth in sorted(levels):
        wider = open_ | set(levels[depth])
        if len(folded(sheet, grouping, wider)[0].items) > MANY:
            break
        open_ = wider
    return open_
