"""Panels: a matrix that every step of a scan multiplies with is laid out once, beforehand.

Data in: a scan's body, and how many of its inputs are the same at every step. Data out: which of
them its products read in panels, and loops before the scan that copy them.

A product reads so many vectors of one row of its right factor after the other. In a large matrix
those rows lie far apart; here they follow each other, and a step streams through them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ....graph.node import Node
from ....graph.walk import Graph
from ....ops import contract
from ..machine.engine import register
from ..program import Buffer, Loop, Member, Program, Steps, View, steps
from ..tiling import tiling

if TYPE_CHECKING:
    from .fuse import Fusion

NUMBERS = ("f4", "f8", "i4", "i8")  # what products are made of


class Panels(NamedTuple):
    """An input of a scan's body, and how many columns stand beside each other in its panels."""

    source: Node
    width: int
    place: int  # which of the body's inputs it is

    @property
    def shape(self) -> tuple[int, int, int]:
        """Panels, rows, columns of a panel; the last panel is filled up."""
        rows, columns = self.source.shape
        return -(-columns // self.width), rows, self.width

    def view(self, buffer: Buffer) -> View:
        """The matrix in its panels: the strides lead from row to row, and from panel to panel."""
        return View(buffer, self.source.shape, (self.width, self.source.shape[0]), 0, self.width)


def panels(graph: Graph, fixed: int) -> dict[Node, Panels]:
    """Of the last `fixed` inputs of a body, those that are worth it."""
    given = {n: k for k, n in enumerate(graph.inputs)}
    first = len(graph.inputs) - fixed
    found: dict[Node, Panels] = {}
    for node in graph.order:
        if type(node.op) is not contract.Matmul or node.ndim != 2:
            continue
        a, b = node.inputs
        if given.get(b, -1) < first or a.ndim != 2 or b in found:
            continue
        width = _width(node)
        if width:
            found[b] = Panels(b, width, given[b])
    return found


def _width(node: Node) -> int:
    """The columns of a panel: as many as a tile has; 0 where the matrix is no wider than that."""
    a, b = node.inputs
    dtype, size = node.dtype, node.dtype.itemsize
    if {a.dtype, b.dtype} != {dtype} or dtype.str[1:] not in NUMBERS or not node.size:
        return 0
    lanes = register() // size
    vectors = -(-node.shape[1] // lanes)
    tile = tiling(node.shape[0], vectors, b.shape[0], register(), lanes * size, True)
    return tile.wide * lanes if vectors > tile.wide else 0


def laid_out(planner: Fusion, node: Node, panel: Panels) -> View:
    """The matrix in its panels, by loops that copy it; one more for what the last panel holds."""
    source = planner.read(node)
    down, across = source.strides
    dtype, width = node.dtype, panel.width
    buffer = Buffer(dtype, panel.shape)
    rows, columns = node.shape
    for first, count, wide in (
        (0, columns // width, width),
        (columns // width, 1, columns % width),
    ):
        if not count * wide:
            continue
        shape = (count, rows, wide)
        begin = source.offset + first * width * across
        taken = View(source.buffer, shape, (width * across, down, across), begin)
        store = View(buffer, shape, steps((1, rows, width)), first * rows * width)
        planner.kernels.append(Loop(shape, [Member(node, [taken], "copy", store)]))
    return panel.view(buffer)


def laid(program: Program) -> int:
    """How many matrices are laid out for the scans of a program."""
    return sum(len(k.body.panels) for k in program.kernels if isinstance(k, Steps))
