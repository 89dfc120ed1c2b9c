"""The estimators inside scikit-learn's tools: searches, pipelines, processes, inspection."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from processes import said
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, learning_curve
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.sklearn import MLPClassifier, MLPRegressor, RNNClassifier, RNNRegressor
from chainrule.train import stepping

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
KINDS = (MLPClassifier, MLPRegressor, RNNClassifier, RNNRegressor)
QUICK = {"max_iter": 3, "random_state": 0}
COPIES = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)), "copy": copy.deepcopy, "clone": clone,
}  # fmt: skip


def small(**options) -> MLPClassifier:
    return MLPClassifier((16,), max_iter=40, learning_rate_init=0.02, random_state=0, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", COPIES)
def test_a_copy_made_before_the_fit_fits_to_the_same_bits(kind, way):
    model = kind(**QUICK)
    other = COPIES[way](model)
    assert model.fit(X, y).predict(X).tobytes() == other.fit(X, y).predict(X).tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["pickle", "copy"])
def test_a_copy_made_after_the_fit_predicts_and_trains_on_to_the_same_bits(kind, way):
    model = kind(**QUICK).fit(X, y)
    other = COPIES[way](model)
    assert other.predict(X).tobytes() == model.predict(X).tobytes()
    model.partial_fit(X, y)
    assert other.partial_fit(X, y).predict(X).tobytes() == model.predict(X).tobytes()
    assert other.history_.loss == model.history_.loss


ODD = {
    "an optimiser": {"solver": cr.optim.chain(cr.optim.clip_by_norm(1.0), cr.optim.AdamW())},
    "a layer": {"activation": [cr.nn.LeakyReLU(0.2)]}, "a function": {"activation": cr.softplus},
    "a schedule": {"solver": cr.optim.SGD(lr=cr.optim.schedules.cosine(0.1, steps=9))},
    "a dropout": {"dropout": [0.5], "norm": "batch"}, "a loss": {"loss": cr.nn.losses.huber},
}  # fmt: skip


@pytest.mark.parametrize("what", ODD)
def test_what_else_it_may_be_told_is_pickled_with_it(what):
    model = MLPClassifier(**QUICK, **ODD[what])
    other = pickle.loads(pickle.dumps(model.fit(X, y)))
    assert other.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()
    other.fit(X, y)


def test_compiled_code_is_no_part_of_what_is_pickled(monkeypatch):
    monkeypatch.setattr(stepping, "TRACED", 0)
    plain = MLPClassifier(max_iter=20, random_state=0).fit(X, y)
    assert stepping._steppers
    assert len(pickle.dumps(plain)) < 100_000


def test_a_grid_is_searched_by_two_processes_as_by_one():
    grid = {"learning_rate_init": [0.02, 1e-5]}
    one, two = (GridSearchCV(small(), grid, cv=2, n_jobs=n).fit(X, y) for n in (1, 2))
    assert one.best_params_["learning_rate_init"] == 0.02
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    )
    assert one.best_estimator_.coefs_[0].tobytes() == two.best_estimator_.coefs_[0].tobytes()


def threads() -> int:
    from chainrule.read.native.machine.threads import wanted

    return wanted(None)


def test_two_processes_share_the_cores_between_them():
    counts = joblib.Parallel(n_jobs=2)(joblib.delayed(threads)() for _ in range(2))
    assert counts == [max(1, joblib.cpu_count() // 2)] * 2


@pytest.mark.parametrize("backend", ["threading", "multiprocessing"])
def test_fits_beside_each_other_give_the_bits_of_fits_alone(backend, monkeypatch):
    monkeypatch.setattr(stepping, "TRACED", 0)
    alphas = (1e-4, 1e-2, 1.0)
    alone = [small(alpha=a, batch_size=32).fit(X, y).coefs_[0] for a in alphas]
    fits = (joblib.delayed(small(alpha=a, batch_size=32).fit)(X, y) for a in alphas)
    found = joblib.Parallel(n_jobs=2, backend=backend)(fits)
    assert [f.coefs_[0].tobytes() for f in found] == [w.tobytes() for w in alone]


def test_fits_that_differ_in_numbers_alone_are_compiled_once(monkeypatch):
    monkeypatch.setattr(stepping, "TRACED", 0)
    monkeypatch.setattr(stepping, "_steppers", type(stepping._steppers)())
    for number in (0.1, 0.01):
        small(alpha=number, beta_1=1 - number).fit(X, y)
    (one,) = stepping._steppers.values()
    assert len(one.compiled[False].versions) == 1


def test_the_usual_tools_take_them():
    piped = make_pipeline(StandardScaler(), small())
    assert cross_val_score(piped, X, y, cv=3).mean() > 0.9
    assert learning_curve(piped, X, y, cv=2, train_sizes=[0.5, 1.0], shuffle=True)[2].mean() > 0.8
    assert BaggingClassifier(small(), n_estimators=2).fit(X, y).score(X, y) > 0.8
    assert StackingClassifier([("net", small())], cv=2).fit(X, y).score(X, y) > 0.8
    both = MultiOutputRegressor(MLPRegressor(**QUICK)).fit(X, X[:, :2])
    assert both.predict(X).shape == (150, 2)
    scaled = TransformedTargetRegressor(MLPRegressor(**QUICK), transformer=StandardScaler())
    assert scaled.fit(X, y).predict(X).shape == (150,)


def test_a_pipeline_hands_weights_and_data_to_judge_by_on():
    piped = make_pipeline(StandardScaler(), small())
    piped.fit(X, y, mlpclassifier__sample_weight=np.ones(150), mlpclassifier__validation=(X, y))
    assert len(piped[-1].validation_scores_) == piped[-1].n_iter_


def test_frames_give_names_and_names_are_checked():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    model = MLPClassifier(**QUICK).fit(frame, y)
    assert model.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[list("bacd")])
    scaled = make_pipeline(StandardScaler(), small()).set_output(transform="pandas").fit(frame, y)
    assert scaled[-1].feature_names_in_.tolist() == list("abcd")


def test_inspection_finds_what_matters():
    model = small().fit(X, y)
    found = permutation_importance(model, X, y, n_repeats=3, random_state=0).importances_mean
    assert found[2] == max(found)  # the petals' length tells the species
    shown = partial_dependence(model, X, [2], grid_resolution=5)
    assert shown["average"].shape == (3, 5)


def test_chainrule_itself_does_not_import_scikit_learn():
    assert said("import sys, chainrule; print('sklearn' in sys.modules)") == "False\n"


def test_without_scikit_learn_the_error_says_what_to_install():
    program = (
        "import sys; sys.modules['sklearn'] = None\n"
        "try: import chainrule.sklearn\n"
        "except ImportError as error: print(error)"
    )
    assert 'pip install "chainrule[sklearn]"' in said(program)
