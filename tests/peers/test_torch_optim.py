"""Optimisers, schedules and L-BFGS against PyTorch 2.13, step for step for 100 steps."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

import chainrule as cr
from chainrule import optim
from chainrule.optim import schedules
from chainrule.optim.search import Point, strong_wolfe

torch = pytest.importorskip("torch", reason="PyTorch is not installed; it is only a peer here")
lr_of = torch.optim.lr_scheduler
peer_search = import_module("torch.optim.lbfgs")._strong_wolfe  # the name is also a class there

pytestmark = pytest.mark.peers

STEPS = 100
START = {"w": np.array([[1.5, -2.0], [0.3, 4.0]]), "b": np.array([0.7, -0.2, 1.1])}
CURVATURE = {"w": np.array([[1.0, 10.0], [0.1, 3.0]]), "b": np.array([0.5, 2.0, 7.0])}


@pytest.fixture(autouse=True)
def _double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # the scalars that optimisers keep follow this
    yield
    torch.set_default_dtype(before)


def slopes(w):
    """Of ½Σ c w² + Σ cos w: neither constant nor zero anywhere for long."""
    return {n: (CURVATURE[n] * p - np.sin(p)).astype(p.dtype) for n, p in w.items()}


def ours(optimizer, start=START):
    """All parameters after each of our steps."""
    w, state, way = start, optimizer.init(start), []
    for _ in range(STEPS):
        updates, state = optimizer.update(slopes(w), state, w)
        w = optim.apply_updates(w, updates)
        way.append(np.concatenate([np.ravel(w[name]) for name in start]))
    return np.array(way)


def theirs(make, schedule=None, before=lambda leaves, k: True):
    """All parameters after each of PyTorch's steps; `before` may change gradients or skip."""
    leaves = {name: torch.tensor(p) for name, p in START.items()}
    optimizer = make(leaves)
    scheduler = schedule(optimizer) if schedule else None
    way = []
    for k in range(STEPS):
        for name, g in slopes({n: p.numpy() for n, p in leaves.items()}).items():
            old = leaves[name].grad
            leaves[name].grad = torch.tensor(g) if old is None else old + torch.tensor(g)
        if before(list(leaves.values()), k):
            optimizer.step()
            optimizer.zero_grad()
            if scheduler:
                scheduler.step()
        way.append(torch.cat([leaves[n].flatten() for n in START]).numpy().copy())
    return np.array(way)


def one(kind, **options):
    return lambda leaves: kind(leaves.values(), **options)


def same(mine, other, tolerance=1e-10):
    np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance)


DECAY = {"lr": 0.05, "weight_decay": 0.1}
APART = {**DECAY, "decoupled_weight_decay": True}
OPTIONS = {
    "SGD": ({"lr": 0.05}, {"lr": 0.05, "momentum": 0.9}, DECAY,
            {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "Adam": ({"lr": 0.1}, {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3}, DECAY,
             {"lr": 0.3, "betas": (0.5, 0.6), "amsgrad": True}),
    "AdamW": ({"lr": 0.1}, DECAY, {"lr": 0.3, "betas": (0.5, 0.6), "amsgrad": True}),
    "NAdam": ({"lr": 0.1}, {"lr": 0.02, "betas": (0.5, 0.9), "eps": 1e-2, "momentum_decay": 0.1},
              DECAY, APART),
    "RAdam": ({"lr": 0.1}, {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3}, DECAY, APART,
              {"lr": 0.01, "betas": (0.9, 0.5)}, {"lr": 0.01, "betas": (0.9, 0.6)}),
    "RMSProp": ({"lr": 0.05}, {"lr": 0.05, "alpha": 0.9, "eps": 1e-2}, DECAY,
                {"lr": 0.02, "momentum": 0.5}, {"lr": 0.02, "centered": True},
                {"lr": 0.02, "centered": True, "momentum": 0.5, "weight_decay": 0.1}),
    "Adagrad": ({"lr": 0.5}, DECAY, {"lr": 0.5, "eps": 1e-2, "lr_decay": 0.1},
                {"lr": 0.5, "initial_accumulator_value": 2.0}),
}  # fmt: skip
CASES = [(name, k) for name, choices in OPTIONS.items() for k in range(len(choices))]
PEER = {name: getattr(torch.optim, "RMSprop" if name == "RMSProp" else name) for name in OPTIONS}


@pytest.mark.parametrize(("name", "k"), CASES)
def test_a_hundred_steps_are_pytorch_s(name, k):
    options = OPTIONS[name][k]
    same(ours(getattr(optim, name)(**options)), theirs(one(PEER[name], **options)))


@pytest.mark.parametrize("name", OPTIONS)
def test_float32_steps_are_pytorch_s_to_its_precision(name):
    options = OPTIONS[name][0]
    start = {n: p.astype(np.float32) for n, p in START.items()}
    way = ours(getattr(optim, name)(**options), start)
    assert way.dtype == np.float32
    same(way[:10], theirs(one(PEER[name], **options))[:10], 1e-4)


def rising(optimizer):
    up = lr_of.LinearLR(optimizer, start_factor=0.1, total_iters=10)
    down = lr_of.CosineAnnealingLR(optimizer, T_max=60, eta_min=0.001)
    return lr_of.SequentialLR(optimizer, [up, down], milestones=[10])


CYCLE = {"max_lr": 0.1, "total_steps": STEPS + 1}
SCHEDULES = {
    "constant": (schedules.constant(0.1), lambda o: lr_of.ConstantLR(o, factor=1.0)),
    "step": (schedules.step(0.1, 7, 0.8), lambda o: lr_of.StepLR(o, 7, 0.8)),
    "exponential": (schedules.exponential(0.1, 0.97), lambda o: lr_of.ExponentialLR(o, 0.97)),
    "cosine": (schedules.cosine(0.1, STEPS), lambda o: lr_of.CosineAnnealingLR(o, STEPS)),
    "one cycle": (schedules.one_cycle(**CYCLE),
                  lambda o: lr_of.OneCycleLR(o, **CYCLE, cycle_momentum=False)),
    "one cycle, three phases": (
        schedules.one_cycle(**CYCLE, three_phase=True, pct_start=0.4, div_factor=10.0),
        lambda o: lr_of.OneCycleLR(o, **CYCLE, three_phase=True, pct_start=0.4, div_factor=10.0,
                                   cycle_momentum=False)),
    "one cycle, linear": (
        schedules.one_cycle(**CYCLE, anneal_strategy="linear", final_div_factor=100.0),
        lambda o: lr_of.OneCycleLR(o, **CYCLE, anneal_strategy="linear", final_div_factor=100.0,
                                   cycle_momentum=False)),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_optimiser_on_a_schedule_is_pytorch_s(name, schedule):
    rate, peer = SCHEDULES[schedule]
    same(ours(getattr(optim, name)(lr=rate)), theirs(one(PEER[name], lr=0.1), peer))


def test_a_cosine_with_warm_up_is_pytorch_s_until_its_end():
    """PyTorch's goes up again afterwards; ours stays."""
    rate = schedules.cosine(0.1, 70, warmup=10, start=0.01, end=0.001)
    same(ours(optim.SGD(lr=rate))[:70], theirs(one(torch.optim.SGD, lr=0.1), rising)[:70])


PLATEAU = {
    "relative": {"patience": 3, "factor": 0.5},
    "absolute": {"patience": 2, "threshold": 0.05, "threshold_mode": "abs"},
    "with rests": {"patience": 1, "factor": 0.7, "cooldown": 4},
}


@pytest.mark.parametrize("name", PLATEAU)
def test_the_rate_on_a_plateau_is_pytorch_s(name):
    losses = np.random.default_rng(1).normal(size=STEPS) * 0.2 + np.linspace(2, 0.5, STEPS)
    leaf = torch.zeros(1)
    optimizer = torch.optim.SGD([leaf], lr=1.0)
    scheduler = lr_of.ReduceLROnPlateau(optimizer, **PLATEAU[name], min_lr=0.02, eps=0.0)
    rule = optim.reduce_on_plateau(**PLATEAU[name], min_scale=0.02)
    state, mine, other = rule.init(None), [], []
    for loss in losses:
        state = rule.observe(loss, state)
        scheduler.step(loss)
        mine.append(state.scale)
        other.append(optimizer.param_groups[0]["lr"])
    same(mine, other)
    assert len(set(other)) > 2


def test_accumulated_steps_are_pytorch_s():
    def every_fourth(leaves, k):
        for leaf in leaves:
            leaf.grad = leaf.grad / 4 if k % 4 == 3 else leaf.grad
        return k % 4 == 3

    expected = theirs(one(torch.optim.Adam, lr=0.1), before=every_fourth)
    same(ours(optim.accumulate(optim.Adam(lr=0.1), 4)), expected)


@pytest.mark.parametrize("name", OPTIONS)
def test_weight_decay_before_an_optimiser_is_pytorch_s_option(name):
    options = {"lr": 0.05, "weight_decay": 0.1}
    coupled = {"AdamW": torch.optim.Adam}.get(name, PEER[name])
    rule = getattr(optim, name)(lr=0.05, **({"weight_decay": 0.0} if name == "AdamW" else {}))
    same(ours(optim.chain(optim.weight_decay(0.1), rule)), theirs(one(coupled, **options)))


def test_groups_are_pytorch_s():
    rules = optim.groups({"b": optim.Adam(lr=0.2), "*": optim.Adam(lr=0.05, weight_decay=0.1)})
    expected = theirs(
        lambda leaves: torch.optim.Adam(
            [
                {"params": [leaves["b"]], "lr": 0.2},
                {"params": [leaves["w"]], "lr": 0.05, "weight_decay": 0.1},
            ]
        )
    )
    same(ours(rules), expected)


@pytest.mark.parametrize("largest", [0.5, 1e6])
def test_clipped_steps_are_pytorch_s(largest):
    def clip(leaves, k):
        for leaf, total in zip(leaves, [_norm(leaves)] * len(leaves), strict=True):
            leaf.grad = leaf.grad * min(1.0, largest / total)
        return True

    rule = optim.chain(optim.clip_by_norm(largest), optim.SGD(lr=0.05, momentum=0.9))
    same(ours(rule), theirs(one(torch.optim.SGD, lr=0.05, momentum=0.9), before=clip))


def _norm(leaves):
    return float(torch.sqrt(sum((leaf.grad**2).sum() for leaf in leaves)))


# name: the loss for either library, where it starts
LANDSCAPES = {
    "waves": (lambda w, sum, sin: sum(sin(3 * w) + 0.1 * w * w), [2.0, -1.0, 0.4, 3.3]),
    "a long valley": (lambda w, sum, sin: 1e3 * w[0] ** 2 + 1e-2 * (w[1] - 3) ** 4,
                      [1.0, -1.0]),
    "a bent valley": (lambda w, sum, sin: 4 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2,
                      [-1.2, 1.0]),
}  # fmt: skip
ROSENBROCK = (
    lambda w, sum, sin: 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2, [-1.2, 1.0],
)  # fmt: skip
SEARCHES = {
    "one iteration": {"max_iter": 1},
    "a few": {"max_iter": 4, "history_size": 3},
    "as it comes": {},
    "few evaluations": {"max_iter": 10, "max_eval": 5},
    "a smaller start": {"lr": 0.1, "max_iter": 3},
    "no search": {"lr": 0.05, "max_iter": 3, "line_search": None},
}


def searched(loss, start, options):
    objective = cr.value_and_grad(lambda w: loss(w, cr.sum, cr.sin))
    rule, w = optim.LBFGS(**options), np.array(start)
    state, way = rule.init(w), []
    for _ in range(STEPS):
        found = rule.step(objective, state, w)
        w, state = optim.apply_updates(w, found.updates), found.state
        way.append([*w, float(found.loss)])
    return np.array(way)


def searched_by_peer(loss, start, options):
    options = {"line_search": "strong_wolfe", **options}
    options["line_search_fn"] = options.pop("line_search")
    w = torch.tensor(start, requires_grad=True)
    rule, way = torch.optim.LBFGS([w], **options), []

    def closure():
        rule.zero_grad()
        value = loss(w, torch.sum, torch.sin)
        value.backward()
        return value

    for _ in range(STEPS):
        value = rule.step(closure).item()
        way.append([*w.detach().numpy(), value])
    return np.array(way)


@pytest.mark.parametrize("options", SEARCHES)
@pytest.mark.parametrize("name", LANDSCAPES)
def test_a_hundred_steps_of_lbfgs_are_pytorch_s(name, options):
    mine = searched(*LANDSCAPES[name], SEARCHES[options])
    same(mine, searched_by_peer(*LANDSCAPES[name], SEARCHES[options]))


def test_lbfgs_finds_pytorch_s_way_through_rosenbrock_s_valley():
    """Its turns make a rounding a million times larger, so the way is compared less closely."""
    mine = searched(*ROSENBROCK, {"max_iter": 4})
    same(mine, searched_by_peer(*ROSENBROCK, {"max_iter": 4}), 1e-6)
    same(mine[-1], [1.0, 1.0, 0.0], 1e-4)


def bent(seed):
    """A falling line with waves, spikes and a wall on it, and its slope."""
    a, b, c, k, p, q = np.random.default_rng(seed).uniform(0.05, 3.0, 6)

    def loss(t):
        return -a * t + 0.1 * b * t**2 + c * np.sin(5 * k * t + p) + 1e-3 * np.exp(q * min(t, 9.0))

    def slope(t):
        wall = 1e-3 * q * np.exp(q * t) if t < 9.0 else 0.0
        return -a + 0.2 * b * t + 5 * c * k * np.cos(5 * k * t + p) + wall

    return loss, slope


@pytest.mark.parametrize("first", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("seed", range(40))
def test_a_search_on_a_rugged_line_is_pytorch_s(seed, first):
    (loss, slope), seen = bent(seed), []
    down = -np.sign(slope(0.0))  # the line is walked in the direction in which it falls

    def probe(t):
        seen.append(t)
        return Point(t, np.float64(loss(down * t)), np.float64(down * slope(down * t)), None)

    def evaluated(x, t, d):
        return float(loss(float(x + t * d))), torch.tensor([slope(float(x + t * d))])

    start = Point(0.0, np.float64(loss(0.0)), np.float64(down * slope(0.0)), None)
    found, used = strong_wolfe(probe, start, first, 1.0, 25)
    d, g = torch.tensor([down]), torch.tensor([slope(0.0)])
    value, _, t, evaluations = peer_search(
        evaluated, torch.zeros(1), first, d, float(loss(0.0)), g, g.dot(d)
    )
    assert used == len(seen) == evaluations
    same([float(found.t), float(found.loss)], [float(t), float(value)])
