"""What compiled functions leave behind in a process: nothing for a call, next to nothing for one
that is compiled and dropped."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from processes import said

import chainrule as cr

pytest.importorskip("llvmlite")
STATUS = Path("/proc/self/status")
if not STATUS.exists():
    pytest.skip("the system does not say how much memory is in use", allow_module_level=True)

HEAD = """
import gc, sys
import numpy as np
import chainrule as cr

def used():
    gc.collect()
    lines = open("/proc/self/status").read().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith("VmRSS")) * 1024

def grown(before, count, body):
    for _ in range(before):
        body()
    begun = used()
    for _ in range(count):
        body()
    print((used() - begun) // count)

rng = np.random.default_rng(0)
"""
# Bytes that each adds, at most. LLVM itself keeps some 5 kB of every module that it compiles; code
# that is held on to takes ten times as much.
FUNCTION = """
def body():
    k = float(rng.normal())
    f = cr.compile(lambda x: cr.sum(cr.tanh(x * k) + k))
    assert np.isfinite(f(np.ones(8)))
    KEPT

KEEP = []
grown(20, 80, body)
"""
CALL = """
w, x = {"a": rng.normal(size=(8, 4))}, rng.normal(size=(6, 8))
f = cr.compile(cr.value_and_grad(lambda w, x: cr.mean(cr.tanh(x @ w["a"]) ** 2)))
EAGER = cr.compile(lambda x: cr.sort(cr.exp(x)) * 2)
call = CALLED
grown(5_000, 100_000, call)
"""
CALLS = {
    "through the door": "lambda: f(w, x)",
    "through Python": "lambda: f._in_python(w, x)",
    "with an op left to NumPy": "lambda: EAGER(x)",
}


def grown(program):
    return int(said(HEAD + program))


@pytest.mark.parametrize("how", CALLS)
def test_a_hundred_thousand_calls_leave_no_memory_behind(how):
    assert grown(CALL.replace("CALLED", CALLS[how])) < 24  # the smallest object is 32


def test_functions_that_are_compiled_and_dropped_leave_next_to_nothing():
    assert grown(FUNCTION.replace("KEPT", "pass")) < 16_000


def test_a_function_that_is_kept_is_seen_by_this_measure():
    assert grown(FUNCTION.replace("KEPT", "KEEP.append(f)")) > 24_000


def test_of_one_function_only_so_many_forms_are_kept(monkeypatch):
    monkeypatch.setattr(import_module("chainrule.transform.compile"), "VERSIONS", 5)
    f = cr.compile(lambda x: x + 1.0)
    for n in range(1, 13):
        assert f(np.ones(n)).shape == (n,)
    assert len(f.versions) == len(f.forms) == 5
    assert [v.graph.inputs[0].shape[0] for v in f.versions.values()] == [8, 9, 10, 11, 12]
    assert (f(np.ones(1)) == 2.0).all()  # one that had to go is made anew
