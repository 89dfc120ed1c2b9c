"""Typed formulas: text of a small language, read as tensors. Nothing typed is ever executed."""

from .expression import assignment, evaluate, names_in, one_line
from .functions import CONSTANTS, FUNCTION_NAMES
from .mistake import did_you_mean, mistake, nearest

__all__ = [
    "CONSTANTS", "FUNCTION_NAMES", "assignment", "did_you_mean", "evaluate", "mistake",
    "names_in", "nearest", "one_line",
]  # fmt: skip
