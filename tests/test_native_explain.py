"""What a compiled function says: its program, its forms, its faults; and what cannot be traced."""

import inspect
import math
import random
import re
import sys
import tracemalloc

import numpy as np
import pytest
from processes import said

import chainrule as cr
from chainrule.read.native import plain
from chainrule.read.native.machine import engine
from chainrule.read.native.work import of_kernel, of_program, operations
from chainrule.transform.effects import refuse_effects, surroundings

pytest.importorskip("llvmlite")
A = np.arange(12.0, dtype=np.float32).reshape(3, 4) / 10


def run_of(f):
    return next(reversed(f.versions.values())).run


def compiled(f, *args, **kwargs):
    f = cr.compile(f)
    f(*args, **kwargs)
    return f


# explain --------------------------------------------------------------------------------------


def net(params, x):
    return cr.sum(cr.tanh(x @ params["w"] + params["b"]))


PARAMS = {"w": np.ones((4, 2), np.float32), "b": np.zeros(2, np.float32)}


def test_the_explanation_names_arguments_kernels_and_limits():
    told = compiled(net, PARAMS, A).explain()
    for part in (
        "net: 3 inputs, 1 output, 1 kernel, arena 0 B", "expand",
        "product over 4 3×2: matmul, add, tanh, sum",
        "params['w']", "params['b']", "writes result 0", "flop", "read", "written", "arena",
        "of the roofline", "Left to NumPy: nothing",
    ):  # fmt: skip
        assert part in told, part


def test_the_explanation_shows_what_a_pass_did():
    told = compiled(lambda x: (x * x + 0.0) * 1.0, A).explain()
    assert re.search(r"simplify +\d+ → \d+ .*\+ square", told)


def test_a_pass_that_is_switched_off_is_told():
    f = cr.compile(lambda x: x * x, without={"simplify"})
    f(A)
    assert re.search(r"simplify +switched off", f.explain())


def noisy(w, x):
    y = cr.tanh(x @ w) * 1.0
    return cr.sum(y + 0.0)


def test_a_pass_is_shown_as_a_diff_with_the_user_s_lines():
    f = compiled(noisy, np.ones((4, 2), np.float32), A)
    told = f.explain("simplify").splitlines()
    first = inspect.getsourcelines(noisy)[1]
    gone, new, kept = ([x[2:] for x in told if x[0] == sign] for sign in "−+ ")
    assert [x.split(" = ")[1].split("(")[0] for x in gone] == [
        "multiply",
        "add",
        "sum[axis=None, keepdims=False]",
    ]
    assert f"test_native_explain.py:{first + 1}" in gone[0]
    assert f"test_native_explain.py:{first + 2}" in gone[1]
    assert [x.split("(")[0] for x in new] == [gone[2].split("(")[0]]  # the sum, of the tanh
    assert "matmul(x, w)" in kept[0]
    assert "tanh" in kept[1]
    assert f.explain("hoist") == "hoist: nothing to do"
    with pytest.raises(cr.UsageError, match=r"no pass 'tidyy'.*tidy"):
        f.explain("tidyy")


def test_a_diff_shows_what_moves_out_of_a_scan():
    def f(w, x, h):
        return cr.scan(lambda h, v: (cr.tanh(v @ w + h), None), h, x)[0]

    told = compiled(f, np.ones((4, 4)), np.ones((7, 3, 4)), np.ones((3, 4))).explain("hoist")
    assert re.search(r"^\+ %\d+ = matmul\(", told, re.M)
    assert re.search(r"^−     %\d+ = matmul\(", told, re.M)
    assert re.search(r"scan\[.*length=7.*x as %\d+", told)


def test_a_diff_has_all_that_changed_and_nothing_else():
    from chainrule.read.native.explain.diffs import diff
    from chainrule.read.native.pipeline import OF_GRAPHS

    def f(x):
        y = cr.softmax(x, axis=1) * 1.0
        return cr.grad(lambda z: cr.sum(cr.sin(z[:, :2]) * y[:, 2:]))(x)

    graph = next(iter(compiled(f, A).versions.values())).graph
    for one in OF_GRAPHS:
        before = {n for n in graph.order if n.inputs}
        lines, graph = diff(graph, one, ["x"], ())
        after = {n for n in graph.order if n.inputs}
        assert bool(lines) == (before != after)
        grown = sum(x[0] == "+" for x in lines) - sum(x[0] == "−" for x in lines)
        assert grown == len(after) - len(before)


def test_what_follows_on_the_passes_is_counted():
    told = compiled(net, PARAMS, A).explain()
    assert re.search(r"fuse +3 ops in a loop that there was already", told)
    assert re.search(r"place +nothing to do", told)
    f = cr.compile(net, without={"fuse"})
    f(PARAMS, A)
    assert re.search(r"fuse +switched off", f.explain())


def test_what_is_left_to_numpy_is_told_with_its_reason():
    told = compiled(lambda x: cr.sort(x, axis=1) * 2, A).explain()
    assert re.search(r"Left to NumPy:\n +1 \w+: this op has no code", told)
    assert "was not timed" in told
    told = compiled(lambda x: x * x, A.astype(np.float16)).explain()
    assert "no code for float16" in told


def test_a_loop_that_is_left_to_numpy_says_for_which_op_of_its_body():
    def f(h, xs):
        return cr.scan(lambda h, x: (cr.sort(h) + x, None), h, xs)

    told = compiled(f, np.zeros(4), np.ones((7, 4))).explain()
    assert re.search(r"scan: runs op by op, since its body holds .*no code", told)


def test_a_branch_is_explained_with_both_its_sides():
    def f(x):
        return cr.cond(cr.sum(x) > 0, lambda x: cr.tanh(x), lambda x: x * 2, x)

    told = compiled(f, A).explain()
    assert "kernels where the condition holds" in told or "cond" in told
    assert "operand 0" in told or "Left to NumPy:" in told


def test_a_scan_is_explained_with_its_body():
    def f(h, xs):
        return cr.scan(lambda h, x: (cr.tanh(h + x), h), h, xs)

    told = compiled(f, np.zeros(4), np.ones((7, 4))).explain()
    assert "scan of 7 steps, in order" in told
    assert "carry 0" in told


def test_before_the_first_call_there_is_nothing_to_explain():
    f = cr.compile(net)
    for ask in (f.explain, lambda: f.ir, lambda: f.asm):
        with pytest.raises(cr.UsageError, match="call the function once"):
            ask()
    assert "not called yet" in repr(f)
    assert "not compiled yet" in f.why_recompiled()


def test_the_code_can_be_read():
    f = compiled(net, PARAMS, A)
    assert "define" in f.ir
    assert "after LLVM's passes" in f.ir
    assert "enter:" in f.asm
    assert repr(f) == "<compiled net: 1 form>"


# Work -----------------------------------------------------------------------------------------

F4 = np.dtype("f4")
WORK = {  # function, arguments, operations, bytes read, bytes written
    "a sum of two": (lambda x, y: x + y, (A, A + 1), 12, 96, 48),
    "a row is read once": (lambda x, y: x + y, (A, A[0]), 12, 64, 48),
    "a matrix product": (lambda x, y: x @ y, (A, np.ascontiguousarray(A.T)), 72, 96, 36),
    "a copy": (lambda x: x.reshape(4, 3), (A,), 0, 48, 48),
}


@pytest.mark.parametrize("name", WORK)
def test_work_is_counted(name):
    f, args, *expected = WORK[name]
    assert list(of_program(run_of(compiled(f, *args)).program)) == expected


def test_operations_of_an_op_are_those_its_forward_writes():
    from chainrule.ops.elementwise import exp, multiply

    assert operations(multiply, F4, F4) == 1
    assert 10 < operations(exp, F4) < 60


def test_a_scan_moves_what_it_is_handed_once_and_its_steps_are_its_least_time():
    from chainrule.read.native.explain.roofline import least

    def f(h, xs, w):
        return cr.scan(lambda h, x: (cr.tanh(h @ w + x), h), h, xs)

    given = np.zeros((8, 64)), np.ones((50, 8, 64)), np.ones((64, 64))
    f = cr.compile(f, threads=1, without={"panels"})
    f(*given)
    (steps,) = (k for k in run_of(f).program.kernels if hasattr(k, "body"))
    work, rows = of_kernel(steps), 8 * 64 * 8
    assert work.read == rows + 50 * rows + 64 * 64 * 8
    assert work.written == 51 * rows
    assert least(steps)[0] >= 50 * sum(least(k)[0] for k in steps.body.kernels)


def test_a_scan_is_as_much_work_as_its_steps():
    def f(h, xs):
        return cr.scan(lambda h, x: (h + x, None), h, xs)

    kernels = run_of(compiled(f, np.zeros(4), np.ones((7, 4)))).program.kernels
    assert max(of_kernel(k).operations for k in kernels) == 7 * 4


# why_recompiled -------------------------------------------------------------------------------


def step(params, x, scale=1.0, *, train=True):
    return cr.sum(params["0.weight"] @ x) * scale if train else x


def w(n=4, dtype=np.float32):
    return {"0.weight": np.ones((n, 3), dtype)}


CHANGES = {
    "a shape": ((w(), A), (w(), A[:, :2].copy()), "x: shape (3, 4) → (3, 2)"),
    "a deep shape": ((w(), A), (w(5), A), "params['0.weight']: shape (4, 3) → (5, 3)"),
    "a dtype": ((w(), A), (w(dtype=np.float64), A), "dtype float32 → float64"),
    "a kind": ((w(), A, 1.0), (w(), A, np.float32(1.0)), "scale: a Python float → float32 ()"),
    "one more": ((w(), A), ({**w(), "b": A}, A), "params['b']: new, float32 (3, 4)"),
    "one less": (({**w(), "b": A}, A), (w(), A), "params['b']: gone, was float32 (3, 4)"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_new_form_is_explained_by_what_changed(name):
    before, after, expected = CHANGES[name]
    f = compiled(step, *before)
    f(*after)
    told = f.why_recompiled()
    assert expected in told
    assert "has 2 forms" in told


def test_a_changed_setting_is_explained_by_its_values():
    f = compiled(step, w(), A, train=True)
    f(w(), A, train=False)
    assert "train: value True → False" in f.why_recompiled()
    assert "part of what is compiled" in f.why_recompiled()


def test_the_nearest_form_is_the_one_compared_with():
    f = compiled(step, w(), A)
    f(w(5), A[:, :2].copy())
    f(w(5), A[:, :3].copy())
    assert "params" not in f.why_recompiled()


def test_without_a_change_nothing_was_recompiled():
    f = compiled(step, w(), A)
    f(w(), A + 1)
    assert "compiled once" in f.why_recompiled()
    assert "params['0.weight']: float32 (4, 3)" in f.why_recompiled()


def test_further_arguments_are_counted():
    f = compiled(lambda *xs: xs[0] + xs[1], A, A)
    f(A, A[0])
    assert "xs[1]: shape (3, 4) → (4,)" in f.why_recompiled()


# What cannot be traced ------------------------------------------------------------------------

SEEN: list = []
KEPT: dict = {}


def keeps(x):
    SEEN.append(cr.sum(x))  # here
    return x


def keeps_by_name(x):
    KEPT["loss"] = cr.sum(x)  # here
    return x


def branches(x):
    return x if cr.sum(x) > 0 else -x  # here


def loops(x):
    while cr.sum(x) > 1:  # here
        x = x / 2
    return x


def asks_both(x):
    return x if x[0, 0] > 0 and x[0, 1] > 0 else -x  # here


def floats(x):
    return x * float(x[0, 0])  # here


def uses_math(x):
    return x * math.sin(x[0, 0])  # here


def counts(x):
    return sum(x * k for k in range(cr.sum(x)))  # here


def converts(x):
    return np.asarray(x) * 2  # here


def builds(x):
    return np.array([x[0, 0], x[0, 1]])  # here


def writes(x):
    x[0] = 1.0  # here
    return x


def fills(x):
    y = np.zeros(3)
    y[0] = x[0, 0]  # here
    return y


def adds_into(x):
    y = np.zeros((3, 4))
    y += x  # here
    return y


def asks_numpy(x):
    return np.interp(x, [0.0, 1.0], [0.0, 2.0])  # here


def masks(x):
    return x[x > 0]  # here


def shows(x):
    return f"{x:.3f}"  # here


def takes_item(x):
    return x * x.item()  # here


def takes_value(x):
    return x.value + 1  # here


def lists(x):
    return x.tolist()  # here


REFUSED = {  # function: the error, what to use instead
    branches: (cr.TracingError, "cr.where"),
    loops: (cr.TracingError, "cr.cond"),
    asks_both: (cr.TracingError, "cr.where"),
    floats: (cr.TracingError, "the value itself"),
    uses_math: (cr.TracingError, r"cr\.\* functions"),
    counts: (cr.TracingError, r"\.shape"),
    converts: (cr.TracingError, r"cr\.\* functions in place of NumPy's"),
    builds: (cr.TracingError, r"cr\.\* functions in place of NumPy's"),
    writes: (cr.InPlaceError, "cr.where"),
    fills: (cr.TracingError, "the value itself"),
    adds_into: (cr.InPlaceError, "use the value that np.add returns"),
    asks_numpy: (cr.UsageError, "outside of the traced function"),
    masks: (cr.TracingError, r"cr\.where\(mask, x, 0\)"),
    shows: (cr.TracingError, "the value itself"),
    takes_item: (cr.TracingError, r"cr\.\* functions"),
    takes_value: (cr.TracingError, r"cr\.\* functions"),
    lists: (cr.TracingError, r"cr\.\* functions"),
    keeps: (cr.TracingError, "SEEN.* return it"),
    keeps_by_name: (cr.TracingError, "KEPT.* return it"),
}


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_what_cannot_be_traced_says_its_line_and_what_to_use(f):
    kind, instead = REFUSED[f]
    SEEN.clear()
    KEPT.clear()
    with pytest.raises(kind, match=instead) as caught:
        cr.compile(f)(A)
    lines, first = inspect.getsourcelines(f)
    here = first + next(k for k, line in enumerate(lines) if "# here" in line)
    assert f"test_native_explain.py:{here} " in str(caught.value)


def test_a_value_kept_by_a_method_or_a_closure_is_refused():
    class Trainer:
        def step(self, x):
            self.last = cr.sum(x)
            return x

    losses = []

    def inner(x):
        losses.append(x * 2)
        return cr.sum(x)

    for f in (Trainer().step, inner, cr.grad(inner)):
        with pytest.raises(cr.TracingError, match="outside of it"):
            cr.compile(f)(A)


COUNT = {"calls": 0}
DICE = np.random.default_rng(0)
DATA = [0.5] * 100_000
TOTAL = 0


def counts_calls(x):
    COUNT["calls"] += 1
    return x * COUNT["calls"]


def counts_at_the_end(x):
    DATA[-1] += 1
    return x * DATA[-1]


def counts_in_a_global(x):
    global TOTAL
    TOTAL += x.size
    return x * TOTAL


def draws(x):
    return x * DICE.normal()


def draws_from_numpy(x):
    return x * np.random.normal()  # noqa: NPY002


def draws_from_python(x):
    return x * random.random()


def draws_from_an_argument(x, rng):
    return x * rng.normal(size=x.shape)


HIDDEN = {  # what is neither returned nor traced, and still would happen once only
    counts_calls: r"changes COUNT\['calls'\].* from 0 to 1.*return it",
    counts_at_the_end: r"changes DATA\[99999\].* from 0\.5 to 1\.5",
    counts_in_a_global: r"changes TOTAL.* from 0 to 12",
    draws: r"random numbers from DICE.*hand them over",
    draws_from_numpy: r"random numbers from np\.random",
    draws_from_python: r"random numbers from random",
    draws_from_an_argument: r"random numbers from leaf 1 of its arguments",
}


@pytest.mark.parametrize("f", HIDDEN, ids=lambda f: f.__name__)
def test_what_would_happen_once_only_is_refused_with_its_line(f):
    more = [np.random.default_rng(1)] if f is draws_from_an_argument else []
    with pytest.raises(cr.TracingError, match=HIDDEN[f]) as caught:
        cr.compile(f)(A, *more)
    first = inspect.getsourcelines(f)[1]
    assert f"test_native_explain.py:{first}" in str(caught.value)


def test_a_counter_of_a_method_is_refused():
    class Model:
        calls = 0

        def __init__(self):
            self.calls = 1

        def step(self, x):
            self.calls += 1
            return x * self.calls

    with pytest.raises(cr.TracingError, match=r"changes self\.calls.* from 1 to 2"):
        cr.compile(Model().step)(A)


def test_numbers_that_a_module_holds_are_not_written_down_to_be_compared():
    table = {k: 0.5 * k for k in range(len(DATA))}

    def f(x):
        return x * DATA[0] * table[0]

    tracemalloc.start()
    try:
        refuse_effects(f, surroundings(f, A), A)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 80 * len(DATA)  # a copy of the list, and of the table; no text for each


def test_what_stands_still_and_what_is_kept_for_later_is_no_side_effect():
    known, dice, log = {"scale": 2.0}, np.random.default_rng(0), []

    def f(x):
        known["size"] = x.size  # a note for others; nothing that was there changed
        log.append("traced")
        return x * known["scale"] + dice.bit_generator.state["has_uint32"]

    assert np.array_equal(compiled(f, A)(A), A * 2)


def replaces(p):
    p["a"] = p["a"] * 2
    return p["a"]


def appends(p):
    p["b"] = p["a"]
    return p["a"]


@pytest.mark.parametrize("f", [replaces, appends])
def test_an_argument_that_is_written_into_is_refused(f):
    p = {"a": A}
    with pytest.raises(cr.TracingError, match="writes into a container"):
        cr.compile(f)(p)
    assert list(p) == ["a"]
    assert p["a"] is A


def test_reading_from_outside_is_no_side_effect():
    constants = [A, {"scale": 2.0}]
    f = compiled(lambda x: x * constants[0] * constants[1]["scale"], A)
    assert np.array_equal(f(A), A * A * 2)


# Without LLVM ---------------------------------------------------------------------------------


@pytest.fixture
def no_llvm(monkeypatch):
    for cached in (engine.missing, engine.host, plain.warn):
        cached.cache_clear()
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    yield
    for cached in (engine.missing, engine.host, plain.warn):
        cached.cache_clear()


def test_without_llvmlite_numpy_computes_and_one_line_says_so(no_llvm):
    f = cr.compile(cr.value_and_grad(net))
    with pytest.warns(plain.InterpretedWarning, match="llvmlite cannot be imported") as told:
        value, gradient = f(PARAMS, A)
    cr.compile(lambda x: x + 1)(A)  # says nothing more: a warning would be an error here
    assert len(told) == 1
    assert told[0].filename == __file__
    expected, slope = cr.value_and_grad(net)(PARAMS, A)
    assert np.allclose(value, expected)
    assert np.allclose(gradient["w"], slope["w"])
    assert gradient["w"].dtype == np.float32
    assert "no machine code" in f.explain()
    assert "no machine code" in f.ir
    assert "no machine code" in f.asm


def test_without_llvmlite_results_are_arrays_of_their_own(no_llvm):
    with pytest.warns(plain.InterpretedWarning):
        found = cr.compile(lambda x: (x, cr.broadcast_to(x[0], (3, 4))))(A)
    assert not any(np.shares_memory(y, A) for y in found)
    assert all(y.flags.writeable for y in found)


def test_a_machine_without_a_target_falls_back_too(monkeypatch):
    engine.missing.cache_clear()
    plain.warn.cache_clear()

    def nothing():
        raise RuntimeError("no available targets are compatible with this triple")

    monkeypatch.setattr(engine, "host", nothing)
    with pytest.warns(plain.InterpretedWarning, match="cannot write code for this machine"):
        assert cr.compile(lambda x: x * 2)(2.0) == 4.0
    engine.missing.cache_clear()
    plain.warn.cache_clear()


def test_an_llvm_that_is_too_old_is_not_used(monkeypatch):
    here = engine.host()
    monkeypatch.setattr(engine, "host", lambda: here._replace(versions=("0.44.0", (15, 0, 7))))
    engine.missing.cache_clear()
    assert engine.missing() == "llvmlite brings LLVM 15, 20 is needed"
    engine.missing.cache_clear()


def test_importing_the_package_does_not_import_llvmlite():
    program = (
        "import sys, chainrule as cr\n"
        "cr.compile, cr.nn, cr.optim, cr.fit\n"
        "print([m for m in sys.modules if m.startswith('llvmlite') or '.read.native' in m])"
    )
    assert said(program) == "[]\n"


# The sentinel ---------------------------------------------------------------------------------


def makes_an_infinity(x):
    return cr.sum(cr.log(x))  # here


def slopes_badly(x):
    return cr.grad(lambda x: cr.sum(cr.sqrt(x)))(x)  # here


@pytest.mark.parametrize("f", [makes_an_infinity, slopes_badly])
def test_a_run_that_is_not_finite_names_the_op_and_the_line(f):
    compiled = cr.compile(f)
    bad = np.array([1.0, 0.0])
    assert not np.isfinite(compiled(bad)).all()  # asked of nothing, it says nothing
    with cr.finite(), pytest.raises(cr.NotFiniteError, match=r"log|sqrt") as caught:
        compiled(bad)
    lines, first = inspect.getsourcelines(f)
    here = first + next(k for k, line in enumerate(lines) if "# here" in line)
    assert f"test_native_explain.py:{here} " in str(caught.value)


def test_a_finite_run_passes_the_sentinel():
    f = cr.compile(makes_an_infinity)
    with cr.finite():
        assert f(np.array([1.0, 2.0])) == pytest.approx(math.log(2.0))


def test_the_sentinel_sees_arrays_given_away_as_they_were():
    f = cr.compile(lambda x: cr.log(x), donate=0)
    bad = np.array([1.0, 0.0])
    with cr.finite(), pytest.raises(cr.NotFiniteError, match="log"):
        f(bad)
    assert bad.tolist() == [1.0, 0.0]


def test_a_function_whose_replay_is_finite_is_looked_for_in_its_graph():
    def f(x):
        return cr.log(x) if type(x).__name__ == "Node" else cr.exp(x)

    with cr.finite(), pytest.raises(cr.NotFiniteError, match="log: made -Inf"):
        cr.compile(f)(np.array([1.0, 0.0]))


def test_the_argument_whose_layers_are_others_is_named():
    f = cr.compile(lambda model, x: cr.sum(model(x)))
    x = np.ones((2, 3))
    for activation in (cr.nn.Tanh(), cr.nn.ReLU()):
        f(cr.nn.Sequential(cr.nn.Linear(3, 2), activation), x)
    assert "model's containers, or settings in them, differ" in f.why_recompiled()
