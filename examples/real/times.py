"""How a training went, on one line: epochs, what one takes, and how far it came."""

from __future__ import annotations

from statistics import median
from typing import Any


def went(history: Any) -> str:
    """How many epochs, and how long one takes, in the middle; the first one compiles."""
    first, *rest = (1000 * s for s in history.seconds)
    return f"{len(history)} epochs of {median(rest or [first]):.3g} ms (the first {first:.0f} ms)"
