"""Machine code depends neither on NumPy's library nor on threads, and fits smaller machines."""

import os

import numpy as np
import pytest
from processes import said

import chainrule as cr
from chainrule.read.native.machine import engine

pytest.importorskip("llvmlite")

# Compiled and eager runs of what products, sums, scans and functions are in; prints the bits of
# the compiled ones, and how far the eager ones are from them.
PROGRAM = """
import hashlib
import numpy as np
import chainrule as cr

rng = np.random.default_rng(0)

def network(ws, x):
    h = x
    for w in ws:
        h = cr.tanh(h @ w)
    return cr.mean(h * h)

def recurrent(layer, x):
    return cr.mean(cr.square(layer(x)[0]))

def sums(x):
    return cr.sum(x * x), cr.sum(cr.exp(-x * x), axis=0), cr.max(x, axis=1)

def given(dtype):
    make = lambda *shape: rng.normal(size=shape).astype(dtype)
    ws = [make(70, 90) / 8, make(90, 40) / 8, make(40, 7) / 8]
    yield cr.value_and_grad(network), (ws, make(128, 70))
    yield cr.value_and_grad(recurrent), (cr.nn.LSTM(16, 32, seed=1, dtype=dtype), make(6, 32, 16))
    yield sums, (make(300, 400),)
    yield lambda a, b: a @ b.T, (make(130, 300), make(170, 300))

bits, off = hashlib.blake2b(digest_size=8), 0.0
for dtype, unit in ((np.float32, 2e-5), (np.float64, 1e-12)):
    for f, xs in given(dtype):
        found, wanted = cr.tree_leaves(cr.compile(f)(*xs)), cr.tree_leaves(f(*xs))
        for a, b in zip(found, wanted, strict=True):
            a, b = (np.asarray(getattr(v, "value", v)) for v in (a, b))
            bits.update(a.tobytes())
            off = max(off, float(np.max(np.abs(a - b)) / (unit * max(1.0, np.max(np.abs(b))))))
print(bits.hexdigest(), off)
"""
SETTINGS = [
    {"OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": n, "CHAINRULE_NUM_THREADS": n}
    for core in (None, "Haswell") for n in ("1", "2")
]  # fmt: skip


def test_no_bit_depends_on_numpy_s_library_or_on_threads_and_numpy_agrees():
    told = []
    for setting in SETTINGS:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS_", "OMP_"))}
        kept |= {k: v for k, v in setting.items() if v is not None}
        told.append(said(PROGRAM, env=kept).split())
    assert len({bits for bits, _ in told}) == 1
    assert all(float(off) < 1.0 for _, off in told), told


@pytest.fixture
def without_avx512(monkeypatch):
    """This machine, as if it had registers of half the size: most machines have those."""
    here = engine.host()
    if "+avx2" not in here.features.split(","):
        pytest.skip("not a machine with AVX2")
    kept = [f for f in here.features.split(",") if not f.startswith(("+avx512", "+avx10"))]
    fewer = here._replace(cpu="haswell", features=",".join([*kept, "-avx512f"]))
    monkeypatch.setattr(engine, "host", lambda: fewer)
    clear()
    assert engine.register() == 32
    yield
    monkeypatch.undo()
    clear()


def clear():
    engine.register.cache_clear()


def test_smaller_registers_give_the_same_numbers(without_avx512):
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(37, 45)), rng.normal(size=(45, 29))

    def f(x, w):
        y = cr.tanh(x @ w) + cr.sigmoid(cr.sum(x, axis=1, keepdims=True))
        last, ys = cr.scan(lambda c, v: (cr.sin(c + v), cr.exp(-c * c)), y[0], y)
        return last, ys, cr.grad(lambda w: cr.mean(cr.softplus(x @ w) ** 2))(w), cr.max(y, axis=0)

    for dtype, rtol in ((np.float64, 1e-11), (np.float32, 2e-4)):
        given = x.astype(dtype), w.astype(dtype)
        compiled = cr.compile(f)
        for a, b in zip(cr.tree_leaves(compiled(*given)), cr.tree_leaves(f(*given)), strict=True):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
        assert "zmm" not in compiled.asm
        assert "ymm" in compiled.asm
