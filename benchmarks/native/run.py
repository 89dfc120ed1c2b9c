"""Time compiled training steps and recurrent gradients against every peer, and print ratios.

    python benchmarks/native/run.py [--rounds 5] [--only LSTM] [--at jax=/path/to/python] [--out F]

Each system runs in a process of its own, in turn, round after round; OPENBLAS_CORETYPE and
OPENBLAS_L2_SIZE are unset. A ratio is taken inside a round, and the median of the rounds counts.
A system runs by this interpreter, or by another one that `--at` names; one that is not there is
left out, with the reason. No object code is taken from disk, except where that is what is timed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn
from systems import HERE, SYSTEMS, UnableError, absence, environment, measure
from tables import Found, markdown, report
from work import WORK

PICTURE = HERE.parents[1] / "pictures" / "native"  # .svg and .png
FROM_DISK, LARGEST = "784-512-256-10, batch 128", "1024⁵, batch 256"
WIDE = 130  # columns of the tables; a terminal that has fewer breaks their lines
AGAIN = 4  # processes for what comes from disk: one that compiles, and those that load


class Under:
    """What is under way: a bar at a terminal, elsewhere a line for each, on standard error."""

    def __init__(self, total: int):
        self.console = Console(stderr=True)
        columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
        self.bar = Progress(*columns, console=self.console, transient=True)
        self.task = self.bar.add_task("", total=total, completed=-1)

    def __enter__(self) -> Under:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def way(self, what: str) -> None:
        """The next thing begins."""
        self.bar.update(self.task, advance=1, description=what)
        if not self.console.is_terminal:
            self.console.print(what, highlight=False)


def present(where: dict[str, str], under: Under, console: Console) -> dict[str, str]:
    """The systems that run here; of the others, why not."""
    systems = {}
    for system, at in where.items():
        under.way(f"looking for {SYSTEMS[system].name}")
        why = absence(system, at)
        if why is None:
            systems[system] = at
        else:
            console.print(f"left out: {SYSTEMS[system].name} ({why})", highlight=False)
    return systems


def rounds_of(count: int, systems: dict[str, str], names: list[str], under: Under) -> Found:
    """For every piece of work and system, what each round found; one that fails is taken out."""
    found: Found = {name: {} for name in names}
    for k in range(count):
        for system, at in list(systems.items()):
            under.way(f"round {k + 1} of {count}: {SYSTEMS[system].name}")
            try:
                for name, result in measure(system, at, names).items():
                    found[name].setdefault(system, []).append(result)
            except UnableError as why:
                under.console.print(f"left out: {SYSTEMS[system].name} ({why})", highlight=False)
                del systems[system]
                for rows in found.values():
                    rows.pop(system, None)
    return found


def from_disk(at: str, under: Under) -> str:
    """How soon a network's step gives its first result: compiled, and loaded from disk."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        more = {"CHAINRULE_CACHE": "1", "CHAINRULE_CACHE_DIR": folder}
        for k in range(AGAIN):
            under.way("ours from disk" if k else "ours, first result")
            made.append(measure("chainrule", at, [FROM_DISK], **more)[FROM_DISK]["first"] * 1e3)
    loaded = median(made[1:])
    return f"{FROM_DISK}: our first result {made[0]:.0f} ms, from disk {loaded:.0f} ms"


def memory(systems: dict[str, str], under: Under) -> str:
    """How much a step of the largest network adds to the peak of a fresh process."""
    told = []
    for system, at in systems.items():
        under.way(f"memory: {SYSTEMS[system].name}")
        added = measure(system, at, [LARGEST])[LARGEST]["memory"] / 1e6
        told.append(f"{SYSTEMS[system].name} {added:.0f}")
    return f"MB that a step of {LARGEST} adds to the peak: {', '.join(told)}"


def arguments() -> argparse.Namespace:
    """The command line; names of systems and of work that there are not are refused."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each is timed (5)")
    parser.add_argument("--only", default="", help="work whose name contains this")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="which, with commas between")
    parser.add_argument("--at", action="append", default=[], help="jax=/path/to/python")
    parser.add_argument("--out", type=Path, help="all numbers, as JSON")
    parser.add_argument("--of", type=Path, help="such numbers: they are shown, nothing is timed")
    parser.add_argument(
        "--plot", type=Path, help="the picture, .svg or .png; else both, beside --out"
    )
    parser.add_argument("--markdown", action="store_true", help="the table for a document as well")
    given = parser.parse_args()
    given.systems = given.systems.split(",")
    unknown = [s for s in given.systems if s not in SYSTEMS]
    if unknown:
        parser.error(f"no system is called {', '.join(unknown)}; there are {', '.join(SYSTEMS)}")
    given.names = [name for name in WORK if given.only in name]
    if not given.names:
        parser.error(f"no work has {given.only!r} in its name; there are {'; '.join(WORK)}")
    if given.rounds < 1:
        parser.error("--rounds: at least 1")
    return given


def timed(given: argparse.Namespace, console: Console) -> tuple[Found, dict[str, str], list[str]]:
    """What the rounds found, by which systems; and of the whole table, lines that come after it."""
    at = dict(one.split("=", 1) for one in given.at)
    where = {s: at.get(SYSTEMS[s].module, sys.executable) for s in given.systems}
    whole, after = not given.only and "chainrule" in where, []
    total = (given.rounds + 1 + whole) * len(where) + whole * AGAIN
    with Under(total) as under:
        systems = present(where, under, console)
        console.print(environment(systems), highlight=False, soft_wrap=True)
        found = rounds_of(given.rounds, systems, given.names, under)
        if given.out:
            given.out.write_text(json.dumps(found, indent=1))
        if whole:
            after = [from_disk(where["chainrule"], under), memory(systems, under)]
    return found, systems, after


def main() -> None:
    """Measure and print."""
    given = arguments()
    console = Console(width=max(WIDE, Console().width))
    beside = given.out or given.of
    path = given.plot or (beside.with_suffix("") if beside else PICTURE)
    after: list[str] = []
    if given.of:
        every = json.loads(given.of.read_text())
        found = {name: rows for name, rows in every.items() if name in given.names}
        systems = given.systems
    else:
        found, by, after = timed(given, console)
        systems = list(by)
    report(found, systems, console, path)
    if given.markdown:
        print(markdown(found, systems))
    for line in after:
        console.print(line, highlight=False)


if __name__ == "__main__":
    try:
        main()
    except UnableError as why:
        raise SystemExit(f"stopped: {why}") from None
    except KeyboardInterrupt:
        raise SystemExit("stopped: what was timed so far is not shown") from None
