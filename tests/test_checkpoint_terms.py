"""A training is taken up again on the terms that it began with, or in words not at all."""

from __future__ import annotations

import numpy as np
import pytest
from training import X, Y, mlp

import chainrule as cr
from chainrule import nn, optim
from chainrule.train import Trainer
from chainrule.train.checkpoint import Checkpoints, CheckpointWarning
from chainrule.train.data import fingerprint as module
from chainrule.train.data.fingerprint import fingerprint
from chainrule.train.data.sources import Source, Stream, source
from chainrule.train.terms import terms_of

LABELS = (Y > 0).astype(np.int64)
BEGUN = {"epochs": 2, "batch_size": 16, "loss": "mse", "validation": 0.2}


def batches(size=10):
    def made():
        for k in range(0, 50, size):
            yield X[k : k + size], Y[k : k + size]

    return made


def fit(folder, X=X, y=Y, model=None, **options):
    """What a user runs, again and again."""
    return cr.fit(
        mlp(3, 4, 1) if model is None else model, X, y, checkpoint=Checkpoints(folder), **options
    )


def changed(a, row, value):
    a = a.copy()
    a[row] = value
    return a


# What is changed between the two calls → what is said.
OTHER = {
    "another number of examples": ({"X": X[:40], "y": Y[:40]}, "the data was 50 examples.*is 40"),
    "another number in X": ({"X": changed(X, 7, 1.5)}, "the numbers or weights of the examples"),
    "another number in y": ({"y": changed(Y, 49, 1.5)}, "the numbers or weights of the examples"),
    "weights": ({"sample_weight": np.arange(50.0)}, "the numbers or weights of the examples"),
    "another batch size": ({"batch_size": 8}, "batch_size was 16 and is 8"),
    "another loss": ({"loss": "huber"}, "loss was mse and is huber"),
    "another share": ({"validation": 0.4}, "validation was 10 examples.*and is 20 examples"),
    "no share": ({"validation": None}, "validation was 10 examples .*and is none"),
    "another seed": ({"seed": 1}, "held-out examples are others: by validation=, or by the seed"),
    "another order": ({"shuffle": False}, "shuffle was True and is False"),
    "class weights": (
        {"class_weight": {0: 1, 1: 2}}, r"class_weight was None and is \{0: 1, 1: 2\}",
    ),
    "another optimiser": (
        {"optimizer": optim.SGD(0.1)}, r"optimizer was Adam\(\) and is SGD\(lr=0\.1\)",
    ),
    "L-BFGS": (
        {"optimizer": optim.LBFGS(), "batch_size": 50, "validation": None}, "batch_size was 16",
    ),
    "batches": (
        {"X": batches(), "y": None, "batch_size": None, "validation": None}, "the data was",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHER)
def test_other_terms_are_refused_with_what_differs_and_what_to_do(what, tmp_path):
    change, said = OTHER[what]
    y = LABELS if "class_weight" in change else Y
    fit(tmp_path, **{"y": y, **BEGUN})
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(cr.CheckpointError, match=said) as error:
        fit(tmp_path, **{"y": y, **BEGUN, **change, "epochs": 4})
    assert f"{tmp_path} holds another training: " in str(error.value)
    assert f"Checkpoints({str(tmp_path)!r}, resume=False)" in str(error.value)
    assert "made at test_checkpoint_terms.py" in str(error.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_l_bfgs_does_not_go_on_with_the_memory_of_another_optimiser(tmp_path):
    whole = {"batch_size": 50, "epochs": 1}
    fit(tmp_path, **whole)
    with pytest.raises(cr.CheckpointError, match=r"optimizer was Adam\(\) and is LBFGS"):
        fit(tmp_path, **whole, optimizer=optim.LBFGS())


SAME = {
    "more epochs": {"epochs": 5}, "the same": {}, "another metric": {"metrics": ["r2"]},
    "lists": {"X": X.tolist(), "y": Y.tolist()}, "an early end": {"early_stopping": 9},
}  # fmt: skip


@pytest.mark.parametrize("what", SAME)
def test_what_changes_no_number_is_gone_on_with(what, tmp_path):
    options = {**BEGUN, "epochs": 4, **SAME[what]}
    fit(tmp_path, **BEGUN)
    again = fit(tmp_path, **options)
    whole = fit(tmp_path / "anew", **options)
    assert len(again) == options["epochs"]
    assert again.loss == whole.loss


def test_another_rate_is_gone_on_with_and_said(tmp_path):
    fit(tmp_path, **BEGUN)
    said = r"the training goes on with Adam\(lr=0\.1\); so far it was Adam\(\)"
    with pytest.warns(CheckpointWarning, match=said) as warned:
        history = fit(tmp_path, **{**BEGUN, "epochs": 3}, optimizer=optim.Adam(0.1))
    assert len(history) == 3
    assert warned[0].filename == __file__


def test_a_file_is_the_same_data_as_its_array(tmp_path):
    np.save(tmp_path / "X.npy", X)
    fit(tmp_path / "run", **BEGUN)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert len(fit(tmp_path / "run", mapped, **{**BEGUN, "epochs": 3})) == 3


def test_of_a_large_file_a_bounded_part_is_read(monkeypatch):
    class Counting(Source):
        read = 0

        def __len__(self):
            return 10**7

        def take(self, rows):
            self.read += len(rows)
            return np.ones((len(rows), 100), np.float32), np.asarray(rows, np.float32)

    found = Counting()
    assert len(fingerprint(found).digest) == 64
    assert found.read <= module.ROWS + 2 * module.TWICE + 1


def test_large_data_with_another_number_in_a_row_that_is_read_are_others(monkeypatch):
    monkeypatch.setattr(module, "WHOLE", 100)
    monkeypatch.setattr(module, "ROWS", 5)
    found = [fingerprint(source(x, Y)).digest for x in (X, changed(X, 0, 9), changed(X, 49, 9))]
    assert len(set(found)) == 3


def test_of_data_that_are_drawn_anew_the_form_alone_is_known():
    class Noisy(Source):
        rng = np.random.default_rng(0)

        def __len__(self):
            return 50

        def take(self, rows):
            return X[rows] + self.rng.normal(size=(len(rows), 3)), Y[rows]

    form, digest = fingerprint(Noisy())
    assert form.startswith("50 examples of (3,)")
    assert digest == ""


def test_of_batches_the_form_alone_is_known():
    found = fingerprint(Stream(batches(), np.float32))
    assert found == ("batches of examples of (3,) float32 with targets of () float32", "")


@pytest.mark.parametrize("size", [7, 50])
def test_batches_that_no_longer_end_where_the_training_did_are_refused(size, tmp_path):
    class Cut(Checkpoints):
        def save(self, state, told=None):
            super().save(state, told)
            raise KeyError

    with pytest.raises(KeyError):
        cr.fit(mlp(3, 4, 1), batches(), None, epochs=1, checkpoint=Cut(tmp_path, every=2))
    with pytest.raises(
        cr.DataError, match="after 20 examples of an epoch, and no batch ends there"
    ):
        fit(tmp_path, batches(size), None, epochs=1)


def test_the_same_share_is_held_out_whenever_the_trainer_goes_on(tmp_path):
    trainer, seen = Trainer(mlp(3, 4, 1)), []

    class Held:
        def on_start(self, run, x, t, epochs):
            seen.append(np.array(x))

    trainer.callbacks = [Held()]
    for _ in range(3):
        trainer.fit(X, Y, epochs=1, validation=0.2, checkpoint=Checkpoints(tmp_path))
    assert len(trainer.history) == 3
    assert np.array_equal(seen[0], seen[1])
    assert np.array_equal(seen[0], seen[2])


def test_terms_are_as_they_are_written_and_hold_no_place_in_memory():
    model = Trainer(nn.Linear(3, 1), nn.losses.huber, optim.SGD(lambda step: 0.1))
    data = Trainer(nn.Linear(3, 1))
    data.fit(X, Y, epochs=0)
    told = terms_of(model.run, data.course.data, None, shuffle=max)
    assert told["loss"] == "huber"
    assert told["shuffle"] == "max"
    assert "0x" not in told["optimizer"]
