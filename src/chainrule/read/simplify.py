"""Read a graph as a shorter graph of the same value: what a person would not have written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..graph.node import Constant, Input, Node, constant_node
from ..graph.op import Op, Spec
from ..graph.walk import fold, order
from ..ops.elementwise import add, divide, equal, multiply, negative, square, subtract
from ..ops.elementwise.arithmetic import Pow, Where
from ..ops.family import BroadcastTo, broadcast_to

Rule = Callable[..., Node | None]


def number(node: Node) -> float | None:
    """The number a node is in every element, or None."""
    if isinstance(node.op, Constant):
        return float(node.op.value)
    return number(node.inputs[0]) if isinstance(node.op, BroadcastTo) else None


def _times_number(x: Node, y: Node) -> Node | None:
    for a, b in ((x, y), (y, x)):
        if number(a) == 1.0:
            return b
        if number(a) == -1.0 and b.dtype.kind != "b":  # a truth times -1 is a number
            return negative(b)
    return None


def _times_itself(x: Node, y: Node) -> Node | None:
    return square(x) if x is y else None


def _number_first(x: Node, y: Node) -> Node | None:
    return _apply(multiply, (y, x)) if number(x) is None and number(y) is not None else None


def _sign_out_of_a_product(x: Node, y: Node) -> Node | None:
    k = number(x)
    if k is not None and k < 0.0:
        return negative(_apply(multiply, (constant_node(-k, x.dtype), y)))
    if x.op == negative:
        return negative(_apply(multiply, (x.inputs[0], y)))
    return negative(_apply(multiply, (x, y.inputs[0]))) if y.op == negative else None


def _sign_out_of_a_quotient(x: Node, y: Node) -> Node | None:
    return negative(_apply(divide, (x.inputs[0], y))) if x.op == negative else None


def _plus_0(x: Node, y: Node) -> Node | None:
    return y if number(x) == 0.0 else x if number(y) == 0.0 else None


def _plus_a_negative(x: Node, y: Node) -> Node | None:
    return _apply(subtract, (x, y.inputs[0])) if y.op == negative else None


def _minus_0(x: Node, y: Node) -> Node | None:
    if number(y) == 0.0:
        return x
    return negative(y) if number(x) == 0.0 and y.dtype.kind != "b" else None


def _minus_a_negative(x: Node, y: Node) -> Node | None:
    return _apply(add, (x, y.inputs[0])) if y.op == negative else None


def _over_1(x: Node, y: Node) -> Node | None:
    return x if number(y) == 1.0 else None


def _twice_negative(x: Node) -> Node | None:
    return x.inputs[0] if x.op == negative else None


def _to_the_power_1(x: Node, p: Node) -> Node | None:
    return x if number(p) == 1.0 else None


def _decided(condition: Node, x: Node, y: Node) -> Node | None:
    """A choice between two values that hangs on two numbers is none."""
    if condition.op != equal:
        return None
    a, b = map(number, condition.inputs)
    return None if a is None or b is None else x if a == b else y


def _exponent_of_numbers(x: Node, p: Node) -> Node | None:
    """The slope of a power has the exponent 3 - 1: that is 2."""
    if p.op != subtract:
        return None
    a, b = map(number, p.inputs)
    less = None if a is None or b is None else constant_node(a - b, p.dtype)
    return None if less is None else _apply(Pow(), (x, less))


RULES: dict[type[Op], tuple[Rule, ...]] = {
    type(multiply): (_times_number, _times_itself, _number_first, _sign_out_of_a_product),
    type(divide): (_over_1, _sign_out_of_a_quotient),
    type(add): (_plus_0, _plus_a_negative),
    type(subtract): (_minus_0, _minus_a_negative),
    type(negative): (_twice_negative,),
    Pow: (_exponent_of_numbers, _to_the_power_1),
    Where: (_decided,),
}


def _apply(op: Op, xs: Sequence[Node]) -> Node:
    made = Node(op, tuple(xs))
    for rule in RULES.get(type(op), ()):
        shorter = rule(*xs)
        if shorter is not None and shorter.dtype == made.dtype:
            return broadcast_to(shorter, made.shape)
    return made


def simplify(nodes: Sequence[Node]) -> list[Node]:
    """The same values by fewer ops: no products with 1, no sums with 0, no double signs.

    >>> import chainrule as cr
    >>> f = lambda x: -(-x) * 1.0 + 0.0
    >>> [str(n.op) for n in simplify(cr.capture(f, 2.0).outputs)]
    ['x']
    """
    made = fold(nodes, lambda node, *xs: _apply(node.op, xs) if xs else node)
    return [made[n] for n in nodes]


def as_nodes(x: Any) -> Node:
    """What `x` was computed by, as nodes: a tensor's tape becomes a graph."""
    if type(x) is Node:
        return x
    made = fold((x,), lambda t, *xs: Node(t.op, xs) if xs else leaf_of(t))
    return made[x]


def leaf_of(t: Any) -> Node:
    """A tensor that was computed of nothing, as a node: a number, or an input of its name."""
    if type(t) is Node:
        return t
    label = t.name or ""
    if not label and t.size == 1 and t.op.name == "fixed":
        return Node(Constant(str(t.value.reshape(-1)[0]), t.dtype.name))
    return Node(Input(Spec(t.shape, t.dtype), label))


def named(node: Node) -> dict[Node, str]:
    """A name for every input: its own, or a letter that is free, with a number if it needs one."""
    inputs = [n for n in order((node,)) if not n.inputs and not isinstance(n.op, Constant)]
    taken = {n.name for n in inputs}
    found = {}
    for letters, kinds in (("xabcuv", "f"), ("kijnm", "iub")):
        alike = [n for n in inputs if not n.name and n.dtype.kind in kinds]
        letter = next((c for c in letters if c not in taken), letters[0] * 2)
        many = len(alike) > 1
        found |= {n: f"{letter}{k + 1}" if many else letter for k, n in enumerate(alike)}
    return {n: found.get(n, n.name) for n in inputs}


def locals_of(node: Node) -> list[Node | None]:
    """The local gradient of an elementwise node by each operand, simplified; None: no slope."""
    found = []
    for local in node.op.local(node, *node.inputs):  # type: ignore[attr-defined]
        local = local() if callable(local) and type(local) is not Node else local
        if isinstance(local, int | float):
            local = Node(Constant(str(float(local)), node.dtype.name))
        found.append(None if local is None else simplify([local])[0])
    return found
