"""Optimisers against their formulas written out in NumPy, step for step."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn, optim

STEPS = 40
START = np.array([1.5, -2.0, 0.3, 4.0])
CURVATURE = np.array([1.0, 10.0, 0.1, 3.0])


def slope(w):
    """The gradient of ½Σ c w² + Σ cos w: neither constant nor zero anywhere for long."""
    return CURVATURE * w - np.sin(w)


def sgd(lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    v = 0.0

    def step(t, g, w):
        nonlocal v
        g = g + weight_decay * w
        v = momentum * v + g
        return w - lr * (g + momentum * v if nesterov else v)

    return step


def adam(lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    m = v = 0.0

    def step(t, g, w):
        nonlocal m, v
        g = g if decoupled else g + weight_decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        shrunk = w * (1 - lr * weight_decay) if decoupled else w
        return shrunk - lr * m_hat / (np.sqrt(v_hat) + eps)

    return step


def rmsprop(lr, alpha=0.99, eps=1e-8, momentum=0.0, weight_decay=0.0):
    v = b = 0.0

    def step(t, g, w):
        nonlocal v, b
        g = g + weight_decay * w
        v = alpha * v + (1 - alpha) * g**2
        b = momentum * b + g / (np.sqrt(v) + eps)
        return w - lr * b

    return step


def adagrad(lr, eps=1e-10, weight_decay=0.0):
    total = 0.0

    def step(t, g, w):
        nonlocal total
        g = g + weight_decay * w
        total = total + g**2
        return w - lr * g / (np.sqrt(total) + eps)

    return step


def by_value(low, high):
    return lambda g: np.minimum(np.maximum(g, low), high)


def by_norm(largest):
    return lambda g: g * min(1.0, largest / np.sqrt((g**2).sum()))


OPTIONS = {
    "SGD": (optim.SGD, sgd, ({"lr": 0.05}, {"lr": 0.05, "momentum": 0.9},
            {"lr": 0.05, "momentum": 0.9, "nesterov": True},
            {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.1})),
    "Adam": (optim.Adam, adam, ({"lr": 0.1}, {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3},
             {"lr": 0.1, "weight_decay": 0.2})),
    "AdamW": (optim.AdamW, lambda **k: adam(**{"weight_decay": 0.01, **k}, decoupled=True),
              ({"lr": 0.1}, {"lr": 0.1, "weight_decay": 0.5})),
    "RMSProp": (optim.RMSProp, rmsprop, ({"lr": 0.05}, {"lr": 0.05, "alpha": 0.9, "eps": 1e-2},
                {"lr": 0.02, "momentum": 0.5}, {"lr": 0.05, "weight_decay": 0.3})),
    "Adagrad": (optim.Adagrad, adagrad, ({"lr": 0.5}, {"lr": 0.5, "weight_decay": 0.2})),
}  # fmt: skip
CASES = [(name, k) for name, (_, _, choices) in OPTIONS.items() for k in range(len(choices))]
GUARDS = {
    "no guard": (None, lambda g: g),
    "by value": (optim.clip_by_value(-5, 5), by_value(-5, 5)),
    "by norm": (optim.clip_by_norm(1.0), by_norm(1.0)),
}


def trained(rule, w, gradient=slope):
    """Where `rule` leads from `w`, and the way there."""
    state, way = rule.init(w), []
    for _ in range(STEPS):
        updates, state = rule.update(gradient(w), state, w)
        w = optim.apply_updates(w, updates)
        way.append(w)
    return way


def walked(step, guard, w):
    way = []
    for t in range(1, STEPS + 1):
        w = step(t, guard(slope(w)), w)
        way.append(w)
    return way


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize(("name", "k"), CASES)
def test_every_step_is_the_formula_s(name, k, guard):
    make, formula, choices = OPTIONS[name]
    clip, clipped = GUARDS[guard]
    rule = make(**choices[k]) if clip is None else optim.chain(clip, make(**choices[k]))
    expected = np.array(walked(formula(**choices[k]), clipped, START))
    assert np.array(trained(rule, START)) == pytest.approx(expected, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_step_changes_nothing_it_was_handed(name):
    rule = OPTIONS[name][0](0.1)
    w, g = START.copy(), slope(START)
    state = rule.init(w)
    _, after = rule.update(g, state, w)
    rule.update(g, after, w)
    assert w.tolist() == START.tolist()
    assert g.tolist() == slope(START).tolist()
    assert all(not np.any(s) for s in state.slots)
    assert (state.step, after.step) == (0, 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIONS)
def test_the_dtype_of_a_parameter_stays(name, dtype):
    rule, w = OPTIONS[name][0](0.1), START.astype(dtype)
    updates, state = rule.update(w, rule.init(w), w)
    assert {updates.dtype, optim.apply_updates(w, updates).dtype} == {np.dtype(dtype)}
    assert {s.dtype for slot in state.slots for s in slot} <= {np.dtype(dtype)}


TREES = {
    "a dict": {"w": np.ones(3), "b": np.zeros(())},
    "a list": [np.ones((2, 2))],
    "a tuple in a dict": {"a": (np.ones(2), np.full(1, 3.0))},
    "a model": nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1, bias=False)),
}


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("name", OPTIONS)
def test_updates_have_the_structure_of_the_parameters(name, tree):
    rule, params = OPTIONS[name][0](0.1), TREES[tree]
    updates, _ = rule.update(params, rule.init(params), params)
    assert cr.tree_flatten(updates)[1] == cr.tree_flatten(params)[1]
    assert cr.tree_flatten(optim.apply_updates(params, updates))[1] == cr.tree_flatten(params)[1]


@pytest.mark.parametrize("name", OPTIONS)
def test_a_step_of_tensors_forgets_how_it_came_about(name):
    rule, model = OPTIONS[name][0](0.1), nn.Linear(2, 1)
    cr.sum(model(np.ones((1, 2), np.float32))).backward()
    grads = cr.tree_map(lambda p: cr.tensor(p.grad), model)
    updates, _ = rule.update(grads, rule.init(model), model)
    stepped = optim.apply_updates(model, updates)
    assert all(p.inputs == () for p in stepped.parameters())


@pytest.mark.parametrize("name", OPTIONS)
def test_one_can_differentiate_through_a_step(name):
    rule = OPTIONS[name][0](0.1)

    def after(w):
        updates, _ = rule.update(w * w, rule.init(w), w)
        return cr.sum(optim.apply_updates(w, updates))

    w, h = np.array([1.5, 0.7]), 1e-6
    steps = [np.array([h, 0.0]), np.array([0.0, h])]
    differences = [(float(after(w + s)) - float(after(w - s))) / (2 * h) for s in steps]
    assert cr.grad(after)(w) == pytest.approx(differences, rel=1e-6, abs=1e-8)


def test_a_norm_below_the_largest_is_left_alone():
    g = [np.array([0.3]), np.array([0.4])]
    clipped, _ = optim.clip_by_norm(1.0).update(g, None, None)
    assert [c.tolist() for c in clipped] == [[0.3], [0.4]]


def test_all_gradients_share_one_norm_and_keep_their_direction():
    clipped, _ = optim.clip_by_norm(1.0).update({"a": np.array([30.0]), "b": np.array(40.0)}, 0, 0)
    assert float(clipped["a"][0]) == pytest.approx(0.6)
    assert float(clipped["b"]) == pytest.approx(0.8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_zero_are_clipped_to_zero(dtype):
    (clipped,), _ = optim.clip_by_norm(1.0).update([np.zeros(3, dtype)], None, None)
    assert clipped.tolist() == [0.0, 0.0, 0.0]
    assert clipped.dtype == dtype


def test_the_global_norm_is_that_of_all_elements():
    assert float(optim.global_norm([np.array([3.0]), np.array([[4.0], [12.0]])])) == 13.0
    assert float(optim.global_norm([])) == 0.0


REFUSED = {
    "a negative rate": lambda: optim.SGD(lr=-0.1),
    "a rate that is no number": lambda: optim.Adam(lr=float("nan")),
    "a rate that is text": lambda: optim.Adam(lr="fast"),
    "momentum of 1": lambda: optim.SGD(momentum=1.0),
    "nesterov without momentum": lambda: optim.SGD(nesterov=True),
    "beta of 1": lambda: optim.Adam(betas=(0.9, 1.0)),
    "one beta": lambda: optim.Adam(betas=0.9),
    "alpha below 0": lambda: optim.RMSProp(alpha=-0.1),
    "weight decay below 0": lambda: optim.AdamW(weight_decay=-1),
    "eps below 0": lambda: optim.Adagrad(eps=-1e-8),
    "a range the wrong way round": lambda: optim.clip_by_value(5, -5),
    "a norm of 0": lambda: optim.clip_by_norm(0.0),
    "a chain of something else": lambda: optim.chain(optim.SGD(), 3),
    "gradients for other parameters": lambda: _update([np.ones(2), np.ones(2)], [np.ones(2)]),
    "a gradient of another shape": lambda: _update([np.ones(2)], [np.ones(3)]),
    "a gradient that is not there": lambda: _update([None], [np.ones(3)]),
    "integer parameters": lambda: _update([np.ones(3)], [np.ones(3, int)]),
}


def _update(grads, params):
    rule = optim.SGD()
    return rule.update(grads, rule.init(params), params)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_in_words(name):
    with pytest.raises(cr.ChainruleError) as caught:
        REFUSED[name]()
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize(
    "lr", [np.float64(0.1), lambda t: np.float64(0.1)], ids=["number", "schedule"]
)
@pytest.mark.parametrize("rule", [optim.SGD, optim.Adam, optim.RMSProp], ids=lambda r: r.__name__)
def test_a_numpy_rate_does_not_change_the_dtype_of_float32_weights(rule, lr):
    w = np.ones(2, np.float32)
    optimizer = rule(lr=lr)
    updates, _ = optimizer.update(w, optimizer.init(w), w)
    assert updates.dtype == np.float32
