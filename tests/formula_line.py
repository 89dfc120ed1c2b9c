"""A line of mathematics read from left to right, and what a formula of numbers is worth."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.read.tex import parse, write
from chainrule.read.tree import (
    Accent,
    Big,
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

ERF = np.vectorize(math.erf, otypes=[float])
FUNCTIONS = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "arcsin": np.arcsin, "arccos": np.arccos,
    "arctan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "arsinh": np.arcsinh, "arcosh": np.arccosh, "artanh": np.arctanh, "atan2": np.arctan2,
    "exp": np.exp, "ln": np.log, "erf": ERF, "sign": np.sign, "copysign": np.copysign,
    "mod": np.mod, "round": np.round, "trunc": np.trunc, "isfinite": np.isfinite,
    "isnan": np.isnan, "isinf": np.isinf, "signbit": np.signbit, "nextafter": np.nextafter,
    "σ": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "max": lambda *xs: np.max(np.broadcast_arrays(*xs), axis=0),
    "min": lambda *xs: np.min(np.broadcast_arrays(*xs), axis=0),
}  # fmt: skip
RELATIONS = {
    "≤": np.less_equal, "≥": np.greater_equal, "<": np.less, ">": np.greater, "=": np.equal,
    "≠": np.not_equal, "∈": None,
}  # fmt: skip
LOGIC = {"∧": "and", "∨": "or", "⊕": "xor", "&": "and", "|": "or"}
SHIFTS = {"≪": np.left_shift, "≫": np.right_shift}


class Unreadable(Exception):
    """The formula is not one that this evaluator can compute."""


def both(a: Any, b: Any, how: str) -> Any:
    """Logic of answers, bits of numbers."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind == b.dtype.kind == "b":
        return getattr(np, f"logical_{how}")(a, b)
    return getattr(np, f"bitwise_{how}")(whole(a), whole(b))


def whole(x: Any) -> Any:
    return np.asarray(x).astype(np.int64)


class Evaluator:
    """Sums of products of parts; a subclass says what a symbol and a product are."""

    def __init__(self, values: Mapping[str, Any]):
        self.values = {write(parse(k)): np.asarray(v) for k, v in values.items()}
        self._written: dict[int, tuple[Tree, str]] = {}

    def of(self, tree: Tree) -> Any:
        items = [t for t in self.items(tree) if not isinstance(t, Space)]
        return Line(self, items).answer()

    def tex(self, tree: Tree) -> str:
        """A part as TeX, remembered: the same parts are asked for over and over."""
        if id(tree) not in self._written:
            self._written[id(tree)] = (tree, write(tree))
        return self._written[id(tree)][1]

    def items(self, tree: Tree) -> list[Tree]:
        if isinstance(tree, Mark):
            return self.items(tree.inside)
        found = list(tree.items) if isinstance(tree, Row) else [tree]
        return [i for t in found for i in (self.items(t) if isinstance(t, Mark) else [t])]

    def scalar(self, x: Any) -> Any:
        return x

    def fenced(self, tree: Fenced) -> Any:
        inside = self.of(tree.inside)
        kinds = {
            "(": lambda x: x, "[": lambda x: x, "|": np.abs, r"\lfloor": np.floor,
            r"\lceil": np.ceil, r"\|": self.norm,
        }  # fmt: skip
        return kinds[tree.opening](inside)

    def norm(self, x: Any) -> Any:
        raise Unreadable("a norm")

    def cases(self, tree: Table) -> Any:
        result = None
        for row in reversed(tree.rows):
            value = self.of(row[0])
            when = self.condition(row[1])
            result = value if when is True else self.pick(when, value, result)
        return result

    def pick(self, when: Any, value: Any, other: Any) -> Any:
        return np.where(when, value, np.nan if other is None else other)

    def condition(self, tree: Tree) -> Any:
        items = self.items(tree)
        if isinstance(items[0], Word) and items[0].text.strip() == "otherwise":
            return True
        if isinstance(items[0], Word) and items[0].text.strip() == "if":
            items = items[1:]
        found = np.asarray(self.of(Row(tuple(items))))
        return found if found.dtype.kind == "b" else found != 0

    def part(self, tree: Tree) -> Any:
        if isinstance(tree, Number):
            return np.float64(tree.text)
        if isinstance(tree, Fraction):
            return self.over(self.of(tree.above), self.of(tree.below))
        if isinstance(tree, Root):
            return np.sqrt(self.scalar(self.of(tree.inside)))
        if isinstance(tree, Fenced):
            return self.fenced(tree)
        if isinstance(tree, Table):
            return self.cases(tree)
        if isinstance(tree, Row):
            return self.of(tree)
        if isinstance(tree, Script):
            return self.script(tree)
        if isinstance(tree, Symbol | Word | Accent):
            return self.symbol(tree)
        raise Unreadable(write(tree))

    def over(self, x: Any, y: Any) -> Any:
        return self.scalar(x) / self.scalar(y)

    def symbol(self, tree: Tree) -> Any:
        tex = self.tex(tree)
        if tex in self.values:
            return self.values[tex]
        known = {"e": math.e, r"\infty": math.inf, r"\pi": math.pi, r"\mathrm{NaN}": math.nan,
                 r"\mathrm{True}": True, r"\mathrm{False}": False}  # fmt: skip
        if tex in known:
            return np.asarray(known[tex])
        raise Unreadable(f"{tex} is not among {sorted(self.values)}")

    def script(self, tree: Script) -> Any:
        if self.tex(tree) in self.values:
            return self.values[self.tex(tree)]
        if tree.above is not None:
            base = tree.base if tree.below is None else Script(tree.base, tree.below)
            return self.power(self.part(base), tree.above)
        return self.below(tree.base, tree.below)

    def power(self, base: Any, above: Tree) -> Any:
        return np.power(self.scalar(base), np.asarray(self.scalar(self.of(above)), float))

    def below(self, base: Tree, below: Any) -> Any:
        raise Unreadable(write(Script(base, below)))

    def times(self, x: Any, y: Any) -> Any:
        return x * y

    def plus(self, x: Any, y: Any) -> Any:
        return x + y

    def call(self, function: Tree, arguments: list[Any]) -> Any:
        name = function.text if isinstance(function, Function | Symbol) else ""
        if isinstance(function, Script):  # log to a base
            return np.log(arguments[0]) / np.log(self.of(function.below))
        if name not in FUNCTIONS:
            return self.other(name, arguments)
        return FUNCTIONS[name](*(self.scalar(a) for a in arguments))

    def other(self, name: str, arguments: list[Any]) -> Any:
        raise Unreadable(f"a function {name}")

    def indicator(self, fenced: Fenced) -> Any:
        return np.where(self.condition(fenced.inside), 1.0, 0.0)

    def big(self, tree: Big, body: list[Tree]) -> Any:
        raise Unreadable(write(tree))


class Line:
    """The parts of one row, read from left to right."""

    def __init__(self, home: Evaluator, items: list[Tree]):
        self.home, self.items, self.k = home, items, 0

    def sign(self) -> str:
        t = self.items[self.k] if self.k < len(self.items) else None
        return t.text if isinstance(t, Sign) else "" if t is not None else "end"

    def answer(self) -> Any:
        found = self.logic()
        if self.k < len(self.items):
            raise Unreadable(" ".join(write(t) for t in self.items[self.k :]))
        return found

    def logic(self) -> Any:
        if self.sign() == "¬":
            self.k += 1
            x = np.asarray(self.logic())
            return ~x if x.dtype.kind == "b" else ~whole(x)
        x = self.relation()
        while self.sign() in LOGIC:
            how = LOGIC[self.sign()]
            self.k += 1
            x = both(x, self.relation(), how)
        return x

    def relation(self) -> Any:
        x = self.sum()
        while self.sign() in (*RELATIONS, *SHIFTS, "≡"):
            sign = self.sign()
            self.k += 1
            y = self.sum() if sign != "≡" else self.sum(until_modulus=True)
            if sign == "≡":
                modulus = self.items[self.k].inside.items[1]
                self.k += 1
                return np.mod(x - y, self.home.of(modulus)) == 0
            x, y = self.home.scalar(x), self.home.scalar(y)
            x = SHIFTS[sign](whole(x), whole(y)) if sign in SHIFTS else RELATIONS[sign](x, y)
        return x

    def sum(self, until_modulus: bool = False) -> Any:
        self.modulus = until_modulus
        x = None
        while True:
            sign = self.sign()
            if x is not None and sign not in ("+", "−"):
                return x
            if sign in ("+", "−"):
                self.k += 1
            y = self.product()
            y = -y if sign == "−" else y
            x = y if x is None else self.home.plus(x, y)

    def product(self) -> Any:
        x = self.factor()
        while self.more():
            sign = self.sign()
            if sign:
                self.k += 1
            x = self.joined(x, sign)
        return x

    def joined(self, x: Any, sign: str) -> Any:
        home = self.home
        if sign == "mod":
            return np.mod(home.scalar(x), home.scalar(self.factor()))
        if sign in ("⊙", "⊘"):
            y = self.chained()
            return x * y if sign == "⊙" else x / y
        return home.times(x, self.factor())

    def chained(self) -> Any:
        """What stands after ⊙: products beside each other bind tighter."""
        x = self.factor()
        while self.more() and not self.sign():
            x = self.home.times(x, self.factor())
        return x

    def more(self) -> bool:
        sign = self.sign()
        if sign in ("⋅", "mod", "⊙", "⊘"):
            return True
        if sign:
            return False
        t = self.items[self.k]
        return not (getattr(self, "modulus", False) and _is_modulus(t))

    def factor(self) -> Any:
        t = self.items[self.k]
        self.k += 1
        following = self.items[self.k] if self.k < len(self.items) else None
        if isinstance(t, Sign) and t.text == "−":
            return -self.factor()
        if isinstance(t, Big):
            return self.ranged(t)
        if _is_function(t, self.home, following):
            return self.applied(t)
        if isinstance(t, Word) and t.style == "mathbb" and isinstance(following, Fenced):
            self.k += 1
            return self.home.indicator(following)
        return self.home.part(t)

    def ranged(self, t: Big) -> Any:
        """A sum, over the product that follows it."""
        if isinstance(t.sign, Function) and t.below is None:
            return self.applied(t.sign)
        start = self.k
        while self.k < len(self.items) and (not self.sign() or self.sign() in "⋅"):
            self.k += 1
        return self.home.big(t, self.items[start : self.k])

    def applied(self, t: Tree) -> Any:
        """A function of the brackets, or of the one part, that follow it."""
        above = None
        if isinstance(t, Script) and t.above is not None:
            t, above = (t.base if t.below is None else Script(t.base, t.below)), t.above
        following = self.items[self.k] if self.k < len(self.items) else None
        if isinstance(following, Script) and isinstance(following.base, Fenced):
            if following.below is not None:
                raise Unreadable(write(following))
            self.k += 1
            found = self.home.call(t, self.arguments(following.base))
            return self.home.power(found, following.above)
        if isinstance(following, Fenced) and following.opening in ("(", "["):
            self.k += 1
            arguments = self.arguments(following)
        else:
            arguments = [self.factor()]
        found = self.home.call(t, arguments)
        return found if above is None else self.home.power(found, above)

    def arguments(self, fenced: Fenced) -> list[Any]:
        lists: list[list[Tree]] = [[]]
        for t in self.home.items(fenced.inside):
            if isinstance(t, Sign) and t.kind == "punctuation":
                lists.append([])
            else:
                lists[-1].append(t)
        plain = [x for x in lists if not (len(x) == 1 and isinstance(x[0], Word)
                                          and x[0].style == "text")]  # fmt: skip
        self.home.options = dict(
            re.fullmatch(r"(\w+)=(.*)", x[0].text).groups() for x in lists if x not in plain
        )
        return [self.home.of(Row(tuple(x))) for x in plain]


def _is_modulus(t: Tree) -> bool:
    inside = t.inside if isinstance(t, Fenced) else None
    return isinstance(inside, Row) and isinstance(inside.items[0], Function) and (
        inside.items[0].text == "mod"
    )  # fmt: skip


def _is_function(t: Tree, home: Evaluator, following: Tree | None) -> bool:
    if isinstance(t, Script):
        return isinstance(t.base, Function)
    if isinstance(t, Symbol) and t.text == "σ":
        return t.tex not in home.values and following is not None
    return isinstance(t, Function)


def scalar_value(tex: str, values: Mapping[str, Any]) -> float:
    """The number that a formula of numbers is worth."""
    with np.errstate(all="ignore"):
        return float(Evaluator(values).of(parse(tex)))
