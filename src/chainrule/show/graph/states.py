"""A drawing whose boxes open and shut: every state drawn once, and which click leads where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from .folding import Grouping, folded, untied, with_leaves
from .render import Sketch, sketch
from .sheet import Key, Sheet

MOST = 12  # states that are drawn
LARGEST = 260  # items of a state that is drawn beforehand
ALL = 1200  # items of all of them
TRIED = 60  # states that are thought of


@dataclass(frozen=True)
class Folding:
    """A sheet, its boxes, and which of them are open at first."""

    sheet: Sheet
    grouping: Grouping
    open: frozenset
    digits: int = 4

    def draw(self, open_: frozenset, ident: str, **how: object) -> Sketch:
        """The picture with these boxes open."""
        made, groups = folded(self.sheet, self.grouping, open_, self.digits)
        return sketch(made, ident=ident, groups=groups, titles=self.grouping.titles, **how)  # type: ignore[arg-type]

    def drawn(self, ident: str, **how: object) -> list[str]:
        """The pictures of all states, each with the clicks that lead to others."""
        known = self.states()
        made = []
        for k, state in enumerate(known):
            there = {g: self.after(state, g, known) for g in self._seen(state)}
            leads = {g: known.index(s) for g, s in there.items() if s is not None}
            name = f"{ident}{k or ''}"
            made.append(self.draw(state, name, focusable=True, leads=leads, **how).svg)
        return made

    def states(self) -> list[frozenset]:
        """What is drawn beforehand: as it is at first, all open, and box by box."""
        found: list[frozenset] = []
        room = ALL
        for state in dict.fromkeys(islice(self._wanted(), TRIED)):
            size = self._size(state)
            if not found or size <= min(LARGEST, room):
                found.append(state)
                room -= size
            if len(found) == MOST:
                break
        return found

    def _wanted(self) -> Iterator[frozenset]:
        """The states that a reader may ask for, the likeliest first."""
        groups = sorted(self.grouping.groups, key=lambda g: len(self.grouping.above(g)))[:TRIED]
        alone = [frozenset({g, *self.grouping.above(g)}) for g in groups]
        yield from (self.open, frozenset(), frozenset(self.grouping.groups))
        yield from (self.open ^ {g} for g in groups)
        yield from alone
        yield from (a | b for k, a in enumerate(alone) for b in alone[:k])

    def _seen(self, state: frozenset) -> list[Key]:
        """The boxes that are there to be clicked: open ones, and those just inside them."""
        return [g for g in self.grouping.groups if state.issuperset(self.grouping.above(g))]

    def _size(self, state: frozenset) -> int:
        place = {
            next((g for g in self.grouping.path.get(i.key, ()) if g not in state), i.key)
            for i in self.sheet.items
        }
        return len(place)

    def after(self, state: frozenset, group: Key, known: list[frozenset]) -> frozenset | None:
        """Where a click on a box leads: it opens or shuts, and others shut if they must."""
        inner = {g for g in self.grouping.groups if group in self.grouping.above(g)}
        opened = state | {group, *self.grouping.above(group)}
        wanted = state - {group} - inner if group in state else opened
        alone = frozenset({group, *self.grouping.above(group)})
        others = [frozenset(self.grouping.above(group))] if group in state else [alone]
        return next((s for s in (wanted, *others) if s in known and s != state), None)


def folding(
    sheet: Sheet, grouping: Grouping, fold: Callable[[Grouping, int], frozenset], digits: int
) -> Folding:
    """The boxes of a sheet, made ready: parameters in the boxes that read them."""
    grouping = untied(sheet, with_leaves(sheet, grouping))
    return Folding(sheet, grouping, fold(grouping, len(sheet.items)), digits)
