"""Questions to a graph: is its gradient right, what does it do, where does it fail."""

from .check import check_grads, check_op
from .report import Check, GradientReport

__all__ = ["Check", "GradientReport", "check_grads", "check_op"]
