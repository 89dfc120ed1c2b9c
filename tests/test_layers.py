"""Layers that are not recurrent: their formulas, training and evaluation, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule import nn, optim

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4))
IMAGE = RNG.normal(size=(2, 3, 5, 4))
F64 = {"dtype": np.float64}

# ------------------------------------------------------------------ gradients

CHECKED = {
    "Bilinear": (nn.Bilinear(2, 3, 2, **F64), (RNG.normal(size=(2, 2)), RNG.normal(size=(2, 3)))),
    "LayerNorm": (nn.LayerNorm(4, **F64), (X[:2],)),
    "RMSNorm": (nn.RMSNorm(4, **F64), (X[:2],)),
    "BatchNorm1d": (nn.BatchNorm1d(4, **F64), (X[:3],)),
    "Conv1d": (nn.Conv1d(2, 2, 2, 2, 1, **F64), (RNG.normal(size=(2, 2, 5)),)),
    "Conv2d": (nn.Conv2d(2, 2, 2, dilation=2, **F64), (RNG.normal(size=(1, 2, 4, 3)),)),
    "MaxPool1d": (nn.MaxPool1d(2), (RNG.normal(size=(1, 2, 4)),)),
    "MaxPool2d": (nn.MaxPool2d(2, 1, 1), (RNG.normal(size=(1, 2, 3, 3)),)),
    "AvgPool1d": (nn.AvgPool1d(2, 1), (RNG.normal(size=(1, 2, 4)),)),
    "AvgPool2d": (nn.AvgPool2d(2, 2, 1), (RNG.normal(size=(1, 2, 3, 4)),)),
    "Residual": (nn.Residual(nn.Sequential(nn.Linear(4, 4, **F64), nn.Tanh())), (X[:2],)),
    "Attention": (nn.Attention(causal=True), (X[:3], X[3:], X[2:5])),
    "MultiheadAttention": (nn.MultiheadAttention(4, 2, **F64), (X[:3],)),
}


@pytest.mark.parametrize("name", CHECKED)
def test_the_gradients_of_a_layer_are_right_to_the_second_order(name):
    layer, inputs = CHECKED[name]

    def cost(values):
        y = values[0](*values[1:])
        return cr.sum((y[0] if isinstance(y, tuple) else y) ** 3)

    assert cr.check_grads(cost, ([layer, *inputs],), order=2).ok


def test_the_gradients_of_batch_normalisation_in_training_are_right_to_the_second_order():
    weights = RNG.normal(size=(3, 2, 2))

    def cost(layer, x):
        return cr.sum(weights * layer(x, training=True)[0])

    layer = nn.BatchNorm1d(2, **F64)
    assert cr.check_grads(cost, (layer, RNG.normal(size=(3, 2, 2))), order=2).ok


@pytest.mark.parametrize("name", CHECKED)
def test_a_layer_is_a_pytree_and_keeps_float32(name):
    layer, inputs = CHECKED[name]
    leaves, structure = cr.tree_flatten(layer)
    assert len(leaves) == len(layer.parameters())
    narrow = cr.tree_unflatten(structure, [p.value.astype(np.float32) for p in leaves])
    assert cr.tree_leaves(narrow(*(x.astype(np.float32) for x in inputs)))[0].dtype == np.float32


# ------------------------------------------------------------------ formulas


def test_an_embedding_adds_the_gradients_of_a_row_that_is_read_twice():
    layer = nn.Embedding(4, 2, **F64)
    x = np.array([[1, 3], [1, 0]])
    assert np.array_equal(layer(x).value, layer.weight.value[x])
    assert np.array_equal(layer(x.astype(np.float32)).value, layer.weight.value[x])
    gradient = cr.grad(lambda layer: cr.sum(layer(x)))(layer).weight.value
    assert gradient.tolist() == [[1, 1], [2, 2], [0, 0], [1, 1]]


def test_a_convolution_is_a_sum_over_its_windows():
    layer = nn.Conv2d(3, 2, (2, 3), stride=(2, 1), padding=(1, 0), **F64)
    x, w = np.pad(IMAGE, ((0, 0), (0, 0), (1, 1), (0, 0))), layer.weight.value
    y = np.empty((2, 2, 3, 2))
    for k, i, j in np.ndindex(2, 3, 2):
        window = x[:, :, 2 * i : 2 * i + 2, j : j + 3]
        y[:, k, i, j] = (window * w[k]).sum(axis=(1, 2, 3)) + layer.bias.value[k]
    assert layer(IMAGE).value == pytest.approx(y, abs=1e-13)


def test_pooling_takes_the_largest_and_the_mean_of_every_window():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    assert nn.MaxPool2d(2)(x).tolist() == [[[[5, 7], [13, 15]]]]
    assert nn.AvgPool2d(2)(x).tolist() == [[[[2.5, 4.5], [10.5, 12.5]]]]
    assert nn.MaxPool2d(3, padding=1)(x - 99.0).max() == 15 - 99  # padding never wins


def test_a_query_looks_only_where_the_mask_lets_it():
    spoiled = X.copy()
    spoiled[4:] = 99.0
    y, z = (nn.Attention(causal=True)(x) for x in (X, spoiled))
    assert np.array_equal(y[:4], z[:4])
    assert y[0] == pytest.approx(X[0])
    mask = np.arange(6) < 4
    y, z = (nn.Attention()(x[:2], x, x, mask) for x in (X, spoiled))
    assert y == pytest.approx(z, abs=1e-14)
    layer = nn.MultiheadAttention(4, 2, **F64)
    y, weights = layer(X, is_causal=True)
    assert np.triu(weights.value, 1).any() == np.False_
    assert weights.value.sum(-1) == pytest.approx(np.ones(6))
    assert np.array_equal(y.value, layer(X, attn_mask=np.triu(np.ones((6, 6), bool), 1))[0].value)


def test_residual_adds_what_is_inside_and_prefixes_its_names():
    block = nn.Residual(nn.Linear(4, 4, **F64))
    assert block(X).value == pytest.approx(X + block.inner(X).value)
    assert list(block.state_dict()) == ["inner.weight", "inner.bias"]


# ------------------------------------------------------------------ training and evaluation


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_dropout_keeps_the_mean_and_drops_its_share(p):
    x = np.ones((400, 100))
    layer = nn.Dropout(p)
    y = layer(x, training=True, rng=0)
    assert np.mean(y == 0) == pytest.approx(p, abs=0.01)
    assert set(np.unique(y)) <= {0.0, 1 / (1 - p) if p < 1 else 0.0}
    assert np.array_equal(y, layer(x, training=True, rng=0))
    assert layer(x) is x
    assert layer(x, training=True, rng=1).tolist() != y.tolist() or p in (0.0, 1.0)


def test_a_generator_goes_on_and_a_seed_starts_again():
    rng, layer = np.random.default_rng(0), nn.Dropout()
    assert layer(X, training=True, rng=rng).tolist() != layer(X, training=True, rng=rng).tolist()
    model = nn.Sequential(nn.Dropout(), nn.Dropout())
    first, second = (nn.apply(model, X, training=True, rng=rng)[0] for _ in range(2))
    assert first.tolist() != second.tolist()
    a, b = (nn.apply(model, X, training=True, rng=5)[0] for _ in range(2))
    assert a.tolist() == b.tolist()


def test_two_dropouts_of_a_model_drop_differently():
    model = nn.Sequential(nn.Dropout(), nn.Dropout())
    y, _ = nn.apply(model, np.ones(4000), training=True, rng=0)
    assert np.mean(y != 0) == pytest.approx(0.25, abs=0.03)


def deep():
    return nn.Sequential(
        nn.Sequential(nn.Linear(4, 5, **F64), nn.BatchNorm1d(5, **F64)), nn.Dropout(0.5),
        nn.Residual(nn.Sequential(nn.BatchNorm1d(5, momentum=1.0, **F64))), nn.Linear(5, 1, **F64),
    )  # fmt: skip


def test_apply_trains_every_layer_and_changes_nothing_in_the_model():
    model = deep()
    before, quiet = nn.statistics(model), model(X).value
    y, seen = nn.apply(model, X, training=True, rng=0)
    assert list(seen) == ["0.1", "2.inner.0"]
    assert not np.allclose(y.value, quiet)
    assert np.array_equal(model(X).value, quiet)
    assert all(np.array_equal(v, before[k]) for k, v in nn.statistics(model).items())
    after = nn.observe(model, seen)
    z = model[0][0](X).value
    assert after[0][1].running_mean.value == pytest.approx(0.1 * z.mean(0))
    assert after[0][1].running_var.value == pytest.approx(0.9 + 0.1 * z.var(0, ddof=1))
    assert after[2].inner[0].num_batches_tracked.value == 1
    assert not np.allclose(after(X).value, quiet)
    evaluated, nothing = nn.apply(model, X)
    assert np.array_equal(evaluated.value, quiet)
    assert nothing == {}


def test_a_layer_that_stands_twice_moves_twice():
    norm = nn.BatchNorm1d(4, **F64)
    model = nn.Sequential(norm, nn.Tanh(), norm)
    _, seen = nn.apply(model, X, training=True)
    assert [len(batches) for batches in seen.values()] == [2]
    after = nn.observe(model, seen)
    assert after[0] is after[2]
    assert after[0].num_batches_tracked.value == 2


def test_a_model_before_and_after_a_batch_has_one_structure():
    model = deep()
    after = nn.observe(model, nn.apply(model, X, training=True, rng=0)[1])
    assert cr.tree_flatten(model)[1] == cr.tree_flatten(after)[1]
    mixed = cr.tree_map(lambda a, b: a + b, after, model)
    assert np.array_equal(mixed[0][1].running_mean.value, after[0][1].running_mean.value)
    assert cr.tree_flatten(deep())[1] != cr.tree_flatten(nn.BatchNorm1d(5))[1]
    assert nn.Statistics([1.0]) != nn.Statistics([1.0, 2.0])


def test_statistics_go_into_a_dict_and_back():
    model = deep()
    after = nn.observe(model, nn.apply(model, X, training=True, rng=0)[1])
    state = nn.statistics(after)
    again = nn.with_statistics(model, state)
    assert np.array_equal(again(X).value, after(X).value)
    with pytest.raises(cr.UsageError, match="missing"):
        nn.with_statistics(model, {})
    with pytest.raises(cr.ShapeError, match=r"0\.1\.running_mean is \(5,\)"):
        nn.with_statistics(model, state | {"0.1.running_mean": np.zeros(3)})
    with pytest.raises(cr.UsageError, match="no BatchNorm at '7'"):
        nn.observe(model, {"7": []})


def test_a_loop_with_dropout_and_batch_normalisation_learns_and_optimisers_see_no_statistics():
    rng = np.random.default_rng(0)
    x = rng.normal(3.0, 2.0, size=(128, 4))
    t = np.tanh(x[:, :1] - x[:, 1:2])
    model = nn.Sequential(
        nn.BatchNorm1d(4, **F64), nn.Linear(4, 16, **F64), nn.Tanh(), nn.Dropout(0.1),
        nn.Linear(16, 1, **F64),
    )  # fmt: skip
    rule = optim.AdamW(0.03, weight_decay=0.5)
    state = rule.init(model)

    def cost(model, x, t):
        y, seen = nn.apply(model, x, training=True, rng=rng)
        return nn.losses.mse(y, t), seen

    first = float(nn.losses.mse(model(x), t))
    for _ in range(60):
        (_, seen), gradient = cr.value_and_grad(cost, has_aux=True)(model, x, t)
        updates, state = rule.update(gradient, state, model)
        model = nn.observe(optim.apply_updates(model, updates), seen)
    assert float(nn.losses.mse(model(x), t)) < 0.2 * first
    assert model[0].running_mean.value == pytest.approx(x.mean(0), rel=0.01)
    assert len(cr.tree_leaves(model)) == 6


# ------------------------------------------------------------------ what they learn


def test_a_small_convolutional_network_reads_digits():
    data = pytest.importorskip("sklearn.datasets").load_digits()
    x, y = data.images[:, None] / 16.0, data.target
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    history = cr.fit(
        model, x[:1200], y[:1200], loss="cross_entropy", metrics="accuracy",
        validation=(x[1200:], y[1200:]), optimizer=optim.Adam(0.01), epochs=5,
    )  # fmt: skip
    assert history.last["val_accuracy"] > 0.9


def test_fit_trains_an_embedding_and_a_norm():
    words = np.random.default_rng(0).integers(0, 6, (120, 3))
    model = nn.Sequential(nn.Embedding(6, 4), nn.LayerNorm(4), nn.Flatten(), nn.Linear(12, 2))
    history = cr.fit(
        model, words, (words[:, 0] > words[:, 2]).astype(int), loss="cross_entropy",
        metrics="accuracy", optimizer=optim.Adam(0.05), epochs=20,
    )  # fmt: skip
    assert history.last["accuracy"] > 0.95


# ------------------------------------------------------------------ what is refused

REFUSED = {
    "a row outside": (lambda: nn.Embedding(4, 2)(np.array([0, 4])), cr.AxisError, "no row 4;.* 3"),
    "a negative row": (lambda: nn.Embedding(4, 2)(np.array([-1])), cr.AxisError, "no row -1"),
    "half a row": (lambda: nn.Embedding(4, 2)(np.array([0.5])), cr.DTypeError, "whole numbers"),
    "padding outside": (lambda: nn.Embedding(4, 2, 4), cr.UsageError, "padding_idx=4"),
    "no words": (lambda: nn.Embedding(0, 2), cr.UsageError, "num_embeddings=0"),
    "rows of two inputs": (
        lambda: nn.Bilinear(4, 4, 1)(X, X[:1]), cr.ShapeError, r"\(6, 4\) and \(1, 4\)",
    ),
    "columns": (lambda: nn.Bilinear(4, 5, 1)(X, X), cr.ShapeError, r"\(…, 5\)"),
    "a norm of others": (lambda: nn.LayerNorm(3)(X), cr.ShapeError, r"LayerNorm.*\(6, 4\)"),
    "a norm of nothing": (lambda: nn.RMSNorm(()), cr.UsageError, "one size or more"),
    "channels": (lambda: nn.BatchNorm1d(3)(X), cr.ShapeError, r"\(N, 3\) or \(N, 3, length\)"),
    "no image": (lambda: nn.BatchNorm2d(4)(X), cr.ShapeError, "height, width"),
    "one value": (
        lambda: nn.BatchNorm1d(4)(X[:1], training=True), cr.ShapeError, "1 values a channel",
    ),
    "momentum": (lambda: nn.BatchNorm1d(4, momentum=2), cr.UsageError, "momentum=2"),
    "dropout": (lambda: nn.Dropout(-0.1), cr.UsageError, "p=-0.1"),
    "no rng": (lambda: nn.Dropout()(X, training=True), cr.UsageError, "give rng="),
    "no rng for a model": (
        lambda: nn.apply(deep(), X, training=True), cr.UsageError, "Dropout.*give rng=",
    ),
    "another shape inside": (
        lambda: nn.Residual(nn.Linear(4, 3))(X), cr.ShapeError, r"made \(6, 3\) of \(6, 4\)",
    ),
    "no layer inside": (lambda: nn.Residual(3), cr.UsageError, "Residual: of 3"),
    "image channels": (
        lambda: nn.Conv2d(4, 2, 3)(IMAGE), cr.ShapeError, r"Conv2d: .*\(N, 4, height, width\)",
    ),
    "a window too large": (lambda: nn.Conv2d(3, 2, 5)(IMAGE), cr.ShapeError, "smaller than the w"),
    "groups": (lambda: nn.Conv1d(3, 4, 2, groups=2), cr.UsageError, "groups=2"),
    "same with a stride": (
        lambda: nn.Conv1d(3, 4, 2, 2, "same"), cr.UsageError, "it needs a stride of 1",
    ),
    "padding": (lambda: nn.Conv1d(3, 4, 2, padding="reflect"), cr.UsageError, "'reflect'"),
    "kernel": (lambda: nn.Conv2d(3, 4, (1, 2, 3)), cr.UsageError, "one for each of 2"),
    "stride": (lambda: nn.MaxPool2d(2, 0), cr.UsageError, "stride=0"),
    "pool padding": (lambda: nn.MaxPool1d(2, padding=2), cr.UsageError, "more than half"),
    "pool axes": (lambda: nn.MaxPool2d(2)(X), cr.ShapeError, r"MaxPool2d: x of shape \(6, 4\)"),
    "keys": (
        lambda: nn.Attention()(X, X[:, :3], X), cr.ShapeError, r"query \(6, 4\), key \(6, 3\)",
    ),
    "nowhere to look": (
        lambda: nn.Attention()(X, X, X, np.zeros((6, 6), bool)), cr.DataError, "look nowhere",
    ),
    "a mask of another shape": (
        lambda: nn.Attention()(X, X, X, np.ones((5, 6), bool)), cr.ShapeError, r"mask of \(5, 6\)",
    ),
    "heads": (lambda: nn.MultiheadAttention(4, 3), cr.UsageError, "no multiple of 3 heads"),
    "attention width": (
        lambda: nn.MultiheadAttention(5, 1)(X), cr.ShapeError, r"\(L, N, 5\)",
    ),
    "attn_mask": (
        lambda: nn.MultiheadAttention(4, 2)(X, attn_mask=np.ones((2, 2), bool)), cr.ShapeError,
        r"attn_mask of \(2, 2\)",
    ),
    "key_padding_mask": (
        lambda: nn.MultiheadAttention(4, 2)(X, key_padding_mask=np.ones(6)), cr.ShapeError,
        "it must be bool",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_in_words(name):
    call, error, words = REFUSED[name]
    with refused(error, words):
        call()


def test_the_statistics_of_a_traced_function_have_no_numbers_to_observe():
    norm = nn.BatchNorm1d(4, **F64)
    with pytest.raises(cr.TracingError, match="observe"):
        cr.capture(lambda x: nn.observe(norm, nn.apply(norm, x, training=True)[1])(x), X)
