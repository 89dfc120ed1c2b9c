"""chainrule, eager: the step `fit` takes, value_and_grad and SGD over a Sequential's arrays."""

from itertools import pairwise

import networks

import chainrule as cr


def make_step(sizes, batch, x, y, weights):
    layers = []
    for a, b in pairwise(sizes):
        layers += [cr.nn.Linear(a, b), cr.nn.Tanh()]
    model = cr.nn.Sequential(*layers[:-1])
    params, structure = cr.tree_flatten(model)
    params = [w.copy() for w in weights]
    optimizer = cr.optim.SGD(lr=networks.LR, momentum=networks.MOMENTUM)
    state = optimizer.init(params)

    def loss(params):
        return cr.nn.losses.mse(cr.tree_unflatten(structure, params)(x), y)

    loss_and_grad = cr.value_and_grad(loss)

    def step():
        nonlocal params, state
        value, gradients = loss_and_grad(params)
        updates, state = optimizer.update(gradients, state, params)
        params = cr.optim.apply_updates(params, updates)
        return value

    return step


networks.main(make_step)
