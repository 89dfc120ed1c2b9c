"""The finite sentinel: what it names, where it looks, and that it leaves everything else alone."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn


def forward(f):
    """`f` of two values, under observation."""
    with cr.finite():
        return f(cr.tensor([1.0, 0.0], name="p"), cr.tensor([[1e300, -2.0]], name="q"))


FORWARD = {
    "log": (lambda p, q: cr.log(p), r"log: made -Inf at \[1\], 1 of 2.*p .* \(2,\) from 0 to 1"),
    "divide": (lambda p, q: 1 / p, r"divide: made Inf at \[1\]"),
    "0/0": (lambda p, q: p / p, r"divide: made NaN at \[1\]"),
    "sqrt": (lambda p, q: cr.sqrt(q), r"sqrt: made NaN at \[0, 1\].*q .* from -2 to 1e\+300"),
    "exp": (lambda p, q: cr.exp(q), r"exp: made Inf at \[0, 0\]"),
    "square": (lambda p, q: q * q, r"multiply: made Inf at \[0, 0\], 1 of 2"),
    "matmul": (lambda p, q: q @ cr.tensor([[1e300], [0.0]]), r"matmul: made Inf at \[0, 0\]"),
    "sum": (lambda p, q: cr.sum(p / 3e-309), "divide: made Inf"),
    "a number": (lambda p, q: cr.log(p[1]), "log: made -Inf; the operands"),
    "the first of two": (lambda p, q: cr.sqrt(q) + cr.log(p), "sqrt: made NaN"),
    "where, masked later": (lambda p, q: cr.where(p > 0, cr.log(p), 0.0), "log: made -Inf"),
    "a mask of -inf": (
        lambda p, q: cr.softmax(cr.where(p > 0, p, -np.inf)), r"where: an operand .* was -Inf alr",
    ),
    "a bool operand": (
        lambda p, q: cr.where(p > 0, q, 1.0) * 1e10, r"multiply: made Inf.*where float64 \(1, 2\)",
    ),
    "float32": (lambda p, q: cr.astype(q, np.float32), r"cast: made Inf at \[0, 0\]"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORWARD)
def test_the_op_that_made_it_is_named_with_its_operands(name):
    call, words = FORWARD[name]
    with pytest.raises(cr.NotFiniteError, match=f"(?s){words}") as caught:
        forward(call)
    assert f"made at test_finite.py:{call.__code__.co_firstlineno} " in str(caught.value)


BACKWARD = {
    "sqrt at 0": (lambda v: cr.sum(cr.sqrt(v * 1.0)), r"sqrt: gave Inf at \[1\].*back to multiply"),
    "log near 0": (lambda v: cr.sum(cr.log(v + 1e-310)), r"log: gave Inf at \[1\].*back to add"),
    "a power": (lambda v: cr.sum((v * 2) ** 0.5), r"pow: gave Inf at \[1\]"),
    "a product of large ones": (
        lambda v: cr.sum(cr.sin(v * 1e200) * 1e200), r"multiply: gave -?Inf at .*back to",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BACKWARD)
def test_the_op_that_gave_a_bad_gradient_is_named(name):
    call, words = BACKWARD[name]
    with pytest.raises(cr.NotFiniteError, match=f"(?s){words}") as caught, cr.finite():
        cr.grad(call)(np.array([1.0, 0.0]))
    assert f"made at test_finite.py:{call.__code__.co_firstlineno} " in str(caught.value)


@pytest.mark.parametrize("name", BACKWARD)
def test_it_is_named_in_backward_too(name):
    call, words = BACKWARD[name]
    x = cr.tensor([1.0, 0.0])
    y = call(x)
    with pytest.raises(cr.NotFiniteError, match=f"(?s){words}"), cr.finite():
        y.backward()


def test_a_bad_tangent_is_named():
    with pytest.raises(cr.NotFiniteError, match=r"sqrt: gave Inf at \[1\].*as its tangent"):  # noqa: SIM117
        with cr.finite():
            cr.jvp(cr.sqrt, (np.array([1.0, 0.0]),), (np.ones(2),))


def test_a_bad_upstream_gradient_is_said_to_have_been_handed_in():
    y = cr.tensor([1.0, 2.0]) * 2
    with pytest.raises(cr.NotFiniteError, match=r"upstream gradient handed to multiply is NaN"):  # noqa: SIM117
        with cr.finite():
            y.backward(np.array([1.0, np.nan]))


GIVEN = {
    "a named tensor": (lambda: cr.tensor([1.0, np.nan], name="data") * 2, r"data of shape \(2,\)"),
    "a tensor": (lambda: cr.sin(cr.tensor([np.inf])), "an operand .* was Inf at"),
    "an array": (lambda: cr.tensor([1.0]) + np.array([np.nan]), "an operand .* was NaN"),
    "under grad": (lambda: cr.grad(lambda v: cr.sum(v * 2))(np.array([np.nan])), "was NaN"),
    "data of a network": (lambda: nn.Linear(2, 1)(np.full((1, 2), np.nan)), r"linear: .*\(1, 2\)"),
}


@pytest.mark.parametrize("name", GIVEN)
def test_what_was_bad_before_is_named_as_such(name):
    call, words = GIVEN[name]
    with pytest.raises(cr.NotFiniteError, match=f"{words}.*already") as caught, cr.finite():
        call()
    assert "made at test_finite.py" in str(caught.value)


def test_what_went_bad_before_the_watch_began_is_named_with_its_own_line():
    with np.errstate(all="ignore"):
        bad = cr.log(cr.tensor([0.0]))
    with pytest.raises(cr.NotFiniteError, match=r"log of shape .* was -Inf") as caught, cr.finite():
        bad * 2
    assert "bad = cr.log(" in str(caught.value)


BODIES = {
    "scan": (
        lambda v: cr.scan(lambda c, t: (c * t, cr.log(c)), v, np.array([1.0, 0.5, 0.0, 1.0]))[1],
        "log: made -Inf in step 3 of scan",
    ),
    "scan backwards": (
        lambda v: cr.scan(lambda c, t: (c, cr.log(t * c)), v, np.ones(3) * [0, 1, 1], reverse=True),
        "log: made -Inf in step 0 of scan",
    ),
    "checkpoint": (lambda v: cr.checkpoint(lambda u: cr.log(u - u))(v), "made -Inf in the inside"),
    "cond": (
        lambda v: cr.cond(v > 0, lambda u: cr.log(u * 0), cr.sin, v), "made -Inf in the branch",
    ),
    "a checkpoint in a scan": (
        lambda v: cr.scan(
            lambda c, t: (cr.checkpoint(lambda u: cr.log(u * 0))(c), t), v, np.ones(2)
        ), "log: made -Inf in the inside",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_the_inside_of_loops_and_checkpoints_is_looked_into(name):
    call, words = BODIES[name]
    with pytest.raises(cr.NotFiniteError, match=f"(?s){words}") as caught, cr.finite():
        call(cr.tensor(1.0))
    assert "made at test_finite.py" in str(caught.value)
    assert "cr.log(" in str(caught.value)


def test_the_gradient_of_a_loop_is_watched():
    def f(v):
        return cr.scan(lambda c, t: (cr.sqrt(c * t), c), v, np.array([1.0, 0.0]))[0]

    with pytest.raises(cr.NotFiniteError, match="scan: gave"), cr.finite():
        cr.grad(f)(4.0)


def test_the_gradient_of_a_gradient_is_watched():
    with pytest.raises(cr.NotFiniteError, match=r"NaN|Inf"), cr.finite():
        cr.grad(cr.grad(lambda v: cr.sqrt(v) ** 3))(0.0)


def test_training_that_diverges_is_caught_at_its_first_bad_op():
    model = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 1))
    X = np.linspace(-1, 1, 16)[:, None]
    with pytest.raises(cr.NotFiniteError, match=r"made (NaN|-?Inf)|gave"), cr.finite():
        cr.fit(model, X, X, optimizer=cr.optim.SGD(1e20), epochs=5)


# ------------------------------------------------------------------ it leaves alone


def test_what_is_finite_has_the_same_bits_under_watch():
    def loss(v):
        return cr.sum(cr.scan(lambda c, t: (cr.tanh(c * t), cr.exp(c)), v, np.ones(3))[1])

    free = cr.value_and_grad(loss)(0.3)
    with cr.finite():
        watched = cr.value_and_grad(loss)(0.3)
    assert watched == free


def test_integers_and_bools_are_never_bad():
    with cr.finite():
        assert (cr.asarray([1, 2]) // 2).value.tolist() == [0, 1]
        assert (cr.tensor([1.0]) > 0).value.tolist() == [True]


@pytest.mark.parametrize("state", ["warn", "ignore", "raise"])
def test_numpy_s_error_state_is_what_it_was_before(state):
    with np.errstate(all=state):
        before = np.geterr()
        with cr.finite():
            pass
        with pytest.raises(cr.NotFiniteError), cr.finite():
            cr.log(cr.tensor(0.0))
        assert np.geterr() == before


def test_outside_nothing_is_watched():
    with cr.finite():
        pass
    with np.errstate(all="ignore"):
        assert cr.log(cr.tensor(0.0)).item() == -np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            cr.log(cr.tensor(0.0))


def test_watches_nest_and_the_outer_one_goes_on():
    with cr.finite():
        with pytest.raises(cr.NotFiniteError), cr.finite():
            cr.log(cr.tensor(0.0))
        with pytest.raises(cr.NotFiniteError):
            cr.log(cr.tensor(0.0))


def test_another_error_passes_through_and_ends_the_watch():
    with pytest.raises(KeyError), cr.finite():
        raise KeyError("mine")
    with np.errstate(all="ignore"):
        cr.log(cr.tensor(0.0))


def test_it_can_watch_a_function():
    @cr.finite()
    def f(v):
        return cr.log(v)

    assert f(cr.tensor(1.0)).item() == 0.0
    with pytest.raises(cr.NotFiniteError):
        f(cr.tensor(0.0))
