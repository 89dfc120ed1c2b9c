"""The passes of the native reader: each does what it is for, and changes no number."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.errors import UsageError
from chainrule.graph.walk import Graph, capture
from chainrule.ops.loop import inputs_like
from chainrule.ops.scan import Scan
from chainrule.read.native.pipeline import OF_GRAPHS, SWITCHES, passed
from chainrule.read.native.program import Eager, Loop, Steps
from chainrule.transform import compile as machine

rng = np.random.default_rng(0)


def draw(*shape):
    return rng.normal(size=shape)


def rnn(w, x, h):
    """A recurrent network without biases, with the product of its inputs in the loop."""

    def step(h, now):
        h = cr.tanh(now @ w["in"] + h @ w["own"])
        return h, h

    return cr.sum(cr.square(cr.scan(step, h, x)[1]))


def recurrent(steps=5):
    w = {"in": draw(3, 4), "own": draw(4, 4)}
    return w, draw(steps, 2, 3), draw(2, 4)


def gates(x):
    a, b = x[:, :2], x[:, 2:]
    return cr.sum(cr.sin(a) * cr.exp(b))


def twice(a, b):
    return cr.sin(a * b) + cr.cos(b * a)


def two_scans(x):
    return [cr.scan(lambda c, v: (c + v * v, c), 0.0, x) for _ in range(2)]


def unread(x):
    """A scan with a carry that nothing reads, one that never changes, and an unread y."""
    (_, _, c), (ys, _) = cr.scan(
        lambda c, v: ((c[0] + v, c[1], c[2] * c[1]), (c[2], cr.exp(v))),
        (x[0], x[1] * 0.5, x[2]), x,
    )  # fmt: skip
    return c, ys


# Each pass with a function that it has something to do in, of these arguments.
CASES = {
    "expand": (lambda x: cr.softmax(x), (draw(3, 4),)),
    "keep": (cr.grad(rnn), recurrent()),
    "prune": (unread, (draw(5),)),
    "simplify": (lambda x: cr.negative(-x) * 1.0 + 0.0, (draw(3),)),
    "tidy": (cr.grad(gates), (draw(3, 4),)),
    "share": (twice, (draw(3), draw(3))),
    "hoist": (lambda w, x, h: rnn(w, x, h), recurrent()),
    "sink": (cr.grad(rnn), recurrent()),
}
FUNCTIONS = {
    **CASES,
    "scan of two": (two_scans, (draw(6),)),
    "second": (lambda w, x, h: cr.grad(lambda x: cr.sum(cr.sin(cr.grad(rnn, 1)(w, x, h))))(x),
               recurrent()),
    "back": (cr.grad(lambda x: cr.sum(cr.scan(
        lambda c, v: (cr.sin(c + v), c * v), x[0], x, reverse=True)[1])), (draw(7, 3),)),
    "mlp": (cr.grad(lambda w, x: cr.mean(cr.relu(x @ w["a"]) @ w["b"])),
            ({"a": draw(3, 8), "b": draw(8, 2)}, draw(6, 3))),
}  # fmt: skip


def counts(f, *xs):
    compiled = machine(f)
    compiled(*xs)
    return next(iter(compiled.versions.values())).run.counts


def kernels(f, *xs, without=()):
    compiled = machine(f, without=without)
    compiled(*xs)
    return next(iter(compiled.versions.values())).run.program.kernels


def agree(a, b, **bounds):
    for x, y in zip(cr.tree_leaves(a), cr.tree_leaves(b), strict=True):
        np.testing.assert_allclose(x, y, **{"rtol": 1e-11, "atol": 1e-13, **bounds})


@pytest.mark.parametrize("name", CASES)
def test_every_pass_does_something_where_there_is_something_to_do(name):
    f, xs = CASES[name]
    assert counts(f, *xs)[name] > 0


def test_no_pass_is_without_a_case():
    assert {p.name for p in OF_GRAPHS} == set(CASES)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_numbers_are_the_same_with_any_pass_switched_off(name):
    f, xs = FUNCTIONS[name]
    want = f(*xs)
    agree(machine(f)(*xs), want)
    for off in SWITCHES:
        agree(machine(f, without=off)(*xs), want)
    agree(machine(f, without={*SWITCHES} - {"emit"})(*xs), want)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_has_been_through_all_passes_has_nothing_left_to_move(name):
    f, xs = FUNCTIONS[name]
    leaves, structure = cr.tree_flatten(xs)

    def flat(*nodes):
        return cr.tree_leaves(f(*cr.tree_unflatten(structure, list(nodes))))

    graph, _ = capture(flat, inputs_like([np.asarray(x) for x in leaves]))
    once, _ = passed(graph)
    _, found = passed(once)
    assert found["keep"] == found["hoist"] == found["sink"] == 0


def test_a_pass_that_there_is_not_is_named():
    with pytest.raises(UsageError, match=r"hoisting.*no such pass.*hoist"):
        machine(abs, without=("hoisting",))


def test_composites_are_left_to_numpy_where_nothing_writes_them_out():
    f, xs = CASES["expand"]
    assert not any(isinstance(k, Eager) for k in kernels(f, *xs))
    assert any(isinstance(k, Eager) for k in kernels(f, *xs, without="expand"))


def test_numpy_computes_what_is_not_emitted():
    f = machine(lambda x: cr.sin(x) * 2.0, without="emit")
    x = draw(3)
    assert (f(x) == np.sin(x) * 2.0).all()
    assert "emit is switched off" in f.explain()
    assert "emit is switched off" in f.ir


def test_a_product_of_the_inputs_is_made_for_all_steps_at_once():
    w, x, h = recurrent()
    assert products(kernels(rnn, w, x, h)) == 1
    assert products(kernels(rnn, w, x, h, without="hoist")) == 2


def products(found):
    """The matrix products in the loops of these kernels."""
    bodies = [k.body.kernels for k in found if isinstance(k, Steps)]
    return sum(isinstance(k, Loop) and k.product is not None for ks in bodies for k in ks)


def test_what_is_checkpointed_is_not_kept():
    def f(w, x, wrap):
        step = wrap(lambda h, v: cr.tanh(h @ w + v))
        return cr.sum(cr.scan(lambda h, v: (step(h, v),) * 2, x[0], x)[1])

    w, x = draw(3, 3), draw(5, 2, 3)
    plain, again = (lambda w, wrap=wrap: f(w, x, wrap) for wrap in (lambda g: g, cr.checkpoint))
    assert counts(cr.grad(plain), w)["keep"] > counts(cr.grad(again), w)["keep"]
    agree(machine(cr.grad(again))(w), cr.grad(plain)(w))


def test_the_gradient_of_a_scan_makes_no_product_twice():
    xs = recurrent()
    # Forward h·W; backward g·Wᵀ. The gradients of both weights come after the loop.
    assert products(kernels(cr.grad(rnn), *xs)) == 2
    assert products(kernels(cr.grad(rnn), *xs, without=("keep", "hoist"))) > 3
    assert products(kernels(cr.grad(rnn), *xs, without="sink")) == 4


def test_pieces_put_beside_each_other_are_written_in_place():
    f, xs = CASES["tidy"]
    found = kernels(f, *xs)
    assert all(m.kind != "copy" for k in found if isinstance(k, Loop) for m in k.members)


@pytest.mark.parametrize("pieces", [((0, 2), (2, 5)), ((3, 5), (0, 2)), ((1, 2), (4, 5), (2, 3))])
@pytest.mark.parametrize("axis", [0, 1])
def test_pieces_with_gaps_between_them_add_up(pieces, axis):
    x = draw(5, 5)

    def f(x):
        views = [x[a:b] if axis == 0 else x[:, a:b] for a, b in pieces]
        return sum(cr.sum(cr.sin(v) * (k + 1)) for k, v in enumerate(views))

    assert counts(cr.grad(f), x)["tidy"] > 0
    agree(machine(cr.grad(f))(x), cr.grad(f)(x))


def test_pieces_that_overlap_are_added():
    x = draw(6)
    f = cr.grad(lambda x: cr.sum(cr.sin(x[:4])) + cr.sum(cr.exp(x[2:])))
    agree(machine(f)(x), f(x))


@pytest.mark.parametrize("shape", [(0, 0, 0), (2, 0, 3), (0, 2, 1)])
def test_what_is_empty_can_be_padded_with_a_number(shape):
    x = np.zeros(shape)
    f = lambda x: cr.pad(x, ((1, 0), (0, 2), (0, 0)), 7.0)  # noqa: E731
    agree(machine(f)(x), f(x))


def test_rows_that_are_none_are_worked_on():
    f = lambda x, other: cr.reshape(cr.tan(x * 2.0), (1, 0, 7)) * other  # noqa: E731
    agree(machine(f)(np.zeros((0, 7)), np.zeros((1, 0, 7))), np.zeros((1, 0, 7)))


def test_sums_in_another_order_are_shared():
    f, xs = CASES["share"]
    (loop,) = kernels(f, *xs)
    assert [str(m.node.op) for m in loop.members].count("multiply") == 1
    (loop,) = kernels(f, *xs, without="share")
    assert [str(m.node.op) for m in loop.members].count("multiply") == 2


def test_scans_of_equal_bodies_are_one():
    found = kernels(two_scans, draw(6))
    assert sum(isinstance(k, Steps) for k in found) == 1
    different = lambda x: [  # noqa: E731
        cr.scan(lambda c, v, k=k: (c + v * k, c), 0.0, x) for k in (2, 3)
    ]
    found = kernels(different, draw(6))
    assert sum(isinstance(k, Steps) for k in found) == 2


def test_a_scan_is_handed_only_what_it_reads():
    f, xs = CASES["prune"]
    (steps,) = (k for k in kernels(f, *xs) if isinstance(k, Steps))
    assert (len(steps.carries), len(steps.xs), len(steps.constants)) == (1, 0, 1)


def test_a_carry_that_is_read_besides_is_not_taken_out_of_the_loop():
    def f(w, x):
        def step(c, v):
            c = c + cr.sum(v * w)
            return c, cr.sin(c)  # the sum so far is read: it cannot wait for the end

        return cr.scan(step, 0.0, x)

    w, x = draw(3), draw(5, 3)
    assert counts(f, w, x)["sink"] == 0
    agree(machine(f)(w, x), f(w, x))


@pytest.mark.parametrize("off", ["fuse", "place"])
def test_the_planner_has_switches(off):
    w = draw(4, 4)
    f, xs = lambda x: cr.sin(cr.sin(cr.sin(cr.sin(x @ w) @ w) @ w) @ w), (draw(3, 4),)
    on, without = (machine(f, without=w) for w in ((), off))
    agree(on(*xs), without(*xs))
    a, b = (next(iter(c.versions.values())).run.program for c in (on, without))
    assert len(a.kernels) < len(b.kernels) if off == "fuse" else a.arena < b.arena


def test_passes_reach_into_bodies_of_bodies():
    def f(w, x):
        def outer(c, rows):
            def inner(d, row):
                d = cr.tanh(d * 0.5 + row @ w)
                return d, d

            c, ys = cr.scan(inner, c, rows)
            return c, cr.sum(ys)

        return cr.sum(cr.scan(outer, x[0, 0] @ w, x)[1])

    w, x = draw(2, 2), draw(3, 4, 5, 2)
    assert counts(cr.grad(f), w, x)["keep"] > 0
    for g in (f, cr.grad(f), cr.grad(f, 1)):
        agree(machine(g)(w, x), g(w, x))


def test_nothing_of_a_scan_is_left_to_numpy():
    f, xs = CASES["sink"]
    assert not any(isinstance(k, Eager) for k in kernels(f, *xs))


def test_a_graph_keeps_its_inputs_through_all_passes():
    a, b = inputs_like([np.zeros(3), np.zeros(3)])
    graph, _ = passed(Graph((a, b), (a + 0.0,)))
    assert graph.inputs == (a, b)
    assert graph.outputs[0] is a
    assert not any(isinstance(n.op, Scan) for n in graph.order)


# Scans whose batch is cut ------------------------------------------------------------------------


def net(kind, rows, hidden=32):
    layer = getattr(cr.nn, kind)(hidden, hidden, seed=1, dtype=np.float64)
    x = np.random.default_rng(2).normal(size=(12, rows, hidden))
    f = cr.value_and_grad(lambda m, x: cr.mean(cr.square(m(x)[0])), (0, 1))
    return f, layer, x


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("rows", [32, 10, 8])
def test_a_batch_goes_through_a_scan_in_parts(kind, rows, monkeypatch):
    monkeypatch.setattr("chainrule.read.native.plan.scanned.WORTH_PARTS", 0)
    f, *xs = net(kind, rows)
    compiled = machine(f, threads=2)
    found, wanted = compiled(*xs), f(*xs)
    agree(found, wanted, rtol=1e-9)
    steps = [k for k in next(iter(compiled.versions.values())).run.program.kernels
             if isinstance(k, Steps)]  # fmt: skip
    assert [k.parts for k in steps] == [2, 2]
    agree(machine(f, threads=2, without="split")(*xs), wanted, rtol=1e-9)
    again = zip(cr.tree_leaves(found), cr.tree_leaves(compiled(*xs)), strict=True)
    assert all((np.asarray(a) == np.asarray(b)).all() for a, b in again)


DEPENDENT = {  # bodies in which the rows of a batch meet, or cannot be told from other axes
    "a sum over the batch": lambda c, v, w: cr.tanh(c @ w + v + cr.sum(c, axis=0)),
    "a product the other way": lambda c, v, w: cr.tanh(w @ c + v),
    "turned": lambda c, v, w: cr.tanh(c.T @ w + v),
    "a row for all": lambda c, v, w: cr.tanh(c @ w + v[0]),
    "flipped": lambda c, v, w: cr.tanh(cr.flip(c, axis=0) @ w + v),
    "a matrix of the batch": lambda c, v, w: cr.tanh(c @ w + v + w),
    "normalised": lambda c, v, w: (c @ w + v) / (1.0 + cr.max(cr.abs(c))),
}
APART = {
    "by rows": lambda c, v, w: cr.tanh(c @ w + v) / (1.0 + cr.sum(c * c, axis=1, keepdims=True)),
    "in pieces": lambda c, v, w: (
        cr.concat([cr.sin(c[:, :20]), cr.cos(c[..., 20:])], axis=1) @ w + v
    ),
    "by columns": lambda c, v, w: cr.tanh(c @ w * w[0] + v),
}


@pytest.mark.parametrize("name", [*DEPENDENT, *APART])
def test_only_rows_that_do_not_meet_are_cut_apart(name, monkeypatch):
    monkeypatch.setattr("chainrule.read.native.plan.scanned.WORTH_PARTS", 0)
    body = (DEPENDENT | APART)[name]

    def f(w, c, x):
        return cr.scan(lambda c, v: (body(c, v, w), cr.sin(c)), c, x)

    rng = np.random.default_rng(4)
    w, c, x = rng.normal(size=(32, 32)) / 6, draw(32, 32), draw(9, 32, 32)
    compiled = machine(f, threads=2)
    agree(compiled(w, c, x), f(w, c, x), rtol=1e-7, atol=1e-8)
    (steps,) = (k for k in next(iter(compiled.versions.values())).run.program.kernels
                if isinstance(k, Steps))  # fmt: skip
    assert steps.parts == (2 if name in APART else 1)
