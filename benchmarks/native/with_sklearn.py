"""scikit-learn's MLPRegressor: one `partial_fit` of a batch; its loss is half the mean square."""

import warnings

import numpy as np
import work as w
from sklearn.neural_network import MLPRegressor


def make_step(work):
    x, y = work.data()
    model = MLPRegressor(
        hidden_layer_sizes=work.sizes[1:-1], activation="tanh", solver="sgd", alpha=0.0,
        batch_size=work.batch, learning_rate_init=w.LR, momentum=w.MOMENTUM,
        nesterovs_momentum=False, max_iter=1,
    )  # fmt: skip
    target = y if work.sizes[-1] > 1 else y[:, 0]
    warnings.simplefilter("ignore")
    model.partial_fit(x, target)  # makes the weights, which then are those of the others
    weights = work.weights()
    for k, (matrix, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
        model.coefs_[k][...] = matrix.T
        model.intercepts_[k][...] = bias

    def call():
        model.partial_fit(x, target)
        return np.float64(2.0 * model.loss_)

    return call


if __name__ == "__main__":
    w.main({w.Step: make_step})
