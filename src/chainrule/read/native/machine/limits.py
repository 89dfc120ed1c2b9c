"""What this machine can do at most: arithmetic on registers, and copies in memory, measured."""

from __future__ import annotations

from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np

from .engine import Code, register

CHAINS = 12  # sums that do not wait for each other: enough to hide an addition's latency
ROUNDS = 4000
LEAST, MOST = 1 << 14, 1 << 26  # bytes that are copied


def _sums(lanes: int) -> str:
    """A function of products and sums in registers, and nothing else."""
    vector = f"<{lanes} x float>"
    half = "splat (float 0.5)"
    phis = "\n".join(f"  %s{k} = phi {vector} [ %x, %0 ], [ %n{k}, %again ]" for k in range(CHAINS))
    sums = "\n".join(
        f"  %n{k} = call {vector} @llvm.fma.v{lanes}f32({vector} %s{k}, {vector} {half}, "
        f"{vector} %x)" for k in range(CHAINS)
    )  # fmt: skip
    keep = "\n".join(f"  store volatile {vector} %n{k}, ptr %to, align 4" for k in range(CHAINS))
    return f"""
declare {vector} @llvm.fma.v{lanes}f32({vector}, {vector}, {vector})
define void @sums(ptr %to) {{
  %x = load {vector}, ptr %to, align 4
  br label %again
again:
  %i = phi i64 [ 0, %0 ], [ %i.next, %again ]
{phis}
{sums}
  %i.next = add i64 %i, 1
  %more = icmp ult i64 %i.next, {ROUNDS}
  br i1 %more, label %again, label %end
end:
{keep}
  ret void
}}
"""


def _copy(lanes: int) -> str:
    """A function that copies so many vectors, again and again."""
    vector = f"<{lanes} x float>"
    return f"""
define void @copy(ptr %job) {{
  %from = load ptr, ptr %job
  %at.to = getelementptr ptr, ptr %job, i64 1
  %to = load ptr, ptr %at.to
  %at.count = getelementptr ptr, ptr %job, i64 2
  %count = load i64, ptr %at.count
  %at.times = getelementptr ptr, ptr %job, i64 3
  %times = load i64, ptr %at.times
  br label %once
once:
  %t = phi i64 [ 0, %0 ], [ %t.next, %done ]
  br label %again
again:
  %i = phi i64 [ 0, %once ], [ %i.next, %again ]
  %a = getelementptr {vector}, ptr %from, i64 %i
  %b = getelementptr {vector}, ptr %to, i64 %i
  %x = load {vector}, ptr %a
  store {vector} %x, ptr %b
  %i.next = add i64 %i, 1
  %more = icmp ult i64 %i.next, %count
  br i1 %more, label %again, label %done
done:
  %t.next = add i64 %t, 1
  %t.more = icmp ult i64 %t.next, %times
  br i1 %t.more, label %once, label %end
end:
  ret void
}}
"""


@lru_cache(1)
def _code() -> Code:
    lanes = register() // 4
    return Code(_sums(lanes) + _copy(lanes))


@lru_cache(1)
def arithmetic() -> float:
    """Floating-point operations a second on one core, in float32."""
    to = np.ones(64, np.float32)
    lanes = register() // 4
    seconds = _fastest(_code().function("sums"), to.ctypes.data, 30)
    return 2.0 * lanes * CHAINS * ROUNDS / seconds


def bandwidth(size: int) -> float:
    """Bytes a second that one core reads and writes at most, of data of this size in all."""
    return _copied(1 << min(max(size, LEAST), MOST).bit_length() - 1)


@lru_cache(64)
def _copied(size: int) -> float:
    memory = np.zeros(size + 128, np.uint8)
    start = -(-memory.ctypes.data // 64) * 64
    half = size // 2 // register()
    times = max(1, (1 << 22) // size)  # so many that the call itself does not count
    job = np.array([start, start + half * register(), half, times], np.int64)
    seconds = _fastest(_code().function("copy"), job.ctypes.data, 5)
    return 2.0 * half * register() * times / seconds


def _fastest(f: Any, address: int, rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = perf_counter()
        f(address)
        times.append(perf_counter() - start)
    return min(times)
