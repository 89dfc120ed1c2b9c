"""What a graph was read as: formulas, each with a left and a right side, and their shapes."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph.errors import UsageError


@dataclass(frozen=True)
class Factor:
    """One factor of a matrix product: its TeX and its shape, (rows, columns)."""

    tex: str
    shape: tuple[int, int]


@dataclass(frozen=True)
class Formula:
    """One value as TeX, with the letters of its indices, or with its factors."""

    tex: str
    name: str = ""
    indices: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    factors: tuple[Factor, ...] = ()

    @property
    def left(self) -> str:
        """The symbol with its indices, or nothing for a value that has no name."""
        return indexed_name(self.name, self.indices) if self.name else ""

    @property
    def line(self) -> str:
        """The equation, or the right side alone."""
        return f"{self.left} = {self.tex}" if self.name else self.tex


@dataclass(frozen=True)
class Reading:
    """The formulas of the values asked for, and those of the parts that stand in them by name."""

    formulas: tuple[Formula, ...]
    shared: tuple[Formula, ...] = ()

    @property
    def tex(self) -> str:
        """The formula, where there is one."""
        if len(self.formulas) != 1:
            raise UsageError(f"{len(self.formulas)} formulas were read; take one of .formulas")
        return self.formulas[0].tex


def indexed_name(name: str, indices: tuple[str, ...]) -> str:
    """A symbol with indices below: x_{ij}, and (w_{1})_{ij} where something is there already."""
    if not indices:
        return name
    apart = any(not i.rstrip("'").isalpha() or len(i.rstrip("'")) > 1 for i in indices)
    below = (", " if apart else "").join(indices)
    simple = len(name) == 1 or (name[0] == "\\" and name[1:].isalpha())
    return f"{name}_{{{below}}}" if simple else f"({name})_{{{below}}}"


def shapes(formula: Formula, sizes: dict[int, str] | None = None) -> str:
    """How the shapes of the factors chain: (H×N)(N×O) = (H×O).

    >>> f = Formula("A B", shape=(2, 4), factors=(Factor("A", (2, 3)), Factor("B", (3, 4))))
    >>> shapes(f, {3: "N"})
    '(2×N)(N×4) = (2×4)'
    """
    names = sizes or {}

    def pair(shape: tuple[int, ...]) -> str:
        return "(" + "×".join(str(names.get(n, n)) for n in shape) + ")"

    if not formula.factors:
        return pair(formula.shape)
    whole = (formula.factors[0].shape[0], formula.factors[-1].shape[1])
    return "".join(pair(f.shape) for f in formula.factors) + " = " + pair(whole)
