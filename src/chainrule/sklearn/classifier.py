"""`MLPClassifier`: scikit-learn's, on compiled training, and what it does not have."""

from __future__ import annotations

from typing import Any

from .classifying import Classifying
from .parameters import told
from .perceptron import Perceptrons


class MLPClassifier(Classifying, Perceptrons):
    """A feed-forward network that classifies: scikit-learn's `MLPClassifier`, and more.

    All its parameters and attributes are there, with the same defaults and meaning; the same
    `random_state` gives the same network and the same training, to rounding. These are added:

    `activation` may be a list, one for each hidden layer, of names, layers or functions; beside
    scikit-learn's names there are leaky_relu, elu, selu, gelu, silu and softplus.
    `solver` may be any optimiser of `chainrule.optim`, or adamw, nadam, radam, rmsprop, adagrad,
    lion by name, with `learning_rate_init`.
    `loss` is "log_loss", a name of `chainrule.nn.losses`, or a function (scores, targets): of
    what comes before softmax or sigmoid, and of 0 and 1 in the same shape.
    `class_weight` is "balanced" or a dict. `dropout` is a share, or one for each hidden layer;
    `norm` "batch" or "layer"; `residual` adds the input of a layer to its output where the two
    have one size; `clip` holds the gradient's norm, or with a pair its elements.
    `callbacks` have `on_epoch(row)` or `on_step(row)`; `verbose="bar"` draws a bar.
    `dtype` is what is computed in: that of the data (but in training float32 from 1000 rows on),
    or "float32" or "float64" throughout.
    Attributes: scikit-learn's, `model_` (the network), `history_` (a row an epoch).

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((16,), activation=["gelu"], solver="lbfgs", random_state=0)
    >>> model.fit(X / 8, y).score(X / 8, y) > 0.95
    True
    """

    def __init__(
        self, hidden_layer_sizes: Any = (100,), activation: Any = "relu", *, solver: Any = "adam",
        alpha: float = 0.0001, batch_size: Any = "auto", learning_rate: str = "constant",
        learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200,
        shuffle: bool = True, random_state: Any = None, tol: float = 1e-4, verbose: Any = False,
        warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True,
        early_stopping: bool = False, validation_fraction: float = 0.1, beta_1: float = 0.9,
        beta_2: float = 0.999, epsilon: float = 1e-8, n_iter_no_change: int = 10,
        max_fun: int = 15000, loss: Any = "log_loss", class_weight: Any = None,
        dropout: Any = 0.0, norm: str | None = None, residual: bool = False, clip: Any = None,
        callbacks: Any = (), dtype: Any = None,
    ):  # fmt: skip
        self.__dict__.update(told(locals()))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
