"""What a traced function does besides returning: it would happen once, and never again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..graph.caller import Line, made_at
from ..graph.errors import TracingError
from ..graph.node import Node
from .trees import tree_flatten

INSTEAD = "return it, as one more result"


def asked(f: Callable, args: tuple, kwargs: dict) -> Any:
    """What `f` gives, where NumPy's own words for a refusal of ours are ours again."""
    try:
        return f(*args, **kwargs)
    except ValueError as error:  # y[0] = x, of an array y and a traced x
        if isinstance(error.__cause__, TracingError):
            raise error.__cause__ from None
        raise


def refuse_effects(f: Callable, before: tuple[list, Any], arguments: Any) -> None:
    """Raise if `f`, just traced, wrote into its arguments or left a value outside.

    `before` is what `tree_flatten` gave for the arguments then.
    """
    called = getattr(f, "__name__", repr(f))
    leaves, structure = tree_flatten(arguments)
    changed = structure != before[1]
    for old, new in zip(before[0], leaves, strict=False):
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


def _named(f: Callable, depth: int = 4) -> Iterator[tuple[str, Any]]:
    """What the names of a function stand for that are not its own; of functions in it too."""
    code = getattr(f, "__code__", None)
    if code is None:
        return
    for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # a name that is not bound yet
            continue
        yield name, value
        if depth and hasattr(value, "__closure__"):
            yield from _named(value, depth - 1)
    for name in code.co_names:
        if name in f.__globals__:
            yield name, f.__globals__[name]


def _traced(value: Any) -> Node | None:
    """A traced value in something kept outside: itself, or in a list or dictionary."""
    if type(value) is Node:
        return value
    parts = value.values() if type(value) is dict else value if type(value) in (list, set) else ()
    return next((x for x in parts if type(x) is Node), None)
