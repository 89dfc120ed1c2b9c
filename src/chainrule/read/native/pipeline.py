"""The passes: all that happens to a graph on its way to LLVM, in order, on one screen.

    graph ─ keep … prune ─▶ graph ─ schedule … place ─▶ program ─ verify, emit ─▶ text ─▶ LLVM
             passed                       plan                        module

Every pass has its file, a counter, and a switch: `cr.compile(f, without={"hoist"})` gives the same
numbers, to the last digits. `cr.compile(f).explain()` tells what each of them did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from ...graph.errors import UsageError
from ...graph.walk import Graph
from .machine.engine import register
from .module import emitted, module
from .passes.expand import expand
from .passes.hoist import hoist
from .passes.keep import keep
from .passes.levels import everywhere
from .passes.prune import prune
from .passes.share import share
from .passes.simplify import simplify
from .passes.sink import sink
from .passes.tidy import tidy
from .plan.fuse import Fusion, fused
from .plan.panels import laid, panels
from .plan.place import place, shared
from .plan.planner import plan
from .plan.schedule import early, schedule
from .plan.split import in_parts, split
from .plan.verify import verify
from .program import Program, bodies


class Pass(NamedTuple):
    """A pass from graph to graph, which gives a graph and how often it did something."""

    name: str
    run: Callable[[Graph], tuple[Graph, int]]


class Stage(NamedTuple):
    """A pass on the way from graph to program; its counter looks at the program that came out."""

    name: str
    run: Callable[..., Any]
    count: Callable[[Program], int]
    told: str  # what is counted


# From graph to graph, in the bodies of scans, calls and branches too; behind each, how it is known.
OF_GRAPHS = (
    # Before composites are written out: what is checkpointed is still one op, and is not kept.
    Pass("keep", keep),          # a scan's gradient reads what the scan made: the opposite of remat
    Pass("expand", expand),      # composites by the ops that have kernels: legalisation
    Pass("prune", prune),        # scans without what nobody reads: dead code in loops
    Pass("simplify", simplify),  # no products with 1, no sums with 0: algebra
    Pass("tidy", tidy),          # sums of placed pieces as one array, moves of moves: peepholes
    Pass("share", share),        # equal computations once: common subexpressions
    Pass("hoist", hoist),        # out of a scan what its carry does not matter to: invariant motion
    Pass("sink", sink),          # a weight's gradient as one product after the loop: reductions out
    Pass("tidy", tidy),          # what the moves before have left
    Pass("prune", prune),
    Pass("hoist", hoist),
    Pass("prune", prune),
)  # fmt: skip
# From graph to program to text. `plan` takes them in this order, for each body within a program.
OF_PROGRAMS = (
    Stage("schedule", schedule, early, "products made as soon as they can be"),
    Stage("fuse", Fusion, fused, "ops in a loop that there was already"),
    Stage("split", split, in_parts, "scans whose batch goes through in parts"),
    Stage("panels", panels, laid, "matrices laid out for all steps of a scan"),
    Stage("place", place, shared, "values where others lay that nobody reads any more"),
    # Switched off, nothing is left to run but the graph itself: NumPy does, op by op (`plain`).
    Stage("emit", module, emitted, "kernels as functions of machine code"),
)
SWITCHES = tuple(dict.fromkeys(one.name for one in (*OF_GRAPHS, *OF_PROGRAMS)))


def switched_off(names: Collection[str]) -> frozenset[str]:
    """The names of passes to leave out; raises where there is no such pass."""
    names = {names} if isinstance(names, str) else set(names)
    if unknown := sorted(names.difference(SWITCHES)):
        raise UsageError(
            f"without={unknown[0]!r}: no such pass; the passes that can be left out are "
            f"{', '.join(sorted(SWITCHES))}"
        )
    return frozenset(names)


class Written(NamedTuple):
    """What a graph became on its way to machine code."""

    counts: dict[str, int]  # how often each pass from graph to graph did something
    program: Program
    text: str
    stretches: list[Any]  # names of functions, and ops left to NumPy
    parallel: bool


def written(graph: Graph, without: Collection[str] = (), threads: int = 1) -> Written:
    """The whole way."""
    short, counts = passed(graph, without)
    program = verify(plan(short, without, threads))
    return Written(counts, program, *module(program, register(), threads))


def passed(graph: Graph, without: Collection[str] = ()) -> tuple[Graph, dict[str, int]]:
    """The graph after all passes but those, and how often each did something."""
    counts: dict[str, int] = {}
    for one in OF_GRAPHS:
        if one.name not in without:
            graph, count = everywhere(graph, one.run)
            counts[one.name] = counts.get(one.name, 0) + count
    return graph, counts


def counted(program: Program) -> dict[str, int]:
    """How often each of the later passes did something, in bodies too."""
    found = Counter({one.name: one.count(program) for one in OF_PROGRAMS})
    for kernel in program.kernels:
        for body in bodies(kernel):
            found.update(counted(body))
    return dict(found)
