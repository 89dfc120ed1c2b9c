"""Every layer that a file may hold: its settings and what they may be, its arrays and their shapes.

This table is all that a name in a file is ever looked up in. A layer of `chainrule.nn` that is not
in it fails a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ... import nn
from ...graph.spelling import counted
from ...nn.recurrent import Recurrent
from ...nn.rnn import NONLINEARITIES
from ...nn.sequential import Function
from .settings import (
    COUNT,
    FLAG,
    FUNCTION,
    INIT,
    NUMBER,
    SHARE,
    SIZE,
    SIZES,
    Rule,
    many,
    maybe,
    one_of,
)

Settings = dict[str, Any]


class Array(NamedTuple):
    """An array of a layer: a parameter, or running statistics; optional where it may be None."""

    shape: tuple[int, ...]
    optional: bool = False
    statistics: str = ""  # the kind of dtype, "f" or "i"; nothing for a parameter


Arrays = dict[str, Array]


class Kind(NamedTuple):
    """One kind of layer."""

    made: type
    settings: dict[str, Rule] = {}  # noqa: RUF012  never written to
    arrays: Callable[[Settings], Arrays] = lambda s: {}
    layers: tuple[str, ...] = ()  # fields that are a layer each, or a tuple of layers
    wrong: Callable[[Settings, dict], str] = lambda s, told: ""  # what does not fit together
    inside: str = ""  # the field that holds the arrays, where it is a dict


def _optional(*shape: int) -> Array:
    return Array(shape, optional=True)


def _norm(s: Settings) -> Arrays:
    n = (s["num_features"],)
    return {
        "weight": _optional(*n), "bias": _optional(*n), "running_mean": Array(n, False, "f"),
        "running_var": Array(n, False, "f"), "num_batches_tracked": Array((), False, "i"),
    }  # fmt: skip


def _batchnorm(made: type) -> Kind:
    settings = {"num_features": SIZE, "eps": NUMBER, "momentum": maybe(SHARE)}
    return Kind(made, settings, _norm)


def _windows(axes: int, **more: Rule) -> dict[str, Rule]:
    names = ("kernel_size", "stride", "dilation")
    sizes = many(SIZE, f"a list of {axes} whole numbers, 1 or more", axes)
    return {**dict.fromkeys(names, sizes), **more}


def _convolution(made: type) -> Kind:
    axes = made.axes  # type: ignore[attr-defined]
    pair = many(COUNT, "a pair", 2)
    sides = many(pair, f"a list of {axes} pairs of whole numbers, 0 or more", axes)

    def arrays(s: Settings) -> Arrays:
        out = s["out_channels"]
        shape = (out, s["in_channels"] // s["groups"], *s["kernel_size"])
        return {"weight": Array(shape), "bias": _optional(out)}

    def wrong(s: Settings, told: dict) -> str:
        fits = s["in_channels"] % s["groups"] == s["out_channels"] % s["groups"] == 0
        return "" if fits else "its channels cannot be parted into its groups"

    settings = _windows(axes, in_channels=SIZE, out_channels=SIZE, groups=SIZE, padding=sides)
    return Kind(made, settings, arrays, wrong=wrong)


def _pooling(made: type) -> Kind:
    axes = made.axes  # type: ignore[attr-defined]
    sides = many(COUNT, f"a list of {axes} whole numbers, 0 or more", axes)

    def wrong(s: Settings, told: dict) -> str:
        outside = any(2 * p > k for p, k in zip(s["padding"], s["kernel_size"], strict=True))
        return "its padding is more than half of its kernel_size" if outside else ""

    return Kind(made, _windows(axes, padding=sides), wrong=wrong)


def _recurrent(made: type[Recurrent], **more: Rule) -> Kind:
    settings = {
        "input_size": SIZE, "hidden_size": SIZE, "num_layers": SIZE, "bias": FLAG,
        "batch_first": FLAG, "dropout": SHARE, "bidirectional": FLAG, **more,
    }  # fmt: skip

    def arrays(s: Settings) -> Arrays:
        return dict(_gates(made.gates, s))

    def wrong(s: Settings, told: dict) -> str:  # before the names are made, which may be many
        count = s["num_layers"] * (2 if s["bidirectional"] else 1) * (4 if s["bias"] else 2)
        found = len(told["arrays"])
        return "" if count == found else f"it has {counted(found, 'array')}, and needs {count}"

    return Kind(made, settings, arrays, wrong=wrong, inside="weights")


def _gates(gates: int, s: Settings) -> Iterator[tuple[str, Array]]:
    hidden, ways = s["hidden_size"], ("", "_reverse") if s["bidirectional"] else ("",)
    rows = gates * hidden
    for k in range(s["num_layers"]):
        for way in ways:
            before = hidden * len(ways) if k else s["input_size"]
            yield f"weight_ih_l{k}{way}", Array((rows, before))
            yield f"weight_hh_l{k}{way}", Array((rows, hidden))
            if s["bias"]:
                yield f"bias_ih_l{k}{way}", Array((rows,))
                yield f"bias_hh_l{k}{way}", Array((rows,))


def _attention(s: Settings) -> Arrays:
    n = s["embed_dim"]
    return {"in_proj_weight": Array((3 * n, n)), "in_proj_bias": _optional(3 * n)}


def _heads(s: Settings, told: dict) -> str:
    if s["embed_dim"] % s["num_heads"]:
        return "its size is no multiple of its heads"
    last = told["out_proj"]
    sizes = [last.get("settings", {}).get(name) for name in ("in_features", "out_features")]
    fits = last.get("layer") == "Linear" and sizes == [s["embed_dim"]] * 2
    return "" if fits else "its out_proj is no Linear of its size"


def _row(s: Settings, told: dict) -> str:
    row = s["padding_idx"]
    return "" if row is None or row < s["num_embeddings"] else "its padding_idx is no row of it"


_PLAIN = (
    nn.ReLU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.SELU, nn.GELU, nn.SiLU, nn.Softmax, nn.Identity,
    nn.Flatten,
)  # fmt: skip
_KINDS = (
    *(Kind(made) for made in _PLAIN),
    Kind(nn.LeakyReLU, {"slope": NUMBER}),
    Kind(nn.ELU, {"alpha": NUMBER}),
    Kind(nn.Dropout, {"p": SHARE}),
    Kind(Function, {"function": FUNCTION}),
    Kind(nn.Sequential, layers=("layers",)),
    Kind(nn.Residual, layers=("inner",)),
    Kind(
        nn.Linear, {"in_features": SIZE, "out_features": SIZE, "init": INIT},
        lambda s: {"weight": Array((s["out_features"], s["in_features"])),
                   "bias": _optional(s["out_features"])},
    ),
    Kind(
        nn.Bilinear, {"in1_features": SIZE, "in2_features": SIZE, "out_features": SIZE},
        lambda s: {"weight": Array((s["out_features"], s["in1_features"], s["in2_features"])),
                   "bias": _optional(s["out_features"])},
    ),
    Kind(
        nn.Embedding,
        {"num_embeddings": SIZE, "embedding_dim": SIZE, "padding_idx": maybe(COUNT)},
        lambda s: {"weight": Array((s["num_embeddings"], s["embedding_dim"]))}, wrong=_row,
    ),
    Kind(
        nn.LayerNorm, {"normalized_shape": SIZES, "eps": NUMBER},
        lambda s: dict.fromkeys(("weight", "bias"), _optional(*s["normalized_shape"])),
    ),
    Kind(
        nn.RMSNorm, {"normalized_shape": SIZES, "eps": maybe(NUMBER)},
        lambda s: {"weight": _optional(*s["normalized_shape"])},
    ),
    *map(_batchnorm, (nn.BatchNorm, nn.BatchNorm1d, nn.BatchNorm2d)),
    *map(_convolution, (nn.Conv1d, nn.Conv2d)),
    *map(_pooling, (nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d)),
    _recurrent(nn.RNN, nonlinearity=one_of(tuple(NONLINEARITIES))),
    _recurrent(nn.LSTM),
    _recurrent(nn.GRU),
    Kind(nn.Attention, {"causal": FLAG, "scale": maybe(NUMBER)}),
    Kind(
        nn.MultiheadAttention,
        {"embed_dim": SIZE, "num_heads": SIZE, "dropout": SHARE, "batch_first": FLAG},
        _attention, ("out_proj",), _heads,
    ),
    Kind(
        nn.Perceptron, {"lr": NUMBER},
        lambda s: {"weight": Array((-1,)), "bias": Array(())},
    ),
)  # fmt: skip

KINDS: dict[str, Kind] = {kind.made.__name__: kind for kind in _KINDS}
KIND_OF: dict[type, str] = {kind.made: name for name, kind in KINDS.items()}
