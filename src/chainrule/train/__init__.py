"""Training: the loop, its history, data."""

from .fit import fit
from .history import History

__all__ = ["History", "fit"]
