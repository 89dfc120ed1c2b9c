"""Draw programs: every choice comes from one seed, and every step is tried as it is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .graphs import Given, Program, Step, call

SIZES = (1, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65)
DTYPES = ("float32", "float32", "float64", "float64", "float64", "int64", "bool")
LARGER = (*SIZES, 100, 128, 130, 200, 257)  # in one program of a few
LARGEST, MOST = 1e4, 3000  # of a number, of an array's elements
REFUSALS = (ValueError, TypeError, IndexError, ArithmeticError, np.exceptions.AxisError)


class Draw:
    """A program in the making: its nodes, their values, and the dice."""

    def __init__(self, seed: Any, most: int = MOST, wild: bool | None = None):
        self.rng = np.random.default_rng(seed)
        self.nodes: dict[int, Given | Step] = {}
        self.values: dict[int, Any] = {}
        self.most = most
        self.wild = self.chance(0.08) if wild is None else wild  # lets NaN and infinities pass
        self.empty = self.chance(0.06)

    # Dice -------------------------------------------------------------------------------------

    def chance(self, p: float) -> bool:
        """True, so often."""
        return bool(self.rng.random() < p)

    def one(self, of: Sequence) -> Any:
        """One of several."""
        return of[int(self.rng.integers(len(of)))]

    def number(self, low: int, high: int) -> int:
        """A whole number, `high` included."""
        return int(self.rng.integers(low, high + 1))

    def shape(self, ndim: int | None = None) -> tuple[int, ...]:
        """A shape with many ones, rarely a zero, and not too many elements."""
        ndim = self.one((0, 1, 1, 2, 2, 2, 3, 3, 4)) if ndim is None else ndim
        found: list[int] = []
        for _ in range(ndim):
            n = (
                0
                if self.empty and self.chance(0.25)
                else self.one(SIZES if self.most <= MOST else LARGER)
            )
            found.append(n if np.prod(found, initial=1) * n <= self.most / 3 else self.number(1, 2))
        return tuple(found)

    def array(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        """Values with what is special among them: zeros, halves, twins."""
        dtype = dtype or self.one(DTYPES)
        if dtype == "bool":
            return np.asarray(self.rng.random(shape) < 0.5)
        if dtype == "int64":
            return np.asarray(self.rng.integers(-5, 8, shape), "int64")
        x = self.rng.uniform(-2, 2, shape)
        if self.chance(0.25):
            x = np.round(2 * x) / 2
        if self.wild and x.size and self.chance(0.5):
            flat = x.reshape(-1)
            flat[self.number(0, x.size - 1)] = self.one((np.nan, np.inf, -np.inf, 1e-310, 0.0))
        return np.asarray(x, dtype)

    # Nodes ------------------------------------------------------------------------------------

    def give(self, value: Any) -> int:
        """A new input."""
        k = len(self.nodes)
        self.nodes[k], self.values[k] = Given(value), value
        return k

    def step(
        self, name: str, *operands: int, args: tuple = (), body=None, **settings
    ) -> int | None:
        """A new step, if its value is one to go on with."""
        made = Step(name, operands, args, settings, body)
        try:
            with np.errstate(all="ignore"):
                value = call(made, [self.values[o] for o in operands])
        except REFUSALS:
            return None
        parts = value if isinstance(value, (tuple, list)) else (value,)
        if not parts or not all(self.tame(np.asarray(y)) for y in parts):
            return None
        k = len(self.nodes)
        self.nodes[k], self.values[k] = made, value
        return k

    def tame(self, y: np.ndarray) -> bool:
        """Whether a value is small enough, and of numbers that are worth going on with."""
        if y.size > self.most or y.ndim > 6 or y.dtype.kind not in "fib":
            return False
        if y.dtype.kind == "f" and not self.wild:
            return bool(np.all(np.abs(y) < LARGEST))
        return bool(y.dtype.kind != "i" or np.all(np.abs(y) < 1e6))

    def pick(self, kinds: str = "fib", where: Callable[[Any], bool] | None = None) -> int | None:
        """One of the nodes so far, later ones rather than early ones."""
        fit = [
            k for k, v in self.values.items()
            if hasattr(v, "dtype") and v.dtype.kind in kinds and (where is None or where(v))
        ]  # fmt: skip
        if not fit:
            return None
        return fit[-1 - min(int(self.rng.exponential(4)), len(fit) - 1)]

    def some(self, kinds: str = "fib", where: Callable[[Any], bool] | None = None) -> int:
        """One of the nodes so far, or a new input."""
        found = self.pick(kinds, where)
        if found is None or (len(self.nodes) < 4 and self.chance(0.4)):
            dtypes = [d for d in DTYPES if np.dtype(d).kind in kinds]
            for _ in range(20):
                value = self.array(self.shape(), self.one(dtypes))
                if where is None or where(value):
                    return self.give(value)
        return self.some(kinds) if found is None else found

    def within(self, x: int, low: float, high: float) -> int | None:
        """The float x moved into a range."""
        v = np.asarray(self.values[x])
        if v.dtype.kind != "f" or (np.all((v > low) & (v < high)) or self.wild):
            return x
        for name, args in (("sigmoid", ()), ("multiply", (high - low,)), ("add", (low,))):
            x = self.step(name, x, args=args) if x is not None else None
        return x

    def partner(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts with another, to no more than that."""
        found = shape[self.number(0, len(shape)) if self.chance(0.4) else 0 :]
        return tuple(1 if self.chance(0.3) else n for n in found)

    def beside(self, x: int, kinds: str = "fib") -> int:
        """A node that broadcasts with x, or a new input that does."""
        shape = np.shape(self.values[x])

        def fits(v: Any) -> bool:
            try:
                return int(np.prod(np.broadcast_shapes(np.shape(v), shape))) <= self.most
            except ValueError:
                return False

        found = self.pick(kinds, fits)
        if found is None or self.chance(0.25):
            dtypes = [d for d in DTYPES if np.dtype(d).kind in kinds]
            same = str(np.asarray(self.values[x]).dtype)
            dtype = same if same in dtypes and self.chance(0.7) else self.one(dtypes)
            return self.give(self.array(self.partner(shape), dtype))
        return found

    # The whole --------------------------------------------------------------------------------

    def grow(self, makers: dict[Callable, float], count: int) -> None:
        """So many more steps, as far as they can be made."""
        names, weights = list(makers), np.array(list(makers.values()))
        edges = np.cumsum(weights / weights.sum())
        for _ in range(count):
            k = min(int(np.searchsorted(edges, self.rng.random())), len(names) - 1)
            names[k](self)

    def program(self, order: int) -> Program:
        """What was drawn, with some of its values as outputs: last ones, any ones, one twice."""
        used = {o for n in self.nodes.values() if isinstance(n, Step) for o in n.operands}
        arrays = [k for k, v in self.values.items() if hasattr(v, "dtype")]
        ends = [k for k in arrays if k not in used and isinstance(self.nodes[k], Step)]
        found = ends[-self.number(1, 4) :] or arrays[-1:]
        while self.chance(0.35):
            found.append(self.one(arrays))
        if self.chance(0.1):
            found.append(self.one(found))
        return Program(self.nodes, tuple(found), order).pruned()
