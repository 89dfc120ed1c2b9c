"""Read a formula as one line of plain text, in the characters that Unicode has for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unicodedata import normalize

from .signs import FENCES
from .tex import parse
from .tree import (
    Accent,
    Big,
    Brace,
    Fenced,
    Fraction,
    Function,
    Mark,
    Number,
    Root,
    Row,
    Script,
    Sign,
    Space,
    Symbol,
    Table,
    Tree,
    Word,
)

BELOW = dict(zip("0123456789+−-=()aehijklmnoprstuvxβγρϕχ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ",
                 strict=True))  # fmt: skip
ABOVE = dict(zip("0123456789+−-=()⊤′abcdefghijklmnoprstuvwxyz",
                 "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵀ′ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True))  # fmt: skip
OVER = {"hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0305",
        "tilde": "\u0303", "dot": "\u0307", "ddot": "\u0308", "vec": "\u20d7"}  # fmt: skip
STYLED = {("mathbb", "1"): "𝟙", ("mathbf", "1"): "𝟏"}


def plain(tex: str) -> str:
    """The formula as one line that anyone can read.

    Raises: ExpressionError where the TeX lies outside the subset.

    >>> plain(r"\\frac{2}{N} \\sum_{i=1}^{N} e_{i} w_{2}^{\\top}")
    '2/N · Σᵢ eᵢ w₂ᵀ'
    >>> plain(r"\\begin{cases} 0 & u_{1} \\le 0 \\\\ 1 & u_{1} > 0 \\end{cases}")
    '{0 if u₁ ≤ 0; 1 if u₁ > 0}'
    """
    return normalize("NFC", plain_of(parse(tex)))


def plain_of(tree: Tree) -> str:
    """A formula's tree as one line."""
    return _WRITERS[type(tree)](tree).strip()


def _row(row: Row) -> str:
    text = ""
    leads = False  # the sign before belongs to what follows: -x, not a - x
    before: Tree | None = None
    for item in row.items:
        gap = "" if before is None else _gap(before, item, leads)
        text += gap + _WRITERS[type(item)](item)
        leads = isinstance(item, Sign) and (before is None or isinstance(before, Sign))
        before = item
    return text


def _core(tree: Tree) -> Tree:
    while isinstance(tree, Script | Mark):
        tree = tree.base if isinstance(tree, Script) else tree.inside
    return tree


def _gap(before: Tree, after: Tree, leads: bool = False) -> str:
    """What stands between two neighbours: a space, or nothing, or the sign of a product."""
    if isinstance(before, Space) or isinstance(after, Space):
        return ""
    if isinstance(after, Sign):
        return "" if after.kind in ("punctuation", "ordinary") else " "
    if isinstance(before, Sign):
        if leads and before.kind == "binary":
            return ""
        return "" if before.kind in ("prefix", "ordinary") else " "
    if isinstance(_core(before), Function) and isinstance(_core(after), Fenced):
        return ""
    left, right = _core(before), _core(after)
    if isinstance(left, Symbol) and left.text == "σ" and isinstance(right, Fenced):
        return ""
    if isinstance(left, Word) and (left.style == "mathbb") and isinstance(right, Fenced):
        return ""
    if isinstance(left, Word) and left.text.endswith(" "):
        return ""
    if isinstance(left, Symbol) and left.text in "∂∇":
        return ""
    if isinstance(left, Fraction) and left.above == Symbol(r"\partial", "∂"):
        return " "
    words = isinstance(left, Word) or isinstance(right, Word)
    if (isinstance(left, Fraction) or isinstance(right, Fraction)) and not words:
        return " " if isinstance(left, Big | Function) else " · "
    return " "


def _sticks(tree: Tree) -> bool:
    """Whether a part holds together without brackets, as a neighbour of / or a root."""
    if isinstance(tree, Row):
        first = tree.items[0] if tree.items else None
        return len(tree.items) <= 2 and isinstance(first, Symbol) and first.text in "∂∇"
    if isinstance(tree, Script):
        return _sticks(tree.base)
    if isinstance(tree, Mark):
        return _sticks(tree.inside)
    return isinstance(tree, Number | Symbol | Word | Fenced | Accent | Table | Root)


def _whole(tree: Tree) -> str:
    text = plain_of(tree)
    return text if _sticks(tree) else f"({text})"


def _fraction(tree: Fraction) -> str:
    tight = _is_part(tree.above) and _is_part(tree.below)
    above, below = (plain_of(t) if _is_part(t) else _whole(t) for t in (tree.above, tree.below))
    return f"{above}{'/' if tight else ' / '}{below}"


def _is_part(tree: Tree) -> bool:
    """Whether a part needs no brackets over or under a line: ln(x) and σ(x) bring theirs."""
    if isinstance(tree, Row) and len(tree.items) == 2 and isinstance(tree.items[1], Fenced):
        head = tree.items[0]
        return isinstance(head, Function) or (isinstance(head, Symbol) and head.text == "σ")
    return _sticks(tree)


def _script(tree: Script) -> str:
    base = plain_of(tree.base)
    if not _sticks(tree.base) and not isinstance(tree.base, Function):
        base = f"({base})"
    return base + _small(tree.below, BELOW, "_") + _small(tree.above, ABOVE, "^")


def _small(tree: Tree | None, letters: dict[str, str], sign: str) -> str:
    """A part as small characters, or after a sign where some of them do not exist."""
    if tree is None:
        return ""
    text = plain_of(tree)
    tight = "".join(text.split()) if isinstance(tree, Row) else text
    if tight and all(c in letters for c in tight) and not text.count("/"):
        return "".join(letters[c] for c in tight)
    single = tight.replace("′", "").removeprefix("⊙").isalnum() or len(tight) == 1
    text = tight if single else text
    return f"{sign}{text}" if single or _sticks(tree) else f"{sign}({text})"


def _big(tree: Big) -> str:
    name = {"∑": "Σ", "∏": "Π"}.get(plain_of(tree.sign), plain_of(tree.sign))
    return name + _range(tree.below, tree.above)


def _range(below: Tree | None, above: Tree | None) -> str:
    """Over all of an index: its letter; over a part of it: from where to where."""
    if isinstance(below, Row) and isinstance(above, Number | Symbol) and len(below.items) == 3:
        index, sign, start = below.items
        capital = isinstance(above, Number) or above.text.isupper()
        if isinstance(sign, Sign) and sign.text == "=" and start == Number("1") and capital:
            return _small(index, BELOW, "_")
    if above is None:
        return _small(below, BELOW, "_")
    start = "" if below is None else "".join(plain_of(below).split())
    return f"({start}…{plain_of(above)})"


def _table(tree: Table) -> str:
    rows = [[plain_of(cell) for cell in row] for row in tree.rows]
    if tree.kind == "cases":
        return "{" + "; ".join(_case(row) for row in rows) + "}"
    if tree.kind == "aligned":
        return "; ".join(" ".join(cell for cell in row if cell) for row in rows)
    return "[" + "; ".join(", ".join(row) for row in rows) + "]"


def _case(row: list[str]) -> str:
    value, *when = row
    if not when or when[0].startswith(("if ", "otherwise")):
        return " ".join(row)
    return f"{value} if {when[0]}"


def _fenced(tree: Fenced) -> str:
    return f"{FENCES[tree.opening]}{plain_of(tree.inside)}{FENCES[tree.closing]}"


def _brace(tree: Brace) -> str:
    note = "" if tree.note is None else f" [{plain_of(tree.note)}]"
    return f"{_whole(tree.inside)}{note}"


def _accented(tree: Accent) -> str:
    text = plain_of(tree.inside)
    return text[:1] + OVER[tree.name] + text[1:]


def _sign(tree: Sign) -> str:
    return {"⋅": "·"}.get(tree.text, tree.text)


_WRITERS: dict[type, Callable[[Any], str]] = {
    Row: _row,
    Number: lambda t: t.text,
    Symbol: lambda t: t.text,
    Word: lambda t: STYLED.get((t.style, t.text)) or t.text,
    Function: lambda t: t.text,
    Sign: _sign,
    Space: lambda t: " ",
    Fraction: _fraction,
    Root: lambda t: f"√{_whole(t.inside)}",
    Script: _script,
    Big: _big,
    Fenced: _fenced,
    Table: _table,
    Accent: _accented,
    Brace: _brace,
    Mark: lambda t: plain_of(t.inside),
}
