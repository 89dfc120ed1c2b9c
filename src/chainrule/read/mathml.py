"""Read a formula as MathML Core: browsers show it without any script, and read it aloud."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from .plain import plain_of
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

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
# Only a font with a table of mathematics lets brackets grow; not every browser finds one itself.
FONTS = "'STIX Two Math','Cambria Math','Latin Modern Math','DejaVu Math TeX Gyre',math"
TIMES, APPLY = "<mo>\u2062</mo>", "<mo>\u2061</mo>"  # a product and a call that are not written
THIN = '<mspace width="0.167em"/>'
WIDE = 'lspace="0.278em" rspace="0.278em"'
# Letters of the styles that have their own characters; MathML Core has no other way.
DOUBLE = {"1": "𝟙", "E": "𝔼", "R": "ℝ", "N": "ℕ", "Z": "ℤ", "P": "ℙ"}
BOLD = ("mathbf", "boldsymbol")


def mathml(tex: str, display: bool = False) -> str:
    """The formula as one <math> element; `display` gives it a line of its own.

    Marks become `data-mark` attributes; what is written in the formula is shown, never run.
    Raises: ExpressionError where the TeX lies outside the subset.

    >>> mathml("x_{1}").partition(">")[2]
    '<msub><mi>x</mi><mn>1</mn></msub></math>'
    """
    tree = parse(tex)
    told = escape(plain_of(tree))
    block = ' display="block"' if display else ""
    return (
        f'<math xmlns="{NAMESPACE}"{block} alttext="{told}" aria-label="{told}" '
        f'style="font-family:{FONTS}">'
        f"{_inside(tree)}</math>"
    )


def _inside(tree: Tree) -> str:
    """A part as one or several elements, where the parent takes any number."""
    return _row_items(tree) if isinstance(tree, Row) else element(tree)


def element(tree: Tree) -> str:
    """A part as exactly one element."""
    return _WRITERS[type(tree)](tree)


def _row_items(row: Row) -> str:
    made: list[str] = []
    before: Tree | None = None
    for item in row.items:
        if before is not None:
            made.append(_between(before, item))
        prefix = before is None or (_is_sign(before) and not _closes(before))
        made.append(_sign(item, prefix) if isinstance(item, Sign) else element(item))
        before = item
    return "".join(made)


def _is_sign(tree: Tree | None) -> bool:
    return isinstance(tree, Sign) and tree.kind in ("binary", "relation", "prefix", "punctuation")


def _closes(tree: Tree) -> bool:
    return isinstance(tree, Sign) and tree.kind == "ordinary"


def _core(tree: Tree) -> Tree:
    """What a part is, whatever hangs on it."""
    while isinstance(tree, Script | Mark | Big):
        tree = (
            tree.base if isinstance(tree, Script)
            else tree.inside if isinstance(tree, Mark) else tree.sign
        )  # fmt: skip
        if isinstance(tree, Row):
            tree = tree.items[0] if tree.items else tree
            break
    return tree


def _between(before: Tree, after: Tree) -> str:
    """What is not written between two parts: a product, a call, or nothing."""
    if any(isinstance(t, Space) or _is_sign(t) for t in (before, after)):
        return ""
    left, right = _core(before), _core(after)
    prose = [isinstance(t, Word) and t.style in ("text", "textbf") for t in (left, right)]
    if any(prose):
        return "" if isinstance(left, Word) and left.text.endswith(" ") else THIN
    if isinstance(left, Function):
        return APPLY if isinstance(right, Fenced) else APPLY + THIN
    if isinstance(left, Sign) and left.kind == "big":
        return ""
    if any(isinstance(t, Sign) for t in (left, right)) and not _big(right):
        return ""
    loose = _big(right) or any(isinstance(t, Word | Function) for t in (left, right))
    loose = loose or isinstance(right, Table) or isinstance(left, Fraction)
    return TIMES + THIN if loose and not _iverson(left, right) else TIMES


def _iverson(left: Tree, right: Tree) -> bool:
    return isinstance(left, Word) and left.style == "mathbb" and isinstance(right, Fenced)


def _big(tree: Tree) -> bool:
    return isinstance(tree, Sign) and tree.kind == "big"


def _sign(tree: Sign, prefix: bool = False) -> str:
    text = escape(tree.text)
    if tree.text == "mod":
        return f"<mo {WIDE}>mod</mo>"
    if tree.kind == "binary":
        return f'<mo form="prefix">{text}</mo>' if prefix else f'<mo form="infix">{text}</mo>'
    if tree.kind == "ordinary" and tree.text == "|":
        return '<mo fence="false" stretchy="false" lspace="0" rspace="0">|</mo>'
    if tree.kind == "ordinary":
        return f'<mo lspace="0" rspace="0" stretchy="false">{text}</mo>'
    return f"<mo>{text}</mo>"


def _word(tree: Word) -> str:
    text = escape(tree.text)
    if tree.style in ("text", "textbf"):
        return f"<mtext>{_kept(text)}</mtext>"
    if tree.style == "mathbb":
        return f"<mi>{''.join(DOUBLE.get(c, escape(c)) for c in tree.text)}</mi>"
    bold = ' style="font-weight:bold"' if tree.style in BOLD else ""
    if tree.text.replace(".", "").isdigit():
        return f"<mn{bold}>{text}</mn>"
    return f'<mi mathvariant="normal"{bold}>{_kept(text)}</mi>'


def _kept(text: str) -> str:
    """Spaces at the ends would be trimmed."""
    return text.replace(" ", "\u00a0")


def _function(tree: Function) -> str:
    upright = ' mathvariant="normal"' if len(tree.text) == 1 else ""
    return f"<mi{upright}>{escape(tree.text)}</mi>"


def _symbol(tree: Symbol) -> str:
    if tree.text in "∞⊤…⋯⋮∅∂∇" or "Α" <= tree.text <= "Ω":
        return f'<mi mathvariant="normal">{tree.text}</mi>'
    return f"<mi>{escape(tree.text)}</mi>"


def _scripts(tag: str, base: str, below: Tree | None, above: Tree | None) -> str:
    names = {"sub": ("msub", "msup", "msubsup"), "under": ("munder", "mover", "munderover")}[tag]
    parts = [element(t) for t in (below, above) if t is not None]
    if not parts:
        return base
    name = names[2] if len(parts) == 2 else names[0] if below is not None else names[1]
    return f"<{name}>{base}{''.join(parts)}</{name}>"


def _big_sign(tree: Big) -> str:
    # Over and under in display, beside in a line of text: movablelimits says so.
    if isinstance(tree.sign, Sign):
        base = f'<mo largeop="true" movablelimits="true">{tree.sign.text}</mo>'
    else:
        name = tree.sign.text if isinstance(tree.sign, Function) else ""
        base = f'<mo movablelimits="true" lspace="0" rspace="0">{escape(name)}</mo>'
    return _scripts("under", base, tree.below, tree.above)


def _fenced(tree: Fenced) -> str:
    grows = "true" if tree.grows else "false"
    opening, closing = (escape(FENCES[f]) for f in (tree.opening, tree.closing))
    left = f'<mo fence="true" form="prefix" stretchy="{grows}">{opening}</mo>' if opening else ""
    right = f'<mo fence="true" form="postfix" stretchy="{grows}">{closing}</mo>' if closing else ""
    return f"<mrow>{left}{element(tree.inside)}{right}</mrow>"


ALIGNMENT = {"cases": ("left", "left"), "aligned": ("right", "left")}
FENCE_OF = {"cases": ("{", ""), "bmatrix": ("[", "]"), "pmatrix": ("(", ")")}


def _table(tree: Table) -> str:
    sides = ALIGNMENT.get(tree.kind, ("center",))
    rows = "".join(
        "<mtr>" + "".join(_cell(cell, sides[k % len(sides)], k, tree.kind)
                          for k, cell in enumerate(row)) + "</mtr>"
        for row in tree.rows
    )  # fmt: skip
    style = ' displaystyle="true"' if tree.kind == "aligned" else ""
    table = f"<mtable{style}>{rows}</mtable>"
    opening, closing = FENCE_OF.get(tree.kind, ("", ""))
    left = f'<mo fence="true" form="prefix" stretchy="true">{opening}</mo>' if opening else ""
    right = f'<mo fence="true" form="postfix" stretchy="true">{closing}</mo>' if closing else ""
    return f"<mrow>{left}{table}{right}</mrow>"


def _cell(cell: Tree, side: str, place: int, kind: str) -> str:
    apart = {"cases": "1em" if place else "0", "aligned": "0"}.get(kind, "0.4em")
    padding = f"padding-left:{apart}" + (f";padding-right:{apart}" if kind[-6:] == "matrix" else "")
    # A line that goes on after its & begins with a sign that stands between two parts.
    inside = _inside(cell)
    if kind == "aligned" and place and isinstance(cell, Row) and isinstance(cell.items[0], Sign):
        inside = "<mrow></mrow>" + inside.replace('<mo form="prefix">', '<mo form="infix">', 1)
    return f'<mtd style="text-align:{side};{padding}">{inside}</mtd>'


def _accent(tree: Accent) -> str:
    mark = "\u00af" if tree.name in ("bar", "overline") else tree.mark
    wide = "true" if tree.name in ("overline", "widehat") else "false"
    return f'<mover accent="true">{element(tree.inside)}<mo stretchy="{wide}">{mark}</mo></mover>'


def _brace(tree: Brace) -> str:
    tag = "munder" if tree.name == "underbrace" else "mover"
    sign = "⏟" if tree.name == "underbrace" else "⏞"
    body = f'<{tag}>{element(tree.inside)}<mo stretchy="true">{sign}</mo></{tag}>'
    return body if tree.note is None else f"<{tag}>{body}{element(tree.note)}</{tag}>"


def _mark(tree: Mark) -> str:
    return f'<mrow data-mark="{escape(tree.ident)}">{_inside(tree.inside)}</mrow>'


_WRITERS: dict[type, Callable[[Any], str]] = {
    Row: lambda t: f"<mrow>{_row_items(t)}</mrow>",
    Number: lambda t: f"<mn>{t.text}</mn>",
    Symbol: _symbol,
    Word: _word,
    Function: _function,
    Sign: _sign,
    Space: lambda t: f'<mspace width="{t.width}em"/>',
    Fraction: lambda t: f"<mfrac>{element(t.above)}{element(t.below)}</mfrac>",
    Root: lambda t: f"<msqrt>{_inside(t.inside)}</msqrt>",
    Script: lambda t: _scripts("sub", element(t.base), t.below, t.above),
    Big: _big_sign,
    Fenced: _fenced,
    Table: _table,
    Accent: _accent,
    Brace: _brace,
    Mark: _mark,
}
