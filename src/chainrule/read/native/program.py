"""What machine code is written from: buffers, views of them, and kernels over views.

A program is a list of kernels over buffers; here, of `sum(tanh(x @ w + b))`:

    Program
      inputs   Buffer x (64, 8), Buffer w (8, 32), Buffer b (32,)          slots 1, 2, 3
      outputs  Buffer (), the sum                                          slot 4
      kernels  Loop over (64, 32)
                 Member product   of View x, View w
                 Member map add   of the product, View b with strides (0, 1)
                 Member map tanh  of the sum
                 Member sum       of the tanh, kept in no axis; stored in View of the output

Machine code is handed a table of pointers: slot 0 is the arena, where all buffers lie that are
neither inputs nor outputs. A buffer is a slot and an offset into it; a view is a buffer and NumPy's
strides, in elements. A kernel is a `Loop` (elements, reductions, a product), `Steps` (a scan),
`Rows` (a gather or scatter), a `Branch`, or `Eager`, which NumPy computes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ...graph.node import Node


@dataclass(eq=False)
class Buffer:
    """A stretch of memory: an input, an output, or a place in the arena."""

    dtype: np.dtype
    shape: tuple[int, ...]
    slot: int = 0  # which pointer of the table it starts from; 0 is the arena
    start: int = 0  # bytes from there
    ahead: int = 0  # bytes from an element to the next step's, which is asked for early; 0: not

    @property
    def bytes(self) -> int:
        """Its size."""
        return prod(self.shape) * self.dtype.itemsize


class View(NamedTuple):
    """An array in a buffer: where it starts and how far apart its elements are, in elements."""

    buffer: Buffer
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0
    panel: int = 0  # columns that lie beside each other; the strides lead on from panel to panel

    @property
    def dtype(self) -> np.dtype:
        """That of the elements."""
        return self.buffer.dtype

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie in a row without gaps."""
        return all(
            n == 1 or s == want
            for n, s, want in zip(self.shape, self.strides, steps(self.shape), strict=True)
        )

    def reshaped(self, shape: tuple[int, ...]) -> View:
        """The elements of a view without gaps, in other axes."""
        return View(self.buffer, shape, steps(shape), self.offset)

    def over(self, shape: tuple[int, ...]) -> View:
        """The view broadcast to a shape: a repeated axis has the stride 0."""
        extra = len(shape) - len(self.shape)
        strides = tuple(
            0 if n == 1 and m != 1 else s
            for n, s, m in zip(self.shape, self.strides, shape[extra:], strict=True)
        )
        return View(self.buffer, shape, (0,) * extra + strides, self.offset)


def steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an array without gaps, in elements."""
    return tuple(prod(shape[k + 1 :]) for k in range(len(shape)))


def whole(buffer: Buffer) -> View:
    """All of a buffer."""
    return View(buffer, buffer.shape, steps(buffer.shape))


@dataclass(eq=False)
class Member:
    """One node computed inside a loop, at every place of it.

    Its kind is how: `map` by its op's forward; `copy`; `product`, the first of a loop that is the
    epilogue of a matrix product; `sum`, `prod`, `max`, `min` over the axes that are not kept.
    Operands are other members (in a register), views (in memory), or numbers.
    """

    node: Node
    operands: list[Any]
    kind: str = "map"
    store: Any = None  # where it is written, if something later reads it
    keeps: tuple[int, ...] = ()  # of a reduction: the axes of the loop that stay
    deep: int = 0  # of a product: how many terms are added up at once, if not all
    sums: Any = None  # of such a product: where the sums lie meanwhile
    tiled: bool = False  # of a sum of all elements of a product's loop: first made for each tile


@dataclass(eq=False)
class Loop:
    """A loop nest over a shape: its members are computed for every place, in order."""

    shape: tuple[int, ...]
    members: list[Member] = field(default_factory=list)

    @property
    def product(self) -> Any:
        """The matrix product that it is the epilogue of, if it is one."""
        return self.members[0] if self.members and self.members[0].kind == "product" else None


class Trail(NamedTuple):
    """What a carry was before and after every step, in one row more than there are steps."""

    rows: View
    reverse: bool

    @property
    def before(self) -> View:
        """The carries that the steps began with, by step."""
        return self._from(1 if self.reverse else 0, self.rows.shape[0] - 1)

    @property
    def after(self) -> View:
        """The carries that the steps ended with, by step."""
        return self._from(0 if self.reverse else 1, self.rows.shape[0] - 1)

    @property
    def last(self) -> View:
        """The carry after all steps."""
        row = self._from(0 if self.reverse else self.rows.shape[0] - 1, 1)
        return row._replace(shape=row.shape[1:], strides=row.strides[1:])

    def _from(self, row: int, count: int) -> View:
        v = self.rows
        return v._replace(shape=(count, *v.shape[1:]), offset=v.offset + row * v.strides[0])


@dataclass(eq=False)
class Steps:
    """A scan: a program run once for every row, handing on what it carries.

    Inputs of the body are carries, rows of `xs`, constants; its outputs are carries, then rows of
    `ys`. A carry with a trail goes from row to row of it; one that the body reads for the last time
    where it writes the next one stays in its place; others go to and fro between two places.
    """

    body: Program
    carries: list[View]
    xs: list[View]
    constants: list[View]
    last: list[View]
    ys: list[View]
    trails: list[Trail | None]
    spare: list[View]  # beside `last`: where every other step puts its carry
    arena: View
    length: int
    reverse: bool
    parts: int = 1  # of the batch; the body is that of one, and each has its stretch of the arena
    apart: list[bool] = field(default_factory=list)  # which xs the parts have rows of their own of
    stays: list[bool] = field(default_factory=list)  # which carries are written over the one before

    @property
    def views(self) -> list[View]:
        """All that it reads or writes."""
        kept = [t.rows for t in self.trails if t is not None]
        lists = (self.carries, self.xs, self.constants, self.last, self.ys, kept, self.spare)
        return [v for views in lists for v in views] + [self.arena]


@dataclass(eq=False)
class Rows:
    """Rows read at indices, or added up at indices; an index out of range is reported.

    Operands: the array, then the index arrays, all of the shape `places`. The array has the axes
    (before, *sizes, row), where `sizes` are the axes that are indexed; the other one has (before,
    places, row).
    """

    node: Node
    operands: list[View]
    stores: list[View]
    before: int
    sizes: tuple[int, ...]
    places: tuple[int, ...]
    row: int
    adds: bool  # the array is read in order and added up at the places


@dataclass(eq=False)
class Branch:
    """One of two programs, by a condition: the first operand. The last store is their arena."""

    node: Node
    operands: list[View]
    stores: list[View]
    then: Program
    other: Program


@dataclass(eq=False)
class Eager:
    """An op that has no machine code here: NumPy computes it between two native stretches."""

    node: Node
    operands: list[Any]
    stores: list[View]


@dataclass(eq=False)
class Program:
    """Kernels in order, over one arena; inputs and outputs are pointers in a table."""

    kernels: list[Any]
    inputs: list[Buffer]
    outputs: list[Buffer]
    arena: int = 0
    panels: tuple = ()  # which of the first inputs the last ones are, laid out in panels
    early: int = 0  # how many products are made before they are asked for

    @property
    def native(self) -> bool:
        """Whether no op in it is left to NumPy."""
        return not any(isinstance(k, Eager) for k in self.kernels)


def bodies(kernel: Any) -> tuple[Program, ...]:
    """The programs within a kernel."""
    if isinstance(kernel, Branch):
        return kernel.then, kernel.other
    return (kernel.body,) if isinstance(kernel, Steps) else ()
