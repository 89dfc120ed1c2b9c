"""Compiled functions give what the same functions give eagerly: the whole catalogue, and traps."""

import gc
import tracemalloc
from threading import Thread

import numpy as np
import pytest
from test_ops import TRACED, gradient, outputs, weights

import chainrule as cr
from chainrule.graph.errors import ChainruleError, UsageError
from chainrule.graph.walk import capture
from chainrule.nn.losses import LOSSES
from chainrule.ops.loop import inputs_like
from chainrule.read.native.door import gate
from chainrule.read.native.pipeline import passed
from chainrule.read.native.plan.planner import plan
from chainrule.read.native.program import Eager
from chainrule.transform import compile as machine

# Relative and absolute differences that are allowed: sums in another order, and functions whose
# last place differs from NumPy's.
BOUNDS = {"float64": (1e-12, 1e-13), "float32": (2e-5, 1e-5)}
DRAWN = np.random.default_rng(0)


def draw(*shape, dtype=np.float64):
    return np.random.default_rng(len(shape)).normal(size=shape).astype(dtype)


def same(found, wanted, bounds=BOUNDS["float64"]):
    """Equal structure, shapes and dtypes; equal numbers within the bounds."""
    found, wanted = ([np.asarray(x) for x in cr.tree_leaves(t)] for t in (found, wanted))
    assert [(a.shape, a.dtype) for a in found] == [(b.shape, b.dtype) for b in wanted]
    for a, b in zip(found, wanted, strict=True):
        if a.dtype.kind == "f":
            np.testing.assert_allclose(a, b, rtol=bounds[0], atol=bounds[1])
        else:
            assert (a == b).all()


def operands(example, dtype):
    rng = np.random.default_rng(3)
    xs = [o.sample(rng, k) for k, o in enumerate(example.operands)]
    return [x.astype(dtype) if x.dtype.kind == "f" else x for x in xs]


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("example", TRACED, ids=str)
def test_every_op_gives_what_it_gives_eagerly(example, dtype):
    xs = operands(example, dtype)
    same(machine(lambda *a: outputs(example, a))(*xs), outputs(example, xs), BOUNDS[dtype])
    if example.differentiable:
        ws = weights(example, xs)
        first = lambda *a: gradient(example, a, ws)  # noqa: E731
        same(machine(first)(*xs), first(*xs), BOUNDS[dtype])


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("example", [e for e in TRACED if e.differentiable], ids=str)
def test_every_second_gradient_is_what_it_is_eagerly(example, dtype):
    xs = operands(example, dtype)
    ws = weights(example, xs)

    def of_the_gradient(*a):
        return sum(cr.sum(cr.sin(g)) for g in cr.tree_leaves(gradient(example, a, ws)))

    second = cr.grad(of_the_gradient, argnums=example.differentiable)
    try:
        wanted = second(*xs)
    except ChainruleError:
        return  # its gradient does not depend on its operands
    try:
        found = machine(second)(*xs)
    except cr.PathError:
        assert all(not np.asarray(w).any() for w in cr.tree_leaves(wanted))
        return
    same(found, wanted, BOUNDS[dtype])


LEFT_TO_NUMPY = {
    "argsort", "bitwise_left_shift", "bitwise_right_shift", "cholesky", "det", "inv", "nextafter",
    "signbit", "slogdet", "solve", "gather", "scatter",
}  # fmt: skip


@pytest.mark.parametrize("example", TRACED, ids=str)
def test_only_these_ops_are_left_to_numpy(example):
    graph, _ = capture(lambda *a: outputs(example, a), inputs_like(operands(example, "float64")))
    kernels = plan(passed(graph)[0]).kernels
    assert {str(k.node.op) for k in kernels if isinstance(k, Eager)} <= LEFT_TO_NUMPY


# Scans ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 6])
@pytest.mark.parametrize("reverse", [False, True])
def test_scans_of_every_length_and_direction(steps, reverse):
    def f(w, c, x):
        def step(c, v):
            c = (cr.tanh(c[0] @ w + v), c[1] + cr.sum(c[0]))
            return c, (c[0], v * c[1])

        last, ys = cr.scan(step, (c, 0.5), x, reverse=reverse)
        return cr.sum(cr.square(last[0])) + last[1] + sum(cr.sum(cr.sin(y)) for y in ys)

    xs = draw(3, 3), draw(2, 3), draw(steps, 2, 3)
    for g in (f, cr.grad(f), cr.grad(f, (1, 2))):
        same(machine(g)(*xs), g(*xs), (1e-10, 1e-12))


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("lengths", [None, [4, 1, 3]])
def test_recurrent_layers(kind, lengths):
    layer = getattr(cr.nn, kind)(3, 5, num_layers=2, bidirectional=True, seed=1)
    x = draw(4, 3, 3, dtype=np.float32)
    f = cr.value_and_grad(lambda m, x: cr.mean(cr.square(m(x, lengths=lengths)[0])))
    same(machine(f)(layer, x), f(layer, x), BOUNDS["float32"])


# Networks and their training --------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    p = np.random.default_rng(1).uniform(0.1, 0.9, size=(4, 3))
    t = np.array([2, 0, 1, 1]) if name == "cross_entropy" else (p > 0.5).astype(float)
    f = cr.value_and_grad(lambda p, t: LOSSES[name](p, t))
    same(machine(f)(p, t), f(p, t))


OPTIMISERS = {
    "sgd": lambda: cr.optim.SGD(0.1, momentum=0.9), "adam": lambda: cr.optim.Adam(0.01),
    "adamw": lambda: cr.optim.AdamW(0.01), "rmsprop": lambda: cr.optim.RMSProp(0.01),
    "adagrad": lambda: cr.optim.Adagrad(0.1),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMISERS)
def test_five_compiled_steps_of_an_optimiser_are_five_eager_ones(name):
    w, x, t = {"a": draw(3, 4), "b": draw(4, 1)}, draw(8, 3), draw(8, 1)

    def step(w, state, x, t):
        loss = lambda w: cr.mean(cr.square(cr.tanh(x @ w["a"]) @ w["b"] - t))  # noqa: E731
        value, g = cr.value_and_grad(loss)(w)
        updates, state = opt.update(g, state, w)
        return cr.optim.apply_updates(w, updates), state, value

    opt = OPTIMISERS[name]()
    fast = machine(step)
    one, two = (w, opt.init(w)), (w, opt.init(w))
    for _ in range(5):
        *one, a = step(*one, x, t)
        *two, b = fast(*two, x, t)
        same([two, b], [one, a], (1e-10, 1e-12))


# What is handed in, and what comes out ----------------------------------------------------------


def test_python_numbers_keep_the_dtype_of_what_they_meet():
    f = machine(lambda x, k, lr: (x * k - lr, lr * 2, k + 1))
    x = draw(3, dtype=np.float32)
    y, lr, k = f(x, 3, 0.5)
    assert y.dtype == np.float32
    assert (lr, k, type(lr), type(k)) == (1.0, 4, float, int)


def test_ints_that_the_function_needs_as_such_are_part_of_what_is_compiled():
    f = machine(lambda x, n: cr.reshape(x, (n, -1)) * n)
    x = draw(6)
    for n in (2, 3):
        same(f(x, n), x.reshape(n, -1) * n)


def test_arrays_from_outside_are_read_anew():
    w = np.array([1.0, 2.0])
    f = machine(lambda x: x * w)
    assert list(f(np.ones(2))) == [1.0, 2.0]
    w[:] = [3.0, 4.0]
    assert list(f(np.ones(2))) == [3.0, 4.0]


AWKWARD = {
    "transposed": draw(3, 4).T, "every other": draw(8, 3)[::2], "backwards": draw(4, 3)[::-1],
    "read only": np.broadcast_to(draw(3), (4, 3)), "empty": np.zeros((0, 3)),
    "no axes": np.float64(1.5), "one": np.ones((1, 1, 1)), "float32": draw(4, 3, dtype=np.float32),
}  # fmt: skip


@pytest.mark.parametrize("name", AWKWARD)
def test_arrays_of_every_layout(name):
    x = AWKWARD[name]
    before = np.array(x)
    f = lambda x: (cr.sum(x * 2.0 + 1.0), cr.exp(x), cr.permute_dims(x))  # noqa: E731
    same(machine(f)(x), f(x), BOUNDS[str(np.asarray(x).dtype)])
    assert (np.asarray(x) == before).all()


def test_the_same_value_may_be_returned_twice_and_inputs_too():
    def f(x):
        y = cr.exp(x)
        return {"a": y, "b": [y, x, x], "c": y.T, "d": 3.0, "e": None}

    x = draw(3, 2)
    found = machine(f)(x)
    same(found, f(x))
    found["a"][:] = 0.0
    assert found["b"][0].any()
    found["b"][1][:] = 0.0
    assert x.any()
    assert found["d"] == 3.0
    assert found["e"] is None


def test_results_are_not_written_over_by_the_next_call():
    f = machine(lambda x: cr.sin(x) * 2.0)
    first = f(np.ones(4))
    f(np.zeros(4))
    assert first.all()


def test_keywords_and_pytrees_keep_their_structure():
    f = machine(lambda x, *, pair, name: {"sum": x + pair[0]["a"], name: (pair[1],)})
    found = f(np.ones(2), pair=({"a": np.ones(2)}, 2.0), name="out")
    assert list(found) == ["sum", "out"]
    assert list(found["sum"]) == [2.0, 2.0]
    assert found["out"] == (2.0,)


def test_tensors_give_tensors():
    y = machine(lambda x: x * 2.0)(cr.tensor([1.0, 2.0]))
    assert isinstance(y, cr.Tensor)
    assert list(y.value) == [2.0, 4.0]


def test_under_another_transform_it_is_the_function_itself():
    f = lambda x: cr.sum(cr.sin(x) ** 2)  # noqa: E731
    x = draw(4)
    same(cr.grad(machine(f))(x), cr.grad(f)(x))
    same(cr.hessian(machine(f))(x), cr.hessian(f)(x))
    same(machine(lambda x: machine(f)(x) * 2.0)(x), f(x) * 2.0)


def test_a_value_that_is_asked_for_while_tracing_is_refused_with_the_line():
    with pytest.raises(cr.TracingError, match=r"test_native\.py"):
        machine(lambda x: x if x > 0 else -x)(1.0)


@pytest.mark.parametrize("k", [-4, 3, 10**15])
def test_an_index_out_of_range_is_an_error_and_never_a_crash(k):
    f = machine(lambda x, i: cr.take(x, i, axis=0))
    x = draw(3, 2)
    same(f(x, np.array([-3, 2])), x[[-3, 2]])
    with pytest.raises((ChainruleError, IndexError)):
        f(x, np.array([0, k]))


def test_an_index_out_of_range_inside_a_scan_is_found():
    table = draw(3, 2)
    f = machine(lambda t, ks: cr.scan(lambda c, k: (c + t[k], None), t[0], ks)[0])
    same(f(table, np.array([[0], [2]])[:, 0]), table[0] * 2 + table[2])
    with pytest.raises(cr.AxisError, match=r"out of (range|bounds)"):
        f(table, np.array([0, 3]))
    same(f(table, np.array([1, -1])), table[0] + table[1] + table[2])


@pytest.mark.parametrize("c", [True, False, 0.0, 2.5, np.nan, 3])
def test_a_branch_is_taken_by_the_truth_of_its_condition(c):
    def f(c, x):
        return cr.cond(c, lambda x: (cr.sin(x), x * 2.0), lambda x: (cr.exp(x), x @ x), x)

    x, c = draw(3, 3), np.asarray(c)
    compiled = machine(f)
    same(compiled(c, x), f(c, x))
    program = next(iter(compiled.versions.values())).run.program
    assert program.native
    g = cr.grad(lambda x: sum(cr.sum(y) for y in f(c, x)))
    same(machine(g)(x), g(x))


def test_numbers_in_foreign_byte_order_are_read_as_what_they_are():
    x = draw(5)
    same(machine(lambda x: x * 2.0)(x.astype(">f8")), x * 2.0)


@pytest.mark.parametrize("x", [np.ones(2, complex), np.ones(2, np.longdouble)])
def test_numbers_of_other_kinds_are_refused(x):
    with pytest.raises(cr.DTypeError, match="real numbers"):
        machine(lambda x: x * 2)(x)


def test_two_threads_may_call_at_once():
    f = machine(lambda x: cr.sum(cr.exp(cr.sin(x)), axis=0))
    xs = [draw(50, 20) + k for k in range(4)]
    wanted, wrong = [f(x) for x in xs], []

    def work(k):
        for _ in range(200):
            if (f(xs[k]) != wanted[k]).any():
                wrong.append(k)

    threads = [Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


def test_calls_leave_no_memory_behind():
    f = machine(lambda w, lr: {"w": w - lr * cr.grad(lambda w: cr.sum(w**2))(w), "n": lr})
    w = draw(8)
    gate()  # loaded once in a process
    for _ in range(100):
        f(w, 0.1)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(10_000):
            f(w, 0.1)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000


# Arrays given away ------------------------------------------------------------------------------


def step(w, m, g):
    m = 0.9 * m + g
    return w - 0.1 * m, m


def test_a_step_writes_into_what_it_was_given():
    w, m, g = draw(5, 3), draw(5, 3) + 1, draw(5, 3) + 2
    wanted = step(w.copy(), m.copy(), g)
    found = machine(step, donate=(0, 1))(w, m, g)
    same(found, wanted)
    assert found[0] is w
    assert found[1] is m


def test_nothing_is_written_into_what_was_not_given():
    w, m, g = draw(5, 3), draw(5, 3) + 1, draw(5, 3) + 2
    before = [x.copy() for x in (w, m, g)]
    machine(step, donate=0)(w, m, g)
    assert (m == before[1]).all()
    assert (g == before[2]).all()


WRONG_IN_PLACE = {
    "read later": lambda x: (lambda y: (y, cr.sum(x @ y)))(cr.sin(x)),
    "turned": lambda x: cr.sin(x).T + x,
    "backwards": lambda x: x + cr.flip(x, axis=0),
    "a product": lambda x: x @ x,
    "a column at a time": lambda x: x - cr.sum(x, axis=0),
    "rows by a sum": lambda x: x / cr.sum(x, axis=1, keepdims=True),
    "both": lambda x: (cr.exp(x), x * 2.0),
    "itself": lambda x: (x, x + 1.0),
    "a slice": lambda x: x * x[0, 0],
    "a scan": lambda x: cr.scan(lambda c, v: (c @ x * 0.1 + v, None), x, cr.stack([x, x, x]))[0],
    "in order": lambda x: (cr.sin(cr.zeros((4, 4))), x + 1.0),
}


@pytest.mark.parametrize("name", WRONG_IN_PLACE)
@pytest.mark.parametrize("off", [(), ("fuse",), ("place",)])
def test_memory_given_away_is_never_written_too_early(name, off):
    f, x = WRONG_IN_PLACE[name], draw(4, 4)
    same(machine(f, donate=0, without=off)(x.copy()), f(x))


def test_the_same_array_may_be_given_twice_and_overlap():
    f = lambda a, b: (a * 2.0, b + a)  # noqa: E731
    x = draw(6)
    same(machine(f, donate=(0, 1))(x.copy(), draw(6)), f(x, draw(6)))
    one = x.copy()
    same(machine(f, donate=(0, 1))(one, one), f(x, x))
    one = x.copy()
    same(machine(f, donate=(0,))(one[:4], one[2:]), f(x[:4], x[2:]))


def test_a_read_only_array_that_is_given_stays_as_it_is():
    x = draw(4)
    x.flags.writeable = False
    before = x.copy()
    same(machine(lambda x: x * 2.0, donate=0)(x), before * 2.0)
    assert (x == before).all()


def test_an_argument_that_there_is_not_cannot_be_given():
    with pytest.raises(UsageError, match="donate"):
        machine(lambda x: x, donate=1)(1.0)
