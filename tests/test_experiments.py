"""What the experiments claim of deep networks, small: each claim can fail."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from runpy import run_path
from xml.etree import ElementTree

import numpy as np
import programs
import pytest

import chainrule as cr

program = partial(programs.program, "experiments")
FOLDER = programs.EXAMPLES / "experiments"
NAMES = sorted(p.stem for p in FOLDER.glob("[a-z]*.py") if p.stem != "experiment")
QUICK = ("descent", "perceptron", "slow_start")  # under two seconds, as they are
PAGE = Path(__file__).parent.parent / "docs" / "experiments.md"


# ------------------------------------------------------------------ 1: vanishing

# What a layer hands back is at most this much of what it got: the activation's slope times the
# length of the weights.
BOUNDS = {"sigmoid": 0.25, "tanh": 1.0, "tanh, halved weights": 0.5, "ReLU": np.sqrt(2.0)}


@pytest.mark.parametrize("case", BOUNDS)
def test_a_layer_hands_back_at_most_its_slope_times_its_weights(case):
    vanishing = program("vanishing")
    g = vanishing.gradients(vanishing.network(*vanishing.CASES[case]))
    assert np.all(g[:-1] <= BOUNDS[case] * g[1:] * (1 + 1e-4))


def test_a_gradient_vanishes_in_20_sigmoid_layers_and_not_in_20_of_relu_or_tanh():
    vanishing = program("vanishing")
    kept = {}
    for case, made in vanishing.CASES.items():
        g = vanishing.gradients(vanishing.network(*made))
        kept[case] = g[0] / g[-1]
    assert kept["sigmoid"] < 0.25**20
    assert kept["tanh, halved weights"] < 0.5**20
    assert 0.3 < kept["tanh"] <= 1
    assert 0.3 < kept["ReLU"] < 3


@pytest.mark.parametrize(("case", "low", "high"), [("sigmoid", 0.4, 0.6), ("ReLU", 0.85, 1.0)])
def test_ten_layers_of_relu_learn_what_ten_of_sigmoid_do_not(case, low, high):
    vanishing = program("vanishing")
    model = vanishing.network(*vanishing.CASES[case], depth=10)
    history = cr.fit(model, vanishing.X, vanishing.Y, vanishing.LOSS, cr.optim.SGD(lr=0.1),
                     epochs=12, metrics="accuracy")  # fmt: skip
    assert low <= history.accuracy[-1] <= high


# ------------------------------------------------------------------ 2: saturation


def test_the_larger_the_weights_the_flatter_the_units_and_the_slower_the_learning():
    saturation = program("saturation")
    found = np.array([saturation.measured(factor, epochs=60) for factor in (1, 10, 100)])
    size, slope, flat, loss, _ = found.T
    assert np.all(np.diff(size) > 0)
    assert np.all(np.diff(slope) < 0)
    assert np.all(np.diff(flat) > 0)
    assert flat[0] == 0.0
    assert flat[-1] > 0.9
    assert loss[-1] > 2 * loss[0]


# ------------------------------------------------------------------ 3: dying ReLUs


@pytest.mark.parametrize("case", ["ReLU, a large step", "ReLU, a bad bias"])
def test_a_dead_relu_stays_dead(case):
    dying = program("dying")
    _, dead, losses = dying.trained(*dying.CASES[case], epochs=300)
    assert dead[1] > 0.5
    assert set(dead[1:]) == {dead[1]}
    assert losses[-1] > 0.005


@pytest.mark.parametrize("case", ["leaky ReLU, a large step", "leaky ReLU, a bad bias"])
def test_a_leaky_relu_comes_back(case):
    dying = program("dying")
    _, dead, losses = dying.trained(*dying.CASES[case], epochs=500)
    assert max(dead) > 0.4
    assert dead[-1] == 0.0
    assert losses[-1] < 0.001


# ------------------------------------------------------------------ 4: exploding


def test_a_gradient_that_explodes_ruins_the_network_in_one_step():
    exploding = program("exploding")
    model = exploding.network("identity", 1.1)
    norms, losses = exploding.trained(model, exploding.CLIPS["no clipping"], steps=5)
    assert norms[0] > 1e6
    assert not np.isfinite(losses[-1])


@pytest.mark.parametrize("clip", ["by value", "by norm"])
def test_clipped_the_same_network_learns(clip):
    exploding = program("exploding")
    model = exploding.network("identity", 1.1)
    norms, losses = exploding.trained(model, exploding.CLIPS[clip], steps=40)
    assert norms[0] > 1e6
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.4 < 1e5 < losses[0]


def test_with_shorter_weights_nothing_explodes():
    exploding = program("exploding")
    model = exploding.network("identity", 0.9)
    norms, losses = exploding.trained(model, exploding.CLIPS["no clipping"], steps=5)
    assert max(norms) < 10
    assert np.isfinite(losses).all()


# ------------------------------------------------------------------ 5: memory


@pytest.mark.parametrize("case", ["RNN", "LSTM", "GRU that keeps"])
def test_the_parts_of_the_time_steps_add_up_to_the_gradient(case):
    memory = program("memory")
    model, (x, y) = memory.network(*memory.CASES[case]), memory.sequences(16, seed=3, time=12)
    whole = cr.grad(lambda model: memory.LOSS(model(x), y))(model)[0].named_parameters()
    parts = [part.named_parameters() for part in memory.parts(model, x, y)]
    for name, g in whole.items():
        assert sum(p[name].value for p in parts) == pytest.approx(g.value, rel=1e-4, abs=1e-7)


def test_only_gates_that_keep_leave_the_first_of_30_inputs_a_share():
    memory = program("memory")
    data = memory.sequences(64, seed=0)
    share = {name: memory.shares(memory.network(*case), *data)[0]
             for name, case in memory.CASES.items()}  # fmt: skip
    assert share["RNN"] < 1e-5
    assert share["RNN"] < share["GRU"] < share["LSTM"] < 1e-3
    assert min(share["LSTM that keeps"], share["GRU that keeps"]) > 0.02


@pytest.mark.parametrize(("case", "low", "high"), [("RNN", 0.3, 0.7), ("LSTM that keeps", 0.95, 1)])
def test_the_lstm_learns_to_remember_what_the_rnn_cannot(case, low, high):
    memory = program("memory")
    model, data = memory.network(*memory.CASES[case]), memory.sequences(1024, seed=0)
    history = cr.fit(model, *data, memory.LOSS, cr.optim.Adam(lr=0.01), epochs=5, batch_size=64,
                     validation=memory.sequences(256, seed=1), metrics="accuracy")  # fmt: skip
    assert low <= history.val_accuracy[-1] <= high


# ------------------------------------------------------------------ 6: quadratic, cross-entropy


@pytest.mark.parametrize("where", ["nearly right", "surely wrong"])
def test_the_quadratic_gradient_is_that_of_the_cross_entropy_times_the_slope(where):
    slow = program("slow_start")
    p = np.array(slow.STARTS[where])
    a = float(slow.answer(p))
    expected = cr.grad(slow.cross_entropy)(p) * a * (1 - a)
    assert cr.grad(slow.quadratic)(p) == pytest.approx(expected, rel=1e-9)


def test_a_neuron_that_is_surely_wrong_starts_slowly_on_the_quadratic_cost_alone():
    slow = program("slow_start")
    steps = {
        (cost.__name__, where): slow.until(slow.learned(cost, start), 0.5)
        for cost in (slow.quadratic, slow.cross_entropy) for where, start in slow.STARTS.items()
    }  # fmt: skip
    assert steps["quadratic", "nearly right"] == steps["cross_entropy", "nearly right"] == 0
    assert steps["cross_entropy", "surely wrong"] < 5
    assert 100 < steps["quadratic", "surely wrong"] < 300


# ------------------------------------------------------------------ 7: the perceptron


def test_the_perceptron_stops_where_a_line_parts_the_points_and_nowhere_else():
    perceptron = program("perceptron")
    passes = {name: perceptron.by_rule(*data) for name, data in perceptron.DATA.items()}
    assert passes["two clouds"][-1] == 0
    assert len(passes["two clouds"]) < perceptron.PASSES
    assert [len(passes[k]) for k in ("moons", "XOR")] == [perceptron.PASSES] * 2
    assert 0 not in passes["moons"]


def test_on_xor_a_line_fails_and_backpropagation_through_hidden_units_does_not():
    perceptron = program("perceptron")
    rule, neuron, network = perceptron.learners(*perceptron.DATA["XOR"]).values()
    assert min(*rule, *neuron) > 40
    assert network[-1] < 10


# ------------------------------------------------------------------ 8: XOR


def test_a_linear_model_ends_at_answering_a_half_to_everything():
    xor = program("xor")
    assert xor.solved(0, starts=2) == pytest.approx(0.25, abs=1e-3)


def test_eight_hidden_units_learn_xor_from_every_start_and_two_from_most():
    xor = program("xor")
    assert np.all(xor.solved(8, starts=5) < 1e-3)
    assert np.sum(xor.solved(2, starts=6) < 0.01) >= 3
    assert np.all(xor.solved(1, starts=3) > 0.1)


# ------------------------------------------------------------------ 9: descent


def test_descent_takes_the_steps_of_the_article_and_never_goes_up():
    descent = program("descent")
    way = descent.descended(200)
    costs = [float(descent.cost(*p)) for p in way]
    assert way[1] == pytest.approx([1.947123, -3.105754, -2.947123], abs=5e-7)
    assert costs[:2] == pytest.approx([0.036165, 0.022318], abs=5e-7)
    assert np.all(np.diff(costs) < 0)
    assert costs[-1] < 3e-4


def test_with_one_example_the_path_is_a_straight_line():
    descent = program("descent")
    moved = descent.descended(200)[1:] - descent.START
    along = np.array([descent.X1, descent.X2, 1.0])
    assert moved == pytest.approx(np.outer(moved[:, 2], along), rel=1e-9)


# ------------------------------------------------------------------ the programs and their page


def sentence_of(name):
    """The sentence under an experiment's heading on the page, with # for every number."""
    text = PAGE.read_text("utf-8")
    quoted = re.search(rf"experiments/{name}\.py\n```\n\n> (.*?)\n\n", text, re.S)[1]
    return numberless(quoted.replace("\n> ", " "))


def numberless(words):
    return re.sub(r"−?\d[\d.]*(e−?\d+)?", "#", words)


def check(svg, name, sentence):
    tree = ElementTree.fromstring(svg)
    ids = [e.get("id") for e in tree.iter() if e.get("id")]
    assert len(set(ids)) == len(ids)
    assert "nan" not in svg
    assert numberless(sentence) == sentence_of(name)


@pytest.mark.parametrize("name", QUICK)
def test_a_program_makes_its_picture_and_says_what_its_page_says(name):
    seen = program(name).experiment()
    check(seen.picture.at(), name, seen.sentence)


@pytest.mark.weekly
def test_all_programs_together_say_what_the_page_says(tmp_path):
    made = subprocess.run([sys.executable, str(FOLDER), "--out", str(tmp_path)], check=True,
                          capture_output=True, text=True, encoding="utf-8").stdout  # fmt: skip
    told = made.split("\n\n")
    for name in NAMES:
        at = told.index(f"picture: {tmp_path / name}.svg")
        check((tmp_path / f"{name}.svg").read_text("utf-8"), name, told[at - 1])


def test_every_experiment_is_in_the_story_and_on_the_page():
    text = PAGE.read_text("utf-8")
    assert sorted(part.__name__ for part in run_path(str(FOLDER))["STORY"]) == NAMES
    assert [n for n in NAMES if f"examples/experiments/{n}.py" not in text] == []
    assert [n for n in NAMES if f"pictures/{n}.svg" not in text] == []
