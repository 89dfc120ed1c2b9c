"""The health of the layers in words: each with its figures, and what to change where one fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.spelling import listed
from .health import verdicts

REMEDIES = {  # verdict → what it is, and what to change
    "dead": (
        "over half of the units are 0 for every example, and what is 0 does not learn; try a "
        "smaller learning rate, He initialisation, inputs of mean 0, or leaky ReLU for ReLU"
    ),
    "saturated": (
        "over half of the activations lie where their function is flat, and little gradient gets "
        "through; try inputs of mean 0 and deviation 1, smaller initial weights (Glorot), a "
        "smaller learning rate, normalisation before the activation, or ReLU"
    ),
    "vanishing": (
        "the gradient is 0, or 10,000 times smaller than that of the last layer; mend first what "
        "is dead or saturated between here and the loss; then try ReLU for sigmoid and tanh, He or "
        "Glorot initialisation, normalisation, residual connections, fewer layers, or over many "
        "time steps an LSTM or GRU"
    ),
    "exploding": (
        "the gradient is over 10,000, or 10,000 times larger than that of the last layer; clip the "
        "gradients by their norm, or try a smaller learning rate, smaller initial weights, "
        "normalisation, or inputs and targets of mean 0 and deviation 1"
    ),
    "not finite": (
        "the gradient is infinite or NaN; try a smaller learning rate, clip the gradients by their "
        "norm, and look for divisions, logarithms and roots of what may be 0"
    ),
}
FIGURES = {
    "norm": "gradient norm", "ratio": "update/weight", "zero": "zero gradients",
    "dead": "dead units", "saturated": "saturated units",
}  # fmt: skip


def diagnosis(layers: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """A row a layer, from an epoch's `health`: `layer`, `verdict`, and its figures.

    >>> diagnosis({"0": {"norm": 0.5}})
    [{'layer': '0', 'verdict': 'healthy', 'norm': 0.5}]
    """
    words = verdicts(layers)
    return [{"layer": k, "verdict": words[k], **row} for k, row in layers.items()]


def line(row: dict[str, Any]) -> str:
    """One layer's verdict, with the figures it rests on.

    >>> line({"layer": "0", "verdict": "dead", "norm": 0.5, "ratio": 0.001, "zero": 0.6,
    ...       "dead": 0.75, "saturated": None})
    'layer 0: dead (gradient norm 0.5, update/weight 0.001, zero gradients 60 %, dead units 75 %)'
    """
    told = ", ".join(
        f"{name} {shown(key, row[key])}"
        for key, name in FIGURES.items() if row.get(key) is not None
    )  # fmt: skip
    return f"layer {row['layer']}: {row['verdict']} ({told})"


def advice(rows: Sequence[dict[str, Any]]) -> list[str]:
    """For every kind of failure among the layers a sentence: which they are, and what to change.

    >>> advice([{"layer": "0", "verdict": "healthy"}, {"layer": "2", "verdict": "dead"}])
    ['layer 2 is dead: over half of the units are 0 for every example, and what is 0 does not ...']
    """
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(str(row["verdict"]), []).append(str(row["layer"]))
    return [
        f"{_which(layers)} {word}: {REMEDIES[word]}"
        for word, layers in found.items() if word in REMEDIES
    ]  # fmt: skip


def _which(layers: list[str]) -> str:
    return f"layer {layers[0]} is" if len(layers) == 1 else f"layers {listed(layers)} are"


def shown(key: str, value: Any) -> str:
    """A figure of a layer's health as it is shown; a dash where it does not apply.

    >>> shown("norm", 0.01234), shown("dead", 0.25), shown("dead", None)
    ('0.0123', '25 %', '–')
    """
    if value is None:
        return "–"
    if key in ("norm", "ratio"):
        return f"{value:.3g}"
    return f"{100 * value:.3g} %"
