"""Place: where in the arena everything lies; memory is used again once nobody reads it.

Data in: a program whose buffers in the arena have no place. Data out: the same program, with
`start` of each and `arena`, the bytes of all. Invariant: two buffers that are needed at once lie in
two places. A buffer is needed from the first kernel that has it to the last, and takes the lowest
gap that is free for so long:

    kernel     0    1    2    3
    a        [---------]                at byte 0
    b             [---------]           at 1024
    c                       [----]      at 0 again
"""

from __future__ import annotations

from typing import Any

from ..program import Buffer, Loop, Program, Steps, View


def place(program: Program, reuse: bool = True) -> None:
    """Places in the arena: a buffer's memory is free again after the last kernel that reads it."""
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    for k, kernel in enumerate(program.kernels):
        for view in views_of(kernel):
            if view.buffer.slot == 0:
                first.setdefault(view.buffer, k)
                last[view.buffer] = k
    taken: list[tuple[int, int, int]] = []  # start, end, last use
    for buffer, begins in sorted(first.items(), key=lambda item: item[1]):
        size = -(-buffer.bytes // 64) * 64 + 64
        taken = [t for t in taken if t[2] >= begins or not reuse]
        start = 0
        for low, high, _ in sorted(taken):
            if start + size <= low:
                break
            start = max(start, high)
        buffer.start = start
        taken.append((start, start + size, last[buffer]))
        program.arena = max(program.arena, start + size)


def shared(program: Program) -> int:
    """How many buffers lie where another one lay before."""
    places = {v.buffer for k in program.kernels for v in views_of(k) if v.buffer.slot == 0}
    count, end = 0, 0
    for buffer in sorted(places, key=lambda b: (b.start, b.bytes)):
        count += buffer.bytes > 0 and buffer.start < end
        end = max(end, buffer.start + buffer.bytes)
    return count


def views_of(kernel: Any) -> list[View]:
    """Every view that a kernel reads or writes."""
    if isinstance(kernel, Loop):
        found = []
        for m in kernel.members:
            found += [x for x in m.operands if isinstance(x, View)]
            found += [x for x in (m.store, m.sums) if x is not None]
        return found
    if isinstance(kernel, Steps):
        return kernel.views
    return [*(x for x in kernel.operands if isinstance(x, View)), *kernel.stores]
