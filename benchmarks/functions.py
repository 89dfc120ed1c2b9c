"""Nanoseconds an element for every function of native code, beside NumPy and PyTorch.

    python benchmarks/functions.py [names ...] [--size 10000]

One thread each, on an array that stays in the cache; the fastest of many rounds counts. Ours is
the machine code alone, without the call from Python; NumPy and PyTorch write into memory that is
there already. Run it with OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE unset.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import time
from collections.abc import Callable

os.environ["CHAINRULE_NUM_THREADS"] = "1"

import numpy as np
from rich.console import Console
from rich.table import Table

import chainrule as cr
from chainrule.graph import capture, input_node
from chainrule.read.native import native
from chainrule.read.native.functions import ULP

POSITIVE, SHARE = (0.1, 10.0), (-0.9, 0.9)
RANGES = {"log": POSITIVE, "log2": POSITIVE, "log10": POSITIVE, "log1p": (0.0, 3.0),
          "asin": SHARE, "acos": SHARE, "atanh": SHARE, "acosh": (1.0, 5.0), "sqrt": POSITIVE,
          "pow": (0.1, 4.0)}  # fmt: skip
TWO = {"pow", "atan2", "hypot", "logaddexp", "remainder", "maximum"}
NUMPY = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh",
         "acosh": "arccosh", "atanh": "arctanh", "atan2": "arctan2"}  # fmt: skip
NAMES = [*(n for n in ULP if n != "known power"), "silu", "gelu", "sqrt", "remainder", "maximum"]
ROUNDS, CALLS = 30, 5


def fastest(call: Callable[[], object], size: int) -> float:
    """Nanoseconds an element in the fastest round."""
    best = np.inf
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        best = min(best, (time.perf_counter() - start) / CALLS)
    return best / size * 1e9


def ours(name: str, xs: list[np.ndarray]) -> Callable[[], object]:
    """The machine code of one op, its pointers already in the table."""
    nodes = [input_node(x.shape, x.dtype) for x in xs]
    graph, _ = capture(lambda *given: [getattr(cr, name)(*given)], nodes)
    run = native(graph)
    (out,) = run(*xs)
    for k, a in enumerate((*xs, out)):
        run.table[1 + k] = a.ctypes.data
    address, kept = ctypes.addressof(run.table), (run, xs, out)
    return lambda: kept[0].stretches[0](address)


def numpys(name: str, xs: list[np.ndarray]) -> Callable[[], object]:
    """NumPy's function, or what our eager ops do where it has none."""
    f, out = getattr(np, NUMPY.get(name, name), None), np.empty_like(xs[0])
    return (lambda: f(*xs, out=out)) if f else (lambda: getattr(cr, name)(*xs))


def torchs(name: str, xs: list[np.ndarray]) -> Callable[[], object] | None:
    """PyTorch's function, if it is installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    given = [torch.from_numpy(x) for x in xs]
    f, out = getattr(torch, name, None), torch.empty_like(given[0])
    if f is None:
        f = getattr(torch.nn.functional, name)
        return lambda: f(*given)
    return lambda: f(*given, out=out)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--size", type=int, default=10_000)
    asked = parser.parse_args()
    table = Table("ns an element", *(f"{d} {s}" for d in ("f32", "f64") for s in
                  ("ours", "NumPy", "PyTorch", "ulp")))  # fmt: skip
    rng = np.random.default_rng(0)
    for name in asked.names:
        row = [name]
        for dtype in ("f4", "f8"):
            span = RANGES.get(name, (-3.0, 3.0))
            xs = [rng.uniform(*span, asked.size).astype(dtype) for _ in range(1 + (name in TWO))]
            for system in (ours, numpys, torchs):
                call = system(name, xs)
                row.append(f"{fastest(call, asked.size):.3f}" if call else "")
            row.append(str(ULP.get(name, {}).get(int(dtype[1]), "")))
        table.add_row(*row)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
