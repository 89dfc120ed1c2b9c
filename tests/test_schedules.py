"""Learning-rate schedules against their formulas, and as `lr=` of every optimiser."""

from __future__ import annotations

import math

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule import optim
from chainrule.optim import schedules


def half_cosine(a, b, p):
    return b + (a - b) * (1 + math.cos(math.pi * p)) / 2


def cycle(k, top=1.0, total=11, share=0.3, div=25.0, final=1e4):
    turn = share * total - 1
    if k <= turn:
        return half_cosine(top / div, top, k / turn)
    return half_cosine(top, top / div / final, min(1, (k - turn) / (total - 1 - turn)))


def three(k, total=11, share=0.4, div=4.0, final=10.0):
    turn = share * total - 1
    if k <= turn:
        return 1 / div + (1 - 1 / div) * k / turn
    if k <= 2 * turn:
        return 1 + (1 / div - 1) * (k - turn) / turn
    done = min(1, (k - 2 * turn) / (total - 1 - 2 * turn))
    return 1 / div + (1 / div / final - 1 / div) * done


# name: the schedule, its formula
FORMULAS = {
    "constant": (schedules.constant(0.3), lambda k: 0.3),
    "step": (schedules.step(1.0, 3, 0.5), lambda k: 0.5 ** (k // 3)),
    "exponential": (schedules.exponential(2.0, 0.9), lambda k: 2 * 0.9**k),
    "cosine": (schedules.cosine(1.0, 8), lambda k: half_cosine(1.0, 0.0, min(1, k / 8))),
    "cosine with warm-up": (
        schedules.cosine(1.0, 12, warmup=4, start=0.2, end=0.1),
        lambda k: 0.2 + 0.8 * k / 4 if k < 4 else half_cosine(1.0, 0.1, min(1, (k - 4) / 8)),
    ),
    "one cycle": (schedules.one_cycle(1.0, 11), cycle),
    "one cycle, three phases": (
        schedules.one_cycle(1.0, 11, 0.4, "linear", 4.0, 10.0, three_phase=True), three),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_the_rate_is_the_formula_s_before_and_after_the_end(name):
    rate, formula = FORMULAS[name]
    assert [rate(k) for k in range(20)] == pytest.approx([formula(k) for k in range(20)], rel=1e-13)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_rate_is_a_plain_number(name):
    assert type(FORMULAS[name][0](3)) is float
    assert type(FORMULAS[name][0](np.int64(3))) is float


@pytest.mark.parametrize("name", FORMULAS)
def test_a_schedule_shows_its_options_and_cannot_be_changed(name):
    rate = FORMULAS[name][0]
    assert repr(rate).startswith(type(rate).__name__ + "(")
    with pytest.raises(AttributeError):
        rate.lr = 1.0


OPTIMISERS = [optim.SGD, optim.Adam, optim.AdamW, optim.NAdam, optim.RAdam, optim.Lion,
              optim.RMSProp, optim.Adagrad]  # fmt: skip


def walked(update_at):
    w, state = np.array([1.0, -2.0], np.float32), None
    way = []
    for k in range(6):
        rule = update_at(k)
        state = rule.init(w) if state is None else state
        updates, state = rule.update(w, state, w)
        w = optim.apply_updates(w, updates)
        way.append(w)
    return np.array(way)


@pytest.mark.parametrize("kind", OPTIMISERS)
def test_a_schedule_is_the_number_it_gives_at_every_step(kind):
    rate = schedules.step(0.1, 2, 0.5)
    on_schedule = walked(lambda k: kind(lr=rate))
    assert on_schedule.dtype == np.float32
    assert on_schedule.tolist() == walked(lambda k: kind(lr=0.1 * 0.5 ** (k // 2))).tolist()


@pytest.mark.parametrize("kind", OPTIMISERS)
def test_any_function_of_the_step_is_a_schedule(kind):
    hand = walked(lambda k: kind(lr=lambda step: 0.1 / (1 + step)))
    assert hand.tolist() == walked(lambda k: kind(lr=0.1 / (1 + k))).tolist()


@pytest.mark.parametrize("name", FORMULAS)
def test_a_schedule_runs_inside_a_scan(name):
    def body(state, _):
        w, inner = state
        rule = optim.SGD(lr=FORMULAS[name][0])
        updates, inner = rule.update(np.ones(1), inner, w)
        return (optim.apply_updates(w, updates), inner), None

    w = np.zeros(1)
    (found, _), _ = cr.scan(body, (w, optim.SGD().init(w)), None, length=15)
    assert -found[0] == pytest.approx(sum(FORMULAS[name][1](k) for k in range(15)), rel=1e-12)


@pytest.mark.parametrize("make", [
    lambda lr: schedules.constant(lr), lambda lr: schedules.step(lr, 2),
    lambda lr: schedules.exponential(lr, 0.5), lambda lr: schedules.cosine(lr, 5, warmup=2),
    lambda lr: schedules.one_cycle(lr, 10),
])  # fmt: skip
def test_a_schedule_has_a_gradient_with_respect_to_its_rate(make):
    def after(lr):
        w, rule = np.array([1.5, 0.7]), optim.SGD(lr=make(lr), momentum=0.5)
        state = rule.init(w)
        for _ in range(4):
            updates, state = rule.update(w**3, state, w)
            w = optim.apply_updates(w, updates)
        return cr.sum(w * w)

    slope = (float(after(0.1 + 1e-6)) - float(after(0.1 - 1e-6))) / 2e-6
    assert float(cr.grad(after)(0.1)) == pytest.approx(slope, rel=1e-6)


def updated(lr):
    rule = optim.SGD(lr=lr)
    return rule.update(np.ones(1), rule.init(np.ones(1)), np.ones(1))


REFUSED = {
    "a negative rate": (lambda: schedules.constant(-1), "lr=-1"),
    "no step size": (lambda: schedules.step(0.1, 0), "step_size=0"),
    "half a step": (lambda: schedules.step(0.1, 1.5), "step_size=1.5"),
    "a gamma of 0": (lambda: schedules.exponential(0.1, 0), "gamma=0"),
    "a gamma that is text": (lambda: schedules.exponential(0.1, "fast"), "gamma='fast'"),
    "only warm-up": (lambda: schedules.cosine(0.1, 5, warmup=5), "must be larger"),
    "a warm-up below 0": (lambda: schedules.cosine(0.1, 5, warmup=-1), "warmup=-1"),
    "more than all steps": (lambda: schedules.one_cycle(0.1, 5, 1.5), r"lie in \[0, 1\]"),
    "an unknown strategy": (lambda: schedules.one_cycle(0.1, 5, 0.3, "sine"), "'cos' and 'lin"),
    "a divisor of 0": (lambda: schedules.one_cycle(0.1, 5, div_factor=0), "div_factor=0"),
    "a schedule's class": (lambda: optim.SGD(lr=schedules.cosine), "a class"),
    "a function of two": (lambda: optim.SGD(lr=lambda a, b: 1.0), "one thing, the step"),
    "a function of none": (lambda: optim.Adam(lr=lambda: 1.0), "one thing, the step"),
    "a schedule below 0": (lambda: updated(lambda step: -1.0), "at step 0 it gives -1.0"),
    "a schedule of nothing": (lambda: updated(lambda step: None), "gives None"),
    "a schedule of NaN": (lambda: updated(lambda step: float("nan")), "gives nan"),
    "a plateau as a rate": (lambda: optim.SGD(lr=optim.reduce_on_plateau()), "optim.chain"),
    "a plateau's factor": (lambda: optim.reduce_on_plateau(1.0), "factor=1.0"),
    "a plateau's patience": (lambda: optim.reduce_on_plateau(patience=-1), "patience=-1"),
    "a plateau's mode": (lambda: optim.reduce_on_plateau(threshold_mode="max"), "'rel' and 'abs'"),
    "a plateau's every": (lambda: optim.reduce_on_plateau(every=0), "every=0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_in_words(name):
    make, words = REFUSED[name]
    with refused(cr.UsageError, words):
        make()


# losses, options, the scale after each
PLATEAUS = {
    "a loss that falls": ([3, 2, 1, 0.5], {"patience": 0}, [1, 1, 1, 1]),
    "no patience": ([3, 3, 3, 3], {"patience": 0}, [1, 0.5, 0.25, 0.125]),
    "one more look": ([3, 3, 3, 3, 3], {"patience": 1}, [1, 1, 0.5, 0.5, 0.25]),
    "a floor": ([3, 3, 3, 3], {"patience": 0, "min_scale": 0.3}, [1, 0.5, 0.3, 0.3]),
    "a rest": ([3, 3, 3, 3, 3], {"patience": 0, "cooldown": 2}, [1, 0.5, 0.5, 0.5, 0.25]),
    "too little": ([3, 2.9, 2.8], {"patience": 0, "threshold": 0.1}, [1, 0.5, 0.25]),
    "just enough": ([3, 2.9, 2.75], {"patience": 0, "threshold": 0.1, "threshold_mode": "abs"},
                    [1, 0.5, 0.5]),
    "means of two": ([4, 2, 5, 1, 1, 9], {"patience": 0, "every": 2}, [1, 1, 1, 0.5, 0.5, 0.25]),
    "NaN": ([3, float("nan"), 2], {"patience": 0}, [1, 0.5, 0.5]),
}  # fmt: skip


@pytest.mark.parametrize("name", PLATEAUS)
def test_steps_shrink_where_the_loss_stays(name):
    losses, options, scales = PLATEAUS[name]
    rule = optim.reduce_on_plateau(0.5, **options)
    state, found = rule.init(None), []
    for loss in losses:
        state = rule.observe(loss, state)
        found.append(state.scale)
    assert found == pytest.approx(scales)


def test_a_plateau_scales_the_updates_before_it_and_changes_nothing_else():
    plain, w = optim.Adam(lr=0.1), np.array([1.0, -2.0], np.float32)
    both = optim.chain(plain, optim.reduce_on_plateau(0.5, patience=0))
    state = both.observe(1.0, both.observe(1.0, both.init(w)))
    halved, _ = both.update(w, state, w)
    whole, _ = plain.update(w, plain.init(w), w)
    assert halved.tolist() == (whole * 0.5).tolist()
    assert halved.dtype == np.float32


def test_a_whole_step_lets_a_plateau_see_the_loss():
    rule = optim.chain(optim.SGD(lr=0.0), optim.reduce_on_plateau(0.5, patience=0))
    objective, w = cr.value_and_grad(lambda w: cr.sum(w * w)), np.array([1.0])
    state = rule.init(w)
    for _ in range(3):
        state = rule.step(objective, state, w).state
    assert state[1].scale == 0.25
