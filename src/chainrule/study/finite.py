"""The finite sentinel: the first op that made a NaN or an Inf, forward or backward, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..eager.tensor import WATCHER, Tensor
from ..graph.caller import made_at
from ..graph.errors import NotFiniteError
from ..graph.namespace import XP
from ..graph.walk import Graph
from ..ops.loop import Call, Cond
from ..ops.scan import Scan


@contextmanager
def finite() -> Iterator[None]:
    """Inside, the first op whose value or gradient is NaN or Inf raises and is named.

    Every value counts, also one that would be masked later or an -Inf meant as a mask: write a
    large negative number there. It looks at tensors, and so at everything a transform computes,
    with loops and checkpoints to the bottom on the way forward; plain arrays alone pass.
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
        bad = _first_bad(made._value)
        if bad is None:
            return
        values = [i._value for i in made.inputs]
        for i, value in zip(made.inputs, values, strict=True):
            given = _first_bad(value)
            if given is not None:
                raise NotFiniteError(_given(made, i, given))
        for node, value, operands, step in _inside(made.op, values):
            within = f" in {step} of {made.op}"
            raise NotFiniteError(_story(node, operands, f"made {_found(value)}{within}"))
        raise NotFiniteError(_story(made, values, f"made {_found(bad)}"))

    def backward(self, nodes: list, upstream: dict[Any, Any], lift: Callable) -> None:
        """Raise if a gradient is not finite, naming the op that made it so."""
        for node in reversed(nodes):
            g = upstream.get(node)
            if g is None or type(g) is list or np.isfinite(np.asarray(g)).all():
                continue
            found = _found(np.asarray(g))
            if node is nodes[-1]:
                raise NotFiniteError(
                    f"backward: the upstream gradient handed to {_called(node)} is {found}; start "
                    f"from finite numbers{made_at(node.line)}"
                )
            guilty = self._guilty(node, nodes, upstream, lift)
            guilty = node if guilty is None else guilty
            values = [lift(i) for i in guilty.inputs]
            raise NotFiniteError(
                _story(guilty, values, f"gave {found} on the way back to {_called(node)}")
            )

    def along(self, nodes: list, tangents: dict[Any, Any], lift: Callable) -> None:
        """Raise if a tangent is not finite, naming the op that made it so."""
        for node in nodes:
            t = tangents.get(node)
            if t is None or type(t) is tuple or np.isfinite(np.asarray(t)).all():
                continue
            values = [lift(i) for i in node.inputs]
            raise NotFiniteError(
                _story(node, values, f"gave {_found(np.asarray(t))} as its tangent")
            )

    def compiled(self, graph: Graph, values: Sequence[Any]) -> None:
        """Raise for a compiled function whose results are not finite, though its replay was."""
        for node, value, operands, _ in _walk(graph, values, ""):
            raise NotFiniteError(_story(node, operands, f"made {_found(value)}"))
        raise NotFiniteError(
            "compile: the machine code made numbers that are not finite where NumPy makes finite "
            "ones of the same operands; run the function without cr.compile, and please report it"
        )

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


def _first_bad(value: Any) -> np.ndarray | None:
    """The value, or the first of several, if it holds floats that are not finite."""
    for part in value if type(value) is tuple else (value,):
        part = np.asarray(part)
        if part.dtype.kind == "f" and not np.isfinite(part).all():
            return part
    return None


def _inside(op: Any, values: Sequence[Any]) -> Iterator[tuple[Any, Any, list, str]]:
    """The nodes of an op's body whose values are not finite, with their operands' values."""
    if isinstance(op, Call):
        yield from _walk(op.body, values, "the inside")
    elif isinstance(op, Cond):
        yield from _walk(op.then if values[0] else op.other, values[1:], "the branch taken")
    elif isinstance(op, Scan):
        carry, rest = list(values[: op.carries]), values[op.carries + op.xs :]
        for t in op.steps:
            x = [v[t] for v in values[op.carries : op.carries + op.xs]]
            yield from _walk(op.body, [*carry, *x, *rest], f"step {t}")
            carry = op.body.run([*carry, *x, *rest])[: op.carries]


def _walk(body: Any, values: Sequence[Any], step: str) -> Iterator[tuple[Any, Any, list, str]]:
    made: dict = dict(zip(body.inputs, values, strict=True))
    for node in body.order:
        if node in made:
            continue
        operands = [made[i] for i in node.inputs]
        made[node] = node.op.forward(XP, *operands)
        if _first_bad(made[node]) is not None:
            deeper = _inside(node.op, operands)
            yield next(deeper, (node, _first_bad(made[node]), operands, step))


def _given(made: Tensor, operand: Tensor, value: np.ndarray) -> str:
    """The message for a value that was not finite before it came here."""
    known = operand.name or (str(operand.op) if operand.inputs else "an operand")
    return (
        f"{made.op}: {known} of shape {operand.shape} was {_found(value)} already, before this op; "
        f"look at where it comes from{made_at(operand.line or made.line)}"
    )


def _story(node: Any, values: Sequence[Any], what: str) -> str:
    operands = "".join(
        f"\n  {_called(i, '')} {_range(v)}" for i, v in zip(node.inputs, values, strict=True)
    )
    operands = operands or "\n  none: it was handed in like this"
    return (
        f"{_called(node)}: {what}; the operands were:{operands}\n"
        f"  keep the operands inside the op's domain, or scale them down{made_at(node.line)}"
    )


def _found(value: np.ndarray) -> str:
    """What the first bad element is, and where."""
    bad = np.argwhere(~np.isfinite(value))
    first = tuple(int(k) for k in bad[0])
    kind = "NaN" if np.isnan(value[first]) else "Inf" if value[first] > 0 else "-Inf"
    return kind + (f" at {list(first)}, {len(bad)} of {value.size} elements" if value.ndim else "")


def _called(node: Any, shape: str | None = None) -> str:
    if not node.inputs:
        return node.name or "an input" + (f" of shape {node.shape}" if shape is None else shape)
    return f"{node.op} ({node.name})" if node.name else str(node.op)


def _range(value: Any) -> str:
    if type(value) is tuple:
        return "with several values"
    value = np.asarray(value)
    told = f"{value.dtype} {value.shape}"
    known = value[np.isfinite(value)] if value.dtype.kind == "f" else value
    if value.dtype.kind == "b":
        return f"{told}, {int(value.sum())} of {value.size} true"
    if known.size:
        told += f" from {known.min():.6g} to {known.max():.6g}"
    if known.size < value.size:
        told += f", {value.size - known.size} of {value.size} not finite"
    return told if value.size else f"{told}, empty"
