"""scikit-learn's own tests of its networks, run with ours in their place."""

import importlib.util
from unittest import mock

import pytest
from sklearn import neural_network

from chainrule import sklearn as ours

pytestmark = pytest.mark.weekly

PRIVATE = {  # these look into private attributes, and there is another inside
    "test_fit", "test_gradient", "test_learning_rate_warmstart", "test_adaptive_learning_rate",
}  # fmt: skip
WORDED = {"test_nonfinite_params", "test_warm_start"}  # the error comes, in other words


@pytest.fixture
def global_random_seed() -> int:
    return 42


def upstream() -> dict:
    """Their test functions, by name, bound to our classes."""
    found = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    if found is None or found.loader is None:
        return {}
    module = importlib.util.module_from_spec(found)
    classes = {name: getattr(ours, name) for name in ("MLPClassifier", "MLPRegressor")}
    with mock.patch.multiple(neural_network, **classes):
        found.loader.exec_module(module)
    left_out = PRIVATE | WORDED
    return {n: f for n, f in vars(module).items() if n.startswith("test_") and n not in left_out}


globals().update(upstream())
