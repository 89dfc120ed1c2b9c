"""Feedforward, the mirror of the two passes, backpropagation and one layer's update, as scenes."""

from __future__ import annotations

from typing import Any

from ...graph.errors import UsageError
from ..scene import Scene
from ..svg import picture
from . import story
from .bench import Bench, benches
from .drawing import drawn
from .grids import MOST
from .lossnotes import told
from .notation import Notation
from .passes import Learning, forward_of, inputs_of, learning
from .reading import Stack, stack
from .reel import Reel
from .stage import MARGIN, Stage

KIND = "scene mlp"


def feedforward(
    model: Any, x: Any, *, rows: bool | None = None, most: int | None = None, ident: str = "ahead"
) -> Scene:
    """The forward pass of an MLP: products and activations, one by one, to the prediction.

    Shapes: `x` (in,) or (N, in). `rows` draws examples as rows (as columns where False); `most`
    is how many rows and columns of a matrix are drawn.
    Raises: UsageError (not an MLP), ShapeError, DataError.

    >>> import chainrule as cr
    >>> from chainrule.show.mlp import feedforward
    >>> len(feedforward(cr.nn.Sequential(cr.nn.Linear(2, 3), cr.nn.Tanh()), [1.0, 2.0]).moments)
    3
    """
    layers = _able(stack(model, "feedforward"), "feedforward")
    given = inputs_of(layers, x, "feedforward")
    stage = _stage(layers, None, forward_of(layers, given), rows, most, ident, "feedforward")
    body, reel = drawn(stage), Reel()
    story.ahead(stage, reel)
    title = f"Feedforward through {_called(layers)}"
    return _scene(stage, reel, title, body, stage.width, stage.height)


def mirror(
    model: Any, x: Any, y: Any, loss: Any, *, rows: bool | None = None, most: int | None = None,
    ident: str = "mirror",
) -> Scene:  # fmt: skip
    """Feedforward at the left, backpropagation at the right, mirror images of each other.

    Each weight matrix stands at the left as it is used forward and at the right turned over; the
    formulas below are those of the model's own convention, see `notation`.
    Shapes: `x` (in,) or (N, in); `y` as `loss` takes it. One example is drawn as a column, a
    batch in rows; `rows` settles it.
    Raises: UsageError (not an MLP), ShapeError, DataError.

    >>> import chainrule as cr
    >>> from chainrule.show.mlp import mirror
    >>> scene = mirror([[[0.5], [1.0]], cr.sigmoid], [1.0, 2.0], [1.0], "mse")
    >>> "W₁ᵀ" in scene.at(-1)
    True
    """
    stage = _of(model, x, y, loss, 0.1, rows, most, ident, "mirror")
    body, reel = drawn(stage), Reel()
    story.ahead(stage, reel)
    story.loss(stage, reel)
    story.back(stage, reel, {})
    title = f"Feedforward and backpropagation of {_called(stage.stack)}"
    return _scene(stage, reel, title, body, stage.width, stage.height)


def backprop(
    model: Any, x: Any, y: Any, loss: Any, *, lr: float = 0.5, rows: bool | None = None,
    most: int | None = None, ident: str = "backprop",
) -> Scene:  # fmt: skip
    """A whole step of learning: forward, loss, δ and dW of every layer, the update, forward again.

    Shapes: as `mirror`. Every number is the engine's, in the model's own dtype; the model stays
    as it is.
    Raises: UsageError (not an MLP, a rate that is no number), ShapeError, DataError.

    >>> import chainrule as cr
    >>> from chainrule.show.mlp import backprop
    >>> model = cr.nn.Sequential(cr.nn.Linear(2, 3), cr.nn.Tanh(), cr.nn.Linear(3, 1))
    >>> [m.chapter for m in backprop(model, [1.0, 2.0], [0.5], "mse").moments][-1]
    'after the step'
    """
    stage = _of(model, x, y, loss, lr, rows, most, ident, "backprop")
    made, wide, high = benches(stage)
    # Drawn first: the moments of the update put other numbers into the grids.
    body, reel = drawn(stage) + "".join(b.svg() for b in made.values()), Reel()
    story.ahead(stage, reel)
    story.loss(stage, reel)
    story.back(stage, reel, made)
    story.update(stage, reel)
    title = f"One step of backpropagation through {_called(stage.stack)}"
    return _scene(stage, reel, title, body, wide, high)


def weight_update(
    model: Any, x: Any, y: Any, loss: Any, *, layer: int = 1, lr: float = 0.5,
    rows: bool | None = None, most: int | None = None, ident: str = "update",
) -> Scene:  # fmt: skip
    """The update of one layer's weights: δ times the input, neuron by neuron and as one product.

    Shapes: as `mirror`; `layer` counts from 1, the one that reads `x`.
    Raises: UsageError, ShapeError, DataError.

    >>> import chainrule as cr
    >>> from chainrule.show.mlp import weight_update
    >>> model = cr.nn.Sequential(cr.nn.Linear(2, 3), cr.nn.Tanh(), cr.nn.Linear(3, 1))
    >>> len(weight_update(model, [1.0, 2.0], [0.5], "mse").moments)
    5
    """
    stage = _of(model, x, y, loss, lr, rows, most, ident, "weight_update")
    if isinstance(layer, bool) or layer not in range(1, stage.note.depth + 1):
        raise UsageError(
            f"weight_update: layer={layer!r}; the model has layers 1 to {stage.note.depth}"
        )
    stage.grids.clear()  # the bench stands alone: nothing flies in from the stage
    bench = Bench(stage, layer)
    bench.place(MARGIN, 6.0)
    reel = Reel()
    bench.tell(reel, singly=True)
    title = f"The change of the weights of layer {layer} of {_called(stage.stack)}"
    return _scene(stage, reel, title, bench.svg(), bench.line.width + 2 * MARGIN, bench.height + 16)


def _able(layers: Stack, asked: str) -> Stack:
    if not layers.learns:
        raise UsageError(
            f"{asked}: a Perceptron answers 0 or 1 and is no chain of smooth layers; see "
            f"cr.pictures.perceptron(points, labels), or cr.draw(model, style='network')"
        )
    return layers


def _of(model: Any, x: Any, y: Any, loss: Any, lr: float, rows: bool | None, most: int | None,
        ident: str, asked: str) -> Stage:  # fmt: skip
    layers = stack(model, asked)
    run = learning(layers, x, y, loss, lr, asked)
    return _stage(layers, run, run.forward, rows, most, ident, asked, asked == "backprop")


def _stage(layers: Stack, run: Learning | None, forward: Any, rows: bool | None, most: int | None,
           ident: str, asked: str, bars: bool = False) -> Stage:  # fmt: skip
    if rows is False and not layers.out_by_in:
        raise UsageError(
            f"{asked}: rows=False, but weights (in, out) multiply rows, x @ w; leave rows out"
        )
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 3):
        raise UsageError(f"{asked}: most={most!r}; draw at least 3 rows and columns of a matrix")
    columns = layers.out_by_in and (len(forward.x) == 1 if rows is None else not rows)
    note = Notation(len(layers.layers), columns, layers.out_by_in)
    most = (MOST if columns else 4) if most is None else most
    return Stage(ident, layers, note, forward, run, told(run) if run else None, most, bars)


def _called(layers: Stack) -> str:
    return f"an MLP of sizes {' → '.join(map(str, layers.sizes))}"


def _scene(stage: Stage, reel: Reel, title: str, body: str, width: float, height: float) -> Scene:
    signs = ", ".join(one.bend.sign or "no activation" for one in stage.stack.layers)
    described = (
        f"{title}, with {signs}; {stage.stack.count:,} numbers are learned. "
        f"{reel.moments[-1].words}"
    )
    svg = picture(KIND, stage.ident, width, height, title, described, body)
    return Scene(title, described, svg, tuple(reel.moments))
