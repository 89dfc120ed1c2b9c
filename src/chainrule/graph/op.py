"""What an operation is, and how it is applied to whatever it is handed."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .caller import caller, made_at
from .errors import AxisError, ChainruleError, DTypeError, MatrixError, ShapeError, UsageError
from .namespace import XP


class Spec(NamedTuple):
    """What is known of a value before there is one."""

    shape: tuple[int, ...]
    dtype: np.dtype


class Kind(NamedTuple):
    """How an op is applied to one kind of operand; the highest rank among the operands wins."""

    rank: int
    apply: Callable[[Op, tuple], Any]


# Filled by the kinds themselves (nodes, tensors, symbols): a plain array is no kind,
# so an op handed arrays alone gives an array.
KINDS: dict[type, Kind] = {}


class Signature:
    """What help and editors show of an op that is called: the operands `forward` names."""

    def __get__(self, op: Any, cls: type) -> Any:
        from inspect import signature

        if op is None:  # the class itself is called with the op's parameters: not our business
            raise AttributeError("__signature__")
        _, *operands = signature(op.forward).parameters.values()
        by_place = [p if p.kind is p.VAR_POSITIONAL else p.replace(kind=p.POSITIONAL_ONLY)
                    for p in operands]  # fmt: skip
        return signature(op.forward).replace(parameters=by_place)


class Op:
    """One operation: its value, its gradient, its notation. Ops are hashable values.

    A subclass says `forward(xp, *xs)` and either `local` (see `Elementwise`) or
    `grad(g, y, *xs)`: the downstream gradient of every input, written with other ops, so
    that it works on whatever it is handed. An entry may be None (no gradient flows) or a
    function without arguments, which is only called if that gradient is wanted.
    """

    latex: ClassVar[str] = ""  # TeX with #1, #2 for the operands
    binds: ClassVar[int] = 4  # of the result: 1 sum, 2 product, 3 power, 4 atom
    takes: ClassVar[tuple[int, ...]] = (0,)  # what each operand must bind at least, else brackets
    words: ClassVar[str] = ""  # what it does to a gradient
    source: ClassVar[str] = ""
    selects: ClassVar[bool] = False  # discards some elements of its operands, as `where` does
    conditions: ClassVar[int] = 0  # leading operands that choose, and have no gradient
    indexed: ClassVar[bool] = False  # whether the operands after the first are indices into it
    stops: ClassVar[bool] = False  # lets no gradient through
    bodies: ClassVar[bool] = False  # has a graph inside, which knows what its operands are
    zero: ClassVar[bool] = False  # the gradient is 0 almost everywhere (floor, sign)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = _snake(cls.__name__)

    name: ClassVar[str] = "op"
    __signature__ = Signature()

    def forward(self, xp: Any, *xs: Any) -> Any:
        """The value."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def spec(self, *xs: Spec) -> Any:
        """Shape and dtype of the value; raises in words where the operands do not fit."""
        raise NotImplementedError(f"{type(self).__name__}.spec")

    def grad(self, g: Any, y: Any, *xs: Any) -> tuple:
        """The downstream gradients, from the upstream gradient `g` and the value `y`."""
        raise NotImplementedError(f"{type(self).__name__}.grad")

    def pull(self, g: Any, y: Any, xs: list, wanted: list[bool]) -> list:
        """`grad` of the wanted operands."""
        downs = zip(self.grad(g, y, *xs), wanted, strict=True)
        return [(d() if callable(d) else d) if w else None for d, w in downs]

    def pull_masked(self, mask: Any, g: Any, y: Any, xs: list, wanted: list[bool]) -> list:
        """`pull` where only the elements of `y` under the mask count, and others may be NaN."""
        return self.pull(g, y, xs, wanted)

    def push(self, ts: list, y: Any, xs: list) -> Any:
        """The tangent of the value from the tangents of the operands (None: it is 0)."""
        raise NotImplementedError(f"{type(self).__name__}.push")

    def gives_weak(self, index: int) -> bool:
        """Whether one of its values is made of Python numbers alone, and takes any dtype."""
        return False

    def mask_down(self, mask: Any, y: Any, xs: list) -> list:
        """For each operand, which of its elements count, if `mask` says so for the value."""
        return [None] * len(xs)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    @classmethod
    @lru_cache(4096, typed=True)
    def of(cls, *args: Any) -> Any:
        """The op with these parameters; the same parameters give the same object."""
        return cls(*args)

    def __call__(self, *xs: Any) -> Any:
        """Apply to arrays, tensors, nodes or symbols: the result is of the same kind."""
        kind = None
        for x in xs:
            found = KINDS.get(type(x))
            if found is not None and (kind is None or found.rank > kind.rank):
                kind = found
        if kind is not None:
            return kind.apply(self, xs)
        try:
            return self.forward(XP, *xs)
        except Exception as error:
            if any(type(x) in (int, float, bool) for x in xs):
                return self(*(np.asarray(x) if type(x) in (int, float, bool) else x for x in xs))
            raise explain(self, xs, error) from None

    def __str__(self) -> str:
        return self.name


def explain(op: Op, xs: tuple, error: Exception, place: Any = None) -> Exception:
    """The error of an op that could not be computed, in our words and with the user's line, which
    is `place`, or that of the call that is under way."""
    if isinstance(error, Warning):  # a warning the user turned into an error stays what it is
        return error
    line = made_at(place or caller(3))
    if isinstance(error, ChainruleError):
        return error
    try:
        arrays = [np.asarray(x) if not hasattr(x, "dtype") else x for x in xs]
    except ValueError:
        return ShapeError(f"{op}: an operand is a list whose rows have different lengths{line}")
    specs = [Spec(tuple(a.shape), np.dtype(a.dtype)) for a in arrays]
    try:
        op.spec(*specs)
    except ChainruleError as found:
        return found
    except Exception:  # the rule itself could not read such operands: fall through to NumPy's words
        pass
    shapes = ", ".join(f"{s.shape} {s.dtype}" for s in specs)
    kind = UsageError
    if isinstance(error, np.linalg.LinAlgError):
        return MatrixError(
            f"{op}: of {shapes} has no answer: {error}; a small multiple of the identity added to "
            f"the matrix often helps{line}"
        )
    if isinstance(error, (TypeError, IndexError)):
        kind = DTypeError if isinstance(error, TypeError) else AxisError
    return kind(f"{op}: cannot be computed of {shapes}; NumPy says: {error}{line}")


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


class ByIdentity:
    """Mixed into ops of which no two are alike, whatever their parameters."""

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)
