"""Ops of the user's own: a value and a local gradient, and every reader comes with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph.errors import UsageError
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
        "forward": lambda self, xp, *xs: forward(xp, *xs),
        "local": lambda self, y, *xs: local(y, *xs),
    }
    return type(title.title().replace("_", "") or "Custom", (Elementwise,), body)()
