"""The perceptron rule against backpropagation: where it stops, where it never does.

python examples/experiments/perceptron.py
"""

import numpy as np
from experiment import headed, tell

import chainrule as cr
from chainrule import nn
from chainrule.train.data.datasets import blobs, moons, xor

PASSES = 40
ORDER = np.random.default_rng(0).permutation(200)
MADE = {"two clouds": blobs(200, noise=1.2, classes=2, seed=1), "moons": moons(200),
        "XOR": xor(200, noise=0.0)}  # fmt: skip
DATA = {name: (X[ORDER], y[ORDER]) for name, (X, y) in MADE.items()}


def by_rule(X, y, passes=PASSES):
    """The mistakes among all points after each pass; without any, the perceptron stops."""
    model, mistakes = nn.Perceptron(2), []
    while len(mistakes) < passes and mistakes[-1:] != [0]:
        model, _ = model.learn(X, y, epochs=1)
        mistakes.append(int(np.sum(model(X) != y)))
    return mistakes


def by_gradient(model, X, y, passes=PASSES):
    """The mistakes among all points after each pass."""
    history = cr.fit(model, X, y, "binary_cross_entropy_with_logits", cr.optim.Adam(lr=0.05),
                     passes, metrics="accuracy")  # fmt: skip
    return [round(len(X) * (1 - share)) for share in history.accuracy]


def learners(X, y):
    """Every learner's mistakes, pass by pass."""
    neuron = nn.Sequential(nn.Linear(2, 1), seed=3)
    network = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1), seed=3)
    return {
        "perceptron rule": by_rule(X, y), "one neuron, gradient": by_gradient(neuron, X, y),
        "8 hidden units, backpropagation": by_gradient(network, X, y),
    }  # fmt: skip


@headed("data", "learner", "passes", "fewest mistakes", "last")
def experiment():
    """Three data sets: a line parts the first, nearly parts the second, not the third."""
    found = {data: learners(*points) for data, points in DATA.items()}
    rows = [
        (data, name, len(mistakes), min(mistakes), mistakes[-1])
        for data, each in found.items() for name, mistakes in each.items()
    ]  # fmt: skip
    charts = (cr.pictures.lines(each, x="pass", y="mistakes", title=data, ident=f"data{k}")
              for k, (data, each) in enumerate(found.items()))  # fmt: skip
    picture = cr.pictures.beside(*charts, title="Mistakes among 200 points", columns=2)
    clouds, moon, cross = found.values()
    rule, neuron, network = cross
    sentence = (
        f"On two clouds the perceptron stops after pass {len(clouds[rule])} without a mistake; "
        f"on the moons it never stops, with {min(moon[rule])} to {max(moon[rule])} mistakes; "
        f"on XOR it has {cross[rule][-1]} of 200 after pass {PASSES}, a neuron trained by its "
        f"gradient {cross[neuron][-1]}, and with 8 hidden units backpropagation comes to "
        f"{cross[network][-1]}."
    )
    return rows, picture, sentence


if __name__ == "__main__":
    tell(experiment)
