"""Every op by example: what tests, documentation and readers are generated from.

An elementwise op brings its own row (its domain, its kinks); all others have theirs below. A
new op without a row fails the test that compares this table with `chainrule.ops.__all__`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import numpy as np

from . import (
    composite,
    contract,
    elementwise,
    family,
    index,
    linalg,
    loop,
    move,
    reduce,
    shares,
)  # fmt: skip
from .conventions import CONVENTIONS
from .elementwise.activation import Elu, LeakyRelu
from .elementwise.arithmetic import Where, _pow
from .family import Elementwise, Interval
from .linear import linear
from .scan import scan_flat

__all__ = ["CATALOGUE", "CONVENTIONS", "EXAMPLES", "Example", "Operand"]

CLEARANCE = 0.05  # how far samples keep away from a kink


@dataclass(frozen=True)
class Operand:
    """The shape, the dtype and the range of one operand; bool has no range."""

    shape: tuple[int, ...] = (2, 3)
    domain: Interval = (-2.0, 2.0)
    kinks: tuple[float, ...] = ()
    dtype: str = "float64"
    made: Callable[[np.ndarray], np.ndarray] | None = None  # of plain samples, a better matrix

    def sample(self, rng: np.random.Generator, place: int = 0) -> np.ndarray:
        """Values spread over the domain, none equal to another or to those of another place."""
        size = int(np.prod(self.shape))
        if self.dtype == "bool":
            return rng.permutation(np.arange(size) % 2 == 0).reshape(self.shape)
        low, high = self.domain
        if np.dtype(self.dtype).kind in "iu":
            return rng.integers(int(low), int(high), self.shape, self.dtype)
        # One sample in each of `size` strips, in a part of the strip that is the place's own.
        strip = rng.permutation(size) + (0.1 + 0.3 * place) + 0.15 * rng.random(size)
        x = (low + (high - low) * strip / max(size, 1)).reshape(self.shape)
        for kink in self.kinks:
            near = np.abs(x - kink) < CLEARANCE
            x = np.where(near, kink + np.copysign(2 * CLEARANCE, x - kink), x)
        x = x if self.made is None else self.made(x)
        return x.astype(self.dtype)


@dataclass(frozen=True)
class Example:
    """One use of one function: a call, what to call it on, and what is known of the value."""

    name: str
    call: Callable[..., Any]
    operands: tuple[Operand, ...]
    about: str = ""  # what sets this use apart from the others of the name
    op: Elementwise | None = None  # for a function that is one elementwise op
    analytic: bool = False  # holds for complex operands, so that complex step applies
    answers: bool = False  # the value is an answer: no gradient flows
    traces: bool = True  # shapes do not depend on values, so a graph can be captured

    def __str__(self) -> str:
        return f"{self.name}({self.about})" if self.about else self.name

    def arguments(self, seed: int = 0) -> tuple[np.ndarray, ...]:
        """One value for each operand; the same seed gives the same."""
        rng = np.random.default_rng((seed, crc32(str(self).encode())))
        return tuple(x.sample(rng, place) for place, x in enumerate(self.operands))

    @property
    def differentiable(self) -> tuple[int, ...]:
        """The places of the operands that gradients can be asked of."""
        if self.answers:
            return ()
        return tuple(k for k, x in enumerate(self.operands) if x.dtype.startswith("float"))

    def shaped(self, *shapes: tuple[int, ...]) -> Example:
        """The same use, on operands of other shapes."""
        pairs = zip(self.operands, shapes, strict=True)
        return replace(self, operands=tuple(replace(x, shape=s) for x, s in pairs))


class Cube(Elementwise):
    """The third power: an op as a user adds it, the value and the local gradient."""

    latex, binds, takes = "{#1}^{3}", 3, (4,)
    words = "scales the upstream gradient by 3x²"
    source = "the power rule"
    analytic = True

    def forward(self, xp, x):
        return x * x * x

    def local(self, y, x):
        return (3.0 * x * x,)


_BOOL, _INT = Operand(dtype="bool"), Operand(domain=(0, 7), dtype="int64")
_SHIFT = Operand(domain=(0, 3), dtype="int64")

# Operands of the elementwise answers that do not take floats.
_OTHER_OPERANDS = {
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor", "logical_not"), _BOOL),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_invert"), _INT),
    **dict.fromkeys(("bitwise_left_shift", "bitwise_right_shift"), _SHIFT),
}

# Functions that choose an elementwise op by their parameters.
_CHOSEN = {"pow": _pow, "leaky_relu": LeakyRelu.of(), "elu": Elu.of(), "where": Where.of()}


def _elementwise(name: str, call: Callable, op: Elementwise) -> Example:
    """The row that an elementwise op brings itself."""
    operands = [
        _OTHER_OPERANDS.get(name, Operand(domain=domain, kinks=op.kinks)) for domain in op.domain
    ]
    operands[: op.conditions] = [_BOOL] * op.conditions
    return Example(name, call, tuple(operands), op=op, analytic=op.analytic, answers=op.stops)


def _f(*shape: int, **more: Any) -> Operand:
    return Operand(shape, **more)


def _invertible(x: np.ndarray) -> np.ndarray:
    return x + 3.0 * np.eye(x.shape[-1])


def _definite(x: np.ndarray) -> np.ndarray:
    return x @ np.swapaxes(x, -1, -2) + 2.0 * np.eye(x.shape[-1])


def _row(
    name: str, call: Callable, *operands: Operand, about: str = "", kind: str = "", traces=True
) -> Example:
    """A row of the table: `kind` is "analytic", "answers" or nothing."""
    return Example(name, call, operands, about, None, kind == "analytic", kind == "answers", traces)


def _reductions() -> list[Example]:
    """Every reduction over the axes that make a difference."""
    axes = (
        ("all", {}), ("axis=-1", {"axis": -1}), ("axis=(0, 2)", {"axis": (0, 2)}),
        ("axis=1, keepdims", {"axis": 1, "keepdims": True}),
        ("axis=(-1, 0), keepdims", {"axis": (-1, 0), "keepdims": True}),
    )  # fmt: skip
    kinds = {"sum": "analytic", "mean": "analytic", "var": "analytic", "any": "answers",
             "all": "answers", "argmax": "answers", "argmin": "answers"}  # fmt: skip
    single = ("argmax", "argmin")  # one axis at a time
    rows = []
    for name in reduce.__all__:
        if name.startswith("cumulative"):
            continue
        for about, choice in axes:
            if name in single and isinstance(choice.get("axis"), tuple):
                continue
            call = _with(getattr(reduce, name), choice)
            kind = kinds.get(name, "")
            x = _BOOL if name in ("any", "all") else _f(2, 2, 3)
            rows.append(_row(name, call, replace(x, shape=(2, 2, 3)), about=about, kind=kind))
    return rows


def _with(function: Callable, choice: dict) -> Callable:
    return lambda x: function(x, **choice)


_PROD = reduce.prod
_IDX = np.array([1, 0, 1, -1])
_MASK = np.array([[True, False, True], [False, True, True]])
_x23, _x34, _sq = _f(2, 3), _f(3, 4), _f(3, 3, made=_invertible)

_RUNNING = [
    _row("prod", lambda x: _PROD(x, axis=1), _f(2, 3, domain=(0.5, 2.0)), about="positive",
         kind="analytic"),
    _row("std", lambda x: reduce.std(x, axis=0, correction=1), _f(3, 2), about="correction=1"),
    _row("var", lambda x: reduce.var(x, axis=0, correction=1), _f(3, 2), about="correction=1"),
    _row("cumulative_sum", lambda x: reduce.cumulative_sum(x, axis=0), _x23, kind="analytic"),
    _row("cumulative_sum", lambda x: reduce.cumulative_sum(x, include_initial=True), _f(3),
         about="include_initial", kind="analytic"),
    _row("cumulative_prod", lambda x: reduce.cumulative_prod(x, axis=-1), _x23, kind="analytic"),
    _row("cumulative_prod", lambda x: reduce.cumulative_prod(x, axis=0, include_initial=True),
         _f(3, 2), about="include_initial, axis=0", kind="analytic"),
]  # fmt: skip


def _moved(name: str, about: str, call: Callable, *operands: Operand) -> Example:
    return _row(name, call, *(operands or (_x23,)), about=about, kind="analytic")


_MOVES = [
    _moved("reshape", "", lambda x: move.reshape(x, (3, 2))),
    _moved("reshape", "-1", lambda x: move.reshape(x, (-1,))),
    _moved("permute_dims", "", lambda x: move.permute_dims(x, (2, 0, 1)), _f(2, 3, 4)),
    _moved("permute_dims", "negative", lambda x: move.permute_dims(x, (-1, 0, -2)), _f(2, 3, 4)),
    _moved("transpose", "", move.transpose),
    _moved("matrix_transpose", "", move.matrix_transpose, _f(2, 2, 3)),
    _moved("moveaxis", "", lambda x: move.moveaxis(x, 0, -1), _f(2, 3, 4)),
    _moved("broadcast_to", "", lambda x: family.broadcast_to(x, (4, 2, 3)), _f(2, 1)),
    _moved("broadcast_arrays", "", move.broadcast_arrays, _f(2, 1), _f(3)),
    _moved("sum_to", "", lambda x: family.sum_to(x, (2, 1)), _f(4, 2, 3)),
    _moved("expand_dims", "", lambda x: move.expand_dims(x, axis=(0, -1))),
    _moved("squeeze", "", lambda x: move.squeeze(x, (0, 2)), _f(1, 3, 1)),
    _moved("concat", "", lambda x, y: move.concat([x, y, x], axis=1), _x23, _f(2, 1)),
    _moved("concat", "axis=None", lambda x, y: move.concat([x, y], axis=None), _x23, _f(2)),
    _moved("stack", "", lambda x, y: move.stack([x, y], axis=-1), _x23, _x23),
    _moved("unstack", "", lambda x: move.unstack(x, axis=1)),
    _moved("flip", "", move.flip),
    _moved("flip", "axis=1", lambda x: move.flip(x, axis=1)),
    _moved("roll", "", lambda x: move.roll(x, 2)),
    _moved("roll", "two axes", lambda x: move.roll(x, (1, -1), axis=(0, 1))),
    _moved("pad", "", lambda x: move.pad(x, 1)),
    _moved("pad", "a value", lambda x: move.pad(x, ((1, 0), (0, 2)), 7.0)),
    _moved("tile", "", lambda x: move.tile(x, (2, 1, 3))),
    _moved("repeat", "", lambda x: move.repeat(x, 2)),
    _moved("repeat", "counts", lambda x: move.repeat(x, np.array([0, 2, 1]), axis=1)),
    _moved("diagonal", "", move.diagonal, _f(3, 3)),
    _moved("diagonal", "offset=1", lambda x: move.diagonal(x, offset=1), _f(2, 3, 4)),
    _moved("diagonal", "offset=-1", lambda x: move.diagonal(x, offset=-1), _f(4, 2)),
    _moved("tril", "", lambda x: move.tril(x, k=-1), _f(2, 3, 3)),
    _moved("triu", "", lambda x: move.triu(x, k=1), _f(3, 4)),
    _row("astype", lambda x: move.astype(x, "float64"), _x23),
    _moved("getitem", "an integer", lambda x: move.getitem(x, 1)),
    _moved("getitem", "a negative integer", lambda x: move.getitem(x, (-1, 0))),
    _moved("getitem", "a negative step", lambda x: move.getitem(x, slice(None, None, -2)), _f(5)),
    _moved("getitem", "a slice", lambda x: move.getitem(x, (slice(1, None), slice(0, 3, 2))), _x34),
    _moved("getitem", "an ellipsis", lambda x: move.getitem(x, (..., 1)), _f(2, 2, 3)),
    _moved("getitem", "a new axis", lambda x: move.getitem(x, (None, slice(1), None))),
    _moved("getitem", "an empty slice", lambda x: move.getitem(x, slice(0, 0))),
    _moved("getitem", "an array", lambda x: move.getitem(x, _IDX)),
    _moved("getitem", "a list", lambda x: move.getitem(x, (slice(None), [2, 2]))),
    _moved("getitem", "two arrays", lambda x: move.getitem(x, (_IDX, _IDX))),
    _moved("getitem", "arrays that broadcast",
           lambda x: move.getitem(x, (_IDX[:, None], np.array([0, 2])))),
    _moved("getitem", "an array between slices",
           lambda x: move.getitem(x, (slice(None), _IDX, slice(None, None, -1))), _f(2, 2, 3)),
    _moved("getitem", "arrays apart", lambda x: move.getitem(x, (_IDX, slice(None), _IDX)),
           _f(2, 2, 3)),
    _moved("getitem", "a mask", lambda x: move.getitem(x, _MASK)),
    _moved("getitem", "a mask of one axis", lambda x: move.getitem(x, (..., _MASK[0]))),
    _moved("take", "", lambda x: index.take(x, _IDX, axis=1)),
    _moved("take", "two axes of indices", lambda x: index.take(x, _IDX.reshape(2, 2), axis=0)),
    _moved("take_along_axis", "",
           lambda x: index.take_along_axis(x, np.array([[0, 0], [2, 1]]), axis=1)),
    _moved("scatter_add", "repeated", lambda x, v: index.scatter_add(x, _IDX, v), _f(2), _f(4)),
    _moved("scatter_add", "rows",
           lambda x, v: index.scatter_add(x, np.array([1, 1]), v), _x23, _f(2, 3)),
    _moved("scatter_add", "two indices",
           lambda x, v: index.scatter_add(x, (np.array([0, 0]), np.array([2, 2])), v), _x23, _f(2)),
    _row("sort", index.sort, _x34),
    _row("sort", lambda x: index.sort(x, axis=0, descending=True), _x34, about="descending"),
    _row("top_k", lambda x: index.top_k(x, 2), _x34),
    _row("top_k", lambda x: index.top_k(x, 1, axis=0), _x34, about="axis=0"),
    _row("argsort", index.argsort, _x34, kind="answers"),
    _row("argsort", lambda x: index.argsort(x, axis=0, descending=True), _x34,
         about="descending", kind="answers"),
    _row("nonzero", index.nonzero, _BOOL, kind="answers", traces=False),
    _row("one_hot", lambda n: index.one_hot(n, 7), replace(_INT, shape=(4,)), kind="answers"),
]  # fmt: skip


def _einsum(text: str, *shapes: tuple[int, ...]) -> Example:
    call = lambda *xs: contract.einsum(text, *xs)  # noqa: E731
    return _row("einsum", call, *(_f(*s) for s in shapes), about=text, kind="analytic")


def _matmul(*shapes: tuple[int, ...]) -> Example:
    about = " @ ".join(str(s) for s in shapes)
    return _row("matmul", contract.matmul, *(_f(*s) for s in shapes), about=about, kind="analytic")


_CONTRACTIONS = [
    _matmul((2, 3), (3, 4)), _matmul((3,), (3,)), _matmul((2, 3), (3,)), _matmul((3,), (3, 2)),
    _matmul((2, 2, 3), (2, 3, 2)), _matmul((2, 1, 2, 3), (3, 3, 2)), _matmul((3,), (2, 3, 2)),
    _matmul((2, 2, 3), (3,)), _matmul((2, 3), (2, 3, 1)),
    _einsum("ij,jk->ik", (2, 3), (3, 2)), _einsum("ij,jk", (2, 3), (3, 2)),
    _einsum("ii", (3, 3)), _einsum("ii->i", (3, 3)), _einsum("ij->j", (2, 3)),
    _einsum("ij->ji", (2, 3)), _einsum("i,j->ij", (2,), (3,)), _einsum("iij,j->i", (2, 2, 3), (3,)),
    _einsum("ij,kl->i", (2, 3), (2, 2)), _einsum("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
    _einsum("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)), _einsum("iii->i", (2, 2, 2)),
    _einsum("i,i,i->", (3,), (3,), (3,)),
    _row("tensordot", contract.tensordot, _f(2, 3, 2), _f(3, 2, 2), kind="analytic"),
    _row("tensordot", lambda a, b: contract.tensordot(a, b, axes=((0, -1), (1, 0))),
         _f(2, 3, 2), _f(2, 2, 3), about="axes", kind="analytic"),
    _row("tensordot", lambda a, b: contract.tensordot(a, b, axes=0), _f(2), _f(3),
         about="axes=0", kind="analytic"),
    _row("vecdot", contract.vecdot, _x23, _f(3), kind="analytic"),
    _row("vecdot", lambda a, b: contract.vecdot(a, b, axis=-2), _x23, _f(4, 2, 3),
         about="axis=-2", kind="analytic"),
    _row("outer", contract.outer, _f(2), _f(3), kind="analytic"),
    _row("inv", linalg.inv, _sq, kind="analytic"),
    _row("inv", linalg.inv, replace(_sq, shape=(2, 2, 2)), about="batched", kind="analytic"),
    _row("solve", linalg.solve, _sq, _f(3), about="a vector", kind="analytic"),
    _row("solve", linalg.solve, _sq, _f(3, 2), about="a matrix", kind="analytic"),
    _row("solve", linalg.solve, replace(_sq, shape=(2, 3, 3)), _f(3), about="batched, a vector",
         kind="analytic"),
    _row("solve", linalg.solve, replace(_sq, shape=(2, 1, 2, 2)), _f(3, 2, 1),
         about="batches that broadcast", kind="analytic"),
    _row("det", linalg.det, _sq, kind="analytic"),
    _row("det", linalg.det, replace(_sq, shape=(2, 2, 2)), about="batched", kind="analytic"),
    _row("slogdet", linalg.slogdet, _sq),
    _row("slogdet", linalg.slogdet, replace(_sq, shape=(2, 2, 2)), about="batched"),
    _row("cholesky", linalg.cholesky, _f(3, 3, made=_definite)),
    _row("cholesky", linalg.cholesky, _f(2, 2, 2, made=_definite), about="batched"),
    _row("linear", linear, _x23, _f(4, 3), _f(4), kind="analytic"),
    _row("linear", linear, _f(2, 2, 3), _f(1, 3), about="no bias", kind="analytic"),
    _row("linear", linear, _f(3), _f(2, 3), _f(2), about="one sample", kind="analytic"),
    _row("trace", linalg.trace, _f(3, 3), kind="analytic"),
    _row("trace", lambda x: linalg.trace(x, offset=-1), _f(2, 3, 2), about="offset",
         kind="analytic"),
]  # fmt: skip


def _recurrent(w: Any, h: Any, xs: Any, reverse: bool = False) -> tuple:
    def step(h: Any, x: Any) -> list:
        h = elementwise.tanh(w * h + x)
        return [h, h * x]

    return scan_flat(step, [h, xs], 1, 1, 3, reverse)


def _branch(taken: bool) -> Callable:
    return lambda x, w: loop.cond_flat(
        np.asarray(taken),
        lambda x: [w * elementwise.sin(x)],
        lambda x: [w * x * x],
        [x],
    )


_COMPOSED = [
    _row("softmax", shares.softmax, _x23),
    _row("softmax", lambda x: shares.softmax(x, axis=0), _x23, about="axis=0"),
    _row("log_softmax", shares.log_softmax, _x23),
    _row("clip", lambda x: composite.clip(x, -1.0, 1.0), _f(2, 3, kinks=(-1.0, 1.0))),
    _row("clip", lambda x: composite.clip(x, min=0.5), _f(2, 3, kinks=(0.5,)), about="min"),
    _row("clip", lambda x: composite.clip(x, max=0.5), _f(2, 3, kinks=(0.5,)), about="max"),
    _row("diff", composite.diff, _x23, kind="analytic"),
    _row("diff", lambda x, y: composite.diff(x, axis=0, n=2, prepend=y), _x23, _f(1, 3),
         about="n=2, prepend", kind="analytic"),
    _row("real", composite.real, _x23),
    _row("conj", composite.conj, _x23),
    _row("imag", composite.imag, _x23),
    _row("scan", _recurrent, _f(2), _f(2), _f(3, 2)),
    _row("scan", lambda w, h, xs: _recurrent(w, h, xs, True), _f(2), _f(2), _f(3, 2),
         about="reverse"),
    _row("cond", _branch(True), _x23, _x23, about="true"),
    _row("cond", _branch(False), _x23, _x23, about="false"),
    _row("checkpoint", lambda x, w: loop.call_flat(lambda x: [elementwise.tanh(w * x) * x], [x]),
         _x23, _x23),
    _elementwise("custom", Cube(), Cube()),
]  # fmt: skip


def _all() -> dict[str, tuple[Example, ...]]:
    found: dict[str, list[Example]] = {}
    for name in (*elementwise.__all__, "where"):
        call = family.where if name == "where" else getattr(elementwise, name)
        found[name] = [_elementwise(name, call, _CHOSEN.get(name, call))]
    for row in (*_reductions(), *_RUNNING, *_MOVES, *_CONTRACTIONS, *_COMPOSED):
        found.setdefault(row.name, []).append(row)
    return {name: tuple(rows) for name, rows in found.items()}


CATALOGUE: dict[str, tuple[Example, ...]] = _all()
EXAMPLES: tuple[Example, ...] = tuple(row for rows in CATALOGUE.values() for row in rows)
