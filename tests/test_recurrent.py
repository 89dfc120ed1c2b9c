"""Recurrent layers: their equations, their lengths, what is refused, and what they learn."""

from __future__ import annotations

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule import nn, optim

KINDS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 2, 3))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn_step(h, x, p):
    return (p["act"](x @ p["wi"].T + p["bi"] + h[0] @ p["wh"].T + p["bh"]),)


def lstm_step(state, x, p):
    h, c = state
    parts = x @ p["wi"].T + p["bi"] + h @ p["wh"].T + p["bh"]
    i, f, g, o = np.split(parts, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(state, x, p):
    (h,) = state
    of_x = np.split(x @ p["wi"].T + p["bi"], 3, axis=-1)
    of_h = np.split(h @ p["wh"].T + p["bh"], 3, axis=-1)
    r, z = sigmoid(of_x[0] + of_h[0]), sigmoid(of_x[1] + of_h[1])
    n = np.tanh(of_x[2] + r * of_h[2])
    return ((1 - z) * n + z * h,)


EQUATIONS = {
    "RNN, tanh": (nn.RNN, {}, rnn_step, np.tanh),
    "RNN, relu": (nn.RNN, {"nonlinearity": "relu"}, rnn_step, lambda x: np.maximum(x, 0)),
    "RNN, identity": (nn.RNN, {"nonlinearity": "identity"}, rnn_step, lambda x: x),
    "LSTM": (nn.LSTM, {}, lstm_step, None),
    "GRU": (nn.GRU, {}, gru_step, None),
}


@pytest.mark.parametrize("name", EQUATIONS)
def test_a_recurrent_layer_is_its_equations_step_by_step(name):
    kind, options, step, act = EQUATIONS[name]
    layer = kind(3, 4, dtype=np.float64, seed=1, **options)
    p = {
        short: getattr(layer, f"{long}_l0").value
        for short, long in (
            ("wi", "weight_ih"), ("wh", "weight_hh"), ("bi", "bias_ih"), ("bh", "bias_hh"),
        )
    } | {"act": act}  # fmt: skip
    state, ys = (np.zeros((2, 4)),) * len(layer.state_names), []
    for x in X:
        state = step(state, x, p)
        ys.append(state[0])
    y, last = layer(X)
    assert y.value == pytest.approx(np.stack(ys), abs=1e-14)
    last = last if isinstance(last, tuple) else (last,)
    for ours, by_hand in zip(last, state, strict=True):
        assert ours.value[0] == pytest.approx(by_hand, abs=1e-14)


@pytest.mark.parametrize("name", KINDS)
def test_what_stands_after_the_end_of_a_sequence_does_not_matter(name):
    layer = KINDS[name](3, 4, num_layers=2, bidirectional=True, dtype=np.float64)
    spoiled = X.copy()
    spoiled[3:, 1] = 99.0
    y, last = layer(X, lengths=[5, 3])
    z, end = layer(spoiled, lengths=np.array([5, 3]))
    assert np.array_equal(y.value, z.value)
    assert not y.value[3:, 1].any()
    alone, own_end = layer(X[:3, 1:])
    assert y.value[:3, 1:] == pytest.approx(alone.value, abs=1e-14)
    for a, b, c in zip(*map(cr.tree_leaves, (last, end, own_end)), strict=True):
        assert np.array_equal(a.value, b.value)
        assert a.value[:, 1:] == pytest.approx(c.value, abs=1e-14)
    gradient = cr.grad(lambda x: cr.sum(layer(x, lengths=[5, 3])[0] ** 2))(X)
    assert not gradient[3:, 1].any()
    assert gradient[:3, 1].all()


@pytest.mark.parametrize("name", KINDS)
def test_the_state_carries_a_sequence_over_a_cut(name):
    layer = KINDS[name](3, 4, num_layers=2, dtype=np.float64)
    y, last = layer(X)
    first, state = layer(X[:2])
    second, end = layer(X[2:], state)
    assert np.concatenate([first.value, second.value]) == pytest.approx(y.value, abs=1e-14)
    for a, b in zip(cr.tree_leaves(end), cr.tree_leaves(last), strict=True):
        assert a.value == pytest.approx(b.value, abs=1e-14)


@pytest.mark.parametrize("name", KINDS)
def test_the_gradients_of_a_recurrent_layer_are_right_to_the_second_order(name):
    layer = KINDS[name](1, 2, dtype=np.float64, seed=3)
    x = RNG.normal(size=(2, 2, 1))
    report = cr.check_grads(
        lambda layer, x: cr.sum(layer(x, lengths=[2, 1])[0] ** 2), (layer, x), order=2
    )
    assert report.ok


@pytest.mark.parametrize("name", KINDS)
def test_lengths_may_be_an_argument_of_a_compiled_function(name):
    layer = KINDS[name](3, 4, bidirectional=True, dtype=np.float64)
    run = cr.compile(lambda x, lengths: layer(x, lengths=lengths)[0])
    for lengths in ([5, 3], [2, 4]):
        expected = layer(X, lengths=lengths)[0].value
        np.testing.assert_allclose(run(X, np.array(lengths)), expected, rtol=1e-9)
    assert len(run.versions) == 1
    with pytest.raises(cr.ShapeError, match="each of 2 sequences"):
        run(X, np.array([5.0, 3.0]))


@pytest.mark.parametrize("name", KINDS)
def test_the_loop_over_time_is_one_op_and_the_input_s_product_is_outside(name):
    graph = cr.capture(lambda x: KINDS[name](3, 4)(x)[0], X)
    ops = [str(n.op) for n in graph.order]
    assert ops.count("scan") == 1
    assert ops.count("linear") == 1
    (scan,) = (n.op for n in graph.order if str(n.op) == "scan")
    assert [str(n.op) for n in scan.body.order].count("linear") == 1


@pytest.mark.parametrize("name", KINDS)
def test_a_recurrent_layer_is_a_pytree_of_its_weights(name):
    layer = KINDS[name](3, 4, num_layers=2, bidirectional=True)
    leaves, structure = cr.tree_flatten(layer)
    assert sorted(map(id, leaves)) == sorted(map(id, layer.parameters()))
    again = cr.tree_unflatten(structure, leaves)
    assert list(again.state_dict()) == list(layer.state_dict())
    changed = layer.replace(weight_ih_l0=layer.weight_ih_l0 * 2)
    assert changed.weight_ih_l0.value == pytest.approx(2 * layer.weight_ih_l0.value)
    assert changed.weight_hh_l0 is layer.weight_hh_l0


@pytest.mark.parametrize("name", KINDS)
def test_two_unseeded_layers_of_a_network_differ_and_a_program_gives_the_same_bits(name):
    def network():
        return nn.Sequential(KINDS[name](3, 3), lambda made: made[0], KINDS[name](3, 3))

    first, _, second = network()
    assert not np.array_equal(first.weight_ih_l0.value, second.weight_ih_l0.value)
    assert all(np.array_equal(a, b) for a, b in zip(
        network().state_dict().values(), network().state_dict().values(), strict=True
    ))  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_a_recurrent_layer_keeps_float32(name):
    y, last = KINDS[name](3, 4)(X.astype(np.float32), lengths=[5, 2])
    assert {v.dtype for v in (y, *cr.tree_leaves(last))} == {np.dtype(np.float32)}


def test_dropout_between_layers_is_of_training_only():
    layer = nn.GRU(3, 4, num_layers=2, dropout=0.5, dtype=np.float64)
    plain, _ = layer(X)
    assert np.array_equal(plain.value, layer(X)[0].value)
    dropped, _ = layer(X, training=True, rng=1)
    assert np.array_equal(dropped.value, layer(X, training=True, rng=1)[0].value)
    assert not np.allclose(dropped.value, plain.value)
    (by_apply, _), _ = nn.apply(layer, X, training=True, rng=1)
    assert not np.allclose(by_apply.value, plain.value)


# ------------------------------------------------------------------ what they learn


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_a_gated_network_learns_to_remember_the_first_of_its_inputs(name):
    x = np.random.default_rng(1).normal(size=(256, 6, 1))
    model = nn.Sequential(
        KINDS[name](1, 8, batch_first=True), lambda made: made[0][:, -1], nn.Linear(8, 2)
    )
    history = cr.fit(
        model, x, (x[:, 0, 0] > 0).astype(int), loss="cross_entropy", metrics="accuracy",
        optimizer=optim.Adam(0.03), epochs=40,
    )  # fmt: skip
    assert history.last["accuracy"] > 0.95
    assert set(history.last["gradient_norms"]) == {"0", "2"}


# ------------------------------------------------------------------ what is refused

REFUSED = {
    "features": (lambda: nn.RNN(3, 4)(X[..., :2]), cr.ShapeError, r"RNN: x of .*\(T, N, 3\)"),
    "batch first": (
        lambda: nn.GRU(3, 4, batch_first=True)(X[..., :2]), cr.ShapeError, r"\(N, T, 3\)",
    ),
    "state": (
        lambda: nn.RNN(3, 4)(X, np.zeros((1, 2, 5))), cr.ShapeError,
        r"h0 of shape \(1, 2, 5\); it must be \(1, 2, 4\)",
    ),
    "half a state": (
        lambda: nn.LSTM(3, 4)(X, np.zeros((1, 2, 4))), cr.UsageError, r"LSTM: .*\(h0, c0\)",
    ),
    "lengths": (lambda: nn.RNN(3, 4)(X, lengths=[1]), cr.ShapeError, "each of 2 sequences"),
    "lengths of floats": (lambda: nn.RNN(3, 4)(X, lengths=[1.0, 2.0]), cr.ShapeError, "float64"),
    "too long": (lambda: nn.RNN(3, 4)(X, lengths=[9, 2]), cr.DataError, "have 5 steps"),
    "negative": (lambda: nn.RNN(3, 4)(X, lengths=[5, -2]), cr.DataError, "from -2 to 5"),
    "sizes": (lambda: nn.LSTM(0, 4), cr.UsageError, "LSTM: input_size=0"),
    "dropout": (lambda: nn.LSTM(1, 4, dropout=2), cr.UsageError, "dropout=2"),
    "nonlinearity": (lambda: nn.RNN(1, 4, nonlinearity="sin"), cr.UsageError, "tanh, relu, iden"),
    "dtype": (lambda: nn.GRU(1, 4, dtype=int), cr.DTypeError, "GRU: dtype"),
    "training without rng": (
        lambda: nn.GRU(3, 4, 2, dropout=0.1)(X, training=True), cr.UsageError, "give rng=",
    ),
    "a state dict of another size": (
        lambda: nn.RNN(3, 4).load_state_dict(nn.RNN(3, 5).state_dict()), cr.ShapeError, "weight_ih",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_in_words(name):
    call, error, words = REFUSED[name]
    with refused(error, words):
        call()
