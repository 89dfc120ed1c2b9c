"""The health of gradients: every planted fault is named for its layer, a healthy net for none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.study import diagnosis, health
from chainrule.train import History, Trainer

X = np.random.default_rng(0).normal(size=(200, 4))
Y = np.sin(X[:, 0]) + 0.5 * X[:, 1] * X[:, 2]
LABELS = (Y > 0).astype(int)


def mlp(widths, activation, init="glorot_uniform", seed=0, **last):
    layers = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b, init=init), activation()]
    return nn.Sequential(*layers[:-1], **{"seed": seed, **last})


def spoilt(model, place, **changes):
    """The model with the parameters of one layer changed by functions of them."""
    state = model.state_dict()
    for name, change in changes.items():
        state[f"{place}.{name}"] = change(state[f"{place}.{name}"])
    return model.load_state_dict(state)


def judged(model, target=Y, loss="mse", epochs=1, rate=0.0):
    """One word for each layer after training at this rate."""
    history = cr.fit(model, X, target, loss, cr.optim.SGD(rate), epochs)
    return health.verdicts(history.last["health"]), history.last["health"]


def test_the_first_of_twelve_sigmoid_layers_with_small_weights_vanish():
    words, rows = judged(mlp((4, *[16] * 11, 1), nn.Sigmoid, nn.init.normal(0.1)))
    assert words["0"] == words["2"] == words["4"] == "vanishing"
    assert words["22"] == words["20"] == "healthy"
    assert set(words.values()) == {"vanishing", "healthy"}
    norms = [row["norm"] for row in rows.values()]
    assert norms[0] < 1e-4 * norms[-1]


@pytest.mark.parametrize("place", ["2", "4"])
def test_a_layer_fed_with_values_a_million_times_too_large_explodes(place):
    model = mlp((4, 16, 16, 16, 1), nn.ReLU, "he_normal")
    before = str(int(place) - 2)
    grown = spoilt(model, before, weight=lambda w: 1e6 * w)
    words, _ = judged(spoilt(grown, place, weight=lambda w: 1e-6 * w))
    assert [k for k, word in words.items() if word == "exploding"] == [place]


def test_everything_explodes_where_all_weights_are_large():
    words, _ = judged(mlp((4, *[32] * 8, 1), nn.ReLU, nn.init.normal(2.0)))
    assert set(words.values()) == {"exploding"}


@pytest.mark.parametrize("place", ["0", "2", "4"])
def test_a_layer_whose_relus_never_open_is_dead(place):
    model = mlp((4, 16, 16, 16, 1), nn.ReLU, "he_normal")
    words, rows = judged(spoilt(model, place, bias=lambda b: b - 100))
    assert [k for k, word in words.items() if word == "dead"] == [place]
    assert rows[place]["dead"] == 1.0
    assert rows[place]["zero"] == 1.0


@pytest.mark.parametrize("place", ["0", "2", "4"])
@pytest.mark.parametrize("activation", [nn.Tanh, nn.Sigmoid])
def test_a_layer_with_weights_a_hundred_times_too_large_is_saturated(activation, place):
    model = mlp((4, 16, 16, 16, 1), activation)
    words, rows = judged(spoilt(model, place, weight=lambda w: 100 * w))
    assert [k for k, word in words.items() if word == "saturated"] == [place]
    assert rows[place]["saturated"] > 0.8


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU])
@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_net_raises_no_alarm(seed, activation):
    init = "he_normal" if activation in (nn.ReLU, nn.GELU) else "glorot_uniform"
    model = mlp((4, 32, 32, 1), activation, init, seed)
    history = cr.fit(model, X, Y, epochs=8, optimizer=cr.optim.Adam(0.01), seed=seed)
    words = [health.verdicts(row["health"]) for row in history]
    assert {word for row in words for word in row.values()} == {"healthy"}


@pytest.mark.parametrize("seed", range(5))
def test_a_sure_and_right_classifier_raises_no_alarm(seed):
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1), nn.Sigmoid(), seed=seed)
    side = (X[:, 0] > 0) * 1
    history = cr.fit(
        model, X, side, "binary_cross_entropy", cr.optim.Adam(0.05), 40, metrics=["accuracy"]
    )
    assert history.last["accuracy"] > 0.97
    assert set(health.verdicts(history.last["health"]).values()) == {"healthy"}


def test_a_training_that_diverges_is_not_finite():
    with pytest.warns(cr.TrainingWarning, match="diverged in epoch 1"):
        words, _ = judged(mlp((4, 16, 1), nn.ReLU), rate=1e20, epochs=3)
    assert set(words.values()) == {"not finite"}


def test_a_layer_before_a_dead_one_is_cut_off_by_it_and_does_not_vanish():
    model = mlp((4, 8, 8, 8, 1), nn.ReLU, "he_normal")
    words, _ = judged(spoilt(model, "4", bias=lambda b: b - 100))
    assert words == {
        "0": "cut off by layer 4", "2": "cut off by layer 4", "4": "dead", "6": "healthy"
    }  # fmt: skip


CUT_OFF = {  # gradients' norms from the first layer to the last, one dead → the words
    "the nearest one is named": (
        [0.0, (0.0, 1.0), 0.0, (0.0, 1.0), 1.0],
        ["cut off by layer 1", "dead", "cut off by layer 3", "dead", "healthy"],
    ),
    "what gets through does not cut off": (
        [0.0, 0.5, (0.5, 0.9), 1.0], ["vanishing", "healthy", "dead", "healthy"]
    ),
    "a small gradient is not cut off": ([1e-9, (0.5, 0.9), 1.0], ["vanishing", "dead", "healthy"]),
    "without a dead one it vanishes": ([0.0, 0.5, 1.0], ["vanishing", "healthy", "healthy"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CUT_OFF)
def test_only_a_gradient_of_exactly_0_before_a_dead_layer_is_cut_off(case):
    given, words = CUT_OFF[case]
    pairs = [n if isinstance(n, tuple) else (n, 0.0) for n in given]
    rows = {str(k): {"norm": norm, "dead": dead} for k, (norm, dead) in enumerate(pairs)}
    assert list(health.verdicts(rows).values()) == words


def dying():
    """A history whose second layer is dead."""
    model = mlp((4, 8, 8, 1), nn.ReLU, "he_normal")
    return cr.fit(spoilt(model, "2", bias=lambda b: b - 100), X, Y, epochs=1)


def test_a_history_says_which_layer_failed_and_what_to_change():
    history = dying()
    assert history.verdicts == {"0": "cut off by layer 2", "2": "dead", "4": "healthy"}
    told = str(history).splitlines()
    assert told[0] == repr(history)
    assert [w.partition(" (")[0] for w in told[1:4]] == [
        "layer 0: cut off by layer 2", "layer 2: dead", "layer 4: healthy"
    ]  # fmt: skip
    assert told[4:] == [f"layer 2 is dead: {diagnosis.REMEDIES['dead']}"]
    assert diagnosis.REMEDIES["dead"] in history._repr_html_()


def test_a_healthy_history_advises_nothing():
    history = cr.fit(mlp((4, 8, 1), nn.Tanh), X, Y, epochs=1)
    assert set(history.verdicts.values()) == {"healthy"}
    assert str(history).count("\n") == 2


def test_a_history_without_a_look_at_the_layers_has_no_verdicts():
    history = Trainer(mlp((4, 8, 1), nn.Tanh), watch=False).fit(X, Y, epochs=1)
    assert history.verdicts == {}
    assert str(history) == repr(history)


def test_the_last_look_is_the_one_that_counts():
    history = History(None)
    history.add({"epoch": 1, "loss": 1.0, "health": {"0": {"norm": 1.0}}})
    history.add({"epoch": 2, "loss": 1.0, "health": {"0": {"norm": 1e9}}})
    history.add({"epoch": 3, "loss": 1.0})
    assert history.verdicts == {"0": "exploding"}


@pytest.mark.parametrize("word", diagnosis.REMEDIES)
def test_layers_that_fail_alike_are_advised_once(word):
    rows = [{"layer": k, "verdict": word} for k in ("0", "2")]
    assert diagnosis.advice(rows) == [f"layers 0, 2 are {word}: {diagnosis.REMEDIES[word]}"]


def test_the_figures_are_those_of_the_gradients_by_hand():
    model = mlp((4, 8, 1), nn.Tanh)
    x, t = X.astype(np.float32), Y[:, None].astype(np.float32)
    gradient = cr.grad(lambda m: nn.losses.mse(m(x), t))(model).state_dict()
    history = cr.fit(model, X, Y, "mse", cr.optim.SGD(0.1), 1, 200, shuffle=False)
    row = history.last["health"]["0"]
    both = np.concatenate([gradient["0.weight"].ravel(), gradient["0.bias"]])
    state = model.state_dict()
    after = np.concatenate([state["0.weight"].ravel(), state["0.bias"]])
    assert row["norm"] == pytest.approx(np.linalg.norm(both), rel=1e-5)
    assert row["ratio"] == pytest.approx(
        0.1 * np.linalg.norm(both) / np.linalg.norm(after), rel=1e-5
    )
    assert row["zero"] == 0.0
    assert history.last["gradient_norms"]["0"] == pytest.approx(row["norm"], rel=1e-6)


def test_units_are_counted_in_networks_within_networks():
    inner = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), seed=0)
    model = nn.Sequential(inner, nn.Linear(8, 8, seed=1), nn.Tanh(), nn.Linear(8, 1, seed=2))
    found = health.units(model, X)
    assert set(found) == {"0.0", "1"}
    z = X @ inner[0].weight.value.T + inner[0].bias.value
    assert found["0.0"]["dead"] == np.mean((z <= 0).all(0))
    h = np.maximum(z, 0) @ model[1].weight.value.T
    assert found["1"]["saturated"] == np.mean(1 - np.tanh(h) ** 2 < health.FLAT)


FIGURES = {
    "healthy": ({"norm": 0.5}, 1.0),
    "vanishing": ({"norm": 0.9e-4}, 1.0),
    "not finite": ({"norm": float("nan")}, 1.0),
    "exploding": ({"norm": 1.1e4}, 1.0),
    "dead": ({"norm": 0.5, "dead": 0.51}, 1.0),
    "saturated": ({"norm": 0.5, "dead": None, "saturated": 0.51}, 1.0),
}


@pytest.mark.parametrize("word", FIGURES)
def test_a_verdict_goes_by_its_bounds(word):
    assert health.verdict(*FIGURES[word]) == word


def test_every_failure_has_a_remedy():
    assert {*diagnosis.REMEDIES, "healthy"} == set(FIGURES)


@pytest.mark.parametrize(
    "row", [{"norm": 1.1e-4}, {"norm": 9e3}, {"norm": 1.0, "dead": 0.5, "saturated": 0.5}]
)
def test_at_the_bounds_a_layer_is_still_healthy(row):
    assert health.verdict(row, 1.0) == "healthy"
