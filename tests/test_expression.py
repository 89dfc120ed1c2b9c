"""Typed expressions: what they mean, and where a caret stands under a mistake."""

import json

import numpy as np
import pytest

import chainrule as cr
from chainrule.app.explanation import explain
from chainrule.app.table import as_json
from chainrule.graph.errors import ExpressionError
from chainrule.study.formula import FUNCTION_NAMES, assignment, evaluate

A, B = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[0.5, -1.0], [2.0, 0.25]])
X, Y = np.array([0.3, -0.7]), 1.5
VALUES = {"A": A, "B": B, "x": X, "y": Y}

MEANINGS = (
    ("2 + 3 * 4", 14.0),
    ("-y ** 2", -(Y**2)),
    ("2 ** -1", 0.5),
    ("7 // 2 + 7 % 4", 6.0),
    ("(y + 1) * (y - 1) / 2", (Y + 1) * (Y - 1) / 2),
    ("A @ x", A @ X),
    ("A.T @ B", A.T @ B),
    ("A[0, 1:] * B[1, -1]", A[0, 1:] * B[1, -1]),
    ("x[::-1]", X[::-1]),
    ("[[1, y], [2, 3]] @ x", np.array([[1, Y], [2, 3]]) @ X),
    ("sin(pi) + log(e)", np.sin(np.pi) + 1.0),
    ("sum(A, axis=0, keepdims=True)", A.sum(0, keepdims=True)),
    ("mean(B, axis=-1)", B.mean(-1)),
    ("where(x > 0, x, 10 * x)", np.where(X > 0, X, 10 * X)),
    ("reshape(A, (4,)) + reshape(B, [4])", A.ravel() + B.ravel()),
    ("stack([x, [1, 2]], axis=1)", np.stack([X, [1, 2]], axis=1)),
    ("concat([x, x])", np.concatenate([X, X])),
    ("einsum('ij,jk->ik', A, B)", A @ B),
    ("take(x, [1, 1, 0])", X[[1, 1, 0]]),
    ("slogdet(A)[1]", np.log(5.0)),
    ("clip(x, min=-0.5, max=0.2)", np.clip(X, -0.5, 0.2)),
    ("solve(A, x)", np.linalg.solve(A, X)),
    ("1e-3 * y", 1e-3 * Y),
    ("sum(outer(x, x))", np.outer(X, X).sum()),
)


@pytest.mark.parametrize(("text", "meaning"), MEANINGS, ids=[t for t, _ in MEANINGS])
def test_an_expression_means_what_numpy_says(text, meaning):
    values = {n: cr.tensor(v, name=n) for n, v in VALUES.items()}
    np.testing.assert_allclose(np.asarray(evaluate(text, values)), meaning, rtol=1e-14)


MISTAKES = (  # expression, what stands over the carets, a word of the message
    ("(x + y) * q", "q", "q has no value"),
    ("tahn(x)", "tahn", "did you mean tanh"),
    ("x + sn(x)", "sn", "there is no function"),
    ("A @ x @ A @ [1, 2, 3]", "@", "do not chain"),
    ("A + [1, 2, 3]", "+", "do not broadcast"),
    ("sum(x, axs=0)", "sum", "did you mean axis"),
    ("sum(x, axis=3)", "sum", "axis 3"),
    ("x[5]", "[5]", "5"),
    ("x[0.5]", "0.5", "whole number"),
    ("x ^ 2", "^", "write **"),
    ("2x", "2", "2*x"),
    ("(x + y", "(", "never closed"),
    ("x +", " ", "too early"),
    ("x if y else 2", "x if y else 2", "where(condition, a, b)"),
    ("x and y", "x and y", "logical_and"),
    ("x < y < 2", "x < y < 2", "chain of comparisons"),
    ("x.sum()", "x.sum", "by their name"),
    ("x.real", "x.real", "only .T"),
    ("lambda: 1", "lambda: 1", "not part of the language"),
    ("[i for i in x]", "[i for i in x]", "not part of the language"),
    ("{1: 2}", "{1: 2}", "not part of the language"),
    ("'text'", "'text'", "only numbers"),
    ("1j", "1j", "complex"),
    ("sin(x, y)", "sin", "takes 1 operand"),
    ("y(3)", "y", "not a function"),
    ("sin", "sin", "is a function"),
    ("slogdet(A) + 1", "+", "pick one"),
    ("éé + qqq", "éé", "no value"),
    ("é + qqq", "qqq", "no value"),
)


@pytest.mark.parametrize(("text", "marked", "said"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_shown_with_a_caret_under_it(text, marked, said):
    values = {n: cr.tensor(v, name=n) for n, v in VALUES.items()} | {"é": cr.tensor(1.0, name="é")}
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, values)
    lines = str(caught.value).split("\n")
    shown = lines.index(f"  {text}")
    carets = lines[shown + 1]
    start, end = carets.index("^"), carets.rindex("^") + 1
    assert (f"  {text} " + " ")[start:end] == marked
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "   ", "(" * 500 + ")" * 500, "x\0y", "1" * 5000])
def test_what_cannot_be_read_at_all_is_an_error_of_ours(text):
    with pytest.raises(ExpressionError):
        evaluate(text, {})


@pytest.mark.parametrize("text", ["x", "x=", "=2", "2x=1", "for=1", "x=[1, [2]]", "x=1 +", "x='a'"])
def test_a_value_that_is_not_written_as_one_is_an_error(text):
    with pytest.raises(ExpressionError):
        assignment(text)


def test_the_caret_of_a_value_stands_in_the_value():
    with pytest.raises(ExpressionError) as caught:
        assignment("x = 1 + q")
    assert str(caught.value).split("\n")[1:3] == ["  x = 1 + q", "          ^"]


def test_every_lower_case_function_of_the_namespace_is_known():
    assert {n for n in cr.ops.__all__ if n[0].islower()} == FUNCTION_NAMES


def test_the_worked_example_of_three_nodes():
    made = explain("(x + y) * z", ("x=-2", "y=5", "z=-4"))
    assert float(made.result) == -12.0
    assert {n: float(g) for n, g in made.gradients.items()} == {"x": -4.0, "y": -4.0, "z": 3.0}
    assert [s.operation for s in made.steps if s.operation != "given"] == ["x + y", "u1 * z"]
    product = made.steps[-1]
    assert [float(o.local) for o in product.operands] == [-4.0, 3.0]
    assert [float(o.downstream) for o in product.operands] == [-4.0, 3.0]


PARTS = (
    ("x * x + x", ("x=3",)),
    ("x ** x + exp(x)", ("x=0.3",)),  # the order in which three parts are added shows in the bits
    ("sum(softmax(x) * tanh(A @ x))", ("x=[0.3, -0.7]", "A=[[2, 1], [1, 3]]")),
    ("where(x > 0, sqrt(x), y) ", ("x=[4, -1]", "y=2")),
    ("slogdet(A)[1] * det(A) + sum(diagonal(inv(A)))", ("A=[[2, 1], [1, 3]]",)),
    ("max(x) * x[0] + logsumexp(x)", ("x=[1, 2, 2]",)),
)


@pytest.mark.parametrize(("text", "values"), PARTS, ids=[t for t, _ in PARTS])
def test_the_parts_of_an_upstream_gradient_add_up_to_it(text, values):
    steps = explain(text, values).steps
    sums = [(sum(g for _, g in s.parts), s.upstream) for s in steps if s.parts]
    assert sums
    np.testing.assert_allclose(
        np.concatenate([np.ravel(a) for a, b in sums if not isinstance(b, list)]),
        np.concatenate([np.ravel(b) for a, b in sums if not isinstance(b, list)]),
    )


@pytest.mark.parametrize(("text", "values"), PARTS, ids=[t for t, _ in PARTS])
def test_what_is_shown_is_the_gradient_that_backward_finds(text, values):
    tensors = dict(assignment(v) for v in values)
    cr.sum(evaluate(text, tensors)).backward()
    shown = explain(text, values).gradients
    np.testing.assert_array_equal(
        np.concatenate([np.ravel(shown[n]) for n in tensors]),
        np.concatenate([np.ravel(t.grad) for t in tensors.values()]),
    )


def test_the_branch_not_taken_shows_no_nan():
    made = explain("sum(where(x > 0, sqrt(x), 0))", ("x=[4, -1]",))
    np.testing.assert_array_equal(made.gradients["x"], [0.25, 0.0])


def test_a_result_of_several_numbers_is_summed_and_said():
    made = explain("x ** 2", ("x=[1, 2]",))
    assert made.steps[-1].operation == "sum(u1)"
    assert "not one number" in made.notes[0]


def test_the_first_value_that_is_not_finite_is_named():
    assert "not finite: log(x) is -inf" in explain("1 + log(x)", ("x=0",)).notes


def test_a_variable_that_is_not_used_or_not_reached_is_said():
    notes = explain("floor(x) * y", ("x=2.5", "y=1", "w=3")).notes
    assert "w is given, but the expression does not use it" in notes
    assert "the result does not change with x: no gradient reaches it" in notes


def test_steps_have_names_that_no_variable_has():
    assert {s.name for s in explain("u1 * 2 + u1", ("u1=3",)).steps} == {"u1", "u2", "u3"}


def test_json_holds_the_same_numbers_and_is_strict():
    told = json.loads(as_json(explain("log(x) * y", ("x=0", "y=2"))), parse_constant=pytest.fail)
    assert told["result"] == "-inf"
    assert told["gradients"] == {"x": "inf", "y": "-inf"}
