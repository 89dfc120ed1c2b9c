"""How much a kernel has to do: floating-point operations, and bytes that it reads and writes.

Data in: a kernel or a program. Data out: counts. Also which views a kernel reads, and which it
writes: `verify` and `explain` ask that alike.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ...graph.op import Op
from .functions import LLVM
from .program import Branch, Loop, Member, Program, Rows, Steps, View
from .vector import Value, Writer

ONE = re.compile(r" = (?:fadd|fsub|fmul|fdiv|frem)\b| call .*@llvm\.(?:sqrt|rint|maxnum|minnum)")
TWO = re.compile(r" call .*@llvm\.fma")  # a product and a sum


class Work(NamedTuple):
    """What is to be done, if everything that is read and written is so once."""

    operations: int
    read: int  # bytes
    written: int

    def __add__(self, other: Any) -> Work:
        return Work(*(a + b for a, b in zip(self, other, strict=True)))


NOTHING = Work(0, 0, 0)


@lru_cache(4096)
def operations(op: Op, *dtypes: np.dtype) -> int:
    """The floating-point operations in one element of an op: those its own forward writes."""
    w = Writer()
    try:
        op.forward(LLVM, *(Value(w, f"%x{k}", d, 1) for k, d in enumerate(dtypes)))
    except Exception:  # it asks for what registers do not have: NumPy computes it
        return 1
    return sum(1 if ONE.search(x) else 2 if TWO.search(x) else 0 for x in w.lines)


def of_kernel(kernel: Any) -> Work:
    """The work of one kernel; what NumPy computes counts with its bytes alone."""
    if isinstance(kernel, Loop):
        read, written = _views(kernel)
        return Work(sum(_member(m, kernel) for m in kernel.members), _bytes(read), _bytes(written))
    if isinstance(kernel, Steps):  # what a step reads again may still be in a cache
        every = of_program(kernel.body).operations * kernel.length * kernel.parts
        return Work(every, _bytes(reads(kernel)), _bytes(writes(kernel)))
    if isinstance(kernel, Branch):
        return max(of_program(kernel.then), of_program(kernel.other))
    read, written = [_bytes([v]) for v in reads(kernel)], _bytes(writes(kernel))
    if isinstance(kernel, Rows):  # of the array only the rows that are asked for
        read = [min(size, written) for size in read]
    return Work(0, sum(read), written)


def of_program(program: Program) -> Work:
    """The work of all kernels."""
    return sum((of_kernel(k) for k in program.kernels), NOTHING)


def reads(kernel: Any) -> list[View]:
    """What a kernel reads, each once."""
    if isinstance(kernel, Loop):
        return _views(kernel)[0]
    if isinstance(kernel, Steps):
        return [*kernel.carries, *kernel.xs, *kernel.constants]
    return [x for x in kernel.operands if isinstance(x, View)]


def writes(kernel: Any) -> list[View]:
    """What a kernel writes."""
    if isinstance(kernel, Loop):
        return _views(kernel)[1]
    if isinstance(kernel, Steps):
        kept = [t.rows if t else end for t, end in zip(kernel.trails, kernel.last, strict=True)]
        return [*kept, *kernel.ys]
    return kernel.stores


def _views(loop: Loop) -> tuple[list[View], list[View]]:
    read: dict[Any, View] = {}
    for m in loop.members:
        for v in m.operands:
            if isinstance(v, View):
                read.setdefault((v.buffer, v.offset, v.strides), v)
    return list(read.values()), [m.store for m in loop.members if m.store is not None]


def _bytes(views: list[View]) -> int:
    """The bytes of these views; an axis with the stride 0 is read once."""
    return sum(
        prod(n for n, s in zip(v.shape, v.strides, strict=True) if s) * v.dtype.itemsize
        for v in views
    )


def _member(m: Member, loop: Loop) -> int:
    if m.kind == "product":
        return 2 * prod(loop.shape) * m.operands[0].shape[-1]
    if m.kind == "copy":
        return 0
    dtypes = [o.node.dtype if isinstance(o, Member) else o.dtype for o in m.operands]
    each = operations(m.node.op, *dtypes) if m.kind == "map" else m.node.dtype.kind == "f"
    return prod(loop.shape) * each
