"""RNNClassifier and RNNRegressor read sequences, of one length or of several."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.errors import DataError
from chainrule.sklearn import RNNClassifier, RNNRegressor
from chainrule.sklearn.sequences import padded, ragged

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
WHOLE = rng.normal(size=(120, 7, 2))
FIRST = np.array(["below", "above"])[(WHOLE[:, 0, 0] > 0).astype(int)]
CUT = [x[:n] for x, n in zip(WHOLE, rng.integers(2, 8, 120), strict=True)]
CELLS = ("lstm", "gru", "tanh")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("X", [WHOLE, CUT], ids=["one length", "several lengths"])
def test_a_classifier_remembers_the_first_step(cell, X):
    model = RNNClassifier(cell, 16, max_iter=80, random_state=0).fit(X, FIRST)
    assert model.score(X, FIRST) > 0.9
    assert set(model.predict(X)) == {"below", "above"}


@pytest.mark.parametrize("cell", CELLS)
def test_a_regressor_adds_up_a_table_row_by_row(cell):
    X = rng.uniform(size=(150, 5))
    model = RNNRegressor(
        cell=cell, hidden_layer_sizes=16, max_iter=60, batch_size=25, random_state=0
    )
    assert model.fit(X, X.sum(axis=1)).score(X, X.sum(axis=1)) > 0.9
    assert model.n_features_in_ == 5


def test_what_follows_the_end_of_a_sequence_does_not_count():
    model = RNNClassifier("gru", (6, 4), max_iter=5, random_state=0).fit(CUT, FIRST)
    alone = np.concatenate([model.predict_proba([x]) for x in CUT])
    np.testing.assert_allclose(model.predict_proba(CUT), alone, atol=1e-12)


def test_sequences_of_one_length_are_those_of_several():
    model = RNNRegressor(max_iter=3, random_state=0).fit(WHOLE, WHOLE[:, 0, 0])
    np.testing.assert_allclose(
        model.predict([*WHOLE[:3], WHOLE[3, :2]])[:3], model.predict(WHOLE[:3]), atol=1e-12
    )


def test_longer_and_shorter_sequences_can_be_predicted():
    model = RNNRegressor(max_iter=2, random_state=0).fit(WHOLE, WHOLE[:, 0, 0])
    assert model.predict(WHOLE[:, :3]).shape == (120,)
    assert model.predict(np.concatenate([WHOLE, WHOLE], axis=1)).shape == (120,)


def test_a_table_is_a_sequence_of_single_numbers():
    a, b = (
        RNNRegressor(max_iter=3, random_state=0).fit(X, WHOLE[:, 0, 0])
        for X in (WHOLE[:, :, 0], WHOLE[:, :, :1])
    )
    np.testing.assert_array_equal(a.predict(WHOLE[:, :, 0]), b.predict(WHOLE[:, :, :1]))


def test_several_numbers_and_several_labels_come_at_once():
    both = WHOLE[:, 0]
    assert RNNRegressor(max_iter=2).fit(WHOLE, both).predict(WHOLE).shape == (120, 2)
    labels = (both > 0).astype(int)
    assert RNNClassifier(max_iter=2).fit(WHOLE, labels).predict_proba(CUT).shape == (120, 2)


def test_early_stopping_weights_and_partial_fit_work_on_sequences():
    model = RNNClassifier("tanh", 8, early_stopping=True, max_iter=5, random_state=0)
    assert len(model.fit(CUT, FIRST, sample_weight=np.ones(120)).validation_scores_) == 5
    steps = RNNClassifier("tanh", 8, random_state=0)
    steps.partial_fit(CUT, FIRST, classes=["above", "below"])
    assert steps.partial_fit(CUT[:30], FIRST[:30]).t_ == 150


def test_dropout_is_between_the_layers_and_before_the_output():
    model = RNNRegressor(hidden_layer_sizes=(4, 4), dropout=[0.5, 0.1], max_iter=2)
    found = model.fit(WHOLE, WHOLE[:, 0, 0]).model_
    assert [one.p for one in found.dropouts] == [0.5, 0.1]


WRONG = {
    "other features": (CUT, WHOLE[:, :, :1], "sequences of 1 features.*sequences of 2"),
    "a table after sequences": (WHOLE, WHOLE[:, :, 0], "a table.*sequences of 2"),
    "sequences after a table": (WHOLE[:, :, 0], WHOLE, "sequences of 2.*tables of 7"),
}


@pytest.mark.parametrize("what", WRONG)
def test_other_data_than_those_of_the_fit_are_refused(what):
    first, then, message = WRONG[what]
    model = RNNRegressor(max_iter=1).fit(first, WHOLE[:, 0, 0])
    with pytest.raises(DataError, match=message):
        model.predict(then)


BAD = {
    "an empty one": [np.ones((2, 1)), np.ones((0, 1))],
    "other features": [np.ones((2, 1)), np.ones((3, 2))],
    "text": [np.ones((2, 1)), np.array([["a"]])],
    "not a number": [np.ones((2, 1)), np.array([[np.nan]])],
}


@pytest.mark.parametrize("what", BAD)
def test_a_sequence_that_cannot_be_read_is_named(what):
    with pytest.raises(DataError, match="sequence 1"):
        RNNRegressor(max_iter=1).fit(BAD[what], [0.0, 1.0])


def test_padding_marks_the_last_step_of_each():
    made = padded(ragged([[1.0], [2.0, 3.0]]), np.float32)
    assert made.tolist() == [[[1.0, 1.0], [0.0, 0.0]], [[2.0, 0.0], [3.0, 1.0]]]


# ------------------------------------------------------------------ read backward too


@pytest.mark.parametrize("cell", CELLS)
def test_both_ways_is_the_layer_both_ways_read_off_both_ends(cell):
    model = RNNRegressor(
        cell=cell, hidden_layer_sizes=(5, 3), bidirectional=True, max_iter=2, random_state=0
    ).fit(CUT, WHOLE[:, 0, 0])
    alone = np.concatenate([model.predict([x]) for x in CUT])
    np.testing.assert_allclose(model.predict(CUT), alone, atol=1e-12)
    first, second = model.model_.cells
    assert (first.bidirectional, second.input_size) == (True, 10)
    x = CUT[0][None].astype(first.weight_ih_l0.dtype)
    y = second(first(x)[0])[0].value
    ends = np.concatenate([y[:, -1, :3], y[:, 0, 3:]], axis=1)
    head = model.model_.head
    expected = ends @ head.weight.value.T + head.bias.value
    np.testing.assert_allclose(alone[:1], expected[0], rtol=1e-5)


@pytest.mark.parametrize("X", [WHOLE, CUT], ids=["one length", "several lengths"])
def test_both_ways_on_machine_code_is_both_ways_op_by_op(X):
    model = RNNRegressor(cell="gru", hidden_layer_sizes=6, bidirectional=True, max_iter=1)
    reader = model.fit(X, WHOLE[:, 0, 0]).model_
    x = padded(X, np.float64) if X is CUT else WHOLE

    def slope(reader, x):
        return cr.value_and_grad(lambda reader: cr.mean(reader(x) ** 2))(reader)

    (value, one), (expected, other) = cr.compile(slope)(reader, x), slope(reader, x)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)
