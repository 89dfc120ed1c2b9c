"""Nodes that compute nothing: another look at an operand's memory, with other strides.

Data in: a node whose op moves no number, and a view of its operand. Data out: a view of the same
buffer. A transpose exchanges strides, a slice adds an offset, a broadcast has the stride 0:

    x: float32 (2, 3)     strides (3, 1), offset 0
    x.T                   strides (1, 3), offset 0
    x[:, 1:]              strides (3, 1), offset 1, shape (2, 2)
    x[None] of (4, 2, 3)  strides (0, 3, 1)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....graph.node import Node
from ....ops import move
from ....ops.family import BroadcastTo, Reshape
from ....ops.slicing import Slice, unfrozen
from ..program import View
from .fuse import Fusion


def _broadcast(values: Fusion, node: Node) -> View:
    return values.read(node.inputs[0]).over(node.shape)


def _reshaped(values: Fusion, node: Node) -> View:
    """Only what has no gaps can be read in other axes; the rest is copied first."""
    return values.gapless(node.inputs[0]).reshaped(node.shape)


def _permuted(values: Fusion, node: Node) -> View:
    axes = node.op.axes
    return seen(values.read(node.inputs[0]), lambda x: x.transpose(axes))


def _flipped(values: Fusion, node: Node) -> View:
    axis = node.op.axis
    return seen(values.read(node.inputs[0]), lambda x: np.flip(x, axis) if x.ndim else x)


def _sliced(values: Fusion, node: Node) -> View:
    key = as_view(node.op.key)
    return seen(values.read(node.inputs[0]), lambda x: x[key])


LOOKS: dict[type, Callable[[Fusion, Node], View]] = {
    BroadcastTo: _broadcast, Reshape: _reshaped, move.Permute: _permuted, move.Flip: _flipped,
    Slice: _sliced,
}  # fmt: skip


def looked_at(node: Node) -> Node:
    """What a node is another look at, in the end; itself, if it is none."""
    while type(node.op) in LOOKS:
        node = node.inputs[0]
    return node


def as_view(key: Any) -> tuple:
    """A key of basic indexing, under which NumPy gives an array even of one element."""
    found = unfrozen(key)
    return found if Ellipsis in found else (*found, Ellipsis)


def seen(view: View, look: Callable[[np.ndarray], np.ndarray]) -> View:
    """A view through a function of arrays that copies nothing, such as a slice.

    NumPy says what becomes of the strides: it is shown one element, as if it were all of them.
    """
    size = view.dtype.itemsize
    stand_in = np.zeros(1, view.dtype)
    strides = tuple(s * size for s in view.strides)
    before = np.lib.stride_tricks.as_strided(stand_in, view.shape, strides, writeable=False)
    after = look(before)
    moved = after.__array_interface__["data"][0] - before.__array_interface__["data"][0]
    return View(
        view.buffer, after.shape, tuple(s // size for s in after.strides),
        view.offset + moved // size,
    )  # fmt: skip
