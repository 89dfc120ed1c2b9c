"""The chain rule by its users: transforms, nested in every way, over trees, loops and branches."""

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule.graph import capture, input_node
from chainrule.graph.errors import (
    DTypeError,
    PathError,
    ScalarError,
    ShapeError,
    TracingError,
    UsageError,
)  # fmt: skip
from chainrule.study import check_grads

RNG = np.random.default_rng(3)
A, V = RNG.normal(size=(3, 3)), RNG.normal(size=3)


# Derivatives of derivatives ----------------------------------------------------------------


T = np.tanh(0.5)
OF_TANH = [T, 1 - T**2, -2 * T * (1 - T**2), (1 - T**2) * (6 * T**2 - 2)]


@pytest.mark.parametrize("order", range(4))
def test_derivatives_of_tanh_to_third_order_are_exact(order):
    expected = OF_TANH[order]
    f = cr.tanh
    for _ in range(order):
        f = cr.grad(f)
    assert float(f(np.float64(0.5))) == pytest.approx(expected, rel=1e-14)


def test_the_ninth_derivative_of_exp_is_exp():
    f = cr.exp
    for _ in range(9):
        f = cr.grad(f)
    assert float(f(0.3)) == pytest.approx(np.exp(0.3), rel=1e-14)


def quadratic(x):
    return 0.5 * cr.sum(x * (A @ x))


def test_gradient_jacobian_and_hessian_of_a_quadratic():
    symmetric = (A + A.T) / 2
    np.testing.assert_allclose(cr.grad(quadratic)(V), symmetric @ V)
    np.testing.assert_allclose(cr.hessian(quadratic)(V), symmetric, atol=1e-15)
    np.testing.assert_allclose(cr.jacobian(lambda x: A @ x)(V), A)
    np.testing.assert_allclose(cr.hvp(quadratic, (V,), V[::-1]), symmetric @ V[::-1])


def deep(x):
    return cr.sum(cr.tanh(A @ cr.sin(x)) ** 2) * cr.prod(x)


TWICE = {
    "grad of grad": lambda f, x, v: cr.grad(lambda x: cr.sum(v * cr.grad(f)(x)))(x),
    "jvp of grad": lambda f, x, v: cr.jvp(cr.grad(f), (x,), (v,))[1],
    "grad of jvp": lambda f, x, v: cr.grad(lambda x: cr.jvp(f, (x,), (v,))[1])(x),
    "hvp": lambda f, x, v: cr.hvp(f, (x,), v),
    "vjp of grad": lambda f, x, v: cr.vjp(cr.grad(f), x)[1](v)[0],
    "jacobian of grad": lambda f, x, v: cr.jacobian(cr.grad(f))(x) @ v,
    "hessian": lambda f, x, v: cr.hessian(f)(x) @ v,
    "grad of vjp": lambda f, x, v: cr.grad(
        lambda x: cr.sum(v * cr.vjp(f, x)[1](np.float64(1.0))[0])
    )(x),
    "jvp of jacobian": lambda f, x, v: cr.jvp(cr.jacobian(f), (x,), (v,))[1],
    "grad of a checkpoint's grad": lambda f, x, v: cr.grad(
        lambda x: cr.sum(v * cr.grad(cr.checkpoint(f))(x))
    )(x),
}  # fmt: skip


@pytest.mark.parametrize("way", TWICE)
def test_every_way_to_the_second_derivative_gives_the_same(way):
    expected = numeric_hessian(deep, V) @ V[::-1]
    np.testing.assert_allclose(TWICE[way](deep, V, V[::-1]), expected, rtol=1e-7)


def numeric_hessian(f, x, h=1e-5):
    g = cr.grad(f)
    rows = [(g(x + h * e) - g(x - h * e)) / (2 * h) for e in np.eye(len(x))]
    return np.array(rows)


def test_forward_over_forward():
    first = lambda x: cr.jvp(cr.sin, (x,), (1.0,))[1]  # noqa: E731
    assert float(cr.jvp(first, (0.5,), (1.0,))[1]) == pytest.approx(-np.sin(0.5))


# Perturbation confusion: derivatives nested inside one another ------------------------------

CONFUSING = {
    "d/dx x · d/dy (x + y) = 1": (lambda x: x * cr.grad(lambda y: x + y)(2.0), 1.0),
    "d/dx x · d/dy (x · y) = 2x": (lambda x: x * cr.grad(lambda y: x * y)(2.0), 6.0),
    "d/dx d/dy (x² y) = 2x": (lambda x: cr.grad(lambda y: x * x * y)(5.0), 6.0),
    "d/dx d/dy y² at y = x": (lambda x: cr.grad(lambda y: y * y)(x), 2.0),
    "d/dx d/dy (x y) at y = x": (lambda x: cr.grad(lambda y: x * y)(x), 1.0),
    "inner forward": (lambda x: x * cr.jvp(lambda y: x + y, (2.0,), (1.0,))[1], 1.0),
    "inner forward of a product": (lambda x: cr.jvp(lambda y: x * y, (x,), (1.0,))[1], 1.0),
    "three deep": (
        lambda x: cr.grad(lambda y: cr.grad(lambda z: x * y * z * z)(y))(x), 24.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CONFUSING)
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_nested_derivatives_are_not_confused(case, mode):
    f, expected = CONFUSING[case]
    found = cr.grad(f)(3.0) if mode == "reverse" else cr.jvp(f, (3.0,), (1.0,))[1]
    assert float(found) == pytest.approx(expected)


@pytest.mark.parametrize("case", CONFUSING)
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_nested_derivatives_are_not_confused_while_tracing(case, mode):
    f, expected = CONFUSING[case]
    outer = cr.grad(f) if mode == "reverse" else lambda x: cr.jvp(f, (x,), (1.0,))[1]
    graph, outside = capture(lambda x: [outer(x)], [input_node(())])
    assert graph.run([np.float64(3.0), *outside]) == [pytest.approx(expected)]


INSIDE = {
    "grad": lambda x: cr.grad(lambda y: x * cr.sin(y))(2.0),
    "grad of an array": lambda x: cr.sum(cr.grad(lambda y: cr.sum(x * cr.sin(y)))(np.array([2.0]))),
    "jvp": lambda x: cr.jvp(lambda y: x * cr.sin(y), (2.0,), (1.0,))[1],
    "vjp": lambda x: cr.vjp(lambda y: x * cr.sin(y), 2.0)[1](1.0)[0],
    "jacobian": lambda x: cr.jacobian(lambda y: x * cr.sin(y))(2.0),
}


@pytest.mark.parametrize("way", INSIDE)
def test_a_derivative_by_a_number_inside_a_trace_sees_the_trace(way):
    graph, outside = capture(lambda x: [INSIDE[way](x)], [input_node(())])
    assert graph.run([np.float64(3.0), *outside]) == [pytest.approx(3.0 * np.cos(2.0))]


def test_a_derivative_inside_a_loop_sees_the_loop():
    step = lambda c, x: (c + cr.grad(lambda y: c * x * y * y)(2.0), 0.0)  # noqa: E731
    f = lambda c: cr.scan(step, c, np.array([1.0, 2.0]))[0]  # noqa: E731
    assert f(1.0) == pytest.approx(5.0 * 9.0)
    assert cr.grad(f)(1.0) == pytest.approx(5.0 * 9.0)


# Loops, branches, recomputation against what they stand for ----------------------------------

XS = RNG.normal(size=(4, 3))


def looped(w, h, xs):
    def step(h, x):
        h = cr.tanh(w @ h + x)
        return h, cr.sum(h) * x

    last, ys = cr.scan(step, h, xs)
    return cr.sum(last**2) + cr.sum(ys**2)


def unrolled(w, h, xs):
    total = 0.0
    for t in range(4):
        h = cr.tanh(w @ h + xs[t])
        total = total + cr.sum((cr.sum(h) * xs[t]) ** 2)
    return cr.sum(h**2) + total


def branched(w, h, xs):
    return cr.cond(cr.sum(h) > 0, lambda h: cr.sum(cr.sin(w @ h)), lambda h: cr.sum(h * h), h)


def one_branch(w, h, xs):
    return cr.sum(cr.sin(w @ h)) if np.sum(H) > 0 else cr.sum(h * h)


H = np.abs(V)
PAIRS = {
    "scan": (looped, unrolled),
    "cond": (branched, one_branch),
    "checkpoint": (lambda *a: cr.checkpoint(unrolled)(*a), unrolled),
    "checkpoint inside": (
        lambda w, h, xs: cr.checkpoint(lambda h: unrolled(w, h, xs))(h), unrolled,
    ),
    "checkpoint of scan": (lambda *a: cr.checkpoint(looped)(*a), unrolled),
    "scan of checkpoint": (
        lambda w, h, xs: (lambda out: cr.sum(out[0] ** 2) + cr.sum(out[1] ** 2))(cr.scan(
            cr.checkpoint(lambda h, x: (lambda n: (n, cr.sum(n) * x))(cr.tanh(w @ h + x))), h, xs,
        )), unrolled,
    ),
    "scan in scan": (
        lambda w, h, xs: cr.scan(
            lambda c, x: (c + cr.scan(lambda d, y: (d * y + c, 0.0), c, xs[:, 0])[0], 0.0),
            cr.sum(h), cr.sum(w * w, axis=1),
        )[0],
        lambda w, h, xs: nested_by_hand(cr.sum(h), xs[:, 0]),
    ),
}  # fmt: skip


def nested_by_hand(c, ys):
    for _ in range(3):
        d = c
        for k in range(4):
            d = d * ys[k] + c
        c = c + d
    return c


@pytest.mark.parametrize("pair", PAIRS)
def test_a_body_is_what_it_stands_for(pair):
    op, plain = PAIRS[pair]
    args = (A, H, XS)
    np.testing.assert_allclose(op(*args), plain(*args))
    direction = tuple(np.cos(np.arange(a.size)).reshape(a.shape) for a in args)
    np.testing.assert_allclose(
        cr.jvp(op, args, direction)[1], cr.jvp(plain, args, direction)[1], rtol=1e-10
    )
    used = (0, 1, 2) if pair not in ("cond", "scan in scan") else (1,)
    for k in used:
        np.testing.assert_allclose(
            cr.grad(op, argnums=k)(*args), cr.grad(plain, argnums=k)(*args), rtol=1e-10
        )
        h = [
            cr.jvp(lambda x, f=f, k=k: cr.grad(f, argnums=k)(*args[:k], x, *args[k + 1 :]),
                   (args[k],), (direction[k],))[1]
            for f in (op, plain)
        ]  # fmt: skip
        np.testing.assert_allclose(*h, rtol=1e-9)
        r = [
            cr.grad(lambda x, f=f, k=k: cr.sum(
                direction[k] * cr.grad(f, argnums=k)(*args[:k], x, *args[k + 1 :])
            ))(args[k])
            for f in (op, plain)
        ]  # fmt: skip
        np.testing.assert_allclose(*r, rtol=1e-9)


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_is_right_to_second_order(reverse):
    def f(w, h, xs):
        return cr.scan(lambda h, x: (cr.tanh(w * h + x), h * x), h, xs, reverse=reverse)

    assert check_grads(f, (V, H, XS), order=2).ok


def test_scan_over_trees_with_integers_beside():
    def f(x):
        carry, ys = cr.scan(
            lambda c, i: (
                {"n": c["n"] + 1, "s": c["s"] + cr.take(x, i)},
                {"i": i, "s": c["s"] * cr.take(x, i)},
            ),
            {"n": np.int64(0), "s": np.float64(0.0)},
            np.array([2, 0, 2]),
        )
        return carry["s"] * 10.0 + cr.sum(ys["s"]) + carry["n"]

    def plain(x):
        s = [0.0, x[2], x[2] + x[0]]
        return (s[2] + x[2]) * 10.0 + s[1] * x[0] + s[2] * x[2] + 3

    assert float(f(V)) == pytest.approx(float(plain(V)))
    np.testing.assert_allclose(cr.grad(f)(V), cr.grad(plain)(V))
    np.testing.assert_allclose(cr.hessian(f)(V), cr.hessian(plain)(V))


def test_a_scan_of_no_steps_is_the_identity():
    f = lambda h: cr.scan(lambda h, x: (h * x, h), h, np.zeros((0,)))[0]  # noqa: E731
    assert cr.grad(f)(2.0) == 1.0


def test_a_traced_scan_runs_as_a_loop():
    graph = cr.capture(cr.grad(looped), A, H, XS)
    found = graph.run([A, H, XS])[0]
    np.testing.assert_allclose(found, cr.grad(unrolled)(A, H, XS))
    assert sum(str(n.op) == "scan" for n in graph.order) == 2


def test_the_branch_not_taken_is_not_computed():
    f = lambda x: cr.cond(x > 0, cr.log, lambda x: x * 2.0, x)  # noqa: E731
    assert (cr.grad(f)(4.0), cr.grad(f)(-4.0)) == (0.25, 2.0)


def test_stop_gradient_holds_in_both_modes_and_orders():
    f = lambda x: x * cr.stop_gradient(x * x)  # noqa: E731
    assert (cr.grad(f)(3.0), cr.jvp(f, (3.0,), (1.0,))[1]) == (9.0, 9.0)
    assert cr.grad(lambda x: cr.grad(f)(x) + x)(3.0) == pytest.approx(1.0)


# Trees ----------------------------------------------------------------------------------------


def test_gradients_have_the_structure_of_their_arguments():
    tree = {"layers": [(np.ones((2, 3)), np.zeros(2))], "scale": 2.0}

    def f(tree, x):
        ((w, b),) = tree["layers"]
        return tree["scale"] * cr.sum(w @ x + b)

    found = cr.grad(f)(tree, np.arange(3.0))
    assert set(found) == {"layers", "scale"}
    np.testing.assert_allclose(found["layers"][0][0], 2.0 * np.tile(np.arange(3.0), (2, 1)))
    np.testing.assert_allclose(found["layers"][0][1], [2.0, 2.0])
    assert found["scale"] == 6.0


def test_several_arguments_give_several_gradients():
    assert cr.grad(lambda a, b: a * a * b, argnums=(1, 0))(3.0, 5.0) == (9.0, 30.0)


def test_auxiliary_values_are_handed_through():
    value, (slope, aux) = (
        cr.value_and_grad(lambda x: x * x)(3.0)[0],
        cr.grad(lambda x: (x * x, {"seen": x}), has_aux=True)(3.0),
    )
    assert (value, slope, float(aux["seen"])) == (9.0, 6.0, 3.0)


def test_the_jacobian_of_trees_is_a_tree_of_trees():
    found = cr.jacobian(lambda t: {"p": t["a"] * t["b"], "s": cr.sum(t["a"]) * t["b"]})(
        {"a": np.array([1.0, 2.0]), "b": 3.0}
    )
    np.testing.assert_allclose(found["p"]["a"], 3.0 * np.eye(2))
    np.testing.assert_allclose(found["p"]["b"], [1.0, 2.0])
    np.testing.assert_allclose(found["s"]["a"], [3.0, 3.0])
    assert found["s"]["b"] == 3.0


def test_what_is_handed_in_comes_back():
    x, t = np.ones(2), cr.tensor(np.ones(2))
    f = lambda x: cr.sum(x * x)  # noqa: E731
    assert isinstance(cr.grad(f)(x), np.ndarray)
    assert isinstance(cr.grad(f)(t), cr.Tensor)
    assert isinstance(cr.vjp(cr.sin, t)[1](np.ones(2))[0], cr.Tensor)
    assert isinstance(cr.jvp(cr.sin, (t,), (np.ones(2),))[1], cr.Tensor)


def test_an_array_handed_in_is_not_changed():
    x = np.array([1.0, 2.0])
    x.flags.writeable = False
    cr.grad(lambda x: cr.sum(x * x))(x)
    cr.hessian(lambda x: cr.sum(x**3))(x)
    np.testing.assert_array_equal(x, [1.0, 2.0])


# Mistakes ----------------------------------------------------------------------------------


MISTAKES = {
    "not a scalar": (lambda: cr.grad(cr.sin)(V), ScalarError, "one number"),
    "an integer": (lambda: cr.grad(lambda x: x * x)(np.arange(3)), DTypeError, "only floats"),
    "not on the path": (lambda: cr.grad(lambda x, y: x * x, 1)(1.0, 2.0), PathError, "argument"),
    "stopped": (lambda: cr.grad(lambda x: cr.stop_gradient(x) * 1.0)(2.0), PathError,
                "path breaks at stop_gradient"),
    "an answer": (lambda: cr.grad(lambda x: cr.astype(x > 0, float))(2.0), PathError,
                  "breaks at greater"),
    "left the graph": (lambda: cr.grad(lambda x: float(x) ** 2)(2.0), PathError, "left the graph"),
    "no such argument": (lambda: cr.grad(cr.sin, 3)(2.0), UsageError, "argnums 3"),
    "tangent shape": (lambda: cr.jvp(cr.sin, (V,), (V[:2],)), ShapeError, "tangent has shape"),
    "tangent count": (lambda: cr.jvp(cr.sin, (V,), (V, V)), ShapeError, "one tangent for each"),
    "upstream shape": (lambda: cr.vjp(cr.sin, V)[1](V[:2]), ShapeError, "upstream gradient"),
    "carry shape": (lambda: cr.scan(lambda c, x: (c[:1], x), V, XS), ShapeError, "carry goes in"),
    "carry structure": (lambda: cr.scan(lambda c, x: ((c, c), x), V, XS), ShapeError, "structure"),
    "scan lengths": (lambda: cr.scan(lambda c, x: (c, c), V, (XS, XS[:2])), ShapeError, "leading"),
    "scan returns": (lambda: cr.scan(lambda c, x: c, V, XS), UsageError, r"\(carry, y\)"),
    "cond branches": (lambda: cr.cond(True, lambda x: x, lambda x: x[:1], V), ShapeError, "agree"),
    "if inside scan": (lambda: cr.scan(lambda c, x: (c if x > 0 else -c, c), 1.0, V), TracingError,
                       "cr.where"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_in_words(mistake):
    f, error, words = MISTAKES[mistake]
    with refused(error, words):
        f()
