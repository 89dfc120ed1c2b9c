"""What `fit` refuses: each in words, with the user's line, and the model as it was."""

from __future__ import annotations

import re

import numpy as np
import pytest
from messages import refused
from training import X, Y, mlp, weights

import chainrule as cr
from chainrule import nn, optim
from chainrule.train import EarlyStopping


def nan_in(rows):
    bad = X.copy()
    bad[rows, 1] = np.nan
    return bad


REFUSED = {
    "a size for batches": (
        lambda m: cr.fit(m, lambda: iter([(X, Y)]), None, batch_size=7), cr.UsageError,
        "batch_size=7, but the batches come ready made",
    ),
    "NaN in X": (lambda m: cr.fit(m, nan_in([3, 8]), Y), cr.DataError, "rows 3, 8"),
    "many NaN": (lambda m: cr.fit(m, nan_in(range(20)), Y), cr.DataError, r"20 values.*0, 1, 2"),
    "Inf in y": (lambda m: cr.fit(m, X, np.full(50, np.inf)), cr.DataError, "y has 50 values"),
    "too large": (lambda m: cr.fit(m, X * 1e200, Y), cr.DataError, "too large for float32"),
    "NaN held out": (
        lambda m: cr.fit(m, X, Y, validation=(nan_in([4]), Y)), cr.DataError, "row 4",
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
        lambda m: cr.fit(mlp(3, 2), X, np.arange(50), "cross_entropy"), cr.DataError,
        "labels from 0 to 49.*2 classes.*2 in row 2, .*45 more; give the model 50 outputs",
    ),
    "labels from 1": (
        lambda m: cr.fit(mlp(3, 2), X, (Y > 0) + 1, "cross_entropy"), cr.DataError,
        "count the classes from 0: y - 1",
    ),
    "labels below 0": (
        lambda m: cr.fit(mlp(3, 2), X, np.sign(Y).astype(int), "cross_entropy"), cr.DataError,
        "-1 in row .*count the classes from 0",
    ),
    "labels held out": (
        lambda m: cr.fit(
            mlp(3, 2), X, (Y > 0) * 1, "cross_entropy", validation=(X, np.arange(50))
        ), cr.DataError, "the y of validation has labels from 0 to 49",
    ),
    "a class that is not trained": (
        lambda m: cr.fit(
            mlp(3, 3), X, (Y > 0) * 1, "cross_entropy", validation=(X, np.arange(50) % 3)
        ), cr.DataError, r"class 2 \(16 examples\) of validation is not among",
    ),
    "targets that are no shares": (
        lambda m: cr.fit(m, X, Y, "binary_cross_entropy_with_logits"), cr.DataError,
        "between 0 and 1 for binary_cross_entropy_with_logits; .* in row",
    ),
    "shares below 0": (
        lambda m: cr.fit(mlp(3, 2), X, X[:, :2], "cross_entropy"), cr.DataError, "below 0",
    ),
    "another number of weights": (
        lambda m: cr.fit(m, X, Y, sample_weight=np.ones(3)), cr.DataError, "50, one an example",
    ),
    "a weight below 0": (
        lambda m: cr.fit(m, X, Y, sample_weight=-np.ones(50)), cr.DataError,
        r"sample_weight\[0\] is -1",
    ),
    "weights of nothing": (
        lambda m: cr.fit(m, X, Y, sample_weight=np.zeros(50)), cr.DataError, "all of .* are 0",
    ),
    "weights for a loss of one's own": (
        lambda m: cr.fit(m, X, Y, lambda p, t: cr.mean((p - t) ** 2), sample_weight=np.ones(50)),
        cr.UsageError, "reduction='none'",
    ),
    "weights of classes that are none": (
        lambda m: cr.fit(m, X, Y, class_weight="balanced"), cr.UsageError, "classes are whole",
    ),
    "a class without its weight": (
        lambda m: cr.fit(mlp(3, 2), X, (Y > 0) * 1, "cross_entropy", class_weight={0: 1.0}),
        cr.UsageError, "no weight for class 1; it has 0",
    ),
    "a word for weights of classes": (
        lambda m: cr.fit(mlp(3, 2), X, (Y > 0) * 1, "cross_entropy", class_weight="even"),
        cr.UsageError, "there is 'balanced'",
    ),
    "an order of no such name": (
        lambda m: cr.fit(m, X, Y, shuffle="even"), cr.UsageError, "'stratified', 'balanced'",
    ),
    "classes in batches of numbers": (
        lambda m: cr.fit(m, X, Y, shuffle="balanced"), cr.UsageError, "classes are whole",
    ),
    "an order that is none": (
        lambda m: cr.fit(m, X, Y, shuffle=lambda n: np.arange(n) + 1), cr.UsageError, "1 to 50",
    ),
    "stopping without validation": (
        lambda m: cr.fit(m, X, Y, early_stopping=3), cr.UsageError, "needs validation=",
    ),
    "stopping by what there is not": (
        lambda m: cr.fit(m, X, Y, epochs=1, early_stopping=EarlyStopping("acc")),
        cr.UsageError, "no figure 'acc'.*there are loss",
    ),
    "patience of 0": (
        lambda m: cr.fit(m, X, Y, early_stopping=0), cr.UsageError, "patience=0",
    ),
    "a clip in words": (lambda m: cr.fit(m, X, Y, clip="norm"), cr.UsageError, "positive"),
    "a folder's name": (
        lambda m: cr.fit(m, X, Y, checkpoint="runs"), cr.UsageError, r"Checkpoints\('runs'\)",
    ),
    "batches with targets": (
        lambda m: cr.fit(m, lambda: iter([(X, Y)]), Y), cr.DataError, "y=None",
    ),
    "shares of quantities": (
        lambda m: cr.fit(m, X, 9 * Y, metrics=["accuracy"]), cr.UsageError, "accuracy is of class",
    ),
    "distances of classes": (
        lambda m: cr.fit(mlp(3, 2), X, (Y > 0) * 1, "cross_entropy", metrics=["mae"]),
        cr.UsageError, "mae is of quantities",
    ),
    "a wrong clip": (lambda m: cr.fit(m, X, Y, clip=-1.0), cr.UsageError, "clip_by_norm"),
    "accumulating nothing": (
        lambda m: cr.fit(m, X, Y, accumulate=0), cr.UsageError, "accumulate",
    ),
    "an option with a slip": (
        lambda m: cr.fit(m, X, Y, epoch=3), cr.UsageError,
        "no option 'epoch'; did you mean epochs",
    ),
    "a loss with a slip": (
        lambda m: cr.fit(m, X, Y, "cross_entopy"), cr.UsageError, "did you mean cross_entropy",
    ),
    "full batches in parts": (
        lambda m: cr.fit(m, X, Y, optimizer=optim.LBFGS()), cr.UsageError, "batch_size=50",
    ),
    "a callback's class": (
        lambda m: cr.fit(m, X, Y, callbacks=[EarlyStopping]), cr.UsageError,
        r"write EarlyStopping\(\.\.\.\)",
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
        lambda m: cr.fit(m, X, Y, metrics=["auc"]), cr.UsageError, "'auc'.*roc_auc",
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
    with refused(kind, f"(?s){words}") as caught:
        call(model)
    assert "made at test_fit_refusals.py:" in str(caught.value)
    assert weights(model) == before


def test_a_metric_that_gives_no_number_is_named():
    with pytest.raises(cr.UsageError, match="gave a str"):
        cr.fit(mlp(3, 1), X, Y, epochs=1, metrics=[lambda p, t: "good"])


def test_a_table_is_no_curve():
    history = cr.fit(mlp(3, 2), X, (Y > 0) * 1, "cross_entropy", epochs=1, metrics=["confusion"])
    with pytest.raises(cr.UsageError, match="is a table"):
        history.plot("confusion")


# ------------------------------------------------------------------ what a user's own code refuses


def of_a_loss(p, t):
    return cr.sum(p @ t)  # here


def of_a_column(p, t):
    return cr.mean(p[:, 3] - t)  # here


def of_numpy(p, t):
    return cr.mean(np.matmul(p, np.ones((3, 2))))  # here


def of_later_batches(p, t):
    return cr.mean((p - t) ** 2 if len(p) < 2 else p[:7] @ np.ones((5, 5)))  # here


def of_judging(p, t):
    return cr.mean((p - t) ** 2 if len(p) <= 8 else p[:7] - t[:3])  # here


LOSSES = {
    of_a_loss: r"matmul: shapes \(1, 2\) and \(1, 1\) do not chain;(?s:.)*on the first example of",
    of_a_column: "index 3 is out of bounds for axis 1",
    of_numpy: r"matmul: shapes \(1, 2\) and \(3, 2\)",
    of_later_batches: r"matmul: shapes \(7, 2\) and \(5, 5\)",
    of_judging: r"subtract: shapes \(7, 2\) and \(3, 1\)",
}


@pytest.mark.parametrize("loss", LOSSES, ids=lambda f: f.__name__)
def test_shapes_that_do_not_fit_in_a_user_s_loss_are_named_with_its_line(loss):
    with pytest.raises((cr.ShapeError, cr.AxisError), match=LOSSES[loss]) as caught:
        cr.fit(mlp(3, 2), X, Y[:, None], loss, batch_size=8, validation=0.5)
    assert re.search(r"made at test_fit_refusals.py:\d+ .*# here", str(caught.value))


@nn.layer
class Doubles(nn.Module):
    w: cr.Tensor

    def __call__(self, x):
        wide = 3 if len(x) <= self.w.shape[1] else 4
        return x @ np.ones((wide, 1)) * self.w[:, :1]  # here


@pytest.mark.parametrize("count", [0, 1, 8], ids=["at first", "in training", "in judging"])
def test_shapes_that_do_not_fit_in_a_user_s_layer_are_named_with_its_line(count):
    layer = Doubles(cr.ones((1, count)) if count else cr.ones((1, 1))[:, :0])
    with pytest.raises(cr.ShapeError, match=r"matmul: shapes .* and \(4, 1\)") as caught:
        cr.fit(nn.Sequential(layer, nn.Linear(1, 1)), X, Y[:, None], batch_size=8, validation=0.5)
    assert re.search(r"made at test_fit_refusals.py:\d+ .*# here", str(caught.value))


def test_what_a_user_s_code_raises_of_its_own_stays_as_it_is():
    def refuses(p, t):
        raise ValueError("not today")

    with pytest.raises(ValueError, match=r"^not today$"):
        cr.fit(mlp(3, 1), X, Y, refuses)
