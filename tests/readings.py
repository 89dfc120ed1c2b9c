"""What the tests of both notations share: functions as graphs, and their formulas' values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from formula_value import index_value, matrix_value

import chainrule as cr
from chainrule.graph import input_node
from chainrule.graph.walk import Graph, capture
from chainrule.nn import losses
from chainrule.ops.catalogue import Example
from chainrule.read.formula import Formula, Reading
from chainrule.read.parts import Parts


@dataclass(frozen=True)
class Case:
    """A graph, what it is run on, and what it gives."""

    graph: Graph
    values: list[np.ndarray]
    results: list[np.ndarray]

    @staticmethod
    def of(f: Callable[..., Any], arguments: Sequence[Any]) -> Case:
        """The graph of `f`, what it took from outside included."""
        inputs = [input_node(np.shape(a), np.asarray(a).dtype) for a in arguments]
        graph, outside = capture(lambda *xs: _listed(f(*xs)), inputs)
        values = [np.asarray(getattr(v, "value", v)) for v in (*arguments, *outside)]
        return Case(graph, values, [np.asarray(y) for y in graph.run(values)])

    def symbols(self, share: Any = None, stacks: bool = False, only: int | None = None) -> dict:
        """The values of the symbols that a reading of the outputs uses."""
        outputs = self.graph.outputs if only is None else self.graph.outputs[only : only + 1]
        parts = Parts.of(list(outputs), {}, share, stacks)
        pairs = zip(self.graph.inputs, self.values, strict=True)
        named = [(parts.twin(n), v) for n, v in pairs]
        return {parts.names[n]: v for n, v in named if n in parts.names}


def _listed(y: Any) -> list:
    return list(y) if isinstance(y, tuple | list) else [y]


def gradient_of(example: Example) -> Callable[..., Any]:
    """The gradient of the sum of squares of all the example gives."""
    places = example.differentiable

    def gradient(*arguments: Any) -> Any:
        def total(*xs: Any) -> Any:
            given = dict(zip(places, xs, strict=True))
            made = example.call(*(given.get(k, a) for k, a in enumerate(arguments)))
            squares = [cr.sum(y * y) for y in _listed(made) if y.dtype.kind == "f"]
            return sum(squares[1:], squares[0])

        wrt = tuple(range(len(places)))
        return cr.grad(total, wrt)(*(arguments[k] for k in places))

    return gradient


def element_value(formula: Formula, values: dict[str, Any]) -> np.ndarray:
    """The whole array of a formula in index notation."""
    sizes = [n for n in formula.shape if n != 1]
    free = dict(zip(formula.indices, sizes, strict=True))
    return index_value(formula.tex, values, free).reshape(formula.shape)


def whole_value(formula: Formula, values: dict[str, Any]) -> np.ndarray:
    """The matrix of a formula in matrix notation."""
    return matrix_value(formula.tex, values)


def values_of(reading: Reading, values: dict[str, Any], value: Callable) -> list[np.ndarray]:
    """What all formulas are worth, once what stands in them by name is."""
    for definition in reading.shared:
        values = {**values, definition.name: value(definition, values)}
    return [value(formula, values) for formula in reading.formulas]


def agrees(found: Any, expected: np.ndarray) -> None:
    """Equal numbers; a column is an array of one axis, one number fills an array."""
    found = np.asarray(found, float)
    if found.size == expected.size:
        found = found.reshape(expected.shape)
    found = np.broadcast_to(found, expected.shape)
    np.testing.assert_allclose(found, np.asarray(expected, float), rtol=1e-9, atol=1e-12)


_RNG = np.random.default_rng(3)
_T, _SHARES = _RNG.normal(size=(3, 2)), np.array([[0.2, 0.8], [1.0, 0.0], [0.5, 0.5]])
_BINARY = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
WEIGHTS = [_RNG.normal(size=s) for s in ((4, 2), (4,), (2, 4), (2,), (3, 2))]
ACTIVATIONS = ("ReLU", "Sigmoid", "Tanh", "Softplus", "SELU", "GELU", "SiLU", "Softmax", "Identity",
               "LeakyReLU", "ELU")  # fmt: skip
LOSSES: dict[str, tuple[Callable, np.ndarray]] = {
    "mse": (losses.mse, _T),
    "half mse": (lambda p, t: losses.mse(p, t, half=True), _T),
    "l1": (losses.l1, _T),
    "huber": (losses.huber, _T),
    "cross_entropy of shares": (losses.cross_entropy, _SHARES),
    "cross_entropy of labels": (losses.cross_entropy, np.array([0, 1, 1])),
    "binary_cross_entropy": (lambda p, t: losses.binary_cross_entropy(cr.sigmoid(p), t), _BINARY),
    "binary_cross_entropy_with_logits": (losses.binary_cross_entropy_with_logits, _BINARY),
}


def perceptron(activation: str, loss: str) -> Case:
    """The gradients of a two-layer network by all weights, biases and inputs."""
    act = getattr(cr.nn, activation)()
    measure, target = LOSSES[loss]

    def cost(w1: Any, b1: Any, w2: Any, b2: Any, x: Any) -> Any:
        return measure(cr.linear(act(cr.linear(x, w1, b1)), w2, b2), target)

    return Case.of(lambda *xs: cr.grad(cost, (0, 1, 2, 3, 4))(*xs), WEIGHTS)


def recurrent(kind: str, steps: int) -> Case:
    """The gradients of a recurrent layer by its weights, over some steps."""
    gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[kind]
    rng = np.random.default_rng(5)
    layer = getattr(cr.nn, kind)(2, 3, dtype=np.float64)
    arguments = [rng.normal(size=s) for s in ((gates * 3, 2), (gates * 3, 3), (gates * 3,))]
    xs = rng.normal(size=(steps, 2, 2))

    def cost(w: Any, u: Any, b: Any) -> Any:
        own = layer.replace(weight_ih_l0=w, weight_hh_l0=u, bias_ih_l0=b)
        y, _ = own(xs)
        return cr.sum(y * y)

    return Case.of(lambda *a: cr.grad(cost, (0, 1, 2))(*a), arguments)


def random_case(seed: int, length: int = 6) -> Case:
    """The gradients of a function put together at random from products, sums and functions."""
    rng = np.random.default_rng(seed)
    x, w, b, v = (rng.normal(size=s) for s in ((3, 3), (3, 3), (3,), (3, 3)))
    steps = rng.integers(0, 8, length)

    def cost(x: Any, w: Any, b: Any, v: Any) -> Any:
        values = [x, v]
        for step in steps:
            a, c = values[-1], values[-2]
            values.append(_STEPS[step](a, c, w, b))
        return cr.mean(values[-1] * values[-2]) + cr.sum(cr.tanh(values[-1]), axis=0)[1]

    return Case.of(lambda *xs: cr.grad(cost, (0, 1, 2, 3))(*xs), [x, w, b, v])


_STEPS: tuple[Callable[..., Any], ...] = (
    lambda a, c, w, b: cr.tanh(a @ w),
    lambda a, c, w, b: a * c + b,
    lambda a, c, w, b: cr.sigmoid(a) - c.T,
    lambda a, c, w, b: cr.relu(a + b[:, None]) * 0.5,
    lambda a, c, w, b: a / (1.0 + c * c),
    lambda a, c, w, b: cr.softmax(a, axis=-1),
    lambda a, c, w, b: a * cr.mean(c, axis=1, keepdims=True),
    lambda a, c, w, b: w @ a - cr.sum(c, axis=0),
)
