"""Machine code from a graph: a tuple of passes, then LLVM. The only room that knows llvmlite."""

from .native import native
from .passes import switched_off
from .threads import wanted

__all__ = ["native", "switched_off", "wanted"]
