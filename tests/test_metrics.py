"""Metrics: each is scikit-learn's figure of the same name, of any predictions."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.nn import losses
from chainrule.train.metrics import METRICS, metric_named

sklearn = pytest.importorskip("sklearn.metrics")

rng = np.random.default_rng(0)
N = 60
WEIGHT = rng.uniform(0.2, 3.0, N)
LABELS = rng.integers(0, 4, N)
LOGITS = rng.normal(size=(N, 4)) + 1.5 * np.eye(4)[LABELS]
SHARES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
YES = rng.integers(0, 2, N)
SCORE = np.round(rng.normal(size=N) + YES, 1)  # with ties
MANY = rng.integers(0, 2, (N, 3))
SCORES = rng.normal(size=(N, 3)) + MANY
REAL, GUESS = rng.normal(size=(N, 2)), rng.normal(size=(N, 2))

CASES = {
    "accuracy": (LOGITS, LABELS, lambda w: sklearn.accuracy_score(
        LABELS, LOGITS.argmax(1), sample_weight=w)),
    "accuracy of shares": (LOGITS, np.eye(4)[LABELS], lambda w: sklearn.accuracy_score(
        LABELS, LOGITS.argmax(1), sample_weight=w)),
    "accuracy of one output": (SCORE[:, None], YES[:, None] * 1.0, lambda w: (
        sklearn.accuracy_score(YES, SCORE > 0, sample_weight=w))),
    "f1": (LOGITS, LABELS, lambda w: sklearn.f1_score(
        LABELS, LOGITS.argmax(1), average="macro", sample_weight=w)),
    "f1 of one output": (SCORE, YES, lambda w: sklearn.f1_score(YES, SCORE > 0, sample_weight=w)),
    "f1 of two outputs": (np.stack([-SCORE, SCORE], 1), YES, lambda w: sklearn.f1_score(
        YES, SCORE > 0, sample_weight=w)),
    "f1_macro of one output": (SCORE, YES, lambda w: sklearn.f1_score(
        YES, SCORE > 0, average="macro", sample_weight=w)),
    "precision": (LOGITS, LABELS, lambda w: sklearn.precision_score(
        LABELS, LOGITS.argmax(1), average="macro", sample_weight=w)),
    "recall of one output": (SCORE, YES, lambda w: sklearn.recall_score(
        YES, SCORE > 0, sample_weight=w)),
    "roc_auc": (SCORE, YES, lambda w: sklearn.roc_auc_score(YES, SCORE, sample_weight=w)),
    "roc_auc of logits": (LOGITS, LABELS, lambda w: sklearn.roc_auc_score(
        LABELS, SHARES, multi_class="ovr", sample_weight=w)),
    "roc_auc of shares": (SHARES, LABELS, lambda w: sklearn.roc_auc_score(
        LABELS, SHARES, multi_class="ovr", sample_weight=w)),
    "confusion": (LOGITS, LABELS, lambda w: sklearn.confusion_matrix(
        LABELS, LOGITS.argmax(1), sample_weight=w)),
    "mae": (GUESS, REAL, lambda w: sklearn.mean_absolute_error(REAL, GUESS, sample_weight=w)),
    "mse": (GUESS, REAL, lambda w: sklearn.mean_squared_error(REAL, GUESS, sample_weight=w)),
    "rmse": (GUESS, REAL, lambda w: sklearn.root_mean_squared_error(
        REAL, GUESS, sample_weight=w)),
    "r2": (GUESS, REAL, lambda w: sklearn.r2_score(REAL, GUESS, sample_weight=w)),
    "r2 of what never changes": (GUESS, REAL * 0, lambda w: sklearn.r2_score(
        REAL * 0, GUESS, sample_weight=w)),
    "f1 without a class": (LOGITS[:, :3], LABELS % 2, lambda w: sklearn.f1_score(
        LABELS % 2, LOGITS[:, :3].argmax(1), average="macro", sample_weight=w)),
}  # fmt: skip


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["alike", "weighted"])
@pytest.mark.parametrize("name", CASES)
def test_a_metric_is_scikit_learn_s(name, weight):
    made, right, expected = CASES[name]
    found = METRICS[name.partition(" ")[0]](made, right, weight=weight)
    np.testing.assert_allclose(found, expected(weight), rtol=1e-12)


def test_every_metric_is_compared():
    assert {name.partition(" ")[0] for name in CASES} == set(METRICS)


OWN = {
    "matthews_corrcoef": (LOGITS, LABELS, losses.cross_entropy,
                          lambda: sklearn.matthews_corrcoef(LABELS, LOGITS.argmax(1))),
    "balanced_accuracy_score": (SCORE, YES, losses.binary_cross_entropy_with_logits,
                                lambda: sklearn.balanced_accuracy_score(YES, SCORE > 0)),
    "average_precision_score": (SCORE, YES, losses.binary_cross_entropy_with_logits,
                                lambda: sklearn.average_precision_score(YES, SCORE)),
    "log_loss": (LOGITS, LABELS, losses.cross_entropy,
                 lambda: sklearn.log_loss(LABELS, SHARES)),
    "median_absolute_error": (GUESS, REAL, losses.mse,
                              lambda: sklearn.median_absolute_error(REAL, GUESS)),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_a_metric_of_scikit_learn_is_asked_in_its_own_order(name):
    made, right, loss, expected = OWN[name]
    called, metric = metric_named(getattr(sklearn, name), loss)
    assert called == name
    assert metric(made, right) == pytest.approx(expected(), rel=1e-12)


def test_several_questions_are_judged_one_by_one():
    _, metric = metric_named("accuracy", losses.binary_cross_entropy_with_logits)
    assert metric(SCORES, MANY) == pytest.approx(np.mean((SCORES > 0) == MANY), rel=1e-15)
    assert metric(SCORES, np.eye(3)[LABELS % 3]) == pytest.approx(
        np.mean((SCORES > 0) == np.eye(3)[LABELS % 3]), rel=1e-15
    )


def test_an_area_of_one_class_alone_is_nan():
    assert np.isnan(METRICS["roc_auc"](SCORE, np.ones(N)))


def test_a_metric_s_name_is_guessed():
    with pytest.raises(cr.UsageError, match=r"did you mean roc_auc\?"):
        metric_named("auc", losses.mse)
