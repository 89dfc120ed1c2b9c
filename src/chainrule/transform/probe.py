"""Probes: statistics of what lies inside a function, computed where it is computed.

A probe is an op that changes nothing and has a name. `probed` traces a function, takes the probes
out of the graph again, and adds what is asked of them as more results: ops like any other, which
the compiler puts into the loops that make the values in the first place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import wraps
from typing import Any

import numpy as np

from .. import ops
from ..eager.tensor import Tensor
from ..graph.errors import UsageError
from ..graph.node import Input, Node, Pick
from ..graph.op import Op
from ..graph.spelling import did_you_mean
from ..graph.walk import Graph, capture, fold
from ..ops.elementwise.activation import Sigmoid
from ..ops.elementwise.trigonometric import Tanh
from ..ops.loop import Call, Cond
from ..ops.scan import Scan
from .trees import tree_flatten, tree_unflatten
from .watch import function, spec_of

FLAT = 0.05  # below this share of the largest local gradient an element counts as saturated
# The local gradient of what saturates, over its largest value, from the value.
SLOPES: dict[type, Callable[[Node], Any]] = {
    Tanh: lambda y: 1.0 - y * y, Sigmoid: lambda y: 4.0 * y * (1.0 - y),
}  # fmt: skip


def _share(which: Any, of: Node) -> Any:
    one = (of if of.dtype.kind == "f" else ops.astype(of, np.dtype(float))).dtype.type(1)
    return ops.sum(ops.where(which, one, one - one)) / of.size


def _saturated(x: Node) -> Any:
    slope = SLOPES.get(type(x.op))
    return None if slope is None else _share(slope(x) < FLAT, x)


# What can be asked: a statistic by its name, from the value; None where there is no such thing.
STATISTICS: dict[str, Callable[[Node], Any]] = {
    "norm": lambda x: ops.sqrt(ops.sum(x * x)),
    "mean": ops.mean,
    "zero": lambda x: _share(x == 0, x),
    "saturated": _saturated,
    "min": ops.min,
    "max": ops.max,
    "finite": lambda x: ops.all(ops.isfinite(x)),
}

Asked = Mapping[str, Collection[str]]  # names of statistics by a pattern of probes' names


@dataclass(frozen=True, eq=False)
class Probe(Op):
    """The value itself, under a name; its gradient is probed under the name with `.grad`."""

    label: str

    latex, binds = "#1", 4
    words = "hands the gradient on as it is"
    source = "the identity"

    def forward(self, xp, x):
        return x

    def spec(self, x):
        return x

    def grad(self, g, y, x):
        return (Probe.of(f"{self.label}.grad")(g),)

    def pull_masked(self, mask, g, y, xs, wanted):
        return self.pull(g, y, xs, wanted)

    def mask_down(self, mask, y, xs):
        return [mask]

    def push(self, ts, y, xs):
        return ts[0]


def probe(x: Any, name: str) -> Any:
    """`x` itself; where the function is asked for statistics, those of `x` go by this name.

    Its gradient goes by `name + ".grad"`. What nobody reads is not looked at, and neither is what
    lies in a branch of `cond`; inside a scan the statistics are stacked, one for each step.
    See `probed`, and `compile(f, probes=...)`.
    Raises: UsageError for a name that is no text, or empty.

    >>> import chainrule as cr
    >>> step = cr.compile(lambda x: cr.sum(cr.probe(x * x, "h")), probes=("mean", "max"))
    >>> float(step(np.array([1.0, 3.0]))), step.probed
    (10.0, {'h': {'mean': np.float64(5.0), 'max': np.float64(9.0)}})
    """
    if not isinstance(name, str) or not name:
        raise UsageError(f"probe: name={name!r}; give a text to find the statistics by")
    return Probe.of(name)(x) if type(x) is Node else x


def asked_for(statistics: Any) -> Asked:
    """What was asked, by pattern. Raises UsageError for a statistic that there is not."""
    by_name = statistics if isinstance(statistics, Mapping) else {"*": statistics}
    found = {
        k: tuple(v) if isinstance(v, Collection) and not isinstance(v, str) else (v,)
        for k, v in by_name.items()
    }
    for name in (name for names in found.values() for name in names):
        if not isinstance(name, str) or name not in STATISTICS:
            raise UsageError(
                f"probes: there is no statistic {name!r}; there are {', '.join(STATISTICS)}; for "
                "one probe alone give a dict, {'its name': 'norm'}"
            )
    return found


def probed(f: Callable, statistics: Asked | Collection[str] = tuple(STATISTICS)) -> Callable:
    """A function like `f` that gives `(f(...), {probe: {statistic: value}})`.

    `statistics`: names of statistics (norm, mean, zero and saturated, which are shares of the
    elements, min, max, finite); or a dict from patterns of probes' names to those, as in
    `{"*.grad": ("norm",)}`. What saturates is what `tanh` or `sigmoid` made. The function is
    traced, so what cannot be compiled cannot be probed.
    Raises: UsageError for a statistic that there is not, and for the name of a probe, if it is no
    pattern, that the results are not made of.

    >>> import chainrule as cr
    >>> loss = lambda w: cr.sum(cr.probe(w, "w") ** 2)
    >>> cr.probed(cr.grad(loss), {"w.grad": "norm"})(np.array([1.5, 2.0]))
    (array([3., 4.]), {'w.grad': {'norm': np.float64(5.0)}})
    """
    asked = asked_for(statistics)

    @wraps(function("probed", f))
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = tree_flatten((args, kwargs))
        handed = [_stands_for(x) for x in leaves]
        inputs = [h for h in handed if type(h) is Node]
        results: list[Any] = []
        shape: Any = None

        def traced(*nodes: Node) -> list[Any]:
            nonlocal results, shape
            given = iter(nodes)
            args, kwargs = tree_unflatten(
                structure, [next(given) if type(h) is Node else h for h in handed]
            )
            results, shape = tree_flatten(f(*args, **kwargs))
            return [y for y in results if _is_value(y)]

        graph, outside = capture(traced, inputs)
        look = _Look(asked)
        looked, tags = look.at(graph)
        _refuse_unmet(asked, look.names)
        given = [x for x, h in zip(leaves, handed, strict=True) if type(h) is Node]
        values = looked.replay([*given, *outside])
        made = iter(values)
        out = tree_unflatten(shape, [next(made) if _is_value(y) else y for y in results])
        told: dict[str, dict[str, Any]] = {}
        for (label, statistic), value in zip(tags, made, strict=True):
            told.setdefault(label, {})[statistic] = value
        return out, told

    return wrapped


def _refuse_unmet(asked: Asked, met: Collection[str]) -> None:
    """Refuse a name, not a pattern, where the results are made of no probe that is called so."""
    for name in asked:
        if name not in met and not set(name) & set("*?["):
            there = f"there are {', '.join(sorted(met))}" if met else "there are none"
            advice = did_you_mean(name, met, there)
            raise UsageError(f"probes: the results are made of no probe {name!r}; {advice}")


def _is_value(y: Any) -> bool:
    return isinstance(y, (Node, Tensor, np.ndarray, np.generic))


def _stands_for(x: Any) -> Any:
    """A node in an argument's place; what is no number is part of what is traced."""
    if isinstance(x, (Node, Tensor, np.ndarray, np.generic)) or type(x) is float:
        weak = x.weak if type(x) is Node else type(x) is float
        return Node(Input(spec_of(x), getattr(x, "name", None) or "", weak))
    return x


class _Look:
    """Takes the probes out of a graph and its bodies, and adds what is asked of them."""

    def __init__(self, asked: Asked):
        self.asked = asked
        self.names: set[str] = set()  # a name in a body that was met before: computed once more

    def at(self, graph: Graph, inside: bool = False) -> tuple[Graph, list[tuple[str, str]]]:
        """The graph with more outputs, and the probe and statistic that each of these is."""
        extras: list[tuple[tuple[str, str], Any]] = []
        grown: dict[Node, tuple[int, int]] = {}  # scans by how many results they had, and got
        own: set[str] = set()

        def rule(node: Node, *xs: Node) -> Node:
            op = node.op
            if type(op) is Probe:
                label = self._named(op.label, own, inside)
                extras.extend(self._of(label, xs[0]))
                return xs[0]
            if type(op) in (Scan, Call):
                body, tags = self.at(op.body, True)
                made = Node(replace(op, body=body), xs, node.line)
                first = len(op.body.outputs)
                grown[made] = first, len(tags)
                extras.extend((tag, Node(Pick(first + k), (made,))) for k, tag in enumerate(tags))
                return made
            if type(op) is Cond:
                then, other = (_Look({}).at(g, True)[0] for g in (op.then, op.other))
                return Node(replace(op, then=then, other=other), xs, node.line)
            if type(op) is Pick and xs[0] in grown and op.index >= grown[xs[0]][0]:
                return Node(Pick(op.index + grown[xs[0]][1]), xs, node.line)
            return Node(op, xs, node.line) if xs else node

        made = fold(graph.outputs, rule)
        outputs = (*[made[o] for o in graph.outputs], *[y for _, y in extras])
        return Graph(graph.inputs, outputs), [tag for tag, _ in extras]

    def _named(self, label: str, own: set[str], inside: bool) -> str:
        """What a probe is called among the others; nothing if it was looked at before."""
        if inside and label in self.names - own:
            return ""
        name, k = label, 1
        while name in own:
            k += 1
            name = f"{label} {k}"
        own.add(name)
        self.names.add(name)
        return name

    def _of(self, label: str, x: Node) -> Iterator[tuple[tuple[str, str], Any]]:
        if not label or not x.size:
            return
        wanted = [n for pattern, names in self.asked.items() if fnmatchcase(label, pattern)
                  for n in names]  # fmt: skip
        for name in dict.fromkeys(wanted):
            y = STATISTICS[name](x)
            if y is not None:
                yield (label, name), y
