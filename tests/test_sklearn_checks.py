"""scikit-learn's own checks of estimators: all of them, with no failure expected.

Recurrent networks run them with few units and epochs; `make weekly` has them as they come.
"""

import warnings

import pytest
from sklearn.exceptions import ConvergenceWarning, SkipTestWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.sklearn import MLPClassifier, MLPRegressor, RNNClassifier, RNNRegressor

QUICK = [
    MLPClassifier(max_iter=100), MLPRegressor(max_iter=100), RNNClassifier("gru", 8, max_iter=25),
    RNNRegressor("squared_error", "tanh", 16, max_iter=60, learning_rate_init=0.03),
]  # fmt: skip
AS_THEY_COME = [MLPClassifier(), MLPRegressor(), RNNClassifier(), RNNRegressor()]


@pytest.fixture(autouse=True)
def _unfinished():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the checks train on what is at hand
        warnings.simplefilter("ignore", SkipTestWarning)
        yield


@parametrize_with_checks(QUICK, expected_failed_checks=lambda estimator: {})
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


@pytest.mark.weekly
@parametrize_with_checks(AS_THEY_COME, expected_failed_checks=lambda estimator: {})
def test_every_check_passes_with_all_defaults(estimator, check):
    check(estimator)
