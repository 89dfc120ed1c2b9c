"""What a computation is: nodes, graphs, their order, and the chain rule over them."""

from .chain import pull, push
from .invariants import verify
from .node import Node, constant_node, input_node
from .op import Op, Spec
from .walk import Graph, capture, fold, order, users

__all__ = [
    "Graph", "Node", "Op", "Spec", "capture", "constant_node", "fold", "input_node", "order",
    "pull", "push", "users", "verify",
]  # fmt: skip
