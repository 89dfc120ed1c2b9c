"""Handwritten digits: 1,797 images of 8 × 8, by a multilayer perceptron and by a convolution.

python examples/real/digits.py
"""

import numpy as np
from times import went

import chainrule as cr
from chainrule import nn
from chainrule.train.data.datasets import digits


def perceptron(seed=0):
    """One hidden layer over the 64 numbers of an image."""
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10), seed=seed)


def convolution(seed=0):
    """Two layers of 3 × 3 kernels, each followed by a maximum over 2 × 2."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 10), seed=seed,
    )  # fmt: skip


MODELS = {"perceptron": (perceptron, (64,)), "convolution": (convolution, (1, 8, 8))}


def parts(shape, seed=0):
    """Three quarters of the images to learn from, and the others."""
    X, y = digits()
    order, cut = np.random.default_rng(seed).permutation(len(X)), len(X) * 3 // 4
    X, y = X.reshape(-1, *shape)[order], y[order]
    return (X[:cut], y[:cut]), (X[cut:], y[cut:])


def trained(name, epochs=40, seed=0, progress=False):
    """What happened in training; the accuracy on the other images stands in it."""
    make, shape = MODELS[name]
    (X, y), test = parts(shape, seed)
    rate = cr.optim.schedules.cosine(0.005, steps=epochs * -(-len(X) // 32), warmup=40)
    return cr.fit(
        make(seed), X, y, "cross_entropy", cr.optim.AdamW(lr=rate), epochs, validation=test,
        metrics="accuracy", progress=progress, seed=seed,
    )  # fmt: skip


if __name__ == "__main__":
    for name in MODELS:
        history = trained(name, progress=True)
        count = sum(p.size for p in history.model.parameters())
        print(f"{name}: {history.val_accuracy[-1]:.1%} of the images it never saw are read right; "
              f"{count:,} parameters, {went(history)}")  # fmt: skip
