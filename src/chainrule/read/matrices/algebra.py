"""Matrices as a small algebra that checks every shape and keeps itself short.

A matrix is numbers and scalars times one body: a name, a chain of matrix products, a product
element by element, a sum, a transpose or a function. One axis is a column. Shapes are
(rows, columns), () for a number, and longer for arrays that are no matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

from ...graph.errors import GraphError
from ..cancelling import cancelled

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Body:
    """What is not a number times something else."""

    shape: Shape


@dataclass(frozen=True)
class Name(Body):
    """A matrix, a column or a number with a symbol."""

    symbol: str


@dataclass(frozen=True)
class Ones(Body):
    """A column of ones."""


@dataclass(frozen=True)
class Chain(Body):
    """Matrices multiplied."""

    factors: tuple[Body, ...]


@dataclass(frozen=True)
class Each(Body):
    """Arrays multiplied element by element, and divided by those below."""

    above: tuple[Body, ...]
    below: tuple[Body, ...] = ()


@dataclass(frozen=True)
class Sum(Body):
    """Arrays added; a number among them is added to every element."""

    terms: tuple[Scaled, ...]


@dataclass(frozen=True)
class Turned(Body):
    """A transpose."""

    inside: Body


@dataclass(frozen=True)
class Function(Body):
    """What an op makes of its operands, in its notation."""

    latex: str
    binds: int
    takes: tuple[int, ...]
    arguments: tuple[Scaled, ...]


@dataclass(frozen=True)
class Blocks(Body):
    """Matrices beside each other, or below: each with where it starts; zeros between them."""

    pieces: tuple[tuple[int, Scaled], ...]
    down: bool


@dataclass(frozen=True)
class Scaled:
    """A number, sizes to some power, scalars above and below a line, and one body or none."""

    value: Fraction = Fraction(1)
    sizes: tuple[tuple[int, int], ...] = ()
    above: tuple[Body, ...] = ()
    below: tuple[Body, ...] = ()
    body: Body | None = None
    fills: Shape = ()  # without a body: the shape in which every element is this number

    @property
    def shape(self) -> Shape:
        """Its shape."""
        return self.fills if self.body is None else self.body.shape

    @property
    def number(self) -> Fraction | None:
        """The number it is, in every element, if it is one."""
        bare = self.body is None and not (self.sizes or self.above or self.below)
        return self.value if bare else None


def refuse(what: str, *shapes: Shape) -> GraphError:
    """The error for shapes that do not fit: such a reading is wrong, and is not shown."""
    listed = " and ".join("×".join(map(str, s)) or "a number" for s in shapes)
    return GraphError(f"matrix notation: {what} of {listed} do not fit; this reading is refused")


def of(body: Body) -> Scaled:
    """A body as it stands; one number as a scalar factor."""
    return Scaled(above=(body,)) if body.shape == () else Scaled(body=body)


def number(value: Fraction | int, shape: Shape = ()) -> Scaled:
    """A number, or an array that is this number in every element."""
    return Scaled(Fraction(value), fills=shape)


def with_body(x: Scaled, body: Body | None, fills: Shape = ()) -> Scaled:
    """The same scalars before another body."""
    return replace(x, body=body, fills=fills)


def times(x: Scaled, y: Scaled) -> Scaled:
    """The product with a number, or element by element."""
    scalars = _scalars(x, y)
    if x.body is None and y.body is None:
        if x.fills and y.fills and x.fills != y.fills:
            raise refuse("the elements", x.fills, y.fills)
        return with_body(scalars, None, x.fills or y.fills)
    if x.body is None or y.body is None:
        full, plain = (y, x) if x.body is None else (x, y)
        if plain.fills not in ((), full.shape):
            raise refuse("the elements", x.shape, y.shape)
        return with_body(scalars, full.body)
    if x.shape != y.shape:
        raise refuse("the elements", x.shape, y.shape)
    above = (*_parts(x.body), *_parts(y.body))
    below = (*_under(x.body), *_under(y.body))
    return with_body(scalars, _each(x.shape, above, below))


def _each(shape: Shape, above: Sequence[Body], below: Sequence[Body]) -> Body | None:
    kept, rest = cancelled(above, below)
    if len(kept) == 1 and not rest:
        return kept[0]
    return Each(shape, tuple(kept), tuple(rest)) if kept or rest else None


def _parts(body: Body) -> tuple[Body, ...]:
    return body.above if isinstance(body, Each) else (body,)


def _under(body: Body) -> tuple[Body, ...]:
    return body.below if isinstance(body, Each) else ()


def _scalars(x: Scaled, y: Scaled) -> Scaled:
    sizes = dict(x.sizes)
    for n, k in y.sizes:
        sizes[n] = sizes.get(n, 0) + k
    above, below = list((*x.above, *y.above)), []
    for factor in (*x.below, *y.below):
        if factor in above:
            above.remove(factor)
        else:
            below.append(factor)
    kept = tuple((n, k) for n, k in sizes.items() if k)
    return Scaled(x.value * y.value, kept, tuple(above), tuple(below))


def over(x: Scaled, y: Scaled) -> Scaled:
    """The quotient by a number, or element by element."""
    if y.value == 0:
        raise refuse("a quotient by 0", y.shape)
    turned = Scaled(1 / y.value, tuple((n, -k) for n, k in y.sizes), y.below, y.above,
                    None, y.fills)  # fmt: skip
    if y.body is None:
        return times(x, turned)
    scalars = _scalars(x, turned)
    if x.shape not in ((), y.shape):
        raise refuse("the elements", x.shape, y.shape)
    above = () if x.body is None else _parts(x.body)
    under = () if x.body is None else _under(x.body)
    body = _each(y.shape, (*above, *_under(y.body)), (*under, *_parts(y.body)))
    return with_body(scalars, body, y.shape if body is None else ())


def negative(x: Scaled) -> Scaled:
    """The matrix with its sign turned."""
    return replace(x, value=-x.value)


def plus(*terms: Scaled) -> Scaled:
    """The terms added: numbers and equal terms together."""
    shape: Shape = ()
    for t in terms:
        if t.shape and shape and t.shape != shape:
            raise refuse("the terms", shape, t.shape)
        shape = shape or t.shape
    found: dict[Scaled, Fraction] = {}
    for term in terms:
        inner = term.body.terms if isinstance(term.body, Sum) and _plain(term) else (term,)
        sign = Fraction(1) if inner == (term,) else term.value
        for t in inner:
            key = replace(t, value=Fraction(1), fills=())
            found[key] = found.get(key, Fraction(0)) + t.value * sign
    parts = _merged([replace(k, value=v) for k, v in found.items() if v])
    if not parts:
        return number(0, shape)
    if len(parts) == 1:
        only = parts[0]
        return with_body(only, None, shape) if only.body is None else only
    values = {abs(p.value) for p in parts}
    if len(values) == 1 and values != {Fraction(1)}:
        (factor,) = values
        rest = plus(*(replace(p, value=p.value / factor) for p in parts))
        return times(number(factor), rest)
    return of(Sum(shape, tuple(parts)))


def _merged(parts: list[Scaled]) -> list[Scaled]:
    """Blocks among zeros, where none lies on another, as the blocks of one matrix."""
    made: list[Scaled] = []
    for part in parts:
        twin = next((k for k, other in enumerate(made) if _apart(part, other)), None)
        if twin is None:
            made.append(part)
        else:
            a, b = made[twin].body, part.body
            assert isinstance(a, Blocks)
            assert isinstance(b, Blocks)
            pieces = sorted((*a.pieces, *_signed(b, part.value)), key=lambda piece: piece[0])
            made[twin] = of(Blocks(a.shape, tuple(pieces), a.down))
    return made


def _apart(x: Scaled, y: Scaled) -> bool:
    a, b = x.body, y.body
    if not (isinstance(a, Blocks) and isinstance(b, Blocks) and _plain(x)) or a.down != b.down:
        return False
    axis = 0 if a.down else 1
    taken = [range(at, at + p.shape[axis]) for at, p in (*a.pieces, *b.pieces)]
    return y.value == 1 and _plain(y) and sum(map(len, taken)) == len(set().union(*taken))


def _signed(b: Blocks, sign: Fraction) -> list[tuple[int, Scaled]]:
    return [(at, replace(p, value=p.value * sign)) for at, p in b.pieces]


def _plain(x: Scaled) -> bool:
    return abs(x.value) == 1 and not (x.sizes or x.above or x.below)


def as_matrix(x: Scaled) -> Scaled:
    """A filled array as a product of ones, so that it can stand in a matrix product."""
    if x.body is not None or len(x.fills) != 2:
        return x
    rows, columns = x.fills
    body = _chained([*_ones(rows), *(Turned((1, columns), b) for b in _ones(columns))])
    return x if body is None else with_body(x, body)


def _ones(n: int) -> list[Body]:
    return [Ones((n, 1))] if n > 1 else []


def ones(n: int) -> Scaled:
    """A column of ones; of one alone, the number."""
    return of(Ones((n, 1))) if n > 1 else number(1, (1, 1))


def chain(x: Scaled, y: Scaled) -> Scaled:
    """The matrix product."""
    if len(x.shape) != 2 or len(y.shape) != 2 or x.shape[1] != y.shape[0]:
        raise refuse("the factors", x.shape, y.shape)
    shape = (x.shape[0], y.shape[1])
    x, y = as_matrix(x), as_matrix(y)
    if x.body is None or y.body is None:  # one number as a matrix of one element
        made = times(replace(x, fills=()) if x.body is None else x,
                     replace(y, fills=()) if y.body is None else y)  # fmt: skip
        return with_body(made, None, shape) if made.body is None else made
    scalars = _scalars(x, y)
    factors = [*_factors(x.body), *_factors(y.body)]
    factors, counted = _counted(factors)
    sizes = Scaled(sizes=tuple((n, 1) for n in counted))
    scalars = _scalars(scalars, sizes)
    return with_body(scalars, _chained(factors), () if factors else shape)


def _factors(body: Body) -> tuple[Body, ...]:
    return body.factors if isinstance(body, Chain) else (body,)


def _counted(factors: list[Body]) -> tuple[list[Body], list[int]]:
    """Ones times ones is how many there are."""
    counted = []
    k = 0
    while k + 1 < len(factors):
        a, b = factors[k], factors[k + 1]
        if isinstance(b, Ones) and isinstance(a, Turned) and isinstance(a.inside, Ones):
            counted.append(b.shape[0])
            del factors[k : k + 2]
            k = max(k - 1, 0)
        else:
            k += 1
    return factors, counted


def _chained(factors: Sequence[Body]) -> Body | None:
    if len(factors) < 2:
        return factors[0] if factors else None
    return Chain((factors[0].shape[0], factors[-1].shape[1]), tuple(factors))


def turned(x: Scaled) -> Scaled:
    """The transpose."""
    if x.body is None:
        return replace(x, fills=x.fills[::-1])
    return with_body(x, _turned(x.body))


def _turned(body: Body) -> Body:
    if isinstance(body, Turned):
        return body.inside
    if isinstance(body, Chain):
        return Chain(body.shape[::-1], tuple(_turned(f) for f in reversed(body.factors)))
    if len(body.shape) != 2:
        raise refuse("a transpose", body.shape)
    return body if body.shape == (1, 1) and isinstance(body, Name) else (
        Turned(body.shape[::-1], body)
    )  # fmt: skip


def scalar(x: Scaled) -> Scaled:
    """A matrix of one element as the number it is."""
    if prod(x.shape) != 1:
        raise refuse("one number out", x.shape)
    if x.body is None:
        return replace(x, fills=())
    return replace(x, body=None, above=(*x.above, x.body))


def function(
    latex: str, binds: int, takes: tuple[int, ...], arguments: Sequence[Scaled], shape: Shape
) -> Scaled:
    """What an op makes of its operands."""
    return of(Function(shape, latex, binds, takes, tuple(arguments)))
