"""HIPS autograd: value_and_grad over lists of arrays, SGD in NumPy, in place."""

import autograd
import autograd.numpy as anp
import numpy as np
import work as w


def make_step(work):
    x, y = work.data()
    params = work.weights()
    velocity = [np.zeros_like(p) for p in params]

    def loss(params):
        h = x
        for k in range(0, len(params), 2):
            h = anp.dot(h, params[k].T) + params[k + 1]
            if k < len(params) - 2:
                h = anp.tanh(h)
        return anp.mean((h - y) ** 2)

    loss_and_grad = autograd.value_and_grad(loss)

    def call():
        value, gradient = loss_and_grad(params)
        for p, v, g in zip(params, velocity, gradient, strict=True):
            v *= w.MOMENTUM
            v += g
            p -= w.LR * v
        return value

    return call


def make_scalar(work):
    slope = autograd.value_and_grad(lambda x: work.expression(anp.sin, x))
    return lambda: slope(0.5)[0]


if __name__ == "__main__":
    w.main({w.Step: make_step, w.Scalar: make_scalar})
