"""`python -m tests.fuzzing --minutes 60 --seed 0`: programs without end, each checked.

A worker process tries one seed after another and says each before it begins; where it dies, this
process knows of what. Every difference is cut down in processes of its own and printed as Python.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from .checks import check
from .programs import draw
from .shrinking import SECONDS, apart, shrink

OLD = 2000  # programs after which a worker makes room for a fresh one


def main() -> int:
    """Read the command line; run as the worker, for one seed, or for some minutes."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--only", type=int, help="one seed, cut down if it fails")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help="a folder for what was found")
    parser.add_argument("--quick", action="store_true", help="do not cut down")
    chosen = parser.parse_args()
    os.environ.setdefault("CHAINRULE_NUM_THREADS", "2")
    if chosen.worker:
        return work(chosen.seed)
    if chosen.only is not None:
        return explain(chosen.only, chosen)
    return search(chosen)


def work(seed: int) -> int:
    """Seed after seed: its number, then a dot or a kind of difference."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that reads this
    while True:
        print(seed, end=" ", flush=True)
        signal.alarm(SECONDS)
        found = check(draw(seed), seed)
        signal.alarm(0)
        print("." if found is None else f"{found.kind}: {found.text.splitlines()[0]}", flush=True)
        seed += 1


def search(chosen: argparse.Namespace) -> int:
    """Workers one after the other until the time is over."""
    tally, stopped = Tally(chosen), False
    try:
        with TemporaryDirectory() as folder:  # a worker that is ended leaves something there
            tally.settings = {**os.environ, "TMPDIR": folder}
            while not tally.over:
                tally.one_worker()
    except KeyboardInterrupt:
        stopped = True
    print(f"\n{tally.done} programs, {tally.bad} differences")
    return 130 if stopped else int(tally.bad > 0)


class Tally:
    """How far the search is, and what it found."""

    def __init__(self, chosen: argparse.Namespace):
        self.chosen, self.seed, self.done, self.bad = chosen, chosen.seed, 0, 0
        self.began = monotonic()
        self.stopped = self.under_way = False
        self.settings: dict[str, str] = {}  # of a worker's environment

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return monotonic() > self.began + 60 * self.chosen.minutes

    def one_worker(self) -> None:
        """A process that tries seeds, as long as it lives."""
        command = [sys.executable, "-m", "tests.fuzzing", "--worker", "--seed", str(self.seed)]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                  env=self.settings)  # fmt: skip
        try:
            self.listen(worker.stdout)
        finally:
            worker.kill()
            code = worker.wait()
        self.died(code)

    def listen(self, lines: Iterable[str]) -> None:
        """What a worker says, until it dies, the time is up, or it has grown old."""
        self.stopped = False
        for count, line in enumerate(lines):
            said, _, what = line.strip().partition(" ")
            self.seed, self.under_way = int(said), not what
            if self.under_way:
                return
            self.seed, self.done = self.seed + 1, self.done + 1
            if what != ".":
                self.found(self.seed - 1, what)
            if self.done % 20 == 0:
                self.progress()
            if self.over or count > OLD:
                self.stopped = True
                return

    def died(self, code: int) -> None:
        """What a worker that ended by itself ended of."""
        if self.stopped:
            return
        how = f"crash {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
        if not self.under_way:
            raise SystemExit(f"the worker does not start: {how}")
        self.found(self.seed, how)
        self.seed += 1

    def found(self, seed: int, what: str) -> None:
        """A difference: said, cut down, printed."""
        self.bad += 1
        print(f"\nseed {seed}: {what}", flush=True)
        explain(seed, self.chosen, what)

    def progress(self) -> None:
        """One line that is written over."""
        spent = monotonic() - self.began
        left = max(60 * self.chosen.minutes - spent, 0) / 60
        print(f"\r{self.done} programs, next seed {self.seed}, {self.done / spent:.1f}/s, "
              f"{self.bad} differences, {left:.0f} min left ", end="", flush=True)  # fmt: skip


def explain(seed: int, chosen: argparse.Namespace, what: str = "") -> int:
    """Check one seed, cut it down if it fails, and print what is left."""
    program = draw(seed)
    found = apart(program, seed)
    if found is None:
        print(f"seed {seed}: nothing by itself{f' (was {what})' if what else ''}")
        return 0
    small = program if chosen.quick else shrink(program, seed, found.kind)
    last = apart(small, seed) or found
    text = f"# seed {seed}: {last.kind}: {last.text}\n{small}\n"
    print(text, flush=True)
    if chosen.report:
        chosen.report.mkdir(parents=True, exist_ok=True)
        (chosen.report / f"{seed}.py").write_text(text)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
