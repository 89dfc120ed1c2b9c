"""JAX: a jitted step, one call a step; recurrent layers by `lax.scan`."""

import jax
import jax.numpy as jnp
import work as w
from cells import CELLS


class Names:
    """The functions the cells ask for."""

    tanh, exp, zeros, sigmoid = jnp.tanh, jnp.exp, jnp.zeros, jax.nn.sigmoid


def step(carry, batch):
    params, velocity = carry
    x, y = batch

    def loss(params):
        h = x
        for k in range(0, len(params), 2):
            h = h @ params[k].T + params[k + 1]
            if k < len(params) - 2:
                h = jnp.tanh(h)
        return jnp.mean((h - y) ** 2)

    value, gradient = jax.value_and_grad(loss)(params)
    velocity = [w.MOMENTUM * v + g for v, g in zip(velocity, gradient, strict=True)]
    params = [p - w.LR * v for p, v in zip(params, velocity, strict=True)]
    return (params, velocity), value


def start(work):
    params = [jnp.asarray(p) for p in work.weights()]
    return params, [jnp.zeros_like(p) for p in params]


def repeated(one, carry, batch):
    """A call that goes on from where the last one ended."""
    compiled = jax.jit(one, donate_argnums=0)

    def call():
        nonlocal carry
        carry, value = compiled(carry, batch)
        return value.block_until_ready()

    return call


def make_step(work):
    return repeated(step, start(work), tuple(jnp.asarray(a) for a in work.data()))


def make_recurrent(work):
    x, y = (jnp.asarray(a) for a in work.data())
    weights = [jnp.asarray(p) for p in work.weights()]
    cell, begin = CELLS[work.kind]

    def loss(weights, x, y):
        carry = begin(Names, work.batch, work.hidden, x.dtype)
        _, states = jax.lax.scan(lambda c, now: cell(Names, weights, c, now), carry, x)
        return jnp.mean((states - y) ** 2)

    compiled = jax.jit(jax.value_and_grad(loss))
    return lambda: jax.block_until_ready(compiled(weights, x, y))[0]


def make_scalar(work):
    compiled = jax.jit(jax.value_and_grad(lambda x: work.expression(jnp.sin, x)))
    return lambda: jax.block_until_ready(compiled(0.5))[0]


if __name__ == "__main__":
    w.main({w.Step: make_step, w.Recurrent: make_recurrent, w.Scalar: make_scalar})
