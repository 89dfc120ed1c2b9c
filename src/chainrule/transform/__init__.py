"""Functions of functions: gradients, Jacobians, loops. Over pytrees, to any order."""

from .compile import compile
from .control import capture, checkpoint, cond, scan, stop_gradient
from .forward import hvp, jvp
from .probe import probe, probed
from .reverse import grad, hessian, jacobian, value_and_grad, vjp
from .trees import tree_flatten, tree_leaves, tree_map, tree_unflatten

__all__ = [
    "capture", "checkpoint", "compile", "cond", "grad", "hessian", "hvp", "jacobian", "jvp",
    "probe", "probed", "scan", "stop_gradient", "tree_flatten", "tree_leaves", "tree_map",
    "tree_unflatten", "value_and_grad", "vjp",
]  # fmt: skip
