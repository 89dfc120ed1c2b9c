"""Fit scikit-learn's MLPClassifier and ours on the same data, and compare seconds and accuracy.

    python benchmarks/estimators.py [--data digits iris] [--batches 200 32] [--epochs 200]
                                    [--seeds 5]

Every fit runs in a process of its own, all by turns. Of ours there are three: "cold" with
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

HIDDEN, HELD_OUT = (100,), 0.2
DATA = ("digits", "iris", "wine", "breast_cancer")
MODULES = {"scikit-learn": "sklearn.neural_network"}
WAYS = ("scikit-learn", "cold", "warm", "again")


def fit(way: str, data: str, epochs: int, batch: int, seed: int) -> None:
    """One process: print the seconds of the fit and the accuracy on what was held out."""
    import warnings
    from importlib import import_module

    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    warnings.simplefilter("ignore")
    x, y = getattr(datasets, f"load_{data}")(return_X_y=True)
    x = x / 16 if data == "digits" else (x - x.mean(axis=0)) / x.std(axis=0)
    x, held, y, right = train_test_split(x, y, test_size=HELD_OUT, random_state=0)
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


def run(way: str, cache: str, data: str, *numbers: int) -> tuple[float, float, float]:
    """Seconds of a fit, its accuracy, and the seconds of its whole process."""
    unwanted = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")
    environment = {k: v for k, v in os.environ.items() if k not in unwanted}
    environment["CHAINRULE_CACHE_DIR"] = cache
    if way == "cold":
        environment["CHAINRULE_CACHE"] = "0"
    start = perf_counter()
    command = [sys.executable, __file__, "--one", way, data, *map(str, numbers)]
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return (*json.loads(said.stdout), perf_counter() - start)


def main() -> None:
    """Print a table for every data set and batch size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="*", default=[200, 32])
    parser.add_argument("--data", nargs="*", choices=DATA, default=["digits"])
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        way, data, *numbers = asked.one
        return fit(way, data, *map(int, numbers))
    with tempfile.TemporaryDirectory() as cache:
        for data in asked.data:
            for batch in asked.batches:
                compare(cache, data, asked.epochs, batch, asked.seeds)
    return None


def compare(cache: str, data: str, epochs: int, batch: int, seeds: int) -> None:
    """Print the table of one data set and batch size."""
    from rich.console import Console  # not in every process that is timed
    from rich.progress import track

    run("warm", cache, data, epochs, batch, 0)
    found: dict[str, list] = {way: [] for way in WAYS}
    turns, told = [*WAYS] * seeds, f"{data}, batch {batch}, {epochs} epochs"
    for way in track(turns, told, console=Console(stderr=True), transient=True):
        found[way].append(run(way, cache, data, epochs, batch, len(found[way])))
    print(told)
    for way, rows in found.items():
        seconds, right, whole = (statistics.mean(column) for column in zip(*rows, strict=True))
        pairs = zip(rows, found["scikit-learn"], strict=True)
        ratio = statistics.median(a[0] / b[0] for a, b in pairs)
        print(
            f"  {way:13} {seconds:6.3f} s  {ratio:5.2f} ×  accuracy {right:.4f}  "
            f"whole {whole:5.2f} s"
        )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("stopped") from None
