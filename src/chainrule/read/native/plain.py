"""Where there is no machine code: NumPy computes the graph, op by op, and one line says so."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np

from ...graph import caller
from ...graph.walk import Graph


class InterpretedWarning(UserWarning):
    """Compiled functions run as NumPy operations here, which is right but slower."""


class Plain:
    """A graph run by NumPy, called as the machine code would be."""

    counts: Mapping[str, int] = MappingProxyType({})  # no pass did anything

    def __init__(self, graph: Graph, reason: str):
        self.graph, self.reason = graph, reason

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            found = self.graph.run(arrays)
        return [np.array(y, o.dtype) for y, o in zip(found, self.graph.outputs, strict=True)]


@cache
def warn(reason: str) -> None:
    """Say once for each process that there is no machine code, why, and what helps."""
    message = (
        f"compile: no machine code on this machine ({reason}); NumPy computes op by op instead, "
        "with the same results but slower; pip install -U llvmlite"
    )
    caller.warn(message, InterpretedWarning)
