"""Sums along the first axis in blocks of rows, and products with few rows or columns."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.read.native.kernels.columns import blocks_of

native = pytest.importorskip("chainrule.read.native.native").native

RNG = np.random.default_rng(5)
THREADS = (1, 2, 5)
SHAPES = [
    (1, 3), (7, 1), (9, 2), (64, 10), (1000, 17), (5000, 8), (513, 512), (300, 1001), (33333, 2),
    (130, 256), (40, 41, 30), (16, 5000),
]  # fmt: skip
WIDE = {"f4": np.float64, "f8": np.longdouble, "i4": np.int64}
PRECISION = {"f4": 6e-7, "f8": 1e-15, "i4": 0}
SUMS = {
    "sum": lambda xp, x: xp.sum(x, axis=0),
    "max": lambda xp, x: xp.max(x, axis=0),
    "min": lambda xp, x: xp.min(x, axis=0),
    "two": lambda xp, x: xp.sum(x * 3, axis=0) + xp.max(x * x, axis=0),
    "beside a sum of all": lambda xp, x: xp.sum(x, axis=0) + xp.sum(x * x),
    "beside sums of rows": lambda xp, x: xp.sum(x, axis=0) + xp.sum(xp.sum(x * x, axis=-1)),
}
LONG = {
    "of long chains": lambda x: cr.sum(cr.tanh(x) * cr.exp(-x * x) + cr.sin(x), axis=0),
    "with what is stored": lambda x: (cr.sum(x * 2, axis=0), x * 2 + 1),
    "the variance": lambda x: cr.var(x, axis=0),
}


def drawn(shape, dtype):
    return (RNG.normal(size=shape) * 9).astype(dtype)


def by_threads(f, *arrays):
    """What a function gives, which must have the same bits for any number of threads."""
    first, *others = ([*cr.tree_flatten(cr.compile(f, threads=n)(*arrays))[0]] for n in THREADS)
    for other in others:
        for a, b in zip(first, other, strict=True):
            np.testing.assert_array_equal(a, b)
    return first


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_along_the_first_axis_are_right_and_the_same_for_any_threads(shape, dtype, name):
    x = drawn(shape, dtype)
    (made,) = by_threads(lambda x: SUMS[name](cr, x), x)
    wanted = SUMS[name](np, x.astype(WIDE[dtype]))
    size = SUMS[name](np, np.abs(x.astype(WIDE[dtype]))) if name != "min" else np.abs(x).max()
    assert np.all(np.abs(made - wanted) <= PRECISION[dtype] * size)


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_loops_that_are_summed_along_the_first_axis_compute_what_eager_code_does(shape, name):
    x = drawn(shape, "f8") / 9
    for made, wanted in zip(by_threads(LONG[name], x), cr.tree_flatten(LONG[name](x))[0],
                            strict=True):  # fmt: skip
        np.testing.assert_allclose(made, wanted, rtol=1e-12, atol=1e-12 * shape[0])


def test_a_sum_over_millions_of_rows_keeps_its_digits():
    x = RNG.random((2_000_000, 3)).astype("f4")
    (made,) = by_threads(lambda x: cr.sum(x, axis=0), x)
    wanted = x.sum(axis=0, dtype="f8")
    assert np.max(np.abs(made - wanted) / wanted) < 2e-7
    assert np.max(np.abs(x.sum(axis=0) - wanted) / wanted) > 2e-7  # NumPy's does not


def test_nothing_is_written_beside_sums_of_columns():
    x = drawn((700, 19), "f4")
    guarded = np.full(19 + 32, 7, "f4")
    f = cr.compile(lambda x, out: cr.sum(x, axis=0) + 0 * out, donate=(1,))
    made = f(x, guarded[16:35])
    np.testing.assert_array_equal(guarded[:16], 7)
    np.testing.assert_array_equal(guarded[35:], 7)
    np.testing.assert_allclose(made, x.sum(axis=0), rtol=1e-4, atol=1e-3)


def test_an_infinity_or_nothing_stays_in_its_column():
    x = np.ones((5000, 6), "f4")
    x[4321, 2], x[17, 4] = np.inf, np.nan
    (total,) = by_threads(lambda x: cr.sum(x, axis=0), x)
    (most,) = by_threads(lambda x: cr.max(x, axis=0), x)
    np.testing.assert_array_equal(total, [5000, 5000, np.inf, 5000, np.nan, 5000])
    np.testing.assert_array_equal(most, [1, 1, np.inf, 1, np.nan, 1])


@pytest.mark.parametrize(("rows", "columns"), [(9000, 9), (129, 300), (1 << 20, 1), (4097, 1024)])
def test_blocks_hold_all_rows_once(rows, columns):
    count, each = blocks_of(rows, columns)
    assert (count - 1) * each < rows <= count * each


THIN = [
    (5, 50000, 1), (5000, 5, 1), (5000, 3, 1), (77, 8, 1), (77, 7, 1), (1001, 2, 1), (1, 1000, 300),
    (1, 4096, 1), (1, 16, 1), (1, 17, 3), (2, 33, 5), (2, 600, 7), (3, 40, 1), (1, 700, 900),
    (900, 700, 1), (1500, 1300, 1),
]  # fmt: skip


@pytest.mark.parametrize("layout", ["NN", "NT", "TN", "TT"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
@pytest.mark.parametrize("sizes", THIN, ids=str)
def test_thin_products_are_right_and_the_same_for_any_threads(sizes, dtype, layout):
    n, k, m = sizes
    a, b = drawn((n, k), dtype), drawn((k, m), dtype)
    given = [np.ascontiguousarray(x.T) if t == "T" else x
             for x, t in zip((a, b), layout, strict=True)]  # fmt: skip

    def product(a, b):
        return (a.T if layout[0] == "T" else a) @ (b.T if layout[1] == "T" else b)

    made, beside, total = by_threads(
        lambda a, b: (product(a, b), cr.concat([product(a, b)] * 2, axis=1), cr.sum(product(a, b))),
        *given,
    )
    wide = a.astype(WIDE[dtype]), b.astype(WIDE[dtype])
    wanted, size = wide[0] @ wide[1], np.abs(wide[0]) @ np.abs(wide[1])
    assert np.all(np.abs(made - wanted) <= PRECISION[dtype] * size)
    np.testing.assert_array_equal(beside, np.concatenate([made, made], axis=1))
    assert abs(total - wanted.sum()) <= PRECISION[dtype] * size.sum()


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u1", "?"])
@pytest.mark.parametrize("step", [*range(2, 10), -1, -3])
def test_elements_a_few_apart_are_read_and_nothing_beside_them(step, dtype):
    x = (RNG.normal(size=1003) * 9).astype(dtype)
    made = cr.compile(lambda x: cr.where(x[::step] > 0, x[::step], x[::step]))(x)
    np.testing.assert_array_equal(made, x[::step])


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (0, 3, 4)], ids=str)
def test_sums_of_nothing_are_nothing(shape):
    (made,) = by_threads(lambda x: cr.sum(x + 1, axis=0), np.zeros(shape, "f4"))
    np.testing.assert_array_equal(made, np.zeros(shape[1:], "f4"))
