"""Loops, branches and recomputation as ops, over pytrees."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

import numpy as np

from ..eager.tensor import Tensor, as_tensor
from ..graph.caller import caller
from ..graph.errors import ShapeError, UsageError
from ..graph.node import Node, input_node
from ..graph.op import Op, Spec
from ..graph.walk import Graph
from ..graph.walk import capture as capture_nodes
from ..ops.loop import call_flat, cond_flat
from ..ops.scan import scan_flat
from .trees import tree_flatten, tree_unflatten
from .watch import function, spec_of


class StopGradient(Op):
    """The value itself, with no gradient flowing back."""

    latex, binds = "#1", 4
    words = "lets no gradient through, as it was told"
    stops = True

    def forward(self, xp, x):
        return x

    def spec(self, x):
        return x

    def grad(self, g, y, x):
        return (None,)


_stop = StopGradient()


def stop_gradient(x: Any) -> Any:
    """`x` as a constant: no gradient flows through here.

    >>> import chainrule as cr
    >>> float(cr.grad(lambda x: x * cr.stop_gradient(x))(3.0))
    3.0
    """
    if not hasattr(x, "dtype"):
        x = as_tensor(x)._value[()]
    if type(x) is Tensor:  # nobody asks what lies behind, so nothing keeps it alive
        return Tensor(x._value, _stop, (), caller())
    return _stop(x)


def _operands(tree: Any) -> tuple[list, Any]:
    leaves, structure = tree_flatten(tree)
    return [x if _is_operand(x) else as_tensor(x)._value for x in leaves], structure


def _is_operand(x: Any) -> bool:
    return isinstance(x, (Tensor, Node)) or type(x) in (int, float)


def _is_weak(x: Any) -> bool:
    """Whether it is a Python number, or stands for one, and takes the dtype of what it meets."""
    return _stands_for_one(x) or type(x) in (int, float)


def _stands_for_one(x: Any) -> bool:
    return type(x) is Node and x.weak


def _given_back(made: Any, weak: list[bool]) -> list[Any]:
    """Values of a body, where what is made of Python's numbers alone is one of them again."""
    found = zip(made, weak, strict=True)
    return [y.item() if w and not _is_recorded(y) else y for y, w in found]


def _is_recorded(y: Any) -> bool:
    """Whether it is not there yet, or a gradient may be asked of it."""
    return type(y) is Node or (type(y) is Tensor and y.dtype.kind == "f")


class _StrongError(Exception):
    """A carry that began as a Python number met an array: the step is traced with its dtype."""


def scan(
    f: Callable, init: Any, xs: Any = None, length: int | None = None, reverse: bool = False
) -> tuple[Any, Any]:
    """Run `f(carry, x) → (carry, y)` along the leading axis of `xs`; ys come out stacked.

    The loop is one op with a body: drawn folded, differentiated as a scan.
    Shapes: every leaf of `xs` (T, …); the carry keeps its structure, shapes and dtypes.
    Raises: ShapeError where the carry changes or the lengths differ.
    Source: jax.lax.scan.

    >>> import chainrule as cr
    >>> total, running = cr.scan(lambda c, x: (c + x, c + x), 0.0, np.array([1.0, 2.0, 3.0]))
    >>> float(total), running
    (6.0, array([1., 3., 6.]))
    """
    function("scan", f)
    carries, carry_tree = _operands(init)
    ins, in_tree = _operands(xs)
    count = _length(ins, length)
    shapes = [spec_of(c) for c in carries]
    strong = {k for k, c in enumerate(carries) if not _is_weak(c)}
    out_tree: Any = None
    weak: list[bool] = []

    def step(*values: Any) -> list[Any]:
        nonlocal out_tree, weak
        carry = tree_unflatten(carry_tree, values[: len(carries)])
        x = tree_unflatten(in_tree, values[len(carries) :])
        made = f(carry, x)
        if not isinstance(made, tuple) or len(made) != 2:
            raise UsageError("scan: the function must return (carry, y)")
        after, structure = tree_flatten(made[0])
        if structure == carry_tree:
            turned = {k for k, y in enumerate(after) if type(y) is Node and not y.weak} - strong
            if turned:
                strong.update(turned)
                raise _StrongError
        _same_carry(after, structure, carry_tree, shapes)
        weak = [_stands_for_one(y) for y in after]
        after = [_filled(new, old) for new, old in zip(after, shapes, strict=True)]
        ys, out_tree = tree_flatten(made[1])
        return [*after, *ys]

    made = None
    while made is None:
        given = [c for c in strong if _is_weak(carries[c])]
        with suppress(_StrongError):
            made = scan_flat(step, [*carries, *ins], len(carries), len(ins), count, reverse, given)
    last = tree_unflatten(carry_tree, _given_back(made[: len(carries)], weak))
    return last, tree_unflatten(out_tree, made[len(carries) :])


def _length(ins: list, length: int | None) -> int:
    if length is not None and (not isinstance(length, (int, np.integer)) or length < 0):
        raise UsageError(f"scan: length={length!r}; give a whole number, 0 or more")
    sizes = {x.shape[0] if len(x.shape) else -1 for x in ins}
    if length is not None:
        sizes.add(length)
    if len(sizes) != 1 or -1 in sizes:
        raise ShapeError(
            f"scan: the leading axes of xs, and length, are {sorted(map(str, sizes - {-1}))}; "
            f"they must be one number"
        )
    return int(sizes.pop())


def _filled(new: Any, old: Spec) -> Any:
    """A plain number that a step returned as its carry, in the carry's shape and dtype."""
    return new if hasattr(new, "dtype") else np.broadcast_to(old.dtype.type(new), old.shape)


def _same_carry(after: list, structure: Any, tree: Any, shapes: list[Spec]) -> None:
    if structure != tree:
        raise ShapeError(
            f"scan: the carry goes in as {tree} and comes out as {structure}; a step must return "
            f"(carry, y) with a carry of the same structure"
        )
    for new, old in zip(after, shapes, strict=True):
        found = spec_of(new) if hasattr(new, "dtype") else old
        if found != old:
            raise ShapeError(
                f"scan: the carry goes in as {old.dtype} {old.shape} and comes out as "
                f"{found.dtype} {found.shape}; a step must return what it was given"
            )


def cond(condition: Any, then: Callable, other: Callable, *operands: Any) -> Any:
    """`then(*operands)` if the condition holds, otherwise `other(*operands)`, as one op.

    >>> import chainrule as cr
    >>> f = lambda x: cr.cond(x > 0, cr.sqrt, cr.square, x)
    >>> float(f(np.float64(9.0))), float(cr.grad(f)(-3.0))
    (3.0, -6.0)
    """
    for branch in (then, other):
        function("cond", branch)
    leaves, structure = _operands(operands)
    trees: list = []

    def flat(f: Callable) -> Callable:
        def run(*values: Any) -> list[Any]:
            made, tree = tree_flatten(f(*tree_unflatten(structure, values)))
            trees.append((tree, [spec_of(y) for y in made], [_stands_for_one(y) for y in made]))
            return made

        return run

    condition = condition if hasattr(condition, "dtype") else as_tensor(condition)._value
    made = cond_flat(condition, flat(then), flat(other), leaves)
    weak = [a and b for a, b in zip(trees[0][2], trees[1][2], strict=True)]
    if trees[0][:2] != trees[1][:2]:
        raise ShapeError(
            f"cond: the branches return {trees[0][1]} and {trees[1][1]}; they must agree"
        )
    return tree_unflatten(trees[0][0], _given_back(made, weak))


def checkpoint(f: Callable) -> Callable:
    """`f`, whose inside is not kept but computed again for the gradient: time for memory.

    >>> import chainrule as cr
    >>> float(cr.grad(cr.checkpoint(cr.tanh))(0.0))
    1.0
    """

    @wraps(function("checkpoint", f))
    def wrapped(*args: Any) -> Any:
        leaves, structure = _operands(args)
        out_tree: Any = None
        weak: list[bool] = []

        def run(*values: Any) -> list[Any]:
            nonlocal out_tree, weak
            made, out_tree = tree_flatten(f(*tree_unflatten(structure, values)))
            weak = [_stands_for_one(y) for y in made]
            return made

        found = call_flat(run, leaves)
        return tree_unflatten(out_tree, _given_back(found, weak))

    return wrapped


def capture(f: Callable, *args: Any) -> Graph:
    """The graph of `f` for arguments of these shapes and dtypes; nothing is computed.

    What `f` takes from outside becomes inputs after those of the arguments.
    Raises: TracingError where `f` asks for a number.

    >>> import chainrule as cr
    >>> [str(n.op) for n in cr.capture(lambda x: cr.tanh(x) * 2, 1.0).order]
    ['x', 'tanh', '2.0', 'multiply']
    """
    function("capture", f)
    leaves, structure = tree_flatten(args)
    names = _names(f, len(leaves)) if len(leaves) == len(args) else [""] * len(leaves)
    nodes = [
        input_node(*spec_of(x), getattr(x, "name", None) or n)
        for x, n in zip(leaves, names, strict=True)
    ]

    def flat(*values: Any) -> list[Any]:
        return tree_flatten(f(*tree_unflatten(structure, values)))[0]

    return capture_nodes(flat, nodes)[0]


def _names(f: Callable, count: int) -> list[str]:
    code = getattr(f, "__code__", None)
    names = list(code.co_varnames[: code.co_argcount]) if code else []
    return (names + [""] * count)[:count]
