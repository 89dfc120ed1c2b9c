"""Parameter groups: an optimiser of its own for every part of a model, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import optree

from ..graph.errors import UsageError
from ..graph.spelling import did_you_mean, listed
from ..transform.trees import NAMESPACE, tree_flatten, tree_unflatten
from .options import check_optimizer
from .transform import Transform, dressed, float_of, observed, renamed


class Groups(Transform):
    """An optimiser for each group of parameters; see `groups`."""

    def __init__(self, rules: Mapping[Any, Any], names: Sequence[str] | None = None):
        if not isinstance(rules, Mapping) or not rules:
            raise UsageError(
                f"groups: {rules!r}; give a dict of optimisers by name, such as "
                '{"*.bias": SGD(0.1), "*": Adam()}'
            )
        for key, optimizer in rules.items():
            if not isinstance(key, str) and not callable(key):
                raise UsageError(
                    f"groups: the key {key!r} is neither a pattern nor a function (name, parameter)"
                )
            if optimizer is not None:
                check_optimizer("groups", optimizer)
        self.rules, self.names = dict(rules), None if names is None else list(names)

    def named(self, names: Sequence[str]) -> Groups:
        return Groups(self.rules, names)

    def init(self, params: Any) -> tuple:
        members, names, leaves = self._members(params)
        for key, places in zip(self.rules, members, strict=True):
            if not places:
                raise UsageError(f"groups: {key!r} finds no parameter; {_instead(key, names)}")
        for p in leaves:
            float_of(p)
        return tuple(
            None if part is None else part.init([leaves[k] for k in places])
            for part, places in self._parts(members, names)
        )

    def update(self, grads: Any, state: tuple, params: Any) -> tuple[Any, tuple]:
        g, structure = tree_flatten(grads)
        members, names, w = self._members(params)
        if len(g) != len(w):
            raise UsageError(f"update: {len(g)} gradients for {len(w)} parameters")
        updates, after = list(g), []
        for (part, places), own in zip(self._parts(members, names), state, strict=True):
            if part is None:  # frozen
                still = [np.zeros(w[k].shape, w[k].dtype) for k in places]
                found = dressed(still, [g[k] for k in places])
            else:
                found, own = part.update([g[k] for k in places], own, [w[k] for k in places])
            for k, x in zip(places, found, strict=True):
                updates[k] = x
            after.append(own)
        return tree_unflatten(structure, updates), tuple(after)

    def observe(self, loss: Any, state: tuple) -> tuple:
        return tuple(
            own if part is None else observed(part, loss, own)
            for part, own in zip(self.rules.values(), state, strict=True)
        )

    def _parts(self, members: list, names: list) -> list[tuple[Any, list[int]]]:
        return [
            (part and renamed(part, [names[k] for k in places]), places)
            for part, places in zip(self.rules.values(), members, strict=True)
        ]

    def _members(self, params: Any) -> tuple[list[list[int]], list[str], list]:
        """For every rule the places of its leaves; the names of all leaves; the leaves."""
        leaves, _ = tree_flatten(params)
        names = parameter_names(params, leaves) if self.names is None else self.names
        if len(names) != len(leaves):
            raise UsageError(f"groups: {len(names)} names for {len(leaves)} parameters")
        members: list[list[int]] = [[] for _ in self.rules]
        for k, (name, leaf) in enumerate(zip(names, leaves, strict=True)):
            first = next((j for j, key in enumerate(self.rules) if _fits(key, name, leaf)), None)
            if first is None:
                raise UsageError(
                    f'groups: no group takes the parameter {name!r}; add "*" for all the others, '
                    "with None to leave them as they are"
                )
            members[first].append(k)
        return members, names, leaves

    def __repr__(self) -> str:
        return f"groups({self.rules!r})"


def groups(rules: Mapping[str | Callable, Any]) -> Groups:
    """An optimiser of its own for every group of parameters.

    A key is a pattern of names (`*` for any text, `?` for a character), or a function of
    (name, parameter) that says whether it belongs. The first key that fits takes a parameter;
    None as its optimiser leaves the group as it is. Names are those of `model.named_parameters()`
    ("0.weight"), or of the way through the tree, with dots ("encoder.0.weight").
    Each group keeps its own state: clipping by norm inside a group sees that group alone.
    Raises: UsageError for a parameter no group takes, and at `init` for a group without any.

    >>> import numpy as np, chainrule as cr
    >>> optimizer = cr.optim.groups({
    ...     "head.*": cr.optim.SGD(lr=1.0), "*.bias": None, "*": cr.optim.SGD(lr=0.1)})
    >>> w = {"body": {"weight": np.ones(1), "bias": np.ones(1)}, "head": {"weight": np.ones(1)}}
    >>> updates, state = optimizer.update(w, optimizer.init(w), w)
    >>> float(updates["body"]["weight"][0]), float(updates["head"]["weight"][0])
    (-0.1, -1.0)
    >>> updates["body"]["bias"]
    array([0.])
    """
    return Groups(rules)


def parameter_names(params: Any, leaves: list) -> list[str]:
    """What every leaf of a tree is called: as the model calls it, or by its path with dots."""
    named = params.named_parameters() if hasattr(params, "named_parameters") else {}
    known = {id(p): name for name, p in named.items()}
    paths = optree.tree_paths(params, namespace=NAMESPACE)
    return [
        known.get(id(leaf)) or ".".join(map(str, path))
        for leaf, path in zip(leaves, paths, strict=True)
    ]


def _fits(key: Any, name: str, leaf: Any) -> bool:
    return fnmatchcase(name, key) if isinstance(key, str) else bool(key(name, leaf))


def _instead(key: Any, names: list[str]) -> str:
    otherwise = f"there are {listed(names, 8)}"
    return did_you_mean(key, names, otherwise) if isinstance(key, str) else otherwise
