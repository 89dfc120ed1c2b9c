"""What a displayed formula is worth: TeX read back and computed with NumPy.

It knows nothing of graphs or ops: what it computes is what a reader of the formula would.
`scalar_value` reads formulas of numbers, `index_value` index notation (indices count from 1,
a sum goes over its letter's range), `matrix_value` matrix notation (arrays beside each other
are a matrix product, functions act element by element, one axis is a column).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from formula_line import Evaluator, Line, Unreadable, scalar_value

from chainrule.read.tex import parse, write
from chainrule.read.tree import (
    Big,
    Fenced,
    Function,
    Number,
    Row,
    Script,
    Sign,
    Table,
    Tree,
    Word,
)

__all__ = ["Unreadable", "index_value", "matrix_value", "scalar_value"]


class Block:
    """An array whose last `rank` axes are still to be indexed; those before are the scope's."""

    def __init__(self, data: Any, rank: int):
        self.data, self.rank = data, rank


class Indexed(Evaluator):
    """Index notation: the k-th index in scope runs along axis -(k+1) of every value."""

    def __init__(self, values: Mapping[str, Any], free: Mapping[str, int]):
        super().__init__(values)
        self.scope: list[str] = []
        self.range: dict[str, Any] = {}
        self.options: dict[str, str] = {}
        for letter, n in free.items():
            self.enter(write(parse(letter)), n)

    def enter(self, letter: str, n: int) -> None:
        self.range[letter] = np.arange(1, n + 1).reshape((n,) + (1,) * len(self.scope))
        self.scope.append(letter)

    def leave(self) -> None:
        del self.range[self.scope.pop()]

    def scalar(self, x: Any) -> Any:
        if not isinstance(x, Block):
            return x
        if int(np.prod(x.data.shape[x.data.ndim - x.rank :])) == 1:
            return x.data.reshape(x.data.shape[: x.data.ndim - x.rank])
        raise Unreadable(f"an array of shape {x.data.shape} without its indices")

    def part(self, tree: Tree) -> Any:
        return self.unblocked(super().part(tree), tree)

    def unblocked(self, found: Any, tree: Tree) -> Any:
        if isinstance(found, Block) and found.data[..., :].size >= 1 and not isinstance(tree, Row):
            tail = found.data.shape[found.data.ndim - found.rank :]
            if int(np.prod(tail)) == 1:
                return self.scalar(found)
        return found

    def symbol(self, tree: Tree) -> Any:
        tex = self.tex(tree)
        if tex in self.range:
            return self.range[tex]
        return self.array(super().symbol(tree))

    def array(self, found: Any) -> Any:
        return Block(found, found.ndim) if isinstance(found, np.ndarray) and found.ndim else found

    def script(self, tree: Script) -> Any:
        if self.tex(tree) in self.range:
            return self.range[self.tex(tree)]
        return self.array(super().script(tree)) if self.tex(tree) in self.values else (
            super().script(tree)
        )  # fmt: skip

    def power(self, base: Any, above: Tree) -> Any:
        if isinstance(base, Block) and self.tex(above) == "- 1" and base.rank == 2:
            return Block(np.linalg.inv(base.data), 2)
        return super().power(base, above)

    def below(self, base: Tree, below: Any) -> Any:
        found = self.keep(base)
        return take(found, self.places(below, found))

    def keep(self, base: Tree) -> Any:
        """The array of a base, however small."""
        if isinstance(base, Fenced):
            inner = self.items(base.inside)
            if len(inner) == 1:
                return self.keep(inner[0])
            return self.of(base.inside)
        if self.tex(base) in self.values:
            return Block(self.values[self.tex(base)], self.values[self.tex(base)].ndim)
        if isinstance(base, Script) and base.above is not None and base.below is None:
            return self.power(self.keep(base.base), base.above)
        return self.part(base)

    def places(self, below: Tree, found: Block) -> list[Any]:
        items = self.items(below)
        if any(isinstance(t, Sign) and t.kind == "punctuation" for t in items):
            return Line(self, []).arguments(Fenced("(", below, ")"))
        if any(isinstance(t, Sign | Big | Function) for t in items):
            return [self.of(below)]
        tail = found.data.shape[found.data.ndim - found.rank :]
        single = sum(n > 1 for n in tail) == 1
        split: list[Any] = []
        for t in items:
            if isinstance(t, Number) and not single:
                split += [np.float64(c) for c in t.text]
            elif isinstance(t, Row | Fenced):
                split.append(self.of(t))
            else:
                split.append(self.part(t))
        return split

    def times(self, x: Any, y: Any) -> Any:
        return self.scalar(x) * self.scalar(y)

    def plus(self, x: Any, y: Any) -> Any:
        return self.scalar(x) + self.scalar(y)

    def other(self, name: str, arguments: list[Any]) -> Any:
        (x,) = arguments
        x = x if isinstance(x, Block) else Block(np.reshape(x, (1, 1)), 2)
        if name == "det":
            return np.linalg.det(x.data)
        if name == "chol":
            sym = (x.data + np.swapaxes(x.data, -1, -2)) / 2
            return Block(np.linalg.cholesky(sym), 2)
        if name == "argsort":
            axis = int(self.options["axis"])
            order = np.argsort(x.data, axis=axis, kind="stable")
            if self.options["descending"] == "True":
                turned = np.flip(x.data, axis=axis)
                n = x.data.shape[axis]
                order = n - 1 - np.flip(np.argsort(turned, axis=axis, kind="stable"), axis=axis)
            return Block(order, x.rank)
        if name in ("argmax", "argmin"):
            return np.asarray(getattr(np, name)(x.data))
        raise Unreadable(f"a function {name}")

    def big(self, tree: Big, body: list[Tree]) -> Any:
        sign = tree.sign.text
        letter, n, mask = self.bounds(tree)
        self.enter(letter, n)
        depth = len(self.scope)
        x = np.asarray(self.scalar(self.of(Row(tuple(body)))))
        up_to = () if mask is None else np.shape(mask)
        x = np.broadcast_to(x, np.broadcast_shapes(x.shape, (n,) + (1,) * (depth - 1), up_to))
        counts = np.broadcast_to(True if mask is None else self.range[letter] <= mask, x.shape)
        self.leave()
        axis = x.ndim - depth
        rest = {"sum": 0.0, "∑": 0.0, "∏": 1.0}.get(sign, 0.0)
        x = np.where(counts, x, rest) if mask is not None else x
        do = {"∑": np.sum, "∏": np.prod, "max": np.max, "min": np.min, "any": np.any,
              "all": np.all}  # fmt: skip
        if sign in ("argmax", "argmin"):
            return np.expand_dims(getattr(np, sign)(x, axis=axis), axis) + 1
        return do[sign](x, axis=axis, keepdims=True)

    def bounds(self, tree: Big) -> tuple[str, int, Any]:
        """The letter, how far it counts, and where that varies, up to where."""
        items = self.items(tree.below)
        if tree.above is None:  # 1 ≤ i ≤ n
            return write(items[2]), int(self.of(items[4])), None
        letter, upper = write(items[0]), self.of(tree.above)
        if np.ndim(upper):
            return letter, int(np.max(upper)), upper
        return letter, int(upper), None


def take(found: Block, places: list[Any]) -> Any:
    """The elements at these places, NaN outside; an array of integers may count from the end."""
    data, rank = found.data, found.rank
    scope, tail = data.shape[: data.ndim - rank], data.shape[data.ndim - rank :]
    if len(places) != rank:
        kept = tuple(n for n in tail if n > 1)
        data, rank, tail = data.reshape(scope + kept), len(kept), kept
    if len(places) > rank:
        raise Unreadable(f"{len(places)} indices for an array of {tail}")
    at = [np.asarray(p) for p in places]
    shape = np.broadcast_shapes(scope, *(p.shape for p in at))
    at = [np.broadcast_to(p, shape).astype(float) - 1 for p in at]
    inside = np.ones(shape, bool)
    for p, n in zip(at, tail, strict=False):
        inside &= (p >= -n) & (p < n) & (p == np.round(p))
    whole_at = [np.where(inside, p, 0).astype(int) for p in at]
    wide = np.broadcast_to(data, shape + tail)
    grid = np.indices(shape, sparse=True) if shape else ()
    values = wide[(*grid, *whole_at)]
    left = rank - len(places)
    if left:
        return Block(values, left)
    return values if inside.all() else np.where(inside, values, np.nan)


def index_value(
    tex: str, values: Mapping[str, Any], free: Mapping[str, int] | None = None
) -> np.ndarray:
    """The array of what a formula in index notation is worth: an axis for each free index."""
    free = dict(free or {})
    home = Indexed(values, free)
    with np.errstate(all="ignore"):
        found = np.asarray(home.scalar(home.of(parse(tex))))
    found = np.broadcast_to(found, np.broadcast_shapes(found.shape, tuple(free.values())[::-1]))
    if found.ndim > len(free):
        found = found.reshape(found.shape[found.ndim - len(free) :])
    return found.transpose()


class Matrices(Evaluator):
    """Matrix notation: numbers are arrays of no axes, everything else has rows and columns."""

    def __init__(self, values: Mapping[str, Any]):
        super().__init__({})
        self.options: dict[str, str] = {}
        for name, v in values.items():
            v = np.asarray(v)
            self.values[write(parse(name))] = v[:, None] if v.ndim == 1 else v

    def ones(self, tree: Tree) -> Any:
        """A column of ones, or zeros in rows and columns."""
        if not isinstance(tree, Script) or not isinstance(tree.base, Word):
            return None
        if tree.base.style != "mathbf":
            return None
        if tree.base.text == "1":
            return np.ones((int(self.of(tree.below)), 1))
        rows, columns = (t for t in self.items(tree.below) if not isinstance(t, Sign))
        return np.zeros((int(self.part(rows)), int(self.part(columns))))

    def script(self, tree: Script) -> Any:
        plain = tree if tree.above is None else Script(tree.base, tree.below)
        found = self.ones(plain)
        if found is None:
            return super().script(tree)
        return found if tree.above is None else self.power(found, tree.above)

    def power(self, base: Any, above: Tree) -> Any:
        items = self.items(above)
        if self.tex(above) == r"\top":
            return base.T
        if isinstance(items[0], Sign) and items[0].text == "⊙":
            return np.power(base, np.asarray(self.of(Row(tuple(items[1:]))), float))
        if self.tex(above) == "- 1" and np.ndim(base) == 2 and base.shape[0] > 1:
            return np.linalg.inv(base)
        if np.size(base) > 1:
            raise Unreadable("a power of a matrix")
        return super().power(base, above)

    def below(self, base: Tree, below: Tree) -> Any:
        array = self.part(base)
        pieces: list[list[Tree]] = [[]]
        for t in self.items(below):
            if isinstance(t, Sign) and t.kind == "punctuation":
                pieces.append([])
            else:
                pieces[-1].append(t)
        cuts = [self.cut(p, array.ndim) for p in pieces]
        found = array[tuple(cuts)]
        return found[:, None] if found.ndim == 1 else found

    def cut(self, piece: list[Tree], axes: int) -> Any:
        """A range as a slice; one place of a matrix keeps its axis, of a stack it does not."""
        numbers = [int(t.text) for t in piece if isinstance(t, Number)]
        if len(numbers) == 1 and axes > 2:
            return numbers[0] - 1
        return slice(numbers[0] - 1, numbers[-1]) if numbers else slice(None)

    def times(self, x: Any, y: Any) -> Any:
        if np.ndim(x) == 2 and np.ndim(y) == 2:
            if x.shape[1] == y.shape[0]:
                return x @ y
            if 1 in (x.size, y.size):
                return x * y
            raise Unreadable(f"a product of {x.shape} and {y.shape}")
        return x * y

    def plus(self, x: Any, y: Any) -> Any:
        if np.ndim(x) > 0 and np.ndim(y) > 0 and x.shape != y.shape and 1 not in (x.size, y.size):
            raise Unreadable(f"a sum of {x.shape} and {y.shape}")
        return x + y

    def norm(self, x: Any) -> Any:
        return np.sqrt(np.sum(np.square(x)))

    def call(self, function: Tree, arguments: list[Any]) -> Any:
        if self.options:
            raise Unreadable(f"{write(function)} with {self.options}")
        if isinstance(function, Function) and function.text in ("max", "min") and (
            len(arguments) == 1
        ):  # fmt: skip
            return getattr(np, function.text)(arguments[0])
        return super().call(function, arguments)

    def part(self, tree: Tree) -> Any:
        if isinstance(tree, Table) and tree.kind == "bmatrix":
            rows = [[self.of(cell) for cell in row] for row in tree.rows]
            return np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)
        return super().part(tree)

    def over(self, x: Any, y: Any) -> Any:
        if np.size(y) > 1 and np.size(x) > 1 and np.shape(x) != np.shape(y):
            raise Unreadable("a quotient")
        return x / y

    def other(self, name: str, arguments: list[Any]) -> Any:
        if name not in ("softmax", "det") or len(arguments) != 1:
            raise Unreadable(f"a function {name}")
        (x,) = arguments
        if name == "softmax":
            shares = np.exp(x - np.max(x, axis=-1, keepdims=True))
            return shares / np.sum(shares, axis=-1, keepdims=True)
        return np.linalg.det(x)


def matrix_value(tex: str, values: Mapping[str, Any]) -> np.ndarray:
    """The matrix that a formula in matrix notation is worth; a number has no axes."""
    with np.errstate(all="ignore"):
        return np.asarray(Matrices(values).of(parse(tex)))
