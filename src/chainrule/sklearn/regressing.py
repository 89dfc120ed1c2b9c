"""What regressors share: numbers as targets, one or several of each example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..graph.errors import DataError
from .fitting import Estimator, in_steps
from .objective import regressor_loss
from .parameters import REGRESSOR_LOSS


class Regressing(RegressorMixin, Estimator):
    """A regressor of one number, or of several at once."""

    _losses = REGRESSOR_LOSS

    def _read(self, X: Any, y: Any, once: bool, new: bool) -> tuple[Any, Any]:
        return self._validated(X, y, new, y_numeric=True)

    def _read_again(self, X: Any, y: Any) -> tuple[Any, Any]:
        x, y = self._inputs(X), np.asarray(y)
        check_consistent_length(x, y)
        return x, y

    def _targets(self, y: Any) -> tuple[np.ndarray, Any]:
        if self.loss == "poisson" and (y < 0).any():
            raise DataError(
                f"loss='poisson' is of counts, 0 or more, and y has {(y < 0).sum()} below 0"
            )
        return y.reshape(len(y), -1), None

    def _outputs(self, t: np.ndarray) -> int:
        self.out_activation_ = "exp" if self.loss == "poisson" else "identity"
        return t.shape[1]

    def _loss(self) -> Callable:
        return regressor_loss(self.loss)

    def _scorer(self, x: Any, y: Any, weight: Any) -> Callable[[Any], float]:
        """R² on these examples, of a network."""

        def score(model: Any) -> float:
            found = self._values(model, x)
            if not np.isfinite(found).all():
                return np.nan
            return float(r2_score(y, found, sample_weight=weight))

        return score

    def _values(self, model: Any, x: Any) -> np.ndarray:
        made = self._answers(model, x)
        if self.out_activation_ == "exp":
            with np.errstate(over="ignore"):
                made = np.exp(made)
        return made.ravel() if made.shape[1] == 1 else made

    def predict(self, X: Any) -> np.ndarray:
        """The numbers for X: (n,), or (n, n_outputs_) where there are several."""
        check_is_fitted(self)
        return self._values(self.model_, self._inputs(X))

    @available_if(in_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train for one epoch more on these examples."""
        return self._fit(X, y, sample_weight, once=True)
