"""Vanishing gradients: how much of a gradient arrives at each layer of a deep network.

The weights are orthogonal: they turn a gradient and do not shorten it. What is lost, the
activations lose, or the length that the weights are multiplied by.

python examples/experiments/vanishing.py
"""

import numpy as np
from experiment import headed, short, tell

import chainrule as cr
from chainrule import nn
from chainrule.train.data.datasets import moons

DEPTH, WIDTH = 20, 32
CASES = {  # activation, and what the orthogonal weights are multiplied by
    "sigmoid": (nn.Sigmoid, 1.0),
    "tanh": (nn.Tanh, 1.0),
    "tanh, halved weights": (nn.Tanh, 0.5),
    "ReLU": (nn.ReLU, np.sqrt(2.0)),  # it shuts about half of the units: He's √2 makes up for it
}
X, labels = moons(512)
Y = labels[:, None].astype(np.float32)
LOSS = nn.losses.binary_cross_entropy_with_logits


def network(activation, gain, depth=DEPTH):
    """So many hidden layers, all of one kind."""

    def init(rng, shape):
        return gain * nn.init.orthogonal(rng, shape)

    layers = []
    for size in (2, *[WIDTH] * (depth - 1)):
        layers += [nn.Linear(size, WIDTH, init=init), activation()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 1, init=init), seed=0)


def gradients(model):
    """The length of the gradient at the weighted sums of each layer, from the first to the last."""
    h, sums = X.astype(np.float32), []
    for one in model:
        h = one(h)
        if isinstance(one, nn.Linear):
            sums.append(h)
    LOSS(h, Y).backward()
    return np.array([np.linalg.norm(z.grad) for z in sums])


@headed("network", "first layer", "last layer", "kept", "per layer", "accuracy after 40")
def experiment():
    """Every case before training, and what training then makes of it."""
    norms, rows = {}, []
    for name, (activation, gain) in CASES.items():
        model = network(activation, gain)
        g = norms[name] = gradients(model)
        history = cr.fit(model, X, Y, LOSS, cr.optim.SGD(lr=0.1), epochs=40, metrics="accuracy")
        kept = g[0] / g[-1]
        rows.append((name, g[0], g[-1], kept, kept ** (1 / DEPTH), history.accuracy[-1]))
    picture = cr.pictures.lines(
        norms, x="layer", y="length of the gradient", log=True,
        title=f"What arrives of a gradient in {DEPTH} layers",
    )  # fmt: skip
    sigmoid, tanh, halved, relu = rows
    sentence = (
        f"Of the gradient at the output, {short(sigmoid[3], 1)} arrives at the first of {DEPTH} "
        f"sigmoid layers, {tanh[3]:.0%} with tanh, {short(halved[3], 1)} with tanh and halved "
        f"weights, {relu[3]:.0%} with ReLU; after 40 epochs the sigmoid network is right in "
        f"{sigmoid[5]:.0%}, the ReLU network in {relu[5]:.0%}."
    )
    return rows, picture, sentence


if __name__ == "__main__":
    tell(experiment)
