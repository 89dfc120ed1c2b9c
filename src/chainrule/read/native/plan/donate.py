"""Donate: outputs written into the memory of inputs that the caller gives away.

Data in: a planned program, and which of its inputs are given. Data out: which output may be written
over which of them. Invariant: no kernel reads the input after the output is begun; compilers know
this as aliasing of inputs and outputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..program import Buffer, Loop, Program, Steps, View, whole
from .place import views_of


def donated(program: Program, given: Sequence[int]) -> dict[int, int]:
    """For outputs by their number, the given-away input whose memory each may be written into.

    It may where the input is read for the last time before the output is written, or by the same
    loop, at the same place, no later in its order.
    """
    found: dict[int, int] = {}
    free = list(given)
    for k, out in enumerate(program.outputs):
        for i in free:
            source = program.inputs[i]
            alike = (source.shape, source.dtype) == (out.shape, out.dtype)
            if alike and out.bytes and in_time(program, source, out):
                found[k] = i
                free.remove(i)
                break
    return found


def in_time(program: Program, source: Buffer, out: Buffer) -> bool:
    """Whether the source is read for the last time before the output is written, or just then."""
    reads, writes = (
        [k for k, kernel in enumerate(program.kernels)
         if any(v.buffer is buffer for v in views_of(kernel))]
        for buffer in (source, out)
    )  # fmt: skip
    if not reads or not writes or reads[-1] < writes[0]:
        return True
    if reads[-1] > writes[0]:
        return False
    kernel = program.kernels[writes[0]]
    if isinstance(kernel, Steps):
        return _carried(kernel, source, out)
    return isinstance(kernel, Loop) and _place_by_place(kernel, source, out)


def _carried(steps: Steps, source: Buffer, out: Buffer) -> bool:
    """Whether a scan begins with the source and ends in the output, in one place all the way."""
    given = [v for v in (*steps.carries, *steps.xs, *steps.constants) if v.buffer is source]
    return len(given) == 1 and any(
        stays and begin == whole(source) and end == whole(out)
        for stays, begin, end in zip(steps.stays, steps.carries, steps.last, strict=True)
    )


def _place_by_place(loop: Loop, source: Buffer, out: Buffer) -> bool:
    """Whether the loop reads each element of the one before it writes that of the other.

    What a loop has read at a place it keeps there: later members do not read it again.
    """
    read, written = len(loop.members), len(loop.members)
    for k, m in enumerate(loop.members):
        for x in m.operands:
            if isinstance(x, View) and x.buffer is source:
                if not _same_places(loop, x) or m.kind == "product":
                    return False
                read = min(read, k)
            if isinstance(x, View) and x.buffer is out:
                return False
        if m.store is not None and m.store.buffer is out:
            if not _same_places(loop, m.store) or m.kind not in ("map", "copy", "product"):
                return False
            written = min(written, k)
    return read <= written


def _same_places(loop: Loop, view: View) -> bool:
    plain = whole(view.buffer)
    return (view.shape, view.strides, view.offset) == (loop.shape, plain.strides, 0)


def apart(arrays: list[np.ndarray], given: Sequence[int]) -> list[np.ndarray]:
    """The arrays, with those given away copied that may not be written to, or lie in others."""
    if len(set(map(id, arrays))) == len(arrays) and all(a.base is None for a in arrays):
        shared: set[Any] = set()
    else:
        # Two that own their memory lie apart, if they are not one and the same.
        views = [k for k, a in enumerate(arrays) if a.base is not None]
        once = Counter(map(id, arrays))
        shared = {i for i in given if once[id(arrays[i])] > 1}
        shared |= {
            i for i in given for k in (range(len(arrays)) if i in views else views)
            if k != i and np.may_share_memory(arrays[i], arrays[k])
        }  # fmt: skip
    for i in given:
        if i in shared or not arrays[i].flags.writeable:
            arrays[i] = arrays[i].copy()
    return arrays
