"""What a compiled function is handed, and hands back, besides numbers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from enum import Enum
from inspect import getmro
from types import ModuleType
from typing import Any

import numpy as np

from ..eager.tensor import Tensor
from ..graph.caller import Line, made_at
from ..graph.errors import TracingError, UsageError
from ..graph.node import Node
from ..graph.spelling import told_type

UNFINISHED = (Iterator, Coroutine, AsyncGenerator)
INSTEAD = (
    "a dict, a tuple, a NamedTuple, or a class that is marked with @chainrule.nn.layer, so that "
    "its arrays are seen"
)


def refuse_objects(leaves: list) -> None:
    """Raise for an argument that could change without being told apart from what it was."""
    for x in leaves:
        if type(x) in (np.ndarray, np.memmap, Tensor) or isinstance(x, np.generic):
            continue
        if _is_data(x) or not _told_apart(x):
            raise UsageError(
                f"compile: an argument holds {told_type(x)}, which is neither numbers nor a "
                f"setting that can be compared; give an array, as np.asarray makes it, or {INSTEAD}"
            )
        if type(x).__eq__ is object.__eq__ and _attributes(x) and not _fixed(x):
            raise UsageError(
                f"compile: an argument holds {told_type(x)}; if its attributes changed, "
                f"nobody could tell, and the old values would count: give {INSTEAD}"
            )


def refuse_hidden(f: Callable, results: list) -> None:
    """Raise for a result that holds traced values where nobody finds them."""
    for y in results:
        inside = y if isinstance(y, (set, frozenset)) else _attributes(y).values()
        hidden = next((x for x in inside if type(x) is Node), None)
        if hidden is None and not isinstance(y, UNFINISHED):
            continue
        called = getattr(f, "__name__", repr(f))
        why = "which would run later" if hidden is None else "with traced values in it"
        code = getattr(f, "__code__", None)
        line = getattr(hidden, "line", None) or (Line(code, 0) if code else None)
        raise TracingError(
            f"compile: {called} returns {told_type(y)}, {why}; return "
            + ("a list" if hidden is None else INSTEAD)
            + made_at(line)
        )


def _is_data(x: Any) -> bool:
    """Whether it is an array of somebody else's."""
    return hasattr(x, "__array__") and not isinstance(x, type)


def _told_apart(x: Any) -> bool:
    try:
        hash(x)
    except (TypeError, ValueError):  # a memory view of what can be written
        return False
    return True


def _fixed(x: Any) -> bool:
    """Whether it is code, one of a fixed set of values, or of a class of ours."""
    ours = type(x).__module__.partition(".")[0] == __name__.partition(".")[0]
    return ours or callable(x) or isinstance(x, (Enum, ModuleType))


def _attributes(x: Any) -> dict[str, Any]:
    """What an object has of its own."""
    found = dict(getattr(x, "__dict__", None) or {}) if not isinstance(x, type) else {}
    for kind in getmro(type(x)):
        slots: Any = vars(kind).get("__slots__", ())
        names = (slots,) if isinstance(slots, str) else slots
        found |= {name: getattr(x, name) for name in names if hasattr(x, name)}
    return found
