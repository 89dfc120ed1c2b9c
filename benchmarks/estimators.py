"""Fit scikit-learn's MLPClassifier and ours on digits, and compare seconds and accuracy.

    python benchmarks/estimators.py [--epochs 200] [--seeds 5]

Every fit runs in a process of its own, the two by turns. Of ours there are three: "cold" with
nothing compiled before, "warm" with what earlier processes left on the disk, "again" a second fit
in one process. Seconds are those of `fit` alone; "whole" has the start of Python and the imports
too. A ratio is the median over the seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from time import perf_counter

HIDDEN, HELD_OUT = (100,), 360
MODULES = {"scikit-learn": "sklearn.neural_network"}
WAYS = ("scikit-learn", "cold", "warm", "again")


def fit(way: str, epochs: int, batch: int, seed: int) -> None:
    """One process: print the seconds of the fit and the accuracy on what was held out."""
    import warnings
    from importlib import import_module

    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    warnings.simplefilter("ignore")
    x, y = load_digits(return_X_y=True)
    x, held, y, right = train_test_split(x / 16, y, test_size=HELD_OUT, random_state=0)
    kind = import_module(MODULES.get(way, "chainrule.sklearn")).MLPClassifier
    for _ in range(2 if way == "again" else 1):
        model = kind(
            HIDDEN, batch_size=batch, max_iter=epochs, tol=0.0, n_iter_no_change=epochs + 1,
            random_state=seed,
        )  # fmt: skip
        start = perf_counter()
        model.fit(x, y)
        seconds = perf_counter() - start
    print(json.dumps([seconds, model.score(held, right)]))


def run(way: str, cache: str, *numbers: int) -> tuple[float, float, float]:
    """Seconds of a fit, its accuracy, and the seconds of its whole process."""
    unwanted = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")
    environment = {k: v for k, v in os.environ.items() if k not in unwanted}
    environment["CHAINRULE_CACHE_DIR"] = cache
    if way == "cold":
        environment["CHAINRULE_CACHE"] = "0"
    start = perf_counter()
    command = [sys.executable, __file__, "--one", way, *map(str, numbers)]
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return (*json.loads(said.stdout), perf_counter() - start)


def main() -> None:
    """Print a table of both batch sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="*", default=[200, 32])
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        way, *numbers = asked.one
        return fit(way, *map(int, numbers))
    with tempfile.TemporaryDirectory() as cache:
        for batch in asked.batches:
            run("warm", cache, asked.epochs, batch, 0)
            found = {
                way: [run(way, cache, asked.epochs, batch, seed) for seed in range(asked.seeds)]
                for way in WAYS
            }
            print(f"batch {batch}, {asked.epochs} epochs")
            for way, rows in found.items():
                seconds, right, whole = (
                    statistics.mean(column) for column in zip(*rows, strict=True)
                )
                pairs = zip(rows, found["scikit-learn"], strict=True)
                ratio = statistics.median(a[0] / b[0] for a, b in pairs)
                print(
                    f"  {way:13} {seconds:6.3f} s  {ratio:5.2f} ×  accuracy {right:.4f}  "
                    f"whole {whole:5.2f} s"
                )
    return None


if __name__ == "__main__":
    main()
