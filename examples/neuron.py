"""One sigmoid neuron with half a squared error, computed forward and backward by hand.

chainrule explain examples/neuron.py:cost --paper 2
chainrule explain examples/neuron.py:cost w1=1.5 --paths
"""

import chainrule as cr


def cost(w1=2.0, w2=-3.0, b=-3.0, x1=-1.0, x2=-2.0, y=1.0):
    """Half the squared distance of the neuron's answer from y."""
    z = w1 * x1 + w2 * x2 + b
    a = cr.sigmoid(z)
    return 0.5 * (y - a) ** 2


def after_a_step(w1=2.0, w2=-3.0, b=-3.0, lr=1.0):
    """The same cost after one step of gradient descent: a gradient through a gradient."""
    g1, g2, gb = cr.grad(cost, argnums=(0, 1, 2))(w1, w2, b)
    return cost(w1 - lr * g1, w2 - lr * g2, b - lr * gb)


if __name__ == "__main__":
    print("cost", float(cost()), "and after a step", float(after_a_step()))
