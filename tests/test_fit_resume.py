"""A training that is taken up again: to the bit the one that was never stopped."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn, optim
from chainrule.train import EarlyStopping, Trainer
from chainrule.train.native import NativeEpochs
from chainrule.train.state import from_state, state_of

rng = np.random.default_rng(0)
X = rng.normal(size=(43, 3)).astype(np.float32)
Y = np.sin(X[:, :1] * X[:, 1:2])
WEIGHT = rng.uniform(0.5, 2.0, 43)


def mlp():
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1), seed=1)


def dropping():
    return nn.Sequential(
        nn.Linear(3, 6), nn.Dropout(0.3), nn.Tanh(), nn.Dropout(0.2), nn.Linear(6, 1), seed=1
    )


def normed():
    return nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 1), seed=1)


def plateau():
    return optim.chain(optim.Adam(0.01), optim.reduce_on_plateau(0.5, patience=2))


TRAININGS = {
    "Adam": (mlp, optim.Adam, {}, {}),
    "a schedule": (mlp, lambda: optim.SGD(optim.schedules.cosine(0.1, steps=40)), {}, {}),
    "a plateau": (mlp, plateau, {}, {}),
    "accumulation": (mlp, optim.Adam, {"accumulate": 3, "clip": 0.5}, {}),
    "dropout": (dropping, optim.Adam, {}, {}),
    "batch normalisation": (normed, optim.Adam, {}, {}),
    "weights": (mlp, optim.Adam, {}, {"sample_weight": WEIGHT}),
    "balanced batches": (
        mlp, optim.Adam, {"loss": "binary_cross_entropy_with_logits"},
        {"y": (Y[:, 0] > 0).astype(int), "shuffle": "balanced"},
    ),
    "held-out data and metrics": (mlp, optim.Adam, {"metrics": ["r2"]}, {"validation": 0.2}),
    "early stopping": (
        mlp, lambda: optim.SGD(0.9), {},
        {"validation": 0.2, "early_stopping": lambda: EarlyStopping(patience=2)},
    ),
    "a recording": (mlp, optim.Adam, {}, {"record": 5}),
    "a Generator of another kind": (
        dropping, optim.Adam, {"seed": lambda: np.random.Generator(np.random.MT19937(5))}, {},
    ),
}  # fmt: skip
EAGERLY = {"L-BFGS": (mlp, lambda: optim.LBFGS(max_iter=3), {}, {"batch_size": 43})}


class Kept:
    """Keeps what is captured after every stretch, and gives one of it back."""

    def __init__(self, found=None):
        self.states, self.found = [], found

    def begin(self, run):
        if self.found is not None:
            run.restore(self.found)

    def due(self, run):
        return True

    def save(self, state):
        self.states.append(state)


def made(given):
    return {k: v() if callable(v) else v for k, v in given.items()}


def trained(case, compiled, checkpoint):
    model, optimizer, how, data = case
    data = made(data)
    trainer = Trainer(model(), optimizer=optimizer(), compiled=compiled, **made(how))
    history = trainer.fit(
        X, data.pop("y", Y), **{"epochs": 5, "batch_size": 8, **data}, checkpoint=checkpoint
    )
    return trainer, history


def told(trainer, history):
    """All that must be equal to the bit: times are not."""
    rows = [{k: v for k, v in r.items() if "second" not in k} for r in history.rows]
    recorded = history.recording and [
        (s.epoch, {k: v.tobytes() for k, v in s.model.state_dict().items()})
        for s in history.recording.snapshots
    ]
    state = {k: v.tobytes() for k, v in trainer.model.state_dict().items()}
    return state, repr(rows), recorded, trainer.run.steps


@pytest.mark.parametrize("compiled", [False, True], ids=["step by step", "compiled"])
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_goes_on_to_the_bit_from_wherever_it_was_kept(name, compiled, monkeypatch):
    monkeypatch.setattr(NativeEpochs, "_limit", lambda self, masks: 2)
    case = TRAININGS[name]
    kept = Kept()
    whole = told(*trained(case, compiled, kept))
    assert any(s.at for s in kept.states)
    assert any(s.epoch and not s.at for s in kept.states)
    for state in kept.states[:: max(1, len(kept.states) // 6)]:
        assert told(*trained(case, compiled, Kept(state))) == whole


@pytest.mark.parametrize("name", EAGERLY)
def test_an_optimiser_of_full_batches_goes_on_too(name):
    kept = Kept()
    whole = told(*trained(EAGERLY[name], False, kept))
    for state in kept.states[::2]:
        assert told(*trained(EAGERLY[name], False, Kept(state))) == whole


def test_a_state_shares_nothing_with_the_training_it_is_of():
    trainer = Trainer(normed(), optimizer=optim.Adam())
    trainer.fit(X, Y, epochs=2)
    state = trainer.run.capture()
    before = {k: v.tobytes() for k, v in state.model.state_dict().items()}
    sums = [a.tobytes() for slot in state.optimizer.slots for a in slot]
    rows = len(state.rows)
    trainer.compiled = True
    trainer.fit(X, Y, epochs=3)
    assert {k: v.tobytes() for k, v in state.model.state_dict().items()} == before
    assert [a.tobytes() for slot in state.optimizer.slots for a in slot] == sums
    assert len(state.rows) == rows


def test_a_state_of_another_model_or_optimiser_is_refused():
    state = Trainer(mlp(), optimizer=optim.Adam()).run.capture()
    other = nn.Sequential(nn.Linear(3, 7), nn.Tanh(), nn.Linear(7, 1))
    with pytest.raises(cr.DataError, match=r"the model is another.*was \(6, 3\) and is \(7, 3\)"):
        Trainer(other, optimizer=optim.Adam()).run.restore(state)
    with pytest.raises(cr.DataError, match=r"the optimizer was another and is SGD\(lr=0\.1\)"):
        Trainer(mlp(), optimizer=optim.SGD(0.1)).run.restore(state)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937"])
def test_random_numbers_go_on_from_their_state(kind):
    one = np.random.Generator(getattr(np.random, kind)(7))
    one.spawn(3), one.random(5), one.integers(9, dtype=np.uint8)
    two = from_state(state_of(one))
    assert one.random(9).tobytes() == two.random(9).tobytes()
    assert one.spawn(2)[1].random(3).tobytes() == two.spawn(2)[1].random(3).tobytes()


@pytest.mark.parametrize("broken", [{}, {"kind": "os"}, {"kind": "PCG64", "state": {}}])
def test_a_state_of_random_numbers_that_is_none_is_refused(broken):
    with pytest.raises(cr.DataError, match="random numbers"):
        from_state(broken)
