"""Time one training step of every system in turn, and print ratios.

    python benchmarks/run.py [--rounds 7]

Each system runs in a process of its own, in turn, round after round; OPENBLAS_CORETYPE and
OPENBLAS_L2_SIZE are unset, since a shell that carries them slows NumPy alone, and so is
PYTHONDONTWRITEBYTECODE, which makes every import compile anew. A ratio is
taken inside a round, and the median of the rounds is printed. Peers that are not installed
are left out: pip install torch==2.13.0 autograd
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from networks import NETWORKS, flops
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

HERE = Path(__file__).parent
WIDE = 110  # columns of the table; a terminal that has fewer breaks its lines
SYSTEMS = ("chainrule", "torch", "autograd", "numpy")
GEMM = 4e11  # operations a second: two cores of the reference machine on large products


def environment() -> dict[str, str]:
    """The shell's environment without what would slow one of the systems."""
    unwanted = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")
    kept = {k: v for k, v in os.environ.items() if k not in unwanted}
    return kept | {"PYTHONPATH": str(HERE)}


def python(*arguments: str) -> subprocess.CompletedProcess:
    """Run this interpreter in that environment."""
    return subprocess.run(
        [sys.executable, *arguments], env=environment(), capture_output=True, text=True, check=True
    )


def measure(system: str, *networks: str) -> dict:
    """One process of a system over these networks."""
    return json.loads(python(str(HERE / "systems" / f"with_{system}.py"), *networks).stdout)


def import_seconds(module: str) -> float:
    """What importing a module costs a fresh interpreter, without the interpreter's own start."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    return float(python("-c", code).stdout)


def shown(what: str, jobs: Sequence) -> Iterable:
    """The jobs one by one, with a bar on standard error."""
    return track(jobs, what, console=Console(stderr=True), transient=True)


def steps(rounds: int, systems: list[str]) -> dict[str, dict[str, list[dict]]]:
    """For every network and system, what each round found."""
    found: dict = {name: {s: [] for s in systems} for name in NETWORKS}
    for system in shown("timing", systems * rounds):
        for name, result in measure(system, *NETWORKS).items():
            found[name][system].append(result)
    return found


def memory(rounds: int, systems: list[str]) -> dict[str, float]:
    """How much a step of the largest network adds to the peak of a fresh process, in MB."""
    name = list(NETWORKS)[-1]
    found: dict = {s: [] for s in systems}
    for s in shown("memory", systems * rounds):
        found[s].append(measure(s, name)[name]["memory"] / 1e6)
    return {s: statistics.median(added) for s, added in found.items()}


def ratio(rows: dict[str, list[dict]], system: str, peer: str) -> float:
    """The median over the rounds of system/peer."""
    pairs = zip(rows[system], rows[peer], strict=True)
    return statistics.median(a["seconds"] / b["seconds"] for a, b in pairs)


def show(found: dict, systems: list[str]) -> Table:
    """The table: microseconds a step, our ratio to each peer, and the products' own limit."""
    title = "One training step (forward, backward, SGD with momentum), µs, median"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, collapse_padding=True)
    table.add_column("network", no_wrap=True)
    for s in systems:
        table.add_column(s, justify="right")
    for s in systems[1:]:
        table.add_column(f"ours / {s}", justify="right")
    table.add_column("products at 400 GFLOP/s", justify="right")
    for name, rows in found.items():
        losses = [r[-1]["loss"] for r in rows.values()]
        if max(losses) - min(losses) > 1e-3 * abs(losses[0]):
            raise SystemExit(f"{name}: the systems disagree on the loss: {losses}")
        times = [f"{statistics.median(r['seconds'] for r in rows[s]) * 1e6:.0f}" for s in systems]
        ratios = [f"{ratio(rows, 'chainrule', s):.2f}" for s in systems[1:]]
        table.add_row(name, *times, *ratios, f"{flops(*NETWORKS[name]) / GEMM * 1e6:.1f}")
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    installed = [s for s in SYSTEMS if find_spec(s)]
    missing = sorted(set(SYSTEMS) - set(installed))
    console = Console(width=max(WIDE, Console().width))
    if missing:
        console.print(f"not installed, left out: {', '.join(missing)}")
    console.print(show(steps(rounds, installed), installed))
    added = memory(min(rounds, 5), installed)
    told = ", ".join(f"{system} {megabytes:.1f}" for system, megabytes in added.items())
    console.print(f"memory a step of the largest adds, MB: {told}")
    import_seconds("chainrule")  # the first import may have to write bytecode
    pairs = [
        (import_seconds("chainrule"), import_seconds("numpy"))
        for _ in shown("imports", range(3 * rounds))
    ]
    console.print(
        f"import chainrule / import numpy: {statistics.median(a / b for a, b in pairs):.2f}"
    )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("stopped: what was timed so far is not shown") from None
