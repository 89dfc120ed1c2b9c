"""Two layers and a mean squared error: the network whose backward pass is derived by hand.

chainrule explain examples/two_layer.py:loss --code
chainrule practice examples/two_layer.py:loss
"""

import numpy as np

import chainrule as cr

rng = np.random.default_rng(5)
X = np.round(rng.normal(size=(3, 2)), 1)  # three samples of two features
Y = np.round(rng.normal(size=(3, 1)), 1)
W1, B1 = np.round(rng.normal(size=(2, 4)), 1), np.round(rng.normal(size=4), 1)
W2, B2 = np.round(rng.normal(size=(4, 1)), 1), np.round(rng.normal(size=1), 1)


def loss(x=X, w1=W1, b1=B1, w2=W2, b2=B2, y=Y):
    """The mean squared error of relu(x @ w1 + b1) @ w2 + b2."""
    l1 = cr.relu(x @ w1 + b1)
    l2 = l1 @ w2 + b2
    diff = y - l2
    return cr.mean(diff**2)


if __name__ == "__main__":
    gradients = cr.grad(loss, argnums=(1, 2, 3, 4))(X, W1, B1, W2, B2, Y)
    print("loss", float(loss(X, W1, B1, W2, B2, Y)))
    for name, g in zip(("w1", "b1", "w2", "b2"), gradients, strict=True):
        print(name, g.shape, np.abs(g).max().round(4))
