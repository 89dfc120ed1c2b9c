"""HIPS autograd: value_and_grad over lists of arrays, SGD in NumPy."""

import autograd
import autograd.numpy as anp
import networks
import numpy as np


def make_step(sizes, batch, x, y, weights):
    params = [w.copy() for w in weights]
    velocity = [np.zeros_like(p) for p in params]

    def loss(params):
        h = x
        for k in range(0, len(params), 2):
            h = anp.dot(h, params[k].T) + params[k + 1]
            if k < len(params) - 2:
                h = anp.tanh(h)
        return anp.mean((h - y) ** 2)

    loss_and_grad = autograd.value_and_grad(loss)

    def step():
        value, gradient = loss_and_grad(params)
        for p, v, g in zip(params, velocity, gradient, strict=True):
            v *= networks.MOMENTUM
            v += g
            p -= networks.LR * v
        return value

    return step


networks.main(make_step)
