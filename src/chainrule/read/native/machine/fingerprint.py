"""What a traced graph is called on disk: all that its machine code depends on, as bytes.

Code that is kept can then be found before a pass has run or a line of it is written. It depends on
the graph, on what was asked of the compiler, and on the compiler itself: its own sources, and what
`engine.host` says of machine and LLVM. A graph with anything in it that cannot be told apart by
what is written here (an op defined elsewhere, a function in a field) has no fingerprint; its code
is found by its text.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ....graph.node import Input
from ....graph.op import Op
from ....graph.walk import Graph

PACKAGE = __name__.partition(".")[0]
AS_WRITTEN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))


class UnknownError(Exception):
    """Something has no fingerprint."""


def fingerprint(graph: Graph, *asked: Any) -> bytes | None:
    """The bytes that stand for a graph and for what was asked of the compiler, if there are any."""
    try:
        told = repr((_graph(graph), _plain(asked), compiler()))
    except UnknownError:
        return None
    return told.encode()


def _graph(graph: Graph) -> tuple:
    """Every node with its op, the op's parameters, and the places of its operands."""
    places = {n: k for k, n in enumerate(graph.inputs)}
    given = tuple(_input(n) for n in graph.inputs)
    nodes = []
    for node in graph.order:
        if node not in places:
            places[node] = len(places)
            nodes.append((*_op(node.op), *[places[i] for i in node.inputs]))
    return given, tuple(nodes), tuple(places[n] for n in graph.outputs)


def _input(node: Any) -> tuple:
    return _plain(node.spec), node.weak


def _op(op: Any) -> tuple:
    kind = type(op)
    if kind is Input or not _ours(kind):  # an input that the graph does not name
        raise UnknownError
    fields = vars(op)
    return (kind.__name__, *[(k, _plain(v)) for k, v in fields.items()]) if fields else (
        kind.__name__,
    )  # fmt: skip


@cache
def _ours(kind: type) -> bool:
    """Whether a class is the one that our own sources define under its name."""
    module = kind.__module__
    if module.partition(".")[0] != PACKAGE:
        return False
    source, name = sys.modules.get(module), getattr(kind, "name", "")
    made = getattr(source, name, None) if isinstance(name, str) else None  # by a table of ops
    return getattr(source, kind.__qualname__, None) is kind or type(made) is kind


def _plain(x: Any) -> Any:
    """A value as one whose `repr` says all of it."""
    kind = type(x)
    if kind in AS_WRITTEN:
        return x
    if isinstance(x, np.dtype):
        return "dtype", x.str
    if isinstance(x, (tuple, list)):
        return kind.__name__, *map(_plain, x)
    if isinstance(x, (frozenset, set)):
        return kind.__name__, *sorted(map(repr, map(_plain, x)))
    if kind is slice:
        return "slice", _plain((x.start, x.stop, x.step))
    if isinstance(x, np.generic):
        return "number", x.dtype.str, x.tobytes()
    if isinstance(x, Graph):
        return "graph", *_graph(x)
    if isinstance(x, Op):
        return "op", *_op(x)
    raise UnknownError


@cache
def compiler() -> str:
    """A digest that changes whenever our own sources may have: of their places, sizes and times."""
    found = blake2b(digest_size=16)
    root = Path(__file__).resolve().parents[2]
    for name, size, time in sorted(_sources(str(root))):
        found.update(f"{name}\n{size}\n{time}\n".encode())
    return found.hexdigest()


def _sources(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                known = entry.stat()
                yield entry.path, known.st_size, known.st_mtime_ns
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _sources(entry.path)
