"""The finite sentinel: the first op that made a NaN or an Inf, forward or backward, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..eager.tensor import WATCHER, Tensor
from ..graph.caller import made_at
from ..graph.errors import NotFiniteError


@contextmanager
def finite() -> Iterator[None]:
    """Inside, the first op whose value or gradient is NaN or Inf raises and is named.

    Raises: NotFiniteError with the op, the ranges of its operands, and the user's line.

    >>> import chainrule as cr
    >>> with cr.finite():
    ...     cr.log(cr.tensor([1.0, 0.0], name="p"))
    Traceback (most recent call last):
    chainrule.graph.errors.NotFiniteError: log: made -Inf at [1], 1 of 2 elements...
    """
    token = WATCHER.set(Sentinel())
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        WATCHER.reset(token)


class Sentinel:
    """What looks at every tensor that is made, and at every gradient that arrives."""

    def forward(self, made: Tensor) -> None:
        """Raise if this value is the first that is not finite."""
        for value in made._value if type(made._value) is tuple else (made._value,):
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise NotFiniteError(self._story(made, value, "made", ""))

    def backward(self, nodes: list, upstream: dict[Any, Any], lift: Callable) -> None:
        """Raise if a gradient is not finite, naming the op that made it so."""
        for node in reversed(nodes):
            g = upstream.get(node)
            if g is None or type(g) is list or np.isfinite(np.asarray(g)).all():
                continue
            user = self._guilty(node, nodes, upstream, lift)
            guilty = node if user is None else user
            where = f" on the way back to {_called(node)}"
            raise NotFiniteError(self._story(guilty, np.asarray(g), "gave", where))

    def _guilty(self, node: Any, nodes: list, upstream: dict, lift: Callable) -> Any:
        for user in reversed(nodes):
            g = upstream.get(user)
            if g is None or not any(i is node for i in user.inputs):
                continue
            wanted = [i is node for i in user.inputs]
            downs = user.op.pull(g, lift(user), [lift(i) for i in user.inputs], wanted)
            if not all(d is None or np.isfinite(np.asarray(d)).all() for d in downs):
                return user
        return None

    def _story(self, node: Tensor, value: np.ndarray, verb: str, where: str) -> str:
        bad = np.argwhere(~np.isfinite(value))
        first = tuple(int(k) for k in bad[0])
        found = {True: "NaN"}.get(bool(np.isnan(value[first])))
        found = found or ("Inf" if value[first] > 0 else "-Inf")
        place = f" at {list(first)}, {len(bad)} of {value.size} elements" if value.ndim else ""
        operands = "".join(f"\n  {_called(i)} {_range(i._value)}" for i in node.inputs)
        if not node.inputs:
            operands = "\n  it was handed in like this"
        return (
            f"{_called(node)}: {verb} {found}{place}{where}; the operands were:{operands}"
            f"\n  keep the operands inside the op's domain, or scale them down{made_at(node.line)}"
        )


def _called(node: Tensor) -> str:
    if node.name:
        return node.name
    return str(node.op) if node.inputs else f"an input of shape {node.shape}"


def _range(value: Any) -> str:
    if type(value) is tuple:
        return "with several values"
    if not value.size:
        return f"{value.dtype} {value.shape}, empty"
    shown = np.nanmin(value), np.nanmax(value)
    return f"{value.dtype} {value.shape} from {shown[0]:.6g} to {shown[1]:.6g}"
