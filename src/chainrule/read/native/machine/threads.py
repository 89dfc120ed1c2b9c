"""Several cores for one kernel: a shared ticket counter, and workers that spin for a while.

A kernel that is worth it is cut into parts along an axis that no sum runs over, so its numbers do
not depend on how many threads there are, nor on which of them takes which part. The caller takes
parts too: a worker that is asleep costs nothing but its help. A worker that was put aside while it
had a part is waited for; where that happens, the caller works alone for a while, longer each time.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import platform
import threading
import time
from functools import cache

import numpy as np

from ....graph.errors import UsageError

SPINS = 5_000  # rounds a worker waits for the next kernel before it rests: about 0.2 ms
AGAIN = SPINS - 50  # where it goes on counting after a rest
NAPS = 200, 2200  # rests of 50 µs, then of 1 ms, before it goes back to Python, which is slow
PATIENCE = 20_000  # cycles beyond the caller's own after which a worker counts as put aside
CREDIT = 20_000_000, 200_000_000  # cycles that workers may cost: before they save any, at most
ALONE = 16, 1024  # how many times as long as it waited the caller works alone: at first, at most
ASIDE = 500_000_000  # cycles that it works alone at most: others' work on these cores ends too
QUIET = 0.05, 0.5  # seconds for which no worker is woken after a program with such a wait

# Of the environment, in this order: the last two are what NumPy's own products keep to.
VARIABLES = (
    "CHAINRULE_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
)  # fmt: skip

# Where in the shared memory: what is written by different threads has lines of its own.
STATE, WORK, TABLE, LIMIT, BUSY, STOP, DONE, REST, FINE, STALLS, SAVED, SIZE = (
    0, 64, 72, 80, 88, 96, 128, 192, 200, 208, 216, 256
)  # fmt: skip

X86 = platform.machine() in ("x86_64", "AMD64")
POSIX = os.name == "posix"
PAUSE = "  call void @llvm.x86.sse2.pause()" if X86 else ""
YIELD = "  %yielded = call i32 @sched_yield()" if POSIX else ""
NAP = "  %napped = call i32 @usleep(i32 %length)" if POSIX else ""
CYCLES = "call i64 @llvm.readcyclecounter()" if X86 else "add i64 0, 0"
DECLARED = "\n".join(
    text for text, there in (
        ("declare void @llvm.x86.sse2.pause()", X86),
        ("declare i64 @llvm.readcyclecounter()", X86),
        ("declare i32 @sched_yield()", POSIX),
    ) if there
)  # fmt: skip
PLACES = "\n".join(
    f"  %at.{name} = getelementptr i8, ptr %shared, i64 {offset}"
    for name, offset in (
        ("work", WORK), ("table", TABLE), ("limit", LIMIT), ("busy", BUSY), ("done", DONE),
        ("rest", REST), ("fine", FINE), ("stalls", STALLS),
        ("stop", STOP), ("saved", SAVED),
    )
)  # fmt: skip

# The state is one word: the number of the kernel, how many parts it has, the next part's number.
# A ticket is taken by adding 1, so what it says of the parts belongs to the same kernel. Tickets
# beyond the last part are at most as many as there are workers: 16 bits hold them.
TEXT = f"""
@shared = internal global ptr null

define internal void @together(ptr %work, ptr %table, i64 %parts) noinline {{
  %shared = load ptr, ptr @shared
  %alone = icmp eq ptr %shared, null
  br i1 %alone, label %whole, label %ask
whole:
  call void %work(ptr %table, i64 0, i64 1)
  ret void
ask:
{PLACES}
  %begun = {CYCLES}
  %until = load i64, ptr %at.rest
  %resting = icmp ult i64 %begun, %until
  br i1 %resting, label %whole, label %open
open:
  store ptr %work, ptr %at.work
  store ptr %table, ptr %at.table
  store atomic i64 0, ptr %at.done monotonic, align 8
  %old = load atomic i64, ptr %shared monotonic, align 8
  %number = lshr i64 %old, 32
  %number.next = add i64 %number, 1
  %high = shl i64 %number.next, 32
  %middle = shl i64 %parts, 16
  %new = or i64 %high, %middle
  store atomic i64 %new, ptr %shared release, align 8
  br label %take
take:
  %mine = phi i64 [ 0, %open ], [ %mine.next, %do ]
  %ticket = atomicrmw add ptr %shared, i64 1 acq_rel
  %part = and i64 %ticket, 65535
  %more = icmp ult i64 %part, %parts
  br i1 %more, label %do, label %leave
do:
  call void %work(ptr %table, i64 %part, i64 %parts)
  %counted = atomicrmw add ptr %at.done, i64 1 acq_rel
  %mine.next = add i64 %mine, 1
  br label %take
leave:
  %left = {CYCLES}
  %took = sub i64 %left, %begun
  %most = add i64 %took, {PATIENCE}
  br label %wait
wait:
{PAUSE}
  %done = load atomic i64, ptr %at.done acquire, align 8
  %all = icmp uge i64 %done, %parts
  br i1 %all, label %soon, label %late
late:
  %now = {CYCLES}
  %waited = sub i64 %now, %left
  %aside = icmp ugt i64 %waited, %most
  br i1 %aside, label %aside.wait, label %wait
aside.wait:
{YIELD}
  %done.late = load atomic i64, ptr %at.done acquire, align 8
  %all.late = icmp uge i64 %done.late, %parts
  br i1 %all.late, label %settle, label %aside.wait
settle:
  %end.late = {CYCLES}
  %lost = sub i64 %end.late, %left
  %saved.before = load i64, ptr %at.saved
  %saved.after = sub i64 %saved.before, %lost
  %spent = icmp slt i64 %saved.after, 0
  %saved.next = select i1 %spent, i64 0, i64 %saved.after
  store i64 %saved.next, ptr %at.saved
  br i1 %spent, label %punish, label %end
punish:
  %fine = load i64, ptr %at.fine
  %twice = shl i64 %fine, 1
  %least = icmp ult i64 %twice, {ALONE[0]}
  %grown = select i1 %least, i64 {ALONE[0]}, i64 %twice
  %over = icmp ugt i64 %grown, {ALONE[1]}
  %fine.next = select i1 %over, i64 {ALONE[1]}, i64 %grown
  store i64 %fine.next, ptr %at.fine
  %alone.long = mul i64 %lost, %fine.next
  %alone.short = icmp ult i64 %alone.long, {ASIDE}
  %alone.for = select i1 %alone.short, i64 %alone.long, i64 {ASIDE}
  %until.next = add i64 %end.late, %alone.for
  store i64 %until.next, ptr %at.rest
  %stalls = load i64, ptr %at.stalls
  %stalls.next = add i64 %stalls, 1
  store i64 %stalls.next, ptr %at.stalls
  ret void
soon:
  %saved.old = load i64, ptr %at.saved
  %others = sub i64 %parts, %mine
  %share = mul i64 %took, %others
  %helped = udiv i64 %share, %parts
  %saved.more = add i64 %saved.old, %helped
  %full = icmp ugt i64 %saved.more, {CREDIT[1]}
  %saved.now = select i1 %full, i64 {CREDIT[1]}, i64 %saved.more
  store i64 %saved.now, ptr %at.saved
  %fine.old = load i64, ptr %at.fine
  %forgiven = icmp eq i64 %fine.old, 0
  br i1 %forgiven, label %end, label %forgive
forgive:
  %fine.less = sub i64 %fine.old, 1
  store i64 %fine.less, ptr %at.fine
  br label %end
end:
  ret void
}}
"""

WORKER = f"""
{DECLARED}
{"declare i32 @usleep(i32)" if POSIX else ""}
define void @worker(ptr %shared, i64 %index) {{
{PLACES}
  br label %look
look:
  %spins = phi i64 [ 0, %0 ], [ %spins.next, %rest ], [ 0, %do ], [ 0, %take ], [ {AGAIN}, %nap ]
  %naps = phi i64 [ 0, %0 ], [ %naps, %rest ], [ 0, %do ], [ %naps, %take ], [ %naps.next, %nap ]
  %seen = load atomic i64, ptr %shared acquire, align 8
  %limit = load atomic i64, ptr %at.limit monotonic, align 8
  %next = and i64 %seen, 65535
  %shifted = lshr i64 %seen, 16
  %many = and i64 %shifted, 65535
  %any = icmp ult i64 %next, %many
  %asked = icmp ult i64 %index, %limit
  %open = and i1 %any, %asked
  br i1 %open, label %take, label %rest
rest:
{PAUSE}
  %spins.next = add i64 %spins, 1
  %tired = icmp uge i64 %spins.next, {SPINS}
  br i1 %tired, label %tired.out, label %look
take:
  %ticket = atomicrmw add ptr %shared, i64 1 acq_rel
  %part = and i64 %ticket, 65535
  %ticket.shifted = lshr i64 %ticket, 16
  %parts = and i64 %ticket.shifted, 65535
  %mine = icmp ult i64 %part, %parts
  br i1 %mine, label %do, label %look
do:
  %work = load ptr, ptr %at.work
  %table = load ptr, ptr %at.table
  call void %work(ptr %table, i64 %part, i64 %parts)
  %counted = atomicrmw add ptr %at.done, i64 1 acq_rel
  br label %look
tired.out:
  %busy = load atomic i64, ptr %at.busy monotonic, align 8
  %on = icmp ne i64 %busy, 0
  %naps.next = add i64 %naps, 1
  %often = icmp ult i64 %naps, {NAPS[0]}
  %short = or i1 %on, %often
  %length = select i1 %short, i32 50, i32 1000
  %awake = icmp ult i64 %naps, {NAPS[1]}
  %stays = or i1 %on, %awake
  %stop = load atomic i64, ptr %at.stop monotonic, align 8
  %goes.on = icmp eq i64 %stop, 0
  %stays.here = and i1 %stays, %goes.on
  %can = and i1 %stays.here, {"true" if POSIX else "false"}
  br i1 %can, label %nap, label %sleep
nap:
{NAP}
  br label %look
sleep:
  ret void
}}
"""


def wanted(threads: int | None = None) -> int:
    """How many threads a kernel may use: as asked, or the environment's word, or all cores.

    Raises: UsageError for what is no positive number.
    """
    if threads is not None:
        if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
            raise UsageError(
                f"threads={threads!r}: it is how many cores a kernel may use, "
                "a whole number from 1 on, or None for all"
            )
        return min(threads, 256)
    for name in VARIABLES:
        text = os.environ.get(name, "").split(",")[0].strip()
        if text.isdigit() and int(text) > 0:
            return min(int(text), 256)
    cores = getattr(os, "sched_getaffinity", None)
    return min(len(cores(0)) if cores else os.cpu_count() or 1, 16)


class Pool:
    """The workers of this process, asleep until a program begins that can use them."""

    def __init__(self) -> None:
        from .engine import Code

        self.memory = np.zeros(64 + SIZE, np.uint8)
        self.address = -(-self.memory.ctypes.data // 64) * 64
        begin = self.address - self.memory.ctypes.data
        self.words = self.memory[begin : begin + SIZE].view(np.int64)
        self.words[SAVED // 8] = CREDIT[0]
        self.code = Code(WORKER)
        address = self.code.engine.get_function_address("worker")
        self.worker = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(address)
        self.lock = threading.Lock()  # held by the program that the workers help
        self.counting = threading.Lock()
        self.asleep = self.count = 0
        self.closed = False
        self.stalls, self.quiet, self.until = 0, 0.0, 0.0  # seconds without workers, and their end
        self.door = threading.Semaphore(0)

    def _work(self, index: int) -> None:
        while not self.closed:
            self.door.acquire()
            busy = True
            while busy and not self.closed:
                self.worker(self.address, index)
                with self.counting:
                    busy = bool(self.words[BUSY // 8])
                    self.asleep += not busy

    def enter(self, threads: int) -> bool:
        """Have workers help, so that at most that many threads work; False if they are taken."""
        if time.monotonic() < self.until or not self.lock.acquire(blocking=False):
            return False
        while self.count < threads - 1:
            named = {"name": f"chainrule-{self.count + 1}", "daemon": True}
            threading.Thread(target=self._work, args=(self.count,), **named).start()
            self.count += 1
            self.asleep += 1
        with self.counting:
            self.words[LIMIT // 8] = threads - 1
            self.words[BUSY // 8] = 1
            asleep, self.asleep = self.asleep, 0
        for _ in range(asleep):
            self.door.release()
        return True

    def leave(self) -> None:
        """The program is done: workers that find nothing to do go to sleep."""
        self.words[BUSY // 8] = 0
        stalls = int(self.words[STALLS // 8])
        if stalls != self.stalls:  # to wake a worker costs time too, where every core is taken
            self.quiet = min(2 * self.quiet + QUIET[0], QUIET[1])
            self.until = time.monotonic() + self.quiet
            self.stalls = stalls
        else:
            self.quiet *= 0.9
        self.lock.release()

    def close(self) -> None:
        """Wait until no worker runs code that is about to be freed."""
        self.closed = True
        self.words[STOP // 8] = 1
        end = time.monotonic() + 1.0
        while self.asleep < self.count and time.monotonic() < end:
            time.sleep(0.001)


@cache
def pool() -> Pool:
    """The workers of this process, made when first asked for."""
    made = Pool()
    atexit.register(made.close)
    return made


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=pool.cache_clear)
