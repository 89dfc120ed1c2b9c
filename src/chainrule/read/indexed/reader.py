"""Read one element of a node as a term: by its op's rule, on the elements of its operands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from fractions import Fraction
from math import log, pi, sqrt
from typing import Any

from ...graph.errors import UsageError
from ...graph.node import Constant, Node
from ...ops.family import Elementwise
from ..symbols import fraction_of, pool
from ..tree import escaped
from .places import FIRST, Index, Place, along
from .terms import ONE, ZERO, Call, Entry, Leaf, Surd, Term, number, product

DEEPEST = 120  # nodes below each other in one formula: more is neither readable nor drawable
NAMES = "epqrsuvwyzabcdfgh"

# Numbers that everybody knows under another name than their digits.
KNOWN = {
    1 / sqrt(2 * pi): r"\frac{1}{\sqrt{2 \pi}}", 2 / sqrt(pi): r"\frac{2}{\sqrt{\pi}}",
    pi: r"\pi", log(2): r"\ln\left(2\right)", log(10): r"\ln\left(10\right)",
}  # fmt: skip

Places = tuple[Place, ...]


Rule = Callable[["Reader", Node, Places], Term | None]


class Reader:
    """Terms of elements, remembered; and the nodes that had to be given a name on the way."""

    def __init__(self, names: Mapping[Node, str]):
        self.names = dict(names)
        self.needed: list[Node] = []
        self.depth = 0
        self._made: dict[tuple[Node, Places], Term] = {}

    def element(self, node: Node, places: Places) -> Term:
        """The element of a node that stands at these places."""
        if node in self.names:
            return Leaf(self.names[node], shown(places, node.shape))
        return self.computed(node, places)

    def computed(self, node: Node, places: Places) -> Term:
        """The element by the op that computes it, whether the node has a name or not."""
        key = (node, places)
        if key not in self._made:
            self.depth += 1
            if self.depth > DEEPEST:
                raise UsageError(
                    f"the formula is nested more than {DEEPEST} ops deep; let parts of it stand "
                    "by a name: share=True, or share={node: name}"
                )
            self._made[key] = self._computed(node, places)
            self.depth -= 1
        return self._made[key]

    def _computed(self, node: Node, places: Places) -> Term:
        from .rules import rule_of

        if isinstance(node.op, Constant):
            return constant(node.op)
        rule = rule_of(node.op)
        if rule is not None:
            found = rule(self, node, _held(places, node.shape))
            if found is not None:
                return found
        if isinstance(node.op, Elementwise) or node.op.latex == "#1":
            return self.elementwise(node, places)
        return self.whole(node, places)

    def operand(self, node: Node, k: int, places: Sequence[Place]) -> Term:
        """The element of an operand at the places of a value that broadcasts it."""
        x = node.inputs[k]
        return self.element(x, aligned(places, x.shape))

    def elementwise(self, node: Node, places: Places) -> Term:
        """A function of the operands' elements at the same places, in the op's notation."""
        xs = [self.operand(node, k, places) for k in range(len(node.inputs))]
        op = node.op
        if op.latex == "#1":
            return xs[0]
        if not op.latex:
            inside = ", ".join(f"#{k + 1}" for k in range(len(xs)))
            tex = rf"\operatorname{{{escaped(str(op))}}}\left({inside}\right)"
            return Call(tex, 4, (0,) * len(xs), tuple(xs))
        return Call(op.latex, op.binds, op.takes, tuple(xs))

    def array(self, node: Node, places: Places = ()) -> Leaf:
        """An operand as a whole, or its part at some first places: it stands by a name."""
        if node not in self.names:
            taken = set(self.names.values())
            self.names[node] = next(iter(pool(taken, NAMES)))
            self.needed.append(node)
        return Leaf(self.names[node], shown(places, node.shape[: len(places)]))

    def whole(self, node: Node, places: Places) -> Term:
        """An element of what the op makes of whole arrays, where it has no reading by elements."""
        op, arrays = node.op, tuple(self.array(x) for x in node.inputs)
        options = [f"{f.name}={getattr(op, f.name)}" for f in _options(op)]
        inside = [f"#{k + 1}" for k in range(len(arrays))]
        inside += [rf"\text{{{escaped(text)}}}" for text in options]
        tex = rf"\operatorname{{{escaped(str(op))}}}\left({', '.join(inside)}\right)"
        return Entry(tex, arrays, places)


def _options(op: Any) -> list:
    return [f for f in fields(op) if _short(getattr(op, f.name))] if is_dataclass(op) else []


def _short(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_short(v) for v in value)
    return isinstance(value, int | float | str) or value is None


def _held(places: Sequence[Place], shape: Sequence[int]) -> Places:
    """The places, fixed along axes of one element."""
    return tuple(FIRST if n == 1 else p for p, n in zip(places, shape, strict=True))


def shown(places: Sequence[Place], shape: Sequence[int]) -> Places:
    """The places that need an index: an axis of one element has none."""
    return tuple(p for p, n in zip(places, shape, strict=True) if n != 1)


def aligned(places: Sequence[Place], shape: Sequence[int]) -> Places:
    """The places of a value as those of an operand that was broadcast to it."""
    return _held(tuple(places)[len(places) - len(shape) :], shape)


def constant(op: Constant) -> Term:
    """A number as a term."""
    if op.value.dtype.kind == "b":
        return ONE if op.value else ZERO
    found = fraction_of(op.value)
    if found is not None:
        square = _square(op.value, found)
        if square is not None:
            return product(number(-1 if found < 0 else 1), Surd(square))
        known = next((tex for v, tex in KNOWN.items() if v == op.value), None)
        return number(found) if known is None else Call(known, 3, (), ())
    signs = {"inf": r"\infty", "-inf": r"-\infty"}
    return Leaf(signs.get(str(op.value), r"\mathrm{NaN}"))


def _square(value: Any, found: Fraction) -> Fraction | None:
    """Of what simple number a double is the square root, if it is no simple number itself."""
    if value.dtype.itemsize < 8 or value.dtype.kind != "f" or found.denominator < 10**4:
        return None
    square = Fraction(float(value) ** 2).limit_denominator(1000)
    return square if square and abs(sqrt(square) - abs(float(value))) < 1e-15 * abs(value) else None


def running(sizes: Sequence[int]) -> Places:
    """A new index for every axis; an axis of one element needs none."""
    return tuple(FIRST if n == 1 else along(Index(n)) for n in sizes)
