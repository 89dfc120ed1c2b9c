"""Pytrees: nested containers and models as lists of leaves, and back (by optree)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optree

NAMESPACE = "chainrule"


def tree_flatten(tree: Any) -> tuple[list, Any]:
    """The leaves of a tree, and its structure."""
    return optree.tree_flatten(tree, namespace=NAMESPACE)


def tree_unflatten(structure: Any, leaves: Any) -> Any:
    """The tree of this structure with these leaves."""
    return optree.tree_unflatten(structure, leaves)


def tree_map(f: Callable, tree: Any, *rest: Any) -> Any:
    """`f` of every leaf, in the same structure.

    >>> import chainrule as cr
    >>> cr.tree_map(lambda x: 2 * x, {"a": 1, "b": (2, 3)})
    {'a': 2, 'b': (4, 6)}
    """
    return optree.tree_map(f, tree, *rest, namespace=NAMESPACE)


def tree_leaves(tree: Any) -> list:
    """The leaves of a tree, in order."""
    return optree.tree_leaves(tree, namespace=NAMESPACE)


def tree_names(tree: Any) -> list[str]:
    """For every leaf, how it is reached: `.layers[0].weight`."""
    accessors = optree.tree_accessors(tree, namespace=NAMESPACE)
    return [a.codify("").strip() for a in accessors]
