"""Large dense networks in machine code: what waits for its reader, long products and sums of all
elements in blocks, and carries that stay where they are."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.read.native.machine import threads as threading_of
from chainrule.read.native.program import Loop, Steps

pytest.importorskip("llvmlite")
native = pytest.importorskip("chainrule.read.native.native").native

RNG = np.random.default_rng(11)
THREADS = (1, 2, 3)


def normal(*shape, dtype="f4"):
    return RNG.normal(size=shape).astype(dtype)


def program(f, *arrays, donate=()):
    """The compiled form of a function for these arrays."""
    compiled = cr.compile(f, donate=donate)
    compiled(*(np.copy(a) for a in arrays))
    return next(iter(compiled.versions.values())).run


def momentum(w, v, x, y):
    """A training step of one layer."""
    value, gradient = cr.value_and_grad(lambda w: cr.mean((cr.tanh(x @ w) - y) ** 2))(w)
    v = 0.9 * v + gradient
    return w - 0.1 * v, v, value


def layer(rows=24, inputs=40, outputs=33):
    return (
        normal(inputs, outputs), normal(inputs, outputs), normal(rows, inputs),
        normal(rows, outputs),
    )  # fmt: skip


def test_a_step_has_no_pass_over_the_weights_of_its_own():
    w, v, x, y = layer()
    loops = [k for k in program(momentum, w, v, x, y).program.kernels if k.shape == w.shape]
    assert [k.product is not None for k in loops] == [True]


def test_a_step_writes_new_weights_over_those_given_away():
    run = program(momentum, *layer(), donate=(0, 1))
    assert run.into == {0: 0, 1: 1}


def test_so_does_a_network_whose_gradients_go_through_its_weights():
    ws = [normal(20, 20) for _ in range(3)]
    x = normal(12, 20)

    def step(ws, x):
        def loss(ws):
            h = x
            for w in ws:
                h = cr.tanh(h @ w)
            return cr.mean(h * h)

        return [w - 0.1 * g for w, g in zip(ws, cr.grad(loss)(ws), strict=True)]

    compiled = cr.compile(step, donate=(0,))
    got = compiled([w.copy() for w in ws], x)
    assert next(iter(compiled.versions.values())).run.into == {0: 0, 1: 1, 2: 2}
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(got, step(ws, x), strict=True))


def test_what_waits_for_its_reader_is_computed_once_all_it_reads_is_there():
    def f(a, b, s):
        early = a * 2.0 + 1.0  # waits; read by two loops, one after the other
        p = s @ a
        late = cr.exp(early * 0.1) + p
        return late, early + cr.sum(late), early * b, cr.tanh(early)

    a, b, s = normal(30, 17, dtype="f8"), normal(30, 17, dtype="f8"), normal(30, 30, dtype="f8")
    for got, want in zip(cr.compile(f)(a, b, s), f(a, b, s), strict=True):
        assert np.allclose(got, want, rtol=1e-12)


def test_a_long_chain_that_waits_is_no_deep_recursion():
    def f(x):
        y = x
        for _ in range(3000):
            y = y * 0.999 + x
        return y * x

    x = normal(5, dtype="f8")
    assert np.allclose(cr.compile(f)(x), f(x))


LONG = [
    (256, 1024, 70), (130, 1100, 170), (17, 9000, 5), (2100, 700, 40), (40, 9000, 1),
    (65, 2100, 200),
]  # fmt: skip
TURNED = {"N": lambda x: x, "T": lambda x: cr.permute_dims(x, (1, 0))}
ENDS = {
    "nothing": lambda y: (y,),
    "a curve": lambda y: (cr.tanh(y) + 0.5 * y,),
    "sums": lambda y: (cr.sum(y), cr.sum(y, axis=0), cr.max(y)),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("layout", ["NN", "NT", "TN", "TT"])
def test_long_products_in_blocks_are_right_and_the_same_for_any_threads(layout, end):
    for m, k, n in LONG:
        a = normal(*((m, k) if layout[0] == "N" else (k, m)))
        b = normal(*((k, n) if layout[1] == "N" else (n, k)))

        def f(a, b):
            return ENDS[end](TURNED[layout[0]](a) @ TURNED[layout[1]](b))

        runs = [cr.compile(f, threads=t)(a, b) for t in THREADS]
        for got, want in zip(runs[0], f(a.astype("f8"), b.astype("f8")), strict=True):
            size = 30 * k**0.5 if want.ndim == 2 else 30 * (k * m * n) ** 0.5
            assert np.max(np.abs(got - want)) < 1e-6 * max(size, np.max(np.abs(want)))
        for run in runs[1:]:
            assert all(np.array_equal(x, y) for x, y in zip(run, runs[0], strict=True))


def test_a_long_product_has_blocks_and_a_short_one_has_none():
    deep = [
        program(lambda a, b: a @ b, normal(256, k), normal(k, 64)).program.kernels[0].product.deep
        for k in (1024, 128)
    ]
    assert deep == [256, 0]


def test_a_long_product_of_a_turned_matrix_has_shorter_blocks():
    a, b = normal(1024, 256), normal(1024, 64)
    found = program(lambda a, b: cr.permute_dims(a, (1, 0)) @ b, a, b).program.kernels[0]
    assert found.product.deep == 128


@pytest.mark.parametrize("size", [409_600, 1_000_003, 32_769, 100_000])
def test_a_sum_of_many_numbers_keeps_its_digits(size):
    x = RNG.random(size).astype("f4")
    exact = np.sum(x.astype("f8") ** 2)
    runs = [cr.compile(lambda x: cr.sum(x * x), threads=t)(x) for t in THREADS]
    assert abs(runs[0] - exact) < 2e-7 * exact
    assert runs[0] == runs[1] == runs[2]


SUMS = {
    "with a row": lambda x, b: (cr.mean((x + b) ** 2), cr.sum(x + b, axis=1)),
    "with columns": lambda x, b: (cr.mean((x + b) ** 2), cr.sum(x + b, axis=0)),
    "extremes": lambda x, b: (cr.max(x + b), cr.min(x - b), x * b),
    "of a part": lambda x, b: (cr.sum(x[:199, :377] * b[:377]),),
    "of what lies turned": lambda x, b: (cr.sum(cr.permute_dims(x, (1, 0)) * 1.5),),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_of_all_elements_beside_others_are_the_same_for_any_threads(name):
    x, b = RNG.random((300, 500)).astype("f4"), RNG.random(500).astype("f4")
    runs = [cr.compile(SUMS[name], threads=t)(x, b) for t in THREADS]
    for got, want in zip(runs[0], SUMS[name](x.astype("f8"), b.astype("f8")), strict=True):
        assert np.allclose(got, want, rtol=3e-6)
    for run in runs[1:]:
        assert all(np.array_equal(x, y) for x, y in zip(run, runs[0], strict=True))


def test_whole_numbers_and_truths_add_up_exactly_in_blocks():
    numbers, truths = np.arange(100_000), RNG.random(100_000) > 0.5
    assert cr.compile(cr.sum)(numbers) == numbers.sum()
    assert cr.compile(cr.sum)(truths) == truths.sum()
    assert cr.compile(cr.any)(truths)
    assert not cr.compile(cr.all)(truths)


def test_a_sum_of_all_elements_leaves_its_product_to_several_threads():
    run = program(lambda a, b: cr.sum((a @ b) ** 2), normal(200, 300), normal(300, 200))
    first = run.program.kernels[0]
    assert isinstance(first, Loop)
    assert first.members[-1].tiled


TILED = {  # what is asked of a product's elements
    "the sum of squares": lambda c: cr.sum(c * c),
    "the largest": cr.max,
    "the least of twice": lambda c: cr.min(c * 2),
    "two, and the elements": lambda c: (cr.sum(c * c), cr.max(c), c + 1),
    "one beside sums of columns": lambda c: (cr.mean(c**2), cr.sum(c, axis=0)),
}
# rows, terms, columns: tiles without rest, with rows over, columns over, both; blocks of terms
TILINGS = [
    (128, 64, 64), (70, 33, 64), (96, 20, 100), (71, 300, 130), (2, 50, 3000), (128, 900, 300),
]  # fmt: skip


@pytest.mark.parametrize("name", TILED)
@pytest.mark.parametrize("sizes", TILINGS)
def test_sums_made_tile_by_tile_are_right_and_the_same_for_any_threads(name, sizes):
    n, k, m = sizes
    a, b = normal(n, k), normal(k, m)

    def f(a, b):
        return TILED[name](a @ b)

    want = cr.tree_leaves(f(a.astype("f8"), b.astype("f8")))
    runs = [cr.tree_leaves(cr.compile(f, threads=t)(a, b)) for t in THREADS]
    for got, exact in zip(runs[0], want, strict=True):
        assert np.allclose(got, exact, rtol=1e-5, atol=1e-5 * np.abs(exact).max())
    for run in runs[1:]:
        assert all(np.array_equal(x, y) for x, y in zip(run, runs[0], strict=True))


SCANS = {  # a step, and which carries can stay where they are
    "each by itself": (lambda c, _: ((c[0] * 0.9, c[1] * 0.5 + 1), None), [True, True]),
    "one reads what was": (lambda c, _: ((c[0] * 0.9, c[1] + c[0]), None), [True, True]),
    "turned about": (lambda c, _: ((cr.flip(c[0]), c[1] * 0.5), None), [False, True]),
    "changing places": (lambda c, _: ((c[1], c[0]), None), [False, True]),
    "a product of itself": (lambda c, _: ((c[0] @ c[0], c[1] * 0.9), None), [False, True]),
}


@pytest.mark.parametrize("name", SCANS)
@pytest.mark.parametrize("length", [1, 4, 5])
def test_a_carry_stays_in_its_place_where_its_last_reader_writes_it(name, length):
    step, stays = SCANS[name]
    a, b = normal(16, 16, dtype="f8") / 4, normal(16, 16, dtype="f8") / 4

    def f(a, b):
        return cr.scan(step, (a, b), None, length=length)[0]

    want = f(a, b)
    for donate in ((), (0, 1)):
        run = program(f, a, b, donate=donate)
        (kernel,) = (k for k in run.program.kernels if isinstance(k, Steps))
        assert kernel.stays == stays
        got = cr.compile(f, donate=donate)(a.copy(), b.copy())
        assert all(np.allclose(x, y) for x, y in zip(got, want, strict=True))
        if donate:
            assert {k for k in run.into if run.into[k] == k} >= {k for k in (0, 1) if stays[k]}


def test_carries_that_change_places_and_begin_alike_are_kept_apart():
    def swap(a, b):
        return cr.scan(lambda c, _: ((c[1], c[0]), None), (a, b), None, length=3)[0]

    def alike(a):
        return cr.scan(lambda c, _: ((c[0] * 0.5, c[1] + a), None), (a, a), None, length=3)[0]

    a, b = normal(5, 7), normal(5, 7)
    for f, given in ((swap, (a, b)), (alike, (a,))):
        got = cr.compile(f, donate=tuple(range(len(given))))(*(g.copy() for g in given))
        assert all(np.allclose(x, y) for x, y in zip(got, f(*given), strict=True))


def test_workers_begin_with_credit_and_gain_more_by_their_help():
    made = threading_of.Pool()
    assert made.words[threading_of.SAVED // 8] == threading_of.CREDIT[0]
    f = cr.compile(lambda a: a @ a, threads=2)
    a = normal(400, 400)
    for _ in range(20):
        f(a)
    saved = threading_of.pool().words[threading_of.SAVED // 8]
    assert 0 <= saved <= threading_of.CREDIT[1]


def test_what_waits_comes_after_the_copy_that_it_is_read_from():
    """A node that waits reads its operand where that lies then: in a copy, if one was made."""
    x = normal(8)

    def f(x):
        turned = cr.flip(x)
        return cr.exp2(turned), 2 * cr.sort(turned), cr.sum(cr.tanh(2 * x))

    for found, wanted in zip(cr.compile(f)(x), f(x), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
