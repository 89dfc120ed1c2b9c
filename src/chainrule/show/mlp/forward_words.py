"""The sentences of the forward pass and the loss, with the numbers of this network put in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .notation import bracketed, listed, said
from .reel import alarm

if TYPE_CHECKING:
    from .stage import Stage

FEW = 4  # products that are written out; of more, how many there are


def dot(a: np.ndarray, b: np.ndarray, total: float, bias: float | None = None) -> str:
    """A dot product with its numbers; `total` is the engine's.

    >>> dot(np.array([0.5, -1.0]), np.array([2.0, 3.0]), -1.9, 0.1)
    '0.5·2 + (−1)·3 + 0.1 = −1.9'
    """
    if a.size <= FEW:
        terms = " + ".join(f"{bracketed(p)}·{bracketed(q)}" for p, q in zip(a, b, strict=True))
    else:
        terms = f"{bracketed(a[0])}·{bracketed(b[0])} + … ({a.size} products)"
    plus = "" if bias is None else f" + {bracketed(bias)}"
    return f"{terms}{plus} = {said(total)}"


def row_of(stage: Stage, k: int, neuron: int = 0) -> np.ndarray:
    """The weights of one neuron of layer k, one for each of its inputs."""
    weight = stage.stack.layers[k - 1].weight
    return weight[neuron] if stage.stack.out_by_in else weight[:, neuron]


def column_of(stage: Stage, k: int, source: int = 0) -> np.ndarray:
    """What one input of layer k counts for in each of its neurons."""
    weight = stage.stack.layers[k - 1].weight
    return weight[:, source] if stage.stack.out_by_in else weight[source]


def opening(stage: Stage) -> str:
    """What is there before anything is computed."""
    sizes = stage.stack.sizes
    n = len(stage.forward.x)
    given = f"The input is X = {listed(stage.forward.x[0])}" if n == 1 else f"X holds {n} examples"
    biases = " and the biases b" if any(one.bias is not None for one in stage.stack.layers) else ""
    return (
        f"A network of sizes {' → '.join(map(str, sizes))}: the weights W{biases}, "
        f"{stage.stack.count:,} numbers, are what it learns. {given}."
    )


def sums(stage: Stage, k: int) -> str:
    """Z = W H + b."""
    one, f, note = stage.stack.layers[k - 1], stage.forward, stage.note
    bias = None if one.bias is None else float(one.bias[0])
    h, n = note.h(k - 1), one.weight.shape[0 if stage.stack.out_by_in else 1]
    formula = f"{note.z(k)} = {note.product(k, one.bias is not None)}"
    worked = dot(row_of(stage, k), f.into(k - 1)[0], f.sums[k - 1][0, 0], bias)
    which = "It computes" if n == 1 else "The first one computes"
    if k == 1:
        who = "The neuron takes" if n == 1 else "Each neuron takes"
        plus = "" if bias is None else ", plus its bias"
        lead = f"{who} the dot product of its weights with the input {h}{plus}: {formula}."
    else:
        lead = (
            f"The neurons of layer {k - 1} vote, each with its weight in {note.w(k)}, on what "
            f"{'the neuron' if n == 1 else 'each neuron'} of layer {k} shall be: {formula}."
        )
    return f"{lead} {which} {worked}.{alarm(f.sums[k - 1], note.z(k))}"


def activation(stage: Stage, k: int) -> str:
    """H = σ(Z)."""
    bend, f, note = stage.stack.layers[k - 1].bend, stage.forward, stage.note
    z, h = f.sums[k - 1], f.outputs[k - 1]
    if bend.sign == "softmax":
        made = f"softmax makes shares of the numbers, positive and adding up to 1: {listed(h[0])}."
    else:
        worked = f"{bend.sign}({said(z[0, 0])}) = {said(h[0, 0])}"
        made = f"Every number goes through {bend.sign} by itself: {worked}."
    if bend.sign == "ReLU" and (z <= 0).any():
        made += f" {int((z <= 0).sum())} of {z.size} are shut, where Z ≤ 0."
    if k == note.depth:
        made += f" That is the prediction, Y = {listed(h[0])}."
    return made + alarm(h, note.h(k))


def loss(stage: Stage) -> tuple[str, str]:
    """The prediction beside the target, and the loss."""
    run, told = stage.run, stage.told
    assert run is not None
    assert told is not None
    y, t = run.forward.y, told.target
    first = f"The network says y = {listed(y[0])}; the target is t = {listed(t[0])}."
    if told.shares is not None:
        labels = run.target.dtype.kind == "i"
        goal = f"class {run.target[0]}" if labels else f"t = {listed(t[0])}"
        first = (
            f"The network says z = {listed(y[0])}; {told.shares_by} of it is "
            f"p = {listed(told.shares[0])}, and the target is {goal}."
        )
    if len(y) > 1:
        first += f" That is the first of {len(y)} examples."
    second = f"How wrong is that? {told.formula}"
    second += f" = {told.numbers}" if told.numbers else ""
    return first, f"{second} = {said(run.loss)}.{alarm(np.asarray(run.loss), 'The loss')}"
