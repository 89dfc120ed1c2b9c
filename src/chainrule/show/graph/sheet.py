"""What is to be drawn: items with what stands beside them, and who feeds whom. No positions yet."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

Key = Hashable
Lines = tuple[str, ...]


@dataclass
class Row:
    """One operand of an item: where it comes from, and what is written at its line."""

    source: Key
    out: int = 0  # which of the source's values
    local: str = ""  # the local gradient
    part: Lines = ()  # what is sent down here, where the operand has several readers
    label: str = ""  # the operand's name, where an item has many
    dead: bool = False  # no gradient flows here
    sent: Any = None  # the number behind `part`, whether or not it is shown


@dataclass
class Out:
    """One value that leaves an item."""

    name: str = ""  # the name of the step, as derivations and transcripts call it
    value: Lines = ()
    grad: Lines = ()
    sum: str = ""  # the terms, where several upstream gradients meet
    dead: bool = False  # asked for, and no gradient arrives
    label: str = ""  # where an item has many values, which one it is


@dataclass
class Item:
    """A node of the drawing: an op, a leaf, the end, or a box that stands for several."""

    key: Key
    kind: str  # op, weight, input, fixed, end, box
    sign: str  # what stands in its shape
    name: str = ""  # of the step; also what its marks are called by
    over: str = ""  # the name that is written over it
    under: str = ""  # a second line of a box; what stands under an op
    rows: list[Row] = field(default_factory=list)
    outs: list[Out] = field(default_factory=list)
    head: str = ""  # the title of its card
    told: Lines = ()  # its card, line by line
    warn: str = ""  # why there is no derivative here, or what is not finite
    size: int = 0  # of a leaf: how many numbers it holds
    group: Key = None  # of a box: what it stands for


@dataclass
class Sheet:
    """Everything of a drawing: the items in order, operands first."""

    items: list[Item]
    title: str
    told: str
    numbers: bool = True  # values and gradients are numbers, not shapes and formulas
    node_count: int = 0  # of the whole graph, however much is folded

    def __getitem__(self, key: Key) -> Item:
        return self.by_key[key]

    @property
    def by_key(self) -> dict[Key, Item]:
        """The items by their keys."""
        return {i.key: i for i in self.items}

    @property
    def links(self) -> list[tuple[Key, int, Key, int]]:
        """Every line: from which item and value, to which item and row."""
        return [
            (row.source, row.out, item.key, k)
            for item in self.items for k, row in enumerate(item.rows)
        ]  # fmt: skip
