"""Expand: a graph in the few ops that have kernels (legalisation).

Data in: a graph of any ops. Data out: one of `KERNELS` and of elementwise ops whose forward can be
handed registers; what is left besides is NumPy's to compute. A composite op writes itself out: its
own `forward` is called with our functions on nodes instead of NumPy's on arrays. Where that cannot
be, a rule of `decompositions` does it. Switched off, NumPy computes composites between kernels.

    softmax(x)   →   e = exp(x − max(x)), e / sum(e)
"""

from __future__ import annotations

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from .... import ops
from ....graph.node import Constant, Input, Node, Pick, unpack
from ....graph.op import Op
from ....graph.walk import Graph, fold
from ....ops import contract, move, reduce
from ....ops.family import BroadcastTo, Cast, Elementwise, Reshape, SumTo, zeros_like
from ....ops.loop import Call
from ....ops.slicing import Slice, Unslice
from ..functions import LLVM
from ..vector import Value, Writer
from .anew import Anew, anew
from .decompositions import DECOMPOSED
from .levels import Counted, again

ROUNDS = 4  # what a forward is written in may have to be written out too

# What a forward is handed here: our own functions, so that it writes itself out as a graph.
OURS = SimpleNamespace(**{name: getattr(ops, name) for name in ops.__all__ if name[0].islower()})
OURS.max = lambda x, axis=None, keepdims=False, initial=None: ops.max(
    x, axis=axis, keepdims=keepdims
)
OURS.zeros_like = zeros_like
OURS.ones_like = lambda x: np.broadcast_to(x.dtype.type(1), x.shape)

KERNELS = (
    Cast, BroadcastTo, Reshape, SumTo, move.Permute, move.Flip, move.Concat, Slice, Unslice,
    contract.Matmul, reduce.Sum, reduce.Max, reduce.Min, reduce.Prod, Input, Constant, Pick, Anew,
)  # fmt: skip


@lru_cache(4096)
def has_code(op: Op, *dtypes: np.dtype) -> bool:
    """Whether an elementwise op's forward can be handed numbers in registers."""
    w = Writer()
    try:
        made = op.forward(LLVM, *(Value(w, f"%x{k}", d, 1) for k, d in enumerate(dtypes)))
    except Exception:  # whatever it asked for that registers do not have
        return False
    return isinstance(made, Value)


def expand(graph: Graph) -> Counted:
    """The same values by ops that have kernels, as far as their forwards can be written so."""
    count = 0
    for _ in range(ROUNDS):
        made = fold(graph.outputs, _rule)
        after = Graph(graph.inputs, tuple(made[o] for o in graph.outputs))
        if set(after.outputs) == set(graph.outputs):
            break
        count += len(set(after.order) - set(graph.order))
        graph = after
    return graph, count


def _rule(node: Node, *xs: Any) -> Any:
    op = node.op
    if not xs:
        return node
    if isinstance(op, Pick):
        return xs[0][op.index] if type(xs[0]) is tuple else Node(op, xs)
    if isinstance(op, Call):
        return op.body.over(anew(xs, op.anew) if op.anew else xs).outputs
    if type(op) in DECOMPOSED:
        made = DECOMPOSED[type(op)](op, *xs)
        if made is not None and made.spec == node.spec:
            return made
    if isinstance(op, Elementwise):
        has_kernel = has_code(op, *(x.dtype for x in xs))
    else:
        has_kernel = isinstance(op, KERNELS)
    return again(node, op, xs) if has_kernel else _by_its_forward(op, xs)


def _by_its_forward(op: Op, xs: tuple) -> Any:
    try:
        made = op.forward(OURS, *xs)
    except Exception:
        return Node(op, xs)
    same = unpack(Node(op, xs))
    one = made if type(made) is Node else None
    if (
        one is not None
        and type(same) is Node
        and (one.shape, one.dtype) == (same.shape, same.dtype)
    ):
        return one
    return Node(op, xs)
