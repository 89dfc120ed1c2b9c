"""Choices that only guard a point where a formula has no value: they are not written."""

from __future__ import annotations

from ...graph.node import Node
from ...ops import elementwise
from .algebra import Function, Scaled


def kept(node: Node, c: Scaled, x: Scaled, y: Scaled) -> Scaled | None:
    """Of `where`, the operand that is the formula, if the other is a number in its stead."""
    if c.number is not None:
        return x if c.number else y
    asked = _question(c)
    if asked is None:
        return None
    latex, terms = asked
    if y.number is not None and terms[0] == x:
        finite = latex == elementwise.isfinite.latex
        nonzero = latex == elementwise.not_equal.latex and terms[1].number == 0
        if finite or nonzero:
            return x
    if x.number is not None and terms[0] == y and latex == elementwise.equal.latex:
        return y if terms[1].number == 0 or _infinite(terms[1]) else None
    return None


def _question(c: Scaled) -> tuple[str, tuple[Scaled, ...]] | None:
    asked = c.body or (c.above[0] if len(c.above) == 1 else None)
    return (asked.latex, asked.arguments) if isinstance(asked, Function) else None


def _infinite(x: Scaled) -> bool:
    return any(getattr(f, "symbol", "") == r"-\infty" for f in x.above)
