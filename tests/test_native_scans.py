"""Recurrent layers as machine code: what is made once, what is made together, what is kept."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.read.native.passes.anew import Anew
from chainrule.read.native.pipeline import passed
from chainrule.read.native.program import Loop, Steps
from chainrule.transform import compile as machine

KINDS = ["RNN", "GRU", "LSTM"]
SHAPES = [(8, 16, 8, 20), (8, 8, 8, 20), (9, 16, 8, 12), (12, 20, 7, 12), (16, 40, 16, 8),
          (32, 24, 5, 8), (10, 7, 3, 9)]  # fmt: skip


@pytest.fixture(autouse=True)
def small_scans_count(monkeypatch):
    """What is done for long scans only, for these short ones too."""
    monkeypatch.setattr("chainrule.read.native.plan.scanned.WORTH_PARTS", 0)
    monkeypatch.setattr("chainrule.read.native.plan.scanned.FAR", 0)


def layer(kind, batch=8, hidden=16, inputs=8, steps=12, dtype=np.float32, **settings):
    made = getattr(cr.nn, kind)(inputs, hidden, seed=1, dtype=dtype, **settings)
    return made, np.random.default_rng(2).normal(size=(steps, batch, inputs)).astype(dtype)


def loss(m, x, lengths=None):
    return cr.mean(cr.square(m(x, lengths=lengths)[0]))


def run(compiled):
    return next(iter(compiled.versions.values())).run


def scans(compiled):
    return [k for k in run(compiled).program.kernels if isinstance(k, Steps)]


def bits(tree):
    return [np.asarray(x).tobytes() for x in cr.tree_leaves(tree)]


def agree(a, b, **bounds):
    for x, y in zip(cr.tree_leaves(a), cr.tree_leaves(b), strict=True):
        np.testing.assert_allclose(x, y, **{"rtol": 1e-9, "atol": 1e-12, **bounds})


# One text for every number of threads ------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_threads_changes_no_bit_of_a_layer_s_gradients(kind, shape):
    m, x = layer(kind, *shape)
    f = cr.value_and_grad(loss, (0, 1))
    alone, *others = (machine(f, threads=n) for n in (1, 2, 3))
    wanted = bits(alone(m, x))
    for other in others:
        assert bits(other(m, x)) == wanted
    assert {s.parts for s in scans(alone)} == {1}
    if shape[0] % 2 == 0:
        assert {s.parts for s in scans(others[0])} == {2}


# Weights laid out before the scan ----------------------------------------------------------------


@pytest.mark.parametrize("hidden", [40, 50, 64, 70])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_are_laid_out_once_before_the_scan_and_no_bit_changes(hidden, dtype):
    m, x = layer("LSTM", 24, hidden, dtype=dtype)
    f = cr.value_and_grad(loss)
    laid, plain = machine(f), machine(f, without="panels")
    assert bits(laid(m, x)) == bits(plain(m, x))
    fore, _ = scans(laid)
    assert len(fore.body.panels) == 1
    assert any(m.kind == "product" and m.operands[1].panel for k in fore.body.kernels
               for m in k.members)  # fmt: skip
    assert not any(s.body.panels for s in scans(plain))


def test_a_matrix_that_is_read_otherwise_too_is_handed_in_both_ways():
    def f(w, c, x):
        u = w.T
        return cr.scan(lambda c, v: (cr.tanh(c @ u + v) * u[1], c @ w), c, x)

    rng = np.random.default_rng(0)
    w, c, x = rng.normal(size=(70, 70)) / 8, rng.normal(size=(6, 70)), rng.normal(size=(7, 6, 70))
    compiled = machine(f)
    agree(compiled(w, c, x), f(w, c, x), rtol=1e-7)
    (steps,) = scans(compiled)
    assert steps.body.panels


def test_short_scans_lay_nothing_out():
    m, x = layer("RNN", 8, 64, steps=3)
    compiled = machine(cr.value_and_grad(loss))
    compiled(m, x)
    assert not any(s.body.panels for s in scans(compiled))


# Rows of the next step ---------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_rows_of_the_next_step_are_asked_for_where_it_will_look(reverse, threads):
    def f(w, c, x, k):
        step = lambda c, v: ((c := cr.tanh(c @ w + v[0]) * v[1]), cr.sin(c) * v[0])  # noqa: E731
        return cr.scan(step, c, (x, k), reverse=reverse)

    rng = np.random.default_rng(0)
    w, c = rng.normal(size=(32, 32)) / 6, rng.normal(size=(8, 32))
    x, k = rng.normal(size=(9, 8, 32)), rng.normal(size=9)
    compiled = machine(f, threads=threads)
    agree(compiled(w, c, x, k), f(w, c, x, k), rtol=1e-7)
    (steps,) = scans(compiled)
    assert steps.parts == threads
    row = 8 * 32 * 8  # all rows of the batch, whoever of the parts asks
    ahead = [b.ahead for b in (*steps.body.inputs[1:3], *steps.body.outputs[1:])]
    assert sorted(map(abs, ahead)) == [8, row, row]
    assert all((a < 0) == reverse for a in ahead)
    assert "llvm.prefetch" in run(compiled).text


# Layers with masks -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("settings", [{}, {"num_layers": 2, "bidirectional": True}])
def test_a_masked_layer_goes_through_in_parts_and_questions_stay_outside(kind, settings):
    m, x = layer(kind, dtype=np.float64, **settings)
    lengths = np.array([12, 3, 7, 12, 1, 5, 9, 0])
    x[np.arange(12)[:, None] >= lengths] = 1e6  # what stands there does not count
    f = cr.value_and_grad(lambda m, x: loss(m, x, lengths))
    compiled = machine(f, threads=2)
    agree(compiled(m, x), f(m, x))
    assert {s.parts for s in scans(compiled)} == {2}
    members = [m for s in scans(compiled) for k in s.body.kernels for m in k.members]
    assert not any(m.node.op.name in ("any", "bitwise_or", "not_equal") for m in members)


def _or(x, c):
    a, b = x[:, :2], x[:, 2:]
    return cr.sum(cr.where(c, cr.sin(a) * cr.log(b), 0.0))


def _rows_of_some(x, c):
    return cr.sum(cr.where(c, x @ x.T, 0.0) ** 2)


def _stacked(x, c):
    return cr.sum(cr.where(c, cr.concat([cr.sqrt(x), cr.log(x)], axis=0).T[:, :3], 0.0))


def _turned(x, c):
    return cr.sum(cr.where(c, cr.log(cr.permute_dims(x, (1, 0)))[:, :3], 0.0))


MASKED = {  # a function of a matrix and a mask; the mask's shape
    "slices": (_or, (3, 2)), "slices, by rows": (_or, (3, 1)), "slices, all or none": (_or, ()),
    "a product": (_rows_of_some, (3, 3)), "a product, by rows": (_rows_of_some, (3, 1)),
    "a product, all or none": (_rows_of_some, (1, 1)),
    "pieces": (_stacked, (4, 3)), "pieces, by rows": (_stacked, (4, 1)),
    "turned": (_turned, (4, 3)), "turned, by columns": (_turned, (1, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", MASKED)
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_masks_by_fewer_ops_let_the_same_elements_through(name, share):
    f, shape = MASKED[name]
    rng = np.random.default_rng(3)
    x, c = rng.uniform(0.5, 2.0, size=(3, 4)), rng.uniform(size=shape) < share
    if share < 1.0:
        x[0, 2] = -1.0  # a NaN of its logarithm, which counts or not as the mask says
    with np.errstate(invalid="ignore"):
        for g in (cr.value_and_grad(f), cr.grad(lambda x, c: cr.sum(cr.sin(cr.grad(f)(x, c))))):
            wanted = g(x, c)
            agree(machine(g)(x, c), wanted)
            agree(machine(g, without="tidy")(x, c), wanted)


TRUTHS = {  # questions to numbers that masks were made of, and to masks
    "of ones": lambda x, c: cr.where(c, 1.0, 0.0) != 0,
    "of zeros": lambda x, c: cr.where(c, 0.0, 1.0) != 0,
    "of both": lambda x, c: cr.where(c, 1.0, 2.0) != 0,
    "of numbers": lambda x, c: cr.where(c, x, 0.0) != 0,
    "another number": lambda x, c: cr.where(c, 1.0, 0.0) != 1.0,
    "counted": lambda x, c: cr.sum(cr.where(c, 1.0, 0.0), axis=1) > 0,
    "counted down": lambda x, c: cr.sum(cr.where(c, 1.0, 0.0), axis=0, keepdims=True) > 0,
    "not counted": lambda x, c: cr.sum(cr.where(c, x, 0.0), axis=1) > 0,
    "counted less": lambda x, c: cr.sum(cr.where(c, 1.0, 0.0), axis=1) > 1,
    "any of rows": lambda x, c: cr.any(cr.broadcast_to(c, (3, 4)), axis=1),
    "all of columns": lambda x, c: cr.all(cr.broadcast_to(c, (3, 4)), axis=0),
    "any of all": lambda x, c: cr.any(cr.broadcast_to(c, (2, 3, 4)), axis=(0, 2)),
    "any of numbers": lambda x, c: cr.any(cr.broadcast_to(x[:, :1], (3, 4)), axis=1),
    "turned": lambda x, c: cr.permute_dims(cr.broadcast_to(c, (2, 3, 4)), (2, 0, 1)),
    "pieces": lambda x, c: cr.concat([cr.broadcast_to(c, (2, 3, 4))] * 2, axis=0),
    "pieces of columns": lambda x, c: cr.concat([cr.broadcast_to(x[0], (3, 4))] * 2, axis=1),
    "either": lambda x, c: c | c,
}


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("shape", [(3, 4), (3, 1), (1, 4)])
def test_questions_have_the_same_answers_by_fewer_ops(name, shape):
    f = TRUTHS[name]
    c = np.random.default_rng(0).uniform(size=shape) < 0.4
    x = np.arange(12.0).reshape(3, 4) - 5.0
    found, wanted = machine(f)(x, c), f(x, c)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


# What goes on from a product of all steps --------------------------------------------------------


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_biases_are_added_while_the_product_of_all_steps_is_in_registers(kind):
    m, x = layer(kind, 8, 24)
    compiled = machine(cr.value_and_grad(loss))
    compiled(m, x)
    size = 12 * 8 * m.gates * 24
    loops = [k for k in run(compiled).program.kernels if isinstance(k, Loop)]
    whole = [k for k in loops if np.prod(k.shape) == size]
    assert any(k.product for k in whole)
    assert all(k.product or {m.kind for m in k.members} == {"sum"} for k in whole)


def test_what_follows_on_a_hoisted_product_is_hoisted_with_it():
    def f(w, u, b, x):
        return cr.scan(lambda c, v: (cr.tanh((v @ w + b) * 2.0 + c @ u),) * 2, x[0] @ w, x)[1]

    rng = np.random.default_rng(0)
    w, u, b, x = (rng.normal(size=s) for s in ((5, 6), (6, 6), (6,), (7, 3, 5)))
    compiled = machine(f)
    agree(compiled(w, u, b, x), f(w, u, b, x))
    (steps,) = scans(compiled)
    assert [m.node.op.name for k in steps.body.kernels for m in k.members] == [
        "matmul", "add", "tanh",
    ]  # fmt: skip


def test_of_what_a_step_is_cut_from_no_more_is_stacked_than_is_read():
    m, x = layer("GRU", 8, 24)
    compiled = machine(cr.value_and_grad(loss))
    compiled(m, x)
    assert max(y.shape[-1] for y in scans(compiled)[0].ys) < 3 * 24

    def f(w, c, x):
        def step(c, v):
            z = c @ w + v
            c = cr.sin(z[:, :8]) * cr.exp(-cr.square(z[:, 8:]))
            return c, c

        return cr.sum(cr.scan(step, c, x)[1] ** 2)

    rng = np.random.default_rng(0)
    compiled = machine(cr.grad(f))
    w, c, x = rng.normal(size=(8, 16)), rng.normal(size=(4, 8)), rng.normal(size=(6, 4, 16))
    agree(compiled(w, c, x), cr.grad(f)(w, c, x))
    assert 16 in {y.shape[-1] for y in scans(compiled)[0].ys}  # both halves: the whole, once


# What is computed again, and when ----------------------------------------------------------------


def deep(wrap, layers=8):
    def block(x, w):
        return x + cr.tanh(cr.exp(-cr.square(cr.tanh(x @ w))) @ w)

    def f(ws, x):
        for w in ws:
            x = wrap(block)(x, w)
        return cr.mean(cr.square(x))

    rng = np.random.default_rng(0)
    return f, [rng.normal(size=(32, 32)) / 6 for _ in range(layers)], rng.normal(size=(64, 32))


def test_what_is_checkpointed_takes_less_memory_and_gives_the_same_numbers():
    plain, ws, x = deep(lambda f: f)
    saved, *_ = deep(cr.checkpoint)
    a, b = (machine(cr.value_and_grad(f, (0, 1))) for f in (plain, saved))
    agree(a(ws, x), b(ws, x))
    agree(b(ws, x), cr.value_and_grad(saved, (0, 1))(ws, x))
    assert run(b).program.arena < 0.6 * run(a).program.arena


def test_what_is_computed_anew_waits_for_the_gradient_that_asks():
    def block(x, w):
        s = cr.sin(x)
        return (cr.cos(s) * cr.exp(-s)) @ w

    def f(wrap):
        def total(ws, x):
            for w in ws:
                x = wrap(block)(x, w)
            return cr.mean(cr.square(x))

        return cr.value_and_grad(total)

    _, ws, x = deep(None)
    a, b = (machine(f(wrap)) for wrap in (lambda f: f, cr.checkpoint))
    agree(a(ws, x), b(ws, x))
    assert run(b).program.arena < 0.6 * run(a).program.arena


def test_a_checkpoint_is_right_to_the_second_order_and_in_a_scan():
    f, ws, x = deep(cr.checkpoint, layers=2)
    g = cr.grad(lambda ws: cr.sum(cr.sin(cr.grad(f)(ws, x)[0])))
    agree(machine(g)(ws), g(ws), rtol=1e-8)

    def scanned(w, x):
        half = cr.checkpoint(lambda c, v: cr.tanh(c @ w + v))
        return cr.sum(cr.scan(lambda c, v: (half(half(c, v), v),) * 2, x[0], x)[1] ** 2)

    rows = np.random.default_rng(1).normal(size=(6, 8, 32))
    compiled = machine(cr.value_and_grad(scanned), threads=2)
    agree(compiled(ws[0], rows), cr.value_and_grad(scanned)(ws[0], rows))
    assert {s.parts for s in scans(compiled)} == {2}


def test_only_gradients_compute_anew():
    f, ws, x = deep(cr.checkpoint, layers=2)
    leaves = [*ws, x]
    fore = cr.capture(lambda *xs: f(list(xs[:-1]), xs[-1]), *leaves)
    back = cr.capture(lambda *xs: cr.grad(f)(list(xs[:-1]), xs[-1])[0], *leaves)
    found = [[n for n in passed(g)[0].order if isinstance(n.op, Anew)] for g in (fore, back)]
    assert not found[0]
    assert found[1]


def test_a_weight_s_gradient_is_made_while_what_it_is_made_of_is_near():
    f, ws, x = deep(cr.checkpoint)
    compiled = machine(cr.grad(f))
    found = compiled(ws, x)
    late = machine(cr.grad(f), without={"schedule"})
    assert bits(late(ws, x)) == bits(found)
    assert run(compiled).program.arena < 0.7 * run(late).program.arena


@pytest.mark.parametrize("axis", [(0, 1), (1, 2), (-1, -2), (0, 2), (1, 0)])
def test_sums_over_two_axes_are_over_these_axes(axis):
    x = np.random.default_rng(0).normal(size=(9, 16, 9))
    for f in (lambda x: cr.sum(x, axis=axis), lambda x: cr.sum(cr.sin(x), axis=axis)):
        agree(machine(f)(x), f(x))
