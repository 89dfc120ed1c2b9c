"""From a call in Python into compiled code and back, without Python in between."""

from __future__ import annotations

from .gate import Gate, gate, patience
from .layout import HEAD

__all__ = ["HEAD", "Gate", "gate", "patience"]
