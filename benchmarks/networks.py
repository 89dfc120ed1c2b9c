"""The networks every system trains, and how a system is timed. Tanh between layers, MSE."""

from __future__ import annotations

import json
import resource
import statistics
import sys
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter

import numpy as np

# name: (layer sizes, batch size)
NETWORKS = {
    "2-16-16-1, batch 1": ((2, 16, 16, 1), 1),
    "2-16-16-1, batch 100": ((2, 16, 16, 1), 100),
    "64-128-64-10, batch 64": ((64, 128, 64, 10), 64),
    "784-512-256-10, batch 128": ((784, 512, 256, 10), 128),
}
LR, MOMENTUM = 0.01, 0.9


def data(sizes: tuple[int, ...], batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets, float32."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(batch, sizes[0])), rng.normal(size=(batch, sizes[-1]))
    return x.astype(np.float32), y.astype(np.float32)


def weights(sizes: tuple[int, ...]) -> list[np.ndarray]:
    """The same starting weights for every system, (out, in), and biases."""
    rng = np.random.default_rng(1)
    made = []
    for a, b in pairwise(sizes):
        made += [(rng.normal(size=(b, a)) / a**0.5).astype(np.float32), np.zeros(b, np.float32)]
    return made


def flops(sizes: tuple[int, ...], batch: int) -> int:
    """Floating-point operations of the products of one step: forward, and two backward.

    The first layer has one product less: nobody asks the gradient of the data.
    """
    products = [2 * batch * a * b for a, b in pairwise(sizes)]
    return 3 * sum(products) - products[0]


def peak() -> int:
    """The largest resident size of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(make_step: Callable) -> None:
    """Time the networks named on the command line; print JSON: seconds a step, loss, memory."""
    found = {}
    for name in sys.argv[1:]:
        sizes, batch = NETWORKS[name]
        before = peak()
        step = make_step(sizes, batch, *data(sizes, batch), weights(sizes))
        for _ in range(30):
            loss = float(step())
        memory = peak() - before
        samples, stop = [], perf_counter() + 0.6
        while perf_counter() < stop:
            start = perf_counter()
            step()
            samples.append(perf_counter() - start)
        found[name] = {
            "seconds": statistics.median(samples), "loss": loss, "memory": memory,
        }  # fmt: skip
    print(json.dumps(found))
