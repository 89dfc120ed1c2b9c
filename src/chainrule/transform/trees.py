"""Pytrees: nested containers and models as lists of leaves, and back (by optree)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optree

from ..graph.errors import UsageError
from ..graph.spelling import told_type

NAMESPACE = "chainrule"


def tree_flatten(tree: Any) -> tuple[list, Any]:
    """The leaves of a tree, and its structure."""
    return optree.tree_flatten(tree, namespace=NAMESPACE)


def tree_unflatten(structure: Any, leaves: Any) -> Any:
    """The tree of this structure with these leaves."""
    try:
        return optree.tree_unflatten(structure, leaves)
    except ValueError as error:
        raise UsageError(f"tree_unflatten: {error}") from None


def tree_map(f: Callable, tree: Any, *rest: Any) -> Any:
    """`f` of every leaf, in the same structure.

    >>> import chainrule as cr
    >>> cr.tree_map(lambda x: 2 * x, {"a": 1, "b": (2, 3)})
    {'a': 2, 'b': (4, 6)}
    """
    if not callable(f):
        raise UsageError(f"tree_map: of {f!r}, which is {told_type(f)}; give a function")
    leaves, structure = tree_flatten(tree)
    others = [tree_flatten(other) for other in rest]
    for _, found in others:
        if found != structure:
            raise UsageError(f"tree_map: the trees are {structure} and {found}; they must agree")
    return tree_unflatten(structure, map(f, leaves, *(other for other, _ in others)))


def tree_leaves(tree: Any) -> list:
    """The leaves of a tree, in order."""
    return optree.tree_leaves(tree, namespace=NAMESPACE)


def tree_names(tree: Any) -> list[str]:
    """For every leaf, how it is reached: `.layers[0].weight`."""
    accessors = optree.tree_accessors(tree, namespace=NAMESPACE)
    return [a.codify("").strip() for a in accessors]
