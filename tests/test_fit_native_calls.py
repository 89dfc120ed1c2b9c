"""`fit` on machine code: in which calls, how it is stopped, how it judges, and for how many."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest
from fits import MODELS, X, Y, trained

import chainrule as cr
from chainrule import nn, optim
from chainrule.train import Trainer, answering, native
from chainrule.train.stepping import calls, worth

# ------------------------------------------------------------------ in which calls

PLANS = [(n, s, k, p) for n in (1, 7, 60, 203) for s in (1, 8, 60, 300) for k in (1, 4, 1000)
         for p in (False, True)]  # fmt: skip


@pytest.mark.parametrize(("count", "size", "limit", "padded"), PLANS)
def test_the_calls_of_an_epoch_cover_it_in_few_shapes(count, size, limit, padded):
    made = calls(count, size, limit, padded)
    ends = [c.start + (c.steps * size) + c.last for c in made]
    assert [c.start for c in made] == [0, *ends[:-1]]
    assert ends[-1] == (-(-count // size) * size if padded else count)
    assert max(c.steps for c in made) <= limit
    assert len({(c.steps, c.last) for c in made}) <= 3
    assert not padded or all(c.last == 0 for c in made)


def test_short_trainings_are_not_compiled_and_long_ones_are():
    short = trained(None)
    assert short.course.native is None
    long = trained(None, epochs=60)
    assert long.course.native is not None
    assert worth(60 * 26, long.course.native.work)


# ------------------------------------------------------------------ Ctrl-C


def test_ctrl_c_ends_it_within_a_second_at_the_last_completed_step(monkeypatch):
    monkeypatch.setattr(native, "CALL", 20_000_000)
    trainer = Trainer(MODELS["mlp"](), optimizer=optim.Adam(0.001), compiled=True)
    started = []

    def interrupt():
        while not trainer.run.steps:
            time.sleep(0.01)
        started.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    other = threading.Thread(target=interrupt)
    other.start()
    history = trainer.fit(X, Y, epochs=10**6, batch_size=8)
    other.join()
    assert history.interrupted
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert time.monotonic() - started[0] < 10  # a hang, not a speed
    steps, again = trainer.run.steps, Trainer(MODELS["mlp"](), optimizer=optim.Adam(0.001),
                                              compiled=True)  # fmt: skip
    kept = Until(steps)
    again.fit(X, Y, epochs=10**6, batch_size=8, checkpoint=kept)
    assert again.run.steps == steps
    assert [p.tobytes() for p in again.run.params] == [p.tobytes() for p in trainer.run.params]


class Until:
    """Ends a training, between two calls, at a number of steps."""

    def __init__(self, steps):
        self.steps = steps

    def begin(self, run):
        """Nothing is taken up again."""

    def due(self, run):
        if run.steps >= self.steps:
            raise KeyboardInterrupt
        return False

    def save(self, state):
        """Nothing is kept."""


# ------------------------------------------------------------------ judged on machine code


@pytest.mark.parametrize("model", ["mlp", "dropout", "batch norm"])
def test_what_is_judged_on_machine_code_has_the_same_figures(model, monkeypatch):
    monkeypatch.setattr(answering, "BATCH", 64)
    monkeypatch.setattr(answering, "worth_answering", lambda times, work: True)
    more = {"model": model, "validation": 0.2, "how": {"metrics": ["r2"]}}
    compiled, eager = trained(True, **more), trained(False, **more)
    assert [j is None for j in compiled.course.judges] == [model == "batch norm"] * 2
    for name in ("val_loss", "r2", "val_r2"):
        np.testing.assert_allclose(compiled.history[name], eager.history[name], rtol=1e-4)


def test_a_model_that_cannot_be_traced_where_it_is_judged_is_judged_op_by_op(monkeypatch):
    @nn.layer
    class Picky(nn.Module):
        by_mode = True
        scale: cr.Tensor

        def __call__(self, x, training=None):
            if nn.mode.live(self) is None and float(cr.sum(x)) > 1e9:
                return x[:, :1]
            return x[:, :1] * self.scale

    monkeypatch.setattr(answering, "worth_answering", lambda times, work: True)
    trainer = Trainer(Picky(cr.tensor(np.float32(0.5))), compiled=True)
    trainer.fit(X, Y, epochs=2, validation=0.2)
    assert not trainer.course.judges[1].compiled
    assert np.isfinite(trainer.history.val_loss).all()


def test_a_second_training_of_one_structure_compiles_nothing_anew():
    one, two = (trained(True, optim.AdamW(0.0123)) for _ in range(2))
    assert one.course.native.stepper is two.course.native.stepper
    assert one.course.native.stepper is not trained(True, optim.AdamW(0.0124)).course.native.stepper
    assert one.course.native.stepper is not trained(True, optim.Adam(0.0123)).course.native.stepper


def test_trainings_of_one_batch_share_the_machine_code_whatever_their_numbers_of_examples():
    known = optim.Adam(0.0125)
    steps = {id(trained(True, known, y=Y[:n], x=X[:n], batch_size=99).course.native.step.versions)
             for n in (70, 81, 99)}  # fmt: skip
    one = trained(True, known, y=Y[:90], x=X[:90], batch_size=99).course.native
    assert len(steps) == len(one.step.versions) == 1


FILLED = [(1 << 40, "mlp", 256), (0, "mlp", 203), (1 << 40, "dropout", 203)]


@pytest.mark.parametrize(("little", "model", "rows"), FILLED)
def test_a_batch_is_filled_where_that_costs_little(little, model, rows, monkeypatch):
    monkeypatch.setattr(native, "LITTLE", little)
    assert trained(True, model=model, batch_size=500).course.native.size == rows
