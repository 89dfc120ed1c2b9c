"""Write matrices as TeX, with brackets only where they are needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

from ..formula import Factor
from ..symbols import decimals, stays_a_fraction, unambiguous
from .algebra import Blocks, Body, Chain, Each, Function, Name, Ones, Scaled, Sum, Turned

SUM, EACH, CHAIN, POWER, ATOM = 1, 2, 3, 4, 5
# What the notation of an op asks for, in the finer scale of matrices.
LEAST = {0: 0, 1: SUM, 2: EACH, 3: POWER, 4: ATOM}
MADE = {0: 0, 1: SUM, 2: EACH, 3: POWER, 4: ATOM}


class Text(NamedTuple):
    """A piece of TeX, and how tightly it holds together."""

    tex: str
    binds: int


class Writer:
    """Matrices as TeX; `sizes` has letters for numbers of rows and columns."""

    def __init__(self, sizes: Mapping[int, str], taken: Iterable[str] = ()):
        self.sizes, self.taken = sizes, set(taken)

    def size(self, n: int) -> str:
        """A size by its letter, if it has one."""
        return self.sizes.get(n, str(n))

    def whole(self, x: Scaled) -> str:
        """A matrix as TeX."""
        return self.scaled(x).tex

    def factors(self, x: Scaled) -> tuple[Factor, ...]:
        """The factors of the outermost matrix product, with their shapes."""
        if not isinstance(x.body, Chain):
            return ()
        return tuple(Factor(self.bracketed(f, CHAIN), f.shape) for f in x.body.factors)  # type: ignore[arg-type]

    def scaled(self, x: Scaled) -> Text:
        """Numbers and scalars, then the body."""
        front, sign = self.front(x), "-" if x.value < 0 else ""
        if x.body is None and x == Scaled(above=x.above) and len(x.above) == 1:
            return self.body(x.above[0])
        if x.body is None:
            tex = front or "1"
            plain = tex.replace(".", "").isdigit()
            binds = SUM if sign else ATOM if plain or _single(x) else EACH
            return Text(sign + tex, binds)
        if not front:
            inner = self.body(x.body)
            return Text(sign + self.bracketed(x.body, EACH), SUM) if sign else inner
        loose = isinstance(x.body, Each) or not isinstance(x.body, Chain)
        inner = self.bracketed(x.body, EACH if isinstance(x.body, Each) else CHAIN)
        dot = r" \cdot " if inner[0].isdigit() else " "
        binds = EACH if loose and isinstance(x.body, Each) else CHAIN
        return Text(f"{sign}{front}{dot}{inner}", SUM if sign else binds)

    def front(self, x: Scaled) -> str:
        """What stands before a body: the number, sizes and scalars as one fraction or a product."""
        value, many, few = abs(x.value), [], []
        for n, k in x.sizes:
            if n in self.sizes:
                (many if k > 0 else few).extend([self.sizes[n]] * abs(k))
            else:
                value *= Fraction(n) ** k
        above = [self.bracketed(f, POWER if not isinstance(f, Chain) else ATOM) for f in x.above]
        below = few + [self.bracketed(f, POWER) for f in x.below]
        fraction = stays_a_fraction(value)
        top = str(value.numerator) if fraction else decimals(value)
        if fraction:
            below = [str(value.denominator), *below]
        over = " ".join([*([top] if top != "1" else []), *many, *(above if x.below else [])])
        after = [] if x.below else above
        first = rf"\frac{{{over or '1'}}}{{{' '.join(below)}}}" if below else over
        if "cdot" in first and after:
            return f"{first} \\cdot {' '.join(after)}"
        return " ".join(p for p in (first, *after) if p)

    def bracketed(self, body: Body, least: int) -> str:
        """A body, in brackets if it does not hold together as tightly as that."""
        text = self.body(body)
        return text.tex if text.binds >= least else rf"\left({text.tex}\right)"

    def body(self, b: Body) -> Text:
        """What is not a number times something else."""
        if isinstance(b, Name):
            return Text(b.symbol, ATOM)
        if isinstance(b, Ones):
            return Text(rf"\mathbf{{1}}_{{{self.size(b.shape[0])}}}", ATOM)
        if isinstance(b, Turned):
            return Text(self.transposed(b), POWER)
        if isinstance(b, Chain):
            return Text(" ".join(self.bracketed(f, CHAIN) for f in b.factors), CHAIN)
        if isinstance(b, Each):
            return self.each(b)
        if isinstance(b, Sum):
            return self.sum(b)
        if isinstance(b, Blocks):
            return Text(self.blocks(b), ATOM)
        assert isinstance(b, Function)
        return self.function(b)

    def blocks(self, b: Blocks) -> str:
        """The pieces in order, and zeros where there is none."""
        axis = 0 if b.down else 1
        cells, at = [], 0
        for start, piece in (*b.pieces, (b.shape[axis], None)):
            if start > at:
                rows, columns = (start - at, b.shape[1]) if b.down else (b.shape[0], start - at)
                cells.append(rf"\mathbf{{0}}_{{{self.size(rows)} \times {self.size(columns)}}}")
            if piece is not None:
                cells.append(self.scaled(piece).tex)
                at = start + piece.shape[axis]
        inside = (r" \\ " if b.down else " & ").join(cells)
        return rf"\begin{{bmatrix}} {inside} \end{{bmatrix}}"

    def transposed(self, b: Turned) -> str:
        """A transpose; braces only round what is no single symbol."""
        inside = self.bracketed(b.inside, ATOM)
        bare = re.fullmatch(r"\\?[A-Za-z]+(_\{[^{}]*\})?|\\mathbf\{1\}_\{[^{}]*\}", inside)
        return rf"{inside}^{{\top}}" if bare else rf"{{{inside}}}^{{\top}}"

    def each(self, b: Each) -> Text:
        """Products and quotients element by element; the same one several times as its power."""
        counts: dict[Body, int] = {}
        for f in b.above:
            counts[f] = counts.get(f, 0) + 1
        pieces = [
            self.bracketed(f, CHAIN) if n == 1 else
            rf"{{{self.bracketed(f, ATOM)}}}^{{\odot {n}}}"
            for f, n in counts.items()
        ]  # fmt: skip
        tex = r" \odot ".join(pieces) or "1"
        for f in b.below:
            tex += rf" \oslash {self.bracketed(f, POWER)}"
        return Text(tex, EACH)

    def sum(self, b: Sum) -> Text:
        """Terms with their signs, those that are added first."""
        tex = ""
        for term in sorted(b.terms, key=lambda t: t.value < 0):
            piece = self.scaled(term)
            shown = rf"\left({piece.tex}\right)" if isinstance(term.body, Sum) else piece.tex
            if not tex:
                tex = shown
            else:
                tex += f" - {shown[1:]}" if shown.startswith("-") else f" + {shown}"
        return Text(tex, SUM)

    def function(self, b: Function) -> Text:
        """The op's notation, with brackets where it asks for them."""
        takes = b.takes + (0,) * len(b.arguments)

        def operand(found: re.Match) -> str:
            k = int(found[1]) - 1
            text = self.scaled(b.arguments[k])
            loose = text.binds < LEAST[takes[k]]
            return rf"\left({text.tex}\right)" if loose else text.tex

        tex = re.sub(r"#(\d)", operand, unambiguous(b.latex, self.taken))
        return Text(re.sub(r"^\(([A-Za-z])\)_", r"\1_", tex), MADE[b.binds])


def _single(x: Scaled) -> bool:
    return (
        x.value == 1 and not x.sizes and not x.below and len(x.above) == 1
        and isinstance(x.above[0], Name | Function)
    )  # fmt: skip
