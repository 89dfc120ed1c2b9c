"""The graph of a network with its loss, as it is differentiated, folded layer by layer, as SVG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ..eager.tensor import Tensor
from ..graph.node import Constant, Node, input_node
from ..graph.walk import capture, order
from ..nn import Module, Sequential
from .layout import Layered, layered
from .svg import clip, element, picture, text

COLUMN, ROW, BOX, SIDE = 168.0, 50.0, 132.0, 150.0
PAD, TITLE, FOOT = 14.0, 30.0, 8.0
MOST = 150  # ops that are drawn one by one; of more, only the layers are


@dataclass
class Box:
    """A drawn node: an op, or a value that is handed in."""

    key: Any
    label: str
    words: str
    shape: tuple[int, ...]
    kind: str = "op"  # op, or given (drawn dashed)
    sides: list[tuple[str, str]] = field(default_factory=list)  # parameters: name, shape


@dataclass
class Band:
    """The ops of one layer, drawn on one ground."""

    title: str
    told: str
    boxes: list[Box] = field(default_factory=list)


@dataclass
class Scene:
    """What is to be drawn: bands from top to bottom, and which box feeds which."""

    bands: list[Band]
    edges: list[tuple[Any, Any]]
    shapes: dict[Any, tuple[int, ...]]


def scene(model: Module, x: Any, y: Any, loss: Callable) -> Scene:
    """Trace the loss of a batch (nothing is computed) and fold its graph by layer.

    Shapes: `x`, `y` one batch: only their shapes and dtypes are read.
    """
    layers = [(str(k), m) for k, m in enumerate(model)] if isinstance(model, Sequential) else []
    layers = layers or [("", model)]

    def run(xs: Any, ys: Any) -> list:
        made = []
        for _, layer in layers:
            xs = layer(xs)
            made.append(xs)
        return [*made, loss(xs, ys)]

    inputs = [input_node(a.shape, a.dtype, n) for a, n in ((x, "x"), (y, "y"))]
    graph, outside = capture(run, inputs)
    names = _names(model, graph, outside)
    bands = [Band("data", "", [_given(inputs[0], "x, the inputs")])]
    titles = [(f"{name}  {_title(m)}".strip(), _counted(m)) for name, m in layers]
    seen: set[Node] = set(inputs)
    shapes = {inputs[0]: tuple(inputs[0].shape)}
    edges: list[tuple[Any, Any]] = []
    for end, (title, told) in zip(
        graph.outputs,
        [*titles, (f"loss  {getattr(loss, '__name__', '')}", "one number")],
        strict=True,
    ):
        band = Band(title, told)
        for node in order([end]):
            if node not in seen:
                seen.add(node)
                _take(node, band, names, shapes, edges)
        bands.append(band)
    return Scene([b for b in bands if b.boxes], edges, shapes)


def _names(model: Module, graph: Any, outside: list) -> dict[Node, str]:
    """The label of every input of the graph: parameters by name, the targets, other arrays."""
    by_identity = {id(p): n for n, p in model.named_parameters().items()}
    labels = {graph.inputs[1]: "y, the targets"}
    for node, reference in zip(graph.inputs[2:], outside, strict=True):
        fallback = (
            reference.name if isinstance(reference, Tensor) and reference.name else "constant"
        )
        labels[node] = by_identity.get(id(reference), fallback)
    return labels


def _title(layer: Any) -> str:
    if not isinstance(layer, Module):
        return getattr(layer, "__name__", "function")
    return type(layer).__name__


def _counted(layer: Any) -> str:
    count = sum(p.size for p in layer.parameters()) if isinstance(layer, Module) else 0
    return f"{count:,} parameters" if count else "no parameters"


def _given(node: Node, label: str) -> Box:
    return Box(node, label, label, tuple(node.shape), "given")


def _take(node: Node, band: Band, names: dict, shapes: dict, edges: list) -> None:
    """A node into its band; leaves are not boxes but stand at the side of what reads them."""
    if not node.inputs:
        return
    box = Box(node, _label(node.op), node.op.words, tuple(getattr(node, "shape", ())))
    for i in node.inputs:
        if i in shapes:
            edges.append((i, node))
        elif i in names:
            box.sides.append((names[i], dims(i.shape)))
        elif isinstance(i.op, Constant):
            box.sides.append((str(i.op), "number"))
    shapes[node] = box.shape
    band.boxes.append(box)


def _label(op: Any) -> str:
    settings = [f"{k}={v}" for k in ("axis", "to") if (v := getattr(op, k, None)) is not None]
    return clip(f"{op.name} {' '.join(settings)}".strip(), 20)


def dims(shape: tuple[int, ...]) -> str:
    """A shape as it is said.

    >>> dims((32, 64)), dims(())
    ('32 × 64', 'one number')
    """
    return " × ".join(map(str, shape)) or "one number"


def folded(scene: Scene) -> Scene:
    """Every layer as one box, for a network too large to draw each op."""
    owner = {box.key: b for b, band in enumerate(scene.bands) for box in band.boxes}
    bands = []
    for k, band in enumerate(scene.bands):
        last = band.boxes[-1]
        ops = f"{len(band.boxes)} ops" if len(band.boxes) > 1 else last.label
        bands.append(Band(band.title, band.told, [Box(k, ops, "", last.shape, last.kind)]))
    edges = list(dict.fromkeys((owner[a], owner[b]) for a, b in scene.edges))
    edges = [(a, b) for a, b in edges if a != b]
    return Scene(bands, edges, {k: b.boxes[-1].shape for k, b in enumerate(scene.bands)})


def draw_network(model: Module, x: Any, y: Any, loss: Callable, ident: str = "network") -> str:
    """The computation that training differentiates, from the inputs to the loss, as SVG text.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> model = cr.nn.Sequential(cr.nn.Linear(2, 3), cr.nn.Tanh(), cr.nn.Linear(3, 1))
    >>> svg = draw_network(model, np.ones((4, 2), np.float32), np.ones((4, 1), np.float32),
    ...                    cr.nn.losses.mse)
    >>> svg.count('class="band"'), "0.weight" in svg
    (5, True)
    """
    made = scene(model, x, y, loss)
    if sum(len(b.boxes) for b in made.bands) > MOST:
        made = folded(made)
    return render(made, ident, f"{type(model).__name__}, {_counted(model)}")


def render(scene: Scene, ident: str, title: str) -> str:
    """A scene as SVG text."""
    boxes = [box for band in scene.bands for box in band.boxes]
    bands = {box.key: k for k, band in enumerate(scene.bands) for box in band.boxes}
    edges = list(dict.fromkeys(scene.edges))
    plan = _in_order_of_bands(layered([b.key for b in boxes], edges), boxes, bands, edges)
    sided = max((len(b.sides) for b in boxes), default=0) > 0
    margin = PAD + (SIDE + 16 if sided else 20)
    middle = margin + max(plan.width, 0.0) / 2 * COLUMN + BOX / 2
    width = 2 * middle if not sided else middle + plan.width / 2 * COLUMN + BOX / 2 + 120
    width = max(width, 420.0)
    y, floors = _heights(plan, boxes, bands, len(scene.bands))

    def at(place: float) -> float:
        return middle + place * COLUMN

    parts = [_ground(b, floors[k], width) for k, b in enumerate(scene.bands)]
    for a, b in edges:
        bends = [(at(p), y[r]) for r, p in plan.bends[a, b]]
        start, end = (at(plan.place[a]), y[plan.rank[a]]), (at(plan.place[b]), y[plan.rank[b]])
        parts.append(_edge(start, bends, end))
        if bands[a] != bands[b] and not bends:
            told = text(dims(scene.shapes[a]))
            parts.append(element("text", told, x=start[0] + 10, y=start[1] + 28, class_="soft"))
    for box in boxes:
        parts.append(_box(box, at(plan.place[box.key]), y[plan.rank[box.key]]))
    height = floors[len(scene.bands) - 1][1] + PAD
    told = "; then ".join(
        f"{band.title} ({', '.join(b.label for b in band.boxes)}; {band.told or 'given'})"
        for band in scene.bands
    )
    return picture(
        "net", ident, width, height, title, f"From top to bottom: {told}.", "".join(parts)
    )


def _in_order_of_bands(plan: Layered, boxes: list[Box], bands: dict, edges: list) -> Layered:
    """The same plan with every band below the one before, if the ranks are not so already."""
    last, begin = -1, {}
    for k in sorted(set(bands.values())):
        mine = [plan.rank[b.key] for b in boxes if bands[b.key] == k]
        begin[k] = min(mine)
        if begin[k] <= last:
            chain = [(a.key, b.key) for a, b in pairwise(boxes)]
            return layered([b.key for b in boxes], list(dict.fromkeys([*edges, *chain])))
        last = max(mine)
    return plan


def _heights(plan: Layered, boxes: list[Box], bands: dict, count: int) -> tuple[dict, dict]:
    """The middle of every rank, and where every band begins and ends."""
    sides = {
        r: max((len(b.sides) for b in boxes if plan.rank[b.key] == r), default=0)
        for r in range(plan.ranks)
    }
    of_rank = {plan.rank[b.key]: bands[b.key] for b in boxes}
    y: dict[int, float] = {}
    floors: dict[int, tuple[float, float]] = {}
    cursor, current = PAD, -1
    for r in range(plan.ranks):
        band = of_rank.get(r, current)
        if band != current:
            if current >= 0:
                floors[current] = (floors[current][0], cursor + FOOT)
                cursor += FOOT + 14
            floors[band] = (cursor, cursor)
            cursor += TITLE
            current = band
        tall = max(ROW, 20.0 * sides[r] + 14)
        y[r] = cursor + tall / 2
        cursor += tall
    floors[current] = (floors[current][0], cursor + FOOT)
    return y, floors


def _ground(band: Band, floor: tuple[float, float], width: float) -> str:
    top, bottom = floor
    inner = width - 2 * PAD
    told = "" if not band.told else element(
        "text", text(band.told), x=width - PAD - 12, y=top + 20, text_anchor="end", class_="soft"
    )  # fmt: skip
    return (
        element("rect", x=PAD, y=top, width=inner, height=bottom - top, rx=10, class_="band")
        + element("text", text(clip(band.title, 30)), x=PAD + 12, y=top + 20, class_="head")
        + told
    )


def _edge(start: tuple, bends: list[tuple], end: tuple) -> str:
    path = [(start[0], start[1] + 15), *bends, (end[0], end[1] - 21)]
    d = f"M{path[0][0]:.1f} {path[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(path):
        half = (y0 + y1) / 2
        d += f" C{x0:.1f} {half:.1f} {x1:.1f} {half:.1f} {x1:.1f} {y1:.1f}"
    x, y = end[0], end[1] - 15
    tip = f"M{x - 4.5:.1f} {y - 8:.1f} L{x + 4.5:.1f} {y - 8:.1f} L{x:.1f} {y:.1f}Z"
    return element("path", d=d, class_="edge") + element("path", d=tip, class_="tip")


def _box(box: Box, x: float, y: float) -> str:
    kind = "given" if box.kind == "given" else "op"
    said = f"{box.label}: {box.words}" if box.words else box.label
    parts = [
        element("title", text(f"{said}; {dims(box.shape)}")),
        element("rect", x=x - BOX / 2, y=y - 15, width=BOX, height=30.0, rx=8, class_=kind),
        element("text", text(box.label), x=x, y=y + 4, text_anchor="middle"),
    ]
    for k, (name, shape) in enumerate(box.sides):
        row = y + 20 * (k - (len(box.sides) - 1) / 2)
        right = x - BOX / 2 - 12
        spoke = f"M{right:.1f} {row:.1f} L{x - BOX / 2:.1f} {y:.1f}"
        label = text(clip(name, 16)) + " " + element("tspan", text(shape), class_="soft")
        parts.append(element("path", d=spoke, class_="edge"))
        parts.append(element("text", label, x=right - 4, y=row + 4, text_anchor="end"))
    return element("g", "".join(parts))
