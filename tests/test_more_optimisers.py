"""The further optimisers against formulas in NumPy; L-BFGS, decay, accumulation, groups."""

from __future__ import annotations

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule import nn, optim
from chainrule.optim.search import C1, C2, Point, strong_wolfe

STEPS = 40
START = np.array([1.5, -2.0, 0.3, 4.0])
CURVATURE = np.array([1.0, 10.0, 0.1, 3.0])


def slope(w):
    return CURVATURE * w - cr.sin(w)


def nadam(g, w, t, m, lr, betas=(0.9, 0.999), eps=1e-8, decay=0.0, psi=4e-3, apart=False):
    b1, b2 = betas
    g = g if apart else g + decay * w
    m["m"], m["v"] = b1 * m["m"] + (1 - b1) * g, b2 * m["v"] + (1 - b2) * g**2
    mu = [b1 * (1 - 0.96 ** (k * psi) / 2) for k in range(t + 2)]
    so_far, ahead = np.prod(mu[1 : t + 1]), np.prod(mu[1 : t + 2])
    mean = mu[t + 1] * m["m"] / (1 - ahead) + (1 - mu[t]) * g / (1 - so_far)
    shrunk = w * (1 - lr * decay) if apart else w
    return shrunk - lr * mean / (np.sqrt(m["v"] / (1 - b2**t)) + eps)


def radam(g, w, t, m, lr, betas=(0.9, 0.999), eps=1e-8, decay=0.0, apart=False):
    b1, b2 = betas
    g = g if apart else g + decay * w
    m["m"], m["v"] = b1 * m["m"] + (1 - b1) * g, b2 * m["v"] + (1 - b2) * g**2
    shrunk = w * (1 - lr * decay) if apart else w
    mean, most = m["m"] / (1 - b1**t), 2 / (1 - b2) - 1
    rho = most - 2 * t * b2**t / (1 - b2**t)
    if rho <= 5:
        return shrunk - lr * mean
    r = np.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
    return shrunk - lr * mean * r * np.sqrt(1 - b2**t) / (np.sqrt(m["v"]) + eps)


def lion(g, w, t, m, lr, betas=(0.9, 0.99), decay=0.0):
    c = betas[0] * m["m"] + (1 - betas[0]) * g
    m["m"] = betas[1] * m["m"] + (1 - betas[1]) * g
    return w - lr * (np.sign(c) + decay * w)


def amsgrad(g, w, t, m, lr, b1=0.9, b2=0.6):
    m["m"], m["v"] = b1 * m["m"] + (1 - b1) * g, b2 * m["v"] + (1 - b2) * g**2
    m["x"] = np.maximum(m["x"], m["v"])
    return w - lr * m["m"] / (1 - b1**t) / (np.sqrt(m["x"] / (1 - b2**t)) + 1e-8)


def centered(g, w, t, m, lr, alpha=0.9):
    m["m"], m["v"] = alpha * m["m"] + (1 - alpha) * g, alpha * m["v"] + (1 - alpha) * g**2
    return w - lr * g / (np.sqrt(m["v"] - m["m"] ** 2) + 1e-3)


def fading(g, w, t, m, lr, fade=0.1):
    m["v"] = (m["v"] if t > 1 else m["v"] + 2.0) + g**2
    return w - lr / (1 + (t - 1) * fade) * g / (np.sqrt(m["v"]) + 1e-10)


APART = {"weight_decay": 0.2, "decoupled_weight_decay": True}
CASES = {
    "NAdam": (optim.NAdam(0.1), lambda *a: nadam(*a, 0.1)),
    "NAdam, decay": (optim.NAdam(0.1, (0.5, 0.9), 1e-3, 0.2, 0.1),
                     lambda *a: nadam(*a, 0.1, (0.5, 0.9), 1e-3, 0.2, 0.1)),
    "NAdam, decoupled": (optim.NAdam(0.1, **APART),
                         lambda *a: nadam(*a, 0.1, decay=0.2, apart=True)),
    "RAdam": (optim.RAdam(0.1), lambda *a: radam(*a, 0.1)),
    "RAdam, decay": (optim.RAdam(0.1, (0.5, 0.9), 1e-3, 0.2),
                     lambda *a: radam(*a, 0.1, (0.5, 0.9), 1e-3, 0.2)),
    "RAdam, decoupled": (optim.RAdam(0.1, **APART),
                         lambda *a: radam(*a, 0.1, decay=0.2, apart=True)),
    "RAdam that never sees enough": (optim.RAdam(0.01, (0.9, 0.6)),
                                     lambda *a: radam(*a, 0.01, (0.9, 0.6))),
    "Lion": (optim.Lion(0.1), lambda *a: lion(*a, 0.1)),
    "Lion, decay": (optim.Lion(0.1, (0.5, 0.9), 0.3), lambda *a: lion(*a, 0.1, (0.5, 0.9), 0.3)),
    "Adam, amsgrad": (optim.Adam(0.1, (0.9, 0.6), amsgrad=True), lambda *a: amsgrad(*a, 0.1)),
    "RMSProp, centered": (optim.RMSProp(0.05, 0.9, 1e-3, centered=True),
                          lambda *a: centered(*a, 0.05)),
    "Adagrad, fading": (optim.Adagrad(0.5, lr_decay=0.1, initial_accumulator_value=2.0),
                        lambda *a: fading(*a, 0.5)),
}  # fmt: skip


def trained(rule, w=START, steps=STEPS, gradient=slope):
    state, way = rule.init(w), []
    for _ in range(steps):
        updates, state = rule.update(gradient(w), state, w)
        w = optim.apply_updates(w, updates)
        way.append(w)
    return way


@pytest.mark.parametrize("name", CASES)
def test_every_step_is_the_formula_s(name):
    rule, formula = CASES[name]
    w, memory, way = START, dict.fromkeys("mvx", 0.0), []
    for t in range(1, STEPS + 1):
        w = formula(slope(w), w, t, memory)
        way.append(w)
    np.testing.assert_allclose(trained(rule), way, rtol=1e-10, atol=1e-11)


EVERY = {
    **{name: rule for name, (rule, _) in CASES.items()},
    "SGD": optim.SGD(0.1, 0.9), "Adam": optim.Adam(0.1), "AdamW": optim.AdamW(0.1),
    "RMSProp": optim.RMSProp(0.1, momentum=0.5), "Adagrad": optim.Adagrad(0.1),
    "weight decay": optim.chain(optim.weight_decay(0.1), optim.SGD(0.1)),
    "accumulate": optim.accumulate(optim.Adam(0.1), 2),
    "plateau": optim.chain(optim.SGD(0.1), optim.reduce_on_plateau()),
    "groups": optim.groups({"*": optim.Adam(0.1)}),
}  # fmt: skip


@pytest.mark.parametrize("name", EVERY)
def test_float32_stays_float32(name):
    way = trained(EVERY[name], START.astype(np.float32), 8, lambda w: w)
    assert {w.dtype for w in way} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", [*CASES, "SGD", "Adam", "AdamW", "RMSProp", "Adagrad"])
def test_a_state_that_was_stored_as_arrays_goes_on_the_same(name):
    rule, w = EVERY[name], START.astype(np.float32)
    _, state = rule.update(w, rule.init(w), w)
    stored = cr.tree_map(lambda x: np.asarray(x)[()], state)
    here, there = rule.update(w, state, w)[0], rule.update(w, stored, w)[0]
    assert here.tolist() == there.tolist()
    assert there.dtype == np.float32


@pytest.mark.parametrize("name", EVERY)
def test_a_step_changes_nothing_it_was_handed(name):
    rule, w, g = EVERY[name], START.copy(), slope(START)
    state = rule.init(w)
    _, middle = rule.update(g, state, w)
    shown = repr((state, middle))
    first = rule.update(g, middle, w)
    again = rule.update(g, middle, w)
    assert repr((state, middle)) == shown
    assert repr(first) == repr(again)
    assert w.tolist() == START.tolist()


@pytest.mark.parametrize("name", EVERY)
def test_a_model_of_tensors_can_be_trained_and_forgets_how(name):
    model, rule = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), EVERY[name]
    x = np.ones((1, 2), np.float32)
    objective = cr.value_and_grad(lambda m: cr.sum(m(x) ** 2))
    state, losses = rule.init(model), []
    for _ in range(5):
        found = rule.step(objective, state, model)
        model, state = optim.apply_updates(model, found.updates), found.state
        losses.append(float(found.loss))
    assert all(p.inputs == () for p in model.parameters())
    assert min(losses[1:]) < losses[0]


@pytest.mark.parametrize("name", EVERY)
def test_it_takes_the_same_steps_inside_a_scan(name):
    rule = EVERY[name]

    def body(carry, _):
        w, state = carry
        updates, state = rule.update(slope(w), state, w)
        return (optim.apply_updates(w, updates), state), w

    (found, _), _ = cr.scan(body, (START, rule.init(START)), None, length=9)
    np.testing.assert_allclose(found, trained(rule, START, 9)[-1], rtol=1e-9)


@pytest.mark.parametrize("name", EVERY)
def test_three_steps_have_a_gradient_with_respect_to_the_start(name):
    def after(w):
        return cr.sum(trained(EVERY[name], w, 3)[-1] ** 2)

    assert cr.grad(after)(START) == pytest.approx(differences(after, START), rel=1e-5, abs=1e-6)


RATED = {
    "SGD": lambda lr: optim.SGD(lr, 0.9, nesterov=True), "Adam": optim.Adam, "AdamW": optim.AdamW,
    "NAdam": lambda lr: optim.NAdam(lr, **APART), "RAdam": lambda lr: optim.RAdam(lr, (0.9, 0.9)),
    "Lion": lambda lr: optim.Lion(lr, weight_decay=0.1), "RMSProp": optim.RMSProp,
    "Adagrad": optim.Adagrad,
    "accumulate": lambda lr: optim.accumulate(optim.SGD(lr), 2),
    "groups": lambda lr: optim.groups({"*": optim.Adam(lr)}),
    "plateau": lambda lr: optim.chain(optim.SGD(lr), optim.reduce_on_plateau()),
}  # fmt: skip


@pytest.mark.parametrize("name", RATED)
def test_three_steps_have_a_gradient_with_respect_to_the_rate(name):
    def after(lr):
        return cr.sum(trained(RATED[name](lr[0]), START, 3)[-1] ** 2)

    lr = np.array([0.05])
    assert cr.grad(after)(lr) == pytest.approx(differences(after, lr), rel=1e-5)


def differences(f, x, h=1e-6):
    steps = np.eye(x.size).reshape(x.size, *x.shape) * h
    return np.array([(float(f(x + s)) - float(f(x - s))) / (2 * h) for s in steps])


def test_a_rule_of_one_s_own_states_what_it_keeps_and_what_it_does():
    class Slowing(optim.Rule):
        slots = 1

        def rule(self, t, g, w, total):
            return (-g / t, total + g)

    way, rule = trained(Slowing(), np.zeros(1), 3, lambda w: np.ones(1)), Slowing()
    assert [float(w[0]) for w in way] == pytest.approx([-1, -1.5, -1.5 - 1 / 3])
    assert rule.update(np.ones(1), rule.init(np.ones(1)), np.ones(1))[1].slots[0][0] == 1.0


# L-BFGS


def bowl(w):
    return cr.sum(CURVATURE * w * w) / 2 + cr.sum(cr.cos(w))


def minimised(loss, w, steps=5, **options):
    rule, objective = optim.LBFGS(**options), cr.value_and_grad(loss)
    state = rule.init(w)
    for _ in range(steps):
        found = rule.step(objective, state, w)
        w, state = optim.apply_updates(w, found.updates), found.state
    return w, state, found


def test_lbfgs_finds_where_the_gradient_is_zero():
    w, state, _ = minimised(bowl, START, tolerance_change=1e-15)
    assert np.abs(slope(w)).max() < 1e-6
    assert state.step == 5
    assert state.iterations < 60


def test_lbfgs_solves_a_quadratic_of_n_variables_in_about_n_iterations():
    a = np.diag(CURVATURE) + 0.05
    w, state, _ = minimised(lambda w: cr.vecdot(w, cr.matmul(a, w)), START, tolerance_change=1e-15)
    assert np.abs(w).max() < 1e-6
    assert state.iterations < 20


def test_lbfgs_keeps_no_more_pairs_than_it_was_told():
    _, state, _ = minimised(bowl, START, 2, max_iter=5, history_size=2)
    assert len(state.pairs) == 2


def test_lbfgs_keeps_float32_and_the_shapes_of_all_parameters():
    w = {"a": np.full((2, 2), 3, np.float32), "b": np.float32(2).reshape(()), "c": np.ones(1, "f4")}
    found, _, _ = minimised(
        lambda w: cr.sum(w["a"] ** 2) + (w["b"] - 1) ** 2 + cr.sum(cr.exp(w["c"])), w, 1, max_iter=3
    )
    assert {k: (v.shape, v.dtype) for k, v in found.items()} == {
        k: (v.shape, v.dtype) for k, v in w.items()
    }


def test_lbfgs_trains_a_model_and_forgets_how():
    x = np.linspace(-1, 1, 16, dtype=np.float32)[:, None]
    model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    model, _, found = minimised(lambda m: nn.losses.mse(m(x), x**2), model, 6)
    assert float(found.loss) < 1e-3
    assert all(p.inputs == () for p in model.parameters())


def test_lbfgs_says_that_it_cannot_be_traced():
    def body(w, _):
        found = optim.LBFGS().step(cr.value_and_grad(bowl), optim.LBFGS().init(w), w)
        return optim.apply_updates(w, found.updates), None

    with pytest.raises(cr.ChainruleError) as caught:
        cr.scan(body, START, None, length=2)
    assert isinstance(caught.value, TypeError)


def test_lbfgs_stays_where_the_gradient_is_zero():
    w, state, found = minimised(lambda w: cr.sum(w * w), np.zeros(2))
    assert w.tolist() == [0.0, 0.0]
    assert (state.iterations, float(found.loss)) == (0, 0.0)


def test_one_can_differentiate_through_a_search():
    def after(w):
        rule = optim.LBFGS(max_iter=2)
        updates = rule.step(cr.value_and_grad(bowl), rule.init(w), w).updates
        return cr.sum(optim.apply_updates(w, updates) ** 2)

    assert cr.grad(after)(START) == pytest.approx(differences(after, START), rel=1e-4, abs=1e-6)


# the loss along a line, its slope
LINES = {
    "a parabola": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "far away": (lambda t: (t - 500) ** 2, lambda t: 2 * (t - 500)),
    "close by": (lambda t: (t - 1e-3) ** 2, lambda t: 2 * (t - 1e-3)),
    "a wave": (lambda t: np.sin(t) - 0.3 * t, lambda t: np.cos(t) - 0.3 - 2 * (t == 0)),
    "a wall": (lambda t: np.exp(5 * t) - 20 * t, lambda t: 5 * np.exp(5 * t) - 20),
    "a corner": (lambda t: abs(t - 0.3) + 0.01 * t * t, lambda t: np.sign(t - 0.3) + 0.02 * t),
}


@pytest.mark.parametrize("name", ["a parabola", "far away", "close by", "a wall"])
@pytest.mark.parametrize("first", [0.1, 1.0, 10.0])
def test_a_search_ends_where_both_conditions_hold(name, first):
    f, slope_at = LINES[name]
    start = Point(0.0, np.float64(f(0)), np.float64(slope_at(0)), None)
    found, used = strong_wolfe(
        lambda t: Point(t, np.float64(f(t)), np.float64(slope_at(t)), None), start, first, 1.0, 25
    )
    assert f(found.t) <= f(0) + C1 * found.t * slope_at(0)
    assert abs(slope_at(found.t)) <= -C2 * slope_at(0)
    assert 1 <= used <= 26


@pytest.mark.parametrize("tries", [1, 2, 5, 25])
@pytest.mark.parametrize("name", LINES)
def test_a_search_probes_no_more_than_it_may_and_never_climbs(name, tries):
    f, slope_at = LINES[name]
    asked = []

    def probe(t):
        asked.append(t)
        return Point(t, np.float64(f(t)), np.float64(slope_at(t)), None)

    start = Point(0.0, np.float64(f(0)), np.float64(slope_at(0)), None)
    found, used = strong_wolfe(probe, start, 1.0, 1.0, tries)
    assert used == len(asked) <= tries + 1
    assert found.loss <= f(0)


def test_fit_takes_lbfgs_on_all_the_data():
    x = np.linspace(-1, 1, 32)[:, None]
    model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    history = cr.fit(model, x, x**2, optimizer=optim.LBFGS(), epochs=8, batch_size=32)
    assert history.loss[-1] < 1e-3 < history.loss[0]


def test_fit_refuses_lbfgs_on_a_part_of_the_data():
    with pytest.raises(cr.UsageError, match=r"needs all 8 examples.*batch_size=8"):
        cr.fit(nn.Linear(1, 1), np.ones((8, 1)), np.ones(8), optimizer=optim.LBFGS(), batch_size=4)


# decay, accumulation, groups


def test_weight_decay_before_an_optimiser_is_its_own_option():
    apart = trained(optim.chain(optim.weight_decay(0.3), optim.SGD(0.05, momentum=0.5)))
    within = trained(optim.SGD(0.05, momentum=0.5, weight_decay=0.3))
    np.testing.assert_allclose(apart, within, rtol=1e-14)


def test_accumulated_batches_are_one_step_with_their_mean():
    rule = optim.accumulate(optim.Adam(0.1), 3)
    batches = np.random.default_rng(0).normal(size=(6, 4))
    w, state, way = START, rule.init(START), []
    for g in batches:
        updates, state = rule.update(g, state, w)
        w = optim.apply_updates(w, updates)
        way.append(w)
    means = iter(batches.reshape(2, 3, 4).mean(1))
    whole = trained(optim.Adam(0.1), START, 2, lambda w: next(means))
    np.testing.assert_allclose(way, [START, START, whole[0], whole[0], whole[0], whole[1]])


def test_a_schedule_counts_steps_not_batches():
    rates = {0: 1.0, 1: 0.5}
    rule = optim.accumulate(optim.SGD(lr=lambda step: rates[step]), 2)
    way = trained(rule, np.zeros(1), 4, lambda w: np.ones(1))
    assert [float(w[0]) for w in way] == [0.0, -1.0, -1.0, -1.5]


TREE = {"head": {"weight": START, "bias": START[:2]}, "body": [START, START[:1]]}


def spread(w):
    return cr.tree_map(lambda x: x * 1.0, w)


def test_each_group_takes_the_steps_of_its_own_optimiser():
    rule = optim.groups({
        "head.weight": optim.SGD(0.1), "head.*": None,
        lambda name, p: p.shape == (1,): optim.Adam(0.2),
        "*": optim.chain(optim.clip_by_norm(0.5), optim.SGD(1.0)),
    })  # fmt: skip
    found = trained(rule, TREE, 3, spread)[-1]
    np.testing.assert_allclose(found["head"]["weight"], START * 0.9**3)
    assert found["head"]["bias"].tolist() == START[:2].tolist()
    assert found["body"][1] == trained(optim.Adam(0.2), START[:1], 3, lambda w: w)[-1]
    assert np.linalg.norm(START - found["body"][0]) == pytest.approx(1.5)


def test_groups_know_a_model_s_parameters_by_its_own_names():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    rule = optim.groups({"0.*": None, "1.bias": optim.SGD(2.0), "1.weight": optim.SGD(1.0)})
    ones = cr.tree_map(lambda p: cr.tensor(np.ones(p.shape, p.dtype)), model)
    updates, _ = rule.update(ones, rule.init(model), model)
    assert {k: set(v.ravel().tolist()) for k, v in updates.state_dict().items()} == {
        "0.weight": {0.0}, "0.bias": {0.0}, "1.weight": {-1.0}, "1.bias": {-2.0},
    }  # fmt: skip


@pytest.mark.parametrize("within", [
    lambda rule: rule, lambda rule: optim.accumulate(rule, 2),
    lambda rule: optim.chain(optim.clip_by_norm(1.0), rule),
])  # fmt: skip
def test_fit_trains_groups_by_the_model_s_names(within):
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = model.state_dict()
    rule = within(optim.groups({"0.*": None, "*": optim.Adam(0.1)}))
    cr.fit(model, np.ones((8, 2)), np.full(8, 5.0), optimizer=rule, epochs=2, batch_size=2)
    moved = {k: bool((v != before[k]).any()) for k, v in model.state_dict().items()}
    assert moved == {"0.weight": False, "0.bias": False, "1.weight": True, "1.bias": True}


def test_what_looks_at_losses_is_told_them_wherever_it_stands():
    rule = optim.groups({"*": optim.accumulate(
        optim.chain(optim.SGD(1.0), optim.reduce_on_plateau(0.5, patience=0)), 1)})  # fmt: skip
    state = rule.init(START)
    for _ in range(2):
        state = rule.observe(1.0, state)
    assert rule.update(START, state, START)[0].tolist() == (-0.5 * START).tolist()


def quick(**options):
    return optim.LBFGS(**options)


REFUSED = {
    "one gradient": (lambda: quick().update(START, quick().init(START), START), "value_and_grad"),
    "a loss without gradients": (lambda: quick().step(bowl, quick().init(START), START),
                                 "must give \\(loss, gradients\\)"),
    "no function": (lambda: quick().step(3, quick().init(START), START), "give a function"),
    "two dtypes": (lambda: quick().init([START, START.astype("f4")]), "float32 and float64"),
    "no parameters": (lambda: quick().init([]), "no parameters"),
    "an unknown search": (lambda: quick(line_search="armijo"), "'strong_wolfe', or None"),
    "no iterations": (lambda: quick(max_iter=0), "max_iter=0"),
    "no history": (lambda: quick(history_size=0), "history_size=0"),
    "a tolerance below 0": (lambda: quick(tolerance_grad=-1), "tolerance_grad=-1"),
    "L-BFGS in a chain": (lambda: optim.chain(quick()), "cannot be part"),
    "L-BFGS in groups": (lambda: optim.groups({"*": quick()}), "cannot be part"),
    "L-BFGS accumulated": (lambda: optim.accumulate(quick(), 2), "cannot be part"),
    "decay below 0": (lambda: optim.weight_decay(-1), "rate=-1"),
    "decay after the optimiser": (
        lambda: optim.chain(optim.SGD(), optim.weight_decay(0.1)), "weights grow"),
    "no batches": (lambda: optim.accumulate(optim.SGD(), 0), "steps=0"),
    "a class": (lambda: optim.accumulate(optim.SGD, 2), "write SGD()"),
    "accumulating nothing": (lambda: optim.accumulate(None, 2), "no init and update"),
    "no groups": (lambda: optim.groups({}), "give a dict"),
    "a list of groups": (lambda: optim.groups([optim.SGD()]), "give a dict"),
    "a number as a key": (lambda: optim.groups({0: optim.SGD()}), "neither a pattern"),
    "a rate as an optimiser": (lambda: optim.groups({"*": 0.1}), "no init and update"),
    "a parameter left over": (lambda: optim.groups({"head.*": optim.SGD()}).init(TREE),
                              "no group takes the parameter 'body.0'"),
    "a name misspelt": (lambda: optim.groups({"head.wieght": None, "*": optim.SGD()}).init(TREE),
                        "did you mean head.weight"),
    "a group without any": (lambda: optim.groups({"tail*": None, "*": optim.SGD()}).init(TREE),
                            "there are body.0, body.1, head.bias"),
    "whole numbers": (lambda: optim.groups({"*": None}).init([np.ones(2, int)]), "int64"),
    "one beta": (lambda: optim.Lion(betas=0.9), "give two numbers"),
    "a beta of 1": (lambda: optim.RAdam(betas=(0.9, 1.0)), "beta2=1.0"),
    "a momentum decay below 0": (lambda: optim.NAdam(momentum_decay=-1), "momentum_decay=-1"),
    "a fading below 0": (lambda: optim.Adagrad(lr_decay=-1), "lr_decay=-1"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_in_words(name):
    make, words = REFUSED[name]
    with refused(cr.ChainruleError, words):
        make()
