"""Probes: statistics of what lies inside, by NumPy and by machine code, forward and backward."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.read.native.program import Steps
from chainrule.transform import probe, probed
from chainrule.transform.probe import STATISTICS, _Look

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4))
W, V = RNG.normal(size=(4, 6)) * 2, RNG.normal(size=(6, 3))
BY_NUMPY = {
    "norm": lambda x: np.sqrt(np.sum(x * x)),
    "mean": np.mean,
    "zero": lambda x: np.mean(x == 0),
    "min": np.min,
    "max": np.max,
    "finite": lambda x: bool(np.isfinite(x).all()),
}
WAYS = {
    "eagerly": lambda f, *args: probed(f)(*args),
    "compiled": lambda f, *args: _compiled(f, *args),
    "compiled as a function": lambda f, *args: cr.compile(probed(f))(*args),
}


def _compiled(f, *args):
    made = cr.compile(f, probes=tuple(STATISTICS))
    for _ in range(3):  # the last one through a door, where there are any
        out = made(*args)
    return out, made.probed


def agrees(told, x, also=()):
    x = np.asarray(x)
    assert set(told) == {*BY_NUMPY, *also}
    for name, rule in BY_NUMPY.items():
        np.testing.assert_allclose(told[name], rule(x), rtol=1e-12, err_msg=name)


def network(w, v, x):
    h = probe(cr.tanh(probe(x @ w, "z")), "h")
    return cr.sum(cr.relu(probe(h @ v, "y")) ** 2)


@pytest.mark.parametrize("way", WAYS)
def test_statistics_are_those_of_the_values(way):
    out, told = WAYS[way](network, W, V, X)
    z = X @ W
    h = np.tanh(z)
    np.testing.assert_allclose(out, network(W, V, X), rtol=1e-12)
    agrees(told["z"], z)
    agrees(told["h"], h, ["saturated"])
    agrees(told["y"], h @ V)
    np.testing.assert_allclose(told["h"]["saturated"], np.mean(1 - h * h < 0.05))
    assert 0 < told["h"]["saturated"] < 1


@pytest.mark.parametrize("way", WAYS)
def test_gradients_of_probes_go_by_a_name_of_their_own(way):
    def step(w, v, x):
        w, v = probe(w, "w"), probe(v, "v")
        return network(w, v, x)

    (dw, dv), told = WAYS[way](cr.grad(step, (0, 1)), W, V, X)
    want = cr.grad(network, (0, 1))(W, V, X)
    for a, b in zip((dw, dv), want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    agrees(told["w.grad"], want[0])
    agrees(told["v.grad"], want[1])
    h = np.tanh(X @ W)
    agrees(told["y.grad"], 2 * np.maximum(h @ V, 0))
    assert set(told) == {n + g for n in ("w", "v", "z", "h", "y") for g in ("", ".grad")}


def rows(w, xs):
    def body(c, x):
        c = probe(cr.tanh(probe(c, "c") @ w + x), "h")
        return c, cr.sum(c)

    return cr.scan(body, np.zeros(4), xs)


@pytest.mark.parametrize("way", WAYS)
def test_in_a_scan_there_is_a_row_for_each_step(way):
    w, xs = W[:, :4] * 0.3, X
    (last, ys), told = WAYS[way](rows, w, xs)
    c, states = np.zeros(4), []
    for x in xs:
        c = np.tanh(c @ w + x)
        states.append(c)
    np.testing.assert_allclose(last, c, rtol=1e-12)
    np.testing.assert_allclose(ys, np.sum(states, axis=1), rtol=1e-12)
    np.testing.assert_allclose(told["h"]["norm"], np.linalg.norm(states, axis=1), rtol=1e-12)
    np.testing.assert_allclose(told["c"]["norm"][1:], told["h"]["norm"][:-1], rtol=1e-12)
    assert told["h"]["finite"].tolist() == [True] * 5


@pytest.mark.parametrize("way", WAYS)
def test_back_through_a_scan_there_is_a_row_for_each_step_too(way):
    w, xs = W[:, :4] * 0.3, X
    loss = lambda w, xs: cr.sum(rows(w, xs)[1])  # noqa: E731
    dw, told = WAYS[way](cr.grad(loss), w, xs)
    np.testing.assert_allclose(dw, cr.grad(loss)(w, xs), rtol=1e-10)
    assert set(told) == {"c", "h", "c.grad", "h.grad"}  # what is computed once more counts once
    _, tags = _Look({"*": ("norm",)}).at(cr.capture(cr.grad(loss), w, xs))
    assert len(tags) == len(set(tags)) == 4
    states = [np.zeros(4)]
    for x in xs:
        states.append(np.tanh(states[-1] @ w + x))
    norms, carried = [], np.zeros(4)
    for h in reversed(states[1:]):
        g = carried + 1.0
        norms.append(np.linalg.norm(g))
        carried = (g * (1 - h * h)) @ w.T
    np.testing.assert_allclose(told["h.grad"]["norm"], norms[::-1], rtol=1e-10)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_computed_again_counts_once(way):
    f = cr.grad(lambda x: cr.sum(cr.checkpoint(lambda x: probe(cr.exp(x), "e") ** 2)(x)))
    out, told = WAYS[way](f, X)
    np.testing.assert_allclose(out, 2 * np.exp(2 * X), rtol=1e-12)
    assert set(told) == {"e", "e.grad"}
    agrees(told["e"], np.exp(X))
    agrees(told["e.grad"], 2 * np.exp(X))


def test_two_probes_of_one_name_are_numbered():
    _, told = probed(lambda x: probe(probe(x, "x") + 1, "x"), "mean")(X)
    np.testing.assert_allclose([told["x"]["mean"], told["x 2"]["mean"]], [X.mean(), X.mean() + 1])


def test_what_nobody_reads_and_what_is_in_a_branch_is_not_looked_at():
    def f(x):
        probe(x * 2, "unread")
        return cr.cond(x[0] > 0, lambda x: probe(x, "branch") * 2, lambda x: x, x)

    out, told = probed(f)(np.array([1.0, 2.0]))
    assert (out.tolist(), told) == ([2.0, 4.0], {})


def test_patterns_say_what_is_asked_of_whom():
    _, told = probed(cr.grad(network), {"*.grad": "norm", "h": ("zero", "max")})(W, V, X)
    found = {k: set(v) for k, v in told.items()}
    assert found == {
        "h": {"zero", "max"}, "z.grad": {"norm"}, "h.grad": {"norm"}, "y.grad": {"norm"},
    }  # fmt: skip


def test_second_derivatives_and_tangents_have_statistics():
    square = lambda x: cr.sum(probe(x, "x") ** 3)  # noqa: E731
    out, told = probed(lambda x: cr.jvp(cr.grad(square), (x,), (np.ones(2),)), "max")(X[0, :2])
    np.testing.assert_allclose(out[1], 6 * X[0, :2], rtol=1e-12)
    np.testing.assert_allclose(told["x.grad"]["max"], max(3 * X[0, :2] ** 2), rtol=1e-12)


def test_statistics_can_be_differentiated():
    f = lambda x: probed(lambda x: probe(x * 2, "y"), "norm")(x)[1]["y"]["norm"]  # noqa: E731
    np.testing.assert_allclose(cr.grad(f)(X), 2 * X / np.linalg.norm(X), rtol=1e-12)
    x = cr.tensor(X)
    f(x).backward()
    np.testing.assert_allclose(x.grad, 2 * X / np.linalg.norm(X), rtol=1e-12)


@pytest.mark.parametrize("kind", ["f4", "i8", "b1"])
def test_any_numbers_can_be_probed(kind):
    x = (X * 3).astype(kind)
    told = probed(lambda x: probe(x, "x"), ("zero", "max", "finite"))(x)[1]["x"]
    np.testing.assert_allclose(told["zero"], np.mean(x == 0), rtol=1e-6)
    assert (told["max"], told["finite"]) == (x.max(), True)


def test_what_is_not_finite_is_seen():
    x = np.array([1.0, np.nan, np.inf])
    step = cr.compile(lambda x: probe(x, "x") * 2, probes="finite")
    step(x)
    assert step.probed == {"x": {"finite": False}}
    step(np.ones(3))
    assert step.probed == {"x": {"finite": True}}


@pytest.mark.parametrize("x", [X, cr.tensor(X), 2.0])
def test_elsewhere_a_probe_is_what_it_looks_at(x):
    assert probe(x, "x") is x
    got = cr.compile(lambda x: cr.sum(probe(cr.asarray(x), "x") * 2))(x)
    np.testing.assert_allclose(np.asarray(got), 2 * np.sum(np.asarray(x)))


def test_a_model_and_settings_go_through():
    model = cr.nn.Sequential(cr.nn.Linear(4, 2), cr.nn.Tanh(), seed=0)
    f = lambda model, x, *, scale, flag: (probe(model(x), "y") * scale, flag)  # noqa: E731
    (y, flag), told = probed(f, "mean")(model, X.astype("f4"), scale=2.0, flag="yes")
    assert flag == "yes"
    np.testing.assert_allclose(np.asarray(y), 2 * np.asarray(model(X.astype("f4"))), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(told["y"]["mean"]) * 2, np.mean(np.asarray(y)), rtol=1e-5)


MISTAKES = {
    "a statistic": lambda: cr.compile(network, probes=("norm", "median")),
    "a pattern's": lambda: probed(network, {"h": ["variance"]}),
    "a name": lambda: cr.compile(network, probes={"hh": "norm"})(W, V, X),
    "a gradient that nobody takes": lambda: probed(network, {"h.grad": "norm"})(W, V, X),
    "no name": lambda: probe(X, ""),
    "a number as a name": lambda: probe(X, 3),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_said_in_words(name):
    with pytest.raises(cr.UsageError, match="probe"):
        MISTAKES[name]()


def test_norms_of_gradients_are_made_by_the_loops_that_make_the_gradients():
    pytest.importorskip("llvmlite")
    x, t = RNG.normal(size=(64, 64)).astype("f4"), RNG.normal(size=(64, 10)).astype("f4")
    start = [RNG.normal(size=s).astype("f4") * 0.1 for s in ((64, 128), (128, 64), (64, 10))]

    def loss(params, x, t):
        for k, w in enumerate(params):
            x = cr.tanh(x @ probe(w, f"w{k}"))
        return cr.mean((x - t) ** 2)

    def step(params, batch):
        value, gradients = cr.value_and_grad(loss)(params, *batch)
        return [w - 0.1 * g for w, g in zip(params, gradients, strict=True)], value

    def steps(params, x, t):
        return cr.scan(step, params, (x, t))

    def kernels(f):
        f(start, x[None], t[None])
        (scan,) = (k for k in next(iter(f.versions.values())).run.program.kernels
                   if isinstance(k, Steps))  # fmt: skip
        return [k for k in scan.body.kernels if np.prod(k.shape) >= 640]

    plain = cr.compile(steps, threads=1)
    probing = cr.compile(steps, probes={"*.grad": "norm"}, threads=1)
    assert len(kernels(probing)) == len(kernels(plain))  # beside them only sums of sums, and roots
    (dw, *_) = cr.grad(loss)(start, x, t)
    np.testing.assert_allclose(probing.probed["w0.grad"]["norm"], [np.linalg.norm(dw)], rtol=1e-5)
