"""Verify: a program looked at before it is written, for all that LLVM's verifier cannot know.

Data in: a planned program. Data out: the same, or an error that names a rule and a kernel.

Machine code that goes beside its memory does not fail where it is wrong: it computes something
else, or the process dies later. So every program must keep these rules; a mistake in the planner
is then an error that says which kernel, and never a crash.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from math import prod

from ....graph.errors import GraphError
from ..program import Buffer, Loop, Member, Program, Steps, View, bodies
from ..work import reads, writes
from .place import views_of

Broken = Iterator[tuple[int, str]]  # the number of a kernel, and what is wrong with it


def verify(program: Program) -> Program:
    """The program, if it keeps every rule, and so do the programs within it.

    Raises: GraphError, with the first rule that it breaks and the kernel that does.
    """
    for rule, broken in RULES.items():
        for k, what in broken(program):
            kernel = program.kernels[k] if k < len(program.kernels) else None
            raise GraphError(
                f"compile: broken: {rule}; kernel {k} ({type(kernel).__name__}): {what}. This is a "
                "fault of the compiler's: cr.compile(f, without='fuse') may avoid it"
            )
    for kernel in program.kernels:
        for body in bodies(kernel):
            verify(body)
    return program


def span(view: View) -> tuple[int, int]:
    """The first element of its buffer that a view reaches, and the one after the last.

    >>> import numpy as np
    >>> from chainrule.read.native.program import Buffer, View
    >>> span(View(Buffer(np.dtype("f4"), (3, 4)), (3, 2), (4, -1), 3))
    (2, 12)
    """
    if not prod(view.shape):
        return 0, 0
    if view.panel:  # the strides lead from row to row, and from panel to panel
        rows, columns = view.shape
        return view.offset, view.offset + -(-columns // view.panel) * rows * view.panel
    ways = [s * (n - 1) for n, s in zip(view.shape, view.strides, strict=True)]
    first = view.offset + sum(w for w in ways if w < 0)
    return first, view.offset + sum(w for w in ways if w > 0) + 1


def _beside(program: Program) -> Broken:
    for k, kernel in enumerate(program.kernels):
        for view in views_of(kernel):
            first, end = span(view)
            if first < 0 or end > prod(view.buffer.shape):
                yield k, f"elements {first} to {end} of a buffer of {view.buffer.shape}"
            if view.buffer.slot == 0 and view.buffer.start + view.buffer.bytes > program.arena:
                yield k, f"a place that ends beyond the arena of {program.arena} bytes"


def _unwritten(program: Program) -> Broken:
    written = set(program.inputs)
    for k, kernel in enumerate(program.kernels):
        for view in reads(kernel):
            if view.buffer not in written and view.buffer.bytes:
                yield k, f"it reads {view.buffer.dtype} {view.buffer.shape}, which nobody wrote"
        written.update(v.buffer for v in writes(kernel))
    for out in program.outputs:
        if out not in written and out.bytes:
            yield len(program.kernels), f"nobody writes the output {out.dtype} {out.shape}"


def _shared(program: Program) -> Broken:
    """Places taken when a kernel begins to use them, and left after the last one that does."""
    first, last = {}, {}
    for k, kernel in enumerate(program.kernels):
        for buffer in {v.buffer for v in views_of(kernel) if v.buffer.slot == 0}:
            first.setdefault(buffer, k)
            last[buffer] = k
    begins: list[list[Buffer]] = [[] for _ in program.kernels]
    ends: list[list[Buffer]] = [[] for _ in program.kernels]
    for buffer in first:
        begins[first[buffer]].append(buffer)
        ends[last[buffer]].append(buffer)
    taken: list[tuple[int, int]] = []  # where places begin and end, in order
    for k in range(len(program.kernels)):
        for buffer in begins[k]:
            if not buffer.bytes:
                continue
            place = buffer.start, buffer.start + buffer.bytes
            at = bisect_left(taken, place)
            near = taken[max(at - 1, 0) : at + 1]
            if any(a < place[1] and place[0] < b for a, b in near):
                yield k, f"bytes {place[0]} to {place[1]} of the arena are still in use"
            taken.insert(at, place)
        for buffer in ends[k]:
            if buffer.bytes:
                taken.remove((buffer.start, buffer.start + buffer.bytes))


def _ill_shaped(program: Program) -> Broken:
    for k, kernel in enumerate(program.kernels):
        if not isinstance(kernel, Loop):
            continue
        for m in kernel.members:
            if m.kind == "product":
                a, b = m.operands
                wanted = (*kernel.shape[:-1], a.shape[-1]), (*kernel.shape[:-2], *b.shape[-2:])
                fits = (a.shape, b.shape) == wanted and b.shape[-2] == a.shape[-1]
                if not fits or b.shape[-1] != kernel.shape[-1]:
                    yield k, f"a product of {a.shape} and {b.shape} in a loop over {kernel.shape}"
                continue
            for x in m.operands:
                if isinstance(x, View) and x.shape != kernel.shape:
                    yield k, f"an operand {x.shape} in a loop over {kernel.shape}"


def _too_early(program: Program) -> Broken:
    for k, kernel in enumerate(program.kernels):
        made: set[Member] = set()
        for m in kernel.members if isinstance(kernel, Loop) else ():
            for x in m.operands:
                if isinstance(x, Member) and x not in made:
                    yield k, f"{m.node.op} reads {x.node.op} before it is there"
            made.add(m)


def _ill_handed(program: Program) -> Broken:
    """What a scan hands its body: rows of as many bytes as the body's inputs and outputs have."""
    for k, kernel in enumerate(program.kernels):
        if not isinstance(kernel, Steps):
            continue
        n, body = kernel.length, kernel.body
        starts = [(v, 1) for v in kernel.carries]
        handed = [*starts, *((v, n) for v in kernel.xs), *((v, 1) for v in kernel.constants)]
        ends = [(v, 1) for v in kernel.last] + [(v, n) for v in kernel.ys]
        if (len(handed), len(ends)) != (len(body.inputs), len(body.outputs)):
            yield k, f"{len(handed)} operands and {len(ends)} values, for other numbers in its body"
            continue
        for (view, rows), buffer in zip(
            [*handed, *ends], [*body.inputs, *body.outputs], strict=True
        ):
            if view.panel:
                continue
            size, own = prod(view.shape) * view.dtype.itemsize, buffer.bytes * rows
            if size not in (own, own * kernel.parts):
                yield k, f"{size} bytes are handed over where its body has {own}"


RULES: dict[str, Callable[[Program], Broken]] = {
    "a kernel stays within its memory": _beside,
    "what is read was written before": _unwritten,
    "two that are needed at once lie in two places": _shared,
    "operands have the shape of their loop": _ill_shaped,
    "members of a loop are in order": _too_early,
    "a scan hands its body what that takes": _ill_handed,
}
