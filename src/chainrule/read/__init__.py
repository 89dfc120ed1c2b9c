"""One graph, many readers: as mathematics, as text, as a shorter graph."""

from .latex import latex, latex_of_locals
from .simplify import simplify
from .text import text

__all__ = ["latex", "latex_of_locals", "simplify", "text"]
