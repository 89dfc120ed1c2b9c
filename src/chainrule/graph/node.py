"""A node: one op applied to other nodes. It says what is computed and holds no numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from .caller import Place, caller
from .coerce import weak_dtype
from .errors import DTypeError, ShapeError, TracingError
from .op import KINDS, ByIdentity, Kind, Op, Spec
from .operators import FUNCTIONS, Operators, elsewhere

_INTERNED: WeakValueDictionary = WeakValueDictionary()


class Leaf(Op):
    """An op without operands."""

    def local(self, y: Any) -> tuple:
        """Nothing lies further down."""
        return ()


@dataclass(frozen=True, eq=False)
class Input(ByIdentity, Leaf):
    """A value that is handed in. Two inputs are never the same, whatever they are called."""

    given: Spec
    label: str = ""
    weak: bool = False  # stands for a Python number, which takes the dtype of what it meets

    def spec(self) -> Spec:
        return self.given

    def __str__(self) -> str:
        return self.label or "input"


@dataclass(frozen=True, eq=False)
class Constant(Leaf):
    """One number, part of what is computed."""

    text: str  # the number as text, since 0.0 == -0.0 and nan != nan
    dtype: str

    @property
    def value(self) -> np.generic:
        """The number, in its dtype."""
        kind = np.dtype(self.dtype)
        return kind.type(self.text == "True") if kind.kind == "b" else kind.type(self.text)

    def forward(self, xp: Any) -> Any:
        return self.value

    def spec(self) -> Spec:
        return Spec((), np.dtype(self.dtype))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False)
class Captured(ByIdentity, Leaf):
    """An array or tensor from outside a traced function, until `capture` makes it an input."""

    reference: Any

    def spec(self) -> Spec:
        return Spec(tuple(self.reference.shape), np.dtype(self.reference.dtype))


@dataclass(frozen=True, eq=False)
class Pick(Op):
    """One of the values of an op that has several."""

    index: int

    def forward(self, xp: Any, xs: tuple) -> Any:
        return xs[self.index]

    def spec(self, xs: tuple) -> Spec:
        return xs[self.index]


class _NoAttribute(TracingError, AttributeError):
    """What only a tensor has was asked of a node; `hasattr` says that it is not there."""


# What a traceback calls it is what the table of errors calls it.
_NoAttribute.__name__ = _NoAttribute.__qualname__ = TracingError.__name__
_NoAttribute.__module__ = TracingError.__module__


class Node(Operators):
    """`op` applied to `inputs`. Frozen, and interned: equal computations are the same object."""

    __slots__ = ("__weakref__", "inputs", "line", "op", "spec", "weak")

    op: Any  # an Op; readers ask it for what its family has
    inputs: tuple[Node, ...]
    spec: Any  # a Spec, or a tuple of them where the op has several values
    line: Place | None
    weak: bool  # one number, made of Python numbers alone

    def __new__(cls, op: Op, inputs: tuple[Node, ...] = (), line: Place | None = None) -> Node:
        key = (op, tuple(map(id, inputs)))  # by id: == of two nodes is a node
        found = _INTERNED.get(key)
        if found is not None:
            return found
        node = object.__new__(cls)
        line = caller(2) if line is None else line
        spec = op.spec(*(i.spec for i in inputs))
        weak = _is_weak(op, inputs, spec)
        for name, value in zip(cls.__slots__[1:], (inputs, line, op, spec, weak), strict=True):
            object.__setattr__(node, name, value)
        _INTERNED[key] = node
        return node

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a node is frozen; {name} cannot be set")

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the value to come."""
        return self.spec.shape

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the value to come."""
        return self.spec.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def flows(self) -> bool:
        """Whether a gradient can pass here: through floats, and ops that do not stop it."""
        return type(self.spec) is tuple or (self.spec.dtype.kind == "f" and not self.op.stops)

    @property
    def name(self) -> str:
        """What the user called it, for an input."""
        return self.op.label if isinstance(self.op, Input) else ""

    def __repr__(self) -> str:
        return f"Node({self.op}, shape={getattr(self.spec, 'shape', '(...)')})"

    def __len__(self) -> int:
        if not self.shape:
            raise ShapeError("len of a value with no axes")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def _no_number(self, asked: str, instead: str) -> TracingError:
        return TracingError(
            f"{asked} of {self.op} {self.shape} asks for a number while the function is traced,"
            f" when there is none yet; use {instead}"
        )

    def __getattr__(self, name: str) -> Any:
        if name in ("item", "value", "tolist", "numpy", "grad", "backward"):
            raise _NoAttribute(str(self._no_number(f".{name}", "cr.* functions of the value")))
        raise AttributeError(f"a value of a traced function has no {name}{elsewhere(name, {})}")

    def __format__(self, how: str) -> str:
        if how:
            raise self._no_number("format", "the value itself")
        return repr(self)

    def __bool__(self) -> bool:
        raise self._no_number(
            "if",
            "cr.where(condition, a, b) or cr.cond(condition, f, g, *args); cr.logical_and and its "
            "kin for and, or, not; cr.maximum for max; cr.scan for a loop",
        )

    def __float__(self) -> float:
        raise self._no_number("float", "the value itself, and cr.* functions of it")

    def __int__(self) -> int:
        raise self._no_number("int", "its .shape, or hand over an int of Python's, not an array")

    __index__ = __int__

    def __round__(self, digits: int | None = None) -> Any:
        raise self._no_number("round", "cr.round")

    def __copy__(self) -> Node:
        return self

    def __deepcopy__(self, memo: dict) -> Node:
        return self

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise self._no_number(
            "np.asarray",
            "cr.* functions in place of NumPy's, and cr.where(mask, x, 0) in place of x[mask] or "
            "nonzero: how much they find is not known yet"
            + ("; and hand over an array, not a list" if self.op.name == "input" else ""),
        )


def input_node(shape: tuple[int, ...], dtype: Any = np.float64, name: str = "") -> Node:
    """A fresh input of a graph."""
    return Node(Input(Spec(tuple(shape), np.dtype(dtype)), name))


def constant_node(value: Any, dtype: np.dtype) -> Node:
    """One number as a node."""
    number = np.dtype(dtype).type(value)
    return Node(Constant(str(number), np.dtype(dtype).name))


def as_node(x: Any, among: tuple = ()) -> Node:
    """`x` as a node; a Python number takes the dtype it has beside the operands `among`."""
    if type(x) is Node:
        return x
    if isinstance(x, (bool, int, float)):
        return constant_node(x, weak_dtype(x, among))
    if isinstance(x, np.generic):
        return constant_node(x, x.dtype)
    if type(x) is np.ndarray and not any(x.strides):  # one number, broadcast
        number = constant_node(x[(0,) * x.ndim] if x.size else 0, x.dtype)
        return number if x.ndim == 0 else FUNCTIONS["broadcast_to"](number, x.shape)
    found = x if hasattr(x, "shape") else np.asarray(x)
    if found.dtype.kind not in "biuf":
        raise DTypeError(f"an operand of {found.dtype}; give numbers")
    return Node(Captured(found))


def _is_weak(op: Op, inputs: tuple[Node, ...], spec: Any) -> bool:
    if not inputs:
        return getattr(op, "weak", False)
    if type(op) is Pick and inputs[0].op.bodies:
        return inputs[0].op.gives_weak(op.index)
    return any([i.weak for i in inputs]) and spec[0] == () and all(
        [i.weak or isinstance(i.op, Constant) for i in inputs]
    )  # fmt: skip


def _apply(op: Op, xs: tuple) -> Any:
    among = xs[op.conditions :]
    nodes = tuple(as_node(x, among) for x in xs)
    if any([n.weak for n in nodes]) and not op.bodies:
        k, end = op.conditions, 1 if op.indexed else len(xs)  # what only chooses keeps its dtype
        nodes = (*nodes[:k], *_settled(nodes[k:end], xs[k:end]), *nodes[end:])
    return unpack(Node(op, nodes))


def _settled(nodes: tuple[Node, ...], xs: tuple) -> tuple[Node, ...]:
    """Numbers that stand for Python's, in the dtype they take beside operands that have one."""
    strong = [n for n, x in zip(nodes, xs, strict=True)
              if not n.weak and not isinstance(x, (bool, int, float))]  # fmt: skip
    if not strong:
        return nodes
    kinds = {"b": True, "i": 1, "f": 1.0}
    return tuple(
        FUNCTIONS["astype"](n, weak_dtype(kinds[n.dtype.kind], tuple(strong))) if n.weak else n
        for n in nodes
    )


def unpack(made: Node) -> Any:
    """What an op gives: one value, or a tuple of them picked from the one node."""
    if isinstance(made.spec, Spec):
        return made
    return tuple(Node(Pick(i), (made,)) for i in range(len(made.spec)))


KINDS[Node] = Kind(rank=3, apply=_apply)
