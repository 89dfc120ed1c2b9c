"""Every worked number of the seed articles 0 and 1: exact, and as printed, the rounding named.

Article 0 is a sigmoid neuron, article 1 the graph of (x + y)z; `test_seeds_networks` has 2 and 3.
"""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

import chainrule as cr
from chainrule.nn import losses

# ------------------------------------------------------------------ 0: the sigmoid neuron

NEURON = {"w1": 2.0, "w2": -3.0, "b": -3.0, "x1": -1.0, "x2": -2.0}
TARGET = 1.0


def neuron(w1, w2, b, x1, x2):
    """Every intermediate value of the article's graph, by its name."""
    parts = {"w1x1": w1 * x1, "w2x2": w2 * x2}
    parts["sum"] = parts["w1x1"] + parts["w2x2"]
    parts["z"] = parts["sum"] + b
    parts["a"] = cr.sigmoid(parts["z"])
    parts["C"] = losses.mse(parts["a"], np.asarray(TARGET), half=True)
    return parts


@pytest.fixture(scope="module")
def walked():
    """The leaves and the intermediates after one backward pass."""
    leaves = {name: cr.tensor(value, name=name) for name, value in NEURON.items()}
    parts = neuron(**leaves)
    parts["C"].backward()
    return leaves | parts


VALUES = {"w1x1": -2.0, "w2x2": 6.0, "sum": 4.0, "z": 1.0, "a": 0.7310585786300049,
          "C": 0.036164744064256626}  # fmt: skip
GRADIENTS = {"a": -0.268941, "z": -0.052877, "w1": 0.052877, "w2": 0.105754, "b": -0.052877,
             "x1": -0.105754, "x2": 0.158631, "sum": -0.052877, "w1x1": -0.052877,
             "w2x2": -0.052877, "C": 1.0}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_the_neuron_computes_every_value_of_its_graph(walked, name):
    assert float(walked[name].value) == pytest.approx(VALUES[name], abs=1e-15)


@pytest.mark.parametrize("name", GRADIENTS)
def test_the_neuron_finds_every_gradient_of_its_graph(walked, name):
    assert float(walked[name].grad) == pytest.approx(GRADIENTS[name], abs=5e-7)


def test_the_activation_prints_as_0_73(walked):
    assert f"{walked['a'].item():.2f}" == "0.73"


def test_delta_is_the_gradient_at_z_and_is_computed_once(walked):
    delta = walked["a"].grad * walked["a"].item() * (1 - walked["a"].item())
    assert walked["z"].grad == pytest.approx(delta, abs=1e-16)
    assert walked["b"].grad == walked["z"].grad
    assert walked["w1"].grad == walked["z"].grad * NEURON["x1"]
    assert walked["w2"].grad == walked["z"].grad * NEURON["x2"]


def test_the_sum_copies_its_gradient_and_the_product_switches_it(walked):
    assert walked["sum"].grad == walked["w1x1"].grad == walked["w2x2"].grad == walked["z"].grad
    assert walked["x1"].grad == walked["z"].grad * NEURON["w1"]
    assert walked["x2"].grad == walked["z"].grad * NEURON["w2"]


def test_the_local_gradient_of_the_sigmoid_is_0_196612():
    assert float(cr.grad(cr.sigmoid)(1.0)) == pytest.approx(0.196612, abs=5e-7)


# The article rounds a to 0.73 before it goes on, which gives other digits.
ROUNDED = {
    "dC/da": (lambda a: -(1 - a), -0.27),
    "da/dz": (lambda a: a * (1 - a), 0.1971),
    "dC/dw1": (lambda a: -(1 - a) * a * (1 - a) * -1, 0.053217),
    "(1 - a)²": (lambda a: (1 - a) ** 2, 0.0729),
    "C, with its half": (lambda a: (1 - a) ** 2 / 2, 0.03645),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_the_printed_figures_follow_from_a_rounded_to_two_digits(name):
    formula, printed = ROUNDED[name]
    assert formula(0.73) == pytest.approx(printed, abs=1e-12)


def test_the_sigmoid_passes_on_what_is_printed_as_0_053():
    assert f"{-0.27 * 0.1971:.3f}" == "-0.053"


def stepped(start, gradients):
    """Parameters of the neuron after one step of gradient descent at rate 1."""
    rate = cr.optim.SGD(lr=1.0)
    updates, _ = rate.update(gradients, rate.init(start), start)
    return cr.optim.apply_updates(start, updates)


PARAMETERS = ("w1", "w2", "b")


def as_parameters(values):
    return {name: np.float64(values[name]) for name in PARAMETERS}


@pytest.fixture(scope="module")
def after(walked):
    return stepped(
        as_parameters(NEURON), {name: walked[name].grad for name in PARAMETERS}
    )  # fmt: skip


AFTER = {"w1": 1.947123, "w2": -3.105754, "b": -2.947123}


@pytest.mark.parametrize("name", AFTER)
def test_one_step_at_rate_1_moves_the_parameters(after, name):
    assert after[name] == pytest.approx(AFTER[name], abs=5e-7)


def test_the_step_brings_the_activation_to_0_7887(after):
    parts = neuron(**{**NEURON, **after})
    assert parts["z"] == pytest.approx(1.317263, abs=5e-7)
    assert parts["a"] == pytest.approx(0.788726, abs=5e-7)
    assert f"{parts['a']:.4f}" == "0.7887"
    assert f"{parts['a']:.2f}" == "0.79"


def test_the_step_lowers_the_cost_from_0_036165_to_0_022318(walked, after):
    assert walked["C"].item() == pytest.approx(0.036165, abs=5e-7)
    assert float(neuron(**{**NEURON, **after})["C"]) == pytest.approx(0.022318, abs=5e-7)


def test_the_rounded_chain_ends_at_0_789066():
    delta = -0.27 * 0.1971
    rounded = stepped(as_parameters(NEURON), {"w1": -delta, "w2": -2 * delta, "b": delta})
    assert rounded["w1"] == pytest.approx(1.946783, abs=1e-9)
    assert rounded["w2"] == pytest.approx(-3.106434, abs=1e-9)
    assert rounded["b"] == pytest.approx(-2.946783, abs=1e-9)
    assert float(neuron(**{**NEURON, **rounded})["a"]) == pytest.approx(0.789066, abs=5e-7)
    assert (f"{rounded['w2']:.3f}", f"{rounded['b']:.3f}") == ("-3.106", "-2.947")


def test_the_printed_w1_of_1_94_is_cut_off_and_not_rounded(after):
    assert int(after["w1"] * 100) / 100 == int(1.946783 * 100) / 100 == 1.94
    assert round(after["w1"], 2) == 1.95


def test_the_printed_loss_lacks_the_half_that_its_gradient_has():
    a, y = np.array([0.73]), np.array([1.0])
    assert float(losses.mse(a, y)) == pytest.approx(0.0729)
    assert float(losses.mse(a, y, half=True)) == pytest.approx(0.03645)
    assert cr.grad(lambda p: losses.mse(p, y, half=True))(a) == pytest.approx(-0.27)
    assert cr.grad(lambda p: losses.mse(p, y))(a) == pytest.approx(-0.54)


GRID = np.linspace(-8.0, 8.0, 1601)


def test_tanh_is_a_scaled_sigmoid():
    assert cr.tanh(GRID) == pytest.approx(2 * cr.sigmoid(2 * GRID) - 1, abs=1e-15)


def local(f):
    return cr.grad(lambda x: cr.sum(f(x)))(GRID)


def test_the_sigmoid_passes_a_quarter_at_most():
    assert local(cr.sigmoid).max() == 0.25
    assert GRID[local(cr.sigmoid).argmax()] == 0.0


def test_tanh_passes_1_at_most_and_relu_1_or_nothing():
    assert local(cr.tanh).max() == 1.0
    assert set(np.unique(local(cr.relu))) == {0.0, 1.0}


def test_the_slope_of_a_leaky_relu_is_a_small_positive_constant():
    assert set(np.unique(local(cr.leaky_relu)[GRID != 0])) == {0.01, 1.0}


@pytest.mark.parametrize("depth", [1, 5, 20])
def test_a_chain_of_sigmoids_passes_at_most_a_quarter_to_the_power_of_its_depth(depth):
    def deep(x):
        for _ in range(depth):
            x = cr.sigmoid(x)
        return x

    assert 0 < float(cr.grad(deep)(0.0)) <= 0.25**depth


def test_gradients_are_clipped_to_5_either_way():
    guard = cr.optim.clip_by_value(-5, 5)
    clipped, _ = guard.update([np.array([-9.0, 2.0, 5.5])], None, None)
    assert clipped[0].tolist() == [-5.0, 2.0, 5.0]


def test_a_shared_weight_adds_up_the_gradients_of_all_time_steps():
    xs, targets = np.array([0.5, -1.0, 2.0]), np.array([0.1, 0.2, -0.3])

    def cost(w, u):
        def step(h, at):
            h = cr.tanh(w * h + u * at[0])
            return h, 0.5 * (h - at[1]) ** 2

        return cr.sum(cr.scan(step, 0.0, (xs, targets))[1])

    def by_hand(w, u):
        h, dw, du, total_w, total_u = 0.0, 0.0, 0.0, 0.0, 0.0
        for x, t in zip(xs, targets, strict=True):
            before, h = h, np.tanh(w * h + u * x)
            dw, du = (1 - h * h) * (before + w * dw), (1 - h * h) * (x + w * du)
            total_w, total_u = total_w + (h - t) * dw, total_u + (h - t) * du
        return total_w, total_u

    assert cr.grad(cost, (0, 1))(0.7, -0.4) == pytest.approx(by_hand(0.7, -0.4), abs=1e-15)


# ------------------------------------------------------------------ 1: (x + y) z

TRIPLES = [(-2.0, 5.0, -4.0), (0.0, 0.0, 0.0), (1e-3, 7.0, 2.5), (3.0, -3.0, 1e6), (1, 2, 3)]


@pytest.mark.parametrize("triple", TRIPLES)
def test_every_node_of_the_product_multiplies_upstream_by_local(triple):
    x, y, z = (cr.tensor(v) for v in triple)
    q = x + y
    loss = q * z
    loss.backward()
    upstream, local_q, local_z = 1.0, z.item(), q.item()
    assert loss.item() == (triple[0] + triple[1]) * triple[2]
    assert (q.grad, z.grad) == (upstream * local_q, upstream * local_z)
    assert (x.grad, y.grad) == (q.grad * 1, q.grad * 1)


def test_gradients_that_arrive_from_several_sides_are_added():
    x = cr.tensor(3.0)
    (x * 2.0 + cr.sin(x) + x * x).backward()
    assert float(x.grad) == pytest.approx(2.0 + np.cos(3.0) + 6.0, abs=1e-15)


@pytest.mark.parametrize("factors", [(2.0, 3.0), (2.0, -3.0, 4.0, 0.5), (1.5, 0.0, -2.0, 3.0, 1.0)])
def test_the_local_gradient_of_a_product_is_the_product_of_the_others(factors):
    others = [prod(f for j, f in enumerate(factors) if j != k) for k in range(len(factors))]
    assert cr.grad(lambda v: cr.prod(v))(np.array(factors)).tolist() == pytest.approx(others)
    assert cr.grad(lambda v: prod(v))(np.array(factors)).tolist() == pytest.approx(others)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_local_gradients_of_a_sum_are_all_1(count):
    gradient = cr.grad(lambda v: sum(v[k] for k in range(count)))(np.arange(count) * 1.0)
    assert gradient.tolist() == [1.0] * count
