"""scikit-learn estimators: its own networks as they are, with what their users miss."""

from ..graph.errors import MissingExtraError

try:
    import sklearn as _  # noqa: F401
except ImportError:
    raise MissingExtraError("chainrule.sklearn", "sklearn") from None

from ..read.native.machine.engine import missing
from .classifier import MLPClassifier
from .recurrent import RNNClassifier, RNNRegressor
from .regressor import MLPRegressor

missing()  # loads the compiler here, beside scikit-learn, and not in the first fit

__all__ = ["MLPClassifier", "MLPRegressor", "RNNClassifier", "RNNRegressor"]
