"""A classifier of three weight matrices, its backward pass a mirror of its forward pass.

chainrule explain examples/elegant.py:loss --code
chainrule practice examples/elegant.py:loss
"""

import numpy as np

import chainrule as cr

rng = np.random.default_rng(7)
X = np.array([[0.8], [-0.3]])  # one example, as a column
W1, W2, W3 = (np.round(rng.normal(size=s), 1) for s in ((3, 2), (2, 3), (1, 2)))


def loss(W1=W1, W2=W2, W3=W3, x=X, t=1.0):
    """The cross-entropy of the network's answer y for the target t."""
    H1 = cr.sigmoid(W1 @ x)
    H2 = cr.sigmoid(W2 @ H1)
    y = cr.sigmoid(W3 @ H2)
    return cr.sum(-(t * cr.log(y) + (1.0 - t) * cr.log(1.0 - y)))


def chain(x=1.5):
    """sin(x²): an outer and an inner function."""
    u = x**2
    return cr.sin(u)


if __name__ == "__main__":
    print("loss", float(loss()), "chain", float(chain()))
