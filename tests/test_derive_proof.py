"""The proof: every formula a derivation shows is read back, computed, and is the engine's number.

What is read is the displayed text alone (tests/formula_value.py), with the numbers of the
leaves; it must come to what the engine computed, line by line, for every op and every network.
"""

from __future__ import annotations

import numpy as np
import pytest
from derive_proof import claims, wrong, wrong_numbers, wrong_products
from test_derive import neuron, two_layers

import chainrule as cr
from chainrule import nn
from chainrule.nn import losses
from chainrule.ops.catalogue import EXAMPLES
from chainrule.study.derive import derive

# ----------------------------------------------------------------------- single numbers


def warm_up():
    x = cr.tensor(2.0, name="x")
    u = (7.0 + x**2).named("u")
    return (3.0 * u).named("y"), [x]


def gates():
    x, y, z = (cr.tensor(v, name=k) for k, v in (("x", -2.0), ("y", 5.0), ("z", -4.0)))
    return ((x + y).named("q") * z).named("L"), [x, y, z]


def nudge():
    x = cr.tensor(1.5, name="x")
    return cr.sin((x**2).named("u")).named("v"), [x]


def one_sample():
    """Article 2 with one sample and one feature: max(0, x·w1 + b1)·w2 + b2 against y."""
    given = {"x": 2.0, "w1": 0.5, "b1": 0.25, "w2": -1.5, "b2": 0.75, "y": 1.0}
    x, w1, b1, w2, b2, y = (cr.tensor(v, name=k) for k, v in given.items())
    u3 = cr.relu(x * w1 + b1) * w2 + b2
    return ((y - u3) ** 2 / 2.0).named("L"), [w1, b1, w2, b2, x]


def output_neuron():
    """Article 3: y = 0.55, t = 1, the binary cross-entropy."""
    z, t = cr.tensor(np.log(0.55 / 0.45), name="z"), 1.0
    y = cr.sigmoid(z).named("y")
    return (-(t * cr.log(y) + (1.0 - t) * cr.log(1.0 - y))).named("L"), [z]


def diamond():
    x, w = cr.tensor(0.7, name="x"), cr.tensor(-1.2, name="w")
    h = cr.tanh(w * x)
    return (h * cr.exp(h) + cr.logaddexp(h, x) / w).named("L"), [x, w]


EXAMPLES_OF_NUMBERS = (neuron, warm_up, gates, nudge, one_sample, output_neuron, diamond)
SCALARS = {f.__name__: f for f in EXAMPLES_OF_NUMBERS}


@pytest.mark.parametrize("name", SCALARS)
def test_every_line_of_single_numbers_is_worth_what_it_says(name):
    found = derive(*SCALARS[name]())
    assert found.form == "scalar"
    assert wrong(found) == []


@pytest.mark.parametrize("name", SCALARS)
def test_the_numbers_put_in_come_to_the_result(name):
    assert wrong_numbers(derive(*SCALARS[name]())) == []


@pytest.mark.parametrize("name", SCALARS)
def test_the_products_of_derivatives_come_to_the_gradients(name):
    assert wrong_products(derive(*SCALARS[name]())) == []


@pytest.mark.parametrize("name", SCALARS)
def test_the_gradients_are_the_engines(name):
    loss, leaves = SCALARS[name]()
    found = derive(loss, leaves)
    loss.backward()
    for closed, leaf in zip(found.closed, leaves, strict=True):
        assert closed.gradient == pytest.approx(leaf.grad, rel=1e-12)
        assert closed.graph.run(closed.arguments)[0] == pytest.approx(leaf.grad, rel=1e-12)


# ----------------------------------------------------------------------- the catalogue


def loss_of(example):
    """A weighted sum of all that the example computes, and the tensors it is computed from."""
    rng = np.random.default_rng(0)
    given = [cr.tensor(x, name=k) if x.dtype.kind == "f" else x
             for x, k in zip(example.arguments(), "abcd", strict=False)]  # fmt: skip
    made = example.call(*given)
    made = made if isinstance(made, (tuple, list)) else [made]
    floats = [y for y in made if isinstance(y, cr.Tensor) and y.dtype.kind == "f"]
    total = 0.0
    for y in floats:
        total = total + cr.sum(y * rng.uniform(0.5, 1.5, y.shape))
    return total, [t for t in given if isinstance(t, cr.Tensor)]


def is_derived(example):
    floats = any(np.dtype(x.dtype).kind == "f" for x in example.arguments())
    return example.traces and not example.answers and floats


DERIVED = [e for e in EXAMPLES if is_derived(e)]


@pytest.mark.parametrize("example", DERIVED, ids=str)
def test_every_op_is_derived_line_by_line_in_the_form_that_fits(example):
    loss, leaves = loss_of(example)
    found = derive(loss, leaves)
    assert len(claims(found)) >= 3
    assert wrong(found) == []


@pytest.mark.parametrize("example", DERIVED, ids=str)
def test_every_op_is_derived_with_indices(example):
    loss, leaves = loss_of(example)
    found = derive(loss, leaves, form="index")
    assert wrong(found) == []
    assert all(c.tex for c in found.closed)


@pytest.mark.parametrize("example", DERIVED, ids=str)
def test_the_closed_graph_of_every_op_gives_the_engines_gradient(example):
    loss, leaves = loss_of(example)
    found = derive(loss, leaves)
    loss.backward()
    for closed, leaf in zip(found.closed, leaves, strict=True):
        grad = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad
        (found_by_graph,) = closed.graph.run(closed.arguments)
        np.testing.assert_allclose(found_by_graph, grad, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(closed.gradient, grad, rtol=1e-9, atol=1e-12)


# ------------------------------------------------------------------------------ networks

ACTIVATIONS = {
    "relu": cr.relu, "sigmoid": cr.sigmoid, "tanh": cr.tanh, "softplus": cr.softplus,
    "selu": cr.selu, "gelu": cr.gelu, "silu": cr.silu, "softmax": cr.softmax,
    "identity": lambda x: x, "leaky_relu": cr.leaky_relu, "elu": cr.elu,
}  # fmt: skip


def network(activation=cr.tanh, depth=2, loss="mse"):
    """An MLP with names for its weights, and its loss."""
    rng = np.random.default_rng(1)
    sizes = [2] + [3] * (depth - 1) + [3 if loss == "cross_entropy" else 1]
    a, leaves = cr.tensor(rng.normal(size=(4, 2)), name="x"), []
    for k in range(depth):
        w = cr.tensor(rng.normal(size=sizes[k : k + 2]), name=f"w{k + 1}")
        b = cr.tensor(rng.normal(size=sizes[k + 1]), name=f"b{k + 1}")
        a = (a @ w + b).named(f"z{k + 1}")
        a = activation(a).named(f"a{k + 1}") if k < depth - 1 else a
        leaves += [w, b]
    if loss == "binary_cross_entropy":
        a = cr.sigmoid(a)
    target = rng.integers(0, 2, 4) if loss == "cross_entropy" else rng.integers(0, 2, (4, 1)) / 1.0
    return losses.LOSSES[loss](a, target).named("L"), leaves


def recurrent(steps=3):
    """An unrolled recurrent network with a cost at each step, and shared weights."""
    rng = np.random.default_rng(2)
    shapes = {"W": (2, 3), "U": (3, 3), "b": (3,), "V": (3, 1)}
    w, u, b, v = (cr.tensor(rng.normal(size=s), name=k) for k, s in shapes.items())
    h, cost = np.zeros((2, 3)), 0.0
    for t in range(steps):
        x = cr.tensor(rng.normal(size=(2, 2)), name=f"x{t + 1}")
        h = cr.tanh(x @ w + h @ u + b).named(f"h{t + 1}")
        cost = cost + cr.mean(cr.square(h @ v - rng.normal(size=(2, 1))))
    return cost.named("C"), [w, u, b, v]


def cell(layer, steps):
    model = layer(2, 2, seed=0, dtype=np.float64)
    y, _ = model(np.random.default_rng(3).normal(size=(steps, 2, 2)))
    return cr.mean(cr.square(y)), model


def seed_2():
    loss, leaves = two_layers()
    return loss, [leaves[k] for k in ("w1", "b1", "w2", "b2", "x")]


MATRICES = {
    "article 2": seed_2,
    **{f"an MLP with {k}": lambda f=f: network(f) for k, f in ACTIVATIONS.items()},
    **{f"the loss {k}": lambda k=k: network(loss=k) for k in losses.LOSSES},
    **{f"{k} layers": lambda k=k: network(depth=k) for k in (1, 3)},
    "an unrolled RNN": recurrent,
}
INDICES = MATRICES | {
    "two steps of nn.RNN": lambda: cell(nn.RNN, 2),
    "a step of nn.LSTM": lambda: cell(nn.LSTM, 1),
    "a step of nn.GRU": lambda: cell(nn.GRU, 1),
}


@pytest.mark.parametrize("name", MATRICES)
def test_a_network_is_derived_in_matrices(name):
    found = derive(*MATRICES[name](), form="matrix")
    assert wrong(found) == []
    assert wrong_numbers(found) == []
    assert all(c.tex for c in found.closed)


@pytest.mark.parametrize("name", INDICES)
def test_a_network_is_derived_with_indices(name):
    found = derive(*INDICES[name](), form="index")
    assert wrong(found) == []
    assert all(c.tex for c in found.closed)


@pytest.mark.parametrize("name", INDICES)
def test_the_gradients_of_a_network_are_the_engines(name):
    loss, leaves = INDICES[name]()
    found = derive(loss, leaves)
    loss.backward()
    if hasattr(leaves, "named_parameters"):
        leaves = leaves.named_parameters().values()
    for closed, leaf in zip(found.closed, leaves, strict=True):
        np.testing.assert_allclose(closed.gradient, leaf.grad, rtol=1e-9, atol=1e-12)


def test_sizes_by_letter_are_worth_the_same():
    loss, leaves = two_layers()
    for form in ("matrix", "index"):
        found = derive(loss, leaves["w1"], form=form, sizes={3: "N"})
        assert "N" in found.closed[0].tex
        assert wrong(found) == []


# ---------------------------------------------------------------- the proof can also fail


def test_a_wrong_sign_in_a_local_gradient_is_found(monkeypatch):
    # The engine's numbers are made first: only what is displayed is spoilt.
    loss, leaves = neuron()
    right = derive(loss, leaves)
    spoilt = type(cr.sigmoid)
    monkeypatch.setattr(spoilt, "local", lambda self, y, x: (y * (y - 1.0),))
    displayed = derive(loss, leaves)
    for step, good in zip(displayed.steps, right.steps, strict=True):
        object.__setattr__(step, "result", good.result)
    assert len(wrong(displayed)) >= 5


def test_a_wrong_symbol_in_a_formula_is_found():
    found = derive(*neuron())
    step = found.section("simplification").steps[-1]
    object.__setattr__(step, "right", step.right.replace("a", "z", 1))
    assert len(wrong(found)) == 1


def test_a_missing_transpose_is_found():
    loss, leaves = two_layers()
    found = derive(loss, leaves["w1"], form="matrix")
    step = found.section("running products").steps[-1]
    object.__setattr__(step, "right", step.right.replace(r"^{\top}", ""))
    with pytest.raises(Exception, match=r"shape|mismatch|matmul|product"):
        assert wrong(found) == []


def test_wrong_numbers_are_found():
    found = derive(*neuron())
    step = found.section("substitution")[0]
    object.__setattr__(step, "numbers", step.numbers.replace("2", "3"))
    assert len(wrong_numbers(found)) == 1
