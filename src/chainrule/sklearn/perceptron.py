"""What the estimators of feed-forward networks share: their layers, as scikit-learn shows them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import column_or_1d, validate_data

from ..nn.module import Module
from .fitting import FLOATS, Estimator
from .network import linears, network, with_weights
from .parameters import for_each


class Perceptrons(Estimator):
    """An estimator whose network is Linear layers with activations between them."""

    def _units(self) -> list[int]:
        given = self.hidden_layer_sizes
        return [int(n) for n in given] if hasattr(given, "__iter__") else [int(given)]

    def _network(self, x: Any, rng: np.random.RandomState, dtype: Any) -> Module:
        hidden, kind = self._units(), type(self).__name__
        units = [x.shape[1], *hidden, self.n_outputs_]
        self.n_layers_ = len(units)
        each = {
            name: for_each(kind, name, getattr(self, name), len(hidden))
            for name in ("activation", "dropout")
        }
        # Without a hidden layer it still says how near to 0 the weights start.
        activations = each["activation"] or [self.activation]
        return network(
            units, activations, rng, dtype, dropout=each["dropout"], norm=self.norm,
            residual=self.residual,
        )  # fmt: skip

    def _validated(self, X: Any, y: Any, reset: bool, **options: Any) -> tuple[Any, Any]:
        x, y = validate_data(
            self, X, y, accept_sparse=["csr"], multi_output=True, reset=reset,
            dtype=FLOATS if self.dtype is None else [np.dtype(self.dtype)], **options,
        )  # fmt: skip
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return x, y

    @property
    def coefs_(self) -> list[np.ndarray]:
        """The weights of every layer, (fan_in, fan_out)."""
        return [one.weight.value.T for one in self._linears()]

    @coefs_.setter
    def coefs_(self, given: Any) -> None:
        self.model_ = with_weights(self.model_, given, self.intercepts_)

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The biases of every layer."""
        return [one.bias.value for one in self._linears()]

    @intercepts_.setter
    def intercepts_(self, given: Any) -> None:
        self.model_ = with_weights(self.model_, self.coefs_, given)

    def _linears(self) -> list[Any]:
        if "model_" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no weights before it is fitted")
        return linears(self.model_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
