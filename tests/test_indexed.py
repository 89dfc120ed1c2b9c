"""Index notation: the formula of one element, worth what the engine computes."""

import numpy as np
import pytest
from readings import (
    ACTIVATIONS,
    LOSSES,
    Case,
    agrees,
    element_value,
    gradient_of,
    perceptron,
    random_case,
    recurrent,
    values_of,
)

import chainrule as cr
from chainrule.graph import input_node
from chainrule.graph.errors import UsageError
from chainrule.ops.catalogue import EXAMPLES
from chainrule.read.indexed import indexed
from chainrule.read.mathml import mathml
from chainrule.read.plain import plain

TRACED = [e for e in EXAMPLES if e.traces]


def compare(case, share=None):
    found = values_of(
        indexed(list(case.graph.outputs), share=share), case.symbols(share), element_value
    )
    for value, expected in zip(found, case.results, strict=True):
        agrees(value, expected)


@pytest.mark.parametrize("example", TRACED, ids=str)
def test_the_formula_of_an_element_has_the_value_of_the_element(example):
    compare(Case.of(example.call, example.arguments()))


@pytest.mark.parametrize("example", [e for e in TRACED if e.differentiable], ids=str)
def test_the_formula_of_a_gradient_has_the_value_of_the_gradient(example):
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


def two_layers(hidden=4, outputs=1):
    """Seed 2's network as nodes: the gradients of its mean square error, and its inputs."""
    shapes = {"x": (3, 2), "w1": (2, hidden), "b1": (hidden,), "w2": (hidden, outputs),
              "b2": (outputs,), "y": (3, outputs)}  # fmt: skip
    nodes = {name: input_node(shape, float, name) for name, shape in shapes.items()}

    def loss(w1, b1, w2, b2):
        hidden = cr.relu(nodes["x"] @ w1 + b1)
        return cr.mean(cr.square(hidden @ w2 + b2 - nodes["y"]))

    weights = [nodes[n] for n in ("w1", "b1", "w2", "b2")]
    graph = cr.capture(lambda *ws: cr.grad(loss, (0, 1, 2, 3))(*ws), *weights)
    by_name = {n.name: n for n in graph.inputs}
    return graph.outputs, by_name


def test_the_cases_of_relu_stand_inside_the_sum_and_constants_before_it():
    (g, *_), n = two_layers()
    letters = {n["x"]: "id", n["w1"]: "dh"}
    tex = indexed(g, letters=letters, bounds={"i": "N"}).tex
    front, _, inside = tex.partition(r"\sum_{i=1}^{N}")
    assert front == r"\frac{2}{N} (w_{2})_{h} "
    assert r"\begin{cases} 0 &" in inside
    assert "x_{id}" in inside


def test_a_part_with_a_name_stands_by_it_in_every_formula():
    outputs, n = two_layers()
    errors = next(node for node in cr.graph.order(outputs) if str(node.op) == "subtract")
    letters = {n["x"]: "id", n["w1"]: "dh"}
    reading = indexed(outputs, letters=letters, bounds={"i": "N"}, share={errors: "e"})
    (e,) = reading.shared
    assert e.left == "e_{i}"
    assert plain(reading.formulas[3].tex) == "2/N · Σᵢ eᵢ"
    assert all("e_{i}" in f.tex and "y_{i}" not in f.tex for f in reading.formulas)


def test_what_lies_below_a_named_part_keeps_its_names_and_letters():
    outputs, n = two_layers()
    first = next(node for node in cr.graph.order(outputs) if str(node.op) == "add")
    letters = {n["x"]: "id", n["w1"]: "dh"}
    (u,) = indexed(outputs, letters=letters, share={first: "u_{1}"}).shared
    assert u.line == r"(u_{1})_{ih} = \sum_{d=1}^{2} x_{id} (w_{1})_{dh} + (b_{1})_{h}"


def test_an_inner_node_with_a_symbol_is_not_read_further():
    x = input_node((3,), float, "x")
    u = cr.tanh(x)
    assert indexed(u * x, {u: "u_{1}"}).tex == "(u_{1})_{i} x_{i}"


SHORTER = {
    "x - (y - z)": (lambda x, y, z: x - (y - z), "x_{i} + z_{i} - y_{i}"),
    "x * x": (lambda x, y, z: x * x * x, "{x_{i}}^{3}"),
    "x * y / y": (lambda x, y, z: x * y / y, "x_{i}"),
    "2x - 2y": (lambda x, y, z: 2.0 * x - 2.0 * y, r"2 \left(x_{i} - y_{i}\right)"),
    "sum(2xy)": (lambda x, y, z: cr.sum(2.0 * x * y), r"2 \sum_{i=1}^{3} x_{i} y_{i}"),
    "leaky": (lambda x, y, z: cr.step(x) * 0.9 + 0.1,
              r"\begin{cases} 0.1 & x_{i} \le 0 \\ 1 & x_{i} > 0 \end{cases}"),
    "sqrt": (lambda x, y, z: x * float(np.sqrt(0.5)), r"\frac{1}{\sqrt{2}} x_{i}"),
    "flip": (lambda x, y, z: cr.flip(cr.flip(x)), "x_{i}"),
    "roll": (lambda x, y, z: cr.roll(cr.roll(x, 1), -1), "x_{i}"),
    "reshape": (lambda x, y, z: cr.reshape(cr.reshape(x, (3, 1)), (3,)), "x_{i}"),
    "softmax": (lambda x, y, z: cr.exp(x - cr.logsumexp(x)),
                r"\frac{e^{x_{i}}}{\sum_{i'=1}^{3} e^{x_{i'}}}"),
    "size": (lambda x, y, z: cr.sum(cr.broadcast_to(cr.sum(x), (3,))), r"3 \sum_{i=1}^{3} x_{i}"),
}  # fmt: skip


@pytest.mark.parametrize("about", SHORTER)
def test_what_nobody_would_write_is_not_written(about):
    call, expected = SHORTER[about]
    x, y, z = (input_node((3,), float, n) for n in "xyz")
    assert indexed(call(x, y, z)).tex == expected


def test_two_inputs_of_one_name_stay_apart():
    a, b = input_node((2,), float, "x"), input_node((2,), float, "x")
    assert indexed(a * b).tex in ("x_{i} (x_{2})_{i}", "(x_{2})_{i} x_{i}")


def test_an_index_is_no_letter_that_stands_for_something_else():
    i = input_node((3,), float, "i")
    assert indexed(cr.sum(i * i)).tex == r"\sum_{j=1}^{3} {i_{j}}^{2}"


def test_tensors_are_read_like_nodes():
    x = cr.tensor([1.0, 2.0], name="x")
    assert indexed(cr.sum(x * x)).tex == r"\sum_{i=1}^{2} {x_{i}}^{2}"


def test_a_formula_that_nobody_would_read_is_refused_and_names_are_offered():
    x = y = input_node((2,), float, "x")
    for _ in range(20):
        y = cr.tanh(y) * cr.cos(y)
    with pytest.raises(UsageError, match="share=True"):
        indexed(y)
    assert len(indexed(y, share=True).shared) > 10
    for _ in range(500):
        x = cr.sin(x)
    with pytest.raises(UsageError, match="share"):
        indexed(x)


def test_several_formulas_have_no_single_tex():
    x = input_node((2,), float, "x")
    with pytest.raises(UsageError, match=r"2 formulas"):
        _ = indexed([x, x]).tex


@pytest.mark.parametrize("example", TRACED, ids=str)
def test_every_formula_can_be_shown(example):
    case = Case.of(example.call, example.arguments())
    for formula in indexed(list(case.graph.outputs)).formulas:
        assert mathml(formula.tex).endswith("</math>")
        assert plain(formula.tex)
