"""Where in an array an element stands: sums of indices, counted from 0 inside, from 1 in print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Index:
    """A letter that runs over an axis of `size` elements. No two are the same."""

    size: int

    @property
    def free(self) -> frozenset:
        """Itself."""
        return frozenset((self,))


@dataclass(frozen=True)
class Place:
    """Σ coefficient · part + shift, counted from 0. A part is an Index, Floor, Mod or Value."""

    parts: tuple[tuple[Any, int], ...] = ()
    shift: int = 0

    @property
    def free(self) -> frozenset:
        """The indices it moves with."""
        return frozenset().union(*(part.free for part, _ in self.parts))

    @property
    def index(self) -> Index | None:
        """The index it is, if it is one as it stands."""
        if self.shift == 0 and len(self.parts) == 1 and self.parts[0][1] == 1:
            part = self.parts[0][0]
            return part if isinstance(part, Index) else None
        return None

    @property
    def number(self) -> int | None:
        """The number it is, where nothing moves it."""
        return None if self.parts else self.shift

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest it can be."""
        low = high = float(self.shift)
        for part, k in self.parts:
            a, b = limits(part)
            low, high = low + min(k * a, k * b), high + max(k * a, k * b)
        return low, high


@dataclass(frozen=True)
class Divided:
    """A place, divided by a number."""

    place: Place
    by: int

    @property
    def free(self) -> frozenset:
        """The indices it moves with."""
        return self.place.free


class Floor(Divided):
    """The quotient, rounded down."""


class Mod(Divided):
    """What the division leaves."""


@dataclass(frozen=True)
class Value:
    """An element of an array of integers, which says a place."""

    term: Any

    @property
    def free(self) -> frozenset:
        """The indices it moves with."""
        return self.term.free


FIRST = Place()


def limits(part: Any) -> tuple[float, float]:
    """The smallest and the largest number that a part of a place can be."""
    if isinstance(part, Index):
        return 0.0, part.size - 1.0
    if isinstance(part, Mod):
        return 0.0, part.by - 1.0
    if isinstance(part, Floor):
        low, high = part.place.limits
        return low // part.by, high // part.by
    return -float("inf"), float("inf")


def along(index: Index) -> Place:
    """The place that an index is."""
    return Place(((index, 1),))


def at(k: int) -> Place:
    """A fixed place."""
    return Place((), k)


def value(term: Any) -> Place:
    """The place that an element of an integer array says."""
    return Place(((Value(term), 1),))


def combined(*weighted: tuple[Place, int], shift: int = 0) -> Place:
    """Σ weight · place + shift."""
    parts: dict[Any, int] = {}
    for place, weight in weighted:
        shift += weight * place.shift
        for part, k in place.parts:
            parts[part] = parts.get(part, 0) + weight * k
    made = Place(tuple((p, k) for p, k in parts.items() if k), shift)
    return _rejoined(made)


def _rejoined(place: Place) -> Place:
    """n times a quotient plus what was left is what was divided."""
    parts = dict(place.parts)
    for part, k in place.parts:
        if isinstance(part, Mod) and parts.get(Floor(part.place, part.by)) == k * part.by:
            rest = tuple((p, c) for p, c in place.parts
                         if p != part and p != Floor(part.place, part.by))  # fmt: skip
            return combined((Place(rest, place.shift), 1), (part.place, k))
    return place


def floor(place: Place, by: int) -> Place:
    """The place divided by a number, rounded down; what divides evenly comes out."""
    if by == 1:
        return place
    whole, rest = _split(place, by)
    low, high = rest.limits
    if low >= 0 and high < by:
        return whole
    return combined((whole, 1), (Place(((Floor(rest, by), 1),)), 1))


def mod(place: Place, by: int) -> Place:
    """What division of the place by a number leaves."""
    while any(isinstance(p, Mod) and p.by % by == 0 for p, _ in place.parts):
        place = combined(*((_unwound(p, by), k) for p, k in place.parts), shift=place.shift)
    _, rest = _split(place, by)
    low, high = rest.limits
    return rest if low >= 0 and high < by else Place(((Mod(rest, by), 1),))


def _unwound(part: Any, by: int) -> Place:
    """What a remainder was taken of, where the new one does not notice."""
    return part.place if isinstance(part, Mod) and part.by % by == 0 else Place(((part, 1),))


def _split(place: Place, by: int) -> tuple[Place, Place]:
    """A place as by · whole + rest."""
    whole = tuple((p, k // by) for p, k in place.parts if k % by == 0)
    rest = tuple((p, k) for p, k in place.parts if k % by)
    return Place(whole, place.shift // by), Place(rest, place.shift % by)
