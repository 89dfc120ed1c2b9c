"""Count the crossings of our layout and of dagre's on the same fifty graphs.

    npm install @dagrejs/dagre && python benchmarks/crossings/run.py .

The argument is the folder that holds `node_modules`. Both lay out left to right, nodes of 40 by
24, each with its own spacing. What is counted is what each gives back: edges as lines through
the points it returns, from the middle of one node to the middle of the other.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from graphs import Drawn, graphs

from chainrule.show.layered import layered

Points = list[list[float]]


def crossings(at: list, edges: list[tuple[int, int]], routes: list[Points]) -> int:
    """Pairs of segments of different edges that cross inside both; touching does not count."""
    segments, owner = [], []
    for k, ((a, b), route) in enumerate(zip(edges, routes, strict=True)):
        line = [at[a], *route, at[b]]
        for p, q in pairwise(line):
            if tuple(p) != tuple(q):
                segments.append((*p, *q))
                owner.append(k)
    x0, y0, x1, y1 = np.array(segments).T
    who = np.array(owner)

    def side(k: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """On which side of segment k points lie: 1, -1, or 0 within a thousandth of a pixel."""
        dx, dy = x1[k] - x0[k], y1[k] - y0[k]
        off = (dx * (y - y0[k]) - dy * (x - x0[k])) / np.hypot(dx, dy)
        return np.sign(np.where(abs(off) < 1e-3, 0.0, off))

    length = np.hypot(x1 - x0, y1 - y0)
    found = 0
    for k in range(len(who)):
        other = slice(k + 1, None)
        across = side(k, x0[other], y0[other]) * side(k, x1[other], y1[other]) < 0
        dx, dy = (x1 - x0)[other], (y1 - y0)[other]

        def off(x: float, y: float, dx=dx, dy=dy, other=other) -> np.ndarray:
            d = (dx * (y - y0[other]) - dy * (x - x0[other])) / length[other]
            return np.sign(np.where(abs(d) < 1e-3, 0.0, d))

        back = off(x0[k], y0[k]) * off(x1[k], y1[k]) < 0
        found += int(np.sum(across & back & (who[other] != who[k])))
    return found


def dagre(drawn: list[Drawn], modules: Path) -> list[dict[str, Any]]:
    """What dagre makes of the graphs."""
    lines = "\n".join(json.dumps([count, edges]) for _, count, edges in drawn)
    here = Path(__file__).parent
    run = subprocess.run(
        ["node", str(here / "dagre.mjs"), str(modules.resolve())],
        input=lines, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in run.stdout.splitlines()]


def ours(count: int, edges: list[tuple[int, int]]) -> dict[str, Any]:
    """The same of our layout."""
    began = time.perf_counter()
    plan = layered(range(count), edges)
    seconds = time.perf_counter() - began
    at = [plan.at[v] for v in range(count)]
    return {
        "at": at, "routes": [plan.routes[k] for k in range(len(edges))], "seconds": seconds,
        "own": plan.crossings,
    }  # fmt: skip


def main() -> None:
    drawn = graphs()
    theirs = dagre(drawn, Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("| graph | nodes | edges | dagre | chainrule |")
    print("|---|---|---|---|---|")
    total = [0, 0]
    seconds = [0.0, 0.0]
    for (name, count, edges), other in zip(drawn, theirs, strict=True):
        mine = ours(count, edges)
        found = [crossings(made["at"], edges, made["routes"]) for made in (other, mine)]
        if found[1] != mine["own"]:
            print(f"{name}: the layout itself counted {mine['own']}", file=sys.stderr)
        total = [t + f for t, f in zip(total, found, strict=True)]
        seconds = [s + m["seconds"] for s, m in zip(seconds, (other, mine), strict=True)]
        print(f"| {name} | {count} | {len(edges)} | {found[0]} | {found[1]} |")
    print(f"| **sum** | | | **{total[0]}** | **{total[1]}** |")
    print(f"\nratio {total[1] / total[0]:.3f}; dagre {seconds[0]:.2f} s, ours {seconds[1]:.2f} s")


if __name__ == "__main__":
    main()
