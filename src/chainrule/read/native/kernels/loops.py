"""Loop nests as LLVM code: the axes, the vectors, the tails, and where reductions gather."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ..functions import LLVM
from ..program import Loop, Member, View, steps
from ..vector import BOOL, Value, Writer, scalar_type, typed
from .memory import Index, Memory

COMBINE = {
    "sum": lambda a, b: a + b, "prod": lambda a, b: a * b,
    "max": lambda a, b: LLVM.maximum(a, b), "min": lambda a, b: LLVM.minimum(a, b),
}  # fmt: skip
COST = {"exp": 10, "tanh": 15, "sigmoid": 12, "log": 15, "log1p": 20, "logaddexp": 35, "erf": 20}
WAYS = 4  # a sum has so many registers: each waits for its own last addition alone
UNROLLED = 4  # inner blocks written out one after the other, up to which there is no loop


def start_of(kind: str, dtype: np.dtype) -> Any:
    """What a reduction begins with."""
    if kind in ("max", "min"):
        sign = -1 if kind == "max" else 1
        if dtype.kind == "f":
            return sign * np.inf
        info = np.iinfo(dtype)
        return info.min if kind == "max" else info.max
    return 0 if kind == "sum" else 1


class Nest(Memory):
    """One loop nest on its way to code."""

    def __init__(self, w: Writer, loop: Loop, pointers: dict[int, str], register: int = 64):
        self.w, self.loop, self.pointers = w, loop, pointers
        self.views: dict[int, tuple[View, tuple[int, ...]]] = {}
        widest = max(m.node.dtype.itemsize for m in loop.members)
        for m in loop.members:
            for x in m.operands:
                if isinstance(x, View):
                    widest = max(widest, x.dtype.itemsize)
        self.widest = register // widest
        self.axes = self._collapsed()
        self.lanes = self._lanes(self.axes[-1] if self.axes else 1)
        self.gathered: dict[Member, list[str]] = {}  # registers that a sum is gathered in, in turn
        self.turns: Counter[Member] = Counter()
        self.register = register
        self.room = 0  # bytes that each part of the kernel needs for itself
        self.inside: dict[str, str] = {}  # functions of the module that it calls, by their names
        self.shares: dict[tuple[int, int], tuple[str, str]] = {}  # of shared loops, by their length
        self.parts = 1
        self.cut: int | None = None  # the axis that the parts of a shared kernel divide

    def _collapsed(self) -> tuple[int, ...]:
        """The loop's axes, with those joined that every view walks through as if they were one."""
        shape = self.loop.shape
        tracks = []
        for m in self.loop.members:
            if m.kind == "product":  # along the rows and columns of the value
                a, b = m.operands
                tracks += [(a, (*a.strides[:-1], 0)), (b, (*b.strides[:-2], 0, b.strides[-1]))]
                tracks += [(m.sums, m.sums.strides)] if m.sums is not None else []
            else:
                tracks += [(x, x.strides) for x in m.operands if isinstance(x, View)]
            if m.kind in COMBINE:
                inner = dict(zip(m.keeps, steps(tuple(shape[k] for k in m.keeps)), strict=True))
                tracks.append((m, tuple(inner.get(k, 0) for k in range(len(shape)))))
            elif m.store is not None:
                tracks.append((m.store, m.store.strides))
        axes: list[int] = []
        last = -1
        kept: list[list[int]] = [[] for _ in tracks]
        fixed = len(shape) - 2 if self.loop.product else len(shape) + 1
        for k, n in enumerate(shape):
            if n == 1 and k < fixed:
                continue
            joins = (
                axes
                and k < fixed
                and all(t[1][k] * n == have[-1] for t, have in zip(tracks, kept, strict=True))
                and self._same_reductions(k, last)
            )
            if joins:
                axes[-1] *= n
                for t, have in zip(tracks, kept, strict=True):
                    have[-1] = t[1][k]
            else:
                axes.append(n)
                for t, have in zip(tracks, kept, strict=True):
                    have.append(t[1][k])
            last = k
        for (x, _), have in zip(tracks, kept, strict=True):
            self.views[id(x)] = (x, tuple(have))
        return tuple(axes)

    def _same_reductions(self, k: int, before: int) -> bool:
        return all(
            (k in m.keeps) == (before in m.keeps)
            for m in self.loop.members if m.kind in COMBINE
        )  # fmt: skip

    def _lanes(self, n: int) -> int:
        lanes = 1
        while lanes < min(n, self.widest):
            lanes *= 2
        return lanes

    # The nest ---------------------------------------------------------------------------------

    def write(self) -> None:
        """All of it but what `fill` writes before."""
        self._level(0, [])

    def fill(self) -> bool:
        """What sums in memory begin with; whether there is any."""
        found = [
            m for m in self.loop.members
            if m.kind in COMBINE and len(self._reduced(m)) < len(self.axes) and self._in_memory(m)
        ]  # fmt: skip
        for m in found:
            self._fill(m)
        return bool(found)

    @property
    def totals(self) -> list[Member]:
        """The sums of all elements that are made piece by piece, and added up at the end."""
        return []

    @property
    def work(self) -> float:
        """Roughly how many nanoseconds it takes on one core."""
        return prod(self.axes) * sum(COST.get(str(m.node.op), 1) for m in self.loop.members) * 0.1

    def shared_axis(self) -> int | None:
        """The axis along which it can be cut: no sum runs over it."""
        return min(self._free(), default=None)

    def _free(self) -> set[int]:
        free = set(range(len(self.axes)))
        for m in self.loop.members:
            if m.kind in COMBINE and not m.tiled:
                free -= set(self._reduced(m))
        return free

    def _reduced(self, m: Member) -> list[int]:
        """The collapsed axes that a reduction gathers over: those its value does not move along."""
        _, strides = self.views[id(m)]
        return [k for k, s in enumerate(strides) if s == 0 or self.axes[k] == 1]

    def _suffix(self, m: Member) -> int:
        """The first axis from which on everything is gathered in registers."""
        gathered, k = set(self._reduced(m)), len(self.axes)
        while k > 0 and k - 1 in gathered:
            k -= 1
        return k

    def _in_memory(self, m: Member) -> bool:
        """Whether partial results are added up where the value lies."""
        return any(a < self._suffix(m) for a in self._reduced(m))

    def _fill(self, m: Member) -> None:
        value = start_of(m.kind, m.node.dtype)
        n = prod(m.store.shape)
        lanes = self._lanes(n)
        dtype = m.node.dtype
        one = Value(self.w, "", dtype, lanes).like(value)

        def block(at: Index, active: int) -> None:
            self._put(m.store.buffer, dtype, at, 1, one, active)

        self._blocks(n, lanes, block)

    def _level(self, k: int, at: list[Index]) -> None:
        begins = [m for m in self.loop.members if m.kind in COMBINE and self._suffix(m) == k]
        for m in begins:
            self._begin(m)
        shared = self.cut == k
        if k >= len(self.axes) - 1:
            n = self.axes[-1] if self.axes else 1
            self._blocks(n, self.lanes, lambda i, active: self._body([*at, i], active), shared)
        else:
            self._for(self.axes[k], lambda i: self._level(k + 1, [*at, i]), shared=shared)
        for m in begins:
            self._finish(m, at)

    def _for(
        self, n: int, body: Callable[[Index], None], step: int = 1, shared: bool = False
    ) -> None:
        """A counted loop over multiples of `step` below n·step; one round is no loop.

        Of a shared loop each part of the kernel runs its own stretch.
        """
        if n <= 1 and not (shared and n):
            if n:
                body(0)
            return
        low, high = (0, n * step) if not shared else self._share(n, step)
        self.w.counted(high, body, step, low, any_at_all=not shared)

    def _share(self, n: int, step: int) -> tuple[Index, Index]:
        """Where this part's stretch of a shared loop begins and ends: known before all loops."""
        if (n, step) not in self.shares:
            w = self.w
            lines, w.lines = w.lines, []
            found = []
            for part in ("%part", w.put("add i64 %part, 1")):
                rounds = w.put(f"mul i64 {part}, {n}")
                rounds = w.put(f"udiv i64 {rounds}, %parts")
                found.append(w.put(f"mul i64 {rounds}, {step}"))
            lines[:0] = w.lines
            w.lines = lines
            self.shares[n, step] = found[0], found[1]
        return self.shares[n, step]

    def _by_the_last(self, shared: bool, body: Callable[[], None]) -> None:
        """What is left over of a shared loop: the last part's to do."""
        if not shared:
            body()
            return
        w = self.w
        label = w.fresh("R")[1:]
        last = w.put("sub i64 %parts, 1")
        mine = w.put(f"icmp eq i64 %part, {last}")
        w.line(f"  br i1 {mine}, label %{label}, label %{label}.out")
        w.line(f"{label}:")
        body()
        w.line(f"  br label %{label}.out")
        w.line(f"{label}.out:")

    def _blocks(
        self, n: int, lanes: int, block: Callable[[Index, int], None], shared: bool = False
    ) -> None:
        """n elements, so many at once; the last ones under a mask."""
        full, rest = divmod(n, lanes)
        if full and full <= UNROLLED and not shared:
            for k in range(full):
                block(k * lanes, lanes)
        elif full:
            self._for(full, lambda i: block(i, lanes), lanes, shared)
        if rest:
            self._by_the_last(shared, lambda: block(full * lanes, rest))

    # One place --------------------------------------------------------------------------------

    def _body(self, at: list[Index], active: int, made: dict[Member, Value] | None = None) -> None:
        """Every member for the elements at a place."""
        at = at[: len(self.axes)]
        values: dict[Any, Value] = dict(made or {})
        loaded: dict[Any, Value] = {}
        for m in self.loop.members:
            if m in values:
                x = values[m]
            else:
                operands = [self._operand(o, at, values, loaded, active) for o in m.operands]
                x = operands[0]
                if m.kind == "map":
                    x = m.node.op.forward(LLVM, *operands)
                    x = x.astype(m.node.dtype)
                elif m.kind in COMBINE:
                    self._gather(m, x.astype(m.node.dtype), at, active)
                    continue
                values[m] = x
            if m.store is not None:
                self.store(m.store, self.views[id(m.store)][1], at, x, active)

    def _operand(self, o: Any, at: list, values: dict, loaded: dict, active: int) -> Value:
        if isinstance(o, Member):
            return values[o]
        if isinstance(o, View):
            strides = self.views[id(o)][1]
            key = (o.buffer, o.offset, strides)
            if key not in loaded:
                loaded[key] = self.load(o, strides, at, self.lanes, active)
            return loaded[key]
        return Value(self.w, "", o.dtype, self.lanes).like(o)

    def _gather(self, m: Member, x: Value, at: list[Index], active: int) -> None:
        """A reduction's share of these elements."""
        combine = COMBINE[m.kind]
        if self._suffix(m) == len(self.axes):  # the inner axis stays: added up in memory
            _, strides = self.views[id(m)]
            if self._in_memory(m):
                x = combine(self.load(m.store, strides, at, self.lanes, active), x)
            self.store(m.store, strides, at, x, active)  # an axis of one element is no sum
            return
        if active < x.lanes:
            counts = Value(self.w, self._mask(x.lanes, active), BOOL, x.lanes)
            x = counts.select(x, x.like(start_of(m.kind, m.node.dtype)))
        place = self.gathered[m][self.turns[m] % WAYS]
        self.turns[m] += 1
        before = Value(self.w, self.w.put(f"load {x.type}, ptr {place}"), x.dtype, x.lanes)
        total = combine(before, x)
        self.w.line(f"  store {x.type} {total.ref}, ptr {place}")

    def _begin(self, m: Member) -> None:
        if self._suffix(m) == len(self.axes):
            return
        x = Value(self.w, "", m.node.dtype, self.lanes).like(start_of(m.kind, m.node.dtype))
        if m not in self.gathered:
            self.gathered[m] = [f"%acc{len(self.gathered)}.{k}" for k in range(WAYS)]
            self.w.lines[:0] = [f"  {place} = alloca {x.type}" for place in self.gathered[m]]
        for place in self.gathered[m]:
            self.w.line(f"  store {x.type} {x.ref}, ptr {place}")

    def _finish(self, m: Member, at: list[Index]) -> None:
        """The lanes of a reduction to one number, in a tree, and into its place."""
        k = self._suffix(m)
        if k == len(self.axes):
            return
        dtype = m.node.dtype
        x = self.in_one(m.kind, self.total(m))
        _, strides = self.views[id(m)]
        offset = self._sum(m.store.offset, strides[:k], at[:k])
        if self._in_memory(m):
            address = self._pointer(m.store.buffer, offset)
            before = Value(self.w, self.w.put(f"load {x.type}, ptr {address}"), dtype, 1)
            x = COMBINE[m.kind](before, x)
        self._put(m.store.buffer, dtype, offset, 1, x, 1)

    def total(self, m: Member) -> Value:
        """What has been gathered, lane by lane."""
        lanes, dtype = self.lanes, m.node.dtype
        parts = [
            Value(self.w, self.w.put(f"load {typed(dtype, lanes)}, ptr {place}"), dtype, lanes)
            for place in self.gathered[m][: max(1, self.turns[m])]
        ]
        while len(parts) > 1:
            parts = [*map(COMBINE[m.kind], parts[::2], parts[1::2]), *parts[len(parts) & ~1 :]]
        return parts[0]

    def in_one(self, kind: str, x: Value) -> Value:
        """The lanes of a vector combined, in a tree."""
        dtype = x.dtype
        while x.lanes > 1:
            half = x.lanes // 2
            low, high = (", ".join(f"i32 {b + i}" for i in range(half)) for b in (0, half))
            parts = [
                Value(self.w, self.w.put(
                    f"shufflevector {x.type} {x.ref}, {x.type} poison, <{half} x i32> <{part}>"
                ), dtype, half) for part in (low, high)
            ]  # fmt: skip
            if half == 1:
                parts = [
                    Value(
                        self.w,
                        self.w.put(f"extractelement <1 x {scalar_type(dtype)}> {p.ref}, i64 0"),
                        dtype,
                        1,
                    )
                    for p in parts
                ]
            x = COMBINE[kind](*parts)
        return x
