"""One element of a value or of a gradient, as the sum of products that it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import AxisError, UsageError
from .numbers import number


@dataclass(frozen=True)
class Element:
    """An element's own sum: what its terms are, and what they come to."""

    name: str
    index: tuple[int, ...]
    terms: tuple[tuple[float, ...], ...]  # each a product of these factors
    value: float

    def __str__(self) -> str:
        place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        written = " + ".join(" · ".join(_factor(f) for f in term) for term in self.terms)
        return f"{self.name}{place} = {written} = {number(self.value, 7)}"


def _factor(x: float) -> str:
    text = number(x, 7)
    return f"({text})" if text.startswith("-") else text


def element_of(trace: Any, step: Any, index: tuple[int, ...], gradient: bool) -> Element:
    """The sum of products of one element of a step's value, or of its upstream gradient."""
    whole = step.upstream if gradient else step.value
    if whole is None:
        raise UsageError(f"trace: no gradient reaches {step.name}")
    whole = np.asarray(whole)
    try:
        value = whole[index]
    except IndexError:
        value = None
    if value is None or np.ndim(value):
        raise AxisError(f"trace: {step.name} has the shape {whole.shape}; {index} is no element")
    index = tuple(i % n for i, n in zip(index, whole.shape, strict=True))
    terms = (_of_gradient if gradient else _of_value)(trace, step, index)
    return Element(f"{step.name}_g" if gradient else step.name, index, terms, float(value))


def _of_value(trace: Any, step: Any, index: tuple) -> tuple:
    found = [n for n in trace.nodes if trace.name_of(n) == step.name]
    node = found[0] if found else None
    if node is None or not node.inputs:
        raise UsageError(f"trace: {step.name} was given, not computed")
    xs = [np.asarray(trace.value_of(i)) for i in node.inputs]
    rule = VALUES.get(node.op.name)
    if rule is None:
        raise UsageError(f"trace: {step.operation} is no sum of products; {', '.join(VALUES)} are")
    return rule(index, node.op, *xs)


def _matmul(index: tuple, op: Any, a: np.ndarray, b: np.ndarray) -> tuple:
    if a.ndim > 2 or b.ndim > 2:
        raise UsageError("trace: one element of a batch of products is not written out; slice it")
    row = a[index[0]] if a.ndim == 2 else a
    column = b[:, index[-1]] if b.ndim == 2 else b
    return tuple((float(x), float(y)) for x, y in zip(row, column, strict=True))


def _linear(index: tuple, op: Any, x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple:
    bias = float(b[index[-1]] if b.ndim else b)
    pairs = zip(x[index[:-1]], w[index[-1]], strict=True)
    return (*((float(p), float(q)) for p, q in pairs), (bias,))


def _sum(index: tuple, op: Any, x: np.ndarray) -> tuple:
    if op.axis is not None:
        raise UsageError("trace: a sum along some axes is not written out; slice it")
    return tuple((float(v),) for v in x.reshape(-1))


def _product(index: tuple, op: Any, x: np.ndarray, y: np.ndarray) -> tuple:
    x, y = np.broadcast_arrays(x, y)
    return ((float(x[index]), float(y[index])),)


VALUES = {"matmul": _matmul, "linear": _linear, "sum": _sum, "multiply": _product}


def _of_gradient(trace: Any, step: Any, index: tuple) -> tuple:
    """Of every node that reads it, the products of upstream and local that meet here."""
    terms: list[tuple] = []
    for n in trace.nodes:
        for k, i in enumerate(n.inputs):
            if trace.name_of(i) != step.name:
                continue
            reader = trace[trace.name_of(n)]
            if reader.upstream is None:
                continue
            g, xs = np.asarray(reader.upstream), [np.asarray(trace.value_of(x)) for x in n.inputs]
            terms += _sent(reader, n, k, index, g, xs, step)
    return tuple(terms)


def _sent(reader: Any, n: Any, k: int, index: tuple, g: Any, xs: list, step: Any) -> list:
    if n.op.name in ("matmul", "linear") and all(x.ndim == 2 for x in xs[:2]) and k < 2:
        other = xs[1 - k] if n.op.name == "matmul" or k == 1 else xs[1].T
        if n.op.name == "linear" and k == 1:  # W has a row for every unit
            return _pairs(g[:, index[0]], xs[0][:, index[1]])
        if k == 0:
            return _pairs(g[index[0]], other[index[1]])
        return _pairs(other[:, index[0]], g[:, index[1]])
    way = next(o for o in reader.operands if o.name == step.name)
    if way.local is not None:
        g, local = np.broadcast_arrays(g, way.local)
        if g.shape == np.shape(step.value):
            return [(float(g[index]), float(local[index]))]
        if not np.shape(step.value):
            return _pairs(g.reshape(-1), local.reshape(-1))
        return _of_repeated(g, local, np.shape(step.value), index)
    return [(float(np.asarray(way.downstream)[index]),)]


def _of_repeated(g: np.ndarray, local: np.ndarray, shape: tuple, index: tuple) -> list:
    """What was broadcast collects the products of all its copies."""
    extra = g.ndim - len(shape)
    key = (slice(None),) * extra + tuple(
        slice(None) if n == 1 else i for n, i in zip(shape, index, strict=True)
    )
    return _pairs(g[key].reshape(-1), local[key].reshape(-1))


def _pairs(a: Any, b: Any) -> list:
    return [(float(x), float(y)) for x, y in zip(a, b, strict=True)]
