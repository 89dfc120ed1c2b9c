"""`RNNClassifier` and `RNNRegressor`: recurrent networks over sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import column_or_1d, validate_data

from ..graph.errors import DataError
from ..nn.module import Module
from .classifying import Classifying
from .fitting import FLOATS, Estimator
from .parameters import for_each, told
from .regressing import Regressing
from .sequences import axes, padded, ragged, reader


class Recurrences(Estimator):
    """An estimator whose network reads sequences, and answers at the end of each."""

    norm = None  # there are none between time steps

    def _network(self, x: Any, rng: np.random.RandomState, dtype: Any) -> Module:
        hidden = self._units()
        self.n_layers_ = len(hidden) + 2
        features = 1 if self._of_table else self.n_features_in_
        dropout = for_each(type(self).__name__, "dropout", self.dropout, len(hidden))
        return reader(
            self.cell, features, hidden, self.n_outputs_, rng, dtype, dropout, self.bidirectional
        )

    def _units(self) -> list[int]:
        given = self.hidden_layer_sizes
        hidden = [int(n) for n in given] if hasattr(given, "__iter__") else [int(given)]
        if not hidden:
            raise DataError(f"{type(self).__name__}: hidden_layer_sizes is empty; give one layer")
        return hidden

    def _validated(self, X: Any, y: Any, reset: bool, **options: Any) -> tuple[Any, Any]:
        floats = FLOATS if self.dtype is None else [np.dtype(self.dtype)]
        found = self._sequences(X, floats)
        if found is None:  # a table: a row is a sequence of numbers
            if not reset and not self._of_table:
                raise DataError(self._other("a table"))
            x, y = validate_data(
                self, X, y, multi_output=True, reset=reset, dtype=floats, **options
            )
            x = np.asarray(x)[:, :, None]
        else:
            x, features = found
            numeric: Any = "numeric" if options else None
            y = check_array(y, ensure_2d=False, dtype=numeric, input_name="y")
            check_consistent_length(x, y)
            self._same(features, reset)
        if reset:
            self._of_table = found is None
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return x, y

    def _inputs(self, X: Any) -> Any:
        found = self._sequences(X, FLOATS)
        if found is not None:
            self._same(found[1], False)
            return found[0]
        if not self._of_table:
            raise DataError(self._other("a table"))
        return np.asarray(validate_data(self, X, dtype=FLOATS, reset=False))[:, :, None]

    def _sequences(self, X: Any, floats: Any) -> tuple[np.ndarray, int] | None:
        """Sequences as one array, and their number of features; None for a table."""
        several = ragged(X)
        if several is not None:
            dtype = np.result_type(*several)
            made = padded(several, dtype if dtype in floats else floats[0])
            return made, made.shape[2] - 1
        if axes(X) != 3:
            return None
        x = check_array(X, dtype=floats, allow_nd=True)
        return x, x.shape[2]

    def _same(self, features: int, reset: bool) -> None:
        """Refuse sequences of other features than those of the fit."""
        if reset:
            self.n_features_in_ = features
            self.__dict__.pop("feature_names_in_", None)
        elif self._of_table or features != self.n_features_in_:
            raise DataError(self._other(f"sequences of {features} features"))

    def _other(self, found: str) -> str:
        kind = "tables of {} columns" if self._of_table else "sequences of {} features"
        return (
            f"X has {found}, but {type(self).__name__} was fitted on "
            f"{kind.format(self.n_features_in_)}; give the same"
        )


class RNNClassifier(Classifying, Recurrences):
    """A recurrent network that classifies sequences.

    X is an array (n, steps, features), or a list of n arrays (steps, features) of different
    lengths; a table (n, steps) is read as (n, steps, 1). `y` has one label a sequence, or a row
    of 0 and 1.
    `cell` is "lstm", "gru" or "tanh"; `hidden_layer_sizes` are those of recurrent layers, one
    upon the other; `dropout` is between them and before the output, a share or one for each.
    With `bidirectional` every layer reads the sequence backward too, with weights of its own, and
    hands twice as many numbers on; the answer is read off both ends.
    All else is as in `MLPClassifier`, but that steps are larger (`learning_rate_init`) and that
    the gradient's norm is held at 1 (`clip`).
    Attributes: those of `MLPClassifier` but `coefs_` and `intercepts_`; the weights are in
    `model_`. Sequences have their features in `n_features_in_`, tables their columns.

    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 1)) for n in rng.integers(2, 6, 60)]
    >>> y = ["up" if x[0, 0] > 0 else "down" for x in X]
    >>> model = RNNClassifier("gru", 8, batch_size=10, tol=0.01, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    """

    def __init__(
        self, cell: str = "lstm", hidden_layer_sizes: Any = (32,), *, solver: Any = "adam",
        alpha: float = 0.0001, batch_size: Any = "auto", learning_rate: str = "constant",
        learning_rate_init: float = 0.01, power_t: float = 0.5, max_iter: int = 200,
        shuffle: bool = True, random_state: Any = None, tol: float = 1e-4, verbose: Any = False,
        warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True,
        early_stopping: bool = False, validation_fraction: float = 0.1, beta_1: float = 0.9,
        beta_2: float = 0.999, epsilon: float = 1e-8, n_iter_no_change: int = 10,
        max_fun: int = 15000, loss: Any = "log_loss", class_weight: Any = None,
        dropout: Any = 0.0, bidirectional: bool = False, clip: Any = 1.0, callbacks: Any = (),
        dtype: Any = None,
    ):  # fmt: skip
        self.__dict__.update(told(locals()))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class RNNRegressor(Regressing, Recurrences):
    """A recurrent network that predicts numbers from sequences.

    X is as in `RNNClassifier`; `y` has one number a sequence, or several. All else is as in
    `RNNClassifier`, and `loss` as in `MLPRegressor`.

    >>> X = np.random.default_rng(0).uniform(size=(100, 6))
    >>> model = RNNRegressor(cell="gru", batch_size=10, random_state=0).fit(X, X.sum(axis=1))
    >>> model.score(X, X.sum(axis=1)) > 0.9
    True
    """

    def __init__(
        self, loss: Any = "squared_error", cell: str = "lstm", hidden_layer_sizes: Any = (32,), *,
        solver: Any = "adam", alpha: float = 0.0001, batch_size: Any = "auto",
        learning_rate: str = "constant", learning_rate_init: float = 0.01, power_t: float = 0.5,
        max_iter: int = 200, shuffle: bool = True, random_state: Any = None, tol: float = 1e-4,
        verbose: Any = False, warm_start: bool = False, momentum: float = 0.9,
        nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-8, n_iter_no_change: int = 10, max_fun: int = 15000,
        dropout: Any = 0.0, bidirectional: bool = False, clip: Any = 1.0, callbacks: Any = (),
        dtype: Any = None,
    ):  # fmt: skip
        self.__dict__.update(told(locals()))
