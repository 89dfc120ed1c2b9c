"""What is to be drawn, out of what was handed in: a value, a graph, a function, a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import numpy as np

from ...eager.tensor import GIVEN, Tensor, leaf, raw
from ...graph.errors import ChainruleError, PathError, UsageError
from ...graph.node import Input, Node, input_node
from ...graph.spelling import told_type
from ...graph.walk import Graph, order
from ...nn.losses import loss_named
from ...nn.module import Module
from ...study.trace import Trace
from ...transform.trees import tree_flatten, tree_names, tree_unflatten
from ..grouping import grouping
from .folding import Grouping
from .owners import Owners


@dataclass
class Asked:
    """One computation to be drawn, with its parameters and the layers it was seen to have."""

    output: Any  # a Tensor, a Graph or a Trace
    weights: list[Any] = field(default_factory=list)
    wrt: list[Any] | None = None
    grouping: Grouping = field(default_factory=lambda: Grouping({}, {}))


@dataclass
class Leaves:
    """The leaves that arguments were put in place of, by the identity of what was handed in."""

    shapes: bool  # nodes, which hold no numbers
    made: dict[int, Any] = field(default_factory=dict)

    def leaf(self, x: Any, name: str) -> Any:
        """A leaf with a name for an array or a number; everything else as it is."""
        if not isinstance(x, (Tensor, np.ndarray, np.generic, float, list)):
            return x
        name = getattr(x, "name", None) or name
        value = raw(x)
        if value.dtype.kind not in "fbiu":
            return x
        found = input_node(value.shape, value.dtype, name) if self.shapes else None
        self.made[id(x)] = found if found is not None else leaf(value, GIVEN, name)
        return self.made[id(x)]


def asked(what: Any, args: Sequence[Any], wrt: Any, loss: Any, shapes: bool = False) -> Asked:
    """What `draw` was asked for.

    Raises: UsageError for what remembers no computation; PathError for a strange `wrt`.
    """
    if isinstance(what, (Tensor, Node, Graph, Trace)):
        if args or loss is not None:
            raise UsageError(
                f"draw: {told_type(what)} takes no arguments; they go with a function: "
                "cr.draw(f, *args)"
            )
        return _computed(what, wrt)
    if isinstance(what, Module) or callable(what):
        return _called(what, args, wrt, loss, shapes)
    raise UsageError(
        f"draw: of {told_type(what)}, which does not remember how it was made; give a tensor "
        "computed from chainrule.tensor(...), a graph of cr.capture, or a function and its "
        "arguments: cr.draw(f, *args)"
    )


def _computed(what: Any, wrt: Any) -> Asked:
    if type(what) is Node:
        inputs = tuple(n for n in order((what,)) if not n.inputs and n.op.name == "input")
        what = Graph(inputs, (what,))
    nodes = what.nodes if isinstance(what, Trace) else order(
        what.outputs if isinstance(what, Graph) else (what,))  # fmt: skip
    boxes = Grouping({}, {})
    if not isinstance(what, Graph):
        boxes = grouping([nodes[-1]])
    if wrt is None:
        return Asked(what, grouping=boxes)
    names = {} if not isinstance(what, Trace) else what.names
    chosen = [_leaf_of(w, nodes, names) for w in _listed(wrt)]
    return Asked(what, chosen, chosen, boxes)


def _listed(wrt: Any) -> list[Any]:
    return list(wrt) if isinstance(wrt, (list, tuple)) else [wrt]


def _leaf_of(w: Any, nodes: Sequence[Any], names: dict) -> Any:
    leaves = [n for n in nodes if not n.inputs]
    for n in leaves:
        known = n.name or names.get(n)
        if n is w or (isinstance(w, str) and known == w):
            return n
    known = [n.name or names.get(n) for n in leaves]
    listed = ", ".join(str(k) for k in known if k)
    told = repr(w) if isinstance(w, str) else getattr(w, "name", None) or told_type(w)
    raise PathError(
        f"draw: the value does not depend on {told} of wrt; give leaves, made with "
        f"chainrule.tensor(...), or their names{': ' + listed if listed else ''}"
    )


def _called(what: Any, args: Sequence[Any], wrt: Any, loss: Any, shapes: bool) -> Asked:
    """A function, run on its arguments as tensors with names, or as nodes that hold no numbers."""
    if not args:
        raise UsageError(
            f"draw: {_name(what)} needs arguments to be drawn: cr.draw(f, *args), or "
            'cr.draw(model, x, y, loss="mse")'
        )
    owners = Owners()
    given, weights, same = [], [], Leaves(shapes)
    for name, value in zip(_names(what, args), args, strict=True):
        made, found = _as_leaves(value, name, owners, same)
        given.append(made)
        weights += found
    function, found = _as_leaves(what, "", owners, same) if isinstance(what, Module) else (what, [])
    weights += found
    if loss is None:
        output = function(*given)
    else:
        if len(given) < 2:
            raise UsageError('draw: loss= needs the targets too: cr.draw(model, x, y, loss="mse")')
        output = _compared(loss_named(loss), function(*given[:-1]), given[-1], owners)
    output = _one(output, what)
    if wrt is None:
        chosen = weights or None
    else:
        nodes = order((output,))
        chosen = [_leaf_of(same.made.get(id(w), w), nodes, {}) for w in _listed(wrt)]
    reached = set(order((output,)))
    chosen = None if chosen is None else [w for w in chosen if w in reached]
    if type(output) is Node:
        inputs = tuple(n for n in order((output,)) if isinstance(n.op, Input))
        output = Graph(inputs, (output,))
    return Asked(output, chosen or [], chosen or None, owners.grouping())


def _compared(loss: Any, prediction: Any, target: Any, owners: Owners) -> Any:
    """The loss, in a box of its own."""
    output = loss(prediction, target)
    owners.titles["loss"] = f"loss  {_name(loss)}"
    owners.end("loss", (prediction, target), output)
    return output


def _one(output: Any, what: Any) -> Any:
    if isinstance(output, (Tensor, Node)):
        return output
    raise UsageError(
        f"draw: {_name(what)} returned {told_type(output)}; it must return one tensor made "
        "of its arguments. Several values can be drawn as a graph: cr.draw(cr.capture(f, *args))"
    )


def _name(what: Any) -> str:
    return getattr(what, "__name__", type(what).__name__)


def _names(what: Any, args: Sequence[Any]) -> list[str]:
    """What the function calls its arguments."""
    try:
        target = type(what).__call__ if isinstance(what, Module) else what
        names = list(signature(target).parameters)
    except (TypeError, ValueError, ChainruleError):
        names = []
    names = names[1:] if isinstance(what, Module) else names
    names = [n for n in names if not n.startswith("_")]
    more = [f"x{k + 1}" for k in range(len(names), len(args))]
    if isinstance(what, Module) and len(args) == 2 and len(names) < 2:
        more = ["y"]
    return (names + more)[: len(args)]


def _as_leaves(value: Any, name: str, owners: Owners, same: Leaves) -> tuple[Any, list[Tensor]]:
    """An argument whose arrays are leaves with names; of a model, its parameters too."""
    if isinstance(value, Module):
        named = {id(p): n for n, p in value.named_parameters().items()}
        leaves, structure = tree_flatten(value)
        made = [same.leaf(x, named.get(id(x), "")) for x in leaves]
        copy = tree_unflatten(structure, made)
        weights = [m for x, m in zip(leaves, made, strict=True) if id(x) in named]
        return owners.watch(copy), weights
    if type(value) in (int, str, bool) or value is None or callable(value):
        return value, []
    leaves, structure = tree_flatten(value)
    paths = tree_names(value) if len(leaves) > 1 or structure.num_nodes > 1 else [""]
    made = [
        same.leaf(x, getattr(x, "name", None) or _short(name, path))
        for x, path in zip(leaves, paths, strict=True)
    ]
    return tree_unflatten(structure, made), []


def _short(name: str, path: str) -> str:
    """How a part of an argument is called: of a dict, by its key.

    >>> _short("params", "['w1']"), _short("xs", "[0]"), _short("x", "")
    ('w1', 'xs[0]', 'x')
    """
    if path.startswith("['") and path.endswith("']") and path.count("[") == 1:
        return path[2:-2]
    return f"{name}{path}"
