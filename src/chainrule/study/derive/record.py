"""A derivation as data: sections of steps, and the closed formula."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...graph.errors import UsageError
from ...graph.walk import Graph
from ...read.formula import Formula


@dataclass(frozen=True, eq=False)
class Step:
    """One line: what stands on the left, what on the right, and the same with its numbers."""

    rule: str  # "substitute", "chain rule", "local gradient", "multiply", ...
    left: str  # TeX
    right: str  # TeX
    sign: str = "="  # between left and right; ":" where the right side is a rule, not a value
    also: tuple[str, ...] = ()  # TeX: further right sides of the same value, read before `right`
    numbers: str = ""  # TeX: the right side with its numbers put in, where they fit on a line
    result: Any = None  # the numbers it comes to
    reason: str = ""  # why, in words
    note: str = ""  # what a reader must be warned of: a kink, a formula too long to write
    shapes: str = ""  # "(3×1)(1×4) = 3×4", where an order of factors could be wrong
    where: tuple[Formula, ...] = ()  # what the right side names, and what that is
    symbol: str = ""  # TeX: of a step that names something, the name without indices
    of: tuple[str, ...] = ()  # what it is about: the names of the values, reader before operand
    axes: Mapping[str, int] = field(default_factory=dict)  # index form: the left side's letters

    @property
    def line(self) -> str:
        """The symbolic line as TeX."""
        sides = [x for x in (*self.also, self.right) if x]
        return f"{self.left} {self.sign} {' = '.join(sides)}" if sides else self.left


@dataclass(frozen=True)
class Section:
    """Steps that belong together, under a heading."""

    name: str  # "substitution", "chain rule", "local gradients", ...
    title: str
    words: str
    steps: tuple[Step, ...]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, k: int) -> Step:
        return self.steps[k]


@dataclass(frozen=True)
class Closed:
    """The gradient of the loss with respect to one leaf, as one formula."""

    name: str  # the leaf, as the user calls it
    left: str  # TeX
    tex: str  # TeX, in terms of the leaves and of `where`
    where: tuple[Formula, ...]  # what the formula names, and what that is
    graph: Graph  # the same formula as a graph of the leaves
    arguments: tuple | None  # the numbers of the graph's inputs, None where there are none
    gradient: np.ndarray | None  # what it comes to


@dataclass(frozen=True, eq=False)
class Derivation:
    """The whole way from a function to its gradient; print it, or look at it in a notebook.

    `sections` hold the steps, `formula` is what they lead to (one for each leaf in `closed`),
    `symbols` maps every symbol of the formulas, as TeX, to its numbers.
    """

    title: str
    form: str
    sections: tuple[Section, ...]
    closed: tuple[Closed, ...]
    symbols: Mapping[str, Any]

    def section(self, name: str) -> Section:
        """The section of this name: "substitution", "chain rule", "local gradients", ..."""
        for s in self.sections:
            if s.name == name:
                return s
        there = ", ".join(s.name for s in self.sections)
        raise UsageError(f"derive: there is no section {name!r}; there are {there}")

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in order."""
        return tuple(step for s in self.sections for step in s)

    @property
    def formula(self) -> str:
        """The closed formula as TeX: a line for each leaf."""
        return " \\\\ ".join(f"{c.left} = {c.tex}" for c in self.closed)

    @property
    def graph(self) -> Graph:
        """The closed formula as a graph; of several leaves, that of the first."""
        return self.closed[0].graph

    @property
    def gradients(self) -> dict[str, np.ndarray | None]:
        """The numbers of every gradient, by the name of its leaf."""
        return {c.name: c.gradient for c in self.closed}

    def latex(self) -> str:
        """All of it as LaTeX, to be put into a document that loads amsmath."""
        from .paper import latex_of

        return latex_of(self)

    def markdown(self) -> str:
        """All of it as Markdown with TeX between dollar signs."""
        from .paper import markdown_of

        return markdown_of(self)

    def text(self) -> str:
        """All of it as plain text."""
        from .paper import text_of

        return text_of(self)

    def mathml(self) -> str:
        """All of it as HTML with MathML: no script, nothing loaded, every label escaped."""
        from .page import html_of

        return html_of(self)

    def save(self, path: str) -> None:
        """Write it to a file: .html, .tex, .md or .txt says how."""
        from .page import save

        save(self, path)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        lines = ", ".join(f"{s.name}: {len(s)}" for s in self.sections)
        return f"Derivation({self.title}; {self.form} form; {lines})"

    def _repr_html_(self) -> str:
        return self.mathml()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.mathml()}
