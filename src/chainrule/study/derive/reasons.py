"""Why a gradient is what it is, in plain words, with the shapes of this very call."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from ...graph.node import Node
from ...graph.walk import order
from ...ops.contract import Matmul
from ...ops.family import BroadcastTo, Elementwise
from ...ops.linear import Linear
from ...ops.reduce import Mean, Sum
from ..numbers import minus
from .reading import Reading
from .sweep import Edge


def size_of(shape: tuple[int, ...]) -> str:
    """A shape as one says it: 3×4, or "one number"."""
    if len(shape) == 0:
        return "one number"
    if len(shape) > 1:
        return "×".join(map(str, shape))
    return f"{shape[0]} number{'s' * (shape[0] != 1)}"


def why(reading: Reading, edge: Edge) -> str:
    """What the reader's op does to the gradient, and why the transpose and the sum."""
    found = [
        text for op_node, k in _places(reading, edge) for text in _reason(reading, edge, op_node, k)
    ]
    return " ".join(dict.fromkeys(found))


def _places(reading: Reading, edge: Edge) -> list[tuple[Node, int]]:
    """The nodes of the reader's meaning that read the operand, and at which place."""
    meaning, symbol = reading.means[edge.reader], reading.stand[edge.operand]
    inside = order((meaning,), set(reading.stand.values()))
    return [(n, k) for n in inside for k, i in enumerate(n.inputs) if i is symbol]


def _reason(reading: Reading, edge: Edge, n: Node, k: int) -> list[str]:
    special = REASONS.get(type(n.op))
    told = special(reading, n, k) if special else ""
    if not told:
        told = f"{n.op} {minus(n.op.words)}." if n.op.words else ""
    parts = [told] if told else []
    if isinstance(n.op, Elementwise | BroadcastTo) and n.inputs[k].shape != n.shape:
        parts.append(_why_a_sum(reading, edge, n, k))
    return parts


def _why_a_sum(reading: Reading, edge: Edge, n: Node, k: int) -> str:
    i = n.inputs[k]
    name = reading.names[edge.operand]
    copies = n.size // max(i.size, 1)
    if copies <= 1:
        return ""
    what = f"{name} is {size_of(i.shape)}" if i.shape else f"{name} is one number"
    where = (
        f"was used in each of the {copies} rows of {size_of(n.shape)}"
        if i.shape == n.shape[1:] and len(n.shape) == 2
        else f"was used {copies} times to make {size_of(n.shape)}"
    )
    return (
        f"Why the sum: {what} and {where}; what arrives at every copy arrives at the same {name}, "
        f"so it is added up: {size_of(n.shape)} → {size_of(i.shape)}."
    )


def _of_matmul(reading: Reading, n: Node, k: int) -> str:
    a, b = n.inputs
    if len(a.shape) != 2 or len(b.shape) != 2:
        return _of_vectors(reading, n, k)
    (rows, inner), columns = a.shape, b.shape[1]
    left, right = _called(reading, a, "the left factor"), _called(reading, b, "the right factor")
    if k == 0:
        return (
            f"Why {right}ᵀ: {right} is {inner}×{columns}. The element of {left} in row r and "
            f"column c was multiplied by row c of {right}, and went into row r of the product; so "
            f"its gradient is row r of G times row c of {right}, added up. All of them at once: "
            f"G ({rows}×{columns}) times {right}ᵀ ({columns}×{inner}) = {rows}×{inner}, the shape "
            f"of {left}."
        )
    return (
        f"Why {left}ᵀ: {left} is {rows}×{inner}. The element of {right} in row r and column c was "
        f"multiplied by column r of {left}, once in each of the {rows} rows, and went into column "
        f"c of the product; so its gradient is column r of {left} times column c of G, added up. "
        f"All of them at once: {left}ᵀ ({inner}×{rows}) times G ({rows}×{columns}) = "
        f"{inner}×{columns}, the shape of {right}. Why no sum is written: the product itself adds "
        f"up over the {rows} rows."
    )


def _of_vectors(reading: Reading, n: Node, k: int) -> str:
    a, b = n.inputs
    other = _called(reading, n.inputs[1 - k], "the other factor")
    own = _called(reading, n.inputs[k], "the operand")
    if len(a.shape) == len(b.shape) == 1:
        return (
            f"{own} and {other} are {size_of(a.shape)} each, and their product is one number: "
            f"every element of {own} was multiplied by the element of {other} in its place."
        )
    if len(a.shape) > 2 or len(b.shape) > 2:
        return ""
    if len(n.inputs[k].shape) == 2:  # a matrix times a vector
        return (
            f"{own} is {size_of(n.inputs[k].shape)} and {other} a vector: every element of {own} "
            f"was multiplied by one element of {other}, for one element of the product; so the "
            f"gradient has the product of those two at its place: a column times a row."
        )
    return (
        f"Why {other}ᵀ: element k of {own} was multiplied by "
        f"{'column' if k == 1 else 'row'} k of {other} ({size_of(n.inputs[1 - k].shape)}); its "
        f"gradient is that {'column' if k == 1 else 'row'} times G, added up."
    )


def _of_linear(reading: Reading, n: Node, k: int) -> str:
    x, w, b = n.inputs
    rows, (units, inner) = prod(x.shape[:-1]), w.shape
    names = [_called(reading, i, word) for i, word in zip(n.inputs, ("x", "W", "b"), strict=True)]
    if k == 0:
        return (
            f"Why no transpose: {names[1]} has a row for every unit, and the forward pass took "
            f"{names[1]}ᵀ; back through it goes {names[1]} itself: G ({rows}×{units}) times "
            f"{names[1]} ({units}×{inner}) = {rows}×{inner}."
        )
    if k == 1:
        return (
            f"Why Gᵀ: row u of {names[1]} belongs to unit u; it was multiplied by every row of "
            f"{names[0]}. Its gradient is the rows of {names[0]}, each times what arrived at unit "
            f"u for it, added up: Gᵀ ({units}×{rows}) times {names[0]} ({rows}×{inner}) = "
            f"{units}×{inner}. Why no sum is written: the product adds up over the {rows} rows."
        )
    if not b.shape or rows == 1:
        return f"{names[2]} was added, so the gradient is passed on."
    return (
        f"Why the sum: {names[2]} is {size_of(b.shape)} and was added to each of the {rows} rows "
        f"of {rows}×{units}; what arrives at every row arrives at the same {names[2]}, so it is "
        f"added up: {rows}×{units} → {size_of(b.shape)}."
    )


def _of_mean(reading: Reading, n: Node, k: int) -> str:
    count = n.inputs[0].size // max(n.size, 1)
    return (
        f"Each of the {count} elements is 1/{count} of the mean: each receives 1/{count} of the "
        "upstream gradient."
        if count > 1 else ""
    )  # fmt: skip


def _of_sum(reading: Reading, n: Node, k: int) -> str:
    count = n.inputs[0].size // max(n.size, 1)
    return f"The sum hands its gradient to each of the {count} elements it added up."


def _called(reading: Reading, n: Node, otherwise: str) -> str:
    back = {s: v for v, s in reading.stand.items()}
    if n in back:
        return reading.names[back[n]]
    if n.op.name == "permute" and n.inputs[0] in back and len(n.shape) == 2:
        return reading.names[back[n.inputs[0]]] + "ᵀ"
    return otherwise


REASONS: dict[type, Callable[[Reading, Node, int], str]] = {
    Matmul: _of_matmul,
    Linear: _of_linear,
    Mean: _of_mean,
    Sum: _of_sum,
}
