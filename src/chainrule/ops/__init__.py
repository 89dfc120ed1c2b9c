"""What each operation is: its value, its local gradient, its notation. One file a family."""

from ..graph.operators import FUNCTIONS
from .composite import clip, conj, diff, imag, real
from .contract import einsum, matmul, outer, tensordot, vecdot
from .elementwise import *  # noqa: F403
from .elementwise import __all__ as _elementwise
from .family import Elementwise, Reduce, broadcast_to, reshape, sum_to, where
from .index import argsort, nonzero, one_hot, scatter_add, sort, take, take_along_axis, top_k
from .linalg import cholesky, det, inv, slogdet, solve, trace
from .linear import linear
from .move import (
    astype,
    broadcast_arrays,
    concat,
    diagonal,
    expand_dims,
    flip,
    getitem,
    matrix_transpose,
    moveaxis,
    pad,
    permute_dims,
    repeat,
    roll,
    squeeze,
    stack,
    tile,
    transpose,
    tril,
    triu,
    unstack,
)  # fmt: skip
from .reduce import *  # noqa: F403
from .reduce import __all__ as _reduce
from .shares import log_softmax, softmax

__all__ = [
    *_elementwise, *_reduce, "Elementwise", "Reduce", "argsort", "astype", "broadcast_arrays",
    "broadcast_to", "cholesky", "clip", "concat", "conj", "det", "diagonal", "diff", "einsum",
    "expand_dims", "flip", "getitem", "imag", "inv", "linear", "log_softmax", "matmul",
    "matrix_transpose", "moveaxis", "nonzero", "one_hot", "outer", "pad", "permute_dims",
    "real", "repeat", "reshape", "roll", "scatter_add", "slogdet", "softmax", "solve", "sort",
    "squeeze", "stack", "sum_to", "take", "take_along_axis", "tensordot", "tile", "top_k",
    "transpose", "tril", "triu", "unstack", "vecdot", "where",
]  # fmt: skip

# From here on nodes, tensors and symbols have Python's operators and NumPy's protocols.
FUNCTIONS.update({name: globals()[name] for name in __all__ if name[0].islower()})
FUNCTIONS["trace"] = trace  # np.trace; chainrule.trace is not a matrix's
