"""Which letter each index gets: one for every axis that the same thing runs along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .places import Index, Place
from .terms import Leaf, Term

LETTERS = "ijklmnpqrstuvwabcdfgh"

Axis = tuple[str, int]  # the symbol of an array, and which of its axes


def leaves(term: Any) -> Iterator[Leaf]:
    """Every named element in a term, also inside the places of others."""
    stack, seen = [term], set()
    while stack:
        t = stack.pop()
        if isinstance(t, Term):
            if t in seen:
                continue
            seen.add(t)
            if isinstance(t, Leaf):
                yield t
            stack.extend(reversed(t.key))  # type: ignore[attr-defined]
        elif isinstance(t, tuple):
            stack.extend(reversed(t))
        elif isinstance(t, Place):
            stack.extend(part for part, _ in t.parts)
        elif hasattr(t, "term"):
            stack.append(t.term)
        elif hasattr(t, "place"):
            stack.append(t.place)


class Letters:
    """The letters of indices. Axes that one index runs along together share its letter."""

    def __init__(self, given: Mapping[Axis, str], bounds: Mapping[str, str], taken: Iterable[str]):
        self.given, self.bounds = dict(given), dict(bounds)
        self.taken = {s for s in taken if len(s) == 1} | set(self.bounds.values())
        self._above: dict[Any, Any] = {}
        self._letter: dict[Any, str] = {}

    def learn(self, terms: Sequence[Term]) -> None:
        """Join the axes of named arrays that one index runs along."""
        for term in terms:
            for leaf in leaves(term):
                self.join(leaf.symbol, leaf.places)

    def join(self, symbol: str, places: Sequence[Place]) -> None:
        """What these indices run along are these axes of the array."""
        for axis, place in enumerate(places):
            if place.index is not None:
                self._above[self._root((symbol, axis))] = self._root(place.index)

    def settle(self, free: Sequence[Sequence[Index]]) -> None:
        """Give every known axis its letter: the given one, then the next that is free."""
        for axis, letter in self.given.items():
            self._letter.setdefault(self._root(axis), letter)
        self.taken |= set(self._letter.values())
        axes = [key for key in self._above if isinstance(key, tuple)]
        for key in [*axes, *(index for some in free for index in some)]:
            self.of(key)

    def of(self, key: Any) -> str:
        """The letter of an index or an axis."""
        root = self._root(key)
        if root not in self._letter:
            self._letter[root] = next((c for c in LETTERS if c not in self.taken), "i")
            self.taken.add(self._letter[root])
        return self._letter[root]

    def bound(self, index: Index) -> str:
        """How far the index counts: a symbol if there is one for it, or the number."""
        return self.bounds.get(self.of(index), str(index.size))

    def _root(self, key: Any) -> Any:
        self._above.setdefault(key, key)
        while self._above[key] != key:
            key = self._above[key]
        return key
