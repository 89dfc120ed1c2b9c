"""`MLPRegressor`: scikit-learn's, on compiled training, and what it does not have."""

from __future__ import annotations

from typing import Any

from .parameters import told
from .perceptron import Perceptrons
from .regressing import Regressing


class MLPRegressor(Regressing, Perceptrons):
    """A feed-forward network that predicts numbers: scikit-learn's `MLPRegressor`, and more.

    All its parameters and attributes are there, with the same defaults and meaning; the same
    `random_state` gives the same network and the same training, to rounding. What is added is
    what `MLPClassifier` has, but for class weights. `loss` is "squared_error", "poisson" (whose
    predictions are e to the network's output), a name of `chainrule.nn.losses`, or a function
    (prediction, target).
    With several outputs `loss_` is what is minimised: half the squared difference summed over
    them (scikit-learn shows their mean, and minimises the sum).

    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 200)[:, None]
    >>> model = MLPRegressor("huber", (32,), "tanh", solver="lbfgs", random_state=0)
    >>> model.fit(X, np.sin(3 * X[:, 0])).score(X, np.sin(3 * X[:, 0])) > 0.99
    True
    """

    def __init__(
        self, loss: Any = "squared_error", hidden_layer_sizes: Any = (100,),
        activation: Any = "relu", *, solver: Any = "adam", alpha: float = 0.0001,
        batch_size: Any = "auto", learning_rate: str = "constant",
        learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200,
        shuffle: bool = True, random_state: Any = None, tol: float = 1e-4, verbose: Any = False,
        warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True,
        early_stopping: bool = False, validation_fraction: float = 0.1, beta_1: float = 0.9,
        beta_2: float = 0.999, epsilon: float = 1e-8, n_iter_no_change: int = 10,
        max_fun: int = 15000, dropout: Any = 0.0, norm: str | None = None, residual: bool = False,
        clip: Any = None, callbacks: Any = (), dtype: Any = None,
    ):  # fmt: skip
        self.__dict__.update(told(locals()))
