"""A trace tells the numbers of the seed articles, printed and exact, and of any function."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule.study.paper import Paper

NEURON = {"w1": 2.0, "w2": -3.0, "b": -3.0, "x1": -1.0, "x2": -2.0}


def neuron():
    """Seed 0: a sigmoid neuron with the cost ½(1 - a)², its values named."""
    v = {k: cr.tensor(x, name=k) for k, x in NEURON.items()}
    z = (v["w1"] * v["x1"] + v["w2"] * v["x2"] + v["b"]).named("z")
    a = cr.sigmoid(z).named("a")
    cost = (0.5 * cr.square(1.0 - a)).named("C")
    return cost, [v["w1"], v["w2"], v["b"]]


@pytest.fixture(scope="module")
def paper():
    cost, parameters = neuron()
    return cr.trace(cost, wrt=parameters, digits=2, lr=1.0)


PRINTED = {"a": 0.73, "C": 0.03645}


@pytest.mark.parametrize("name", PRINTED)
def test_on_paper_the_values_are_those_the_article_prints(paper, name):
    assert paper[name].value == pytest.approx(PRINTED[name], abs=1e-15)


UPSTREAM = {"a": -0.27, "z": -0.053217, "w1": 0.053217, "w2": 0.106434, "b": -0.053217,
            "x1": -0.106434, "x2": 0.159651}  # fmt: skip


@pytest.mark.parametrize("name", UPSTREAM)
def test_on_paper_the_gradients_are_those_the_article_prints(paper, name):
    assert paper[name].upstream == pytest.approx(UPSTREAM[name], abs=1e-15)


def test_on_paper_the_local_gradient_of_the_sigmoid_is_0_1971(paper):
    (way,) = paper["a"].operands
    assert way.local == pytest.approx(0.1971, abs=1e-15)
    assert way.downstream == pytest.approx(-0.27 * 0.1971, abs=1e-15)


UPDATED = {"w1": 1.946783, "w2": -3.106434, "b": -2.946783}


@pytest.mark.parametrize("name", UPDATED)
def test_one_step_on_paper_moves_the_weights_by_the_printed_gradients(paper, name):
    assert paper.update.after[name] == pytest.approx(UPDATED[name], abs=1e-12)


def test_after_the_step_the_neuron_gives_0_79_on_paper(paper):
    (a,) = (s for s in paper.update.steps if s.name == "a")
    assert a.value == pytest.approx(0.79, abs=1e-15)


EXACT = {"w1": 1.947123, "w2": -3.105754, "b": -2.947123}


@pytest.mark.parametrize("name", EXACT)
def test_one_exact_step_gives_the_exact_weights(name):
    cost, parameters = neuron()
    update = cr.trace(cost, wrt=parameters, lr=1.0).update
    assert update.after[name] == pytest.approx(EXACT[name], abs=5e-7)
    assert update.result == pytest.approx(0.022318, abs=5e-7)
    assert {s.name: s.value for s in update.steps}["a"] == pytest.approx(0.788726, abs=5e-7)


def test_the_drift_is_paper_beside_exact(paper):
    drift = {(d.of, d.name): d for d in paper.drift}
    assert drift["value", "a"].size == pytest.approx(0.7310585786300049 - 0.73, abs=1e-15)
    assert drift["gradient", "w1"].exact == pytest.approx(0.052877, abs=5e-7)
    assert drift["value", "z"].size == 0.0


def test_an_exact_trace_has_no_drift():
    assert cr.trace(neuron()[0]).drift == ()


@pytest.mark.parametrize("said", [
    "a = sigmoid(z) = 0.73", "to z: (-0.27) · 0.1971 = -0.053217",
    "gradient of w1: 0.053217", "value of a: 0.73, exactly 0.7310586", "w1: 2 → 1.946783",
    "copies the upstream gradient to both operands", "test_trace.py",
])  # fmt: skip
def test_the_transcript_says(paper, said):
    assert said in str(paper)


def test_upstreams_that_meet_are_added_up_in_the_transcript():
    x = cr.tensor(3.0, name="x")
    assert "x: upstream 5 from u1 + 6 from u2 = 11" in str(cr.trace(x * 5.0 + cr.square(x)))


def test_a_step_is_frozen(paper):
    with pytest.raises(dataclasses.FrozenInstanceError):
        paper["a"].value = 0.5


def test_a_step_knows_the_users_line(paper):
    assert paper["a"].line.source.startswith("a = cr.sigmoid(z)")


# ------------------------------------------------------------------ tensors

rng = np.random.default_rng(3)


def layer():
    x = cr.tensor(rng.normal(size=(4, 3)), name="x")
    w = cr.tensor(rng.normal(size=(3, 2)), name="w")
    b = cr.tensor(rng.normal(size=2), name="b")
    return cr.sum(cr.tanh(x @ w + b)), {"x": x, "w": w, "b": b}


@pytest.mark.parametrize("name", ["x", "w", "b"])
def test_the_gradients_of_a_trace_are_those_of_backward(name):
    loss, leaves = layer()
    loss.backward()
    np.testing.assert_array_equal(cr.trace(loss).gradients[name], leaves[name].grad)


ELEMENTS = [("u1", (1, 1), False), ("u1", (-1, 0), False), ("w", (2, 1), True),
            ("x", (3, 0), True), ("b", (1,), True), ("u1", (2, 1), True)]  # fmt: skip


@pytest.mark.parametrize(("name", "index", "gradient"), ELEMENTS)
def test_an_elements_terms_add_up_to_it(name, index, gradient):
    found = cr.trace(layer()[0]).element(name, *index, gradient=gradient)
    total = sum(np.prod(term) for term in found.terms)
    assert total == pytest.approx(found.value, abs=1e-14)


def test_large_arrays_are_told_by_shape_and_range():
    x = cr.tensor(np.arange(100.0).reshape(10, 10), name="x")
    assert "(10, 10) from 0 to 99" in str(cr.trace(cr.sum(x * 2.0)))


# ------------------------------------------------------------------ paper

ROUNDED = {
    "a sum is written out": (cr.add, (0.123, 0.2), 0.323),
    "a product is written out": (cr.multiply, (0.73, 0.27), 0.1971),
    "a quotient is rounded": (cr.divide, (1.0, 3.0), 0.33),
    "an exponential is rounded": (cr.exp, (1.0,), 2.72),
    "a sigmoid is rounded": (cr.sigmoid, (1.0,), 0.73),
    "a maximum is written out": (cr.maximum, (0.123, 0.2), 0.2),
    "the mean of three is rounded": (cr.mean, ([1.0, 1.0, 0.0],), 0.67),
    "the mean of four is written out": (cr.mean, ([1.0, 1.0, 0.0, 0.5],), 0.625),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_on_paper(name):
    f, xs, expected = ROUNDED[name]
    assert float(f(*(Paper(x, 2) for x in xs))._value) == pytest.approx(expected, abs=1e-15)


# ------------------------------------------------------------------ mistakes

MISTAKES = {
    "no history": (lambda x: cr.trace(3.0), cr.UsageError, "does not remember"),
    "not one number": (lambda x: cr.trace(x * 2.0), cr.ScalarError, r"shape \(2,\)"),
    "not on the path": (lambda x: cr.trace(cr.sum(x), wrt=[cr.tensor(1.0)]), cr.PathError, "leaf"),
    "digits": (lambda x: cr.trace(cr.sum(x), digits=-1), cr.UsageError, "digits=-1"),
    "rate": (lambda x: cr.trace(cr.sum(x), lr=float("nan")), cr.UsageError, "finite"),
    "no such step": (lambda x: cr.trace(cr.sum(x))["q"], cr.UsageError, "no step is called 'q'"),
    "no such element": (
        lambda x: cr.trace(cr.sum(x * 2.0)).element("u1", 5), cr.AxisError, "no element"),
    "no sum of products": (
        lambda x: cr.trace(cr.sum(cr.exp(x))).element("u1", 0), cr.UsageError, "no sum"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_said_in_words(name):
    wrong, kind, words = MISTAKES[name]
    with refused(kind, words):
        wrong(cr.tensor([1.0, 2.0], name="x"))


def test_steps_are_numbered_as_in_code_and_derivations():
    x, w = cr.tensor(0.5, name="x"), cr.tensor(-2.0, name="w")
    s = cr.sin(x * w).named("s")
    loss = (cr.exp(s) + s**2).named("L")
    told = [step.name for step in cr.trace(loss).steps if not step.is_variable]
    derived = [step.of[0] for step in cr.derive(loss).section("substitution")]
    assert told == derived == ["u1", "s", "u2", "u3", "L"]
    assert all(f"{name} = " in cr.code(loss) for name in told)


def test_parameters_without_a_name_are_called_as_in_code():
    model = cr.nn.Sequential(cr.nn.Linear(2, 2), cr.nn.Tanh(), cr.nn.Linear(2, 1), seed=0)
    loss = cr.sum(model(np.ones((1, 2), np.float32)))
    told = [step.name for step in cr.trace(loss).steps if step.is_variable]
    assert told == ["w1", "b1", "w2", "b2"]
    assert all(f" {name} (" in cr.code(loss) for name in told)
