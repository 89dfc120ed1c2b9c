"""Derivatives along a direction, by one forward sweep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..eager.backward import value_of
from ..eager.tensor import GIVEN, WATCHER, Tensor, as_tensor
from ..graph.chain import itself, push
from ..graph.coerce import refuse_complex
from ..graph.errors import DTypeError, ShapeError, UsageError
from ..graph.node import Node
from ..graph.walk import order
from .reverse import grad
from .trees import tree_flatten, tree_unflatten
from .watch import Arguments, function, handed, is_outer, linked, owned


def jvp(f: Callable, args: Any, tangents: Any) -> tuple[Any, Any]:
    """`f(*args)`, and its change along `tangents`, exactly.

    Shapes: `args` and `tangents` are tuples of the same structure and shapes.
    Source: Wengert 1964.

    >>> import chainrule as cr
    >>> cr.jvp(cr.sin, (0.0,), (2.0,))
    (np.float64(0.0), np.float64(2.0))
    """
    if not isinstance(args, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise UsageError("jvp: args and tangents are tuples, one entry for each argument")
    arguments = Arguments.of(tuple(args), "jvp")
    leaves, structure = tree_flatten(tuple(tangents))
    if structure != arguments.structure:
        raise ShapeError(
            f"jvp: the arguments are built as {arguments.structure}, the tangents as {structure}; "
            "give one tangent for each argument"
        )
    made, arguments = arguments.apply(lambda tree: function("jvp", f)(*tree))
    outputs, structure = tree_flatten(made)
    values, moved = _pushed(
        outputs,
        arguments,
        [_direction(t, w) for t, w in zip(leaves, arguments.watched, strict=True)],
    )
    return tree_unflatten(structure, values), tree_unflatten(structure, moved)


def _direction(t: Any, w: Any) -> Any:
    if not isinstance(t, (Tensor, Node)):
        t = np.asarray(t)
        refuse_complex(t.dtype)
        if t.dtype.kind not in "biuf":
            raise DTypeError(f"jvp: a tangent is {t.dtype}; give numbers")
        t = t.astype(w.dtype, copy=False)
    if t.shape != w.shape:
        raise ShapeError(f"jvp: a tangent has shape {t.shape}, its argument {w.shape}")
    return t


def _pushed(outputs: list, arguments: Arguments, tangents: list) -> tuple[list, list]:
    traced = [y for y in outputs if isinstance(y, (Tensor, Node))]
    watched = arguments.watched
    nodes = order(traced, leaves=set(watched))
    history = any(isinstance(t, Tensor) and t.op is not GIVEN for t in tangents)
    outer = history or is_outer(nodes, arguments) or any(type(y) is Node for y in traced)
    given = dict(zip(watched, tangents, strict=True))
    if outer:
        made = push(
            nodes, {w: as_tensor(t) if type(w) is Tensor else t for w, t in given.items()}, itself
        )
        outputs = [y if isinstance(y, (Tensor, Node)) else as_tensor(y) for y in outputs]
        return outputs, [_linked_tangent(made.get(y), y, watched) for y in outputs]
    with np.errstate(all="ignore"):
        made = push(
            nodes, {w: t._value if type(t) is Tensor else t for w, t in given.items()}, value_of
        )
        if WATCHER.get() is not None:
            WATCHER.get().along(nodes, made, value_of)
    like = next((x for x in arguments.given if type(x) is Tensor), None)
    values = [handed(y._value, like) if type(y) is Tensor else y for y in outputs]
    zero = [np.zeros(np.shape(v), v.dtype if hasattr(v, "dtype") else float) for v in values]
    moved = [
        handed(made[y], like) if type(y) is Tensor and y in made else z
        for y, z in zip(outputs, zero, strict=True)
    ]
    handed_in = [x for x in (*arguments.given, *tangents) if isinstance(x, np.ndarray)]
    both = owned([*handed_in, *values, *moved])[len(handed_in) :]
    return both[: len(values)], both[len(values) :]


def _linked_tangent(t: Any, y: Any, watched: list) -> Any:
    if t is None:
        t = np.broadcast_to(y.dtype.type(0), y.shape)
    if type(y) is Node:
        return t
    for w in watched:
        if w.inputs:
            t = linked(as_tensor(t), w.inputs[0])
    return as_tensor(t)


def hvp(f: Callable, args: Any, v: Any) -> Any:
    """The Hessian of `f` with respect to its first argument, times `v`, without the Hessian.

    Shapes: `f` returns one number; `v` has the structure of `args[0]` (`args` may be that
    argument itself where there is only one).
    Source: Pearlmutter 1994, forward over reverse.

    >>> import chainrule as cr
    >>> cr.hvp(lambda x: cr.sum(x ** 3), (np.array([1.0, 2.0]),), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    if isinstance(args, tuple):
        first, rest = args[0], args[1:]
        v = v[0] if isinstance(v, tuple) and len(v) == 1 and not isinstance(first, tuple) else v
    else:
        first, rest = args, ()
    return jvp(lambda x: grad(f)(x, *rest), (first,), (v,))[1]
