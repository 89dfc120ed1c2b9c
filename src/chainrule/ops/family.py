"""What the ops of one family share: the rule of their shapes, and how a gradient passes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from operator import index
from typing import Any, ClassVar

import numpy as np

from ..graph.errors import AxisError, DTypeError, ShapeError, TracingError, UsageError
from ..graph.namespace import XP
from ..graph.op import Op, Spec

Interval = tuple[float, float]


class Elementwise(Op):
    """Every element of the value depends on the elements in the same place.

    An elementwise op states `forward(xp, *xs)` and `local(y, *xs)`: the derivative of the value
    with respect to each operand, as an expression, a number, None (no gradient), or a function
    of no arguments where it costs something. Operands broadcast.
    """

    domain: ClassVar[tuple[Interval, ...]] = ((-2.0, 2.0),)  # where checks may sample
    kinks: ClassVar[tuple[float, ...]] = ()  # where there is no derivative, only a convention
    analytic: ClassVar[bool] = False  # the forward formula holds for complex arguments

    def local(self, y: Any, *xs: Any) -> tuple:
        """The local gradients dy/dx, one for each operand."""
        raise NotImplementedError(f"{type(self).__name__}.local")

    def spec(self, *xs: Spec) -> Spec:
        shape = broadcast(self, *(x.shape for x in xs))
        return Spec(shape, _dtype_on_one_element(self, *(x.dtype for x in xs)))

    def pull(self, g: Any, y: Any, xs: list, wanted: list[bool], mask: Any = None) -> list:
        """The chain rule itself: downstream = upstream · local."""
        downs: list = []
        for w, local, x in zip(wanted, self.local(y, *xs), xs, strict=True):
            local = local() if w and callable(local) else local
            if not w or local is None or (type(local) is int and local == 0):
                downs.append(None)
                continue
            d = chain(g, local)
            if mask is not None and d is not g:
                d = select(mask, d)
            if d.shape != x.shape:
                d = sum_to(d, x.shape)
            downs.append(d if d.dtype is x.dtype else like(d, x))
        return downs

    def push(self, ts: list, y: Any, xs: list) -> Any:
        """The chain rule forward: the tangents times the local gradients, added up."""
        total = None
        for t, local in zip(ts, self.local(y, *xs), strict=True):
            local = local() if t is not None and callable(local) else local
            if t is None or local is None or (type(local) is int and local == 0):
                continue
            term = chain(t, local)
            total = term if total is None else total + term
        return None if total is None else like(broadcast_to(total, y.shape), y)

    def pull_masked(self, mask: Any, g: Any, y: Any, xs: list, wanted: list[bool]) -> list:
        return self.pull(g, y, xs, wanted, mask)

    def mask_down(self, mask: Any, y: Any, xs: list) -> list:
        return [mask_to(mask, x.shape) for x in xs]


def chain(g: Any, local: Any) -> Any:
    """Upstream times local, where a local gradient of 1 or -1 costs nothing or a sign."""
    if type(local) is int:
        return g if local == 1 else -g if local == -1 else g * local
    return g * local


@lru_cache(1024)
def _dtype_on_one_element(op: Op, *dtypes: np.dtype) -> np.dtype:
    # The rule of dtypes cannot disagree with the value if it is read off the value.
    with np.errstate(all="ignore"):
        try:
            return np.asarray(op.forward(XP, *(np.ones((), d) for d in dtypes))).dtype
        except TypeError:
            names = ", ".join(str(d) for d in dtypes)
            raise DTypeError(f"{op}: is not defined for {names}") from None


def broadcast(op: Any, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that all these shapes broadcast to."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " and ".join(str(s) for s in shapes)
        raise ShapeError(
            f"{op}: shapes {listed} do not broadcast;\n"
            "  counted from the right, sizes must be equal or 1"
        ) from None


@dataclass(frozen=True, eq=False)
class Reduce(Op):
    """Some axes disappear: `axis` (None: all of them) and `keepdims` are its parameters.

    A reduction states `forward` and `local(y, x)`, where `y` has kept its axes: the derivative
    of the value with respect to every element, or a number where it is the same for all.
    """

    axis: Any = None
    keepdims: bool = False

    def local(self, y: Any, x: Any) -> Any:
        """The local gradient, of the shape of `x` or broadcasting to it."""
        raise NotImplementedError(f"{type(self).__name__}.local")

    def spec(self, x: Spec) -> Spec:
        return Spec(reduced(self, x.shape, self.axis, self.keepdims), self.dtype(x.dtype))

    def dtype(self, dtype: np.dtype) -> np.dtype:
        """The dtype of the value."""
        return _dtype_on_one_element(type(self).of(None, False), dtype)

    def grad(self, g: Any, y: Any, x: Any) -> tuple:
        local = self.local(self._kept(y, x.shape), x)
        return (broadcast_to(chain(self._kept(g, x.shape), local), x.shape),)

    def push(self, ts: list, y: Any, xs: list) -> Any:
        from .reduce import Sum

        (t,), (x,) = ts, xs
        return Sum.of(self.axis, self.keepdims)(chain(t, self.local(self._kept(y, x.shape), x)))

    def pull_masked(self, mask: Any, g: Any, y: Any, xs: list, wanted: list[bool]) -> list:
        (counts,) = self.mask_down(mask, y, xs)
        return [None if d is None else select(counts, d) for d in self.pull(g, y, xs, wanted)]

    def mask_down(self, mask: Any, y: Any, xs: list) -> list:
        (x,) = xs
        return [broadcast_to(self._kept(mask, x.shape), x.shape)]

    def _kept(self, y: Any, shape: tuple[int, ...]) -> Any:
        if self.keepdims or not y.shape:
            return y  # one number broadcasts as it is
        return reshape(y, reduced(self, shape, self.axis, True))


def reduced(op: Any, shape: tuple[int, ...], axis: Any, keepdims: bool) -> tuple[int, ...]:
    """The shape once these axes are gone, or kept with size 1."""
    axes = axes_of(op, axis, len(shape))
    if keepdims:
        return tuple(1 if k in axes else n for k, n in enumerate(shape))
    return tuple(n for k, n in enumerate(shape) if k not in axes)


def axes_of(op: Any, axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes counted from 0; None means all of them."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    for a in axes:
        if not -ndim <= a < max(ndim, 0):
            raise AxisError(f"{op}: axis {a} is outside an array of {ndim} axes")
    found = tuple(a % ndim for a in axes)
    if len(set(found)) < len(found):
        raise AxisError(f"{op}: axis {axis} names an axis twice")
    return found


class Move(Op):
    """Elements change their place, are repeated or dropped; nothing is computed of them."""

    def push(self, ts: list, y: Any, xs: list) -> Any:
        return self(*(zeros_like(x) if t is None else t for t, x in zip(ts, xs, strict=True)))

    def mask_down(self, mask: Any, y: Any, xs: list) -> list:
        weight = Cast.of(y.dtype if y.dtype.kind == "f" else np.dtype(float))(mask)
        downs = self.pull(weight, y, xs, [True] * len(xs))
        return [None if d is None else d != 0 for d in downs]


@dataclass(frozen=True, eq=False)
class Reshape(Move):
    """The same elements in the same order, in other axes; its adjoint is a reshape back."""

    latex = r"\operatorname{reshape}\left(#1\right)"
    words = "puts the gradient back into the operand's shape"
    source = "Array API 2024.12, reshape"

    to: tuple[int, ...]

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.reshape(x, self.to)

    def spec(self, x: Spec) -> Spec:
        known = prod(n for n in self.to if n != -1)
        to = tuple(prod(x.shape) // max(known, 1) if n == -1 else n for n in self.to)
        if prod(to) != prod(x.shape) or self.to.count(-1) > 1:
            raise ShapeError(
                f"reshape: {x.shape} has {prod(x.shape)} elements, {self.to} does not hold them"
            )
        return Spec(to, x.dtype)

    def grad(self, g: Any, y: Any, x: Any) -> tuple:
        return (Reshape.of(x.shape)(g),)


@dataclass(frozen=True, eq=False)
class BroadcastTo(Move):
    """Repeat `x` up to a shape; the adjoint of SumTo."""

    latex = r"#1"
    words = "adds up the gradients of all the copies"
    source = "Array API 2024.12, broadcast_to"

    to: tuple[int, ...]

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.broadcast_to(x, self.to)

    def spec(self, x: Spec) -> Spec:
        if not _broadcasts(x.shape, self.to):
            raise ShapeError(f"broadcast_to: {x.shape} does not broadcast to {self.to}")
        return Spec(self.to, x.dtype)

    def grad(self, g: Any, y: Any, x: Any) -> tuple:
        return (sum_to(g, x.shape),)


@dataclass(frozen=True, eq=False)
class SumTo(Move):
    """Add up what broadcasting had repeated; the adjoint of BroadcastTo, and the only place."""

    latex, binds, takes = r"\sum #1", 1, (2,)
    words = "hands the gradient to every copy"
    source = "the transpose of a 0/1 matrix that repeats"

    to: tuple[int, ...]

    def forward(self, xp: Any, x: Any) -> Any:
        total = xp.sum(x, axis=_repeated(x.shape, self.to), dtype=x.dtype)
        return xp.reshape(total, self.to)

    def spec(self, x: Spec) -> Spec:
        _repeated(x.shape, self.to)
        return Spec(self.to, x.dtype)

    def grad(self, g: Any, y: Any, x: Any) -> tuple:
        return (broadcast_to(g, x.shape),)


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


@lru_cache(4096)
def _repeated(shape: tuple[int, ...], to: tuple[int, ...]) -> tuple[int, ...]:
    if not _broadcasts(to, shape):
        raise ShapeError(f"sum_to: {to} does not broadcast to {shape}")
    extra = len(shape) - len(to)
    return (*range(extra), *(k + extra for k, n in enumerate(to) if n == 1 != shape[k + extra]))


def sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    """`x` with everything added up that broadcasting from `shape` had repeated."""
    if x.shape == shape:
        return x
    if type(x) is np.ndarray:  # as SumTo does it, without the way there: biases need it often
        return np.add.reduce(x, _repeated(x.shape, shape), x.dtype).reshape(shape)
    return SumTo.of(shape)(x)


def broadcast_to(x: Any, shape: Any) -> Any:
    """`x` repeated along new axes, and along axes of size 1, up to `shape`."""
    if x.shape == shape:
        return x
    if isinstance(x, (np.ndarray, np.generic)) and type(shape) is tuple and not x.ndim:
        return XP.broadcast_to(x, shape)  # a loss sends one number back to its batch
    return BroadcastTo.of(shape_of(shape))(x)


def reshape(x: Any, shape: Any, *, copy: Any = None) -> Any:
    """The same elements, in the same order, in another shape; one size may be -1."""
    return Reshape.of(shape_of(shape))(x)


def shape_of(shape: Any) -> tuple[int, ...]:
    """A shape as a tuple; one number is a shape of one axis."""
    if isinstance(shape, (int, np.integer)):
        return (int(shape),)
    try:
        return tuple(index(n) for n in shape)
    except TracingError:
        raise
    except TypeError:
        raise UsageError(f"a shape was {shape!r}; give whole numbers") from None


@dataclass(frozen=True, eq=False)
class Cast(Move):
    """The same numbers in another dtype."""

    latex = r"#1"
    words = "passes the gradient on, in the operand's dtype"
    source = "Array API 2024.12, astype"

    to: np.dtype

    def forward(self, xp: Any, x: Any) -> Any:
        return xp.astype(x, self.to)

    def spec(self, x: Spec) -> Spec:
        return Spec(x.shape, self.to)

    def grad(self, g: Any, y: Any, x: Any) -> tuple:
        return (like(g, x),)


def dtype_of_numbers(asked: str, dtype: Any) -> np.dtype:
    """A dtype of real numbers; anything else is refused in words."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if found.kind not in "biuf":
        raise DTypeError(f"{asked}: dtype {dtype!r}; give one of real numbers, such as float32")
    return found


def like(d: Any, x: Any) -> Any:
    """A gradient in the dtype of what it is the gradient of."""
    return d if d.dtype is x.dtype or d.dtype == x.dtype else Cast.of(x.dtype)(d)


def zeros_like(x: Any) -> Any:
    """Zeros in the shape and dtype of `x`, as a constant: one number, broadcast."""
    return np.broadcast_to(x.dtype.type(0), x.shape)


def where(condition: Any, x: Any, y: Any) -> Any:
    """`x` where the condition holds, `y` elsewhere, element by element.

    Only the branch that is taken receives a gradient, and a NaN in the other one never
    reaches it.

    >>> import chainrule as cr
    >>> cr.grad(lambda x: cr.sum(cr.where(x > 0, cr.sqrt(x), 0.0)))(np.array([4.0, -4.0]))
    array([0.25, 0.  ])
    """
    from .elementwise.arithmetic import Where

    dtype = getattr(condition, "dtype", None)
    if dtype is None:
        condition = np.asarray(condition, bool)
    elif dtype.kind != "b":
        condition = condition != 0
    return Where.of()(condition, x, y)


def select(mask: Any, d: Any) -> Any:
    """`d` where it counts, and 0 even where a discarded element made it NaN."""
    return where(mask, d, 0.0)


def mask_to(mask: Any, shape: tuple[int, ...]) -> Any:
    """Of an operand that was broadcast from `shape`: it counts if any of its copies does."""
    return mask if mask.shape == shape else sum_to(Cast.of(np.dtype(float))(mask), shape) > 0
