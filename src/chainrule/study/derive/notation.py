"""The forms a formula can be written in: of single numbers, with indices, of whole arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import prod
from typing import Any, ClassVar

import numpy as np

from ...graph.errors import ChainruleError
from ...graph.node import Captured, Input, Node
from ...graph.walk import fold, order
from ...ops.scan import Scan
from ...read.formula import Formula, indexed_name, shapes
from ...read.indexed import indexed
from ...read.latex import ATOM, Text, _bracketed
from ...read.latex import _rule as _written
from ...read.matrices import matrices
from .numerals import matrix_tex, number_tex
from .reading import OF_ONE, Reading
from .reasons import why
from .sweep import Edge, Sweep

Share = Mapping[Node, str]
NOTHING: Share = {}
WIDEST = 36  # numbers in a line with numbers substituted


LONGEST = 110  # parts of a formula that still is a line
LONGEST_STEP = 30  # and of what one value is made of


def parts_of(expression: Node, closed: Iterable[Node]) -> int:
    """How many parts a formula has when nothing in it is shared, and loops are written out."""
    leaves = set(closed)

    def rule(n: Node, *xs: int) -> int:
        inner = n.op.length * len(n.op.body.order) if isinstance(n.op, Scan) else 1
        return 1 if n in leaves else inner + sum(min(x, 10**9) for x in xs)

    return fold((expression,), rule)[expression]


class Notation:
    """How formulas of symbols become TeX. `names` has the TeX of every symbol."""

    form: ClassVar[str]

    def __init__(self, sweep: Sweep, sizes: Mapping[int, str]):
        self.sweep, self.reading, self.sizes = sweep, sweep.reading, dict(sizes)
        self.names = {s: self.reading.symbols[n] for n, s in self.reading.stand.items()}
        for n, g in sweep.upstream.items():
            if isinstance(g.op, Input):
                self.names[g] = gradient_symbol(self.reading.symbols[n])
        self.names |= _constants(sweep, set(self.names.values()))

    def write(self, expression: Node, like: Node) -> Tex:
        """The formula as it was computed, of something with the axes of the symbol `like`.

        It is empty where the formula is too long for a line, or has no notation in this form.
        """
        return self._guarded(self._written, expression, like)

    def meaning(self, n: Node) -> Tex:
        """What a value is made of; empty where that is kept closed."""
        expression = self.reading.means[n]
        if parts_of(expression, self.names) > LONGEST_STEP:
            return Tex("")
        return self.write(expression, self.reading.stand[n])

    def short(self, expression: Node, like: Node, share: Share = NOTHING) -> Tex:
        """The formula with its numbers in front, and what is shared named; or an empty one."""
        return self._guarded(self._shortened, expression, like, share)

    def _guarded(self, how: Any, expression: Node, *more: Any) -> Tex:
        if parts_of(expression, self.names) > LONGEST:
            return Tex("")
        try:
            return how(expression, *more)
        except ChainruleError:  # nested too deeply, or of shapes that the form does not have
            return Tex("")

    def _written(self, expression: Node, like: Node) -> Tex:
        return self._shortened(expression, like)

    def _shortened(self, expression: Node, like: Node, share: Share = NOTHING) -> Tex:
        raise NotImplementedError(f"{type(self).__name__}._shortened")

    @cached_property
    def has_euler(self) -> bool:
        """Whether e stands for Euler's number in any formula."""
        stand = self.reading.stand
        formulas = [*self.reading.means.items(), *self.sweep.sums.items()]
        return any("e^{" in self.write(f, stand[n]) for n, f in formulas)

    def symbol(self, s: Node, of: Tex | None = None) -> str:
        """The TeX of a symbol, with its indices where the form has them: those of the formula."""
        return self.names[s]

    def definition(self, s: Node, meaning: Node) -> Formula:
        """A symbol and what it stands for."""
        return Formula(self.write(meaning, s), self.names[s], (), s.shape)

    def axes(self, s: Node, of: Tex | None = None) -> dict[str, int]:
        """The index letters of a symbol (those of the formula), and how many each counts."""
        return {}

    def why(self, e: Edge) -> str:
        """Why an edge hands down what it does."""
        return why(self.reading, e)

    def shapes(self, expression: Node) -> str:
        """The shapes of the factors of a matrix product, and of the product."""
        return ""

    def numbers(self, expression: Node) -> str:
        """The formula with numbers in place of symbols, where they fit."""
        return ""


def _constants(sweep: Sweep, taken: set[str]) -> dict[Node, str]:
    """Symbols for arrays that ops bring along, such as an identity matrix."""
    formulas = [*sweep.reading.means.values(), *sweep.sums.values()]
    formulas += [e.local for e in sweep.edges if e.local is not None]
    found: dict[Node, str] = {}
    alike: dict[tuple, str] = {}
    for n in order(formulas):
        if isinstance(n.op, Captured):
            x = np.asarray(n.op.reference)
            eye = x.ndim == 2 and np.array_equal(x, np.eye(*x.shape))
            letter, k = ("I" if eye else "k"), len(alike) + 1
            name = letter if letter not in taken else rf"{letter}_{{{k}}}"
            found[n] = alike.setdefault((x.shape, x.dtype.str, x.tobytes()), name)
            taken.add(name)
    return found


class Tex(str):
    """A formula as TeX, the letters of its axes, and what it names on its way."""

    indices: tuple[str, ...]
    where: tuple[Formula, ...]

    def __new__(cls, tex: str, indices: Sequence[str] = (), where: Sequence[Formula] = ()) -> Tex:
        made = super().__new__(cls, tex)
        made.indices, made.where = tuple(indices), tuple(where)
        return made


def gradient_symbol(tex: str) -> str:
    """The symbol of a gradient: what code calls u4_g."""
    return rf"{{{tex}}}_{{g}}" if "_" in tex else rf"{tex}_{{g}}"


def derivative(of: str, by: str) -> str:
    """∂of/∂by."""
    return rf"\frac{{\partial {of}}}{{\partial {by}}}"


class Scalar(Notation):
    """Single numbers: formulas as in a book, and the same with the numbers put in."""

    form = "scalar"

    def _written(self, expression: Node, like: Node) -> Tex:
        return Tex(_single(expression, self.names))

    def _shortened(self, expression: Node, like: Node, share: Share = NOTHING) -> Tex:
        return _tex(indexed(expression, self.names, share=dict(share)))

    def numbers(self, expression: Node) -> str:
        values = self.sweep.values
        inside = [n for n in order((expression,)) if n in self.names]
        if values is None or not inside or expression in self.names:
            return ""
        if parts_of(expression, self.names) > LONGEST:
            return ""
        tex = _single(expression, {n: _in_a_formula(values[n]) for n in inside})
        return TWICE.sub(r"\\left(\1\\right)", tex)


# A number that has brackets of its own, alone in those of a function.
TWICE = re.compile(r"\\left\(\\left\(([-0-9.]+(?: \\cdot 10\^\{-?\d+\})?)\\right\)\\right\)")


def _in_a_formula(x: Any) -> str:
    """A number among others: what is negative, or a product with a power of ten, in brackets."""
    tex = number_tex(x)
    return rf"\left({tex}\right)" if tex[0] == "-" or " " in tex else tex


def _in_matrices(x: Any) -> str:
    """An array, or a number among arrays: in brackets where it is negative."""
    tex = matrix_tex(x)
    return rf"\left({tex}\right)" if tex[0] == "-" else tex


def _single(expression: Node, names: Mapping[Node, str]) -> str:
    return fold((expression,), lambda n, *xs: _rule(n, names, *xs))[expression].tex


# Of single numbers these are products, not juxtaposition; and these are the number itself.
OF_NUMBERS = {
    "matmul": (r"#1 \cdot #2", 2, (2, 2)),
    "linear": (r"#1 \cdot #2 + #3", 1, (2, 2, 1)),
    "norm": (r"\left|#1\right|", 4, (0,)),
}  # fmt: skip


def _rule(n: Node, names: Mapping[Node, str], *xs: Text) -> Text:
    if n in names:
        return Text(names[n], ATOM)
    name = n.op.name
    if xs and name in OF_ONE and len(xs) == 1:
        return xs[0]
    if name in OF_NUMBERS:
        template, binds, takes = OF_NUMBERS[name]
        parts = iter(zip(xs, takes, strict=True))
        return Text(re.sub(r"#\d", lambda _: _bracketed(*next(parts)), template), binds)
    return _written(n, dict(names), *xs)


# What a graph's reader in whole matrices writes by its op's name, for want of a notation.
BY_NAME = re.compile(
    r"\\operatorname\{(argsort|cholesky|concat|cond|cumsum|cumprod|cumulative\S*|einsum|flip|gather"
    r"|inv|linear|matmul|max|min|norm|pad|place|prod|reshape|roll|scan|scatter|slice|solve|sort"
    r"|sum|sum\S*to|broadcast\S*|triangle|tril|triu|unslice)\}"
)


class Matrix(Notation):
    """Whole arrays: products, transposes, elementwise products, with shapes beside them."""

    form = "matrix"

    def _shortened(self, expression: Node, like: Node, share: Share = NOTHING) -> Tex:
        return _tex(self._read(expression, self.names, share))

    def shapes(self, expression: Node) -> str:
        if not self.write(expression, expression):
            return ""
        (found,) = self._read(expression, self.names).formulas
        return shapes(found, self.sizes) if found.factors else ""

    def numbers(self, expression: Node) -> str:
        values = self.sweep.values
        inside = [n for n in order((expression,)) if n in self.names]
        if values is None or sum(n.size for n in inside) > WIDEST or not inside:
            return ""
        if not self.write(expression, expression):
            return ""
        if any(n.ndim > 2 for n in inside) or self._read(expression, self.names).shared:
            return ""
        if expression in self.names:
            return matrix_tex(values[expression])
        tex = self._read(expression, {n: _in_matrices(values[n]) for n in inside}).tex
        return TWICE.sub(r"\\left(\1\\right)", tex)

    def _read(self, expression: Node, names: Mapping[Node, str], share: Share = NOTHING) -> Any:
        return matrices(expression, dict(names), sizes=self.sizes, share=dict(share))


class Index(Notation):
    """Elements with indices, and sums over them."""

    form = "index"

    def __init__(self, sweep: Sweep, sizes: Mapping[int, str]):
        super().__init__(sweep, sizes)
        self.letters = _letters(self.reading)
        for n, g in sweep.upstream.items():
            if isinstance(g.op, Input):
                self.letters[g] = self.letters[self.reading.stand[n]]
        counted: dict[str, int] = {}
        for s in self.letters:
            counted |= self.axes(s)
        self.bounds = {c: sizes[n] for c, n in counted.items() if n in sizes}

    def _shortened(self, expression: Node, like: Node, share: Share = NOTHING) -> Tex:
        return _tex(self._read(expression, like, share))

    def symbol(self, s: Node, of: Tex | None = None) -> str:
        return indexed_name(self.names[s], tuple(self.axes(s, of)))

    def definition(self, s: Node, meaning: Node) -> Formula:
        tex = self.write(meaning, s)
        return Formula(tex, self.names[s], tex.indices, s.shape)

    def axes(self, s: Node, of: Tex | None = None) -> dict[str, int]:
        sizes = [n for n in s.shape if n != 1]  # of one element: there is nothing to choose
        own = [c for c, n in zip(self.letters[s], s.shape, strict=True) if n != 1]
        return dict(zip(of.indices if of else own, sizes, strict=True))

    def why(self, e: Edge) -> str:
        """In place of transposes: what is summed over, and why."""
        here, there = (self.axes(self.reading.stand[n]) for n in (e.reader, e.operand))
        summed = [c for c in here if c not in there]
        if e.local is not None or not summed:
            return super().why(e) if e.local is not None or self._is_told(e) else ""
        name = self.reading.names[e.operand]
        count = prod(here[c] for c in summed)
        letters = " and ".join(summed)
        return (
            f"Why the sum over {letters}: one element of {name} is used for every {letters}, "
            f"{count} times; what arrives from each of them is added up."
        )

    def _is_told(self, e: Edge) -> bool:
        inside = order((self.reading.means[e.reader],))
        return not {"matmul", "linear"} & {n.op.name for n in inside}

    def _read(self, expression: Node, like: Node, share: Share = NOTHING) -> Any:
        inside = set(order((expression,)))
        letters = {expression: self.letters[like]}
        letters |= {s: c for s, c in self.letters.items() if s in inside}
        return indexed(
            expression, self.names, letters=letters, bounds=self.bounds, share=dict(share)
        )


def _letters(reading: Reading) -> dict[Node, list[str]]:
    """Index letters for the axes of every value: the same where the same thing flows along."""
    leaves = {n: reading.symbols[n] for n in reading.leaves}
    inner = {n: reading.symbols[n] for n in reading.shown if n is not reading.loss}
    found = indexed([*leaves, reading.loss], leaves, share=inner)
    indices = dict(zip(leaves, (f.indices for f in found.formulas), strict=False))
    by_name = {f.name: f.indices for f in found.shared}
    indices |= {n: by_name[tex] for n, tex in inner.items()} | {reading.loss: ()}
    letters = {}
    for n in (*reading.leaves, *reading.shown):
        running = iter(indices[n])
        letters[reading.stand[n]] = ["" if size == 1 else next(running) for size in n.shape]
    return letters


def _tex(found: Any) -> Tex:
    return Tex(found.formulas[0].tex, found.formulas[0].indices, found.shared)


FORMS: dict[str, type[Notation]] = {"scalar": Scalar, "index": Index, "matrix": Matrix}
