"""How far a program is from what the machine can do: its work against the limits, and the clock."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from .limits import arithmetic, bandwidth
from .work import Work

ROUNDS, SECONDS = 200, 0.05  # how long a program is timed at most
SHORT = 1e-8  # seconds below which a kernel's limit says nothing


def seconds(work: Work, threads: int = 1) -> tuple[float, float]:
    """The least time for the arithmetic, and for the memory, of some work."""
    moved = work.read + work.written
    return work.operations / (arithmetic() * threads), moved / (bandwidth(moved) * threads)


def bound(work: Work) -> str:
    """Which of the two limits a kernel meets, and when at the earliest, on one core."""
    counted, moved = seconds(work) if any(work) else (0.0, 0.0)
    if max(counted, moved) < SHORT:
        return ""
    kind = "arithmetic" if counted >= moved else "memory"
    return f"at least {told(max(counted, moved))}, by {kind}"


def share(run: Any, total: Work) -> list[str]:
    """The program against the machine: measured on numbers made up for it."""
    threads = run.threads if run.parallel else 1
    counted, moved = seconds(total, threads)
    least = max(counted, moved)
    cores = f"{threads} cores, each" if threads > 1 else "one core"
    lines = [
        f"The machine: {cores} at {arithmetic() / 1e9:.0f} Gflop/s, measured; so it takes at least "
        f"{told(least)}, by {'arithmetic' if counted >= moved else 'memory'}"
    ]
    measured = timed(run)
    if measured is None:
        return [*lines, "It was not timed: NumPy's part of it depends on the numbers"]
    return [*lines, f"It takes {told(measured)} a call: {least / measured:.0%} of the roofline"]


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
