"""Read a graph as plain text: a line that reads like the Python that computed it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from ..graph.node import Constant, Node, Pick
from ..graph.op import Op
from ..graph.walk import fold
from .simplify import as_nodes, named, simplify

CALL = 5
# How Python writes some ops: the sign, how tightly it binds, and what each operand must bind.
SIGNS: dict[str, tuple[str, int, tuple[int, ...]]] = {
    "add": ("{} + {}", 1, (1, 1)),
    "subtract": ("{} - {}", 1, (1, 2)),
    "multiply": ("{} * {}", 2, (2, 3)),
    "divide": ("{} / {}", 2, (2, 3)),
    "floor_divide": ("{} // {}", 2, (2, 3)),
    "remainder": ("{} % {}", 2, (2, 3)),
    "matmul": ("{} @ {}", 2, (2, 3)),
    "negative": ("-{}", 3, (3,)),
    "square": ("{} ** 2", 4, (5,)),
    "pow": ("{} ** {}", 4, (5, 4)),
    "less": ("{} < {}", 0, (1, 1)),
    "less_equal": ("{} <= {}", 0, (1, 1)),
    "greater": ("{} > {}", 0, (1, 1)),
    "greater_equal": ("{} >= {}", 0, (1, 1)),
    "equal": ("{} == {}", 0, (1, 1)),
    "not_equal": ("{} != {}", 0, (1, 1)),
}
SILENT = ("broadcast_to", "sum_to", "cast", "alias", "positive", "stop_gradient")


class Text(NamedTuple):
    """A piece of Python, and how tightly it holds together."""

    text: str
    binds: int


def text(x: Any) -> str:
    """How a tensor or a node is computed, as one line, by the names of its inputs.

    >>> import chainrule as cr
    >>> x, w = cr.tensor([[1.0]], name="x"), cr.tensor([[2.0]], name="w")
    >>> text(cr.tanh(x @ w) ** 2)
    'tanh(x @ w) ** 2'
    """
    node = simplify([as_nodes(x)])[0]
    names = named(node)
    return fold((node,), lambda n, *xs: _rule(n, names, *xs))[node].text


def _rule(node: Node, names: dict[Node, str], *operands: Text) -> Text:
    op = node.op
    if isinstance(op, Constant):
        number = op.text.removesuffix(".0")
        return Text(number, 3 if number.startswith("-") else CALL)
    if not operands:
        return Text(names[node], CALL)
    if isinstance(op, Pick):
        return Text(f"{_bracketed(operands[0], CALL)}[{op.index}]", CALL)
    if str(op) in SILENT:
        return operands[0]
    sign, binds, takes = SIGNS.get(str(op), ("", CALL, ()))
    if sign and len(operands) == len(takes):
        parts = (_bracketed(x, least) for x, least in zip(operands, takes, strict=True))
        return Text(sign.format(*parts), binds)
    return Text(f"{op}({', '.join([*(x.text for x in operands), *_options(op)])})", CALL)


def _options(op: Op) -> list[str]:
    """The op's parameters, where they differ from what is usual and can be written in a line."""
    if not is_dataclass(op):
        return []
    return [
        f"{f.name}={value!r}"
        for f in fields(op)
        if (value := getattr(op, f.name)) != f.default and _plain(value)
    ]


def _plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_plain(v) for v in value)
    return value is None or isinstance(value, int | float | str)


def _bracketed(x: Text, least: int) -> str:
    return x.text if x.binds >= least else f"({x.text})"
