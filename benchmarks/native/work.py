"""What is timed, for every system alike: training steps of networks, gradients of recurrent ones.

A system's file hands `main` a function that makes a call of one piece of work. The value of the
first call is compared between the systems, so that all of them do the same sum.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import NamedTuple

import numpy as np

LR, MOMENTUM = 0.01, 0.9
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
SECONDS = 0.6  # how long a piece of work is timed in one process


class Step(NamedTuple):
    """A training step: tanh between layers, mean square error, SGD with momentum; float32."""

    sizes: tuple[int, ...]
    batch: int
    steps: int  # of one call that scans over steps

    @property
    def flops(self) -> int:
        """Of the products: forward, and two backward; nobody asks the gradient of the data."""
        products = [2 * self.batch * a * b for a, b in pairwise(self.sizes)]
        return 3 * sum(products) - products[0]

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(self.batch, self.sizes[0]))
        return _f4(x), _f4(rng.normal(size=(self.batch, self.sizes[-1])))

    def weights(self) -> list[np.ndarray]:
        """Where every system starts: a matrix (out, in) and a bias for each layer."""
        rng = np.random.default_rng(1)
        made = []
        for a, b in pairwise(self.sizes):
            made += [_f4(rng.normal(size=(b, a)) / a**0.5), np.zeros(b, np.float32)]
        return made


class Recurrent(NamedTuple):
    """Loss and gradients of a recurrent layer over a sequence: mean square of its states' error."""

    kind: str
    time: int
    batch: int
    inputs: int
    hidden: int

    @property
    def flops(self) -> int:
        """Of the products: forward, and two backward."""
        rows = GATES[self.kind] * self.hidden
        return 3 * 2 * self.time * self.batch * rows * (self.inputs + self.hidden)

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets, time first."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(self.time, self.batch, self.inputs))
        return _f4(x), _f4(rng.normal(size=(self.time, self.batch, self.hidden)))

    def weights(self) -> list[np.ndarray]:
        """Input and hidden matrices, input and hidden biases; gates stacked as PyTorch has them."""
        rng, rows = np.random.default_rng(1), GATES[self.kind] * self.hidden
        shapes = ((rows, self.inputs), (rows, self.hidden), (rows,), (rows,))
        return [_f4(rng.normal(size=s) / self.hidden**0.5) for s in shapes]


class Scalar(NamedTuple):
    """An expression of one number by so many operations, with its slope: what a call costs."""

    operations: int

    @property
    def flops(self) -> int:
        """Of the value and the slope."""
        return 2 * self.operations

    def expression(self, sin, x):
        """Three operations a round, and one more; what it is made of is the system's."""
        y = x
        for _ in range(self.operations // 3):
            y = sin(y) * 0.9 + x
        return y * x


def _f4(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


WORK: dict[str, Step | Recurrent | Scalar] = {
    "2-16-16-1, batch 1": Step((2, 16, 16, 1), 1, 2000),
    "2-16-16-1, batch 100": Step((2, 16, 16, 1), 100, 1000),
    "64-128-64-10, batch 64": Step((64, 128, 64, 10), 64, 200),
    "784-512-256-10, batch 128": Step((784, 512, 256, 10), 128, 10),
    "1024⁵, batch 256": Step((1024,) * 5, 256, 2),
    "LSTM T100 B32 I64 H128": Recurrent("LSTM", 100, 32, 64, 128),
    "LSTM T100 B64 I128 H256": Recurrent("LSTM", 100, 64, 128, 256),
    "GRU T100 B32 I64 H128": Recurrent("GRU", 100, 32, 64, 128),
    "tanh RNN T100 B32 I64 H128": Recurrent("RNN", 100, 32, 64, 128),
    "a number, 100 operations": Scalar(100),
}


def peak() -> int:
    """The largest resident size of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(make: dict[type, Callable], steps_of: Callable[[Step], int] = lambda work: 1) -> None:
    """Time the work named on the command line; print JSON: seconds, first, check, memory.

    `make` has for each kind of work a function that makes the call; `steps_of` says how many
    steps a call does. A kind that a system has no function for is left out.
    """
    found = {}
    for name in sys.argv[1:]:
        work = WORK[name]
        if type(work) not in make:
            continue
        before, call = peak(), make[type(work)](work)
        start = perf_counter()
        check = float(np.asarray(call()).reshape(-1)[0])
        first = perf_counter() - start
        times, stop = [], perf_counter() + SECONDS
        for _ in range(3):
            call()
        while len(times) < 3 or perf_counter() < stop:
            start = perf_counter()
            call()
            times.append(perf_counter() - start)
        each = steps_of(work) if isinstance(work, Step) else 1
        found[name] = {
            "seconds": statistics.median(times) / each, "first": first, "check": check,
            "memory": peak() - before,
        }  # fmt: skip
    print(json.dumps(found))
