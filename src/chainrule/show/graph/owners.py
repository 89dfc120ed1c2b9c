"""Who made what: the layer, the step of a loop or the line of code that an operation belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from ...graph.caller import Line
from ...graph.walk import order
from ...nn.module import Module
from ...transform.trees import tree_leaves
from ..grouping import kind_of
from ..svg import clip
from .folding import Grouping
from .sheet import Key

MOST_BOXES, MOST_RUNS = 20, 400  # that a graph without layers is cut into: at first, in all
LONGEST_RUN = 24  # operations of one line that are one box
LONGEST_TITLE = 34


@dataclass
class Owners:
    """What was seen while a model ran: of every node its layers, the outermost first."""

    path: dict[Any, tuple] = field(default_factory=dict)
    titles: dict[Key, str] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    def watch(self, module: Any, name: str = "") -> Any:
        """A copy of a layer, and of all layers in it, that reports what it computes."""
        made = object.__new__(self._reporting(type(module), name))
        made.__dict__.update({
            k: self._inside(v, f"{name}.{k}".lstrip(".")) for k, v in module.__dict__.items()
        })  # fmt: skip
        return made

    def _inside(self, value: Any, name: str) -> Any:
        if isinstance(value, Module):
            return self.watch(value, name.removeprefix("layers.").replace(".layers.", "."))
        if type(value) in (list, tuple):
            return type(value)(self._inside(v, f"{name}.{k}") for k, v in enumerate(value))
        if type(value) is dict:
            return {k: self._inside(v, f"{name}.{k}") for k, v in value.items()}
        return value

    def _reporting(self, kind: type, name: str) -> type:
        owners = self

        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            group = owners.begin(name, self)
            found = kind.__call__(self, *args, **kwargs)
            owners.end(group, (args, kwargs), found)
            return found

        return type(kind.__name__, (kind,), {"__call__": call})

    def begin(self, name: str, module: Any) -> str:
        """A layer is called: its box."""
        count = self.calls[name] = self.calls.get(name, 0) + 1
        group = f"{name or 'model'}" + (f" call {count}" if count > 1 else "")
        title = f"{name}  {kind_of(module)}".strip() + (f", call {count}" if count > 1 else "")
        self.titles[group] = clip(title, LONGEST_TITLE)
        return group

    def end(self, group: str, given: Any, found: Any) -> None:
        """It has returned: what lies between is its own, or that of a layer in it."""
        before = set(_nodes(given))
        for n in order(_nodes(found), before):
            if n.inputs and n not in before:
                self.path[n] = (group, *self.path.get(n, ()))

    def grouping(self) -> Grouping:
        """The boxes, without the one that would hold everything."""
        path = {n: tuple(g for g in p if g != "model") for n, p in self.path.items()}
        return Grouping(path, self.titles)


def _nodes(tree: Any) -> list[Any]:
    return [x for x in tree_leaves(tree) if hasattr(x, "op") and hasattr(x, "inputs")]


def by_line(nodes: Sequence[Any]) -> Grouping:
    """A box for each run of operations made by one line of the user's code, in larger boxes.

    Runs of the order in which things are computed never need each other in a circle.
    """
    made = [n for n in nodes if n.inputs]
    places = {n: _place(n) for n in made}
    longest = max(LONGEST_RUN, -(-len(made) // MOST_RUNS))
    runs: list[list[Any]] = []
    for n in made:
        same = runs and places[runs[-1][-1]] == places[n]
        if same and len(runs[-1]) < longest:
            runs[-1].append(n)
        else:
            runs.append([n])
    if len(runs) > MOST_RUNS:
        runs = [made[k : k + longest] for k in range(0, len(made), longest)]
    titles: dict[Key, str] = {}
    path: dict[Any, tuple] = {}
    wide = -(-len(runs) // MOST_BOXES) if len(runs) > 2 * MOST_BOXES else len(made) + 1
    starts = [0, *accumulate(map(len, runs))]
    for k in range(0, len(runs), wide):
        part = runs[k : k + wide]
        outer = ()
        if 1 < len(part) < len(runs):
            outer = (f"part {k // wide + 1}",)
            titles[outer[0]] = f"operations {starts[k] + 1:,} to {starts[k + len(part)]:,}"
        for m, run in enumerate(part, k):
            inner = (f"run {m + 1}",) if len(run) > 1 else ()
            if inner:
                titles[inner[0]] = _told(run, starts[m] + 1, starts[m + 1])
            path |= dict.fromkeys(run, outer + inner)
    return Grouping(path, titles)


def _told(run: list[Any], first: int, last: int) -> str:
    """A run's title: the line of code, where it is one and is not cut into several."""
    line = run[0].line if len({_place(n) for n in run}) == 1 else None
    source = Line(*line).source if line is not None and len(run) < LONGEST_RUN else ""
    return clip(source or f"operations {first:,} to {last:,}", LONGEST_TITLE)


def _place(n: Any) -> Any:
    return None if n.line is None else (n.line[0], Line(*n.line).number)


def joined(outer: Grouping, inner: Mapping[Any, tuple], titles: Mapping[Key, str]) -> Grouping:
    """Boxes in boxes: those of loops within those of layers."""
    path = dict(outer.path)
    for n, p in inner.items():
        path[n] = (*path.get(n, ()), *p)
    return Grouping(path, {**outer.titles, **titles})
