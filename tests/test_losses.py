"""Losses against their definitions, their gradients against central differences."""

from __future__ import annotations

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule.nn import losses

RNG = np.random.default_rng(0)
REAL = (RNG.normal(size=(6, 3)), RNG.normal(size=(6, 3)))
SHARES = RNG.dirichlet(np.ones(3), 6)
LABELS = RNG.integers(0, 3, 6)
BITS = (RNG.random((6, 3)) > 0.5) * 1.0
OPEN = RNG.uniform(0.05, 0.95, (6, 3))


def log_softmax(z):
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def huber(delta):
    def by_hand(p, t):
        d = np.abs(p - t)
        return np.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta))

    return by_hand


# name: the loss, what it is called with, and its definition element by element
TABLE = {
    "mse": (losses.mse, {}, REAL, lambda p, t: (p - t) ** 2),
    "mse, half": (losses.mse, {"half": True}, REAL, lambda p, t: (p - t) ** 2 / 2),
    "l1": (losses.l1, {}, REAL, lambda p, t: np.abs(p - t)),
    "huber": (losses.huber, {}, REAL, huber(1.0)),
    "huber, 0.3": (losses.huber, {"delta": 0.3}, REAL, huber(0.3)),
    "cross_entropy, labels": (
        losses.cross_entropy, {}, (REAL[0], LABELS),
        lambda z, t: -np.take_along_axis(log_softmax(z), t[:, None], -1)[:, 0],
    ),
    "cross_entropy, shares": (
        losses.cross_entropy, {}, (REAL[0], SHARES), lambda z, t: -(t * log_softmax(z)).sum(-1),
    ),
    "cross_entropy, weights that do not add up to 1": (
        losses.cross_entropy, {}, (REAL[0], 3 * OPEN), lambda z, t: -(t * log_softmax(z)).sum(-1),
    ),
    "binary_cross_entropy": (
        losses.binary_cross_entropy, {}, (OPEN, BITS),
        lambda y, t: -(t * np.log(y) + (1 - t) * np.log(1 - y)),
    ),
    "binary_cross_entropy_with_logits": (
        losses.binary_cross_entropy_with_logits, {}, (REAL[0], BITS),
        lambda z, t: t * np.log1p(np.exp(-z)) + (1 - t) * np.log1p(np.exp(z)),
    ),
}  # fmt: skip
REDUCTIONS = {"mean": np.mean, "sum": np.sum, "none": lambda x: x}


def central(f, x, h=1e-5):
    """The gradient of `f` by differences, one element after the other."""
    steps = np.eye(x.size).reshape(x.size, *x.shape) * h
    return np.array([(f(x + s) - f(x - s)) / (2 * h) for s in steps]).reshape(x.shape)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_loss_is_what_its_definition_says(name, reduction):
    loss, options, (p, t), by_hand = TABLE[name]
    found = loss(p, t, reduction=reduction, **options)
    assert found == pytest.approx(REDUCTIONS[reduction](by_hand(p, t)), rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("name", TABLE)
def test_the_gradient_of_a_loss_is_its_central_difference(name):
    loss, options, (p, t), _ = TABLE[name]
    found = cr.grad(lambda p: loss(p, t, **options))(p)
    slope = central(lambda p: float(loss(p, t, **options)), p)
    assert found == pytest.approx(slope, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", TABLE)
def test_check_grads_accepts_every_loss_in_both_modes_and_orders(name):
    loss, options, (p, t), _ = TABLE[name]
    cr.check_grads(lambda p: loss(p, t, **options), (p,))


@pytest.mark.parametrize("name", TABLE)
def test_a_loss_of_tensors_traces_and_backpropagates(name):
    loss, options, (p, t), _ = TABLE[name]
    x = cr.tensor(p)
    loss(x, cr.asarray(t), **options).backward()
    assert x.grad == pytest.approx(cr.grad(lambda p: loss(p, t, **options))(p), abs=1e-15)


@pytest.mark.parametrize("name", TABLE)
def test_float32_in_is_float32_out_and_gradient(name):
    loss, options, (p, t), _ = TABLE[name]
    narrow = t.astype(np.float32) if t.dtype.kind == "f" else t
    value, gradient = cr.value_and_grad(lambda p: loss(p, narrow, **options))(p.astype(np.float32))
    assert value.dtype == gradient.dtype == np.float32


@pytest.mark.parametrize("name", TABLE)
def test_a_loss_captures_as_a_graph_with_the_same_value(name):
    loss, options, (p, t), _ = TABLE[name]
    graph = cr.capture(lambda p, t: loss(p, t, **options), p, t)
    columns = [np.arange(3)][: len(graph.inputs) - 2]  # what labels are compared with
    (found,) = graph.run([p, t, *columns])
    assert found == pytest.approx(loss(p, t, **options), abs=1e-15)


LIMITS = {
    "cross_entropy": (np.array([[1e4, -1e4, 0.0]]), np.array([1]), 2e4),
    "binary_cross_entropy_with_logits": (np.array([-1e4, 1e4]), np.array([1.0, 1.0]), 5e3),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LIMITS)
def test_a_certain_mistake_costs_much_and_stays_finite(name, dtype):
    p, t, cost = LIMITS[name]
    t = t.astype(dtype) if t.dtype.kind == "f" else t
    value, gradient = cr.value_and_grad(lambda p: losses.LOSSES[name](p, t))(p.astype(dtype))
    assert value == pytest.approx(cost, rel=1e-6)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(("dtype", "cost"), [(np.float32, 87.498), (np.float64, 100.0)])
@pytest.mark.parametrize("wrong", [0.0, 1.0])
def test_a_probability_of_0_for_what_happened_has_a_bounded_cost(dtype, cost, wrong):
    y, t = np.array([wrong], dtype), np.array([1 - wrong], dtype)
    value, gradient = cr.value_and_grad(lambda y: losses.binary_cross_entropy(y, t))(y)
    assert value == pytest.approx(cost, rel=1e-5)
    assert gradient.tolist() == [0.0]


@pytest.mark.parametrize("outside", [-0.1, 1.1])
def test_logits_in_the_place_of_probabilities_are_refused(outside):
    with pytest.raises(cr.UsageError, match="take binary_cross_entropy_with_logits"):
        losses.binary_cross_entropy(np.array([0.5, outside]), np.ones(2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("right", [0.0, 1.0])
def test_a_certain_and_right_probability_costs_nothing(dtype, right):
    y = np.array([right], dtype)
    assert float(losses.binary_cross_entropy(y, y)) == 0.0


@pytest.mark.parametrize("name", ["mse", "l1", "huber"])
def test_where_prediction_and_target_agree_loss_and_gradient_are_0(name):
    loss = losses.LOSSES[name]
    value, gradient = cr.value_and_grad(lambda p: loss(p, REAL[0]))(REAL[0])
    assert value == 0.0
    assert not gradient.any()


def test_the_gradient_of_the_cross_entropy_is_softmax_minus_target():
    found = cr.grad(lambda z: losses.cross_entropy(z, LABELS, reduction="sum"))(REAL[0])
    assert found == pytest.approx(cr.softmax(REAL[0]) - np.eye(3)[LABELS], abs=1e-14)


def test_the_target_has_a_gradient_too_where_it_is_a_tensor():
    p, t = cr.tensor(REAL[0]), cr.tensor(REAL[1])
    losses.mse(p, t).backward()
    assert t.grad == pytest.approx(-p.grad)


PLAIN = {
    "numbers": (0.73, 1.0, 0.0729),
    "lists": ([0.0, 2.0], [0.0, 0.0], 2.0),
    "an array and a list": (np.array([0.0, 2.0]), [0, 0], 2.0),
    "a tensor and a number": (cr.tensor(3.0), 1, 4.0),
    "integers on the right": (np.array([1.0, 3.0]), np.array([1, 1]), 2.0),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_loss_takes_numbers_and_lists(name):
    prediction, target, cost = PLAIN[name]
    assert float(losses.mse(prediction, target)) == pytest.approx(cost)


def test_integer_predictions_are_not_computed_in_integers():
    assert float(losses.mse(np.array([1, 2]), np.array([0.5, 2.5]))) == 0.25
    assert float(losses.l1([1, 2], [0.5, 2.5])) == 0.5


WRONG = {
    "(N, 1) and (N,)": (losses.mse, np.zeros((4, 1)), np.zeros(4), cr.ShapeError, r"\[:, 0\]"),
    "(N,) and (N, 1)": (losses.l1, np.zeros(4), np.zeros((4, 1)), cr.ShapeError, r"target\[:, 0\]"),
    "(N,) and ()": (losses.huber, np.zeros(4), np.zeros(()), cr.ShapeError, "nothing is broadcast"),
    "(N, 2) and (2,)": (losses.mse, np.zeros((4, 2)), np.zeros(2), cr.ShapeError, "broadcast"),
    "labels as floats": (
        losses.cross_entropy, np.zeros((4, 2)), np.zeros(4), cr.DTypeError, r"astype\(int\)",
    ),
    "labels (N, 1)": (
        losses.cross_entropy, np.zeros((4, 2)), np.zeros((4, 1), int), cr.ShapeError, "one integer",
    ),
    "a label too large": (
        losses.cross_entropy, np.zeros((2, 2)), np.array([0, 2]), cr.UsageError, "2 classes",
    ),
    "a label below 0": (
        losses.cross_entropy, np.zeros((2, 2)), np.array([0, -1]), cr.UsageError, "from -1",
    ),
    "integer labels of the logits' shape": (
        losses.cross_entropy, np.zeros((2, 2)), np.zeros((2, 2), int), cr.DTypeError, "astype",
    ),
    "logits that are one number": (
        losses.cross_entropy, np.float64(1.0), np.zeros((), int), cr.ShapeError, "logits",
    ),
    "text": (losses.mse, np.zeros(2), np.array(["a", "b"]), cr.DTypeError, "numbers"),
    "nothing": (losses.mse, np.zeros(2), None, cr.DTypeError, "numbers"),
    "complex": (losses.mse, np.zeros(2), np.zeros(2, complex), cr.DTypeError, "complex"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused_with_the_fix_and_the_line(name):
    loss, prediction, target, kind, words = WRONG[name]
    with refused(kind, words) as caught:
        loss(prediction, target)
    assert "test_losses.py" in str(caught.value)
    assert "loss(prediction, target)" in str(caught.value)


@pytest.mark.parametrize("delta", [0.0, -1.0, float("nan")])
def test_a_huber_delta_must_be_positive(delta):
    with pytest.raises(cr.UsageError, match="positive"):
        losses.huber(np.ones(2), np.zeros(2), delta=delta)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_an_unknown_reduction_is_refused(name):
    p = np.full((2, 2), 0.5)
    with pytest.raises(cr.UsageError, match="'mean', 'sum' or 'none'"):
        losses.LOSSES[name](p, p, reduction="average")
