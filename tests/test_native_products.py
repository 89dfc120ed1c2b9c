"""Products in machine code: right at every size and layout, inside their memory, the same for any
number of threads."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.errors import UsageError
from chainrule.read.native.kernels.panels import block, rounds
from chainrule.read.native.machine import threads as threading_of
from chainrule.read.native.tiling import tiling
from chainrule.transform.compile import compile as compiled

pytest.importorskip("llvmlite")
native = pytest.importorskip("chainrule.read.native.native").native

RNG = np.random.default_rng(5)
EDGES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 47, 64, 70)
LAYOUTS = {  # how a matrix lies in memory, and how the function sees it
    "as it is": (lambda r, c: (r, c), lambda x: x),
    "transposed": (lambda r, c: (c, r), lambda x: cr.permute_dims(x, (1, 0))),
    "every second": (lambda r, c: (2 * r, 2 * c), lambda x: x[::2, ::2]),
    "backwards": (lambda r, c: (r, c), lambda x: cr.flip(x)),
}
ENDS = {  # what is done with a tile while it is in registers
    "nothing": lambda y: y,
    "a curve": lambda y: cr.tanh(y) + y * 0.5,
    "sums over rows": lambda y: (y * 2.0, cr.sum(y, axis=0)),
    "a sum over all": lambda y: (y * 2.0, cr.sum(y)),
}


def made(f, arrays, threads=1):
    """The function as machine code for these arrays."""

    def flat(*nodes):
        out = f(*nodes)
        return list(out) if type(out) is tuple else [out]

    return native(cr.capture(flat, *arrays), threads=threads)


def check(m, k, n, dtype, left="as it is", right="as it is", end="nothing"):
    """The product against float64, with what rounding may do to so many terms."""
    (shape_a, see_a), (shape_b, see_b) = LAYOUTS[left], LAYOUTS[right]
    a = RNG.normal(size=shape_a(m, k)).astype(dtype)
    b = RNG.normal(size=shape_b(k, n)).astype(dtype)
    run = made(lambda a, b: ENDS[end](see_a(a) @ see_b(b)), (a, b))
    assert not hasattr(run, "program") or run.program.native
    exact_a, exact_b = (np.asarray(s(x.astype("f8"))) for s, x in ((see_a, a), (see_b, b)))
    want = ENDS[end](exact_a @ exact_b)
    size = np.abs(exact_a) @ np.abs(exact_b) + 1
    each = (k + 8) * np.finfo(dtype).eps
    for got, exact in zip(run(a, b), want if type(want) is tuple else (want,), strict=True):
        terms = {2: 1, 1: m, 0: m * n}[exact.ndim]
        whole = size if exact.ndim == 2 else size.sum(axis=0) if exact.ndim else size.sum()
        bound = 2 * (each + terms * np.finfo(dtype).eps) * whole
        assert (got.shape, got.dtype) == (exact.shape, dtype)
        assert (np.abs(got - exact) <= bound).all()


def table(seed, count):
    """Sizes with every remainder, in no order."""
    rng = np.random.default_rng(seed)
    return [tuple(int(x) for x in rng.choice(EDGES, 3)) for _ in range(count)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
def test_products_are_right_in_every_layout(left, right, dtype):
    for m, k, n in [(1, 1, 1), (70, 3, 1), (1, 70, 9), *table(len(left) + 31 * len(right), 3)]:
        check(m, k, n, dtype, left, right)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("end", [e for e in ENDS if e != "nothing"])
def test_what_follows_a_product_sees_its_tiles(end, dtype):
    for m, k, n in [(5, 1, 1), (1, 5, 1), (33, 40, 1), (1, 7, 50), *table(7, 5)]:
        check(m, k, n, dtype, end=end)


@pytest.mark.parametrize("size", range(1, 71, 3))
def test_products_are_right_at_every_remainder(size):
    check(size, 5, size, "float32", right="transposed")
    check(9, size, 20, "float32", right="transposed")
    check(size, 9, 70, "float64", left="transposed")


@pytest.mark.parametrize("right", ["as it is", "transposed", "every second"])
def test_large_products_go_through_panels(right):
    check(130, 300, 170, "float32", right=right)
    check(100, 517, 90, "float64", right=right, end="a curve")
    check(2000, 20, 70, "float32", right=right, end="a curve")
    check(70, 9000, 90, "float32", right=right)
    check(1307, 20, 170, "float64", right=right, end="sums over rows")


def test_batches_broadcast():
    a, b = RNG.normal(size=(3, 1, 5, 17)), RNG.normal(size=(4, 17, 19))
    (got,) = made(lambda a, b: a @ b, (a, b))(a, b)
    assert np.allclose(got, a @ b, rtol=1e-13)
    (got,) = made(lambda a, b: a @ cr.permute_dims(b, (0, 2, 1)), (a, b[:, :17, :17]))(
        a, np.ascontiguousarray(b[:, :17, :17])
    )
    assert np.allclose(got, a @ b[:, :17, :17].transpose(0, 2, 1), rtol=1e-13)


def test_whole_numbers_multiply_exactly():
    a, b = RNG.integers(-9, 9, (13, 40)), RNG.integers(-9, 9, (40, 21))
    (got,) = made(lambda a, b: a @ b, (a, b))(a, b)
    assert got.dtype == a.dtype
    assert (got == a @ b).all()


@pytest.mark.parametrize("left", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("right", ["float32", "float64"])
def test_a_product_of_two_dtypes_is_made_in_the_wider(left, right):
    a, b = (3 * RNG.normal(size=s) for s in ((3, 9), (9, 5)))
    a, b = a.astype(left), b.astype(right)
    step = cr.compile(cr.matmul)
    assert step(a, b).dtype == (a @ b).dtype
    np.testing.assert_allclose(step(a, b), a @ b, rtol=1e-5, atol=1e-5)
    assert "Left to NumPy: nothing" in str(step.explain())


def test_a_product_without_terms_or_places_is_left_to_numpy():
    for a, b in (((3, 0), (0, 4)), ((0, 3), (3, 4))):
        x, y = np.ones(a), np.ones(b)
        assert (compiled(lambda a, b: a @ b)(x, y) == x @ y).all()


@pytest.mark.parametrize("sizes", [(3, 5, 7), (37, 91, 53), (130, 300, 170), (70, 10, 1)])
@pytest.mark.parametrize("right", ["as it is", "transposed"])
def test_nothing_is_written_beside_the_buffers(sizes, right):
    m, k, n = sizes
    shape, see = LAYOUTS[right]
    kept = []

    def guarded(shape, dtype):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        kept.append((np.full(size + 4096, 0xAB, np.uint8), size))
        return kept[-1][0][2048 : 2048 + size].view(dtype).reshape(shape)

    arrays = [guarded((m, k), "f4"), guarded(shape(k, n), "f4")]
    for x in arrays:
        x[...] = RNG.normal(size=x.shape)
    run = made(lambda a, b: ENDS["sums over rows"](a @ see(b)), arrays, threads=2)
    outs = [guarded(s, d) for s, d in run.outs]
    run.table[0] = guarded((run.program.arena,), np.uint8).ctypes.data
    run.pack(run.objects, 0, *map(id, arrays), *map(id, outs))
    run._by(run.only, *run.addresses)
    for raw, size in kept:
        assert (np.delete(raw, np.s_[2048 : 2048 + size]) == 0xAB).all()
    assert np.allclose(outs[0], 2 * (arrays[0] @ np.asarray(see(arrays[1]))), atol=1e-3)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "sizes", [(64, 300, 200), (500, 64, 40), (1, 600, 700), (9, 300, 500), (2051, 30, 33)]
)
def test_any_number_of_threads_gives_the_same_bits(sizes, end):
    m, k, n = sizes
    a, b = (RNG.normal(size=s).astype("f4") for s in ((m, k), (k, n)))
    runs = [made(lambda a, b: ENDS[end](a @ b), (a, b), threads=t) for t in (1, 2, 3, 8)]
    first = runs[0](a, b)
    for run in runs[1:]:
        for _ in range(5):
            assert all((x == y).all() for x, y in zip(first, run(a, b), strict=True))


def test_a_long_program_keeps_its_workers():
    x = RNG.normal(size=(128, 128)).astype("f4") / 12

    def steps(x):
        return cr.scan(lambda c, _: (cr.tanh(c @ c), cr.sum(c)), x, None, length=50)

    runs = [made(lambda x: (steps(x)[0], steps(x)[1]), (x,), threads=t) for t in (1, 4)]
    assert runs[1].parallel
    for x, y in zip(*(run(x) for run in runs), strict=True):
        assert (x == y).all()


@pytest.mark.parametrize("lanes", [2, 4, 8, 16])
@pytest.mark.parametrize("size", [4, 8])
def test_rounds_of_shuffles_turn_a_square(lanes, size):
    rows = list(np.arange(lanes * lanes).reshape(lanes, lanes))
    for masks, pairs in rounds(lanes, size):
        made = list(rows)
        for x, y, low, high in pairs:
            both = np.concatenate([rows[x], rows[y]])
            made[low], made[high] = (both[list(mask)] for mask in masks)
        rows = made
    assert (np.array(rows) == np.arange(lanes * lanes).reshape(lanes, lanes).T).all()
    assert f"define internal void @t{lanes}" in block(f"t{lanes}", np.dtype(f"f{size}"), lanes)


@pytest.mark.parametrize(("registers", "most"), [(64, 24), (32, 12)])
def test_a_tile_fits_the_registers(registers, most):
    for rows, vectors, terms in [(1, 1, 1), (128, 32, 784), (7, 3, 100), (1, 64, 9), (500, 1, 4)]:
        tall, wide, splits = tiling(rows, vectors, terms, registers, registers, True)
        assert 1 <= tall <= rows
        assert 1 <= wide <= vectors
        assert tall * wide <= most
        assert splits == 1 or terms >= 2 * splits


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "2"])
def test_a_number_of_threads_is_a_positive_whole_number(wrong):
    with pytest.raises(UsageError, match="threads="):
        compiled(lambda x: x, threads=wrong)


def test_compile_takes_a_number_of_threads():
    a = np.ones((300, 300), "f4")
    runs = [compiled(lambda a: a @ a, threads=t) for t in (None, 1, 2)]
    assert all((f(a) == 300).all() for f in runs)
    assert [next(iter(f.versions.values())).run.parallel for f in runs[1:]] == [False, True]


def test_the_environment_says_how_many_threads(monkeypatch):
    for name in threading_of.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    every = threading_of.wanted()
    names = ("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "CHAINRULE_NUM_THREADS")
    for count, name in enumerate(names, start=3):  # each comes before those set already
        monkeypatch.setenv(name, str(count))
        assert threading_of.wanted() == count
    assert threading_of.wanted(2) == 2
    for nonsense in ("0", "-1", "many", ""):
        for name in names:
            monkeypatch.setenv(name, nonsense)
        assert threading_of.wanted() == every
    monkeypatch.setenv("OMP_NUM_THREADS", "4,2")  # of two levels, the first
    assert threading_of.wanted() == 4


PROGRAM = """
import os, sys
import numpy as np
from chainrule.transform.compile import compile as compiled
f = compiled(lambda a, b: a @ b)
a = np.ones((200, 200), "f4")
f(a, a)
child = os.fork() if sys.argv[1] == "fork" else 1
good = bool((f(a, a) == 200).all())
if child == 0:
    os._exit(0 if good else 3)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if sys.argv[1] == "fork" else 0
sys.exit(0 if good and code == 0 else 4)
"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", ["fork", "exit"])
def test_workers_survive_a_fork_and_end_with_the_program(how):
    if how == "fork" and not hasattr(os, "fork"):
        pytest.skip("no fork here")
    environment = {**os.environ, "CHAINRULE_NUM_THREADS": "3"}
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", PROGRAM, how], env=environment, timeout=60)
        assert done.returncode == 0


TURNED = [
    ((16, 16), (1, 0)), ((17, 35), (1, 0)), ((70, 33), (1, 0)), ((3, 20, 40), (0, 2, 1)),
    ((3, 20, 40), (2, 0, 1)), ((20, 3, 40), (2, 1, 0)), ((5, 7), (1, 0)), ((600, 700), (1, 0)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "f2", "?", "u1"])
def test_transposed_copies_are_exact(dtype):
    for shape, order in TURNED:
        a = (RNG.normal(size=shape) * 10).astype(dtype)
        for threads in (1, 2):
            (got,) = made(lambda a, order=order: cr.permute_dims(a, order), (a,), threads)(a)
            assert (got == a.transpose(order)).all()


def test_a_left_factor_whose_terms_lie_pages_apart_is_laid_out_anew():
    a, b = (RNG.normal(size=s).astype("f4") for s in ((256, 512), (256, 300)))
    run = made(lambda a, b: cr.permute_dims(a, (1, 0)) @ b, (a, b))
    assert len(run.program.kernels) == 1
    assert "@room" in run.text.split("define internal void @k0")[1]
    assert np.allclose(run(a, b)[0], a.T @ b, atol=1e-3)


def a_layer(x, w, b, t):
    return cr.mean((cr.tanh(x @ cr.transpose(w) + b) - t) ** 2)


def test_the_text_of_a_large_product_stays_short():
    """LLVM takes longest of all; what is asked for early, and a long epilogue, are loops."""
    shapes = (128, 784), (512, 784), (512,), (128, 512)
    arrays = [np.zeros(s, np.float32) for s in shapes]
    text = native(cr.capture(a_layer, *arrays)).text
    assert text.count("call void @llvm.prefetch") <= 4
    assert len(re.findall(r"call .*@llvm.copysign", text)) <= 1  # the end of each tanh


@pytest.mark.parametrize("shape", [(1000,), (64, 100), (7, 3, 50)])
def test_no_counter_is_known_to_llvm(shape):
    x = np.ones(shape, np.float32)
    text = native(cr.capture(lambda x: cr.sum(cr.exp(x), axis=0), x)).text
    ends = re.findall(r"(?m)^  (%i\d+)\.next = (.*)", text)
    assert ends
    assert all("@llvm.expect" in end for _, end in ends)
