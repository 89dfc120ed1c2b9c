"""The chain rule, in both directions. Ops know their local gradients; only this file chains them.

A node receives the upstream gradient (the sum, where several values read it), multiplies it
by its local gradients, and passes the products downstream (Linnainmaa 1970; Griewank and
Walther, *Evaluating Derivatives*, 2nd ed., chapter 3).

Both sweeps work on whatever has `.op` and `.inputs`, and compute with what `lift` makes of
it: arrays for numbers, the tensors or nodes themselves for a gradient to differentiate again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .errors import GraphError
from .node import Pick


def itself(node: Any) -> Any:
    """The lift that keeps a gradient differentiable: every value stands for itself."""
    return node


def path(nodes: Sequence[Any], wrt: Iterable[Any]) -> list[tuple[Any, list[bool]]]:
    """The nodes through which a gradient can reach `wrt`, operands first.

    Each comes with a mark for every operand: whether the path goes on there.
    """
    reached = set(wrt)
    steps = []
    for node in nodes:
        if node.inputs:
            wanted = [i in reached for i in node.inputs]
            if True in wanted and node.flows:
                reached.add(node)
                steps.append((node, wanted))
    return steps


def on_path(nodes: Sequence[Any], wrt: Any) -> set:
    """What depends on `wrt`, itself included, by a path that lets gradients through."""
    return {wrt, *(node for node, _ in path(nodes, (wrt,)))}


def pull(
    nodes: Sequence[Any],
    upstream: dict[Any, Any],
    wrt: Iterable[Any],
    lift: Callable[[Any], Any] = itself,
    keep: dict[Any, Any] | None = None,
) -> dict[Any, Any]:
    """The gradient of Σ upstream·output with respect to each of `wrt` that it depends on.

    `nodes` is the `order` of the outputs, `upstream` gives a gradient for each output.
    Every node is visited once, after all that read it. `keep`, where given, collects the
    upstream gradient of every node on the way.
    """
    wrt = set(wrt)
    steps = path(nodes, wrt)
    adjoint = dict(upstream)
    masks = {n: None for n in adjoint} if any([n.op.selects for n, _ in steps]) else None
    found = {}
    for node, wanted in reversed(steps):
        g = adjoint.pop(node, None)
        if g is None:
            continue
        if keep is not None:
            keep[node] = g
        if node in wrt:
            found[node] = g
        if type(node.op) is Pick:
            _gather(adjoint, node, g)
            continue
        y, xs = lift(node), [lift(i) for i in node.inputs]
        if masks is None:
            downs = node.op.pull(g, y, xs, wanted)
        else:
            downs = _pull_masked(masks, node, g, y, xs, wanted)
        for i, d in zip(node.inputs, downs, strict=True):
            if d is not None:
                before = adjoint.get(i)
                adjoint[i] = d if before is None else before + d
    left = {w: adjoint[w] for w in wrt if w in adjoint}  # the leaves are never visited
    if keep is not None:
        keep.update(left)
    return found | left


def _gather(adjoint: dict, node: Any, g: Any) -> None:
    """One of several values: its gradient waits in a list for the others'."""
    (whole,) = node.inputs
    parts = adjoint.setdefault(whole, [None] * len(whole.spec))
    before = parts[node.op.index]
    parts[node.op.index] = g if before is None else before + g


def _pull_masked(masks: dict, node: Any, g: Any, y: Any, xs: list, wanted: list) -> list:
    """What a node passes down in a graph that discards elements, and which of them count."""
    op, mask = node.op, masks.get(node)
    guarded = mask is not None or op.selects
    _offer(masks, node.inputs, op.mask_down(mask, y, xs) if guarded else [None] * len(xs))
    if mask is None:
        return op.pull(g, y, xs, wanted)
    return op.pull_masked(mask, g, y, xs, wanted)


def _offer(masks: dict, inputs: Sequence[Any], offered: list) -> None:
    """An element counts if any of the values that read it says so."""
    for i, mask in zip(inputs, offered, strict=True):
        if i not in masks:
            masks[i] = mask
        elif masks[i] is not None:
            masks[i] = None if mask is None else masks[i] | mask


def push(
    nodes: Sequence[Any], tangents: dict[Any, Any], lift: Callable[[Any], Any] = itself
) -> dict[Any, Any]:
    """The tangent of every node that depends on the keys of `tangents`, operands first."""
    made = dict(tangents)
    for node, _ in path(nodes, tangents):
        if node in made:
            continue
        if type(node.op) is Pick:
            whole = made.get(node.inputs[0])
            t = None if whole is None else whole[node.op.index]
        else:
            ts = [made.get(i) for i in node.inputs]
            if all(t is None for t in ts):
                continue
            t = node.op.push(ts, lift(node), [lift(i) for i in node.inputs])
        if t is not None:
            made[node] = t
    return made


def where_the_path_breaks(nodes: Sequence[Any], wrt: Any) -> Any:
    """The first node that depends on `wrt` and lets no gradient through, or None."""
    if wrt not in set(nodes):
        return None
    reached = {wrt}
    for node in nodes:
        if any(i in reached for i in node.inputs):
            if not node.flows:
                return node
            reached.add(node)
    raise GraphError("the path does not break")
