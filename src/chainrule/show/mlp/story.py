"""What happens on a stage, moment by moment: forward, loss, backward, update, forward again."""

from __future__ import annotations

import numpy as np

from . import backward_words, forward_words
from .bench import Bench
from .lossnotes import shares_by
from .reel import Reel, together
from .stage import Stage


def ahead(stage: Stage, reel: Reel) -> None:
    """The forward pass: of each layer the sums, then the activation."""
    g = stage.grids
    learned = [x.show() for (role, _), x in g.items() if role in "Wb"]
    reel.add("forward", forward_words.opening(stage), *learned, g["H", 1].show())
    for k in range(1, stage.note.depth + 1):
        shown = [x.show() for x in (g["H", k], g["Z", k])]
        reel.add("forward", forward_words.sums(stage, k), *shown, stage.words_of(f"say{k}"),
                 lit=[g["Z", k]])  # fmt: skip
        if ("A", k) in g:
            reel.add(
                "forward", forward_words.activation(stage, k), g["A", k].show(), lit=[g["A", k]]
            )


def loss(stage: Stage, reel: Reel) -> None:
    """The prediction beside the target, and the loss."""
    g = stage.grids
    first, second = forward_words.loss(stage)
    shown = [g[role, 0].show() for role in ("Y", "P", "T") if (role, 0) in g]
    reel.add("loss", first, *shown, lit=[g["Y", 0], g["T", 0]])
    reel.add("loss", second, stage.words_of("loss"))


def back(stage: Stage, reel: Reel, made: dict[int, Bench]) -> None:
    """The backward pass, with the weights of each layer where there are benches."""
    g, depth = stage.grids, stage.note.depth
    for n, (words, roles) in enumerate(backward_words.end(stage)):
        here = [g[role, depth] for role in roles]
        seen = stage.words_of(f"back{depth + 1}") if n == 0 else {}
        reel.add("backward", words, *(x.show() for x in here), seen, lit=here)
    if made:
        made[depth].tell(reel, depth == 2)
    for k in range(depth, 0, -1):
        _through(stage, reel, k)
        if k > 1 and made:
            made[k - 1].tell(reel, 1 < k - 1 == depth - 1, made[k])


def _through(stage: Stage, reel: Reel, k: int) -> None:
    """Back through layer k, to the δ of the layer below."""
    g = stage.grids
    seen = stage.words_of(f"back{k}")
    turned, lit = together(stage.turn(k), g["D", k].show()), [g["V", k], g["D", k]]
    reel.add("backward", backward_words.turn(stage, k), turned, seen, lit=lit)
    below = g.get(("U", k - 1)) or g["E", k - 1]
    reel.add("backward", backward_words.sent(stage, k), below.show(), lit=[below])
    if ("U", k - 1) in g and k > 1:
        here = [g[role, k - 1] for role in ("S", "E") if (role, k - 1) in g]
        reel.add(
            "backward", backward_words.bent(stage, k - 1), *(x.show() for x in here), lit=here[-1:]
        )


def update(stage: Stage, reel: Reel) -> None:
    """All weights move; the forward pass and the loss after it."""
    run, note, g = stage.run, stage.note, stage.grids
    assert run is not None
    assert stage.told is not None
    moved = []
    for k, (w, b) in enumerate(zip(run.weights, run.biases, strict=True), 1):
        moved.append(g["W", k].become(note.ahead(w)))
        if b is not None:
            moved.append(g["b", k].become(note.shown(b[None, :])))
    weights = [x for (role, _), x in g.items() if role in "Wb"]
    reel.add("update", backward_words.moved(stage), *moved, lit=weights)
    again = []
    for k in range(1, note.depth + 1):
        f = run.after
        again.append(g["H", k].become(note.shown(f.into(k - 1))))
        again.append(g["Z", k].become(note.shown(f.sums[k - 1])))
        if ("A", k) in g:
            again.append(g["A", k].become(note.shown(f.outputs[k - 1])))
    again.append(g["Y", 0].become(note.shown(run.after.y)))
    if ("P", 0) in g:
        again.append(g["P", 0].become(note.shown(_shares_after(stage))))
    first, second = backward_words.after(stage)
    reel.add("after the step", first, *again, lit=[g["Y", 0]])
    reel.add("after the step", second, stage.words_of("after"), lit=[g["Y", 0], g["T", 0]])


def _shares_after(stage: Stage) -> np.ndarray:
    assert stage.run is not None
    assert stage.told is not None
    return shares_by(stage.told.shares_by, stage.run.after.y)
