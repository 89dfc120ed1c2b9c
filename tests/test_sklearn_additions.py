"""What chainrule's estimators can that scikit-learn's cannot, each on data where it shows."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split

import chainrule as cr
from chainrule.graph.errors import UsageError
from chainrule.sklearn import MLPClassifier, MLPRegressor
from chainrule.sklearn.network import linears

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

MOONS, SIDES = make_moons(200, noise=0.1, random_state=0)
LINE = np.linspace(-1, 1, 100)[:, None]
WAVE = np.sin(3 * LINE[:, 0])
QUICK = {"max_iter": 60, "learning_rate_init": 0.02, "random_state": 0}
COSINE = cr.optim.Adam(lr=cr.optim.schedules.cosine(0.05, steps=120))
FITS = {
    "activations": {"hidden_layer_sizes": (16, 16), "activation": ["gelu", "tanh"]},
    "a layer": {"activation": cr.nn.LeakyReLU(0.1)}, "a function": {"activation": cr.softplus},
    "dropout": {"dropout": 0.1}, "layer norm": {"norm": "layer"}, "batch norm": {"norm": "batch"},
    "residual": {"hidden_layer_sizes": (16, 16, 16), "residual": True}, "clip": {"clip": 1.0},
    "clip by value": {"clip": (-0.1, 0.1)}, "optimiser": {"solver": cr.optim.AdamW(lr=0.02)},
    "radam": {"solver": "radam", "max_iter": 120}, "a schedule": {"solver": COSINE},
    "weights by class": {"class_weight": "balanced"}, "mse": {"loss": "mse"},
    "float32": {"dtype": "float32"},
    "a loss": {"loss": lambda scores, t: cr.mean(cr.maximum(0.0, 1.0 - (2.0 * t - 1.0) * scores))},
}  # fmt: skip
FITS |= {name: {"solver": name} for name in ("adamw", "nadam", "rmsprop", "adagrad", "lion")}


@pytest.mark.parametrize("what", FITS)
def test_a_classifier_learns_the_moons_with(what):
    model = MLPClassifier(**{"hidden_layer_sizes": (32,), **QUICK, **FITS[what]}).fit(MOONS, SIDES)
    assert model.score(MOONS, SIDES) > 0.85
    np.testing.assert_allclose(model.predict_proba(MOONS).sum(axis=1), 1.0, atol=1e-6)
    again = MLPClassifier(**{"hidden_layer_sizes": (32,), **QUICK, **FITS[what]}).fit(MOONS, SIDES)
    assert again.coefs_[0].tobytes() == model.coefs_[0].tobytes()


@pytest.mark.parametrize(
    "loss", ["mse", "l1", "huber", lambda p, t: (p - t) ** 2, lambda p, t: cr.mean(abs(p - t))]
)
def test_a_regressor_learns_the_wave_with(loss):
    model = MLPRegressor(loss, (32,), "tanh", **QUICK | {"max_iter": 150}, batch_size=25)
    assert model.fit(LINE, WAVE).score(LINE, WAVE) > 0.95


@pytest.mark.parametrize("size", ["auto", 32, 100, 201])
def test_batch_norm_does_not_mind_a_number_of_rows_that_leaves_one_over(size):
    X, y = make_moons(201, noise=0.1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that 201 rows are trained on in fewer steps
        model = MLPClassifier((16,), norm="batch", batch_size=size, **QUICK).fit(X, y)
    assert model.score(X, y) > 0.85


def kinds(model) -> list[str]:
    return [type(one).__name__ for one in model.model_]


def test_a_hidden_layer_is_linear_then_norm_then_activation_then_dropout():
    model = MLPClassifier((8, 4), activation=["tanh", "relu"], norm="batch", dropout=[0.5, 0.0])
    assert kinds(model.fit(MOONS, SIDES)) == [
        "Linear", "BatchNorm1d", "Tanh", "Dropout", "Linear", "BatchNorm1d", "ReLU", "Linear",
    ]  # fmt: skip


def test_a_residual_goes_around_layers_that_keep_the_size():
    model = MLPClassifier((8, 8, 4), residual=True, max_iter=2).fit(MOONS, SIDES)
    assert kinds(model) == ["Linear", "ReLU", "Residual", "Linear", "ReLU", "Linear"]
    assert [w.shape for w in model.coefs_] == [(2, 8), (8, 8), (8, 4), (4, 1)]


def test_dropout_drops_in_training_and_not_in_prediction():
    model = MLPClassifier(dropout=0.5, **QUICK).fit(MOONS, SIDES)
    assert model.predict_proba(MOONS).tobytes() == model.predict_proba(MOONS).tobytes()
    plain = MLPClassifier(**QUICK).fit(MOONS, SIDES)
    assert model.loss_ > plain.loss_


def test_balanced_classes_find_the_rare_one():
    rare = np.r_[0:100, 100:105]
    order = np.argsort(SIDES, kind="stable")[rare]
    X, y = MOONS[order], SIDES[order]
    options = {"hidden_layer_sizes": (), **QUICK, "max_iter": 100}
    missed, found = (
        MLPClassifier(class_weight=how, **options).fit(X, y).predict(X)[y == 1].mean()
        for how in (None, "balanced")
    )
    assert found > missed


def test_a_weight_of_a_class_is_that_weight_of_its_examples():
    by_class = MLPClassifier(class_weight={0: 1.0, 1: 3.0}, **QUICK).fit(MOONS, SIDES)
    by_example = MLPClassifier(**QUICK).fit(MOONS, SIDES, sample_weight=1.0 + 2.0 * SIDES)
    np.testing.assert_array_equal(by_class.coefs_[0], by_example.coefs_[0])


def test_a_loss_of_every_example_can_be_weighted_and_one_number_cannot():
    weight = np.ones(len(LINE))
    each = MLPRegressor(lambda p, t: (p - t) ** 2, max_iter=2).fit(LINE, WAVE, weight)
    assert each.loss_ > 0
    with pytest.raises(UsageError, match="one number an example"):
        MLPRegressor(lambda p, t: cr.mean((p - t) ** 2), max_iter=2).fit(LINE, WAVE, weight)


def test_data_to_judge_by_can_be_given():
    X, held, y, sides = train_test_split(MOONS, SIDES, random_state=0)
    model = MLPClassifier((32,), early_stopping=True, n_iter_no_change=5, **QUICK)
    model.fit(X, y, validation=(held, sides))
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.score(held, sides) == model.best_validation_score_


def test_scores_of_given_data_are_kept_without_stopping_by_them():
    model = MLPRegressor(max_iter=5).fit(LINE, WAVE, validation=(LINE, WAVE))
    assert len(model.validation_scores_) == len(model.loss_curve_) == 5
    assert model.validation_scores_[-1] == pytest.approx(model.score(LINE, WAVE))


def test_callbacks_hear_of_epochs_and_can_end_them():
    class Few:
        def __init__(self):
            self.rows = []

        def on_epoch(self, row):
            self.rows.append(row)
            if len(self.rows) == 3:
                raise StopIteration

    few = Few()
    model = MLPClassifier(callbacks=[few], **QUICK).fit(MOONS, SIDES)
    assert [row["loss"] for row in few.rows] == model.loss_curve_
    assert model.n_iter_ == len(model.history_) == 3


def test_a_bar_can_be_shown_in_the_place_of_lines(capsys):
    MLPClassifier(verbose="bar", max_iter=3).fit(MOONS, SIDES)
    said = capsys.readouterr().out
    assert "3/3" in said
    assert "Iteration" not in said


def test_the_network_is_there_to_be_looked_at_and_used():
    model = MLPClassifier((8,), max_iter=3).fit(MOONS, SIDES)
    scores = model.model_(MOONS).value[:, 0]
    np.testing.assert_allclose(1 / (1 + np.exp(-scores)), model.predict_proba(MOONS)[:, 1])
    assert [one.out_features for one in linears(model.model_)] == [8, 1]
    assert len(model.history_.rows) == 3


def test_weights_can_be_put_in():
    model = MLPRegressor("mse", (4,), max_iter=2).fit(LINE, WAVE)
    model.coefs_ = [np.zeros((1, 4)), np.zeros((4, 1))]
    model.intercepts_ = [np.zeros(4), np.array([7.0])]
    np.testing.assert_array_equal(model.predict(LINE), np.full(100, 7.0))


def test_lbfgs_refuses_what_changes_from_call_to_call():
    with pytest.raises(UsageError, match="without dropout"):
        MLPRegressor(solver="lbfgs", dropout=0.5).fit(LINE, WAVE)


@pytest.mark.parametrize(
    ("validation", "said"),
    [
        (0.2, "validation_fraction"),
        ((LINE,), "give"),
        ((LINE, ["neither"] * len(LINE)), "neither"),
        ((LINE, [0]), "inconsistent"),
    ],
)
def test_what_cannot_validate_is_refused_before_training(validation, said):
    sides = (WAVE > 0).astype(int)
    with pytest.raises(ValueError, match=said):
        MLPClassifier(max_iter=2).fit(LINE, sides, validation=validation)
