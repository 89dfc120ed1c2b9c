"""The passes: from a traced graph to a graph that is cheaper to run. All of them, in order."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from ....graph.errors import UsageError
from ....graph.walk import Graph
from ...simplify import simplify
from .expand import expand
from .hoist import hoist
from .keep import keep
from .levels import Counted, everywhere
from .prune import prune
from .share import share
from .sink import sink
from .tidy import tidy


class Pass(NamedTuple):
    """A step from graph to graph, applied to the bodies of scans too; it counts what it did."""

    name: str
    run: Callable[[Graph], Counted]
    can_be_off: bool = True


def simplified(graph: Graph) -> Counted:
    """No products with 1, no sums with 0, no double signs."""
    outputs = tuple(simplify(graph.outputs))
    before, after = set(graph.order), set(Graph(graph.inputs, outputs).order)
    return Graph(graph.inputs, outputs), len(before - after)


PASSES = (
    # Before composites are written out: what is checkpointed is still one op, and is not kept.
    Pass("keep", keep),          # what a scan's gradient would compute again, from the scan itself
    Pass("expand", expand, can_be_off=False),  # composites by the ops that have kernels
    Pass("prune", prune),        # scans without what nobody reads
    Pass("simplify", simplified),  # no products with 1, no sums with 0
    Pass("tidy", tidy),          # sums of placed pieces as one array, moves of moves as one
    Pass("share", share),        # equal computations once
    Pass("hoist", hoist),        # out of a scan what does not depend on its carry
    Pass("sink", sink),          # a weight's gradient as one product after the loop
    Pass("tidy", tidy),          # what the moves before have left
    Pass("prune", prune),
    Pass("hoist", hoist),
    Pass("prune", prune),
)  # fmt: skip
# What follows on them, from graph to program; `plan` has their switches, and counts.
AFTERWARDS = {
    "schedule": "products made as soon as they can be",
    "fuse": "ops in a loop that there was already",
    "split": "scans whose batch goes through in parts",
    "panels": "matrices laid out for all steps of a scan",
    "place": "values where others lay that nobody reads any more",
}


def switched_off(names: Collection[str]) -> frozenset[str]:
    """The names of passes to leave out; raises where there is no such pass."""
    known = {p.name for p in PASSES if p.can_be_off} | {*AFTERWARDS}
    names = {names} if isinstance(names, str) else set(names)
    if unknown := sorted(names - known):
        raise UsageError(
            f"without={unknown[0]!r}: no such pass; the passes that can be left out are "
            f"{', '.join(sorted(known))}"
        )
    return frozenset(names)


def passed(graph: Graph, without: Collection[str] = ()) -> tuple[Graph, dict[str, int]]:
    """The graph after all passes but those, and how often each did something."""
    counts: dict[str, int] = {}
    for one in PASSES:
        if one.name not in without:
            graph, count = everywhere(graph, one.run)
            counts[one.name] = counts.get(one.name, 0) + count
    return graph, counts
