"""What a computation is: nodes, their order, graphs and what is always true of them."""

import gc
import weakref

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule.graph import (
    Graph,
    Node,
    capture,
    constant_node,
    fold,
    input_node,
    order,
    users,
    verify,
)  # fmt: skip
from chainrule.graph.caller import made_at
from chainrule.graph.errors import DTypeError, GraphError, ShapeError, TracingError
from chainrule.graph.node import Captured
from chainrule.graph.op import Spec
from chainrule.ops.elementwise.trigonometric import Sin

LONG = 100_000


@pytest.fixture
def x():
    return input_node((), float, "x")


def chain_of(x, length):
    for _ in range(length):
        x = cr.sin(x)
    return x


# Order and fold ---------------------------------------------------------------------------


def test_operands_come_before_what_is_made_of_them(x):
    y = cr.sin(x)
    z = y * x + y
    found = order([z])
    assert len(found) == len(set(found)) == 4
    place = {n: k for k, n in enumerate(found)}
    assert all(place[i] < place[n] for n in found for i in n.inputs)


def test_order_visits_a_shared_node_once():
    x = y = input_node(())
    for _ in range(60):
        y = y + y  # 2⁶⁰ paths
    assert len(order([y])) == 61
    assert fold([y], lambda n, *xs: sum(xs) or 1)[y] == 2**60
    assert order([y])[0] is x


def test_order_stops_at_given_leaves(x):
    y = cr.sin(x)
    assert order([cr.cos(y)], leaves={y}) == [y, cr.cos(y)]


def test_order_and_fold_of_a_chain_of_100_000_nodes(x):
    y = chain_of(x, LONG)
    assert len(order([y])) == LONG + 1
    assert fold([y], lambda n, *depth: depth[0] + 1 if depth else 0)[y] == LONG


def test_a_graph_of_100_000_nodes_runs_and_is_dropped(x):
    y = x
    for _ in range(LONG):
        y = y + 1.0
    assert Graph((x,), (y,)).run([np.float64(0.0)]) == [LONG]
    gone = weakref.ref(y)
    del y
    gc.collect()
    assert gone() is None


def test_users_count_every_operand(x):
    y = x * x
    z = y + x
    found = users([z])
    assert found[x] == [y, y, z]
    assert found[z] == []


# Nodes --------------------------------------------------------------------------------------


def test_equal_computations_are_the_same_node(x):
    y = input_node((), float, "x")
    assert cr.sin(x) is cr.sin(x)
    assert x + 1.0 is x + 1.0
    assert cr.sum(x, axis=()) is cr.sum(x, axis=())
    assert cr.leaky_relu(x, 0.1) is not cr.leaky_relu(x, 0.2)
    assert x is not y
    assert cr.sin(x) is not cr.sin(y)


@pytest.mark.parametrize(("a", "b"), [(0.0, -0.0), (1.0, 1), (True, 1), (np.nan, 0.0)])
def test_numbers_that_differ_are_different_nodes(a, b):
    one, other = (constant_node(v, np.asarray(v).dtype) for v in (a, b))
    assert one is not other
    assert one is constant_node(a, np.asarray(a).dtype)


def test_not_a_number_is_one_node():
    assert constant_node(np.nan, np.dtype(float)) is constant_node(np.nan, np.dtype(float))


def test_a_node_knows_its_shape_and_the_line_that_made_it():
    y = cr.matmul(input_node((2, 3)), input_node((3, 4)))
    assert (y.shape, y.dtype, y.ndim, y.size) == ((2, 4), np.float64, 2, 8)
    assert "made at test_graph.py:" in made_at(y.line)
    assert repr(y) == "Node(matmul, shape=(2, 4))"


def test_a_node_is_frozen_and_holds_no_numbers(x):
    with pytest.raises(AttributeError, match="frozen"):
        x.shape = (3,)
    assert set(Node.__slots__) == {"__weakref__", "inputs", "line", "op", "spec", "weak"}


MISTAKES = {
    "shapes": (lambda x: x @ x, ShapeError, r"matmul: shapes \(2, 3\) and \(2, 3\) do not chain"),
    "broadcast": (lambda x: x + np.ones(2), ShapeError, r"\(2, 3\) and \(2,\) do not broadcast"),
    "if": (lambda x: 1.0 if cr.sum(x) > 0 else 2.0, TracingError, "if of greater"),
    "while": (lambda x: [0 for _ in iter(lambda: bool(cr.sum(x)), True)], TracingError,
              "if of sum"),
    "float": (lambda x: float(cr.sum(x)), TracingError, "float of sum"),
    "int": (lambda x: int(cr.sum(x)), TracingError, "int of sum"),
    "index": (lambda x: range(cr.sum(x)), TracingError, "int of sum"),
    "asarray": (lambda x: np.asarray(x), TracingError, "np.asarray of x"),
    "len of a number": (lambda x: len(cr.sum(x)), ShapeError, "no axes"),
    "a mask": (lambda x: x[x > 0], TracingError, "np.asarray of greater"),
    "logic on floats": (lambda x: cr.bitwise_and(x, x), DTypeError, "bitwise_and"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_while_tracing_is_named_with_the_users_line(mistake):
    f, error, words = MISTAKES[mistake]
    with refused(error, words) as found:
        cr.capture(f, np.ones((2, 3)))
    if error is not ShapeError or mistake != "len of a number":
        assert "test_graph.py:" in str(found.value)


# Graphs -------------------------------------------------------------------------------------


def test_capture_gives_a_graph_that_computes_the_function():
    graph = cr.capture(lambda a, b: {"out": cr.tanh(a) * b}, np.ones(3), np.ones((2, 1)))
    verify(graph)
    assert [i.name for i in graph.inputs] == ["a", "b"]
    (y,) = graph.run([np.full(3, 0.5), np.full((2, 1), 2.0)])
    np.testing.assert_allclose(y, np.full((2, 3), 2.0 * np.tanh(0.5)))


def test_what_a_function_takes_from_outside_becomes_an_input(x):
    w = np.arange(3.0)
    t = cr.tensor([1.0, 2.0, 3.0], name="t")
    graph, outside = capture(lambda x: [x * w + t * w], [x])
    verify(graph)
    assert any(o is w for o in outside)
    (y,) = graph.run([2.0, *(np.asarray(o) for o in outside)])
    np.testing.assert_allclose(y, 2.0 * w + t.value * w)


def test_a_value_of_an_outer_trace_is_an_input_of_the_inner(x):
    outer = cr.sin(x) * 2.0
    graph, outside = capture(lambda h: [h * outer + x], [input_node(())])
    verify(graph)
    assert outside == [outer, x] or outside == [x, outer]
    assert Sin not in {type(n.op) for n in graph.order}


def test_an_output_may_be_an_input_or_a_constant(x):
    graph, _ = capture(lambda x: [x, 3.0, x], [x])
    assert verify(graph).run([2.0]) == [2.0, 3.0, 2.0]


def test_replay_applies_the_same_ops_to_tensors():
    graph = cr.capture(lambda x: cr.tanh(x) * 2.0, 1.0)
    (y,) = graph.replay([cr.tensor(0.5)])
    y.backward()
    assert float(y) == pytest.approx(2 * np.tanh(0.5))


def test_a_graph_over_other_inputs_computes_the_same():
    graph = cr.capture(lambda x, y: (x - y, 1.0), 1.0, 1.0)
    a, b, c = (input_node(()) for _ in "abc")
    assert verify(graph.over((a, b, c))).run([5.0, 3.0, 0.0]) == [2.0, 1.0]


# Invariants: each broken once ---------------------------------------------------------------


NUMBER = Spec((), np.dtype(float))


def forged(op, inputs, spec=NUMBER):
    """A node that did not go through the door."""
    node = object.__new__(Node)
    for name, value in (("op", op), ("inputs", inputs), ("spec", spec), ("line", None)):
        object.__setattr__(node, name, value)
    return node


class OutOfOrder(Graph):
    """A graph whose order was tampered with."""

    @property
    def order(self):
        return tuple(order(self.outputs))[::-1]


def broken_graphs(x):
    y, w = input_node((), float, "y"), np.ones(())
    s = cr.sin(x)
    return {
        "operands come before": OutOfOrder((x,), (s,)),
        "a leaf is an input": Graph((x,), (s + y,)),
        "the inputs are distinct: twice": Graph((x, x), (s,)),
        "the inputs are distinct: no input": Graph((x, s), (cr.sin(s),)),
        "no node holds an array": Graph((x, c := Node(Captured(w))), (x + c,)),
        "shape and dtype": Graph((x,), (forged(Sin(), (x,), Spec((3,), np.dtype(float))),)),
        "equal computations": Graph((x,), (s, forged(Sin(), (x,)))),
    }


INVARIANTS = [
    "operands come before", "a leaf is an input", "the inputs are distinct: twice",
    "the inputs are distinct: no input", "no node holds an array", "shape and dtype",
    "equal computations",
]  # fmt: skip


@pytest.mark.parametrize("invariant", INVARIANTS)
def test_a_broken_invariant_is_caught_and_named(invariant, x):
    graph = broken_graphs(x)[invariant]
    words = (
        "the inputs are distinct|no node holds"
        if "holds" in invariant
        else (invariant.partition(":")[0])
    )
    with pytest.raises(GraphError, match=f"broken: ({words})"):
        verify(graph)


def test_every_invariant_has_a_graph_that_breaks_it():
    from chainrule.graph.invariants import INVARIANTS as RULES

    for rule, _ in RULES:
        assert any(rule.startswith(name.partition(":")[0]) for name in INVARIANTS)


def test_the_no_numbers_rule_by_itself(x):
    from chainrule.graph.invariants import INVARIANTS as RULES

    rule = dict(RULES)["no node holds an array"]
    held = Node(Captured(np.ones(())))
    assert list(rule(Graph((x,), (x + held,)))) == [held]
