"""A formula as a tree: what stands beside, above and below what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from .signs import ESCAPES, FENCES, PAIRS


class Tree:
    """A part of a formula."""

    def parts(self) -> tuple[Tree, ...]:
        """The parts of the part, in reading order."""
        found: list[Tree] = []
        for field in fields(self):  # type: ignore[arg-type]
            _gather(getattr(self, field.name), found)
        return tuple(found)


def _gather(value: Any, found: list[Tree]) -> None:
    if isinstance(value, Tree):
        found.append(value)
    elif isinstance(value, tuple):
        for v in value:
            _gather(v, found)


@dataclass(frozen=True)
class Row(Tree):
    """Parts side by side."""

    items: tuple[Tree, ...]


@dataclass(frozen=True)
class Number(Tree):
    """Digits, with a point if there is one."""

    text: str


@dataclass(frozen=True)
class Symbol(Tree):
    """A letter that stands for a quantity: its TeX and its character."""

    tex: str
    text: str


@dataclass(frozen=True)
class Word(Tree):
    """Text in one piece, in the style of its TeX command: mathrm, text, mathbf, mathbb …"""

    text: str
    style: str


@dataclass(frozen=True)
class Function(Tree):
    """The name of a function; with `limits` what stands below it goes under it."""

    text: str
    tex: str
    limits: bool = False


@dataclass(frozen=True)
class Sign(Tree):
    """A sign between parts; `kind` is binary, relation, prefix, punctuation or ordinary."""

    tex: str
    text: str
    kind: str


@dataclass(frozen=True)
class Space(Tree):
    """A space, `width` em wide."""

    tex: str
    width: float


@dataclass(frozen=True)
class Fraction(Tree):
    """One part over another."""

    above: Tree
    below: Tree


@dataclass(frozen=True)
class Root(Tree):
    """The square root of a part."""

    inside: Tree


@dataclass(frozen=True)
class Script(Tree):
    """A part with something small below it, above it, or both."""

    base: Tree
    below: Tree | None = None
    above: Tree | None = None


@dataclass(frozen=True)
class Big(Tree):
    """A large sign or a function with limits: Σ, Π, max."""

    sign: Tree
    below: Tree | None = None
    above: Tree | None = None


@dataclass(frozen=True)
class Fenced(Tree):
    """A part in brackets; `grows` with what is inside if written with left and right."""

    opening: str
    inside: Tree
    closing: str
    grows: bool = True


@dataclass(frozen=True)
class Table(Tree):
    """Rows of cells: cases, aligned lines, or a matrix."""

    kind: str
    rows: tuple[tuple[Tree, ...], ...]


@dataclass(frozen=True)
class Accent(Tree):
    """A part with a mark on it: a hat, a bar, a dot."""

    name: str
    mark: str
    inside: Tree


@dataclass(frozen=True)
class Brace(Tree):
    """A part with a brace below or above it, and a note at the brace."""

    name: str
    inside: Tree
    note: Tree | None = None


@dataclass(frozen=True)
class Mark(Tree):
    """A part with an identity, by which pictures and formulas point at each other."""

    ident: str
    inside: Tree


def write(tree: Tree, marks: bool = True) -> str:
    """The tree as TeX again; without `marks`, as plain LaTeX.

    >>> from chainrule.read.tex import parse
    >>> write(parse(r"\\mark{e1}{x}  + 2"), marks=False)
    'x + 2'
    """
    inner = [write(part, marks) for part in tree.parts()]
    if isinstance(tree, Mark) and not marks:
        return inner[0]
    return _WRITERS[type(tree)](tree, inner)


def _row(tree: Row, inner: list[str]) -> str:
    return " ".join(part or "{}" for part in inner)


def escaped(text: str) -> str:
    """Text as it stands inside a word of TeX."""
    back = {shown: tex for tex, shown in ESCAPES.items() if shown != " "}
    back |= {"\\": r"\backslash ", "^": r"\hat{}", "~": r"\sim "}
    return "".join(back.get(c, c) for c in text)


def _function(tree: Function, inner: list[str]) -> str:
    return tree.tex


def _scripted(base: str, tree: Script | Big, rest: list[str]) -> str:
    found = iter(rest)
    if tree.below is not None:
        base += f"_{{{next(found)}}}"
    return base + (f"^{{{next(found)}}}" if tree.above is not None else "")


def _script(tree: Script, inner: list[str]) -> str:
    plain = isinstance(tree.base, Symbol | Number | Word | Function | Mark) or (
        isinstance(tree.base, Fenced) and not tree.base.grows
    )
    return _scripted(inner[0] if plain else f"{{{inner[0]}}}", tree, inner[1:])


def _fenced(tree: Fenced, inner: list[str]) -> str:
    if not tree.grows:
        return f"{tree.opening}{_apart(tree.opening)}{inner[0]}{tree.closing}"
    return rf"\left{tree.opening}{_apart(tree.opening)}{inner[0]}\right{tree.closing}"


def _apart(tex: str) -> str:
    return " " if tex[-1].isalpha() else ""


def _table(tree: Table, inner: list[str]) -> str:
    cells = iter(inner)
    rows = [" & ".join(next(cells) for _ in row) for row in tree.rows]
    return rf"\begin{{{tree.kind}}} " + r" \\ ".join(rows) + rf" \end{{{tree.kind}}}"


def _brace(tree: Brace, inner: list[str]) -> str:
    note = "" if tree.note is None else f"{'_' if tree.name[0] == 'u' else '^'}{{{inner[1]}}}"
    return rf"\{tree.name}{{{inner[0]}}}{note}"


_WRITERS: dict[type, Callable[[Any, list[str]], str]] = {
    Row: _row,
    Number: lambda t, _: t.text,
    Symbol: lambda t, _: t.tex,
    Word: lambda t, _: rf"\{t.style}{{{escaped(t.text)}}}",
    Function: _function,
    Sign: lambda t, _: t.tex,
    Space: lambda t, _: t.tex,
    Fraction: lambda _, inner: rf"\frac{{{inner[0]}}}{{{inner[1]}}}",
    Root: lambda _, inner: rf"\sqrt{{{inner[0]}}}",
    Script: _script,
    Big: lambda t, inner: _scripted(inner[0], t, inner[1:]),
    Fenced: _fenced,
    Table: _table,
    Accent: lambda t, inner: rf"\{t.name}{{{inner[0]}}}",
    Brace: _brace,
    Mark: lambda t, inner: rf"\mark{{{escaped(t.ident)}}}{{{inner[0]}}}",
}
assert set(PAIRS) <= set(FENCES)
