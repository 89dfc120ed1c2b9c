"""Three ways to a derivative, side by side: by differences, by algebra, by backpropagation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from ..eager.namespace import tensor
from ..eager.tensor import FIXED, Tensor
from ..graph.chain import pull
from ..graph.errors import ChainruleError, DTypeError, PathError, ScalarError, UsageError
from ..graph.node import Constant, Input, Node, constant_node
from ..graph.op import Spec
from ..graph.walk import Graph, order
from ..ops.contract import Einsum, Matmul
from ..ops.family import Elementwise, Move, broadcast_to
from ..ops.linear import Linear
from ..ops.reduce import Mean, Sum
from .symbolic import MOST, differentiate
from .work import scalar_ops

STEPS = tuple(10.0**-k for k in range(1, 14))
COMPLEX_STEP = 1e-100  # nothing is subtracted, so nothing cancels however small it is
HOLOMORPHIC = (Move, Sum, Mean, Matmul, Einsum, Linear)
SIZES = (1, 2, 3, 4, 5)
MOST_INPUTS = 64  # beyond, algebra is not tried


@dataclass(frozen=True, eq=False)
class Method:
    """One way to the gradient: what it found, how far off, and what it cost."""

    name: str
    gradient: np.ndarray | None
    error: float | None  # the largest distance from backpropagation's, relative to its size
    ops: int | None  # scalar operations
    passes: int | None  # evaluations of the function
    seconds: float | None
    note: str = ""
    shared: int | None = None  # operations with repeated sub-expressions computed once


@dataclass(frozen=True)
class AtStep:
    """The error of the numerical ways with one step h; None where a way does not apply."""

    h: float
    central: float
    richardson: float
    complex_step: float | None


@dataclass(frozen=True)
class Size:
    """What each way costs at one size, in scalar operations, and in seconds."""

    size: int
    inputs: int
    forward: int
    backprop: int
    numerical: int
    symbolic: int | None  # every repeated sub-expression counted again
    shared: int | None  # repeated sub-expressions computed once
    seconds: tuple[float, float, float | None]  # backprop, numerical, symbolic


@dataclass(frozen=True, eq=False)
class Comparison:
    """The methods at the given point, their error against h, their cost as the size grows."""

    methods: tuple[Method, ...]
    errors: tuple[AtStep, ...]
    growth: tuple[Size, ...]
    grown_by: str

    def __getitem__(self, name: str) -> Method:
        for m in self.methods:
            if m.name == name:
                return m
        known = ", ".join(m.name for m in self.methods)
        raise UsageError(f"compare: no method is called {name!r}; there are {known}")

    def __str__(self) -> str:
        cells = [("method", "error", "operations", "passes", "seconds")]
        cells += [
            (m.name, _error(m.error), _count(m.ops), _count(m.passes), _seconds(m.seconds))
            for m in self.methods
        ]
        notes = [f"{m.name}: {m.note}" for m in self.methods if m.note]
        table = [("h", "central", "Richardson", "complex step")]
        table += [
            (f"{r.h:.0e}", _error(r.central), _error(r.richardson), _error(r.complex_step))
            for r in self.errors
        ]
        sizes = [("size", "inputs", "forward", "backprop", "numerical", "symbolic", "shared")]
        sizes += [
            tuple(map(_count, (
                s.size, s.inputs, s.forward, s.backprop, s.numerical, s.symbolic, s.shared)))
            for s in self.growth
        ]  # fmt: skip
        return "\n".join([
            "errors are relative to backpropagation's gradient", *_aligned(cells), *notes, "",
            "error against the step h", *_aligned(table), "",
            f"operations as the size grows: {self.grown_by}", *_aligned(sizes),
        ])  # fmt: skip


def _aligned(rows: Sequence[tuple]) -> list[str]:
    widths = [max(len(r[k]) for r in rows) for k in range(len(rows[0]))]
    return [
        "  " + "  ".join(
            c.ljust(w) if k == 0 else c.rjust(w)
            for k, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]  # fmt: skip


def _error(x: float | None) -> str:
    return "-" if x is None else "0" if x == 0 else f"{x:.1e}"


def _count(n: int | None) -> str:
    return "-" if n is None else f"{n:,}"


def _seconds(t: float | None) -> str:
    return "-" if t is None else f"{t:.1e}"


def compare(f: Callable[..., Any], *args: Any) -> Comparison:
    """The gradient of `f` at these arguments by differences, by algebra and by backpropagation.

    Central differences, Richardson's extrapolation of them and, where every op allows it, the
    complex step; SymPy with and without shared sub-expressions, where it is installed; and
    backpropagation. Counted are the scalar operations of the graph that `f` left behind. The
    size grows by applying `f` to its own result where the first argument is one number, else by
    adding up `f` of so many sets of arguments. `print` shows the tables.
    Shapes: `f` returns one number; arguments are numbers or float arrays.
    Raises: ScalarError, DTypeError, PathError.

    >>> import chainrule as cr
    >>> found = cr.compare(lambda x: cr.sin(x**2), 1.5)
    >>> found["central"].error < 1e-8, found["backprop"].passes
    (True, 1)
    """
    if not callable(f):
        raise UsageError(f"compare: {f!r}; the first argument must be a function")
    leaves = [tensor(x, name=getattr(x, "name", None)) for x in args]
    return compare_tape(f(*leaves), leaves)


def compare_tape(y: Any, leaves: list[Tensor]) -> Comparison:
    """The comparison for what was computed of these leaves."""
    question = _question(y, leaves)
    backprop, expected = _backprop(question)
    methods = [backprop, *_numerical(question, expected), _algebra(question, expected)]
    if not question.scalar:
        by = "the sum of so many terms, each with arguments of its own"
    else:
        by = "the function applied so often to its own result"
    growth: list[Size] = []
    for n in SIZES:
        growth.append(_at_size(question, n, growth[-1].symbolic if growth else 0))
    return Comparison(tuple(methods), _errors(question, expected), tuple(growth), by)


@dataclass(frozen=True, eq=False)
class Question:
    """A graph, the values of its inputs, and how many of them gradients are asked of."""

    graph: Graph
    values: tuple[Any, ...]
    count: int

    @property
    def scalar(self) -> bool:
        """Whether the function can be applied to its own result."""
        return self.graph.inputs[0].shape == self.graph.outputs[0].shape == ()

    @property
    def flat(self) -> np.ndarray:
        """The values that gradients are asked of, one after the other."""
        return np.concatenate([np.ravel(v) for v in self.values[: self.count]])

    def at(self, flat: np.ndarray) -> Any:
        """The output for these values."""
        shapes, values, start = self.graph.inputs[: self.count], [], 0
        for node in shapes:
            values.append(flat[start : start + node.size].reshape(node.shape))
            start += node.size
        with np.errstate(all="ignore"):
            (y,) = self.graph.run([*values, *self.values[self.count :]])
        return np.reshape(y, ())[()]


def _question(y: Any, leaves: list[Tensor]) -> Question:
    if type(y) is not Tensor:
        raise PathError("compare: the result does not depend on the arguments")
    if y.dtype.kind != "f":
        raise DTypeError(f"compare: the result is {y.dtype}; only floats have gradients")
    if y.size != 1:
        raise ScalarError(
            f"compare: the result has the shape {y.shape}; take cr.sum or cr.mean of it"
        )
    inputs = {t: Node(Input(Spec(t.shape, t.dtype), t.name or "")) for t in leaves}
    outside: dict[Tensor, Node] = {}
    made: dict[Any, Node] = dict(inputs)
    for t in order((y,)):
        if t in made:
            continue
        if t.inputs:
            made[t] = Node(t.op, tuple(made[i] for i in t.inputs))
        elif t.op is FIXED and not t.shape:
            made[t] = Node(Constant(str(np.asarray(t._value)[()]), t.dtype.name))
        else:
            made[t] = outside[t] = Node(Input(Spec(t.shape, t.dtype), t.name or ""))
    graph = Graph((*inputs.values(), *outside.values()), (made[y],))
    values = [np.asarray(t._value) for t in (*inputs, *outside)]
    return Question(graph, tuple(values), len(leaves))


def _gradient_graph(q: Question) -> Graph:
    (y,), wrt = q.graph.outputs, q.graph.inputs[: q.count]
    one = broadcast_to(constant_node(1.0, y.dtype), y.shape)
    found = pull(q.graph.order, {y: one}, wrt)
    nothing = {w: broadcast_to(constant_node(0.0, w.dtype), w.shape) for w in wrt}
    return Graph(q.graph.inputs, (y, *((nothing | found)[w] for w in wrt)))


def _backprop(q: Question) -> tuple[Method, np.ndarray]:
    graph = _gradient_graph(q)
    start = perf_counter()
    with np.errstate(all="ignore"):
        _, *gradients = graph.run(q.values)
    seconds = perf_counter() - start
    found = np.concatenate([np.ravel(g) for g in gradients])
    return Method("backprop", found, 0.0, scalar_ops(graph.outputs), 1, seconds), found


def _distance(found: np.ndarray, expected: np.ndarray) -> float:
    size = float(np.max(np.abs(expected), initial=0.0)) or 1.0
    return float(np.max(np.abs(found - expected), initial=0.0)) / size


def _central(q: Question, h: float) -> np.ndarray:
    here = q.flat
    steps = h * np.eye(len(here))
    return np.array([(q.at(here + e) - q.at(here - e)) / (2 * h) for e in steps])


def _richardson(q: Question, h: float) -> np.ndarray:
    # The error of a central difference goes by h²: a third of the change takes it away.
    half, whole = _central(q, h / 2), _central(q, h)
    return half + (half - whole) / 3


def _complex(q: Question, h: float) -> np.ndarray:
    here = q.flat.astype(complex)
    return np.array([q.at(here + 1j * h * e).imag / h for e in np.eye(len(here))])


def _not_holomorphic(q: Question) -> str:
    """The first op whose formula does not hold for complex numbers, or nothing."""
    for n in q.graph.order:
        analytic = isinstance(n.op, Elementwise) and n.op.analytic
        if n.inputs and not (analytic or isinstance(n.op, HOLOMORPHIC)):
            return str(n.op)
    return ""


def _numerical(q: Question, expected: np.ndarray) -> list[Method]:
    n, forward = len(q.flat), scalar_ops(q.graph.outputs)
    ways = [("central", _central, 1e-5, 2 * n), ("richardson", _richardson, 1e-3, 4 * n)]
    no = _not_holomorphic(q)
    if not no:
        ways.append(("complex step", _complex, COMPLEX_STEP, n))
    methods = []
    for name, way, h, passes in ways:
        start = perf_counter()
        found = way(q, h)
        seconds = perf_counter() - start
        error = _distance(found, expected)
        methods.append(Method(name, found, error, passes * forward, passes, seconds, f"h = {h:g}"))
    if no:
        note = f"does not apply: {no} is not defined for complex numbers"
        methods.append(Method("complex step", None, None, None, None, None, note))
    return methods


def _algebra(q: Question, expected: np.ndarray) -> Method:
    start = perf_counter()
    try:
        if len(q.flat) > MOST_INPUTS:
            raise UsageError(f"{len(q.flat)} inputs are more than the {MOST_INPUTS} it is tried on")
        found = differentiate(q.graph, q.values, q.count)
    except ChainruleError as error:
        return Method("symbolic", None, None, None, None, None, str(error).split("\n")[0])
    gradient = np.array(found.gradient)
    note = f"{found.shared:,} operations with shared sub-expressions"
    error = _distance(gradient, expected)
    seconds = perf_counter() - start
    size = found.written_out
    return Method("symbolic", gradient, error, size, None, seconds, note, found.shared)


def _errors(q: Question, expected: np.ndarray) -> tuple[AtStep, ...]:
    complex_too = not _not_holomorphic(q)
    return tuple(
        AtStep(
            h, _distance(_central(q, h), expected), _distance(_richardson(q, h), expected),
            _distance(_complex(q, h), expected) if complex_too else None,
        )
        for h in STEPS
    )  # fmt: skip


def _grown(q: Question, n: int) -> Question:
    """`f` applied n times to its own result, or the sum of n terms."""
    mine, outside = q.graph.inputs[: q.count], q.graph.inputs[q.count :]
    if q.scalar:
        value: Any = mine[0]
        for _ in range(n):
            (value,) = q.graph.replay([value, *q.graph.inputs[1:]])
        return Question(Graph(q.graph.inputs, (value,)), q.values, q.count)
    fresh = [[Node(Input(i.spec, f"{i.name}{k + 1}")) for i in mine] for k in range(n)]
    terms = [q.graph.replay([*inputs, *outside])[0] for inputs in fresh]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    inputs = tuple(i for row in fresh for i in row)
    values = (*q.values[: q.count] * n, *q.values[q.count :])
    return Question(Graph((*inputs, *outside), (total,)), values, q.count * n)


def _at_size(q: Question, n: int, before: int | None) -> Size:
    """The work at size n; `before` is that of algebra at the size before."""
    grown = _grown(q, n)
    backprop, expected = _backprop(grown)
    start = perf_counter()
    _central(grown, 1e-5)
    numerical = perf_counter() - start
    # It may grow tenfold with the size: what would not be evaluated is not tried.
    tried = before is not None and before <= MOST // 10
    nothing = Method("symbolic", None, None, None, None, None, "too large")
    algebra = _algebra(grown, expected) if tried else nothing
    forward = scalar_ops(grown.graph.outputs)
    inputs = len(grown.flat)
    return Size(
        n, inputs, forward, backprop.ops or 0, 2 * inputs * forward, algebra.ops, algebra.shared,
        (backprop.seconds or 0.0, numerical, algebra.seconds),
    )  # fmt: skip
