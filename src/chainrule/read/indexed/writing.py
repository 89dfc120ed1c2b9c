"""Write terms as TeX, with brackets only where they are needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from ..formula import indexed_name
from ..symbols import decimals, stays_a_fraction, unambiguous
from .letters import Letters
from .places import Floor, Index, Mod, Place, Value
from .terms import (
    Both,
    Call,
    Choice,
    Entry,
    Indicator,
    Leaf,
    Plus,
    Product,
    Surd,
    Term,
    Test,
    Total,
)

SUM, TIMES, POWER, ATOM = 1, 2, 3, 4
Scope = dict[Index, str]


class Text(NamedTuple):
    """A piece of TeX, how tightly it holds together, and whether it ends in a sum."""

    tex: str
    binds: int
    open: bool = False


BIG = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min",
       "any": r"\operatorname*{any}", "all": r"\operatorname*{all}",
       "argmax": r"\operatorname*{argmax}", "argmin": r"\operatorname*{argmin}"}  # fmt: skip


class Writer:
    """Terms as TeX, by the letters of their indices."""

    def __init__(self, letters: Letters):
        self.letters = letters

    def formula(self, term: Term, free: Sequence[Index]) -> tuple[str, Scope]:
        """A term as TeX, and the letters of its free indices."""
        scope: Scope = {}
        for index in free:
            scope[index] = self.fresh(index, scope)
        return self.write(term, scope).tex, scope

    def fresh(self, index: Index, scope: Scope) -> str:
        """The index's letter, with primes where an index around it has the same one."""
        letter = self.letters.of(index)
        while letter in scope.values():
            letter += "'"
        return letter

    def write(self, term: Term, scope: Scope) -> Text:
        """A term as TeX."""
        return _WRITERS[type(term)](self, term, scope)

    def at_least(self, term: Term, least: int, scope: Scope) -> str:
        """A term, in brackets if it does not hold together as tightly as that."""
        text = self.write(term, scope)
        return text.tex if text.binds >= least else rf"\left({text.tex}\right)"

    def place(self, place: Place, scope: Scope, first: int = 1) -> str:
        """A place, counted from `first`."""
        shift = place.shift + first
        pieces: list[tuple[int, str]] = []
        for part, k in place.parts:
            if isinstance(part, Index):
                shift -= k
                pieces.append((k, scope[part]))
            elif isinstance(part, Floor):
                inside = self.place(part.place, scope, 0)
                pieces.append((k, rf"\left\lfloor \frac{{{inside}}}{{{part.by}}} \right\rfloor"))
            elif isinstance(part, Mod):
                inside = self.place(part.place, scope, 0)
                alone = "+" not in inside and "-" not in inside
                inside = inside if alone else rf"\left({inside}\right)"
                pieces.append((k, rf"\left({inside} \bmod {part.by}\right)"))
            else:
                assert isinstance(part, Value)
                pieces.append((k, self.at_least(part.term, TIMES, scope)))
        pieces.sort(key=lambda piece: piece[0] < 0)
        tex = ""
        for k, text in pieces:
            sign = (" - " if k < 0 else " + ") if tex else ("-" if k < 0 else "")
            tex += sign + (text if abs(k) == 1 else f"{abs(k)} {text}")
        if not tex:
            return str(shift)
        return tex + (f" {'+' if shift > 0 else '-'} {abs(shift)}" if shift else "")


def _leaf(w: Writer, t: Leaf, scope: Scope) -> Text:
    return Text(indexed_name(t.symbol, tuple(w.place(p, scope) for p in t.places)), ATOM)


def _entry(w: Writer, t: Entry, scope: Scope) -> Text:
    arrays = [_leaf(w, a, scope).tex for a in t.arrays]
    whole = re.sub(r"#(\d)", lambda m: arrays[int(m[1]) - 1], t.latex)
    if not t.places:
        return Text(whole, ATOM)
    below = indexed_name("()", tuple(w.place(p, scope) for p in t.places))[4:]
    return Text(rf"\left({whole}\right){below}", ATOM)


def _signed(value: Fraction) -> tuple[str, Fraction]:
    return ("-" if value < 0 else ""), abs(value)


def _coefficient(w: Writer, t: Product) -> tuple[Fraction, list[str], list[str]]:
    """The number without its sign, and the symbols of sizes above and below the line."""
    value = _snapped(abs(t.value))
    powers: dict[str, int] = {}
    for index, k in t.sizes:
        bound = w.letters.bound(index)
        if bound.isdigit():
            value = value * Fraction(int(bound)) ** k
        else:
            powers[bound] = powers.get(bound, 0) + k
    above = [n for n, k in powers.items() for _ in range(k)]
    return value, above, [n for n, k in powers.items() for _ in range(-k)]


def _snapped(value: Fraction) -> Fraction:
    """Products of rounded numbers come out next to simple ones: 0.9999999999999999 is 1."""
    near = value.limit_denominator(1000)
    return near if near and abs(near - value) <= value * Fraction(1, 10**15) else value


def _surd(w: Writer, t: Surd, scope: Scope) -> Text:
    top, bottom = t.square.numerator, t.square.denominator
    root = rf"\sqrt{{{top}}}" if top > 1 else "1"
    return Text(root if bottom == 1 else rf"\frac{{{root}}}{{\sqrt{{{bottom}}}}}", POWER)


def _product(w: Writer, t: Product, scope: Scope) -> Text:
    value, many, few = _coefficient(w, t)
    above = sorted(t.above, key=_order)
    alone = not above and not t.below
    last = above[-1] if above else None
    factors = _powers(w, above, scope, None if t.below else last)
    below = _powers(w, t.below, scope, t.below[0] if len(t.below) == 1 else None)
    under = beside(few + below)
    if value == 1:
        top, bottom = "", ""
    elif stays_a_fraction(value):
        top, bottom = str(value.numerator), str(value.denominator)
    else:
        top, bottom = decimals(value), ""
    bottom = beside([bottom, under] if bottom else [under])
    front: list[str] = []
    if bottom and below:
        shown = "" if top == "1" else top
        front = [rf"\frac{{{_times(shown, many + factors) or '1'}}}{{{bottom}}}"]
    elif bottom:
        shown = "" if top == "1" and many else top
        front = [rf"\frac{{{_times(shown, many) or '1'}}}{{{bottom}}}", *factors]
    else:
        front = [_times(top, [*many, *factors]) or "1"]
    tex = ("-" if t.value < 0 else "") + (beside(front) if len(front) > 1 else front[0])
    binds = SUM if t.value < 0 else ATOM if alone and not bottom and "cdot" not in tex else TIMES
    if bottom and len(front) == 1 and t.value > 0:
        binds = POWER
    return Text(tex, binds, isinstance(last, Total) and not below)


def _order(f: Term) -> int:
    """Numbers first; a sum last, since it reaches to the end."""
    if isinstance(f, Surd) or (isinstance(f, Call) and not f.terms):
        return 0
    return 2 if isinstance(f, Total) else 1


def _powers(w: Writer, terms: Sequence[Term], scope: Scope, last: Term | None) -> list[str]:
    """The factors as TeX; the same one several times as its power."""
    counts: dict[Term, int] = {}
    for term in terms:
        counts[term] = counts.get(term, 0) + 1
    return [
        _factor(w, f, scope, f is last) if n == 1 else f"{{{w.at_least(f, ATOM, scope)}}}^{{{n}}}"
        for f, n in counts.items()
    ]


def _times(number: str, factors: list[str]) -> str:
    """A number before factors; a dot where digits would meet digits."""
    if not number or not factors:
        return number or beside(factors)
    joined = beside(factors)
    dot = joined[0].isdigit() or "cdot" in number
    return f"{number} \\cdot {joined}" if dot else f"{number} {joined}"


def beside(factors: Sequence[str]) -> str:
    """Factors side by side: a dot where digits or fractions meet, a thin space between words."""
    kept = [f for f in factors if f]
    tex = ""
    for factor in kept:
        if not tex:
            tex = factor
            continue
        meets = factor[0].isdigit() or (factor.startswith(r"\frac") and tex[-1] == "}")
        words = factor.startswith((r"\mathrm", r"\operatorname")) or _ends_in_a_word(tex)
        tex += (r" \cdot " if meets else r" \, " if words else " ") + factor
    return tex


def _ends_in_a_word(tex: str) -> bool:
    return re.search(r"\\mathrm\{[^{}]*\}$", tex) is not None


def _factor(w: Writer, f: Term, scope: Scope, last: bool) -> str:
    text = w.write(f, scope)
    if isinstance(f, Total):
        return text.tex if last else rf"\left({text.tex}\right)"
    if isinstance(f, Choice) or (isinstance(f, Call) and _is_cases(text.tex)):
        return text.tex
    return text.tex if text.binds >= TIMES and not text.open else rf"\left({text.tex}\right)"


def _is_cases(tex: str) -> bool:
    return tex.startswith(r"\begin{cases}") and tex.count(r"\begin{cases}") == 1


def _plus(w: Writer, t: Plus, scope: Scope) -> Text:
    """Terms with their signs; a number before a difference, a sum last where it can be."""
    tex = ""
    ordered = sorted(t.terms, key=lambda x: isinstance(x, Product) and x.value < 0)
    for k, term in enumerate(ordered):
        text = w.write(term, scope)
        piece = text.tex if text.binds >= SUM else rf"\left({text.tex}\right)"
        if isinstance(term, Plus):
            piece = rf"\left({text.tex}\right)"
        if k == 0:
            tex = piece
        else:
            tex += f" - {piece[1:]}" if piece.startswith("-") else f" + {piece}"
    return Text(tex, SUM)


def _total(w: Writer, t: Total, scope: Scope) -> Text:
    letter = w.fresh(t.index, scope)
    inner = {**scope, t.index: letter}
    body = w.write(t.body, inner)
    own = isinstance(t.body, Choice | Total) or _is_cases(body.tex)
    loose = body.binds < TIMES and not own
    text = rf"\left({body.tex}\right)" if loose else body.tex
    upper = w.letters.bound(t.index) if t.upto is None else w.place(t.upto, scope)
    counted = t.kind in ("sum", "prod")
    limits = f"_{{{letter}=1}}^{{{upper}}}" if counted else rf"_{{1 \le {letter} \le {upper}}}"
    return Text(f"{BIG[t.kind]}{limits} {text}", SUM if t.kind != "sum" else TIMES, True)


def _call(w: Writer, t: Call, scope: Scope) -> Text:
    takes = t.takes + (0,) * len(t.terms)

    def operand(found: re.Match) -> str:
        k = int(found[1]) - 1
        text = w.write(t.terms[k], scope)
        loose = text.binds < takes[k] or (text.open and takes[k] > 1)
        return rf"\left({text.tex}\right)" if loose else text.tex

    latex = unambiguous(t.latex, w.letters.taken)
    return Text(re.sub(r"#(\d)", operand, latex), t.binds)


def _choice(w: Writer, t: Choice, scope: Scope) -> Text:
    rows = []
    for value, condition in t.rows:
        when = r"\text{otherwise}" if condition is None else w.write(condition, scope).tex
        if isinstance(condition, Test | Both):
            when = rf"\text{{if }} {when}"
        rows.append(f"{w.write(value, scope).tex} & {when}")
    return Text(r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}", 0)


def _test(w: Writer, t: Test, scope: Scope) -> Text:
    tex = f"{w.place(t.left, scope)} {t.sign} {w.place(t.right, scope)}"
    return Text(tex + (rf" \pmod{{{t.modulo}}}" if t.modulo else ""), 0)


def _both(w: Writer, t: Both, scope: Scope) -> Text:
    return Text(r" \land ".join(w.write(test, scope).tex for test in t.tests), 0)


def _indicator(w: Writer, t: Indicator, scope: Scope) -> Text:
    return Text(rf"\mathbb{{1}}\left[{w.write(t.condition, scope).tex}\right]", ATOM)


_WRITERS: dict[type, Callable[[Writer, Any, Scope], Text]] = {
    Leaf: _leaf, Entry: _entry, Product: _product, Plus: _plus, Total: _total, Call: _call,
    Choice: _choice, Test: _test, Both: _both, Indicator: _indicator, Surd: _surd,
}  # fmt: skip
