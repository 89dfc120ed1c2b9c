"""Scan: a body applied along an axis, handing on a carry. Its gradient is a scan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import ShapeError
from ..graph.node import Pick
from ..graph.op import Op, Spec
from ..graph.walk import Graph, capture
from .family import zeros_like
from .loop import float_places, inputs_like, jvp_graph, settled, vjp_graph


@dataclass(frozen=True, eq=False)
class Scan(Op):
    """A body applied `length` times, handing on a carry.

    Body: (carry…, x…, constant…) → (carry…, y…). Operands: the first carries, the xs with a
    leading axis of `length`, the constants. Values: the last carries, the stacked ys, and the
    stacked carries each step began with, which the gradient starts again from.
    """

    body: Graph
    carries: int
    xs: int
    length: int
    reverse: bool = False

    latex = r"\operatorname{scan}\left(#1\right)"
    words = "walks back through the steps, handing the carry's gradient from each to the one before"
    source = "as jax.lax.scan; Werbos 1990 (backpropagation through time)"
    bodies = True

    @property
    def steps(self) -> range:
        """The steps in the order they are taken."""
        return range(self.length)[:: -1 if self.reverse else 1]

    def forward(self, xp, *xs):
        carry, ins = list(xs[: self.carries]), xs[self.carries : self.carries + self.xs]
        constants = xs[self.carries + self.xs :]
        stacked = [xp.empty(s.shape, s.dtype) for s in self.spec()[self.carries :]]
        for t in self.steps:
            before = carry
            made = self.body.run([*carry, *(x[t] for x in ins), *constants], xp)
            carry = made[: self.carries]
            for row, value in zip(stacked, [*made[self.carries :], *before], strict=True):
                row[t] = value
        return (*carry, *stacked)

    def spec(self, *xs):
        for x in xs[self.carries : self.carries + self.xs]:
            if x.shape[:1] != (self.length,):
                raise ShapeError(f"scan: {self.length} steps over an array of shape {x.shape}")
        carries = [y.spec for y in self.body.outputs[: self.carries]]
        ys = [y.spec for y in self.body.outputs[self.carries :]]
        return (*carries, *(Spec((self.length, *s.shape), s.dtype) for s in (*ys, *carries)))

    def gives_weak(self, index):
        return index < self.carries and self.body.outputs[index].weak

    def split(self, operands: Sequence[Any]) -> Groups:
        """The operands by role: the first carries, the xs, the constants."""
        return _cut(operands, [self.carries, self.xs, len(operands) - self.carries - self.xs])

    def roles(self) -> list[list[int]]:
        """By role, the places of the operands that gradients can flow through."""
        floats = set(float_places(self.body.inputs))
        return [
            [k for k in group if k in floats] for group in self.split(range(len(self.body.inputs)))
        ]

    def grad(self, g, y, *xs):
        return _scan_grad(self, g, y, xs)

    def push(self, ts, y, xs):
        return _scan_push(self, ts, xs)


Groups = list[list[Any]]  # operands of a loop that belong together, a list for each role


def _scan_grad(op: Scan, g: Any, y: Any, operands: tuple) -> tuple:
    """Backpropagation through time: a scan the other way, that computes each step again."""
    body, c = op.body, op.carries
    carried, read, constant = op.roles()
    back, outside = vjp_graph(body)
    g = [zeros_like(s) if d is None else d for d, s in zip(g, op.spec(*operands), strict=True)]
    starts = [Pick.of(len(body.outputs) + k)(y) for k in range(c)]
    of_ys = [g[k] for k in float_places(body.outputs) if k >= c]
    of_starts = [g[len(body.outputs) + k] for k in carried]
    _, xs, own = op.split(operands)

    def step(carry: Groups, x: Groups, fixed: Groups) -> tuple[Groups, Groups]:
        (of_carry, of_constants), (x, start, of_y, of_start), (own, outside) = carry, x, fixed
        downs = back.replay([*start, *x, *own, *of_carry, *of_y, *outside])
        d_carry, d_x, d_constants = _cut(downs, [len(carried), len(read), len(constant)])
        return [_add(d_carry, of_start), _add(of_constants, d_constants)], [d_x]

    (d_carry, d_constants), (d_xs,) = scan_groups(
        step,
        carries=[[g[k] for k in carried], [zeros_like(operands[k]) for k in constant]],
        xs=[xs, starts, of_ys, of_starts],
        constants=[own, outside],
        ys=[len(read)],
        length=op.length,
        reverse=not op.reverse,
    )
    return _at([*carried, *constant, *read], [*d_carry, *d_constants, *d_xs], len(operands))


def _scan_push(op: Scan, ts: list, operands: list) -> tuple:
    """A scan that hands on the carry's tangent beside the carry."""
    body, c = op.body, op.carries
    carried, read, constant = op.roles()
    fore, outside = jvp_graph(body)
    outs = float_places(body.outputs)
    ys = [k for k in outs if k >= c]
    tangent = {
        k: zeros_like(operands[k]) if ts[k] is None else ts[k] for k in float_places(body.inputs)
    }
    carry, xs, own = op.split(operands)

    def step(carry: Groups, x: Groups, fixed: Groups) -> tuple[Groups, Groups]:
        (carry, t_carry), (x, t_x), (own, t_own, outside) = carry, x, fixed
        made = body.replay([*carry, *x, *own])
        moved = fore.replay([*carry, *x, *own, *t_carry, *t_x, *t_own, *outside])
        d = dict(zip(outs, moved, strict=True))
        t_next = [d[k] if k in d else zeros_like(made[k]) for k in carried]
        return [made[:c], t_next], [[d[k] for k in ys], t_carry]

    (_, last), (t_ys, t_starts) = scan_groups(
        step,
        carries=[carry, [tangent[k] for k in carried]],
        xs=[xs, [tangent[k] for k in read]],
        constants=[own, [tangent[k] for k in constant], outside],
        ys=[len(ys), len(carried)],
        length=op.length,
        reverse=op.reverse,
    )
    places = [*carried, *ys, *(len(body.outputs) + k for k in carried)]
    return _at(places, [*last, *t_ys, *t_starts], len(op.spec(*operands)))


def scan_groups(
    step: Callable[[Groups, Groups, Groups], tuple[Groups, Groups]], *, carries: Groups,
    xs: Groups, constants: Groups, ys: list[int], length: int, reverse: bool,
) -> tuple[Groups, Groups]:  # fmt: skip
    """`scan_flat`, for a step that takes and gives its operands in groups; `ys` has their sizes."""
    sizes = [[len(group) for group in groups] for groups in (carries, xs, constants)]
    counts = [sum(group) for group in sizes]

    def flat(*values: Any) -> list[Any]:
        parts = zip(_cut(values, counts), sizes, strict=True)
        after, made = step(*(_cut(part, size) for part, size in parts))
        return _joined([*after, *made])

    operands = _joined([*carries, *xs, *constants])
    made = scan_flat(flat, operands, counts[0], counts[1], length, reverse)
    groups = _cut(made, [*sizes[0], *ys])
    return groups[: len(carries)], groups[len(carries) :]


def _cut(values: Sequence[Any], sizes: Sequence[int]) -> Groups:
    """The values in consecutive groups of these sizes."""
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes))]
    return [list(values[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def _joined(groups: Sequence[Sequence[Any]]) -> list[Any]:
    return [value for group in groups for value in group]


def _at(places: Sequence[int], values: Sequence[Any], count: int) -> tuple:
    """The values at their places among `count`, None elsewhere."""
    found = dict(zip(places, values, strict=True))
    return tuple(found.get(k) for k in range(count))


def _add(a: list, b: list) -> list:
    return [x + y for x, y in zip(a, b, strict=True)]


def scan_flat(
    step: Callable[..., Sequence[Any]], operands: Sequence[Any], carries: int, xs: int,
    length: int, reverse: bool = False, strong: Collection[int] = (),
) -> tuple:  # fmt: skip
    """Scan `step` over flat lists of operands; gives the last carries and the stacked ys.

    `strong`: the carries that have a dtype of their own although they began as Python's numbers.
    """
    specs = list(operands)
    operands = settled(operands)
    for k in strong:
        specs[k] = Spec((), np.dtype(operands[k].dtype))
    for k in range(carries, carries + xs):
        specs[k] = Spec(tuple(specs[k].shape[1:]), np.dtype(specs[k].dtype))
    body, outside = capture(step, inputs_like(specs))
    op = Scan(body, carries, xs, length, reverse)
    return op(*operands, *outside)[: len(body.outputs)]
