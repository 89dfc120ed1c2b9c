"""What a traced function does besides returning: it would happen once, and never again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from ..graph.caller import Line, made_at
from ..graph.errors import TracingError
from ..graph.node import Node
from .trees import tree_flatten

INSTEAD = "return it, as one more result"
NUMBERS = (int, float, bool, complex, str)


class Before(NamedTuple):
    """What was there before a function was traced."""

    leaves: list[Any]
    structure: Any
    numbers: dict[str, str]  # beyond its own names, by how it calls them
    drawn: dict[str, str]  # where generators of random numbers stood


def surroundings(f: Callable, arguments: Any) -> Before:
    """What `f` might change of its arguments and beyond its own names."""
    leaves, structure = tree_flatten(arguments)
    return Before(leaves, structure, _numbers(f), _drawn(f, leaves))


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
    for name, value in _numbers(f).items():
        old = before.numbers.get(name, value)
        if value != old:
            raise TracingError(
                f"compile: {called} changes {name}, outside of it, from {old} to {value}; that "
                f"happens while it is traced and never again: hand it over, and {INSTEAD}"
                + made_at(_line(None, f))
            )
    for name, state in _drawn(f, leaves).items():
        if state != before.drawn.get(name, state):
            raise TracingError(
                f"compile: {called} draws random numbers from {name}; every call would get those "
                "that it draws while it is traced: draw them outside, and hand them over"
                + made_at(_line(None, f))
            )


def _numbers(f: Callable) -> dict[str, str]:
    """Numbers and texts beyond a function's own names, also those in lists and dictionaries."""
    found = {}
    for name, value in _outside(f):
        if type(value) in NUMBERS:
            found[name] = repr(value)
        elif type(value) in (dict, list):
            parts = value.items() if type(value) is dict else enumerate(value)
            found |= {f"{name}[{k!r}]": repr(v) for k, v in parts if type(v) in NUMBERS}
    return found


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
    return next((x for x in parts if type(x) is Node), None)
