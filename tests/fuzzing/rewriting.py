"""The same value, said otherwise: what mathematics allows must not change the numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .graphs import Given, Program, Step

FREE = 10_000  # a number from which on no node has one


def rewrite(program: Program, dice: np.random.Generator) -> Program | None:
    """The program with one step said otherwise, or None where no step can be."""
    with np.errstate(all="ignore"):
        values = program.values(program.given)
    arrays = [k for k, v in values.items() if isinstance(v, (np.ndarray, np.generic))]
    steps = [k for k in arrays if isinstance(program.nodes[k], Step)]
    if not steps:
        return None
    k = int(dice.choice(steps))
    ways = [made for way in REWRITES if (made := way(program.nodes[k], values, k, FREE))]
    if not ways:
        return None
    made = ways[int(dice.integers(len(ways)))]
    nodes: dict[int, Given | Step] = {}
    for j, node in program.nodes.items():
        nodes |= made if j == k else {j: node}
    return replace(program, nodes=nodes)


def _plus_0(node: Step, values: dict, k: int, new: int) -> dict | None:
    if values[k].dtype.kind != "f":
        return None
    return {new: node, k: Step("add", (new,), (np.zeros((), values[k].dtype),))}


def _turned_twice(node: Step, values: dict, k: int, new: int) -> dict | None:
    n = values[k].ndim
    if n < 2:
        return None
    back = Step("permute_dims", (new + 1,), (tuple(range(n))[::-1],))
    return {new: node, new + 1: Step("permute_dims", (new,), (tuple(range(n))[::-1],)), k: back}


def _swapped(node: Step, values: dict, k: int, new: int) -> dict | None:
    if node.name not in ("add", "multiply", "maximum", "minimum") or len(node.operands) != 2:
        return None
    return {k: replace(node, operands=node.operands[::-1])}


def _split(node: Step, values: dict, k: int, new: int) -> dict | None:
    """A sum over the first axis as the sum of its halves' sums."""
    (x, *_) = node.operands
    axis, v = node.settings.get("axis", node.args[0] if node.args else None), values[x]
    if node.name != "sum" or axis != 0 or v.shape[0] < 2:
        return None
    half = v.shape[0] // 2
    return {
        new: Step("getitem", (x,), (slice(0, half),)),
        new + 1: Step("getitem", (x,), (slice(half, None),)),
        new + 2: replace(node, operands=(new,)), new + 3: replace(node, operands=(new + 1,)),
        k: Step("add", (new + 2, new + 3)),
    }  # fmt: skip


def _turned_round(node: Step, values: dict, k: int, new: int) -> dict | None:
    if not values[k].ndim:
        return None
    return {new: node, new + 1: Step("flip", (new,)), k: Step("flip", (new + 1,))}


REWRITES = (_plus_0, _turned_twice, _swapped, _split, _turned_round)
