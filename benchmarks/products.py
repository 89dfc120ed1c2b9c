"""Matrix products against the BLAS that NumPy brought along: GFLOP/s, best of many rounds.

    OPENBLAS_NUM_THREADS=1 CHAINRULE_NUM_THREADS=1 python benchmarks/products.py

Both are measured by turns in one process, so a busy machine hurts both alike; compare the two
columns of a row, never rows of two runs.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import chainrule as cr
from chainrule.transform.compile import compile as compiled

SHAPES = (  # rows, terms, columns
    (64, 64, 128), (64, 128, 64), (128, 784, 512), (128, 512, 256), (256, 1024, 1024),
    (1024, 1024, 1024), (32, 128, 512), (100, 16, 16), (100, 16, 1), (1, 512, 512), (512, 512, 1),
    (1000, 1, 1000), (784, 128, 512), (512, 128, 256), (128, 256, 512), (1024, 256, 1024),
    (128, 256, 10), (2, 100, 16), (8, 512, 512), (37, 91, 53),
)  # fmt: skip
SECONDS = 0.05  # a shape and system, in all


def best(run, calls: int, seconds: float = SECONDS) -> float:
    """Seconds of one call, the least of the rounds that fit."""
    found, end = np.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(calls):
            run()
        found = min(found, (time.perf_counter() - start) / calls)
    return found


def measured(m: int, k: int, n: int, turns: str, dtype: str) -> tuple[float, float]:
    """GFLOP/s of ours and of NumPy, for operands as they are (N) or transposed (T)."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(m, k) if turns[0] == "N" else (k, m)).astype(dtype)
    b = rng.normal(size=(k, n) if turns[1] == "N" else (n, k)).astype(dtype)
    left = cr.matrix_transpose if turns[0] == "T" else lambda x: x
    right = cr.matrix_transpose if turns[1] == "T" else lambda x: x
    f = compiled(lambda a, b: left(a) @ right(b))
    f(a, b)
    run = next(iter(f.versions.values())).run
    x, y = left(a), right(b)
    out, theirs_out = np.empty((m, n), dtype), np.empty((m, n), dtype)
    for place, array in enumerate((a, b, out), start=1):
        run.table[place] = array.ctypes.data
    address = run.addresses[1]
    run.helped(address)
    assert np.allclose(out, x @ y, rtol=1e-3, atol=1e-3 * k**0.5)
    calls = max(1, int(2e-4 / (2e-11 * m * k * n + 1e-6)))
    ours = theirs = np.inf
    for _ in range(3):
        ours = min(ours, best(lambda: run.helped(address), calls, SECONDS / 3))
        theirs = min(theirs, best(lambda: np.matmul(x, y, theirs_out), calls, SECONDS / 3))
    work = 2e-9 * m * k * n
    return work / ours, work / theirs


def main() -> None:
    """The table, for the dtypes named on the command line."""
    for dtype in sys.argv[1:] or ["float32"]:
        print(f"{dtype:22}" + "".join(f"{t:>9}{'BLAS':>7}" for t in ("NN", "NT", "TN")))
        for shape in SHAPES:
            found = [measured(*shape, turns, dtype) for turns in ("NN", "NT", "TN")]
            numbers = "".join(f"{ours:9.1f}{theirs:7.1f}" for ours, theirs in found)
            print(f"{'×'.join(map(str, shape)):22}{numbers}")


if __name__ == "__main__":
    main()
