"""How far a program is from what the machine can do: its work against the limits, and the clock."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from ..machine.limits import arithmetic, bandwidth
from ..program import Steps
from ..work import of_kernel

ROUNDS, SECONDS = 200, 0.05  # how long a program is timed at most
SHORT = 1e-8  # seconds below which a kernel's limit says nothing
KINDS = {True: "arithmetic", False: "memory"}


def least(kernel: Any) -> tuple[float, bool]:
    """The least time of a kernel on one core, and whether that is by its arithmetic.

    What it moves comes at best from the smallest cache that holds it. A scan takes at least what
    its steps take: a matrix that every step reads is read every time, though not from afar.
    """
    work = of_kernel(kernel)
    moved = work.read + work.written
    counted, memory = work.operations / arithmetic(), moved / bandwidth(moved) if moved else 0.0
    if isinstance(kernel, Steps):
        steps = sum(least(k)[0] for k in kernel.body.kernels) * kernel.length * kernel.parts
        return max(counted, memory, steps), counted >= 0.5 * max(memory, steps)
    return max(counted, memory), counted >= memory


def bound(kernel: Any) -> str:
    """Which of the two limits a kernel meets, and when at the earliest, on one core."""
    seconds, by_arithmetic = least(kernel)
    return "" if seconds < SHORT else f"at least {told(seconds)}, by {KINDS[by_arithmetic]}"


def share(run: Any) -> list[str]:
    """The program against the machine: measured on numbers made up for it."""
    threads = run.threads if run.parallel else 1
    found = [least(k) for k in run.program.kernels]
    seconds = sum(s for s, _ in found) / threads
    by_arithmetic = 2 * sum(s for s, counted in found if counted) >= seconds * threads
    cores = f"{threads} cores, each" if threads > 1 else "one core"
    lines = [
        f"The machine: {cores} at {arithmetic() / 1e9:.0f} Gflop/s, measured; so it takes at least "
        f"{told(seconds)}, by {KINDS[by_arithmetic]}"
    ]
    measured = timed(run)
    if measured is None:
        return [*lines, "It was not timed: NumPy's part of it depends on the numbers"]
    return [*lines, f"It takes {told(measured)} a call: {seconds / measured:.0%} of the roofline"]


def timed(run: Any) -> float | None:
    """Seconds of a call, the median of some on numbers made up; None if part of it is NumPy's."""
    if run.only is None:
        return None
    given = [_made_up(b.shape, b.dtype) for b in run.program.inputs]
    times, stop = [], perf_counter() + SECONDS
    while len(times) < 3 or (len(times) < ROUNDS and perf_counter() < stop):
        start = perf_counter()
        run(*given)
        times.append(perf_counter() - start)
    return median(times)


def _made_up(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return np.full(shape, 0.5 if dtype.kind == "f" else 0, dtype)


def told(t: float) -> str:
    """A time with its unit.

    >>> told(3.2e-6), told(0.0123), told(2.0)
    ('3.2 µs', '12.3 ms', '2.0 s')
    """
    for unit, scale in (("ns", 1e9), ("µs", 1e6), ("ms", 1e3)):
        if t * scale < 999.95:
            return f"{t * scale:.1f} {unit}"
    return f"{t:.1f} s"
