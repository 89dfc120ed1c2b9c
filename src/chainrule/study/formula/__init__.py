"""Typed formulas: text of a small language, read as tensors. Nothing typed is ever executed."""

from .expression import assignment, evaluate, names_in, one_line
from .functions import CONSTANTS, FUNCTION_NAMES
from .mistake import mistake

__all__ = [
    "CONSTANTS", "FUNCTION_NAMES", "assignment", "evaluate", "mistake",
    "names_in", "one_line",
]  # fmt: skip
