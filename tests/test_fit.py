"""`fit`: it learns, it repeats to the bit, it ends where it is told, and it says what is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
from training import X, Y, mlp, weights

import chainrule as cr
from chainrule import nn, optim
from chainrule.train import TrainingWarning


def moons(n=200):
    rng = np.random.default_rng(1)
    angle = rng.uniform(0, np.pi, n)
    label = np.arange(n) % 2
    x = np.where(label, 1 - np.cos(angle), np.cos(angle))
    y = np.where(label, 0.5 - np.sin(angle), np.sin(angle))
    return np.stack([x, y], 1) + rng.normal(0, 0.1, (n, 2)), label


XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 1, 0])
LINE = np.linspace(-1, 1, 60)[:, None], 3 * np.linspace(-1, 1, 60) - 0.5


# ------------------------------------------------------------------ it learns


def test_it_learns_xor():
    model = mlp(2, 8, 1)
    loss = "binary_cross_entropy_with_logits"
    history = cr.fit(model, *XOR, loss, optim.Adam(0.1), 150, 4, metrics=["accuracy"])
    assert history.last["accuracy"] == 1.0
    assert ((model(XOR[0])[:, 0].value > 0) == XOR[1]).all()


def test_it_learns_two_moons():
    points, labels = moons()
    history = cr.fit(
        mlp(2, 16, 2), points, labels, "cross_entropy", optim.Adam(0.03), 60,
        validation=0.25, metrics=("accuracy",),
    )  # fmt: skip
    assert history.last["val_accuracy"] >= 0.98


def test_it_finds_a_line_to_the_last_digits():
    model = nn.Linear(1, 1, dtype=np.float64)
    cr.fit(model, *LINE, optimizer=optim.SGD(0.3), epochs=100)
    assert model.weight.value.item() == pytest.approx(3.0, abs=1e-9)
    assert model.bias.value.item() == pytest.approx(-0.5, abs=1e-9)


def test_a_sigmoid_at_the_end_counts_as_right_above_one_half():
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid())
    history = cr.fit(
        model, *XOR, "binary_cross_entropy", optim.Adam(0.1), 150, 4, metrics="accuracy"
    )
    assert history.accuracy[0] < 1.0
    assert history.last["accuracy"] == 1.0


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSProp", "Adagrad"])
def test_every_optimiser_lowers_the_loss(name):
    history = cr.fit(mlp(3, 8, 1), X, X @ [1.0, -2.0, 0.5], "mse", getattr(optim, name)(0.01), 40)
    assert history.loss[-1] < 0.5 * history.loss[0]


def test_the_loss_of_an_epoch_is_the_mean_over_its_examples():
    model = nn.Linear(3, 1, dtype=np.float64)
    before = float(nn.losses.mse(model(X), Y[:, None]))
    history = cr.fit(model, X, Y, optimizer=optim.SGD(0.0), epochs=1, batch_size=7)
    assert history.loss == [pytest.approx(before, rel=1e-13)]


def test_one_epoch_is_the_steps_one_would_write():
    model = nn.Linear(3, 1, dtype=np.float64)
    w, b = model.weight.value, model.bias.value
    cr.fit(model, X, Y, optimizer=optim.SGD(0.1), epochs=1, batch_size=25, shuffle=False)
    for rows in (slice(0, 25), slice(25, 50)):
        e = X[rows] @ w.T + b - Y[rows, None]
        w, b = w - 0.1 * 2 / 25 * e.T @ X[rows], b - 0.1 * 2 / 25 * e.sum(0)
    assert model.weight.value == pytest.approx(w, rel=1e-12)
    assert model.bias.value == pytest.approx(b, rel=1e-12)


# ------------------------------------------------------------------ the same seed, the same bits


def trained(**options):
    model = mlp(3, 8, 1)
    history = cr.fit(model, X, Y, **{"epochs": 3, "batch_size": 8, **options})
    return history, model


SEEDS = {
    "none given": ({}, {}),
    "a number": ({"seed": 7}, {"seed": 7}),
    "a Generator": (
        {"seed": np.random.default_rng(7)}, {"seed": np.random.default_rng(7)},
    ),
    "a share held out": ({"validation": 0.2}, {"validation": 0.2}),
}  # fmt: skip


@pytest.mark.parametrize("case", SEEDS)
def test_the_same_program_gives_the_same_bits(case):
    (one, first), (two, second) = (trained(**options) for options in SEEDS[case])
    assert weights(first) == weights(second)
    assert one.loss == two.loss
    assert one.gradient_norms == two.gradient_norms


def test_other_seeds_give_other_bits():
    assert len({trained(seed=k)[0].loss[-1] for k in range(4)}) == 4


def test_numpy_s_global_state_is_neither_used_nor_changed():
    legacy = np.random.mtrand._rand
    before = legacy.get_state()[1].tolist()
    first = weights(trained()[1])
    legacy.seed(123)
    assert weights(trained()[1]) == first
    legacy.set_state(("MT19937", before, 624, 0, 0.0))


# ------------------------------------------------------------------ data in, data held out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_model_stays_and_the_data_follow_it(dtype):
    model = mlp(3, 4, 1, dtype=dtype)
    seen = []

    def loss(p, t):
        seen.append((p.dtype, t.dtype))
        return nn.losses.mse(p, t)

    cr.fit(model, X, Y, loss, epochs=2, validation=0.2)
    assert {p.dtype for p in model.parameters()} == {np.dtype(dtype)}
    assert set(seen) == {(np.dtype(dtype), np.dtype(dtype))}


TARGETS = {
    "(N,)": Y,
    "(N, 1)": Y[:, None],
    "a list": Y.tolist(),
    "float32": Y.astype(np.float32).astype(np.float64),
}


@pytest.mark.parametrize("name", TARGETS)
def test_targets_with_and_without_the_last_axis_train_the_same_model(name):
    model, other = mlp(3, 4, 1), mlp(3, 4, 1)
    cr.fit(model, X, TARGETS[name], epochs=2)
    cr.fit(other, X, Y[:, None], epochs=2)
    assert weights(model) == weights(other)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, bool])
@pytest.mark.parametrize("loss", ["mse", "l1", "huber", "binary_cross_entropy_with_logits"])
def test_integer_targets_are_numbers_for_a_loss_of_numbers(loss, kind):
    labels = (Y > 0).astype(kind)
    history = cr.fit(mlp(3, 4, 1), X, labels, loss, epochs=2)
    assert history.loss == cr.fit(mlp(3, 4, 1), X, labels * 1.0, loss, epochs=2).loss


def test_a_held_out_share_is_not_trained_on_and_is_judged():
    history = cr.fit(mlp(3, 4, 1), X, Y, epochs=2, validation=0.3, metrics=["mae", "r2"])
    assert {"val_loss", "val_mae", "val_r2", "mae", "r2"} <= set(history.last)
    marked = np.arange(50.0)
    seen = []

    def loss(p, t):
        seen.append(np.asarray(t)[:, 0])
        return nn.losses.mse(p, t)

    cr.fit(nn.Linear(3, 1), X, marked, loss, epochs=1, batch_size=50, validation=0.3)
    trained_on, held_out = seen[-2], seen[-1]
    assert (len(trained_on), len(held_out)) == (35, 15)
    assert set(trained_on) | set(held_out) == set(marked)


def test_validation_data_of_its_own_are_judged_with_the_final_weights():
    model = mlp(3, 4, 1, dtype=np.float64)
    history = cr.fit(model, X[:40], Y[:40], epochs=2, validation=(X[40:], Y[40:]), metrics=["mae"])
    expected = float(nn.losses.mse(model(X[40:]), Y[40:, None]))
    assert history.val_loss[-1] == pytest.approx(expected, rel=1e-12)
    apart = np.abs(model(X[40:]).value[:, 0] - Y[40:])
    assert history.val_mae[-1] == pytest.approx(apart.mean(), rel=1e-12)


def share_of_positives(prediction, target):
    return (prediction > 0).mean()


def test_a_metric_may_be_the_user_s_own_function():
    history = cr.fit(mlp(3, 4, 1), X, Y, epochs=2, metrics=[share_of_positives])
    assert 0 <= history.share_of_positives[-1] <= 1


# ------------------------------------------------------------------ ends and sizes


class Ending:
    """Raises at a step or an epoch, having noted what it was told."""

    def __init__(self, error, step=None, epoch=None):
        self.error, self.at, self.steps, self.rows = error, (step, epoch), 0, []

    def on_step(self, row):
        self.steps += 1
        if self.steps == self.at[0]:
            raise self.error

    def on_epoch(self, row):
        self.rows.append(row)
        if row["epoch"] == self.at[1]:
            raise self.error


@pytest.mark.parametrize("error", [StopIteration, KeyboardInterrupt])
@pytest.mark.parametrize("steps", [1, 5, 8])
def test_a_callback_that_ends_it_leaves_the_last_completed_step(error, steps):
    model, other = mlp(3, 4, 1), mlp(3, 4, 1)
    ending = Ending(error, step=steps)
    history = cr.fit(model, X, Y, epochs=9, batch_size=10, shuffle=False, callbacks=[ending])
    parts = [slice(10 * (k % 5), 10 * (k % 5) + 10) for k in range(steps)]
    rule, gradient = optim.Adam(), cr.grad(lambda m, x, t: nn.losses.mse(m(x), t))
    state = rule.init(other)
    for rows in parts:
        x, t = X[rows].astype(np.float32), Y[rows, None].astype(np.float32)
        updates, state = rule.update(gradient(other, x, t), state, other)
        other = optim.apply_updates(other, updates)
    assert history.interrupted is (error is KeyboardInterrupt)
    assert len(history) == (steps - 1) // 5
    assert weights(model) == weights(other)
    assert weights(model) != weights(mlp(3, 4, 1))


@pytest.mark.parametrize("error", [StopIteration, KeyboardInterrupt])
def test_an_epoch_that_a_callback_ends_is_in_the_history(error):
    ending = Ending(error, epoch=2)
    history = cr.fit(mlp(3, 4, 1), X, Y, epochs=9, callbacks=(ending,))
    assert len(history) == 2
    assert ending.rows == history.rows


def test_an_error_of_a_callback_passes_through_and_the_model_keeps_its_steps():
    model = mlp(3, 4, 1)
    with pytest.raises(ZeroDivisionError):
        cr.fit(model, X, Y, callbacks=[Ending(ZeroDivisionError, step=3)])
    assert weights(model) != weights(mlp(3, 4, 1))


def test_a_stop_iteration_of_the_loss_is_a_mistake_and_no_end():
    feed = iter([1.0, 1.0, 1.0])
    with pytest.raises(StopIteration):
        cr.fit(mlp(3, 4, 1), X, Y, lambda p, t: nn.losses.mse(p, t) * next(feed))


@pytest.mark.parametrize("size", [1, 7, 49, 50, 51, 1000])
def test_every_example_is_seen_once_an_epoch_whatever_the_batch(size):
    seen = []

    def loss(p, t):
        seen.extend(np.asarray(t)[:, 0].tolist())
        return nn.losses.mse(p, t)

    cr.fit(nn.Linear(3, 1), X, np.arange(50.0), loss, epochs=1, batch_size=size)
    assert sorted(seen[1:]) == np.arange(50.0).tolist()  # the first is the look at the shapes


def test_no_epoch_leaves_the_model_as_it_is():
    model = mlp(3, 4, 1)
    history = cr.fit(model, X, Y, epochs=0)
    assert (len(history), history.loss, history.interrupted) == (0, [], False)
    assert weights(model) == weights(mlp(3, 4, 1))
    assert history.model is model
    with pytest.raises(cr.UsageError, match="no epoch"):
        _ = history.last


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_examples_are_enough(count):
    assert len(cr.fit(mlp(3, 4, 1), X[:count], Y[:count], epochs=2)) == 2


def test_a_training_that_diverges_ends_there_and_says_so():
    model = mlp(3, 8, 1, activation=nn.ReLU)
    with pytest.warns(TrainingWarning, match=r"(?s)diverged in epoch 1.*before training"):
        history = cr.fit(model, X, Y, "mse", optim.SGD(1e20), 3)
    assert len(history) == 1
    assert not np.isfinite(history.loss[-1])
    assert weights(model) == weights(mlp(3, 8, 1, activation=nn.ReLU))


def test_a_history_is_read_by_column_and_saved_as_lines(tmp_path):
    history = cr.fit(mlp(3, 4, 1), X, Y, epochs=3, validation=0.2)
    history.save(tmp_path / "history.jsonl")
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["loss"] for line in lines] == history.loss == history["loss"]
    assert [row["epoch"] for row in history] == [1, 2, 3]
    with pytest.raises(AttributeError, match="no column 'lost'"):
        _ = history.lost
