"""Anew: what is checkpointed is computed again when its gradient is due, not kept until then.

An op without code: it hands on its first operand, and is a barrier for what is made of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....graph.node import Constant, Node
from ....graph.op import Op


class Anew(Op):
    """The first operand, as something that nobody has read before the others were there.

    What is computed of it is not the same node as what was computed of the operand itself, so the
    two are not shared, and it is not computed before.
    """

    name = "again"

    def forward(self, xp: Any, x: Any, *others: Any) -> Any:
        return x

    def spec(self, x: Any, *others: Any) -> Any:
        return x


ANEW = Anew()


def anew(xs: Sequence[Node], count: int) -> tuple[Node, ...]:
    """The first `count` operands anew, once the others are there that are no constants."""
    others = tuple(x for x in xs[count:] if x.inputs)
    if not others:
        return tuple(xs)
    first = (x if isinstance(x.op, Constant) else Node(ANEW, (x, *others)) for x in xs[:count])
    return (*first, *xs[count:])
