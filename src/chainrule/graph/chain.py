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


def on_path(nodes: Sequence[Any], wrt: Iterable[Any]) -> set:
    """The nodes among `nodes` (operands first) through which a gradient can reach `wrt`."""
    path = set(wrt)
    for node in nodes:
        if node not in path:
            for i in node.inputs:
                if i in path:
                    if _carries(node):
                        path.add(node)
                    break
    return path


def _carries(node: Any) -> bool:
    if type(node.spec) is tuple:
        return True  # several values: each is looked at where it is picked
    return node.dtype.kind == "f" and not node.op.stops


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
    path = on_path(nodes, wrt)
    adjoint = {node: g for node, g in upstream.items() if node in path}
    masks = {node: None for node in adjoint} if any(n.op.selects for n in nodes) else None
    found = {}
    for node in reversed(nodes):
        g = adjoint.pop(node, None)
        if g is None:
            continue
        if keep is not None:
            keep[node] = g
        if node in wrt:
            found[node] = g
        wanted = [i in path for i in node.inputs]
        if True not in wanted:
            continue
        op = node.op
        if type(op) is Pick:  # one of several values: its gradient waits for the others'
            (whole,) = node.inputs
            parts = adjoint.setdefault(whole, [None] * len(whole.spec))
            parts[op.index] = g if parts[op.index] is None else parts[op.index] + g
            continue
        xs = [lift(i) for i in node.inputs]
        y = lift(node)
        mask = masks.get(node) if masks is not None else None
        downs = op.pull(g, y, xs, wanted, mask)
        if masks is not None:
            guarded = mask is not None or op.selects
            offered = op.mask_down(mask, y, xs) if guarded else [None] * len(xs)
            _offer(masks, node.inputs, offered)
        for i, d in zip(node.inputs, downs, strict=True):
            if d is not None:
                before = adjoint.get(i)
                adjoint[i] = d if before is None else before + d
    return found


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
    path = on_path(nodes, tangents)
    made = dict(tangents)
    for node in nodes:
        if node not in path or node in made:
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
            if not _carries(node):
                return node
            reached.add(node)
    raise GraphError("the path does not break")
