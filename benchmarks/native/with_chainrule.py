"""chainrule: the step `fit` takes, compiled, one call a step; recurrent layers by `scan`."""

from itertools import pairwise

import llvmlite.binding  # noqa: F401  (imports are not counted, of any system)
import work as w
from cells import CELLS

import chainrule as cr
import chainrule.read.native

cr.nn, cr.optim, cr.compile, chainrule.read.native  # noqa: B018  (loaded when first asked for)


def pieces(work):
    """The step as a function of parameters, state and a batch; and where it starts."""
    layers = []
    for a, b in pairwise(work.sizes):
        layers += [cr.nn.Linear(a, b), cr.nn.Tanh()]
    _, structure = cr.tree_flatten(cr.nn.Sequential(*layers[:-1]))
    params = work.weights()
    optimizer = cr.optim.SGD(lr=w.LR, momentum=w.MOMENTUM)

    def loss(params, x, y):
        return cr.nn.losses.mse(cr.tree_unflatten(structure, params)(x), y)

    def step(params, state, x, y):
        value, gradients = cr.value_and_grad(loss)(params, x, y)
        updates, state = optimizer.update(gradients, state, params)
        return cr.optim.apply_updates(params, updates), state, value

    return step, params, optimizer.init(params)


def make_step(work):
    step, params, state = pieces(work)
    x, y = work.data()
    compiled = cr.compile(step, donate=(0, 1))

    def call():
        nonlocal params, state
        params, state, value = compiled(params, state, x, y)
        return value

    return call


def make_recurrent(work):
    x, y = work.data()
    weights = work.weights()
    cell, start = CELLS[work.kind]

    def loss(weights, x, y):
        carry = start(cr, work.batch, work.hidden, x.dtype)
        _, states = cr.scan(lambda c, now: cell(cr, weights, c, now), carry, x)
        return cr.mean((states - y) ** 2)

    compiled = cr.compile(cr.value_and_grad(loss))
    return lambda: compiled(weights, x, y)[0]


def make_scalar(work):
    compiled = cr.compile(cr.value_and_grad(lambda x: work.expression(cr.sin, x)))
    return lambda: compiled(0.5)[0]


if __name__ == "__main__":
    w.main({w.Step: make_step, w.Recurrent: make_recurrent, w.Scalar: make_scalar})
