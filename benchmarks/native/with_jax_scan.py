"""JAX: many steps in one call, by `lax.scan` over batches."""

import jax
import jax.numpy as jnp
import work as w
from with_jax import repeated, start, step


def make_step(work):
    batches = tuple(jnp.stack([jnp.asarray(a)] * work.steps) for a in work.data())
    return repeated(lambda carry, xs: jax.lax.scan(step, carry, xs), start(work), batches)


if __name__ == "__main__":
    w.main({w.Step: make_step}, lambda work: work.steps)
