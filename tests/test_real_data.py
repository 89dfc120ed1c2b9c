"""Real data, end to end: each example small in every run, and as it is once a week."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

import numpy as np
import programs
import pytest

program = partial(programs.program, "real")
learns = pytest.mark.skipif(not find_spec("sklearn"), reason="the data come with scikit-learn")
TABLES = ("breast cancer", "wine", "diabetes", "houses")


# ------------------------------------------------------------------ small


def test_the_time_of_an_epoch_is_the_median_without_the_first():
    history = type("History", (list,), {"seconds": [0.5, 0.002, 0.003, 0.002]})
    assert program("times").went(history([1, 2, 3, 4])) == "4 epochs of 2 ms (the first 500 ms)"


@learns
@pytest.mark.parametrize(("name", "epochs", "least"), [("perceptron", 5, 0.9),
                                                       ("convolution", 3, 0.85)])  # fmt: skip
def test_digits_are_read_after_a_few_epochs(name, epochs, least):
    assert program("digits").trained(name, epochs).val_accuracy[-1] > least


@learns
@pytest.mark.parametrize("name", TABLES)
def test_no_row_that_is_judged_was_learned_from(name):
    X, y, new, after = program("tabular").split(name, 0)
    assert len(X) == len(y) > 2.9 * len(new)
    assert len(new) == len(after)
    assert not {row.tobytes() for row in X.round(9)} & {row.tobytes() for row in new.round(9)}
    assert X.mean(0) == pytest.approx(0, abs=1e-9)


@learns
@pytest.mark.parametrize(("name", "least"), [("wine", 0.9), ("diabetes", 0.2)])
def test_a_table_is_learned(name, least):
    tables = program("tabular")
    X, y, new, after = tables.split(name, 0)
    made, _ = tables.answers(X, y, new, decay=1.0, seed=0, count=1)
    assert tables.score(made, after) > least


@learns
def test_the_measures_of_the_tables_are_what_they_are_called():
    tables = program("tabular")
    shares, labels = np.array([[0.6, 0.4], [0.25, 0.75], [0.9, 0.1]]), np.array([0, 1, 1])
    assert tables.wrong(shares, labels) == pytest.approx(-np.log([0.6, 0.75, 0.1]).mean())
    assert tables.score(shares, labels) == pytest.approx(2 / 3)
    y = np.array([1.0, 2.0, 3.0])
    assert tables.score(y[:, None], y) == 1.0
    assert tables.score(np.full((3, 1), 2.0), y) == 0.0


def test_the_chaos_of_mackey_and_glass_stays_in_its_bounds_and_never_repeats():
    x = program("series").mackey_glass(600)
    assert 0.2 < x.min() < 0.6
    assert 1.1 < x.max() < 1.5
    assert min(np.abs(x[k:] - x[:-k]).max() for k in range(1, 300)) > 0.05


def test_a_window_ends_twelve_steps_before_its_target_and_the_parts_do_not_meet():
    series = program("series")
    (X, y), (new, after) = series.windows(np.arange(400.0))
    step = X[0, 1] - X[0, 0]
    for rows, targets in ((X, y), (new, after)):
        assert (targets - rows[:, -1]) / step == pytest.approx(np.full(len(rows), series.AHEAD))
    assert y[-1] < new[0, 0]


def test_a_gru_forecasts_chaos_better_than_a_line_after_a_few_epochs():
    series = program("series")
    values = series.mackey_glass(700)
    found = series.errors(series.trained(values, epochs=12).model, values)
    assert found["GRU"] < 0.5 * found["linear"] < found["the last value"]


def test_the_target_of_a_character_is_the_one_that_follows_it():
    language = program("language")
    X, Y = language.examples(language.TEXT[:1000])
    assert X.shape == Y.shape == (15, language.LENGTH)
    assert X.ravel()[1:].tolist() == Y.ravel()[:-1].tolist()


def test_a_text_is_written_that_goes_on_from_its_start_and_is_the_same_again():
    language = program("language")
    history = language.trained(epochs=1, text=language.TEXT[:3000])
    texts = [language.written(history.model, "def ", count=10) for _ in range(2)]
    assert texts[0] == texts[1]
    assert texts[0].startswith("def ")
    assert len(texts[0]) == 14


# ------------------------------------------------------------------ as they are, once a week


@learns
@pytest.mark.weekly
@pytest.mark.parametrize(("name", "least"), [("perceptron", 0.975), ("convolution", 0.985)])
def test_digits_are_read_as_well_as_is_said(name, least):
    found = [program("digits").trained(name, seed=seed).val_accuracy[-1] for seed in range(3)]
    assert np.mean(found) > least


@learns
@pytest.mark.weekly
@pytest.mark.filterwarnings("ignore")  # theirs says that 200 iterations were not enough
@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_learned_better_than_by_the_defaults_of_scikit_learn(name):
    tables = program("tabular")
    ours = [tables.ours(name, seed)[0] for seed in range(5)]
    theirs = [tables.theirs(name, seed) for seed in range(5)]
    assert np.mean(ours) > np.mean(theirs)


@pytest.mark.weekly
@pytest.mark.parametrize(
    ("name", "against", "share"),
    [("sines", "the last value", 0.1), ("sines", "linear", 1.1), ("Mackey-Glass", "linear", 0.1)],
)
def test_a_gru_forecasts_as_well_as_is_said(name, against, share):
    series = program("series")
    values = series.SERIES[name]()
    found = series.errors(series.trained(values).model, values)
    assert found["GRU"] < share * found[against]


@pytest.mark.weekly
def test_the_lstm_writes_words_that_stand_in_what_it_read():
    language = program("language")
    history = language.trained()
    assert history.val_loss[-1] / np.log(2) < 1.8  # bits a character
    words = language.written(history.model, count=2000).split()
    known = set(language.TEXT.split())
    assert np.mean([word in known for word in words]) > 0.7
