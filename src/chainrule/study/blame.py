"""Which op is to blame: every op on the way is checked by itself, on the operands it had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..eager.tensor import Tensor, leaf
from ..graph.errors import ChainruleError, GradientError, PathError
from ..graph.node import Pick
from ..graph.op import Op
from ..graph.walk import order
from ..ops.family import Elementwise
from ..transform.watch import Alias, linked


def rule_of(op: Op, mode: str) -> str:
    """The method in which an op says what a mode reads."""
    name = type(op).__name__
    if mode == "forward" and type(op).push not in (Op.push, Elementwise.push):
        return f"{name}.push"
    return f"{name}.local" if hasattr(op, "local") else f"{name}.grad"


def guilty(f: Callable[[list[Any]], list[Any]], xs: list[Any], mode: str) -> str:
    """The rule that is wrong by itself, or all the rules that are in question."""
    from .check import check_op

    suspects: dict[Op, str] = {}
    for node in _made(f, xs):
        if node.op in suspects:
            continue
        suspects[node.op] = rule_of(node.op, mode)
        try:
            check_op(node.op, *(i._value for i in node.inputs))
        except GradientError:
            return suspects[node.op]
        except ChainruleError:
            continue
    rules = list(dict.fromkeys(suspects.values()))
    return "one of " + ", ".join(rules[:8]) if rules else "what the function computes with"


def _made(f: Callable, xs: list[Any]) -> Iterator[Tensor]:
    """What `f` computes, operands first; as for an outer transform, so that its own are seen."""
    traced = [Tensor(x, Alias(), (leaf(x),)) for x in xs]
    try:
        outputs = [y for y in f(traced) if type(y) is Tensor]
    except PathError:
        outputs = []
    for node in order(outputs):
        if node.inputs and not isinstance(node.op, (Pick, Alias, type(linked))):
            yield node
