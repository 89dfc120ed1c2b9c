"""The three ways to a derivative, and the three claims that seed 1 makes about them."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from click.testing import CliRunner
from messages import refused

import chainrule as cr
from chainrule.app.cli import main

FUNCTIONS = {
    "sin(x²)": (lambda x: cr.sin(x**2), (1.5,), [3 * np.cos(2.25)]),
    "(x + y) z": (lambda x, y, z: (x + y) * z, (-2.0, 5.0, -4.0), [-4.0, -4.0, 3.0]),
    "dot": (lambda a, b: cr.sum(a * b), (np.array([1.0, 2.0]), np.array([3.0, 4.0])),
            [3.0, 4.0, 1.0, 2.0]),
    "layer": (lambda w, x: cr.sum(cr.tanh(w @ x)), (np.array([[1.0, 0.5]]), np.array([0.3, 0.2])),
              [0.3 / np.cosh(0.4) ** 2, 0.2 / np.cosh(0.4) ** 2,
               1.0 / np.cosh(0.4) ** 2, 0.5 / np.cosh(0.4) ** 2]),
}  # fmt: skip
ERRORS = {"backprop": 1e-14, "central": 1e-8, "richardson": 1e-9, "complex step": 1e-14,
          "symbolic": 1e-13}  # fmt: skip


@pytest.mark.parametrize("method", ERRORS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_method_finds_the_gradient(name, method):
    if method == "symbolic":
        pytest.importorskip("sympy")
    f, args, expected = FUNCTIONS[name]
    found = cr.compare(f, *args)[method]
    size = np.max(np.abs(expected))
    np.testing.assert_allclose(found.gradient, expected, rtol=0, atol=ERRORS[method] * size)
    assert found.error <= ERRORS[method]


@pytest.fixture(scope="module")
def square_sine():
    return cr.compare(lambda x: cr.sin(x**2), 1.5)


def test_the_numerical_error_falls_and_then_rises_again_with_h(square_sine):
    errors = [r.central for r in square_sine.errors]
    best = int(np.argmin(errors))
    assert 0 < best < len(errors) - 1
    assert errors[0] > 1e3 * errors[best]
    assert errors[-1] > 1e3 * errors[best]


def test_the_complex_step_has_no_rounding_to_fear(square_sine):
    assert square_sine.errors[-1].complex_step < 1e-14


def test_richardson_is_better_while_the_step_is_large(square_sine):
    assert all(r.richardson < 0.1 * r.central for r in square_sine.errors[:3])


def test_differences_take_two_passes_for_each_input_and_backpropagation_one():
    found = cr.compare(lambda a: cr.sum(cr.square(a)), np.arange(1.0, 8.0))
    assert (found["central"].passes, found["backprop"].passes) == (14, 1)
    backprop, numerical = ([getattr(s, k) for s in found.growth] for k in ("backprop", "numerical"))
    assert numerical[-1] / numerical[0] > 20  # five times the inputs: by their square
    assert backprop[-1] / backprop[0] < 6


def test_algebra_without_sharing_outgrows_the_others_and_with_sharing_does_not(square_sine):
    pytest.importorskip("sympy")
    by_size = square_sine.growth
    assert [s.symbolic for s in by_size] == [4, 12, 24, 40, 60]
    shared = np.diff([s.shared for s in by_size])
    assert shared.max() <= 5  # by the same few operations each time
    assert by_size[-1].symbolic > by_size[-1].numerical > by_size[-1].shared / 2


def test_an_op_without_complex_values_says_so():
    found = cr.compare(lambda x: cr.relu(x) * 2.0, 1.5)["complex step"]
    assert found.gradient is None
    assert "relu" in found.note


def test_without_sympy_the_rest_is_shown_and_the_command_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    found = cr.compare(lambda x: cr.sin(x), 1.0)
    assert 'pip install "chainrule[symbolic]"' in found["symbolic"].note
    assert found["central"].error < 1e-8
    assert "symbolic" in str(found)


MISTAKES = {
    "no function": (lambda: cr.compare(3.0, 1.0), cr.UsageError, "function"),
    "not one number": (lambda: cr.compare(lambda x: x * 2.0, [1.0, 2.0]), cr.ScalarError, "shape"),
    "no dependence": (lambda: cr.compare(lambda x: 3.0, 1.0), cr.PathError, "depend"),
    "a truth value": (lambda: cr.compare(lambda x: x > 0, 1.0), cr.DTypeError, "bool"),
    "no such method": (
        lambda: cr.compare(lambda x: x * x, 1.0)["magic"], cr.UsageError, "no method"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_said_in_words(name):
    wrong, kind, words = MISTAKES[name]
    with refused(kind, words):
        wrong()


COMMANDS = {
    "compare": (["compare", "sin(x**2)", "x=1.5"], ["backprop", "error against the step h"]),
    "arrays": (["compare", "sum(tanh(A @ x))", "A=[[1, 2], [3, 4]]", "x=[0.5, -0.2]"],
               ["the sum of so many terms"]),
    "paper": (["explain", "0.5*(1-sigmoid(w*x+b))**2", "w=2", "x=-1", "b=3", "--paper", "2"],
              ["= 0.73", "0.1971", "0.053217"]),
    "code": (["explain", "sin(x**2)", "x=1.5", "--code=python"], ["math.cos(u1)", "x_g"]),
    "code, numpy": (["explain", "sum(tanh(A @ x))", "A=[[1, 2]]", "x=[1, 2]", "--code"],
                    ["import numpy as np", "A_g"]),
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_prints(name):
    words, said = COMMANDS[name]
    found = CliRunner().invoke(main, words)
    assert found.exit_code == 0, found.output
    assert [x for x in said if x not in found.output] == []


REFUSED = {
    "no variable": ["compare", "2 + 3"],
    "an array": ["compare", "x * 2", "x=[1, 2]"],
    "json and paper": ["explain", "x * 2", "x=1", "--json", "--paper", "2"],
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_command_refuses(name):
    assert CliRunner().invoke(main, REFUSED[name]).exit_code == 2


def test_algebra_that_would_be_too_large_is_not_tried():
    def nested(w):
        h = np.array([0.5, 1.0, 2.0, -1.0]) * w
        for _ in range(3):
            h = cr.sin(cr.tanh(h) * w)
        return cr.sum(h**2)

    sizes = [row.symbolic for row in cr.compare(nested, 1.5).growth]
    assert sizes[0] is not None
    assert sizes[-1] is None
