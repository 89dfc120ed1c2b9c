"""`fit`: it learns, it repeats to the bit, it ends where it is told, and it says what is wrong."""

from __future__ import annotations

import gc
import json
import weakref
from itertools import pairwise

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn, optim


def mlp(*sizes, activation=nn.Tanh, **options):
    layers = [nn.Linear(a, b, **options) for a, b in pairwise(sizes)]
    between = [part for one in layers[:-1] for part in (one, activation())]
    return nn.Sequential(*between, layers[-1])


def weights(model):
    return [p.value.tobytes() for p in model.parameters()]


def moons(n=200):
    rng = np.random.default_rng(1)
    angle = rng.uniform(0, np.pi, n)
    label = np.arange(n) % 2
    x = np.where(label, 1 - np.cos(angle), np.cos(angle))
    y = np.where(label, 0.5 - np.sin(angle), np.sin(angle))
    return np.stack([x, y], 1) + rng.normal(0, 0.1, (n, 2)), label


XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 1, 0])
LINE = np.linspace(-1, 1, 60)[:, None], 3 * np.linspace(-1, 1, 60) - 0.5
X, Y = np.random.default_rng(2).normal(size=(50, 3)), np.random.default_rng(3).normal(size=50)


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


def test_a_training_that_diverges_says_so_in_its_history_and_warns_of_nothing():
    history = cr.fit(mlp(3, 8, 1, activation=nn.ReLU), X, Y, "mse", optim.SGD(1e20), 3)
    assert not np.isfinite(history.loss[-1])


def test_a_history_is_read_by_column_and_saved_as_lines(tmp_path):
    history = cr.fit(mlp(3, 4, 1), X, Y, epochs=3, validation=0.2)
    history.save(tmp_path / "history.jsonl")
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["loss"] for line in lines] == history.loss == history["loss"]
    assert [row["epoch"] for row in history] == [1, 2, 3]
    with pytest.raises(AttributeError, match="no column 'lost'"):
        _ = history.lost


# ------------------------------------------------------------------ models


@nn.layer
class Residual(nn.Module):
    """A layer of the user's own, with a parameter, a layer and a setting."""

    scale: cr.Tensor
    inner: nn.Linear
    power: float = nn.static(default=1.0)

    def __init__(self, size, power=1.0):
        self.scale = nn.parameter(0.5)
        self.inner = nn.Linear(size, size)
        self.power = power

    def __call__(self, x):
        return x + self.scale**self.power * cr.tanh(self.inner(x))


def test_a_layer_of_the_user_s_own_is_trained_like_any_other():
    model = nn.Sequential(Residual(3), nn.Linear(3, 1))
    before = model.state_dict()
    history = cr.fit(model, X, X[:, 0] * X[:, 1], epochs=30, optimizer=optim.Adam(0.05))
    after = model.state_dict()
    assert list(after) == ["0.scale", "0.inner.weight", "0.inner.bias", "1.weight", "1.bias"]
    assert [after[k].shape for k in after] == [(), (3, 3), (3,), (1, 3), (1,)]
    assert all(not np.array_equal(before[k], after[k]) for k in after)
    assert history.loss[-1] < history.loss[0]
    assert set(history.last["gradient_norms"]) == {"0", "0.inner", "1"}


def test_one_number_can_be_all_that_is_trained():
    @nn.layer
    class Factor(nn.Module):
        by: cr.Tensor

        def __call__(self, x):
            return self.by * x

    model = Factor(cr.tensor(1.0))
    cr.fit(model, LINE[0], 3 * LINE[0], optimizer=optim.SGD(0.5), epochs=60)
    assert model.by.item() == pytest.approx(3.0, abs=1e-6)
    assert isinstance(model.by, cr.Tensor)


def test_a_layer_that_stands_in_two_places_stays_one():
    shared = nn.Linear(3, 3)
    model = nn.Sequential(shared, nn.Tanh(), shared, nn.Tanh(), nn.Linear(3, 1))
    assert model[0] is model[2]
    cr.fit(model, X, Y, epochs=3)
    assert model[0].weight is model[2].weight
    assert not np.array_equal(model[0].weight.value, nn.Linear(3, 3).weight.value)


def test_a_loss_of_the_user_s_own_gets_labels_as_integers():
    kinds = []

    def loss(logits, labels):
        kinds.append(labels.dtype.kind)
        return nn.losses.cross_entropy(logits, labels)

    cr.fit(mlp(3, 4, 2), X, (Y > 0).astype(int), loss, epochs=1)
    assert set(kinds) == {"i"}


def test_a_loss_of_the_user_s_own_is_not_handed_all_pairs():
    shapes = set()

    def loss(p, t):
        shapes.add((p.shape[1:], t.shape[1:]))
        return cr.mean((p - t) ** 2)

    cr.fit(mlp(3, 4, 1), X, Y, loss, epochs=1)
    assert shapes == {((1,), (1,))}


def test_the_step_is_the_one_the_transforms_take():
    model = mlp(3, 4, 1)
    by_hand = mlp(3, 4, 1)
    cr.fit(model, X, Y, optimizer=optim.SGD(0.1), epochs=1, batch_size=50, shuffle=False)
    x, t = X.astype(np.float32), Y[:, None].astype(np.float32)
    rule = optim.SGD(0.1)
    grads = cr.grad(lambda m: nn.losses.mse(m(x), t))(by_hand)
    updates, _ = rule.update(grads, rule.init(by_hand), by_hand)
    assert weights(model) == weights(optim.apply_updates(by_hand, updates))


# ------------------------------------------------------------------ in PyTorch's style


def count(tensor):
    from chainrule.graph.walk import order

    return len(order((tensor,)))


def test_backward_and_apply_updates_train_with_a_tape_that_does_not_grow():
    model, rule = mlp(3, 8, 1), optim.Adam(0.02)
    state, sizes, costs = rule.init(model), [], []
    x, t = X.astype(np.float32), (X[:, :1] * X[:, 1:2]).astype(np.float32)
    for _ in range(200):
        loss = nn.losses.mse(model(x), t)
        loss.backward()
        grads = cr.tree_map(lambda p: p.grad, model)
        updates, state = rule.update(grads, state, model)
        model = optim.apply_updates(model, updates)
        sizes.append(count(loss))
        costs.append(loss.item())
    assert set(sizes) == {sizes[0]}
    assert costs[-1] < 0.2 * costs[0]
    assert all(p.inputs == () and p.grad is None for p in model.parameters())


def test_the_tape_of_a_step_is_gone_with_its_loss():
    model = mlp(3, 8, 1)
    loss = nn.losses.mse(model(X), Y[:, None])
    loss.backward()
    inside = weakref.ref(loss.inputs[0])
    gc.disable()
    try:
        del loss
        assert inside() is None  # freed by counting references, not by looking for cycles
    finally:
        gc.enable()


def test_fit_keeps_no_tape_behind():
    alive = weakref.WeakSet()

    def loss(p, t):
        made = nn.losses.mse(p, t)
        if isinstance(made, cr.Tensor):
            alive.add(made)
        return made

    counts = []

    class Look:
        def on_step(self, row):
            counts.append(len(alive))

    cr.fit(mlp(3, 4, 1), X, Y, loss, epochs=20, callbacks=[Look()])
    assert max(counts) <= 2
    assert len(counts) == 40


# ------------------------------------------------------------------ what is refused


def nan_in(rows):
    bad = X.copy()
    bad[rows, 1] = np.nan
    return bad


REFUSED = {
    "NaN in X": (lambda m: cr.fit(m, nan_in([3, 8]), Y), cr.DataError, "rows 3, 8"),
    "many NaN": (lambda m: cr.fit(m, nan_in(range(20)), Y), cr.DataError, r"20 values.*0, 1, 2"),
    "Inf in y": (lambda m: cr.fit(m, X, np.full(50, np.inf)), cr.DataError, "y has 50 values"),
    "too large": (lambda m: cr.fit(m, X * 1e200, Y), cr.DataError, "Inf in float32"),
    "NaN held out": (
        lambda m: cr.fit(m, X, Y, validation=(nan_in([4]), Y)), cr.DataError, "rows 4",
    ),
    "text": (lambda m: cr.fit(m, X.astype(str), Y), cr.DataError, "X is <U.*numbers"),
    "text in y": (lambda m: cr.fit(m, X, ["a"] * 50), cr.DataError, "y is <U"),
    "objects": (lambda m: cr.fit(m, X.astype(object), Y), cr.DataError, "X is object"),
    "complex": (lambda m: cr.fit(m, X * 1j, Y), cr.DataError, "complex128.*real"),
    "dates": (lambda m: cr.fit(m, X.astype("M8[s]"), Y), cr.DataError, "datetime64"),
    "None": (lambda m: cr.fit(m, None, Y), cr.DataError, "X is NoneType"),
    "a dict": (lambda m: cr.fit(m, X, {"y": Y}), cr.DataError, "y is dict"),
    "ragged": (lambda m: cr.fit(m, [[1.0], [1.0, 2.0]], Y[:2]), cr.DataError, "different lengths"),
    "lengths": (lambda m: cr.fit(m, X, Y[:-1]), cr.DataError, r"\(50, 3\), y \(49,\)"),
    "one number": (lambda m: cr.fit(m, 1.0, 2.0), cr.DataError, "one target for each"),
    "no data": (lambda m: cr.fit(m, X[:0], Y[:0]), cr.DataError, "no examples to train"),
    "nothing held out": (
        lambda m: cr.fit(m, X, Y, validation=(X[:0], Y[:0])), cr.DataError, "to validate",
    ),
    "a share of 1": (lambda m: cr.fit(m, X, Y, validation=1.0), cr.UsageError, "between 0 and 1"),
    "a share as text": (lambda m: cr.fit(m, X, Y, validation="20%"), cr.UsageError, "'20%'"),
    "three parts": (lambda m: cr.fit(m, X, Y, validation=(X, Y, 1)), cr.UsageError, "validation"),
    "other columns": (lambda m: cr.fit(m, X[:, :2], Y), cr.ShapeError, r"\(1, 2\).*\(4, 3\)"),
    "other columns held out": (
        lambda m: cr.fit(m, X, Y, validation=(X[:, :2], Y)), cr.ShapeError, r"\(1, 2\)",
    ),
    "two targets for one output": (
        lambda m: cr.fit(m, X, X[:, :2]), cr.ShapeError, r"prediction is \(1, 1\).*\(1, 2\)",
    ),
    "labels as floats": (
        lambda m: cr.fit(mlp(3, 2), X, (Y > 0) * 1.0, "cross_entropy"), cr.DTypeError,
        r"astype\(int\)",
    ),
    "bool labels": (
        lambda m: cr.fit(mlp(3, 2), X, Y > 0, "cross_entropy"), cr.DTypeError, r"astype\(int\)",
    ),
    "labels too large": (
        lambda m: cr.fit(mlp(3, 2), X, np.arange(50), "cross_entropy"), cr.UsageError, "2 classes",
    ),
    "an unknown loss": (lambda m: cr.fit(m, X, Y, "rmse"), cr.UsageError, "'rmse'.*mse"),
    "a loss without reduction": (
        lambda m: cr.fit(m, X, Y, lambda p, t: (p - t) ** 2), cr.ScalarError, "cr.mean",
    ),
    "a loss that leaves the graph": (
        lambda m: cr.fit(m, X, Y, lambda p, t: float(cr.mean(p))), cr.PathError, "left the graph",
    ),
    "a loss of the target alone": (
        lambda m: cr.fit(m, X, Y, lambda p, t: cr.mean(cr.tensor(t))), cr.PathError, "not on the",
    ),
    "an unknown metric": (
        lambda m: cr.fit(m, X, Y, metrics=["auc"]), cr.UsageError, "'auc'.*accuracy",
    ),
    "no optimiser": (lambda m: cr.fit(m, X, Y, optimizer=3), cr.UsageError, "optim"),
    "an optimiser's class": (
        lambda m: cr.fit(m, X, Y, optimizer=optim.Adam), cr.UsageError, r"Adam\(\)",
    ),
    "a callback without hooks": (
        lambda m: cr.fit(m, X, Y, callbacks=[print]), cr.UsageError, "on_epoch",
    ),
    "no batch": (lambda m: cr.fit(m, X, Y, batch_size=0), cr.UsageError, "batch_size=0"),
    "half a batch": (lambda m: cr.fit(m, X, Y, batch_size=0.5), cr.UsageError, "whole number"),
    "epochs below 0": (lambda m: cr.fit(m, X, Y, epochs=-1), cr.UsageError, "epochs=-1"),
    "a seed as text": (lambda m: cr.fit(m, X, Y, seed="one"), cr.UsageError, "seed='one'"),
    "no parameters": (
        lambda m: cr.fit(nn.Sequential(nn.Tanh()), X, Y), cr.UsageError, "no parameters",
    ),
    "a function as model": (
        lambda m: cr.fit(lambda x: x, X, Y), cr.UsageError, "the model is a function",
    ),
    "a layer without its mark": (
        lambda m: cr.fit(Unmarked(), X, Y), cr.UsageError, "chainrule.nn.layer",
    ),
    "a model of two values": (
        lambda m: cr.fit(nn.Sequential(m, lambda y: (y, y)), X, Y), cr.UsageError, "tuple",
    ),
}  # fmt: skip


class Unmarked(nn.Module):
    """A layer whose author forgot the decorator."""

    def __call__(self, x):
        return x


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_trained_is_refused_in_words_with_the_line(name):
    call, kind, words = REFUSED[name]
    model = mlp(3, 4, 1)
    before = weights(model)
    with pytest.raises(kind, match=f"(?s){words}") as caught:
        call(model)
    assert "made at test_fit.py:" in str(caught.value)
    assert weights(model) == before
