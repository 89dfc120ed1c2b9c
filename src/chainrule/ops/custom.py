"""Ops of the user's own: a value and a local gradient, and every reader comes with them."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType
from typing import Any

import numpy as np

from ..graph.errors import ShapeError, UsageError
from .family import Elementwise


def elementwise(
    forward: Callable[..., Any],
    local: Callable[..., tuple],
    name: str | None = None,
    latex: str | None = None,
    domain: tuple[tuple[float, float], ...] | None = None,
    words: str = "",
) -> Elementwise:
    """An elementwise op from its value and its local gradient, to be called like any other.

    `forward(xp, *xs)` computes the value with the array namespace `xp`; `local(y, *xs)` gives
    the local gradient by each operand as a tuple, written with chainrule's functions and
    operators, so that it can be differentiated, drawn and derived in turn.
    Raises: UsageError where an operand count cannot be read off `forward`.

    >>> import chainrule as cr
    >>> cube = cr.elementwise(lambda xp, x: x * x * x, lambda y, x: (3.0 * x * x,), name="cube")
    >>> float(cube(2.0)), float(cr.grad(cube)(2.0)), float(cr.grad(cr.grad(cube))(2.0))
    (8.0, 12.0, 12.0)
    """
    if not callable(local):
        raise UsageError(f"elementwise: local is {local!r}; give a function of (y, *operands)")
    if not isinstance(name, (str, NoneType)):
        raise UsageError(f"elementwise: name={name!r}; give a text")
    code = getattr(forward, "__code__", None)
    if code is None or code.co_argcount < 2:
        raise UsageError("elementwise: forward takes the namespace and at least one operand")
    arity = code.co_argcount - 1
    title = name or (forward.__name__ if forward.__name__ != "<lambda>" else "custom")
    operands = ", ".join(f"#{k + 1}" for k in range(arity))
    body = {
        "__doc__": f"{title}, as the user defined it.",
        "name": title,
        "latex": latex or rf"\operatorname{{{title}}}\left({operands}\right)",
        "takes": (0,) * arity,
        "words": words or "scales the upstream gradient by the local gradient given for it",
        "source": "given by the user",
        "domain": domain or ((-2.0, 2.0),) * arity,
        "forward": lambda self, xp, *xs: _value(title, forward(xp, *xs), xs),
        "local": lambda self, y, *xs: _locals(title, local(y, *xs), y, arity),
    }
    return type(title.title().replace("_", "") or "Custom", (Elementwise,), body)()


def _value(title: str, made: Any, xs: tuple) -> Any:
    """What the user's forward gave, if it is elementwise; other kinds than arrays pass."""
    if not all(isinstance(x, (np.ndarray, np.generic, float, int, bool)) for x in xs):
        return made
    wanted = np.broadcast_shapes(*(np.shape(x) for x in xs))
    found = np.asarray(made)
    if found.shape != wanted or found.dtype.kind not in "biuf":
        raise ShapeError(
            f"{title}: forward gave {found.dtype} {found.shape} for operands of shape {wanted}; "
            "an elementwise op gives a number for every element"
        )
    return made


def _locals(title: str, found: Any, y: Any, arity: int) -> tuple:
    """The user's local gradients, one for each operand."""
    if not isinstance(found, tuple) or len(found) != arity:
        what = f"{len(found)} of them" if isinstance(found, tuple) else type(found).__name__
        raise UsageError(
            f"{title}: local must give a tuple of {arity}, the derivative by each operand; it "
            f"gave {what}"
        )
    return tuple(_checked(title, d, y) for d in found)


def _checked(title: str, d: Any, y: Any) -> Any:
    if callable(d):
        return lambda: _checked(title, d(), y)
    if d is None or isinstance(d, (int, float)):
        return d
    shape = getattr(d, "shape", None)
    if shape is None or np.broadcast_shapes(tuple(shape), tuple(y.shape)) != tuple(y.shape):
        what = f"of shape {shape}" if shape is not None else type(d).__name__
        raise ShapeError(
            f"{title}: a local gradient is {what}, the value {tuple(y.shape)}; it must have "
            "a number for every element"
        )
    return d
