"""`Trainer`: it goes on, it judges in batches, and weights, callbacks and data are as said."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import warnings

import numpy as np
import pytest
from training import X, Y, mlp, weights

import chainrule as cr
from chainrule import nn, optim
from chainrule.nn import losses
from chainrule.train import (
    EarlyStopping,
    Every,
    History,
    HistoryFile,
    StopAt,
    TensorBoard,
    Trainer,
    TrainingWarning,
)
from chainrule.train.batches import Ahead, order_of
from chainrule.train.callbacks.ready import scalars
from chainrule.train.data.sources import Arrays, Stored
from chainrule.train.interrupt import Interrupt, Termination
from chainrule.train.metrics.judging import predictions
from chainrule.train.weighting import weighted

rng = np.random.default_rng(0)
LABELS = np.array([0] * 30 + [1] * 15 + [2] * 5)
W = rng.uniform(0.1, 3.0, 50)

# ------------------------------------------------------------------ it goes on


@pytest.mark.parametrize("compiled", [False, True])
def test_two_calls_are_one_training(compiled):
    one, two = (Trainer(mlp(3, 4, 1), compiled=compiled) for _ in range(2))
    one.fit(X, Y, epochs=5)
    two.fit(X, Y, epochs=2)
    assert len(two.fit(X, Y, epochs=3)) == 5
    assert weights(one.model) == weights(two.model)
    assert one.history.loss == two.history.loss
    assert [row["epoch"] for row in two.history] == [1, 2, 3, 4, 5]


def test_a_step_is_a_batch_of_fit():
    one, two = (Trainer(mlp(3, 4, 1)) for _ in range(2))
    one.fit(X, Y, epochs=1, batch_size=25, shuffle=False)
    costs = [two.step(X[:25], Y[:25]), two.step(X[25:], Y[25:])]
    assert weights(one.model) == weights(two.model)
    assert one.history.loss == [pytest.approx(np.mean(costs), rel=1e-12)]


@pytest.mark.parametrize("compiled", [False, True])
def test_the_model_in_hand_is_not_changed_while_training_goes_on(compiled):
    trainer = Trainer(mlp(3, 4, 1), compiled=compiled)
    trainer.fit(X, Y, epochs=1)
    held = trainer.model[0].weight
    before = held.value.tobytes()
    trainer.fit(X, Y, epochs=2)
    assert held.value.tobytes() == before != trainer.model[0].weight.value.tobytes()


def test_an_epoch_that_was_ended_is_begun_anew():
    class Stop:
        def on_step(self, row):
            if row["step"] == 2:
                raise StopIteration

    trainer = Trainer(mlp(3, 4, 1), callbacks=[Stop()])
    trainer.fit(X, Y, epochs=1, batch_size=10)
    trainer.callbacks = ()
    trainer.fit(X[:30], Y[:30], epochs=1, batch_size=10)
    assert (trainer.run.steps, len(trainer.history)) == (5, 1)


def test_clip_and_accumulate_are_those_of_the_optimisers():
    one = Trainer(mlp(3, 4, 1), optimizer=optim.Adam(), clip=0.1, accumulate=2)
    rule = optim.accumulate(optim.chain(optim.clip_by_norm(0.1), optim.Adam()), 2)
    two = Trainer(mlp(3, 4, 1), optimizer=rule)
    three = Trainer(mlp(3, 4, 1), optimizer=optim.Adam(), clip=(-0.01, 0.01))
    four = Trainer(
        mlp(3, 4, 1), optimizer=optim.chain(optim.clip_by_value(-0.01, 0.01), optim.Adam())
    )
    for trainer in (one, two, three, four):
        trainer.fit(X, Y, epochs=3, batch_size=10)
    assert weights(one.model) == weights(two.model) != weights(three.model)
    assert weights(three.model) == weights(four.model)


# ------------------------------------------------------------------ it judges in batches


def test_predictions_are_made_in_batches_and_are_the_model_s():
    trainer = Trainer(mlp(3, 4, 1))
    trainer.fit(X, Y, epochs=1)
    made = trainer.predict(X, batch_size=7)
    np.testing.assert_allclose(made, trainer.model(X.astype(np.float32)).value, rtol=1e-6)
    assert trainer.predict(X[:0]).shape == (0, 1)


def test_no_more_than_a_batch_is_held_at_once():
    sizes = []
    data = Stored(np.asarray(X, np.float32), Y[:, None], np.float32)

    def model(x):
        sizes.append(len(x))
        return x[:, :1]

    class Data:
        source = data

        def __len__(self):
            return 50

    made, t = predictions(model, Data(), 16)
    assert sizes == [16, 16, 16, 2]
    np.testing.assert_array_equal(made, X[:, :1].astype(np.float32))
    np.testing.assert_array_equal(t, Y[:, None].astype(np.float32))


def test_dropout_is_off_and_batch_norm_uses_its_statistics_where_it_is_judged():
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
    trainer = Trainer(model)
    trainer.fit(X, Y, epochs=2)
    np.testing.assert_array_equal(trainer.predict(X), trainer.predict(X))
    x = X.astype(np.float32)
    np.testing.assert_allclose(trainer.predict(X), trainer.model(x).value, rtol=1e-5, atol=1e-6)


def test_evaluation_weighs_the_loss_and_the_metrics():
    trainer = Trainer(mlp(3, 4, 1, dtype=np.float64), metrics=["mae"])
    found = trainer.evaluate(X, Y, sample_weight=W)
    apart = trainer.predict(X)[:, 0] - Y
    assert found["loss"] == pytest.approx(np.average(apart**2, weights=W), rel=1e-12)
    assert found["mae"] == pytest.approx(np.average(np.abs(apart), weights=W), rel=1e-12)


# ------------------------------------------------------------------ weights

TARGETS = {
    "mse": (2, rng.normal(size=(50, 2))), "l1": (2, rng.normal(size=(50, 2))),
    "huber": (1, rng.normal(size=(50, 1))), "cross_entropy": (3, LABELS),
    "binary_cross_entropy": (1, rng.uniform(0, 1, (50, 1))),
    "binary_cross_entropy_with_logits": (2, rng.integers(0, 2, (50, 2))),
}  # fmt: skip


def net(outputs, loss):
    last = [nn.Sigmoid()] if loss == "binary_cross_entropy" else []
    return nn.Sequential(
        nn.Linear(3, 4, dtype=np.float64), nn.Tanh(), nn.Linear(4, outputs, dtype=np.float64),
        *last, seed=3,
    )  # fmt: skip


def test_every_loss_is_tried_with_weights():
    assert set(TARGETS) == set(losses.LOSSES)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("loss", TARGETS)
def test_a_weight_of_two_is_the_example_twice(loss, compiled):
    outputs, t = TARGETS[loss]
    twice = np.concatenate([np.arange(50), np.arange(10)])
    heavy, double = (Trainer(net(outputs, loss), loss, optim.SGD(0.1), compiled=compiled)
                     for _ in range(2))  # fmt: skip
    heavy.fit(X, t, epochs=3, batch_size=50, shuffle=False,
              sample_weight=np.where(np.arange(50) < 10, 2.0, 1.0))  # fmt: skip
    double.fit(X[twice], t[twice], epochs=3, batch_size=60, shuffle=False)
    for a, b in zip(heavy.run.params, double.run.params, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(heavy.history.loss, double.history.loss, rtol=1e-9)


@pytest.mark.parametrize("loss", TARGETS)
def test_weights_that_are_all_alike_change_nothing(loss):
    outputs, t = TARGETS[loss]
    alike, none = (Trainer(net(outputs, loss), loss, optim.SGD(0.1)) for _ in range(2))
    alike.fit(X, t, epochs=2, sample_weight=np.full(50, 7.0))
    none.fit(X, t, epochs=2)
    for a, b in zip(alike.run.params, none.run.params, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_batch_of_no_weight_moves_nothing():
    assert weighted(losses.mse, np.ones((2, 1)), np.zeros((2, 1)), np.zeros(2)) == 0.0
    trainer = Trainer(mlp(3, 4, 1), optimizer=optim.SGD(0.1))
    before = weights(trainer.model)
    trainer.step(X[:2], Y[:2], weight=[1.0, 0.0])
    after = weights(trainer.model)
    assert before != after
    trainer.fit(X, Y, epochs=1, batch_size=2, shuffle=False, sample_weight=np.eye(50)[0])
    assert np.isfinite(trainer.history.loss[-1])


CLASSES = {
    "balanced": ("balanced", 50 / 3 / np.array([30, 15, 5])),
    "a dict": ({0: 1.0, 1: 2.0, 2: 5.0}, np.array([1.0, 2.0, 5.0])),
    "an array": (np.array([1.0, 2.0, 5.0]), np.array([1.0, 2.0, 5.0])),
}


@pytest.mark.parametrize("name", CLASSES)
def test_class_weights_are_weights_of_examples(name):
    given, expected = CLASSES[name]
    one, two = (Trainer(net(3, "cross_entropy"), "cross_entropy") for _ in range(2))
    one.fit(X, LABELS, epochs=2, class_weight=given, sample_weight=W)
    two.fit(X, LABELS, epochs=2, sample_weight=W * expected[LABELS])
    assert weights(one.model) == weights(two.model)


def test_held_out_data_have_weights_of_their_own():
    trainer = Trainer(mlp(3, 4, 1, dtype=np.float64), optimizer=optim.SGD(0.0))
    history = trainer.fit(X, Y, epochs=1, validation=(X, Y, W))
    apart = trainer.predict(X)[:, 0] - Y
    assert history.val_loss == [pytest.approx(np.average(apart**2, weights=W), rel=1e-12)]


# ------------------------------------------------------------------ the order of examples


@pytest.mark.parametrize("seed", range(5))
def test_stratified_batches_have_each_class_in_its_share(seed):
    order = order_of("stratified", 50, np.random.default_rng(seed), lambda: LABELS)
    assert sorted(order.tolist()) == list(range(50))
    for k in range(0, 50, 10):
        counts = np.bincount(LABELS[order[k : k + 10]], minlength=3)
        assert np.abs(counts - [6, 3, 1]).max() <= 1


@pytest.mark.parametrize("seed", range(5))
def test_balanced_batches_have_all_classes_alike(seed):
    order = order_of("balanced", 50, np.random.default_rng(seed), lambda: LABELS)
    assert len(order) == 50
    assert set(LABELS[order[:12]]) == {0, 1, 2}
    assert np.abs(np.bincount(LABELS[order]) - 50 / 3).max() < 1
    assert {*order[LABELS[order] == 2]} == set(range(45, 50))
    for k in range(0, 48, 12):
        assert np.abs(np.bincount(LABELS[order[k : k + 12]], minlength=3) - 4).max() <= 1


@pytest.mark.parametrize("shuffle", ["stratified", "balanced", "random", lambda n: range(n)[::-1]])
def test_any_order_of_batches_trains(shuffle):
    one, two = (cr.fit(net(3, "cross_entropy"), X, LABELS, "cross_entropy", epochs=3,
                       batch_size=10, shuffle=shuffle) for _ in range(2))  # fmt: skip
    assert one.loss == two.loss
    assert one.loss[-1] < one.loss[0]


# ------------------------------------------------------------------ data that are not in memory


def stored(x=X):
    return Stored(np.asarray(x, np.float32), Y[:, None].astype(np.float32), np.float32)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("options", [{}, {"sample_weight": W}, {"validation": 0.2}])
def test_examples_from_a_file_train_the_same_model(options, compiled):
    one, two = (Trainer(mlp(3, 4, 1), compiled=compiled) for _ in range(2))
    one.fit(stored(), None, epochs=3, batch_size=8, **options)
    two.fit(X, Y, epochs=3, batch_size=8, **options)
    assert weights(one.model) == weights(two.model)
    assert one.history.loss == two.history.loss


def test_examples_are_fetched_ahead_and_only_once():
    taken = []

    class Slow(Arrays):
        def take(self, rows):
            taken.append(rows.tolist())
            return super().take(rows)

    ahead, rows = Ahead(Slow(X, Y)), [np.arange(k, k + 3) for k in (0, 3, 6)]
    for k in range(3):
        x, _ = ahead.take(rows[k], rows[k + 1] if k < 2 else None)
        np.testing.assert_array_equal(x, X[rows[k]])
    assert sorted(taken) == [r.tolist() for r in rows]


def test_an_error_of_what_is_fetched_ahead_is_raised_where_it_is_asked_for():
    class Broken(Arrays):
        def take(self, rows):
            if rows[0] == 3:
                raise cr.DataError("the file has gone")
            return super().take(rows)

    ahead = Ahead(Broken(X, Y))
    ahead.take(np.arange(3), np.arange(3, 6))
    with pytest.raises(cr.DataError, match="has gone"):
        ahead.take(np.arange(3, 6))


def test_batches_of_an_iterator_train_as_they_come():
    def batches():
        for k in range(0, 50, 10):
            yield X[k : k + 10], Y[k : k + 10]

    one, two = (Trainer(mlp(3, 4, 1)) for _ in range(2))
    one.fit(batches, epochs=3, validation=(X, Y))
    two.fit(X, Y, epochs=3, batch_size=10, shuffle=False, validation=(X, Y))
    assert weights(one.model) == weights(two.model)
    assert one.history.val_loss == two.history.val_loss


# ------------------------------------------------------------------ early stopping


def stopped(**options):
    model = mlp(3, 16, 1)
    early = EarlyStopping(**options)
    trainer = Trainer(model, optimizer=optim.Adam(0.05), compiled=False)
    history = trainer.fit(X, Y, epochs=300, validation=0.3, early_stopping=early)
    return trainer, history, early


def test_it_stops_after_so_many_epochs_without_a_better_figure():
    _, history, early = stopped(patience=5)
    best = int(np.argmin(history.val_loss))
    assert len(history) == best + 1 + 5 < 300
    assert (early.best, early.best_epoch) == (history.val_loss[best], best + 1)


def test_the_best_model_is_restored_or_not_as_asked():
    for restored in (True, False):
        trainer, history, _ = stopped(patience=5, restore_best=restored)
        again = Trainer(mlp(3, 16, 1), optimizer=optim.Adam(0.05), compiled=False)
        epochs = int(np.argmin(history.val_loss)) + 1 if restored else len(history)
        again.fit(X, Y, epochs=epochs, validation=0.3)
        assert weights(trainer.model) == weights(again.model)


def test_running_statistics_are_restored_with_the_best_model():
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1))
    early = EarlyStopping(patience=3)
    trainer = Trainer(model, optimizer=optim.Adam(0.05))
    history = trainer.fit(X, Y, epochs=200, validation=0.3, early_stopping=early)
    count = int(trainer.model[1].num_batches_tracked.value)
    assert count == early.best_epoch * 2 < 2 * len(history)


@pytest.mark.parametrize(("monitor", "better"), [("val_loss", 1.0), ("val_accuracy", 3.0)])
def test_larger_is_better_for_accuracies_and_worse_for_losses(monitor, better):
    early = EarlyStopping(monitor, patience=1, restore_best=False)
    early.on_epoch({"epoch": 1, monitor: 2.0})
    early.on_epoch({"epoch": 2, monitor: better})
    with pytest.raises(StopIteration):
        early.on_epoch({"epoch": 3, monitor: 2.0})
    assert early.best == better


def test_a_gain_below_the_least_is_none_and_nan_is_never_one():
    early = EarlyStopping("loss", patience=2, min_delta=0.1, restore_best=False)
    early.on_epoch({"epoch": 1, "loss": 1.0})
    early.on_epoch({"epoch": 2, "loss": 0.95})
    with pytest.raises(StopIteration):
        early.on_epoch({"epoch": 3, "loss": float("nan")})
    assert early.best_epoch == 1


# ------------------------------------------------------------------ callbacks and files


class Noting:
    """Writes down what it hears."""

    def __init__(self):
        self.heard = []

    def on_start(self, run, x, t, epochs):
        self.heard.append(("start", x.shape, t.shape, epochs))

    def on_step(self, row):
        self.heard.append(("step", row["epoch"], row["step"]))

    def on_epoch(self, row):
        self.heard.append(("epoch", row["epoch"]))

    def on_end(self, history):
        self.heard.append(("end", len(history)))


@pytest.mark.parametrize("compiled", [False, True])
def test_callbacks_hear_of_everything_in_order(compiled):
    note = Noting()
    Trainer(mlp(3, 4, 1), callbacks=note, compiled=compiled).fit(X, Y, epochs=2, batch_size=30)
    assert note.heard == [
        ("start", (50, 3), (50, 1), 2), ("step", 1, 1), ("step", 1, 2), ("epoch", 1),
        ("step", 2, 1), ("step", 2, 2), ("epoch", 2), ("end", 2),
    ]  # fmt: skip


def test_all_callbacks_hear_of_an_epoch_though_one_ends_it():
    note = Noting()
    stop = StopAt("loss", 1e9)
    cr.fit(mlp(3, 4, 1), X, Y, epochs=5, batch_size=50, callbacks=[stop, note])
    assert note.heard[-2:] == [("epoch", 1), ("end", 1)]


def test_a_line_of_history_is_in_its_file_while_the_training_goes_on(tmp_path):
    path, found = tmp_path / "h.jsonl", []
    look = Every(1, lambda row: found.append(len(path.read_text().splitlines())))
    history = cr.fit(mlp(3, 4, 1), X, Y, epochs=3, callbacks=[HistoryFile(path), look])
    assert found == [1, 2, 3]
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [r["loss"] for r in rows] == history.loss


def test_a_history_s_file_of_a_training_that_goes_on_has_all_its_epochs(tmp_path):
    path = tmp_path / "h.jsonl"
    trainer = Trainer(mlp(3, 4, 1), callbacks=[HistoryFile(path)])
    trainer.fit(X, Y, epochs=2)
    trainer.fit(X, Y, epochs=2)
    assert [json.loads(line)["epoch"] for line in path.read_text().splitlines()] == [1, 2, 3, 4]


def test_a_history_s_file_that_cannot_be_written_is_said_before_training(tmp_path):
    model = mlp(3, 4, 1)
    with pytest.raises(cr.DataError, match="No such file"):
        cr.fit(model, X, Y, callbacks=HistoryFile(tmp_path / "none" / "h.jsonl"))
    assert weights(model) == weights(mlp(3, 4, 1))


def test_tensorboard_gets_every_figure(tmp_path):
    board = pytest.importorskip("tensorboardX")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboardX.proto.event_pb2 import Event
    assert board
    history = cr.fit(
        mlp(3, 4, 1), X, Y, epochs=2, validation=0.2, metrics=["mae"],
        callbacks=TensorBoard(tmp_path),
    )  # fmt: skip
    data, found = next(tmp_path.iterdir()).read_bytes(), {}
    while data:
        size = int.from_bytes(data[:8], "little")
        event = Event.FromString(data[12 : 12 + size])
        data = data[16 + size :]
        found |= {(event.step, v.tag): v.simple_value for v in event.summary.value}
    expected = {(r["epoch"], k): v for r in history.rows for k, v in scalars(r).items()}
    assert set(found) == set(expected)
    assert {"loss/training", "mae/validation", "gradient_norm/0"} <= {tag for _, tag in found}
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-6)


def test_tensorboard_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(cr.MissingExtraError, match=r"chainrule\[tensorboard\]"):
        TensorBoard("anywhere")


# ------------------------------------------------------------------ what is no longer finite


@pytest.mark.parametrize("compiled", [False, True])
def test_a_training_that_diverges_ends_with_the_last_finite_model(compiled):
    def lr(step):
        return cr.where(step < 10, 1e-2, 1e12)

    trainer = Trainer(mlp(3, 8, 1, activation=nn.ReLU), optimizer=optim.SGD(lr), compiled=compiled)
    sound = Trainer(mlp(3, 8, 1, activation=nn.ReLU), optimizer=optim.SGD(lr), compiled=compiled)
    with pytest.warns(TrainingWarning, match=r"(?s)epoch 3.*0\.weight.*first: .*made Inf"):
        history = trainer.fit(X, Y, epochs=9, batch_size=10)
    sound.fit(X, Y, epochs=2, batch_size=10)
    assert len(history) == 3
    assert "diverged" in repr(history)
    assert history.diverged.count("after epoch 2") == 1
    assert weights(trainer.model) == weights(sound.model)


def test_the_operands_of_the_first_op_that_is_not_finite_have_the_names_of_the_parameters():
    trainer = Trainer(mlp(3, 8, 1, activation=nn.ReLU), optimizer=optim.SGD(1e25))
    with cr.finite(), pytest.raises(cr.NotFiniteError, match=r"\n  2\.weight float32 \(1, 8\)"):
        trainer.fit(X, Y, epochs=9)


def test_a_finite_training_is_not_called_diverged():
    assert cr.fit(mlp(3, 4, 1), X, Y, epochs=2).diverged is None


def test_the_warning_names_the_user_s_line():
    with pytest.warns(TrainingWarning) as caught:
        cr.fit(mlp(3, 8, 1, activation=nn.ReLU), X, Y, "mse", optim.SGD(1e20), 3)
    assert caught[0].filename == __file__


# ------------------------------------------------------------------ pictures of it


def told(**columns):
    history = History(None)
    for k in range(3):
        history.add({"epoch": k + 1, **{name: ys[k] for name, ys in columns.items()}})
    return history


def test_a_history_draws_the_loss_and_every_metric():
    history = told(loss=[0.5, 0.2, 0.1], val_loss=[1.0, 0.6, 0.5], accuracy=[0.1, 0.5, 0.75])
    assert history.plot().told == (
        "loss: from 0.5 to 0.1. held-out loss: from 1 to 0.5. accuracy: from 0.1 to 0.75."
    )
    assert "svg" in history._repr_html_()


def test_norms_are_a_curve_for_each_layer():
    norms = [{"0": 1.0, "2": 2.0}, {"0": 0.5, "2": 2.0}, {"0": 0.25, "2": 3.0}]
    picture = told(loss=[1.0] * 3, gradient_norms=norms).plot("gradient_norms")
    assert picture.told == "layer 0: from 1 to 0.25. layer 2: from 2 to 3."


def test_a_history_without_an_epoch_is_shown_without_a_picture():
    assert History(None)._repr_html_() == "<p>no epoch</p>"
    with pytest.raises(cr.UsageError, match="no column 'lost'"):
        told(loss=[1.0] * 3).plot("lost")


# ------------------------------------------------------------------ taken up again, and ended


class Given:
    """A checkpoint that has this state."""

    def __init__(self, state):
        self.state = state

    def begin(self, run):
        run.restore(self.state)

    def due(self, run):
        return False

    def save(self, state):
        """Nothing is saved."""


def halfway(**options):
    """The state of a training in the middle of its second epoch."""
    states = []

    class Keep(Given):
        def begin(self, run):
            """Nothing is taken up."""

        def due(self, run):
            if run.epoch == 1 and run.at:
                states.append(run.capture())
            return False

    Trainer(mlp(3, 4, 1), **options).fit(
        X, Y, epochs=2, batch_size=20, shuffle=False, checkpoint=Keep(None)
    )
    return states[0]


def test_a_checkpoint_of_other_data_is_refused():
    said = r"the data was 50 examples of \(3,\).*and is 30 examples"
    with pytest.raises(cr.DataError, match=said):
        Trainer(mlp(3, 4, 1)).fit(X[:30], Y[:30], epochs=2, checkpoint=Given(halfway()))


def test_a_history_s_file_has_the_epochs_from_before_it_was_taken_up_again(tmp_path):
    path = tmp_path / "h.jsonl"
    state = halfway(callbacks=[HistoryFile(tmp_path / "first.jsonl")])
    Trainer(mlp(3, 4, 1), callbacks=[HistoryFile(path)]).fit(
        X, Y, epochs=2, batch_size=20, shuffle=False, checkpoint=Given(state)
    )
    assert [json.loads(line)["epoch"] for line in path.read_text().splitlines()] == [1, 2]


def test_batches_of_an_iterator_are_taken_up_again_where_they_were():
    def batches():
        for k in range(0, 50, 20):
            yield X[k : k + 20], Y[k : k + 20]

    whole, rest = Trainer(mlp(3, 4, 1)), Trainer(mlp(3, 4, 1))
    whole.fit(batches, epochs=2)
    state = halfway()
    state.order, state.terms = state.order[:0], {}
    rest.fit(batches, epochs=2, checkpoint=Given(state))
    assert weights(whole.model) == weights(rest.model)


def test_a_training_that_could_not_begin_leaves_no_epochs_owing(tmp_path):
    trainer = Trainer(mlp(3, 4, 1), callbacks=HistoryFile(tmp_path / "none" / "h.jsonl"))
    with pytest.raises(cr.DataError):
        trainer.fit(X, Y, epochs=5)
    trainer.callbacks = ()
    assert len(trainer.fit(X, Y, epochs=2)) == 2


def pressed(number=signal.SIGINT):
    """Ctrl-C or another signal, and a moment in which it is heard."""
    os.kill(os.getpid(), number)
    time.sleep(0.01)


def test_a_second_ctrl_c_does_not_wait():
    with Interrupt() as interrupt:
        pressed()
        with pytest.raises(KeyboardInterrupt):
            pressed()
        assert not interrupt.calm
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()
        assert interrupt.calm
        interrupt.check()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_handler_of_the_user_s_own_stays(number):
    heard = []
    before = signal.signal(number, lambda *_: heard.append(1))
    try:
        with Termination() as ended, Interrupt() as interrupt:
            pressed(number)
        assert heard == [1]
        assert not ended.heard
        assert not interrupt.asked
    finally:
        signal.signal(number, before)


def test_a_termination_waits_as_ctrl_c_does():
    with Termination() as ended:
        with Interrupt() as interrupt:
            pressed(signal.SIGTERM)
            assert ended.heard
            with pytest.raises(KeyboardInterrupt):
                interrupt.check()
        with pytest.raises(KeyboardInterrupt):
            pressed(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_training_leaves_a_termination_alone_where_the_program_does():
    with Interrupt():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_ctrl_c_is_no_termination():
    with Termination() as ended, Interrupt() as interrupt:
        pressed()
        assert interrupt.asked
    assert not ended.heard


def test_a_new_training_has_not_diverged_yet():
    trainer = Trainer(mlp(3, 8, 1, activation=nn.ReLU), optimizer=optim.SGD(1e20))
    with pytest.warns(TrainingWarning):
        trainer.fit(X, Y, epochs=1)
    assert trainer.history.diverged
    assert trainer.fit(X, Y, epochs=0).diverged is None
