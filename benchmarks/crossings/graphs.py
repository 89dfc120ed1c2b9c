"""The fifty graphs the layouts are compared on: computations of the engine, and random ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.graph.walk import order

Drawn = tuple[str, int, list[tuple[int, int]]]  # name, number of nodes, edges


def as_drawn(name: str, outputs: Any) -> Drawn:
    """Every tensor or node a node of the drawing, every operand an edge."""
    nodes = order(outputs)
    number = {n: k for k, n in enumerate(nodes)}
    edges = [(number[i], number[n]) for n in nodes for i in n.inputs]
    return name, len(nodes), edges


def _value(name: str, loss: Any) -> Drawn:
    return as_drawn(name, [loss])


def _gradient(name: str, f: Callable, *args: Any) -> Drawn:
    every = tuple(range(len(args)))
    return as_drawn(name, cr.capture(cr.grad(f, argnums=every), *args).outputs)


def _normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def _scalars(names: str, *values: float) -> list[Any]:
    return [cr.tensor(v, name=n) for n, v in zip(names.split(), values, strict=True)]


def sigmoid_neuron(w1, x1, w2, x2, b, y):
    """Seed 0: half the squared error of one sigmoid neuron."""
    return 0.5 * cr.square(y - cr.sigmoid(w1 * x1 + w2 * x2 + b))


def product_of_sum(x, y, z):
    """Seed 1."""
    return (x + y) * z


def two_layers(x, w1, b1, w2, b2, y):
    """Seed 2: affine, ReLU, affine, mean squared error."""
    return cr.mean(cr.square(y - (cr.maximum(0.0, x @ w1 + b1) @ w2 + b2)))


def sine_of_square(x):
    """Seed 3."""
    return cr.sin(x * x)


def three_layers(x, w1, w2, w3, t):
    """Seed 3: three layers of weights without biases, cross-entropy."""
    y = cr.sigmoid(cr.sigmoid(cr.sigmoid(x @ w1) @ w2) @ w3)
    return -cr.mean(t * cr.log(y) + (1.0 - t) * cr.log(1.0 - y))


def seeds() -> Iterator[Drawn]:
    """The examples of the four articles, forward and with their gradients."""
    neuron = (2.0, -1.0, -3.0, -2.0, -3.0, 1.0)
    yield _value("sigmoid neuron", sigmoid_neuron(*_scalars("w1 x1 w2 x2 b y", *neuron)))
    yield _gradient("sigmoid neuron, gradient", sigmoid_neuron, *map(np.float64, neuron))
    yield _value("(x + y) z", product_of_sum(*_scalars("x y z", 1.0, 2.0, 3.0)))
    yield _gradient("(x + y) z, gradient", product_of_sum, 1.0, 2.0, 3.0)
    arrays = [_normal(5, 3), _normal(3, 4), _normal(4), _normal(4, 1), _normal(1), _normal(5, 1)]
    yield _value("two layers", two_layers(*map(cr.tensor, arrays)))
    yield _gradient("two layers, gradient", two_layers, *arrays)
    yield _value("sin(x²)", sine_of_square(cr.tensor(1.0)))
    yield _gradient("sin(x²), gradient", sine_of_square, 1.0)
    arrays = [_normal(5, 3), _normal(3, 4), _normal(4, 2), _normal(2, 1), np.ones((5, 1))]
    yield _value("three layers", three_layers(*map(cr.tensor, arrays)))
    yield _gradient("three layers, gradient", three_layers, *arrays)


def scalar_mlp(sizes: tuple[int, ...]) -> Any:
    """A network in which every weight, product and sum is a number of its own."""
    rng = np.random.default_rng(1)
    row = [cr.tensor(v) for v in rng.normal(size=sizes[0])]
    for width in sizes[1:]:
        made = []
        for _ in range(width):
            total = cr.tensor(0.1)
            for value in row:
                total = total + cr.tensor(rng.normal()) * value
            made.append(cr.tanh(total))
        row = made
    return sum(cr.square(v - 1.0) for v in row)


def networks() -> Iterator[Drawn]:
    """Multilayer perceptrons, with their losses; as tensors and neuron by neuron."""
    losses = cr.nn.losses
    for depth in (1, 2, 4, 8, 16):
        layers = [m for _ in range(depth) for m in (cr.nn.Linear(4, 4), cr.nn.Tanh())]
        model = cr.nn.Sequential(*layers, cr.nn.Linear(4, 1))
        x, y = _normal(6, 4).astype("f4"), _normal(6, 1).astype("f4")
        yield _value(f"MLP of {depth + 1} layers, mse", losses.mse(model(x), y))
    model = cr.nn.Sequential(cr.nn.Linear(4, 8), cr.nn.ReLU(), cr.nn.Linear(8, 3))
    x, y = _normal(6, 4).astype("f4"), np.arange(6) % 3
    yield _value("classifier, cross-entropy", losses.cross_entropy(model(x), y))
    for depth in (2, 4, 8):
        weights = [_normal(4, 4) for _ in range(depth)]

        def loss(x, *weights):
            for w in weights:
                x = cr.tanh(x @ w)
            return cr.mean(cr.square(x))

        yield _gradient(f"MLP of {depth} layers, gradient", loss, _normal(6, 4), *weights)
    for sizes in ((2, 2, 1), (2, 3, 1), (3, 3, 1), (2, 4, 4, 1), (3, 5, 2)):
        yield _value("neurons " + "-".join(map(str, sizes)), scalar_mlp(sizes))


def rnn(steps: int) -> Any:
    """An unrolled recurrent network with a cost at each step."""
    wx, wh, b, wy = (cr.tensor(_normal(*s)) for s in ((3, 4), (4, 4), (4,), (4, 1)))
    h, cost = cr.tensor(np.zeros((2, 4))), None
    for _ in range(steps):
        h = cr.tanh(cr.tensor(_normal(2, 3)) @ wx + h @ wh + b)
        c = cr.mean(cr.square(h @ wy - cr.tensor(_normal(2, 1))))
        cost = c if cost is None else cost + c
    return cost


def lstm(steps: int) -> Any:
    """An unrolled LSTM, each gate with weights of its own."""
    weights = [(cr.tensor(_normal(3, 4)), cr.tensor(_normal(4, 4))) for _ in range(4)]
    h = c = cr.tensor(np.zeros((2, 4)))
    for _ in range(steps):
        x = cr.tensor(_normal(2, 3))
        i, f, o, g = (x @ wx + h @ wh for wx, wh in weights)
        c = cr.sigmoid(f) * c + cr.sigmoid(i) * cr.tanh(g)
        h = cr.sigmoid(o) * cr.tanh(c)
    return cr.mean(cr.square(h))


def gru(steps: int) -> Any:
    """An unrolled GRU."""
    weights = [(cr.tensor(_normal(3, 4)), cr.tensor(_normal(4, 4))) for _ in range(3)]
    h = cr.tensor(np.zeros((2, 4)))
    for _ in range(steps):
        x = cr.tensor(_normal(2, 3))
        (xr, hr), (xz, hz), (xn, hn) = ((x @ wx, h @ wh) for wx, wh in weights)
        r, z = cr.sigmoid(xr + hr), cr.sigmoid(xz + hz)
        n = cr.tanh(xn + r * hn)
        h = (1.0 - z) * n + z * h
    return cr.mean(cr.square(h))


def attention(heads: int) -> Any:
    """Scaled dot-product attention over several heads, with a residual."""
    x = cr.tensor(_normal(5, 4))
    mixed = []
    for _ in range(heads):
        q, k, v = (x @ cr.tensor(_normal(4, 4)) for _ in range(3))
        scores = cr.exp(q @ cr.matrix_transpose(k) * 0.5)
        mixed.append((scores / cr.sum(scores, axis=-1, keepdims=True)) @ v)
    return cr.mean(cr.square(x + cr.concat(mixed, axis=-1) @ cr.tensor(_normal(4 * heads, 4))))


def recurrent() -> Iterator[Drawn]:
    """Unrolled loops, and attention."""
    for steps in (2, 4, 8):
        yield _value(f"RNN of {steps} steps", rnn(steps))
    for steps in (1, 2, 4):
        yield _value(f"LSTM of {steps} steps", lstm(steps))
    for steps in (1, 2, 4):
        yield _value(f"GRU of {steps} steps", gru(steps))
    for heads in (1, 2, 4):
        yield _value(f"attention, {heads} heads", attention(heads))


def random_expression(ops: int, seed: int) -> Any:
    """Unary and binary ops on values made before, recent ones more often."""
    rng = random.Random(seed)
    made = [cr.tensor(rng.uniform(0.5, 1.5)) for _ in range(3 + ops // 10)]
    for _ in range(ops):
        a, b = (made[-1 - min(int(rng.expovariate(0.25)), len(made) - 1)] for _ in range(2))
        made.append(rng.choice((lambda x, _: cr.tanh(x), cr.add, cr.multiply))(a, b))
    return cr.tanh(made[-1] + made[-2]) * made[-3]


def expressions() -> Iterator[Drawn]:
    """Random expressions with shared parts."""
    for k, ops in enumerate((8, 12, 16, 20, 25, 30, 35, 40, 50, 60, 80, 100, 120, 150)):
        yield _value(f"expression of {ops} ops", random_expression(ops, k))


def graphs() -> list[Drawn]:
    """All fifty."""
    return [*seeds(), *networks(), *recurrent(), *expressions()]
