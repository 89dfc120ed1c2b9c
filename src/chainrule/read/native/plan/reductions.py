"""Where sums go: into the loop that makes their operand, in two stages where that is shared.

Data in: a node that reduces, and the kernels so far. Data out: a member of the loop that makes its
operand. In the end `partial_sums` gives those sums memory that are made in blocks.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .... import ops
from ....graph.node import Node
from ....ops import reduce as of
from ....ops.family import SumTo, reduced
from ..kernels.columns import place_for
from ..kernels.totals import room_for
from ..program import Buffer, Loop, Member, whole
from ..tiling import depth

if TYPE_CHECKING:
    from .fuse import Fusion

TILES = 4096  # elements of a product from which on it may be shared, for any number of threads
LARGE = 1 << 20  # bytes of a matrix from which on a row times it is made in blocks of its rows
FEW = 64  # rows of such a block
ASKED = {"any": "sum", "all": "prod"}  # of truths
REDUCED = {of.Sum: "sum", of.Max: "max", of.Min: "min", of.Prod: "prod"}
ALONG = {"sum": ops.sum, "max": ops.max, "min": ops.min, "prod": ops.prod}


def question(op: Any) -> str:
    """What is asked of truths: whether any is, or all are."""
    return op.question if isinstance(op, of.Ask) else ""


def is_reduction(op: Any) -> bool:
    """Whether it is one that loops know."""
    return type(op) in REDUCED or isinstance(op, SumTo) or question(op) in ASKED


def plan_reduction(values: Fusion, node: Node) -> None:
    """A reduction as a member of a loop over its operand's shape."""
    (x,) = node.inputs
    kind, keeps = _kind(node)
    if not keeps and x.ndim > 2 and _in_tiles(values, node):
        rows = ALONG[kind](x, axis=tuple(range(x.ndim - 1)))
        values.join(rows, kind, x.shape, (x,)).keeps = (x.ndim - 1,)
        x = rows
    by_row = x.ndim > 1 and x.ndim - 1 not in keeps and x.ndim - 2 in keeps
    values.join(node, kind, x.shape, (x,), by_row).keeps = keeps


def _kind(node: Node) -> tuple[str, tuple[int, ...]]:
    """How it combines, and the axes that stay."""
    (x,) = node.inputs
    if isinstance(node.op, SumTo):
        extra = x.ndim - node.ndim
        kept = range(extra, x.ndim)
        return "sum", tuple(k for k in kept if node.shape[k - extra] != 1 or x.shape[k] == 1)
    left = reduced(node.op, tuple(range(2, 2 + x.ndim)), node.op.axis, True)
    keeps = tuple(k for k, n in enumerate(left) if n != 1)
    return REDUCED.get(type(node.op)) or ASKED[question(node.op)], keeps


def _in_tiles(values: Fusion, node: Node) -> bool:
    """Whether all elements of what large products' loop makes are summed: then its columns are
    summed first, so that threads can share the products, and a sum of all is of few."""
    (x,) = node.inputs
    where, _ = values.members.get(x, (0, None))
    in_product = x in values.members and values.kernels[where].product
    plain = x.dtype == node.dtype and x.dtype.kind == "f" and type(node.op) in REDUCED
    return bool(in_product) and plain and prod(x.shape) >= TILES and min(x.shape[-2:]) > 1


def partial_sums(kernels: list) -> None:
    """Memory for sums that are made in blocks: of a product's terms, or of a loop's elements."""
    for loop in kernels:
        if not isinstance(loop, Loop):
            continue
        if loop.product:
            _blocks_of_terms(loop.product)
        for m in loop.members:
            m.tiled = _tile_by_tile(loop, m)
            size = room_for(loop, m)
            if size:
                m.sums = whole(Buffer(np.dtype(np.uint8), (size,)))
            elif not loop.product:
                m.sums = place_for(loop, m)


def _tile_by_tile(loop: Loop, m: Member) -> bool:
    """Whether what a large product's tiles come to is kept apart, and added up at the end: no sum
    then runs over an axis, and threads can share the product."""
    large = len(loop.shape) == 2 and prod(loop.shape) >= TILES and min(loop.shape) > 1
    plain = m.kind in ALONG and not m.keeps and m.node.dtype.kind in "fi"
    return bool(loop.product) and large and plain


def _blocks_of_terms(product: Member) -> None:
    node = product.node
    left = product.operands[0]
    rows, terms = left.shape[-2:]
    size, flat = node.dtype.itemsize, _flat(product)
    steep = left.strides[-2] == 1 < left.strides[-1]
    deep = FEW if flat else depth(rows, terms, size, steep)
    one_vector = node.shape[-1] * size <= 64  # summed in two halves, in their order
    if not deep or node.ndim != 2 or (one_vector and not flat):
        return
    own = product.store
    if own is None or not (own.contiguous if flat else own.strides[-1] == 1):
        own = whole(Buffer(node.dtype, node.shape))
    product.deep, product.sums = deep, own


def _flat(product: Member) -> bool:
    """Whether it is one row of a product with a matrix whose rows are best read one after the
    other: what the caches see coming; or one column, and the matrix lies the other way."""
    a, b = product.operands
    vector, matrix, across, down = (a, b, 1, 0) if a.shape[-2] == 1 else (b, a, 0, 1)
    if prod(vector.shape[-2:]) != matrix.shape[-2:][down] or matrix.panel:
        return False
    near = matrix.strides[-2:][across] == 1 != matrix.strides[-2:][down]
    large = prod(matrix.shape) * matrix.dtype.itemsize >= LARGE
    return near and large and min(matrix.shape[-2:]) >= 2 * FEW
