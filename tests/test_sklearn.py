"""chainrule's MLPClassifier and MLPRegressor are scikit-learn's: the same numbers come out."""

import inspect
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.datasets import load_digits, load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr
from chainrule import sklearn as ours
from chainrule.graph.errors import UsageError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS, SPECIES = load_iris(return_X_y=True)
X, NUMBERS = make_regression(120, 6, n_targets=2, noise=1.0, random_state=0)
NUMBERS = NUMBERS / 100
LABELS = {
    "several classes": SPECIES, "two classes": SPECIES == 1,
    "several labels": np.stack([SPECIES == 1, SPECIES > 0], axis=1).astype(int),
    "words": np.array(["setosa", "versicolor", "virginica"])[SPECIES],
}  # fmt: skip
WEIGHTS = np.random.default_rng(0).integers(0, 4, len(IRIS)).astype(float)
SETTINGS = {
    "defaults": {}, "two layers": {"hidden_layer_sizes": (20, 10), "activation": "tanh"},
    "one layer by number": {"hidden_layer_sizes": 7}, "no hidden layer": {"hidden_layer_sizes": ()},
    "logistic": {"activation": "logistic", "alpha": 1.0}, "identity": {"activation": "identity"},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.1},
    "sgd without nesterov": {"solver": "sgd", "nesterovs_momentum": False, "batch_size": 40},
    "sgd without momentum": {"solver": "sgd", "momentum": 0.0, "batch_size": 64},
    "invscaling": {
        "solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1, "power_t": 0.3,
    },
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "tol": 0.05,
        "n_iter_no_change": 2,
    },
    "small batches": {"batch_size": 16}, "in order": {"shuffle": False, "batch_size": 50},
    "betas": {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.2, "n_iter_no_change": 3},
    "no penalty": {"alpha": 0.0}, "ends by tol": {"tol": 0.1, "n_iter_no_change": 3},
}  # fmt: skip
CURVES = ("loss_curve_", "validation_scores_", "best_validation_score_", "best_loss_", "loss_")
COUNTS = ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_")


def fitted(kind: str, x, y, **settings) -> list:
    options = {"max_iter": 30, "random_state": 3} | settings
    weight = options.pop("sample_weight", None)
    return [getattr(home, kind)(**options).fit(x, y, weight) for home in (theirs, ours)]


def assert_same(a, b) -> None:
    assert [getattr(a, name) for name in COUNTS] == [getattr(b, name) for name in COUNTS]
    for name in CURVES:
        one, two = getattr(a, name), getattr(b, name)
        assert (one is None) == (two is None), name
        if one is not None:
            np.testing.assert_allclose(two, one, rtol=1e-8, err_msg=name)
    for one, two in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        assert (one.shape, one.dtype) == (two.shape, two.dtype)
        np.testing.assert_allclose(two, one, atol=1e-8)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_classifier_takes_scikit_learns_steps(setting):
    a, b = fitted("MLPClassifier", IRIS, SPECIES, **SETTINGS[setting])
    assert_same(a, b)
    np.testing.assert_allclose(b.predict_proba(IRIS), a.predict_proba(IRIS), atol=1e-8)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_regressor_takes_scikit_learns_steps(setting):
    a, b = fitted("MLPRegressor", X, NUMBERS[:, 0], **SETTINGS[setting])
    assert_same(a, b)
    np.testing.assert_allclose(b.predict(X), a.predict(X), atol=1e-8)


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("early", [False, True])
def test_labels_of_any_kind_are_learnt_and_told_as_scikit_learn_does(labels, early):
    a, b = fitted("MLPClassifier", IRIS, LABELS[labels], early_stopping=early)
    assert_same(a, b)
    np.testing.assert_array_equal(b.predict(IRIS), a.predict(IRIS))
    np.testing.assert_array_equal(b.classes_, a.classes_)
    np.testing.assert_allclose(b.predict_proba(IRIS), a.predict_proba(IRIS), atol=1e-8)
    np.testing.assert_allclose(b.predict_log_proba(IRIS), a.predict_log_proba(IRIS), atol=1e-6)


def test_several_numbers_are_predicted_at_once_and_in_the_same_steps():
    a, b = fitted("MLPRegressor", X, NUMBERS)
    np.testing.assert_allclose(b.predict(X), a.predict(X), atol=1e-8)
    assert b.n_outputs_ == a.n_outputs_ == 2


def test_a_poisson_regressor_predicts_counts_as_scikit_learns_does():
    a, b = fitted("MLPRegressor", X, np.abs(NUMBERS[:, 0]).round(), loss="poisson")
    assert_same(a, b)
    np.testing.assert_allclose(b.predict(X), a.predict(X), atol=1e-8)


@pytest.mark.parametrize("early", [False, True])
def test_weights_of_examples_count_as_in_scikit_learn(early):
    a, b = fitted(
        "MLPClassifier", IRIS, SPECIES, sample_weight=WEIGHTS, batch_size=60, early_stopping=early
    )
    assert_same(a, b)


@pytest.mark.parametrize("made", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
def test_sparse_data_give_what_dense_ones_give(made):
    dense = ours.MLPClassifier(max_iter=5, random_state=0).fit(IRIS, SPECIES)
    found = ours.MLPClassifier(max_iter=5, random_state=0).fit(made(IRIS), SPECIES)
    np.testing.assert_allclose(found.coefs_[0], dense.coefs_[0], atol=1e-12)
    np.testing.assert_allclose(
        found.predict_proba(made(IRIS)), dense.predict_proba(IRIS), atol=1e-12
    )


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_goes_on_where_it_was(solver):
    a, b = (
        home.MLPClassifier(solver=solver, random_state=0) for home in (theirs, ours)
    )  # fmt: skip
    for part in (slice(0, 100), slice(40, 150), slice(0, 150)):
        a.partial_fit(IRIS[part], SPECIES[part], classes=[0, 1, 2])
        b.partial_fit(IRIS[part], SPECIES[part], classes=[0, 1, 2])
    assert_same(a, b)


def test_partial_fit_after_fit_keeps_the_optimisers_memory():
    a, b = fitted("MLPRegressor", X, NUMBERS[:, 0])
    assert_same(a.partial_fit(X, NUMBERS[:, 0]), b.partial_fit(X, NUMBERS[:, 0]))


def test_a_warm_start_goes_on_from_the_weights():
    a, b = fitted("MLPClassifier", IRIS, SPECIES, warm_start=True)
    assert_same(a.fit(IRIS, SPECIES), b.fit(IRIS, SPECIES))


def test_lbfgs_finds_what_scikit_learns_finds():
    a, b = fitted("MLPRegressor", X, NUMBERS[:, 0], solver="lbfgs", max_iter=15)
    assert a.n_iter_ == b.n_iter_
    assert b.loss_ == pytest.approx(a.loss_, rel=1e-5)
    np.testing.assert_allclose(b.predict(X), a.predict(X), atol=1e-3)


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_every_parameter_of_scikit_learn_is_there_with_its_default(kind):
    known, found = (
        inspect.signature(getattr(home, kind).__init__).parameters for home in (theirs, ours)
    )
    same = {name: (p.kind, p.default) for name, p in known.items()}
    assert {name: (found[name].kind, found[name].default) for name in known} == same


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_every_attribute_and_method_of_scikit_learn_is_there(kind):
    a, b = fitted(kind, IRIS, SPECIES, max_iter=2)
    public = {name for name in dir(a) if not name.startswith("_")}
    assert public <= set(dir(b))


def test_large_data_are_trained_on_in_float32_and_told_in_their_own_dtype():
    pictures, digits = load_digits(return_X_y=True)
    a, b = fitted("MLPClassifier", pictures / 16, digits, max_iter=20)
    assert [w.dtype for w in b.coefs_] == [np.float64] * 2
    assert b._memory.slots[0][0].dtype == np.float32
    np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=1e-4)


def test_data_in_float32_stay_in_float32():
    made = ours.MLPRegressor(max_iter=3).fit(X.astype(np.float32), NUMBERS[:, 0])
    assert made.predict(X.astype(np.float32)).dtype == made.coefs_[0].dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_asked_for_is_the_one_throughout(dtype):
    made = ours.MLPRegressor(max_iter=3, dtype=dtype).fit(X, NUMBERS[:, 0])
    assert made.predict(X).dtype == made.coefs_[0].dtype == made._memory.slots[0][0].dtype == dtype


def test_it_says_each_epoch_what_scikit_learn_says(capsys):
    fitted("MLPClassifier", IRIS, SPECIES, max_iter=8, verbose=True, tol=1.0, n_iter_no_change=4)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 8
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_fit_that_did_not_converge_warns(solver):
    with pytest.warns(ConvergenceWarning, match="MLPClassifier: .*max_iter"):
        ours.MLPClassifier(max_iter=2, solver=solver).fit(IRIS, SPECIES)


def test_a_fit_that_converged_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.MLPClassifier(max_iter=100, tol=1.0).fit(IRIS, SPECIES)


WRONG = {
    "hidden_layer_sizes": [0, (3, -1), "many"], "activation": ["rellu", ["relu", "tanhh"], 3],
    "solver": ["adm", 3], "alpha": [-1.0, "none"], "batch_size": [0, "all"],
    "learning_rate": ["fast"], "learning_rate_init": [0.0], "max_iter": [0, 2.5], "tol": [-1.0],
    "momentum": [1.5], "validation_fraction": [1.0], "beta_1": [1.0], "epsilon": [0.0],
    "n_iter_no_change": [0], "shuffle": ["no"], "random_state": ["lucky"], "dropout": [1.0, [2.0]],
    "norm": ["bach"], "clip": [0.0, (1, -1)], "dtype": ["int64"], "loss": ["log_los"],
    "class_weight": ["balance"], "callbacks": [3], "verbose": ["loud"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in WRONG.items() for v in vs])
def test_a_parameter_that_it_cannot_be_is_refused_by_name(name, value):
    with pytest.raises(UsageError, match=rf"MLPClassifier.*{name}"):
        ours.MLPClassifier(**{name: value}).fit(IRIS, SPECIES)


NEARLY = {
    "did you mean adam": {"solver": "adm"},
    "did you mean tanh": {"hidden_layer_sizes": (4, 4), "activation": ["relu", "thanh"]},
    r"write GELU\(...\)": {"activation": cr.nn.GELU},
    r"write Lion\(...\)": {"solver": cr.optim.Lion},
}  # fmt: skip


@pytest.mark.parametrize("advice", NEARLY)
def test_what_is_nearly_right_is_set_right(advice):
    with pytest.raises(UsageError, match=advice):
        ours.MLPClassifier(**NEARLY[advice]).fit(IRIS, SPECIES)


@pytest.mark.parametrize("name", ["activation", "dropout"])
def test_a_list_has_one_for_each_hidden_layer(name):
    with pytest.raises(UsageError, match=f"{name}.*for 2 hidden layers"):
        ours.MLPClassifier((4, 4), **{name: [{"activation": "relu"}.get(name, 0.5)]}).fit(
            IRIS, SPECIES
        )


def test_a_training_that_diverges_is_an_error_that_says_what_to_do():
    with pytest.raises(ValueError, match=r"non-finite.*scale the data"):
        ours.MLPRegressor(solver="sgd", learning_rate_init=1e6, activation="identity").fit(
            X * 1e6, NUMBERS[:, 0]
        )
