"""`fit` on machine code: the same training, whatever the optimiser, the layers, the batches."""

from __future__ import annotations

import numpy as np
import pytest
from fits import MODELS, X, Y, trained

import chainrule as cr
from chainrule import nn, optim
from chainrule.train import Trainer, TrainingWarning, native, stepping
from chainrule.train.native import NativeEpochs
from chainrule.train.stepping import Stepper

rng = np.random.default_rng(1)
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
SCHEDULED = optim.schedules.cosine(0.1, steps=60, warmup=10)
OPTIMISERS = {
    "sgd": optim.SGD(lr=0.05), "nesterov": optim.SGD(lr=0.05, momentum=0.9, nesterov=True),
    "scheduled": optim.SGD(lr=SCHEDULED), "adam": optim.Adam(lr=0.01),
    "adamw": optim.AdamW(lr=0.01), "nadam": optim.NAdam(), "radam": optim.RAdam(),
    "rmsprop": optim.RMSProp(lr=0.01), "adagrad": optim.Adagrad(lr=0.05),
    "lion": optim.Lion(lr=0.001),
    "clipped": optim.chain(optim.clip_by_norm(0.5), optim.Adam(lr=0.01)),
    "accumulated": optim.accumulate(optim.Adam(lr=0.01), 3),
    "plateau": optim.chain(optim.SGD(lr=0.05), optim.reduce_on_plateau(0.5, patience=5)),
}  # fmt: skip
DATA = {
    "no weights": {}, "weights": {"sample_weight": rng.uniform(0.2, 2.0, 203)},
    "whole batches": {"batch_size": 29}, "one batch": {"batch_size": 203},
    "less than a batch": {"batch_size": 500}, "single examples": {"batch_size": 7},
    "as they stand": {"shuffle": False}, "one left over": {"batch_size": 101},
    "one weighted batch": {"batch_size": 203, "sample_weight": rng.uniform(0.2, 2.0, 203)},
}  # fmt: skip


def same(eager, compiled):
    for a, b in zip(eager.run.params, compiled.run.params, strict=True):
        np.testing.assert_allclose(b, a, rtol=2e-3, atol=2e-4)
    for name, a in eager.model.state_dict().items():
        np.testing.assert_allclose(compiled.model.state_dict()[name], a, rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(compiled.history.loss, eager.history.loss, rtol=1e-3)
    for layer, norm in eager.history.last["gradient_norms"].items():
        assert compiled.history.last["gradient_norms"][layer] == pytest.approx(norm, rel=1e-3)
    for layer, row in eager.history.last["health"].items():
        found = compiled.history.last["health"][layer]
        assert found["norm"] == pytest.approx(row["norm"], rel=2e-2, abs=1e-6)
        assert found["ratio"] == pytest.approx(row["ratio"], rel=2e-2, abs=1e-6)
        assert found["zero"] == pytest.approx(row["zero"], abs=0.05)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_compiled_training_is_the_training(name):
    same(trained(False, OPTIMISERS[name]), trained(True, OPTIMISERS[name]))


@pytest.mark.parametrize("name", MODELS)
def test_compiled_training_of_any_layers_is_the_training(name):
    same(trained(False, model=name), trained(True, model=name))


@pytest.mark.parametrize("limit", [None, 3], ids=["one call", "several calls"])
@pytest.mark.parametrize("model", ["mlp", "batch norm"])
@pytest.mark.parametrize("name", DATA)
def test_compiled_training_of_any_batches_is_the_training(name, model, limit, monkeypatch):
    if model == "batch norm" and name in ("single examples", "one left over"):
        pytest.skip("one example has no variance")
    if limit:
        monkeypatch.setattr(NativeEpochs, "_limit", lambda self, masks: limit)
    same(trained(False, model=model, **DATA[name]), trained(True, model=model, **DATA[name]))


def of_weights(model, total):
    return 0.01 * cr.sum(model[0].weight ** 2) / total


def of_amount(model, total, amount):
    return amount * cr.sum(model[0].weight ** 2) / total


@pytest.mark.parametrize("penalty", [of_weights, (of_amount, 0.01)], ids=["alone", "with amount"])
def test_a_penalty_counts_in_every_batch(penalty):
    eager, compiled = (trained(c, how={"penalty": penalty}) for c in (False, True))
    same(eager, compiled)
    assert eager.history.loss[0] > trained(False).history.loss[0]


def test_the_amount_of_a_penalty_is_an_input_and_not_part_of_the_code():
    class Keyed(optim.Adam):
        def key(self):
            return ("adam",)

    many = []
    for amount in (0.01, 0.5):
        how = {"penalty": (of_amount, amount)}
        trainer = trained(True, Keyed(0.01), how=how)
        same(trained(False, Keyed(0.01), how=how), trainer)
        many.append(trainer.course.native.stepper)
    assert many[0] is many[1]
    assert len(many[0].compiled[False].versions) == 1


def test_without_watching_it_is_the_same_training():
    watched, alone = (trained(True, how={"watch": w}) for w in (True, False))
    for a, b in zip(watched.run.params, alone.run.params, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)
    assert {"health", "gradient_norms"}.isdisjoint(alone.history.last)


@pytest.mark.parametrize("model", ["mlp", "dropout", "batch norm"])
def test_compiled_training_gives_the_same_bits_again(model):
    one, two = (trained(True, model=model) for _ in range(2))
    assert [p.tobytes() for p in one.run.params] == [p.tobytes() for p in two.run.params]
    assert one.history.loss == two.history.loss


@pytest.mark.parametrize("weights", [None, DATA["weights"]["sample_weight"]], ids=["", "weights"])
def test_a_search_on_machine_code_is_the_search(weights):
    given = {"batch_size": 203, "shuffle": False, "sample_weight": weights, "epochs": 4}
    eager, compiled = (
        trained(c, optim.LBFGS(max_iter=5), how={"watch": False}, **given) for c in (False, True)
    )
    assert eager.run.searched is None
    assert compiled.run.searched.versions
    np.testing.assert_allclose(compiled.history.loss, eager.history.loss, rtol=1e-3)


@pytest.mark.parametrize("model", ["dropout", "batch norm"])
def test_what_draws_or_remembers_is_searched_op_by_op(model):
    given = {"batch_size": 203, "shuffle": False}
    found = [trained(c, optim.LBFGS(max_iter=2), model, **given) for c in (False, True)]
    assert found[0].history.loss == found[1].history.loss
    assert found[1].run.searched is None


def test_a_few_examples_more_are_served_by_the_same_code():
    found = []
    for count in (201, 203):
        trainer = Trainer(MODELS["mlp"](), optimizer=optim.Adam(0.01), compiled=True)
        trainer.fit(X[:count], Y[:count], epochs=2, batch_size=8)
        versions = len(trainer.run.stepper.compiled[False].versions)
        found.append((trainer.run.stepper, versions))
    assert found[0] == found[1]


class Diverges:
    """Spoils the optimiser's state after two epochs, and keeps the parameters as they were."""

    def on_start(self, run, x, t, epochs):
        self.run = run

    def on_epoch(self, row):
        if row["epoch"] == 2:
            self.kept = [p.tobytes() for p in self.run.params]
            spoiled = tuple([np.full_like(a, np.nan) for a in s] for s in self.run.state.slots)
            self.run.state = self.run.state._replace(slots=spoiled)


@pytest.mark.parametrize("in_place", [False, True])
def test_what_diverges_goes_back_to_the_epoch_before_wherever_steps_write(in_place, monkeypatch):
    monkeypatch.setattr(native, "IN_PLACE", 0 if in_place else 1 << 40)
    spoils = Diverges()
    with pytest.warns(TrainingWarning, match="diverged in epoch 3"):
        trainer = trained(True, epochs=5, how={"callbacks": [spoils]})
    assert trainer.course.native.in_place is in_place
    assert [p.tobytes() for p in trainer.run.params] == spoils.kept


def test_an_epoch_is_one_call(monkeypatch):
    made = []
    call = NativeEpochs.call
    monkeypatch.setattr(NativeEpochs, "call", lambda s, *c: made.append(c) or call(s, *c))
    trained(True)
    assert made == [(stepping.Call(0, 26),)] * 3


def test_a_callback_of_every_step_hears_of_it_before_the_next():
    class Stop:
        def on_step(self, row):
            if row["step"] == 5:
                raise StopIteration

    compiled = trained(True, how={"callbacks": [Stop()]})
    eager = trained(False, how={"callbacks": [Stop()]})
    assert compiled.run.steps == eager.run.steps == 5
    for a, b in zip(eager.run.params, compiled.run.params, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


@nn.layer
class Looks(nn.Module):
    scale: cr.Tensor

    def __call__(self, x):
        return x[:, :1] * self.scale if float(self.scale) > 0 else x[:, :1]


@nn.layer
class Noisy(nn.Module):
    by_mode = True
    scale: cr.Tensor

    def __call__(self, x, training=None, rng=None):
        drawn = nn.mode.drawing(self, training, rng)
        noise = 0.0 if drawn is None else drawn.normal(size=x.shape).astype(np.float32)
        return (x + noise)[:, :1] * self.scale


@pytest.mark.parametrize("kind", [Looks, Noisy])
def test_what_cannot_be_traced_is_trained_op_by_op(kind, monkeypatch):
    monkeypatch.setattr(stepping, "TRACED", 0)
    found = [
        cr.fit(kind(cr.tensor(np.float32(0.5))), X, Y, "mse", optim.SGD(0.01), 3, 8, callbacks=c)
        for c in ([], [type("Each", (), {"on_step": lambda self, row: None})()])
    ]
    monkeypatch.setattr(stepping, "TRACED", 10**18)
    eager = cr.fit(kind(cr.tensor(np.float32(0.5))), X, Y, "mse", optim.SGD(0.01), 3, 8)
    assert [h.loss for h in found] == [eager.loss] * 2


@pytest.mark.parametrize("kind", [Looks, Noisy])
def test_what_cannot_be_traced_is_refused_where_machine_code_is_asked_for(kind):
    trainer = Trainer(kind(cr.tensor(np.float32(0.5))), compiled=True)
    with pytest.raises(cr.TracingError):
        trainer.fit(X, Y, epochs=1)


def test_a_stepper_s_masks_are_those_of_the_step_op_by_op():
    run = trained(False, model="dropout").run
    stepper = Stepper(run.objective, run.optimizer, run.names, True)
    need = stepper.need(run.params, X[:8], Y[:8], None, None)
    one, two = np.random.default_rng(5), np.random.default_rng(5)
    streams = two.spawn(2)
    expected = [nn.dropout.mask(streams[0], (8, 8), 0.4, np.float32),
                nn.dropout.mask(streams[1], (8, 8), 0.2, np.float32)]  # fmt: skip
    for a, b in zip(need.masks.drawn(one), expected, strict=True):
        assert a.tobytes() == b.tobytes()
