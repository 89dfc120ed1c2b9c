"""What a traced function does besides returning: it would happen once, and never again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import compress, count
from operator import is_not
from reprlib import repr as short
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from ..graph.caller import Line, made_at
from ..graph.errors import TracingError
from ..graph.node import Node
from .trees import tree_flatten

INSTEAD = "return it, as one more result"
NUMBERS = {int, float, bool, complex, str}


class Before(NamedTuple):
    """What was there before a function was traced."""

    leaves: list[Any]
    structure: Any
    kept: dict[str, Any]  # beyond its own names, by how it calls them
    drawn: dict[str, str]  # where generators of random numbers stood


def surroundings(f: Callable, arguments: Any) -> Before:
    """What `f` might change of its arguments and beyond its own names."""
    leaves, structure = tree_flatten(arguments)
    return Before(leaves, structure, _kept(f), _drawn(f, leaves))


def asked(f: Callable, args: tuple, kwargs: dict) -> Any:
    """What `f` gives, where NumPy's own words for a refusal of ours are ours again."""
    try:
        return f(*args, **kwargs)
    except ValueError as error:  # y[0] = x, of an array y and a traced x
        if isinstance(error.__cause__, TracingError):
            raise error.__cause__ from None
        raise


def refuse_effects(f: Callable, before: Before, arguments: Any) -> None:
    """Raise if `f`, just traced, wrote into its arguments or left a value outside, changed a number
    there, or drew random numbers. `before` is what `surroundings` found then."""
    called = getattr(f, "__name__", repr(f))
    leaves, structure = tree_flatten(arguments)
    changed = structure != before.structure
    for old, new in zip(before.leaves, leaves, strict=False):
        if changed or old is not new:
            raise TracingError(
                f"compile: {called} writes into a container that it was handed; that would happen "
                f"while it is traced and never again: build a new one and {INSTEAD}"
                + made_at(_line(new, f))
            )
    for name, value in _outside(f):
        found = _traced(value)
        if found is not None:
            raise TracingError(
                f"compile: {called} keeps a traced value in {name}, outside of it; there is no "
                f"number yet, and later calls would not come by here: {INSTEAD}"
                + made_at(_line(found, f))
            )
    for name, old, value in _changes(f, before.kept):
        raise TracingError(
            f"compile: {called} changes {name}, outside of it, from {short(old)} to "
            f"{short(value)}; that happens while it is traced and never again: hand it over, and "
            f"{INSTEAD}" + made_at(_line(None, f))
        )
    for name, state in _drawn(f, leaves).items():
        if state != before.drawn.get(name, state):
            raise TracingError(
                f"compile: {called} draws random numbers from {name}; every call would get those "
                "that it draws while it is traced: draw them outside, and hand them over"
                + made_at(_line(None, f))
            )


def _kept(f: Callable) -> dict[str, Any]:
    """Numbers and texts beyond a function's own names; its lists and dictionaries, copied."""
    return {
        name: value.copy() if type(value) in (dict, list) else value
        for name, value in _outside(f)
        if type(value) in {*NUMBERS, dict, list}
    }


def _changes(f: Callable, kept: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Numbers beyond a function's own names that are not what they were: (name, old, new)."""
    for name, value in _outside(f):
        for part, was, now in _others(kept.get(name), value):
            if {type(was), type(now)} <= NUMBERS and repr(was) != repr(now):
                yield name + part, was, now


def _others(old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where two values hold different objects. A module's data may be a million numbers, so what
    was there is kept as it is, not written down, and compared without a loop in Python."""
    if type(old) is type(new) is dict:
        differ = compress(old.items(), map(is_not, old.values(), map(new.get, old)))
        yield from ((f"[{k!r}]", was, new.get(k)) for k, was in differ)
    elif type(old) is type(new) is list:
        differ = compress(zip(count(), old, new), map(is_not, old, new))
        yield from ((f"[{k}]", was, now) for k, was, now in differ)
    else:
        yield "", old, new


def _drawn(f: Callable, leaves: list) -> dict[str, str]:
    """Where every generator of random numbers stands that a function can draw from."""
    given = [(f"leaf {k} of its arguments", x) for k, x in enumerate(leaves)]
    made = [(n, x) for n, x in (*given, *_outside(f)) if isinstance(x, np.random.Generator)]
    found = {name: repr(x.bit_generator.state) for name, x in made}
    if any("random" in code.co_names for code, *_ in _codes(getattr(f, "__func__", f))):
        known: Any = np.random.get_state(legacy=False)  # noqa: NPY002
        key = hash(known["state"]["key"].tobytes())
        found["np.random"] = f"{key} {known['state']['pos']} {known['has_gauss']}"
        found["random"] = str(hash(random.getstate()))
    return found


def _line(x: Any, f: Callable) -> Any:
    line = getattr(x, "line", None) if type(x) is Node and x.inputs else None
    code = getattr(f, "__code__", None)
    return line or (None if code is None else Line(code, 0))


def _outside(f: Callable) -> Iterator[tuple[str, Any]]:
    """What a function can write to beyond its own names: (how it is called, what it is)."""
    owner, f = getattr(f, "__self__", None), getattr(f, "__func__", f)
    if owner is not None:
        yield from ((f"self.{k}", v) for k, v in getattr(owner, "__dict__", {}).items())
    yield from _named(f)


def _named(f: Callable) -> Iterator[tuple[str, Any]]:
    """What the names of a function stand for that are not its own; of functions in it too."""
    for code, cells, names in _codes(f):
        yield from cells.items()
        yield from ((name, names[name]) for name in code.co_names if name in names)


def _codes(f: Callable, depth: int = 4) -> Iterator[tuple[CodeType, dict, dict]]:
    """The code of a function, with what its cells and its module's names hold; of those in it."""
    code = getattr(f, "__code__", None)
    if code is None:
        return
    cells = {}
    for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True):
        with suppress(ValueError):  # a name that is not bound yet
            cells[name] = cell.cell_contents
    yield code, cells, f.__globals__
    for value in cells.values():
        if depth and hasattr(value, "__closure__"):
            yield from _codes(value, depth - 1)


def _traced(value: Any) -> Node | None:
    """A traced value in something kept outside: itself, or in a list or dictionary."""
    if type(value) is Node:
        return value
    parts = value.values() if type(value) is dict else value if type(value) in (list, set) else ()
    if Node not in map(type, parts):
        return None
    return next(x for x in parts if type(x) is Node)
