"""Simplify: no products with 1, no sums with 0, no double signs; most of it a gradient's noise.

Data in: a graph. Data out: one of the same values up to rounding, with fewer ops or cheaper ones.
The rules are those that readers of formulas have too (`read/simplify`).
"""

from __future__ import annotations

from ....graph.walk import Graph
from ...simplify import simplify as simpler
from .levels import Counted


def simplify(graph: Graph) -> Counted:
    """The graph by those rules; the count is of nodes that are gone."""
    outputs = tuple(simpler(graph.outputs))
    before, after = set(graph.order), set(Graph(graph.inputs, outputs).order)
    return Graph(graph.inputs, outputs), len(before - after)
