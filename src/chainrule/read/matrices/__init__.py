"""Read a graph in matrix notation: products, transposes and ⊙, every shape checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...graph.errors import UsageError
from ...graph.node import Node
from ...graph.walk import order
from ..formula import Formula, Reading
from ..parts import Parts
from .algebra import Scaled
from .reader import Reader, matrix_shape
from .writing import Writer

__all__ = ["matrices"]

MOST = 4_000  # nodes of one formula
DEEPEST = 150


def matrices(
    nodes: Any, names: Mapping[Any, str] | None = None, *, sizes: Mapping[int, str] | None = None,
    share: Mapping[Any, str] | bool | None = None,
) -> Reading:  # fmt: skip
    """The formula of each node in whole matrices.

    One axis is a column, a last axis of a batch of rows stays a row. Functions act element by
    element, a number added to a matrix is added to each element, ⊙ multiplies and ⊘ divides
    element by element, 1 with a size is a column of ones. `names` and `share` as in `indexed`;
    `sizes` gives letters to numbers of rows and columns ({3: "N"}). An op without a matrix
    reading stands by its name. `Formula.factors` has the factors of the outermost product.
    Raises: UsageError for a formula that is too long, GraphError for one whose shapes do not fit.

    >>> import numpy as np, chainrule as cr
    >>> x, w = cr.tensor(np.ones((3, 2)), name="X"), cr.tensor(np.ones((2, 4)), name="W")
    >>> f = matrices(cr.tanh(x @ w).T @ x).formulas[0]
    >>> f.tex, [factor.shape for factor in f.factors]
    ('{\\\\tanh\\\\left(X W\\\\right)}^{\\\\top} X', [(4, 3), (3, 2)])
    """
    parts = Parts.of(nodes, names or {}, share, stacks=True)
    reader, writer = Reader(parts.names), Writer(sizes or {}, parts.names.values())
    made: list[tuple[Node, str, Scaled]] = []
    for node in parts.in_order(dict.fromkeys(parts.shared)):
        made.append((node, parts.names[node], _computed(reader, parts, node)))
    shared = [_formula(writer, *row) for row in made]
    formulas = []
    for node in parts.asked:
        own = node in parts.names and (not node.inputs or node in set(parts.shared))
        x = reader.matrix(node) if own else _computed(reader, parts, node)
        formulas.append(_formula(writer, node, "", x))
    return Reading(tuple(formulas), tuple(shared))


def _computed(reader: Reader, parts: Parts, node: Node) -> Scaled:
    leaves = {n for n in parts.names if n is not node}
    nodes = order((node,), leaves=leaves)
    depth: dict[Node, int] = {}
    for n in nodes:
        inner = () if n in leaves else n.inputs
        depth[n] = 1 + max((depth[i] for i in inner), default=0)
    if len(nodes) > MOST or depth[node] > DEEPEST:
        raise UsageError(
            f"the formula has {len(nodes)} parts, {depth[node]} below each other; let parts of "
            "it stand by a name: share=True, or share={node: name}"
        )
    return reader.computed(node)


def _formula(writer: Writer, node: Node, name: str, x: Scaled) -> Formula:
    shape = matrix_shape(node.shape)
    if x.body is None and not shape:
        return Formula(writer.whole(x), name)
    return Formula(writer.whole(x), name, (), shape, writer.factors(x))
