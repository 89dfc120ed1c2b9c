"""Cut a failing program down while it still fails in the same way."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import monotonic
from typing import Any

import numpy as np

from .checks import Difference, check
from .graphs import Given, Program, Step

SECONDS = 30  # that one check may take before it counts as one that never ends


def apart(program: Program, seed: int) -> Difference | None:
    """The check in a process of its own, so that a crash is an answer too."""
    read, write = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(read)
        signal.alarm(SECONDS)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        try:
            found = check(program, seed)
            os.write(write, f"{found.kind}\n{found.text}".encode()[:60_000] if found else b"-")
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return Difference(f"crash {signal.Signals(os.WTERMSIG(status)).name}", "the process died")
    if said in ("-", ""):
        return None
    kind, _, text = said.partition("\n")
    return Difference(kind, text)


def shrink(program: Program, seed: int, kind: str, seconds: float = 60.0) -> Program:
    """The smallest program found in this time that fails in the same way."""
    until = monotonic() + seconds

    def fails(p: Program) -> bool:
        found = apart(p, seed)
        return found is not None and found.kind == kind

    while True:
        for smaller in candidates(program):
            if monotonic() > until:
                return program
            if fails(smaller):
                program = smaller
                break
        else:
            return program


def candidates(program: Program) -> Iterator[Program]:
    """Smaller programs, the boldest first."""
    if program.order:
        yield replace(program, order=0)
        yield replace(program, order=program.order - 1)
    if len(program.outputs) > 1:
        for k in program.outputs:
            yield replace(program, outputs=(k,)).pruned()
        for k in range(len(program.outputs)):
            rest = program.outputs[:k] + program.outputs[k + 1 :]
            yield replace(program, outputs=rest).pruned()
    try:
        with np.errstate(all="ignore"):
            values = program.values(program.given)
    except Exception:
        return
    yield from _other_outputs(program, values)
    yield from _cut(program, values)
    yield from _bypassed(program, values)
    yield from _bodies(program)
    yield from _plainer(program)


def _arrays(program: Program, values: dict) -> list[int]:
    steps = [k for k, n in program.nodes.items() if isinstance(n, Step)]
    return [k for k in steps if hasattr(values[k], "dtype")]


def _alike(a: Any, b: Any) -> bool:
    return all(hasattr(x, "dtype") for x in (a, b)) and (a.shape, a.dtype) == (b.shape, b.dtype)


def _other_outputs(program: Program, values: dict) -> Iterator[Program]:
    """An operand of an output in its place."""
    for place, k in enumerate(program.outputs):
        node = program.nodes[k]
        if isinstance(node, Step):
            for o in node.operands:
                if hasattr(values[o], "dtype") and isinstance(program.nodes[o], Step):
                    outputs = (*program.outputs[:place], o, *program.outputs[place + 1 :])
                    yield replace(program, outputs=outputs).pruned()


def _cut(program: Program, values: dict) -> Iterator[Program]:
    """A step's value as an input."""
    for k in _arrays(program, values):
        given = Given(np.asarray(values[k]))
        yield replace(program, nodes={**program.nodes, k: given}).pruned()


def _bypassed(program: Program, values: dict) -> Iterator[Program]:
    """A step replaced by an operand of its shape and dtype."""
    for k in _arrays(program, values):
        for o in program.nodes[k].operands:
            if _alike(values[o], values[k]):
                nodes = {j: _renamed(n, k, o) for j, n in program.nodes.items() if j != k}
                outputs = tuple(o if j == k else j for j in program.outputs)
                yield replace(program, nodes=nodes, outputs=outputs).pruned()


def _renamed(node: Given | Step, old: int, new: int) -> Given | Step:
    if isinstance(node, Given) or old not in node.operands:
        return node
    return replace(node, operands=tuple(new if o == old else o for o in node.operands))


def _bodies(program: Program) -> Iterator[Program]:
    """A smaller body of a loop: a step less, with inputs and outputs as they were."""
    for k, node in program.nodes.items():
        if isinstance(node, Given) or node.body is None:
            continue
        body = node.body
        with np.errstate(all="ignore"):
            values = body.values(body.given)
        for smaller in _bypassed_body(body, values):
            yield replace(program, nodes={**program.nodes, k: replace(node, body=smaller)})


def _bypassed_body(body: Program, values: dict) -> Iterator[Program]:
    inputs = {k: n for k, n in body.nodes.items() if isinstance(n, Given)}
    for j in _arrays(body, values):
        for o, v in values.items():
            if o < j and _alike(v, values[j]):
                nodes = {i: _renamed(n, j, o) for i, n in body.nodes.items() if i != j}
                outputs = tuple(o if i == j else i for i in body.outputs)
                left = replace(body, nodes=nodes, outputs=outputs).pruned()
                yield replace(left, nodes={**inputs, **left.nodes})
                break


def _plainer(program: Program) -> Iterator[Program]:
    """Inputs of plainer numbers."""
    rounders: tuple[Callable, ...] = (np.ones_like, np.round, lambda x: np.round(x, 1))
    for k, node in program.nodes.items():
        if not isinstance(node, Given) or not isinstance(node.value, np.ndarray):
            continue
        for f in rounders if node.value.dtype.kind == "f" else rounders[:1]:
            value = f(node.value)
            if value.dtype == node.value.dtype and not np.array_equal(value, node.value):
                yield replace(program, nodes={**program.nodes, k: Given(np.asarray(value))})
                break
