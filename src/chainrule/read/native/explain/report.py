"""What a compiled function became, in text: its passes, its kernels, how far from the limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from math import prod
from typing import Any

from ....graph.errors import UsageError
from ....graph.node import Constant, Input, Node, Pick
from ....graph.op import Spec
from ....graph.walk import Graph
from ....ops.scan import Scan
from ..passes.levels import everywhere
from ..pipeline import OF_GRAPHS, OF_PROGRAMS
from ..plain import Plain
from ..plan.planner import plan
from ..program import Branch, Eager, Loop, Program, Rows, Steps, View
from ..work import Work, of_kernel, of_program, reads, writes
from .diffs import diff, lines_of
from .roofline import bound, share

SHOWN = 8  # ops of a pass that are told by name
UNITS = ("", "k", "M", "G", "T")


def explained(
    name: str, graph: Graph, run: Any, names: Sequence[str], without: Collection[str] = (),
    of: str = "",
) -> str:  # fmt: skip
    """All that there is to tell of a function compiled to `run` from the graph that was traced;
    `of` one pass, what it changed line by line."""
    if isinstance(run, Plain):
        return (
            f"{name}: no machine code: {run.reason}. NumPy computes {len(graph.order)} ops in turn."
        )
    if of:
        return _pass(graph, of, names, without)
    program: Program = run.program
    lines = [_head(name, graph, program), "", "Passes (ops before → after; − gone, + new)"]
    lines += [*_passes(graph, without), *_afterwards(run.counts, without)]
    lines += ["", "Program (what lies between kernels is in one arena, at @byte)"]
    lines += _kernels(program, _Names(program, names), "")
    total = of_program(program)
    lines += ["", f"In all: {_work(total)}"]
    lines += share(run)
    lines += ["", *_left(program)]
    return "\n".join(lines)


def _head(name: str, graph: Graph, program: Program) -> str:
    kernels = sum(1 for k in program.kernels if not isinstance(k, Eager))
    counts = ((len(graph.inputs), "input"), (len(graph.outputs), "output"), (kernels, "kernel"))
    told = ", ".join(f"{n} {what}{'' if n == 1 else 's'}" for n, what in counts)
    return f"{name}: {told}, arena {_size(program.arena, 'B')}"


# Passes ---------------------------------------------------------------------------------------


def _passes(graph: Graph, without: Collection[str]) -> list[str]:
    found = []
    for one in OF_GRAPHS:
        if one.name in without:
            found.append(f"  {one.name:<9} switched off")
            continue
        before = _ops(graph)
        graph, count = everywhere(graph, one.run)
        after = _ops(graph)
        if before == after and not count:
            found.append(f"  {one.name:<9} {_total(before):>4}          nothing to do")
            continue
        changed = [*_listed("−", before - after), *_listed("+", after - before)]
        told = "  ".join(changed) or "the same ops, otherwise connected"
        found.append(f"  {one.name:<9} {_total(before):>4} → {_total(after):<4}   {told}")
    return found


def _afterwards(counts: Mapping[str, int], without: Collection[str]) -> list[str]:
    """What follows on the passes, on the way to the program."""
    found = []
    for name, _, _, what in OF_PROGRAMS:
        told = f"{counts[name]:>4} {what}" if counts[name] else f"{'':13} nothing to do"
        found.append(f"  {name:<9} {'switched off' if name in without else told}")
    return found


def _pass(graph: Graph, of: str, names: Sequence[str], without: Collection[str]) -> str:
    """What one pass changed, as often as it ran."""
    if of not in {one.name for one in OF_GRAPHS}:
        named = ", ".join(dict.fromkeys(one.name for one in OF_GRAPHS))
        raise UsageError(f"explain: there is no pass {of!r} that changes the graph; {named} do")
    found, traced = [], lines_of(graph)
    for one in OF_GRAPHS:
        if one.name in without:
            continue
        if one.name == of:
            changed, graph = diff(graph, one, names, traced)
            found.append("\n".join(changed))
        else:
            graph, _ = everywhere(graph, one.run)
    return "\n\n".join(filter(None, found)) or f"{of}: nothing to do"


def _ops(graph: Graph) -> Counter:
    """How often each op stands in a graph and in the bodies of its scans."""
    found: Counter = Counter()
    for node in graph.order:
        if isinstance(node.op, (Input, Constant, Pick)):
            continue
        found[node.op.name] += 1
        if isinstance(node.op, Scan):
            found += _ops(node.op.body)
    return found


def _total(ops: Counter) -> int:
    return sum(ops.values())


def _listed(sign: str, ops: Counter) -> list[str]:
    told = [
        f"{sign}{n if n > 1 else ''} {op}".replace("  ", " ") for op, n in ops.most_common(SHOWN)
    ]
    rest = _total(ops) - sum(n for _, n in ops.most_common(SHOWN))
    return told + ([f"{sign}{rest} others"] if rest else [])


# Program --------------------------------------------------------------------------------------


class _Names:
    """What the buffers of a program are called: arguments, results, places in the arena."""

    def __init__(self, program: Program, names: Sequence[str]):
        more = [f"outside {k}" for k in range(len(program.inputs) - len(names))]
        self.known = dict(zip(program.inputs, [*names, *more], strict=True))
        self.known |= {b: f"result {k}" for k, b in enumerate(program.outputs)}

    def of(self, view: View) -> str:
        """The name of the buffer that a view looks at, with a hint of how it looks."""
        known = self.known.get(view.buffer, f"@{view.buffer.start}")
        return known if prod(view.shape) >= prod(view.buffer.shape) else f"part of {known}"


def _kernels(program: Program, names: _Names, indent: str) -> list[str]:
    lines = []
    for k, kernel in enumerate(program.kernels):
        work = of_kernel(kernel)
        lines.append(f"{indent}  {k:>2} {_what(kernel)}")
        lines.append(f"{indent}       {_moved(kernel, names)}")
        for body, handed in _bodies(kernel):
            lines += _kernels(body, _Names(body, handed), indent + "     ")
        limit = bound(kernel)
        lines.append(f"{indent}       {_work(work)}" + (f"; {limit}" if limit else ""))
    return lines


def _what(kernel: Any) -> str:
    if isinstance(kernel, Steps):
        way = "last first" if kernel.reverse else "in order"
        return f"scan of {kernel.length} steps, {way}, arena {_size(kernel.body.arena, 'B')}"
    if isinstance(kernel, Loop):
        product = kernel.product
        kind = "loop" if product is None else f"product over {product.operands[0].shape[-1]}"
        members = Counter(_called(m) for m in kernel.members)
        told = ", ".join(f"{n} {m}" if n > 1 else m for m, n in members.items())
        return f"{kind} {_shape(kernel.shape)}: {told}"
    if isinstance(kernel, Branch):
        counts = len(kernel.then.kernels), len(kernel.other.kernels)
        return f"branch: {counts[0]} kernels where the condition holds, else {counts[1]}"
    if isinstance(kernel, Rows):
        return f"rows at indices: {kernel.node.op.name}"
    return f"NumPy: {kernel.node.op}"


def _called(member: Any) -> str:
    if member.kind == "map":
        return member.node.op.name
    return {"product": "matmul", "copy": "copy"}.get(member.kind, f"{member.kind} over axes")


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "of one element"


def _bodies(kernel: Any) -> list[tuple[Program, list[str]]]:
    """The programs within a kernel, and what their inputs are called."""
    if isinstance(kernel, Branch):
        found = (kernel.then, kernel.other)
        return [(p, [f"operand {k}" for k in range(len(p.inputs))]) for p in found]
    return [(kernel.body, _inside(kernel))] if isinstance(kernel, Steps) else []


def _inside(kernel: Steps) -> list[str]:
    counts = (len(kernel.carries), len(kernel.xs), len(kernel.constants))
    kinds = ("carry", "row of xs", "constant")
    found = [f"{kind} {k}" for kind, n in zip(kinds, counts, strict=True) for k in range(n)]
    laid = kernel.body.panels
    return [*found[: len(found) - len(laid)], *(f"panels of {found[p.place]}" for p in laid)]


def _moved(kernel: Any, names: _Names) -> str:
    read = ", ".join(dict.fromkeys(names.of(v) for v in reads(kernel)))
    written = ", ".join(dict.fromkeys(names.of(v) for v in writes(kernel)))
    return f"reads {read or 'nothing'}; writes {written or 'nothing'}"


def _left(program: Program) -> list[str]:
    """Which ops NumPy computes, and why."""
    found = Counter(_eager(program))
    if not found:
        return ["Left to NumPy: nothing; one call from Python runs it all"]
    return ["Left to NumPy:", *(f"  {n} {told}" for told, n in found.items())]


def _eager(program: Program) -> list[str]:
    found = []
    for kernel in program.kernels:
        if isinstance(kernel, Eager):
            found.append(f"{kernel.node.op.name}: {_reason(kernel.node)}")
        for body, _ in _bodies(kernel):
            found += _eager(body)
    return found


def _reason(node: Node) -> str:
    """Why an op is not machine code."""
    op = node.op
    inside = [getattr(op, name) for name in ("body", "then", "other") if hasattr(op, name)]
    if inside:
        left = dict.fromkeys(x for graph in inside for x in _eager(plan(graph)))
        return f"runs op by op, since its body holds {', '.join(left) or 'what has no code'}"
    kinds = {str(n.dtype) for n in (node, *node.inputs) if isinstance(n.spec, Spec)}
    odd = sorted(kinds & {"float16", "complex64", "complex128", "longdouble"})
    return f"there is no code for {odd[0]}" if odd else "this op has no code of its own here"


def _work(work: Work) -> str:
    return (
        f"{_size(work.operations, 'flop')}, {_size(work.read, 'B')} read, "
        f"{_size(work.written, 'B')} written"
    )


def _size(n: float, unit: str) -> str:
    """A number with three digits and its unit.

    >>> _size(0, "B"), _size(999, "B"), _size(33_000, "B"), _size(1_048_576, "flop")
    ('0 B', '999 B', '33.0 kB', '1.05 Mflop')
    """
    k = 0
    while n >= 999.5 and k < len(UNITS) - 1:
        n, k = n / 1000, k + 1
    digits = 0 if k == 0 or n >= 99.95 else 1 if n >= 9.995 else 2
    return f"{n:.{digits}f} {UNITS[k]}{unit}"


# Code -----------------------------------------------------------------------------------------


def ir(run: Any) -> str:
    """LLVM's code as it was written, and after LLVM's passes."""
    if isinstance(run, Plain):
        return f"; no machine code: {run.reason}"
    return f"; as written\n{run.text}\n; after LLVM's passes\n{run.code.ir}"


def asm(run: Any) -> str:
    """The machine's instructions."""
    return f"# no machine code: {run.reason}" if isinstance(run, Plain) else run.code.asm
