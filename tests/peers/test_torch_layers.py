"""Layers against PyTorch 2.13: with its weights, its outputs and its gradients."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed; it is only a peer here")
T = torch.nn

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning"),
]

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


def samples(dtype, *shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def close(ours, theirs, dtype="float64", scale=1.0):
    theirs = theirs.detach().numpy() if hasattr(theirs, "detach") else theirs
    assert np.asarray(ours).dtype == theirs.dtype
    tolerance = TOLERANCE[dtype] * scale
    np.testing.assert_allclose(np.asarray(ours), theirs, rtol=tolerance, atol=tolerance)


def with_their_weights(ours, theirs):
    """Our layer with the parameters, and the statistics, of theirs."""
    return ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})


def flat(made):
    """Everything a layer returned, in order, without the places that are None."""
    if isinstance(made, (tuple, list)):
        return [y for part in made for y in flat(part)]
    return [] if made is None else [made]


def compare(ours, theirs, inputs, dtype, call=None, their_call=None):
    """Outputs and the gradients of a weighted sum of them, by the inputs and all parameters."""
    call, their_call = call or (lambda m, *xs: m(*xs)), their_call or call
    their_call = their_call or (lambda m, *xs: m(*xs))
    theirs = theirs.to(getattr(torch, dtype))
    theirs.zero_grad()
    ours = with_their_weights(ours, theirs)
    leaves = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    made = flat(their_call(theirs, *leaves))
    weights = [samples(dtype, *y.shape, seed=9 + k) for k, y in enumerate(made)]
    sum((y * torch.tensor(w)).sum() for y, w in zip(made, weights, strict=True)).backward()
    floats = [k for k, x in enumerate(inputs) if x.dtype.kind == "f"]

    def total(model, *xs):
        given = list(inputs)
        for k, x in zip(floats, xs, strict=True):
            given[k] = x
        found = flat(call(model, *given))
        return sum(cr.sum(y * w) for y, w in zip(found, weights, strict=True))

    for y, t in zip(flat(call(ours, *inputs)), made, strict=True):
        close(y, t, dtype)
    wrt = tuple(range(1 + len(floats)))
    of_model, *of_inputs = cr.grad(total, wrt)(ours, *(inputs[k] for k in floats))
    for k, g in zip(floats, of_inputs, strict=True):
        close(g, leaves[k].grad, dtype)
    named = of_model.named_parameters()
    for name, p in theirs.named_parameters():
        close(named[name], p.grad, dtype, scale=10)  # sums over all steps and examples


# ------------------------------------------------------------------ recurrent layers

RECURRENT = {
    "RNN": (nn.RNN, T.RNN, {}),
    "RNN relu": (nn.RNN, T.RNN, {"nonlinearity": "relu"}),
    "LSTM": (nn.LSTM, T.LSTM, {}),
    "GRU": (nn.GRU, T.GRU, {}),
}
SETTINGS = {
    "one layer": {},
    "no bias": {"bias": False},
    "batch first": {"batch_first": True},
    "stacked": {"num_layers": 3},
    "bidirectional": {"bidirectional": True},
    "stacked, bidirectional": {"num_layers": 2, "bidirectional": True, "batch_first": True},
}


def recurrent(name, setting, dtype):
    kind, theirs, own = RECURRENT[name]
    options = own | SETTINGS[setting]
    torch.manual_seed(1)
    return kind(3, 4, dtype=dtype, **options), theirs(3, 4, **options), options


def start(name, options, dtype, *batch):
    rows = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    parts = [samples(dtype, rows, *batch, 4, seed=5 + k) for k in range(2)]
    return tuple(parts) if name == "LSTM" else parts[0]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", RECURRENT)
def test_a_recurrent_layer_is_torch_s(name, setting, dtype):
    ours, theirs, _ = recurrent(name, setting, dtype)
    compare(ours, theirs, [samples(dtype, 5, 2, 3)], dtype)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", RECURRENT)
def test_a_state_to_start_from_is_torch_s_and_so_is_its_gradient(name, setting):
    ours, theirs, options = recurrent(name, setting, "float64")
    batch = 5 if options.get("batch_first") else 2
    state = flat(start(name, options, "float64", batch))

    def call(model, x, *parts):
        return model(x, tuple(parts) if len(parts) > 1 else parts[0])

    compare(ours, theirs, [samples("float64", 5, 2, 3), *state], "float64", call)


@pytest.mark.parametrize("name", RECURRENT)
def test_one_sequence_without_a_batch_is_torch_s(name):
    ours, theirs, options = recurrent(name, "stacked, bidirectional", "float64")
    state = flat(start(name, options, "float64"))

    def call(model, x, *parts):
        return model(x, tuple(parts) if len(parts) > 1 else parts[0])

    compare(ours, theirs, [samples("float64", 5, 3), *state], "float64", call)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", RECURRENT)
def test_lengths_are_torch_s_packed_sequences(name, setting, dtype):
    ours, theirs, options = recurrent(name, setting, dtype)
    first = bool(options.get("batch_first"))
    shape = (4, 6, 3) if first else (6, 4, 3)
    lengths = [6, 1, 4, 2]

    def packed(model, x):
        pack = T.utils.rnn.pack_padded_sequence(x, lengths, first, enforce_sorted=False)
        y, state = model(pack)
        return T.utils.rnn.pad_packed_sequence(y, first)[0], state

    compare(
        ours, theirs, [samples(dtype, *shape)], dtype,
        lambda model, x: model(x, lengths=lengths), packed,
    )  # fmt: skip


@pytest.mark.parametrize("setting", ["one layer", "stacked, bidirectional"])
@pytest.mark.parametrize("name", RECURRENT)
def test_the_gradient_of_a_gradient_of_a_recurrent_layer_is_torch_s(name, setting):
    ours, theirs, _ = recurrent(name, setting, "float64")
    theirs = theirs.double()
    ours = with_their_weights(ours, theirs)
    x, v = samples("float64", 5, 2, 3), samples("float64", 5, 2, 3, seed=7)
    leaf = torch.tensor(x, requires_grad=True)
    (first,) = torch.autograd.grad((theirs(leaf)[0] ** 3).sum(), leaf, create_graph=True)
    (first * torch.tensor(v)).sum().backward()

    def inner(model, x):
        return cr.sum(cr.grad(lambda x: cr.sum(model(x)[0] ** 3))(x) * v)

    of_model, of_x = cr.grad(inner, (0, 1))(ours, cr.tensor(x))
    close(of_x, leaf.grad, scale=10)
    for key, p in theirs.named_parameters():
        # torch has None where a parameter has no influence on the first gradient
        wanted = torch.zeros_like(p) if p.grad is None else p.grad
        close(of_model.named_parameters()[key], wanted, scale=10)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", RECURRENT)
def test_a_recurrent_layer_has_torch_s_keys_shapes_and_order(name, setting):
    ours, theirs, _ = recurrent(name, setting, "float32")
    assert [(k, v.shape) for k, v in ours.state_dict().items()] == [
        (k, tuple(v.shape)) for k, v in theirs.state_dict().items()
    ]


# ------------------------------------------------------------------ all others

IMAGE, LINE, ROWS = (2, 4, 7, 6), (2, 4, 9), (5, 4)
LAYERS = {
    "Bilinear": (nn.Bilinear, T.Bilinear, (4, 3, 2), {}, [(5, 4), (5, 3)]),
    "Bilinear, no bias": (nn.Bilinear, T.Bilinear, (4, 3, 2, False), {}, [(2, 5, 4), (2, 5, 3)]),
    "LayerNorm": (nn.LayerNorm, T.LayerNorm, (4,), {}, [ROWS]),
    "LayerNorm, two axes": (nn.LayerNorm, T.LayerNorm, ((7, 6), 1e-2), {}, [IMAGE]),
    "LayerNorm, no bias": (nn.LayerNorm, T.LayerNorm, (4,), {"bias": False}, [ROWS]),
    "LayerNorm, plain": (nn.LayerNorm, T.LayerNorm, (4,), {"elementwise_affine": False}, [ROWS]),
    "RMSNorm": (nn.RMSNorm, T.RMSNorm, (4,), {}, [ROWS]),
    "RMSNorm, eps": (nn.RMSNorm, T.RMSNorm, ((7, 6), 0.1), {}, [IMAGE]),
    "Conv1d": (nn.Conv1d, T.Conv1d, (4, 3, 3), {}, [LINE]),
    "Conv1d, one wide": (nn.Conv1d, T.Conv1d, (4, 3, 1), {"stride": 2}, [LINE]),
    "Conv1d, same": (nn.Conv1d, T.Conv1d, (4, 3, 4), {"padding": "same"}, [LINE]),
    "Conv1d, one example": (nn.Conv1d, T.Conv1d, (4, 3, 3), {}, [LINE[1:]]),
    "Conv1d, all": (
        nn.Conv1d, T.Conv1d, (4, 6, 3),
        {"stride": 2, "padding": 3, "dilation": 2, "groups": 2, "bias": False}, [LINE],
    ),
    "Conv2d": (nn.Conv2d, T.Conv2d, (4, 3, 3), {}, [IMAGE]),
    "Conv2d, valid": (nn.Conv2d, T.Conv2d, (4, 3, 3), {"padding": "valid"}, [IMAGE]),
    "Conv2d, same": (
        nn.Conv2d, T.Conv2d, (4, 3, (3, 2)), {"padding": "same", "dilation": 2}, [IMAGE],
    ),
    "Conv2d, all": (
        nn.Conv2d, T.Conv2d, (4, 8, (3, 2)),
        {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 4}, [IMAGE],
    ),
    "Conv2d, one example": (nn.Conv2d, T.Conv2d, (4, 3, 3), {}, [IMAGE[1:]]),
    "MaxPool1d": (nn.MaxPool1d, T.MaxPool1d, (2,), {}, [LINE]),
    "MaxPool1d, all": (
        nn.MaxPool1d, T.MaxPool1d, (3,), {"stride": 2, "padding": 1, "dilation": 2}, [LINE],
    ),
    "MaxPool2d": (nn.MaxPool2d, T.MaxPool2d, (2,), {}, [IMAGE]),
    "MaxPool2d, all": (
        nn.MaxPool2d, T.MaxPool2d, ((3, 2),), {"stride": (1, 2), "padding": 1}, [IMAGE],
    ),
    "MaxPool2d, one example": (nn.MaxPool2d, T.MaxPool2d, (2,), {}, [IMAGE[1:]]),
    "AvgPool1d": (nn.AvgPool1d, T.AvgPool1d, (3,), {"stride": 2, "padding": 1}, [LINE]),
    "AvgPool2d": (nn.AvgPool2d, T.AvgPool2d, ((3, 2),), {"stride": 2, "padding": 1}, [IMAGE]),
}  # fmt: skip


def made(kind, arguments, options, dtype):
    drawn = {} if "Pool" in kind.__name__ else {"dtype": dtype}
    return kind(*arguments, **options, **drawn)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_and_its_gradients_are_torch_s(name, dtype):
    ours, theirs, arguments, options, shapes = LAYERS[name]
    inputs = [samples(dtype, *s, seed=k) for k, s in enumerate(shapes)]
    torch.manual_seed(2)
    compare(made(ours, arguments, options, dtype), theirs(*arguments, **options), inputs, dtype)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_has_torch_s_keys_shapes_and_order(name):
    ours, theirs, arguments, options, _ = LAYERS[name]
    found = made(ours, arguments, options, "float32").state_dict()
    assert [(k, v.shape) for k, v in found.items()] == [
        (k, tuple(v.shape)) for k, v in theirs(*arguments, **options).state_dict().items()
    ]


@pytest.mark.parametrize("padding", [None, 0, -1])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_an_embedding_and_its_gradient_are_torch_s(dtype, padding):
    torch.manual_seed(3)
    ours, theirs = nn.Embedding(5, 3, padding, dtype=dtype), T.Embedding(5, 3, padding)
    compare(ours, theirs, [np.array([[1, 0, 1], [4, 4, 2]])], dtype)


NORMS = {
    "BatchNorm1d": (nn.BatchNorm1d, T.BatchNorm1d, {}, ROWS),
    "BatchNorm1d, sequences": (nn.BatchNorm1d, T.BatchNorm1d, {"momentum": None}, LINE),
    "BatchNorm2d": (nn.BatchNorm2d, T.BatchNorm2d, {"eps": 0.1, "momentum": 0.3}, IMAGE),
    "BatchNorm2d, plain": (nn.BatchNorm2d, T.BatchNorm2d, {"affine": False}, IMAGE),
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", NORMS)
def test_batch_normalisation_its_statistics_and_its_gradients_are_torch_s(name, dtype):
    kind, their_kind, options, shape = NORMS[name]
    ours, theirs = kind(4, dtype=dtype, **options), their_kind(4, **options)
    theirs = theirs.to(getattr(torch, dtype))
    x = samples(dtype, *shape)
    compare(ours, theirs, [x], dtype, lambda m, x: m(x, training=True)[0], lambda m, x: m(x))
    ours = with_their_weights(ours, theirs)
    for k in range(3):
        x = samples(dtype, *shape, seed=k + 3) * (k + 1)
        y, seen = nn.apply(ours, x, training=True)
        ours = nn.observe(ours, seen)
        close(y, theirs(torch.tensor(x)), dtype)
    statistics = nn.statistics(ours)
    assert list(statistics) == ["running_mean", "running_var", "num_batches_tracked"]
    for key, value in statistics.items():
        close(value, theirs.state_dict()[key], dtype)
    compare(ours, theirs.eval(), [x], dtype)


ATTENTIONS = {
    "plain": ({}, {}),
    "no bias": ({"bias": False}, {}),
    "batch first": ({"batch_first": True}, {}),
    "weights of every head": ({}, {"average_attn_weights": False}),
    "no weights": ({}, {"need_weights": False}),
    "a mask": ({}, {"attn_mask": np.triu(np.ones((5, 6), bool), 2)}),
    "a mask for every head": (
        {}, {"attn_mask": np.random.default_rng(1).random((8, 5, 6)) > 0.8},
    ),
    "a mask of numbers": ({}, {"attn_mask": samples("float64", 5, 6)}),
    "padding": ({"batch_first": True}, {"key_padding_mask": np.arange(6) > [[5], [2]]}),
    "padding and a mask": (
        {}, {"key_padding_mask": np.arange(6) > [[4], [2]],
             "attn_mask": np.triu(np.ones((5, 6), bool), 2)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", ATTENTIONS)
def test_multi_head_attention_and_its_gradients_are_torch_s(name, dtype):
    options, said = ATTENTIONS[name]
    said = {
        k: v.astype(dtype) if getattr(v, "dtype", None) == np.float64 else v
        for k, v in said.items()
    }
    torch.manual_seed(4)
    ours = nn.MultiheadAttention(8, 4, dtype=dtype, **options)
    theirs = T.MultiheadAttention(8, 4, **options)
    with torch.no_grad():
        for p in theirs.parameters():
            p.normal_(std=0.5)
    shape = (lambda n: (2, n, 8)) if options.get("batch_first") else (lambda n: (n, 2, 8))
    inputs = [samples(dtype, *shape(n), seed=n + k) for k, n in enumerate((5, 6, 6))]
    tensors = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in said.items()}
    compare(
        ours, theirs, inputs, dtype,
        lambda m, *xs: m(*xs, **said), lambda m, *xs: m(*xs, **tensors),
    )  # fmt: skip
    found = [(k, v.shape) for k, v in ours.state_dict().items()]
    assert found == [(k, tuple(v.shape)) for k, v in theirs.state_dict().items()]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("scale", [None, 0.7])
def test_scaled_dot_product_attention_is_torch_s(causal, scale):
    q, k, v = (samples("float64", 2, n, w, seed=w) for n, w in ((5, 4), (6, 4), (6, 3)))
    mask = None if causal else np.random.default_rng(0).random((5, 6)) > 0.4
    y, _ = nn.attention(q, k, v, mask, causal=causal, scale=scale)
    theirs = T.functional.scaled_dot_product_attention(
        *(torch.tensor(x) for x in (q, k, v)), is_causal=causal, scale=scale,
        attn_mask=None if mask is None else torch.tensor(mask),
    )  # fmt: skip
    close(y, theirs)
