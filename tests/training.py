"""What the tests of training share: small networks, and data for them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from chainrule import nn

X, Y = np.random.default_rng(2).normal(size=(50, 3)), np.random.default_rng(3).normal(size=50)


def mlp(*sizes, activation=nn.Tanh, **options):
    """Linear layers of these sizes, with the activation between them."""
    layers = [nn.Linear(a, b, **options) for a, b in pairwise(sizes)]
    between = [part for one in layers[:-1] for part in (one, activation())]
    return nn.Sequential(*between, layers[-1])


def weights(model):
    """The bits of all parameters."""
    return [p.value.tobytes() for p in model.parameters()]
