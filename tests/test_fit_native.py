"""`fit` on machine code: the same training, whatever the optimiser."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.train import stepping

rng = np.random.default_rng(0)
X = rng.normal(size=(203, 3)).astype(np.float32)
Y = np.sin(X[:, :1] * X[:, 1:2])
SCHEDULED = cr.optim.schedules.cosine(0.1, steps=60, warmup=10)
OPTIMISERS = {
    "sgd": cr.optim.SGD(lr=0.05), "nesterov": cr.optim.SGD(lr=0.05, momentum=0.9, nesterov=True),
    "scheduled": cr.optim.SGD(lr=SCHEDULED), "adam": cr.optim.Adam(lr=0.01),
    "adamw": cr.optim.AdamW(lr=0.01), "nadam": cr.optim.NAdam(), "radam": cr.optim.RAdam(),
    "rmsprop": cr.optim.RMSProp(lr=0.01), "adagrad": cr.optim.Adagrad(lr=0.05),
    "lion": cr.optim.Lion(lr=0.001),
    "clipped": cr.optim.chain(cr.optim.clip_by_norm(0.5), cr.optim.Adam(lr=0.01)),
}  # fmt: skip


def trained(monkeypatch, worth: int, optimizer, model=None, **options):
    monkeypatch.setattr(stepping, "WORTH", worth)
    model = model or cr.nn.Sequential(cr.nn.Linear(3, 8), cr.nn.Tanh(), cr.nn.Linear(8, 1), seed=1)
    history = cr.fit(model, X, Y, optimizer=optimizer, epochs=3, batch_size=8, seed=2, **options)
    return model, history


def weights(model) -> list[np.ndarray]:
    return [p.value for p in model.parameters()]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_compiled_training_is_the_training(monkeypatch, name):
    eager, told = trained(monkeypatch, 10**9, OPTIMISERS[name])
    native, found = trained(monkeypatch, 0, OPTIMISERS[name])
    for a, b in zip(weights(eager), weights(native), strict=True):
        np.testing.assert_allclose(b, a, rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(found.loss, told.loss, rtol=1e-3)
    for layer, norm in told.last["gradient_norms"].items():
        assert found.last["gradient_norms"][layer] == pytest.approx(norm, rel=1e-3)


def test_compiled_training_runs_in_stretches_and_gives_the_same_bits_again(monkeypatch):
    lengths = []
    many = stepping.NativeStep._stretch
    monkeypatch.setattr(
        stepping.NativeStep, "_stretch", lambda s, *a: lengths.append(len(a[2])) or many(s, *a)
    )
    one, _ = trained(monkeypatch, 0, cr.optim.Adam())
    two, _ = trained(monkeypatch, 0, cr.optim.Adam(), progress=True)
    assert lengths  # traced once for a length, and twice over for the two trainings
    assert set(lengths) == {stepping.LONGEST}
    for a, b in zip(weights(one), weights(two), strict=True):
        assert a.tobytes() == b.tobytes()


def test_a_callback_of_every_step_hears_of_it_before_the_next(monkeypatch):
    class Stop:
        def on_step(self, row):
            if row["step"] == 5:
                raise StopIteration

    model, _ = trained(monkeypatch, 0, cr.optim.SGD(lr=0.1), callbacks=Stop())
    by_hand = cr.nn.Sequential(cr.nn.Linear(3, 8), cr.nn.Tanh(), cr.nn.Linear(8, 1), seed=1)
    monkeypatch.setattr(stepping, "WORTH", 10**9)
    cr.fit(by_hand, X, Y, optimizer=cr.optim.SGD(lr=0.1), epochs=1, batch_size=8, seed=2,
           callbacks=Stop())  # fmt: skip
    for a, b in zip(weights(by_hand), weights(model), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


def test_what_draws_random_numbers_is_trained_step_by_step(monkeypatch):
    model = cr.nn.Sequential(cr.nn.Linear(3, 8), cr.nn.Dropout(0.5), cr.nn.Linear(8, 1), seed=1)
    _, history = trained(monkeypatch, 0, cr.optim.Adam(), model)
    other = cr.nn.Sequential(cr.nn.Linear(3, 8), cr.nn.Dropout(0.5), cr.nn.Linear(8, 1), seed=1)
    _, told = trained(monkeypatch, 10**9, cr.optim.Adam(), other)
    assert history.loss == told.loss


def test_what_cannot_be_traced_is_trained_all_the_same(monkeypatch):
    @cr.nn.layer
    class Looks(cr.nn.Module):
        scale: cr.Tensor

        def __call__(self, x):
            return x[:, :1] * self.scale if float(self.scale) > 0 else x[:, :1]

    _, history = trained(monkeypatch, 0, cr.optim.SGD(lr=0.01), Looks(cr.tensor(np.float32(0.5))))
    assert np.isfinite(history.loss[-1])
