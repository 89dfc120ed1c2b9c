"""The sentences of the backward pass and the update, with the numbers of this network put in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .bends import SLOPES
from .forward_words import column_of, dot, row_of
from .lossnotes import shares_by
from .notation import bracketed, listed, said
from .reel import alarm

if TYPE_CHECKING:
    from .stage import Stage


def end(stage: Stage) -> list[tuple[str, tuple[str, ...]]]:
    """How δ of the last layer comes about: what is said, and the roles of what appears."""
    run, told, note = stage.run, stage.told, stage.note
    assert run is not None
    assert told is not None
    k = note.depth
    back, bend = run.backward, stage.stack.layers[-1].bend
    g, d, s = back.of_outputs[-1], back.deltas[-1], back.slopes[-1]
    numbers = f" = {told.slope_numbers}" if told.slope_numbers else ""
    upstream = said(g[0, 0]) if g.size == 1 else listed(g[0])
    known = told.slope if told.slope != "dL/dY" else ""
    short = f", which is {told.short}" if told.short and bend.sign else ""
    meaning = _meaning(stage, k)
    if not bend.sign:
        name = f"{note.delta(k)} = dL/d{note.z(k)}"
        of = f" = {known}" if known else ""
        return [(f"The error δ of a neuron is the slope of the loss by the neuron's sum. "
                 f"{name}{of}{numbers} = {upstream}. {meaning}", ("E",))]  # fmt: skip
    of = f" = {known}" if known and known != told.slope_numbers else ""
    first = f"Which way does the loss go with the prediction? dL/dY{of}{numbers} = {upstream}."
    if g.size == 1 and g.item() != 0 and np.isfinite(g.item()):
        first += f" The loss {'falls' if g.item() < 0 else 'grows'} as Y grows."
    if s is None:
        through = f"Through {bend.sign}, whose outputs each depend on all of {note.z(k)}"
        last = f"{through}: {note.delta(k)} = {listed(d[0])}{short}. {meaning}"
        return [(first, ("U",)), (last, ("E",))]
    worked = f"{bracketed(g[0, 0])} · {bracketed(s[0, 0])} = {said(d[0, 0])}"
    flat = SLOPES.get(bend.sign, "")
    middle = f"The slope of {bend.sign} there: {note.slope(bend.sign, k)} = {listed(s[0])}."
    middle += f" {flat}." if flat else ""
    one = note.delta(k) if d.size == 1 else f"the first of {note.delta(k)}"
    last = f"The chain rule multiplies them: {one} is {worked}{short}. {meaning}"
    return [(first, ("U",)), (middle, ("S",)), (last, ("E",))]


def _meaning(stage: Stage, k: int) -> str:
    assert stage.run is not None
    deltas = stage.run.backward.deltas[k - 1]
    d, alone = float(deltas[0, 0]), deltas.size == 1
    who = "It" if alone else "The first"
    if d == 0 or not np.isfinite(d):
        return f"{who} is 0: nothing is to be changed." if d == 0 else f"{who} is not finite."
    sign, way = ("negative", "larger") if d < 0 else ("positive", "smaller")
    z = stage.note.z(k) if alone else "sum there"
    return f"{who} is {sign}: a {way} {z} would make the loss smaller."


def turn(stage: Stage, k: int) -> str:
    """W becomes Wᵀ, or the other way round."""
    note = stage.note
    return (
        f"Back through layer {k} the same weights are turned over at their diagonal: "
        f"{note.w_ahead(k)} becomes {note.w_back(k)}, and {note.delta(k)} takes the place of "
        f"{note.h(k - 1)}."
    )


def sent(stage: Stage, k: int) -> str:
    """dL/dH = Wᵀ δ."""
    run, note = stage.run, stage.note
    assert run is not None
    n = run.backward.deltas[k - 1].shape[1]
    who = f"the neuron{'' if n == 1 else 's'} of layer {k} vote{'s' if n == 1 else ''}"
    goal = "the input" if k == 1 else f"each neuron of layer {k - 1}"
    below = run.backward.of_outputs[k - 2] if k > 1 else run.backward.x
    worked = dot(column_of(stage, k), run.backward.deltas[k - 1][0], below[0, 0])
    name = f"dL/d{note.h(k - 1)}"
    return (
        f"Now {who} on what {goal} should have been: {name} = {note.sent(k)}. "
        f"The first: {worked}.{alarm(below, name)}"
    )


def bent(stage: Stage, k: int) -> str:
    """δ = dL/dH ⊙ σ′(Z), of a hidden layer."""
    run, note = stage.run, stage.note
    assert run is not None
    bend, slopes = stage.stack.layers[k - 1].bend, run.backward.slopes[k - 1]
    g, d = run.backward.of_outputs[k - 1], run.backward.deltas[k - 1]
    if not bend.sign:
        return f"Layer {k} has no activation: {note.delta(k)} is that already, {listed(d[0])}."
    if slopes is None:
        return f"Through {bend.sign}: {note.delta(k)} = {listed(d[0])}."
    formula = f"{note.delta(k)} = {note.sent(k + 1)} ⊙ {note.slope(bend.sign, k)}"
    worked = f"{bracketed(g[0, 0])} · {bracketed(slopes[0, 0])} = {said(d[0, 0])}"
    made = f"Number by number times the slope of the activation: {formula}. The first: {worked}."
    return made + _flat(bend.sign, slopes) + alarm(d, note.delta(k))


def _flat(sign: str, slopes: np.ndarray) -> str:
    shut, flat = int((slopes == 0).sum()), int((np.abs(slopes) < 0.01).sum())
    if shut:
        verb = "lets" if shut == 1 else "let"
        return f" {shut} of {slopes.size} {verb} nothing through: the slope is 0 there."
    if flat:
        verb = "learns" if flat == 1 else "learn"
        return f" {flat} of {slopes.size} hardly {verb}: {sign} is flat there."
    return f" {SLOPES[sign]}." if sign in SLOPES else ""


def change(stage: Stage, k: int) -> str:
    """dW = δ Hᵀ as one product."""
    note, run = stage.note, stage.run
    assert run is not None
    formula = f"d{note.w(k)} = {note.change(k)}"
    n, many = run.backward.deltas[k - 1].shape[1], len(run.forward.x) > 1
    d, h = run.backward.deltas[k - 1][0, 0], run.forward.into(k - 1)[0, 0]
    start = "" if many else f" Its first number: {bracketed(d)} · {bracketed(h)} = {said(d * h)}."
    who = "the change of the neuron's weights" if n == 1 else f"all {n} changes at once"
    over = f", added up over {len(run.forward.x)} examples" if many else ""
    return (
        f"The gradient of the weights is the layer's input, scaled by δ: {formula}, "
        f"{who}{over}.{start}{alarm(run.backward.weights[k - 1], 'd' + note.w(k))}"
    )


def neuron(stage: Stage, k: int, i: int) -> str:
    """The change of one neuron's weights: δᵢ times the input."""
    run, note = stage.run, stage.note
    assert run is not None
    d, h = run.backward.deltas[k - 1][0, i], run.forward.into(k - 1)[0]
    g = run.backward.weights[k - 1]
    row = g[i] if stage.stack.out_by_in else g[:, i]
    return (
        f"Neuron {i + 1} of layer {k}: its δ times the input {note.h(k - 1)} is the gradient of "
        f"its weights, {bracketed(d)} · {listed(h, 4)} = {listed(row, 4)}."
    )


def step(stage: Stage, k: int) -> str:
    """W − lr·dW, kept until all are known."""
    run, note = stage.run, stage.note
    assert run is not None
    w, g = row_of(stage, k)[0], run.backward.weights[k - 1].flat[0]
    after = run.weights[k - 1].flat[0]
    made = (
        f"Downhill is against the gradient: {note.w(k)} − {said(run.lr)}·d{note.w(k)}. The first: "
        f"{said(w)} − {said(run.lr)} · {bracketed(g)} = {said(after)}."
    )
    b = run.biases[k - 1]
    if b is not None:
        over = "" if len(run.forward.x) == 1 else " added up"
        made += f" The bias, whose gradient is δ{over}, becomes {listed(b, 4)}."
    if k > 1:
        made += f" It waits: {note.delta(k - 1)} needs the old {note.w(k)}."
    return made


def moved(stage: Stage) -> str:
    """All weights at once."""
    count = stage.stack.count
    return (
        f"Now all move at once. Seen as one vector of {count:,} numbers, that is one step of "
        "gradient descent: the way in which the loss falls fastest."
    )


def after(stage: Stage) -> tuple[str, str]:
    """The prediction and the loss after the step."""
    run = stage.run
    assert run is not None
    told = stage.told
    before, now, what = listed(run.forward.y[0]), listed(run.after.y[0]), "Y"
    if told is not None and told.shares is not None:
        shares, right = shares_by(told.shares_by, run.after.y), int(told.target[0].argmax())
        before, now = said(told.shares[0, right]), said(shares[0, right])
        what = "p" if run.forward.y.shape[1] == 1 else "p of the right class"
    fall = run.loss - run.loss_after
    gradients = [*run.backward.weights, *(g for g in run.backward.biases if g is not None)]
    promised = run.lr * sum(float((g.astype(np.float64) ** 2).sum()) for g in gradients)
    first = f"Feedforward with the new weights: {what} was {before}, now it is {now}."
    change = (
        f"by {said(fall)}; the slope alone promised {said(promised)}, for short steps"
        if fall > 0 else "the step was too long, take a smaller lr" if fall < 0 else "nothing moved"
    )  # fmt: skip
    verb = "falls" if fall > 0 else "rises" if fall < 0 else "stays"
    last = f"The loss {verb} from {said(run.loss)} to {said(run.loss_after)}: {change}."
    return first, last + alarm(np.asarray(run.loss_after), "The loss")
