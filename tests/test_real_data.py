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
    tables = program("tabular")
    X, y = tables.table(name)
    part = next(tables.parts(X, y, tables.FOLDS, seed=0))
    a, b, new, after = tables.scaled(X, y, *part)
    assert sorted(np.concatenate(part)) == list(range(len(X)))
    assert len(a) == len(b) > 3.9 * len(new)
    assert len(new) == len(after)
    assert not {row.tobytes() for row in a.round(9)} & {row.tobytes() for row in new.round(9)}
    assert a.mean(0) == pytest.approx(0, abs=1e-9)


@learns
@pytest.mark.parametrize(("name", "least"), [("wine", 0.9), ("diabetes", 0.2)])
def test_a_table_is_learned(name, least):
    tables = program("tabular")
    X, y = tables.table(name)
    a, b, new, after = tables.scaled(X, y, *next(tables.parts(X, y, tables.FOLDS, seed=0)))
    package, settings = tables.SIDES["ours"]
    assert tables.trained(package, settings[1], a, b, seed=0).score(new, after) > least


@learns
def test_all_choose_from_as_many_settings_and_by_the_rows_to_learn_from_alone(monkeypatch):
    tables = program("tabular")
    assert len({len(tables.SIDES[k][1]) for k in ("ours", "scikit-learn, chosen")}) == 1
    X, y = np.arange(30.0)[:, None], np.arange(30) % 2
    seen = []

    def fit(package, setting, rows, labels, seed):
        seen.append(len(rows))
        return setting

    monkeypatch.setattr(tables, "trained", fit)
    monkeypatch.setattr(tables, "wrong", lambda setting, rows, labels: {"a": 2, "b": 1}[setting])
    assert tables.chosen(None, ["a", "b"], X, y, seed=0) == "b"
    assert seen == [20] * 6


@learns
def test_a_lead_is_one_where_it_is_larger_than_what_chance_can_do():
    tables = program("tabular")
    rng = np.random.default_rng(0)

    def found(ahead):
        theirs = 0.9 + rng.normal(0, 0.01, 10)
        ours = theirs + ahead + rng.normal(0, 0.01, 10)
        return [{"ours": (a,), "theirs": (b,)} for a, b in zip(ours, theirs, strict=True)]

    verdicts = [tables.verdict(*tables.lead(found(d), "theirs")) for d in (0.05, 0.001, -0.05)]
    assert verdicts == ["ahead", "equal", "behind"]
    mean, around = tables.lead([{"ours": (d,), "theirs": (0,)} for d in (1.0, 3.0)], "theirs")
    assert mean == 2.0
    # t for one degree of freedom, times the deviation √2, times √(1/2 + 1/4)
    assert around == pytest.approx(12.7062 * np.sqrt(2) * np.sqrt(0.75), rel=1e-5)


@learns
def test_no_lead_is_seen_where_there_is_none_more_often_than_is_said():
    tables = program("tabular")
    rng = np.random.default_rng(1)
    rows = [[{"ours": (a,), "theirs": (b,)} for a, b in rng.normal(size=(10, 2))]
            for _ in range(400)]  # fmt: skip
    verdicts = [tables.verdict(*tables.lead(found, "theirs")) for found in rows]
    assert np.mean([v != "equal" for v in verdicts]) < 0.05


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


# What is said of each table: against scikit-learn's networks chosen as ours are, and as they come.
VERDICTS = {
    "breast cancer": ("equal", "equal"), "wine": ("equal", "equal"), "diabetes": ("equal", "equal"),
    "houses": ("ahead", "ahead"),
}  # fmt: skip


@learns
@pytest.mark.weekly
@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_learned_as_well_as_is_said(name):
    from threadpoolctl import threadpool_limits

    tables = program("tabular")
    X, y = tables.table(name)
    with threadpool_limits(1):
        found = [
            tables.judged(X, y, part, seed)[0]
            for seed in range(3) for part in tables.parts(X, y, tables.FOLDS, seed)
        ]  # fmt: skip
    leads = [tables.lead(found, rival) for rival in list(tables.SIDES)[1:]]
    assert [tables.verdict(*lead) for lead in leads] == list(VERDICTS[name])


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
