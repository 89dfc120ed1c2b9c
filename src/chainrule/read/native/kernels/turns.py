"""Copies of transposed matrices: square blocks that are turned in registers."""

from __future__ import annotations

from collections.abc import Callable

from ..program import View
from .loops import Nest
from .memory import Index
from .panels import turning


class Turns(Nest):
    """A loop nest of nothing but a copy, whose source moves along the axis before the last."""

    def fits(self) -> bool:
        """Whether it is such a copy, and its last two axes hold a square block."""
        member = self.loop.members[0]
        source = member.operands[0]
        if len(self.loop.members) > 1 or member.kind != "copy" or not isinstance(source, View):
            return False
        if len(self.axes) < 2 or source.dtype != member.store.dtype or source.dtype.kind == "b":
            return False
        down, across = self.views[id(source)][1][-2:]
        ends = self.views[id(member.store)][1][-1]
        whole = self.lanes == self.widest > 1 and min(self.axes[-2:]) >= self.lanes
        return whole and down == 1 != across and ends == 1 and source.dtype.itemsize in (4, 8)

    def _level(self, k: int, at: list[Index]) -> None:
        if k < len(self.axes) - 2:
            super()._level(k, at)
            return
        rows, columns = self.axes[-2:]
        self._stretches(rows, self.cut == k, lambda i: self._stretches(
            columns, self.cut == k + 1, lambda j: self._square([*at, i, j])
        ))  # fmt: skip

    def _stretches(self, n: int, shared: bool, body: Callable[[Index], None]) -> None:
        """Blocks along an axis; the last one begins earlier, and writes some elements again."""
        self._for(n // self.lanes, body, self.lanes, shared)
        if n % self.lanes:
            self._by_the_last(shared, lambda: body(n - self.lanes))

    def _square(self, at: list[Index]) -> None:
        member = self.loop.members[0]
        source, store, lanes = member.operands[0], member.store, self.lanes
        name = turning(self, source.dtype)
        of_source, of_store = self.views[id(source)][1], self.views[id(store)][1]
        begin, end = self._address(source, of_source, at), self._address(store, of_store, at)
        self.w.line(
            f"  call void @{name}(ptr {begin}, i64 {of_source[-1]}, i64 {lanes - 1}, ptr {end}, "
            f"i64 {of_store[-2]})"
        )
