"""Emit: a program as the text of one LLVM module.

Data in: a program with places for everything. Data out: a text that defines

    @go, @enter     all of it, where nothing is left to NumPy: what Python calls
    @run0, @run2    stretches of kernels between NumPy's ops, which have the numbers in between
    @body5          the kernels of a scan's or a branch's body, called by the kernel k of that
    @k0, @k1 …      a kernel each: `void (table, part, parts)`, of which it does one part

and the stretches in the order they are run in. A kernel that is worth more than one thread is run
by `@together` (`machine/threads`), part by part. Globals: `@room`, panels of large products, each
part's beside the other's; `@sums`, what the tiles of a product come to (`kernels/products`).
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from .kernels.branch import branch
from .kernels.columns import Columns
from .kernels.loops import Nest
from .kernels.products import Tiles
from .kernels.rows import ASKED, rows
from .kernels.rows import DECLARED as OUTSIDE
from .kernels.steps import all_parts, scan
from .kernels.totals import Totals
from .kernels.turns import Turns
from .machine.threads import DECLARED, TEXT
from .plan.place import views_of
from .program import Branch, Eager, Loop, Program, Rows, Steps
from .vector import Writer, pointers_of

WORTH = 4000.0  # nanoseconds from which on a kernel is worth more than one thread
LONG = 48  # members of a loop above which it calls functions: LLVM's time is more than linear


def module(program: Program, register: int = 64, threads: int = 1) -> tuple[str, list[Any], bool]:
    """The module's text, and what is run: names of its functions and ops left to NumPy; whether
    it can use several threads."""
    text = Text(register, threads)
    stretches: list[Any] = []
    for eager, kernels in groupby(program.kernels, lambda k: isinstance(k, Eager)):
        if eager:
            stretches += kernels
        else:
            calls = [call for kernel in kernels for call in text.kernel(kernel)]
            stretches.append(text.sequence(f"run{len(stretches)}", calls))
    if program.native:
        text.functions.append(entrance(len(program.inputs) + len(program.outputs), stretches))
    declared = sorted({*text.declared, DECLARED})
    room = f"@room = internal global [{text.room} x i8] zeroinitializer, align 64"
    sums = f"@sums = internal global [{text.sums} x i8] zeroinitializer, align 64"
    written = [*declared, room, sums, TEXT, *text.inside.values(), *text.functions]
    return "\n".join(written), stretches, text.parallel


def emitted(program: Program) -> int:
    """How many kernels of a program are functions of the module, those in bodies apart."""
    return sum(not isinstance(k, Eager) for k in program.kernels)


def entrance(count: int, stretches: list[str]) -> str:
    """`go`, which runs it all; `enter`, which Python calls with addresses of array objects.

    A NumPy array's data pointer is the first field after its object head (PyArrayObject, NumPy's
    C interface); to read it here costs nothing, to ask for it in Python half a microsecond each.
    """
    calls = "\n".join(f"  call void @{name}(ptr %table)" for name in stretches)
    return f"""define void @go(ptr %table, ptr %pool) {{
  store ptr %pool, ptr @shared
{calls}
  ret void
}}
define void @enter(ptr %objects, ptr %table, ptr %pool) {{
  br label %next
next:
  %k = phi i64 [ 0, %0 ], [ %after, %array ]
  %more = icmp ult i64 %k, {count}
  br i1 %more, label %array, label %run
array:
  %place = getelementptr inbounds ptr, ptr %objects, i64 %k
  %object = load ptr, ptr %place
  %field = getelementptr inbounds i8, ptr %object, i64 {object.__basicsize__}
  %data = load ptr, ptr %field
  %after = add nuw nsw i64 %k, 1
  %slot = getelementptr inbounds ptr, ptr %table, i64 %after
  store ptr %data, ptr %slot
  br label %next
run:
  call void @go(ptr %table, ptr %pool)
  ret void
}}
"""


class Text:
    """The functions of a module as they are written."""

    def __init__(self, register: int, threads: int):
        self.register = register
        self.threads = threads
        self.shared = False  # whether a kernel needs @room or @sums, of which there is one for all
        self.parallel = False  # whether any kernel is cut into parts
        self.functions: list[str] = []
        self.inside: dict[str, str] = {}  # functions that kernels call
        self.room = 64  # bytes for the panels of all parts of one kernel
        self.sums = 64  # bytes for what the tiles of one kernel come to
        self.declared: set[str] = set()

    def kernel(self, kernel: Any) -> list[str]:
        """Functions for a kernel; gives the calls that run it."""
        if isinstance(kernel, Rows):
            self.declared.add(OUTSIDE)
            self.inside["trouble"] = ASKED
            return [self._called(self.add(rows(kernel)))]
        if isinstance(kernel, Branch):
            names = self.inner(kernel.then), self.inner(kernel.other)
            return [self._called(self.add(branch(kernel, names)))]
        if not isinstance(kernel, Steps):
            return self.loop(kernel)
        return self.steps(kernel)

    def steps(self, kernel: Steps) -> list[str]:
        """A scan; where its batch is cut, each part is one thread's through all steps."""
        if kernel.parts == 1:
            return [self._called(self.add(scan(kernel, self.inner(kernel.body))))]
        threads, self.threads, self.shared = self.threads, 1, False
        name = self.add(scan(kernel, self.inner(kernel.body)))
        self.threads = threads
        outer = self.add(all_parts(name, kernel.parts))
        if self.shared:  # kernels of the body have one place for all threads: one part at a time
            return [self._called(outer)]
        self.parallel = True
        return [f"call void @together(ptr @{outer}, ptr %table, i64 {kernel.parts})"]

    def inner(self, body: Program) -> str:
        """A function for a program inside this one."""
        return self.sequence("", [c for k in body.kernels for c in self.kernel(k)])

    def loop(self, loop: Loop) -> list[str]:
        """A loop nest: what sums begin with, then all of it, by several threads if it is long."""
        calls = []
        first = self._nest(loop)
        if first.fill():
            calls.append(self._called(self.add(first.w)))
        nest = self._nest(loop)
        parts = self.parts(nest)
        nest.cut = nest.shared_axis() if parts > 1 else None
        nest.parts = 1 if nest.cut is None else parts
        nest.write()
        self.inside |= nest.inside
        self.room = max(self.room, nest.room * parts)
        self.shared |= nest.room > 0
        name = self.add(nest.w)
        if parts > 1 and nest.cut is not None:
            self.parallel = True
            calls.append(f"call void @together(ptr @{name}, ptr %table, i64 {parts})")
        else:
            calls.append(self._called(name))
        last = self._nest(loop)
        if isinstance(last, (Totals, Tiles)) and last.totals:
            last.finish()
            calls.append(self._called(self.add(last.w)))
        if isinstance(last, Tiles) and last.totals:
            self.sums = max(self.sums, 64 * last.tiles * len(last.totals))
            self.shared = True
        return calls

    def parts(self, nest: Nest) -> int:
        """Into how many parts a kernel is cut; short ones are left whole.

        One a thread: from call to call it is then the same thread that finds the same part of a
        matrix in its own cache.
        """
        return 1 if nest.work < WORTH else self.threads

    def _nest(self, loop: Loop) -> Nest:
        w = Writer()
        w.calls = len(loop.members) > LONG
        pointers = pointers_of(w, views_of(loop))
        if loop.product:
            return Tiles(w, loop, pointers, self.register)
        for kind in (Turns, Columns, Totals):
            nest = kind(w, loop, pointers, self.register)
            if nest.fits():
                return nest
        return Nest(w, loop, pointers, self.register)

    def add(self, body: Writer) -> str:
        """A function with this body; gives its name."""
        self.declared |= body.declared
        name = f"k{len(self.functions)}"
        lines = "\n".join(body.lines)
        self.functions.append(
            f"define internal void @{name}(ptr noalias nocapture readonly %table, i64 %part, "
            f"i64 %parts) noinline {{\n{lines}\n  ret void\n}}\n"
        )
        return name

    def _called(self, name: str) -> str:
        return f"call void @{name}(ptr %table, i64 0, i64 1)"

    def sequence(self, name: str, kernels: list[str]) -> str:
        """A function that calls these in order; without a name it is one of the inside."""
        calls = "\n".join(f"  {k}" for k in kernels)
        inside = "" if name else "internal "
        name = name or f"body{len(self.functions)}"
        self.functions.append(
            f"define {inside}void @{name}(ptr %table) {{\n{calls}\n  ret void\n}}\n"
        )
        return name
