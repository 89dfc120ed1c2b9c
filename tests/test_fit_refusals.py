"""What `fit` refuses: each in words, with the user's line, and the model as it was."""

from __future__ import annotations

import numpy as np
import pytest
from training import X, Y, mlp, weights

import chainrule as cr
from chainrule import nn, optim


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
    assert "made at test_fit_refusals.py:" in str(caught.value)
    assert weights(model) == before
