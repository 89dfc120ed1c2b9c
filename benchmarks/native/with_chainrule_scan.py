"""chainrule: many steps in one call, by `scan` over batches."""

import numpy as np
import work as w
from with_chainrule import pieces

import chainrule as cr


def make_step(work):
    step, params, state = pieces(work)
    x, y = (np.ascontiguousarray(np.broadcast_to(a, (work.steps, *a.shape))) for a in work.data())

    def steps(params, state, x, y):
        def one(carry, batch):
            params, state, value = step(*carry, *batch)
            return (params, state), value

        (params, state), losses = cr.scan(one, (params, state), (x, y))
        return params, state, losses

    compiled = cr.compile(steps, donate=(0, 1))

    def call():
        nonlocal params, state
        params, state, losses = compiled(params, state, x, y)
        return losses

    return call


if __name__ == "__main__":
    w.main({w.Step: make_step}, lambda work: work.steps)
