"""Saturation: units whose weighted sums are large are flat, and hand back almost nothing.

python examples/experiments/saturation.py
"""

import numpy as np
from experiment import headed, tell

import chainrule as cr
from chainrule import nn
from chainrule.train.data.datasets import moons

FACTORS = (1, 3, 10, 30, 100)  # on Glorot's weights
X, y = moons(512)


def network(factor):
    """Two hidden layers of tanh, with weights so many times too large."""

    def init(rng, shape):
        return factor * nn.init.glorot_normal(rng, shape)

    return nn.Sequential(
        nn.Linear(2, 16, init=init), nn.Tanh(), nn.Linear(16, 16, init=init), nn.Tanh(),
        nn.Linear(16, 1), seed=0,
    )  # fmt: skip


def second_layer(model):
    """The weighted sums of the second hidden layer, and the slopes of its tanh there."""
    sums = model[2](model[1](model[0](X))).value.astype(float)
    return sums, cr.grad(lambda z: cr.sum(cr.tanh(z)))(sums)


def measured(factor, epochs=100):
    """The size of the sums, the mean slope, the share of saturated units, and what is learned."""
    model = network(factor)
    sums, slopes = second_layer(model)
    history = cr.fit(model, X, y, "binary_cross_entropy_with_logits", cr.optim.SGD(lr=0.1),
                     epochs=epochs, metrics="accuracy")  # fmt: skip
    flat = np.mean(slopes < 0.05)
    return np.abs(sums).mean(), slopes.mean(), flat, history.loss[-1], history.accuracy[-1]


@headed("weights ×", "mean |z|", "mean slope", "share under 0.05", "loss after 100", "right")
def experiment():
    """Weights of five sizes."""
    rows = [(factor, *measured(factor)) for factor in FACTORS]
    picture = cr.pictures.beside(*(
        cr.pictures.activations("tanh", sums=second_layer(network(factor))[0],
                                title=f"Weights × {factor}", ident=f"tanh{factor}")
        for factor in (1, 10)
    ), title="Where the weighted sums of a hidden layer lie")  # fmt: skip
    small, large = rows[0], rows[-1]
    sentence = (
        f"With weights {large[0]} times as large {large[3]:.0%} of the tanh units are flat, their "
        f"mean slope is {large[2]:.3f} instead of {small[2]:.2f}, and 100 epochs bring the loss to "
        f"{large[4]:.2f} instead of {small[4]:.3f}."
    )
    return rows, picture, sentence


if __name__ == "__main__":
    tell(experiment)
