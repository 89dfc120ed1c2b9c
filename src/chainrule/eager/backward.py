"""The backward pass of tensors, with numbers: fast, and nothing of it is remembered."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import numpy as np

from ..graph.caller import caller, made_at
from ..graph.chain import pull
from ..graph.coerce import refuse_complex
from ..graph.errors import DTypeError, PathError, ScalarError, ShapeError, UsageError
from ..graph.operators import Operators
from ..graph.spelling import told_type
from ..graph.walk import order
from .tensor import FIXED, WATCHER, Tensor

value_of = attrgetter("_value")


def upstream_of(output: Any, upstream: Any, asked: str) -> Any:
    """The gradient to start from: 1 for one number, what is given otherwise."""
    if output.dtype.kind != "f":
        raise DTypeError(
            f"{asked}: of {output.dtype} {output.shape}; only floats have gradients; "
            f"end in a float loss{made_at(output.line or caller(2))}"
        )
    if upstream is None:
        if output.size != 1:
            raise ScalarError(
                f"{asked}: of {output.op}, shape {output.shape}; a gradient starts from one "
                "number: take cr.sum or cr.mean of it, or pass the upstream gradient"
                f"{made_at(output.line or caller(2))}"
            )
        return np.ones(output.shape, output.dtype)
    if isinstance(upstream, Operators):
        if upstream.shape != output.shape:
            raise ShapeError(
                f"{asked}: the upstream gradient has shape {upstream.shape}, the output "
                f"{output.shape}"
            )
        return upstream
    given = np.asarray(upstream)
    refuse_complex(given.dtype)
    if given.dtype.kind not in "biuf":
        raise DTypeError(f"{asked}: the upstream gradient is {given.dtype}; give numbers")
    if given.shape != output.shape:
        raise ShapeError(
            f"{asked}: the upstream gradient has shape {given.shape}, the output {output.shape}"
        )
    return given.astype(output.dtype)  # a copy: what goes down from here may be given out


def sweep(nodes: list, upstream: dict, wrt: Any, keep: dict | None = None) -> dict:
    """The backward sweep with numbers, under the eyes of the sentinel where there is one."""
    sentinel = WATCHER.get()
    if sentinel is not None and keep is None:
        keep = {}
    found = pull(nodes, upstream, wrt, value_of, keep)
    if sentinel is not None:
        sentinel.backward(nodes, keep, value_of)
    return found


def backward(output: Tensor, upstream: Any = None) -> None:
    """Add the gradient of `output` to `.grad` of every tensor it came from.

    Not only leaves: what lies between has its gradient too, to be looked at.
    Shapes: `output` one number, or `upstream` of its shape.
    Raises: ScalarError, ShapeError, DTypeError (an integer output).

    >>> import chainrule as cr
    >>> x = cr.tensor(3.0)
    >>> z = x * x
    >>> (2 * z).backward()
    >>> float(z.grad), float(x.grad)
    (2.0, 12.0)
    """
    if type(output) is not Tensor:
        raise PathError(
            f"backward: of {told_type(output)}, which does not remember how it was made; "
            "compute it from chainrule.tensor(...)"
        )
    seed = upstream_of(output, upstream, "backward")
    nodes = order((output,))
    leaves = [n for n in nodes if not n.inputs and n.op is not FIXED and n.dtype.kind == "f"]
    if not leaves:
        raise PathError(
            "backward: nothing this was computed from is a tensor that you made; its history was "
            f"left behind, or it never had one{made_at(output.line)}"
        )
    every: dict = {}
    with np.errstate(all="ignore"):
        sweep(nodes, {output: seed}, leaves, every)
    for node, g in every.items():
        if type(g) is not list:  # an op of several values: each of them has its own
            node.add_grad(g)


def zero_grad(*tensors: Any) -> None:
    """Forget the gradients of these tensors, and of everything they came from.

    >>> import chainrule as cr
    >>> x = cr.tensor(3.0)
    >>> (x * x).backward()
    >>> cr.zero_grad(x)
    >>> x.grad is None
    True
    """
    for x in tensors:
        if type(x) is not Tensor:
            raise UsageError(f"zero_grad: of {told_type(x)}; only tensors have gradients")
    for node in order(tensors):
        node.grad = None
