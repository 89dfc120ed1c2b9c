"""Matrix notation: whole arrays, every shape checked, worth what the engine computes."""

import numpy as np
import pytest
from readings import (
    ACTIVATIONS,
    LOSSES,
    Case,
    agrees,
    gradient_of,
    perceptron,
    random_case,
    recurrent,
    values_of,
    whole_value,
)

import chainrule as cr
from chainrule.graph import capture, input_node
from chainrule.graph.errors import GraphError, UsageError
from chainrule.ops.catalogue import EXAMPLES
from chainrule.read.formula import shapes
from chainrule.read.mathml import mathml
from chainrule.read.matrices import matrices
from chainrule.read.matrices.algebra import Name, chain, of, plus, times
from chainrule.read.plain import plain

TRACED = [e for e in EXAMPLES if e.traces]


def compare(case, share=None):
    reading = matrices(list(case.graph.outputs), share=share)
    found = values_of(reading, case.symbols(share, stacks=True), whole_value)
    for value, expected in zip(found, case.results, strict=True):
        agrees(value, expected)


# These have no reading in matrices: they stand by their names, which are no formulas.
NAMED = {
    "any", "all", "argmax", "argmin", "max", "min", "prod", "cumulative_sum", "cumulative_prod",
    "flip", "roll", "pad", "tile", "repeat", "tril", "triu", "take", "take_along_axis",
    "scatter_add", "sort", "top_k", "argsort", "cholesky", "diagonal", "trace",
}  # fmt: skip


NAMED_USES = {
    "reshape", "reshape(-1)", "broadcast_to", "expand_dims", "concat(axis=None)", "stack", "vecdot",
    *(f"getitem({use})" for use in (
        "a negative step", "a slice", "a new axis", "an array", "a list", "two arrays",
        "arrays that broadcast", "a mask", "a mask of one axis")),
    *(f"einsum({text})" for text in (
        "ii", "ii->i", "ij->j", "ij->ji", "ij,kl->i", "ij,jk,kl->il", "i,i,i->")),
}  # fmt: skip


def is_matrix_work(example):
    named = example.name in NAMED or str(example) in NAMED_USES
    return not named and all(len(x.shape) < 3 for x in example.operands)


@pytest.mark.parametrize("example", [e for e in TRACED if is_matrix_work(e)], ids=str)
def test_a_formula_in_matrices_has_the_value_of_the_op(example):
    compare(Case.of(example.call, example.arguments()))


@pytest.mark.parametrize("example", [e for e in TRACED if str(e) in NAMED_USES], ids=str)
def test_an_op_without_a_reading_in_matrices_stands_by_its_name(example):
    case = Case.of(example.call, example.arguments())
    assert r"\operatorname" in matrices(list(case.graph.outputs)).tex


ELEMENTWISE = [e for e in TRACED if e.op is not None and e.differentiable]


@pytest.mark.parametrize("example", ELEMENTWISE, ids=str)
def test_the_gradient_of_an_elementwise_op_has_its_value(example):
    compare(Case.of(gradient_of(example), example.arguments()))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_formula_of_a_networks_gradient_has_its_value(activation, loss):
    compare(perceptron(activation, loss))


@pytest.mark.parametrize(("share", "length"), [(None, 3), (True, 6)], ids=["long", "with names"])
@pytest.mark.parametrize("seed", range(15))
def test_the_formula_of_a_random_functions_gradient_has_its_value(seed, share, length):
    compare(random_case(seed, length), share)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_the_formulas_of_unrolled_steps_have_their_values(kind, steps):
    compare(recurrent(kind, steps), share=True)


X, W, V = (input_node(s, float, n) for s, n in (((3, 2), "X"), ((2, 4), "W"), ((4, 4), "V")))
B, C, K = (input_node(s, float, n) for s, n in (((4,), "b"), ((3, 1), "c"), ((), "k")))
Y = input_node((3, 4), float, "Y")

FORMULAS = [
    (X @ W, "X W"),
    (X @ W @ V.T, r"X W V^{\top}"),
    ((X @ W).T, r"W^{\top} X^{\top}"),
    ((X @ W).T.T, "X W"),
    (X @ W + B, r"X W + \mathbf{1}_{3} b^{\top}"),
    (Y * C, r"Y \odot c \mathbf{1}_{4}^{\top}"),
    ((X @ W) * Y, r"X W \odot Y"),
    (((X @ W) * Y) @ V, r"\left(X W \odot Y\right) V"),
    (k := K * Y, r"k Y"),
    (2.0 * (k @ V), r"2 k Y V"),
    (Y / K, r"\frac{1}{k} Y"),
    (Y / (1.0 + Y), r"Y \oslash \left(1 + Y\right)"),
    (Y**2, r"{Y}^{\odot 2}"),
    (cr.exp(Y), r"\exp\left(Y\right)"),
    (cr.step(Y), r"\mathbb{1}\left[Y > 0\right]"),
    (cr.sum(Y, axis=0), r"Y^{\top} \mathbf{1}_{3}"),
    (cr.sum(Y, axis=1), r"Y \mathbf{1}_{4}"),
    (cr.sum(Y), r"\mathbf{1}_{3}^{\top} Y \mathbf{1}_{4}"),
    (cr.sum(Y, axis=0, keepdims=True), r"\mathbf{1}_{3}^{\top} Y"),
    (B @ B, r"b^{\top} b"),
    (Y @ B, r"Y b"),
    (Y[:, 1:3], "Y_{:, 2:3}"),
    (cr.softmax(Y), r"\operatorname{softmax}\left(Y\right)"),
    (cr.exp(Y - cr.logsumexp(Y, axis=1, keepdims=True)),
     r"\operatorname{softmax}\left(Y\right)"),
    (cr.softmax(Y, axis=0), r"{\operatorname{softmax}\left(Y^{\top}\right)}^{\top}"),
    (cr.concat([Y, X], axis=1), r"\begin{bmatrix} Y & X \end{bmatrix}"),
    (cr.inv(V) @ B, r"{V}^{-1} b"),
    (cr.einsum("ij,kj->ik", Y, V), r"Y V^{\top}"),
    (cr.einsum("ji,jk->ki", Y, X), r"X^{\top} Y"),
    (cr.einsum("i,j->ij", B, B), r"b b^{\top}"),
]  # fmt: skip


@pytest.mark.parametrize(("node", "expected"), FORMULAS, ids=lambda v: str(v)[:40])
def test_matrices_are_written_as_one_would(node, expected):
    assert matrices(node).tex == expected


def test_a_mean_is_one_over_the_letters_of_its_sizes():
    assert matrices(cr.mean(Y * Y), sizes={3: "N"}).tex.startswith(r"\frac{1}{4 N}")


def gradient_by_w1():
    shapes = {"W1": (2, 4), "X": (3, 2), "w2": (4, 1), "y": (3, 1)}
    nodes = [input_node(shape, float, name) for name, shape in shapes.items()]
    loss = lambda w, x, w2, y: cr.mean(cr.square(cr.relu(x @ w) @ w2 - y))  # noqa: E731
    return capture(lambda *xs: [cr.grad(loss)(*xs)], nodes)[0].outputs[0]


def test_the_shapes_of_the_factors_chain_to_the_shape_of_the_gradient():
    formula = matrices(gradient_by_w1(), sizes={3: "N"}).formulas[0]
    assert [f.shape for f in formula.factors] == [(2, 3), (3, 4)]
    assert shapes(formula, {3: "N", 2: "D", 4: "H"}) == "(D×N)(N×H) = (D×H)"
    assert plain(formula.tex).startswith("2/N · Xᵀ ((max(0, X W₁) w₂ − y) w₂ᵀ ⊙ 𝟙[X W₁ > 0])")


A, D = of(Name((2, 3), "A")), of(Name((4, 5), "D"))


@pytest.mark.parametrize("make", [chain, times, plus])
def test_a_reading_whose_shapes_do_not_fit_is_refused(make):
    with pytest.raises(GraphError, match=r"2×3 and 4×5 do not fit"):
        make(A, D)


def test_a_wrong_rule_is_caught_by_the_shapes(monkeypatch):
    from chainrule.ops.contract import Matmul
    from chainrule.read.matrices import rules

    monkeypatch.setitem(rules.RULES, Matmul, lambda reader, node: reader.matrix(node.inputs[0]))
    with pytest.raises(GraphError, match=r"matmul .* 3×4 and 3×2"):
        matrices(X @ W)


def test_blocks_that_lie_apart_are_one_matrix():
    def cost(z):
        return cr.sum(cr.tanh(z[:, :2]) * cr.sigmoid(z[:, 2:]))

    g = cr.capture(cr.grad(cost), np.ones((3, 4))).outputs[0]
    assert matrices(g).tex.count("bmatrix") == 2
    assert r"\mathbf{0}" not in matrices(g).tex


def test_a_formula_that_nobody_would_read_is_refused_and_names_are_offered():
    y = Y
    for _ in range(200):
        y = cr.sin(y)
    with pytest.raises(UsageError, match="share=True"):
        matrices(y)


@pytest.mark.parametrize("example", TRACED, ids=str)
def test_every_formula_can_be_shown(example):
    case = Case.of(example.call, example.arguments())
    for formula in matrices(list(case.graph.outputs)).formulas:
        assert mathml(formula.tex).endswith("</math>")
        assert plain(formula.tex)
