"""What an element of an array is: a small algebra that keeps itself short.

Terms are made by the functions `number`, `product`, `quotient`, `plus`, `total` and `choice`,
which pull constants and factors out of sums, join what has the same conditions, and leave out
what changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from math import isqrt
from typing import Any

from ...graph.errors import UsageError
from ..cancelling import cancelled
from .places import Index, Place

MOST = 6_000  # parts that a formula may have: beyond them nobody reads it


class Term:
    """A part of a formula; equal terms are equal, and know the indices they depend on."""

    free: frozenset
    weight: int

    def __post_init__(self) -> None:
        key = tuple(getattr(self, f.name) for f in fields(self))  # type: ignore[arg-type]
        free, weight = _measure(key)
        if weight > MOST:
            raise UsageError(
                f"the formula would have more than {MOST} parts; let parts of it stand by a name: "
                "share=True, or share={node: name}"
            )
        self._keep(key=key, hash=hash((type(self), key)), weight=weight + 1)
        self._keep(free=free - {getattr(self, "index", None)})

    def _keep(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        return self.hash  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return type(self) is type(other) and hash(self) == hash(other) and self.key == other.key  # type: ignore[attr-defined]


def _measure(value: Any) -> tuple[frozenset, int]:
    if isinstance(value, Term):
        return value.free, value.weight
    if isinstance(value, Place):
        return value.free, len(value.parts)
    if isinstance(value, tuple):
        found = [_measure(v) for v in value]
        return frozenset().union(*(f for f, _ in found)), sum(w for _, w in found)
    return frozenset(), 0


@dataclass(frozen=True, eq=False)
class Leaf(Term):
    """An element of a named array, or the array where no place is given."""

    symbol: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, eq=False)
class Entry(Term):
    """An element of what a function makes of whole arrays: TeX with #1, #2 for the arrays."""

    latex: str
    arrays: tuple[Leaf, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, eq=False)
class Product(Term):
    """A number, sizes of axes to some power, and factors above and below a line."""

    value: Fraction
    sizes: tuple[tuple[Index, int], ...] = ()
    above: tuple[Term, ...] = ()
    below: tuple[Term, ...] = ()

    @property
    def alone(self) -> bool:
        """Whether it is a number without factors."""
        return not self.above and not self.below


@dataclass(frozen=True, eq=False)
class Plus(Term):
    """Terms added up."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, eq=False)
class Total(Term):
    """A sum, a product or an extreme over an index; up to a place, where one is given."""

    kind: str
    index: Index
    body: Term
    upto: Place | None = None


@dataclass(frozen=True, eq=False)
class Call(Term):
    """A function of terms, in the notation of an op."""

    latex: str
    binds: int
    takes: tuple[int, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True, eq=False)
class Choice(Term):
    """The value in the first row whose condition holds; None holds always."""

    rows: tuple[tuple[Term, Term | None], ...]

    @property
    def when(self) -> tuple[Term | None, ...]:
        """The conditions."""
        return tuple(condition for _, condition in self.rows)


@dataclass(frozen=True, eq=False)
class Test(Term):
    """A relation of two places, `modulo` a number where that is not 0."""

    sign: str
    left: Place
    right: Place
    modulo: int = 0


@dataclass(frozen=True, eq=False)
class Surd(Term):
    """The square root of a number, where that is no number of its own."""

    square: Fraction


@dataclass(frozen=True, eq=False)
class Both(Term):
    """Several conditions at once."""

    tests: tuple[Term, ...]


@dataclass(frozen=True, eq=False)
class Indicator(Term):
    """1 where a condition holds, 0 elsewhere."""

    condition: Term


ONE_, ZERO_ = Fraction(1), Fraction(0)


def number(value: Any, sizes: tuple[tuple[Index, int], ...] = ()) -> Product:
    """A number, times sizes of axes."""
    return Product(Fraction(value), sizes)


ZERO, ONE = number(0), number(1)


def as_product(term: Term) -> Product:
    """Any term as a product, if need be of itself alone."""
    return term if isinstance(term, Product) else Product(ONE_, (), (term,))


def known(term: Term) -> Fraction | None:
    """The number a term is, if it is one."""
    return term.value if isinstance(term, Product) and term.alone and not term.sizes else None


def product(*terms: Term) -> Term:
    """The terms multiplied."""
    parts = [as_product(t) for t in terms]
    value = ONE_
    for part in parts:
        value *= part.value
    return _made(value, [p.sizes for p in parts], [f for p in parts for f in p.above],
                 [f for p in parts for f in p.below])  # fmt: skip


def quotient(x: Term, y: Term) -> Term:
    """One term over another."""
    a, b = as_product(x), as_product(y)
    if b.value == 0:
        return Product(a.value, a.sizes, a.above, (*a.below, b))
    turned = tuple((index, -k) for index, k in b.sizes)
    return _made(a.value / b.value, [a.sizes, turned], [*a.above, *b.below], [*a.below, *b.above])


def _made(value: Fraction, sizes: Sequence, above: Sequence[Term], below: Sequence[Term]) -> Term:
    powers: dict[Index, int] = {}
    for index, k in (pair for some in sizes for pair in some):
        powers[index] = powers.get(index, 0) + k
    if value == 0 and not below:
        return ZERO
    above, below = cancelled(above, below)
    value, above, below = _rooted(value, above, below)
    factors = _joined(above)
    if len(factors) < len(above):  # a choice that was joined may have become a number
        inner = [as_product(f) for f in factors]
        for part in inner:
            value *= part.value
        above = [f for p in inner for f in p.above]
        below = [*below, *(f for p in inner for f in p.below)]
        return _made(value, [tuple(powers.items()), *(p.sizes for p in inner)], above, below)
    kept = tuple((i, k) for i, k in powers.items() if k)
    if value == 1 and not kept and not below and len(factors) == 1:
        return factors[0]
    return Product(value, kept, tuple(factors), tuple(below))


def _rooted(
    value: Fraction, above: list[Term], below: list[Term]
) -> tuple[Fraction, list[Term], list[Term]]:
    """Roots of numbers multiplied: at most one is left, in front of the factors."""
    square = ONE_
    for factor in above:
        square *= factor.square if isinstance(factor, Surd) else 1
    for factor in below:
        square /= factor.square if isinstance(factor, Surd) else 1
    if square == 1 and not any(isinstance(f, Surd) for f in (*above, *below)):
        return value, above, below
    top, bottom = isqrt(square.numerator), isqrt(square.denominator)
    exact = Fraction(top, bottom) if Fraction(top, bottom) ** 2 == square else None
    rest = [f for f in above if not isinstance(f, Surd)]
    above = rest if exact is not None else [Surd(square), *rest]
    under = [f for f in below if not isinstance(f, Surd)]
    return value * (1 if exact is None else exact), above, under


def _joined(factors: Sequence[Term]) -> list[Term]:
    """Choices under the same conditions as one choice of their products."""
    made: list[Term] = []
    for factor in factors:
        twin = _twin(factor, made)
        if twin is None:
            made.append(factor)
        else:
            pairs = zip(made[twin].rows, factor.rows, strict=True)  # type: ignore[attr-defined]
            made[twin] = choice([(product(a, b), when) for (a, when), (b, _) in pairs])
    return made


def _twin(factor: Term, among: Sequence[Term]) -> int | None:
    if not isinstance(factor, Choice):
        return None
    same = (k for k, f in enumerate(among) if isinstance(f, Choice) and f.when == factor.when)
    return next(same, None)


def negative(term: Term) -> Term:
    """The term with its sign turned."""
    return product(number(-1), term)


def plus(*terms: Term) -> Term:
    """The terms added up: numbers and equal terms together, nothing for a 0."""
    found: dict[tuple, Fraction] = {}
    for term in terms:
        _add(term, ONE_, found)
    parts = [Product(v, *key) for key, v in found.items() if v != 0]
    parts = _added_choices([p for p in parts if p.value != 0])
    if not parts:
        return ZERO
    if len(parts) == 1:
        return _plain(parts[0])
    sizes = {abs(p.value) for p in parts}
    if len(sizes) == 1 and sizes != {ONE_}:  # one number before all of them stands before the sum
        (factor,) = sizes
        return product(number(factor), plus(*(_plain(_over(p, factor)) for p in parts)))
    return Plus(tuple(_plain(p) for p in parts))


def _over(p: Product, factor: Fraction) -> Product:
    return Product(p.value / factor, p.sizes, p.above, p.below)


def _plain(p: Product) -> Term:
    return _made(p.value, [p.sizes], p.above, p.below)


def _add(term: Term, times: Fraction, found: dict[tuple, Fraction]) -> None:
    p = as_product(term)
    only = p.above[0] if len(p.above) == 1 and not p.below and not p.sizes else None
    if isinstance(only, Plus) and abs(p.value * times) == 1:
        for inner in only.terms:
            _add(inner, times * p.value, found)
        return
    key = (p.sizes, p.above, p.below)
    found[key] = found.get(key, ZERO_) + times * p.value


def _added_choices(parts: list[Product]) -> list[Product]:
    """Choices under the same conditions, and numbers beside them, as one choice of sums."""
    choices = [p for p in parts if len(p.above) == 1 and isinstance(p.above[0], Choice)
               and not p.below and not p.sizes]  # fmt: skip
    if not choices:
        return parts
    when = choices[0].above[0].when  # type: ignore[attr-defined]
    same = [p for p in choices if p.above[0].when == when]  # type: ignore[attr-defined]
    numbers = [p for p in parts if p.alone and not p.sizes]
    if len(same) + len(numbers) < 2:
        return parts
    constant = sum((p.value for p in numbers), ZERO_)
    rows = []
    for k, condition in enumerate(when):
        scaled = [product(number(p.value), p.above[0].rows[k][0]) for p in same]  # type: ignore[attr-defined]
        rows.append((plus(*scaled, number(constant)), condition))
    made = choice(rows)
    rest = [p for p in parts if p not in same and p not in numbers]
    return [*(as_product(made),) * (known(made) != 0), *rest]


def choice(rows: Sequence[tuple[Term, Term | None]]) -> Term:
    """The value of the first row whose condition holds; of equal values, the value."""
    values = [value for value, _ in rows]
    if all(v == values[0] for v in values):
        return values[0]
    return Choice(tuple(rows))


def total(kind: str, index: Index, body: Term, upto: Place | None = None) -> Term:
    """A sum, product, max or min over an index; from a sum, what does not depend on it is out."""
    if kind != "sum":
        if index in body.free or upto is not None:
            return Total(kind, index, body, upto)
        return power(body, index) if kind == "prod" else body
    p = as_product(body)
    out = [f for f in p.above if index not in f.free]
    under = [f for f in p.below if index not in f.free]
    inside = [f for f in p.above if index in f.free]
    beneath = [f for f in p.below if index in f.free]
    outer = Product(p.value, p.sizes, tuple(out), tuple(under))
    if not inside and not beneath and upto is None:
        return product(outer, number(1, ((index, 1),)))
    summed = Total(kind, index, _made(ONE_, [], inside, beneath), upto)
    return product(_plain(outer), summed)


def power(body: Term, index: Index) -> Term:
    """The term to the power of how many places an index has."""
    return Call("{#1}^{#2}", 3, (4, 0), (body, number(index.size)))
