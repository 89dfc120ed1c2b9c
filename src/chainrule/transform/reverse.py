"""Gradients of functions, by one backward sweep over what they did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ..eager.backward import sweep, upstream_of
from ..eager.tensor import Tensor, as_tensor
from ..graph.caller import made_at
from ..graph.chain import itself, on_path, pull, where_the_path_breaks
from ..graph.errors import PathError, ScalarError, UsageError
from ..graph.node import Node, as_node
from ..graph.walk import order
from ..ops.family import zeros_like
from .trees import tree_flatten, tree_map, tree_names, tree_unflatten
from .watch import Arguments, function, handed, is_outer, linked, output, released


def value_and_grad(
    f: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable:
    """The function that gives `f`'s value and its gradient with respect to `argnums`.

    Shapes: `f` returns one number (and, with `has_aux`, something else beside it); the gradient
    has the structure, shapes and dtypes of the argument. Arrays give arrays, tensors tensors.
    Raises: ScalarError, PathError (the value does not depend on it), DTypeError (integers).

    >>> import chainrule as cr
    >>> cr.value_and_grad(lambda x: x * x)(3.0)
    (np.float64(9.0), np.float64(6.0))
    """
    places = _places(argnums)
    function("grad", f)

    @wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        selected = _select(args, places, "grad")
        arguments = Arguments.of(selected, "grad")
        found, arguments = arguments.apply(lambda tree: f(*_replace(args, places, tree), **kwargs))
        with np.errstate(all="ignore"):
            y, aux = _apart(found) if has_aux else (found, None)
            y = output(y, arguments)
            value, gradients = differentiate(y, arguments)
        tree = arguments.wrap(gradients)
        gradient = tree if isinstance(argnums, (tuple, list)) else tree[0]
        if not has_aux:
            return value, gradient
        aux = aux if value is y else tree_map(lambda x: released(x, arguments), aux)
        return (value, aux), gradient

    return wrapped


def _apart(found: Any) -> tuple:
    if not isinstance(found, tuple) or len(found) != 2:
        raise UsageError(
            f"grad: has_aux=True, but the function returned {type(found).__name__}; it must return "
            "(value, something else)"
        )
    return found


def _places(argnums: Any) -> tuple[int, ...]:
    places = argnums if isinstance(argnums, (tuple, list)) else (argnums,)
    if not all(isinstance(k, (int, np.integer)) for k in places) or len({*places}) < len(places):
        raise UsageError(
            f"grad: argnums={argnums!r}; give the number of an argument, or several different ones"
        )
    return tuple(int(k) for k in places)


def grad(f: Callable, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable:
    """The gradient of `f`, as a function; apply it again for higher derivatives.

    >>> import chainrule as cr
    >>> float(cr.grad(cr.grad(cr.grad(cr.tanh)))(0.0))
    -2.0
    """
    both = value_and_grad(f, argnums, has_aux)

    @wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def vjp(f: Callable, *args: Any) -> tuple[Any, Callable]:
    """`f(*args)`, and the function from an upstream gradient to those of all arguments.

    Shapes: `f` returns one array; upstream has its shape. One forward pass serves many calls.

    >>> import chainrule as cr
    >>> y, pullback = cr.vjp(lambda x: x ** 2, np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    arguments = Arguments.of(args, "vjp")
    found, arguments = arguments.apply(lambda tree: function("vjp", f)(*tree))
    y = output(found, arguments)

    def pullback(upstream: Any) -> tuple:
        """The gradients of the arguments for this upstream gradient."""
        with np.errstate(all="ignore"):
            return arguments.wrap(differentiate(y, arguments, upstream)[1])

    outer = is_outer(order((y,), leaves=set(arguments.watched)), arguments)
    return _value(y, arguments, outer), pullback


def differentiate(
    y: Any, arguments: Arguments, upstream: Any = None, strict: bool = True
) -> tuple[Any, list]:
    """The value of `y`, and the gradient for every watched leaf.

    A leaf that `y` does not depend on has a gradient of 0. With `strict`, an argument of which
    no leaf is on the path is an error.
    """
    if type(y) is Node:
        return y, _of_nodes(y, arguments, upstream)
    watched = arguments.watched
    mine = set(watched)
    nodes = order((y,), leaves=mine)
    outer = is_outer(nodes, arguments) or isinstance(upstream, Tensor)
    seed = upstream_of(y, upstream, arguments.asked)
    if outer:
        found = pull(nodes, {y: as_tensor(seed)}, watched, itself)
    else:
        found = sweep(nodes, {y: seed}, mine)
    gradients = [found[w] if w in found else np.zeros(w.shape, w.dtype) for w in watched]
    if strict and len(found) < len(mine):
        _reached(nodes, y, arguments)
    if outer:
        gradients = [_link(d, w) for d, w in zip(gradients, watched, strict=True)]
    return _value(y, arguments, outer), gradients


def _link(d: Any, w: Tensor) -> Tensor:
    d = as_tensor(d)
    return linked(d, w.inputs[0]) if w.inputs else d


def _value(y: Any, arguments: Arguments, outer: bool) -> Any:
    return y if outer or type(y) is Node else released(y, arguments)


def _of_nodes(y: Node, arguments: Arguments, upstream: Any) -> list:
    if upstream is None and y.size != 1:
        raise ScalarError(
            f"{arguments.asked}: of {y.op}, shape {y.shape}; a gradient starts from one number: "
            f"take cr.sum or cr.mean of it{made_at(y.line)}"
        )
    if upstream is None:
        seed = np.broadcast_to(y.dtype.type(1), y.shape)
    else:
        seed = upstream_of(y, upstream, arguments.asked)
    found = pull(order((y,)), {y: seed}, arguments.watched)
    # Nodes also where they are constants: an outer gradient asks of them as of any other.
    return [as_node(found[w] if w in found else zeros_like(w)) for w in arguments.watched]


def _reached(nodes: list, y: Tensor, arguments: Arguments) -> None:
    """Raise if no leaf of some argument is on the path to `y`, and say where the path breaks."""
    start = 0
    for argument in arguments.structure.children() or [arguments.structure]:
        places = range(start, start + argument.num_leaves)
        start += argument.num_leaves
        if places and not any(y in on_path(nodes, arguments.watched[k]) for k in places):
            raise _off_the_path(nodes, y, places[0], arguments)


def _off_the_path(nodes: list, y: Tensor, place: int, arguments: Arguments) -> PathError:
    w = arguments.watched[place]
    name = tree_names(tree_unflatten(arguments.structure, arguments.given))[place]
    breaks = where_the_path_breaks(nodes, w)
    stopped = next((n for n in nodes if n.op.stops and not n.inputs), None)
    if breaks is None and stopped is not None:
        breaks = stopped
    if breaks is None:
        why, line = (
            (
                "the value was computed without it "
                "(float(), .item(), .value and np.asarray leave the graph)"
            ),
            y.line,
        )
    elif breaks.op.stops:
        why, line = f"the path breaks at {breaks.op}, which {breaks.op.words}", breaks.line
    else:
        why, line = f"the path breaks at {breaks.op}, whose value is {breaks.dtype}", breaks.line
    return PathError(
        f"{arguments.asked}: argument{name} {w.shape} is not on the path to the value: {why}; "
        f"leave it out of argnums, or let the value depend on it{made_at(line)}"
    )


def jacobian(f: Callable, argnums: int = 0) -> Callable:
    """The derivative of every output element by every element of an argument.

    Shapes: outputs (m…) and an argument (n…) → (m…, n…); pytrees on either side give
    the outputs' structure of the arguments' structures. Cost: one backward sweep an element.

    >>> import chainrule as cr
    >>> cr.jacobian(lambda x: x ** 2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    if not isinstance(argnums, (int, np.integer)):
        raise UsageError(f"jacobian: argnums={argnums!r}; give the number of one argument")
    function("jacobian", f)

    @wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        (selected,) = _select(args, (argnums,), "jacobian")
        arguments = Arguments.of(selected, "jacobian")
        found, arguments = arguments.apply(
            lambda tree: f(*_replace(args, (argnums,), (tree,)), **kwargs)
        )
        outputs, structure = tree_flatten(found)
        # Of several outputs each may ignore some leaves; a function of one leaf may not.
        strict = len(outputs) == len(arguments.watched) == 1
        blocks = [_rows(output(y, arguments), arguments, strict) for y in outputs]
        return tree_unflatten(structure, blocks)

    return wrapped


def _rows(y: Any, arguments: Arguments, strict: bool) -> Any:
    rows = []
    for k in range(y.size):
        one = np.zeros(y.size, y.dtype)
        one[k] = 1
        rows.append(differentiate(y, arguments, one.reshape(y.shape), strict)[1])
    from ..ops import reshape, stack

    def block(place: int) -> Any:
        w = arguments.watched[place]
        if not rows:
            return handed(np.zeros((*y.shape, *w.shape), w.dtype), arguments.given[place])
        made = reshape(stack([row[place] for row in rows]), (*y.shape, *w.shape))
        return handed(made, arguments.given[place])

    leaves = [block(k) for k in range(len(arguments.watched))]
    return tree_unflatten(arguments.structure, leaves)


def hessian(f: Callable, argnums: int = 0) -> Callable:
    """The second derivatives of a function of one number, by every pair of elements.

    >>> import chainrule as cr
    >>> cr.hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def _select(args: tuple, places: tuple[int, ...], asked: str) -> tuple:
    for k in places:
        if not -len(args) <= k < len(args):
            raise UsageError(
                f"{asked}: argnums {k}, but the function was called with {len(args)} arguments"
            )
    return tuple(args[k] for k in places)


def _replace(args: tuple, places: tuple[int, ...], new: tuple) -> list:
    replaced = list(args)
    for k, x in zip(places, new, strict=True):
        replaced[k] = x
    return replaced
