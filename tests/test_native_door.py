"""Calls through a door, without Python, give what calls through Python give, and keep nothing."""

import collections
import ctypes
import gc
import sys
import sysconfig
import threading
import tracemalloc
import weakref
from typing import NamedTuple

import numpy as np
import pytest
from processes import said

import chainrule as cr
from chainrule.graph.errors import GraphError
from chainrule.nn.module import static
from chainrule.read.native import door as machinery
from chainrule.read.native.door import gate, language
from chainrule.read.native.machine.engine import Code

pytest.importorskip("llvmlite")
loading = sys.modules["chainrule.read.native.door.gate"]
if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
    pytest.skip("this Python has no door", allow_module_level=True)
assert gate() is not None  # every other Python has one: else nothing below would be looked at


class Pair(NamedTuple):
    first: object
    second: object


class Checked(collections.namedtuple("Checked", "u v")):
    """A named tuple with a say in how it is made."""

    def __new__(cls, u, v):
        assert u is not None
        return super().__new__(cls, u, v)


@cr.nn.layer
class Scaled(cr.nn.Module):
    weight: cr.Tensor
    inner: object
    power: int = static(default=2)


def array(*shape, dtype=np.float32):
    return np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape) + dtype(1)


def read_only():
    x = array(3)
    x.flags.writeable = False
    return x


def of_row(x):
    return {"z": x * 2, "a": (cr.sum(x), None, True, "text"), "n": [x, x > 1]}


# What is handed over, and whether there is a door for it.
ARGUMENTS = {
    "an array": (array(3), True),
    "of no axes": (np.array(2.5), True),
    "empty": (array(0, 2), True),
    "of integers": (np.arange(4), True),
    "of truths": (np.array([True, False]), True),
    "read only": (read_only(), True),
    "a column, strided": (array(4, 4)[:, 1], False),
    "Fortran's order": (np.asfortranarray(array(2, 3)), False),
    "bytes the other way round": (array(3).astype(">f4"), False),
    "of long long": (np.arange(3, dtype=np.longlong).view("q"), None),
    "a memory map": (array(3).view(np.memmap), False),
    "a float": (2.5, True),
    "an int": (3, True),
    "a NumPy float": (np.float32(1.5), True),
    "a NumPy int": (np.int16(7), True),
    "a NumPy bool": (np.True_, True),
    "a tensor": (cr.tensor([1.0, 2.0]), True),
    "a tensor of no axes": (cr.tensor(2.0), True),
    "a list": ([array(2), 1.5, [array(1)]], True),
    "a dict, not in order": ({"b": array(2), "a": array(3)}, True),
    "nothing": ([None, array(2)], True),
    "a named tuple": (Pair(array(2), (array(3), 1)), True),
    "a named tuple of its own": (Checked(array(2), array(3)), True),
    "a layer": (Scaled(cr.tensor([1.0, 2.0]), [array(2)]), True),
    "a network": (cr.nn.Sequential(cr.nn.Linear(2, 2), cr.nn.Tanh(), seed=0), True),
    "an ordered dict": (collections.OrderedDict(b=array(2), a=array(1)), False),
}  # fmt: skip


def twice(x):
    leaves, structure = cr.tree_flatten(x)
    return cr.tree_unflatten(structure, [leaf * 2 for leaf in leaves]), of_row(leaves[0])


def same(a, b):
    (xs, first), (ys, second) = cr.tree_flatten(a), cr.tree_flatten(b)
    assert first == second
    assert repr(first) == repr(second)  # dictionaries in the same order too
    for x, y in zip(xs, ys, strict=True):
        assert type(x) is type(y)
        x, y = (getattr(v, "_value", v) for v in (x, y))
        assert np.asarray(x).dtype == np.asarray(y).dtype
        assert np.shape(x) == np.shape(y)
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_door_gives_what_python_gives(name):
    x, has_door = ARGUMENTS[name]
    f = cr.compile(twice)
    for _ in range(3):
        by_door = f(x)
    if has_door is not None:
        assert (f.doors > 0) == has_door
    same(by_door, f._in_python(x))


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("first", ["an array", "a float", "a dict, not in order", "a layer"])
def test_a_door_lets_in_nothing_else(first, name):
    f = cr.compile(twice)
    for _ in range(3):
        f(ARGUMENTS[first][0])
    assert f.doors
    x = ARGUMENTS[name][0]
    same(f(x), cr.compile(twice)._in_python(x))


OTHERS = {
    "another shape": array(4),
    "another dtype": array(3, dtype=np.float64),
    "more axes": array(3, 1),
    "a memory map": array(3).view(np.memmap),
    "strides": array(6)[::2],
    "not aligned": np.frombuffer(b"\0" * 13, np.uint8)[1:].view(np.float32),
    "Python's number": 1.0,
    "NumPy's number": np.float32(1.0),
    "a large int": 2**40,
    "a truth": True,
    "a tensor": cr.tensor([1.0, 2.0, 3.0]),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_what_differs_is_noticed(name):
    def both(x):
        return cr.asarray(x) * 3 if isinstance(x, bool) else x * 3

    f = cr.compile(both)
    for _ in range(3):
        f(array(3))
    x = OTHERS[name]
    same(f(x), both(x) if not isinstance(x, bool) else f._in_python(x))


@pytest.mark.parametrize("x", [{1.0}, np.ma.masked_array([1.0, 2.0], [True, False])], ids=repr)
def test_what_is_neither_numbers_nor_a_setting_is_refused(x):
    with pytest.raises(cr.UsageError, match=r"np\.asarray"):
        cr.compile(lambda x: cr.asarray(x) * 2)(x)


def test_an_int_beyond_64_bits_is_refused_at_every_call():
    f = cr.compile(lambda x: x + 1.0)
    assert [f(k) for k in (1, 2, 3)] == [2.0, 3.0, 4.0]
    for big in (2**70, 10**400):
        with pytest.raises(cr.UsageError, match=f"{big.bit_length()} bits, more than int64"):
            f(big)
    assert f(4) == 5.0


def test_arguments_by_name_in_any_order():
    f = cr.compile(lambda a, *, b, c=1.0: (a - b) * c)
    a, b = array(3), array(3) * 2
    for _ in range(3):
        want = f(a, b=b, c=2.0)
    assert f.doors
    same(f(a, c=2.0, b=b), want)
    same(f(c=2.0, b=b, a=a), want)
    same(f(a, b=b), want / 2)
    with pytest.raises(TypeError):
        f(a, b=b, d=1.0)


def test_forms_in_turn_each_have_a_door():
    f = cr.compile(lambda x: x * 2)
    for _ in range(3):
        for n in range(1, 6):
            same(f(array(n)), array(n) * 2)
    assert f.doors == 5
    for n in range(1, 40):  # and too many close them all
        for _ in range(3):
            same(f(array(n)), array(n) * 2)


def test_a_setting_that_differs_is_noticed():
    f = cr.compile(lambda layer: layer.weight**layer.power)
    two, three = (Scaled(cr.tensor([1.0, 2.0]), None, k) for k in (2, 3))
    for _ in range(3):
        f(two)
    assert f.doors
    same(f(three), cr.tensor([1.0, 8.0]))


def test_what_is_read_from_outside_is_read_anew():
    outside = array(3)
    f = cr.compile(lambda x: x + outside)
    for _ in range(3):
        f(array(3))
    assert f.doors
    outside += 10
    same(f(array(3)), array(3) + outside)


def test_results_are_new_arrays_each_time():
    f = cr.compile(lambda x: x * 2)
    made = [f(array(3)) for _ in range(5)]
    assert len({x.ctypes.data for x in made}) == 5
    assert all(x.flags.owndata and x.flags.writeable for x in made)


def test_given_memory_is_used_only_where_it_is_nobody_else_s():
    f = cr.compile(lambda w, g: w - g, donate=0)
    for _ in range(3):
        w = array(3)
        assert f(w, array(3)) is w
    assert f.doors
    w = array(3)
    same(f(w, w), array(3) * 0)  # it is an operand twice
    whole = array(6)
    kept = whole.copy()
    same(f(whole[:3], array(3)), kept[:3] - array(3))  # its base is somebody's
    long = np.arange(65.0)
    want = long[1:] - long[:-1]
    g = cr.compile(lambda w, g: w - g, donate=0)
    for _ in range(3):
        g(np.ones(64), np.ones(64))
    same(g(long[1:], long[:-1]), want)  # what is written over is read later
    fixed = read_only()
    same(f(fixed, array(3)), fixed - array(3))
    same(fixed, read_only())


def test_a_transform_goes_through_a_compiled_function_with_a_door():
    f = cr.compile(lambda x: cr.sum(x**3))
    for _ in range(3):
        f(array(3))
    assert f.doors
    same(cr.grad(f)(array(3)), 3 * array(3) ** 2)
    x = cr.tensor([1.0, 2.0])
    for _ in range(3):
        f(x)
    cr.sum(f(x * 2)).backward()
    same(x.grad, 24 * np.array([1.0, 4.0]))


def test_the_sentinel_sees_calls_of_functions_with_doors():
    f = cr.compile(lambda x: cr.log(x))
    for _ in range(3):
        f(array(3))
    assert f.doors
    with cr.finite(), pytest.raises(cr.NotFiniteError, match="log"):
        f(np.zeros(3, np.float32))


def test_an_index_out_of_range_is_an_error():
    f = cr.compile(lambda x, i: x[i])
    x = array(5)
    for _ in range(3):
        same(f(x, np.array([1, 4])), x[[1, 4]])
    with pytest.raises(cr.AxisError, match="7"):
        f(x, np.array([1, 7]))
    same(f(x, np.array([1, 4])), x[[1, 4]])


def held(objects):
    return [sys.getrefcount(x) for x in objects]


def test_a_hundred_thousand_calls_keep_nothing():
    layer, x, key = Scaled(cr.tensor([1.0, 2.0]), [array(2)]), array(2, 2), "some text"
    outside = array(2)

    @cr.compile
    def f(layer, trees, *, number, key):
        y = layer.weight * layer.inner[0] + outside
        return {"y": y, "x": [trees["x"] * number, None]}, Pair(cr.sum(y), key), layer

    def call():
        return f(layer, {"x": x, "n": None}, number=1.5, key=key)

    for _ in range(3):
        call()
    assert f.doors
    objects = [layer, layer.weight, layer.inner, x, outside, None, key, x.dtype, Scaled, Pair]
    gc.collect()
    tracemalloc.start()
    before, begun = held(objects), tracemalloc.get_traced_memory()[0]
    for _ in range(100_000):
        call()
    gc.collect()
    after, ended = held(objects), tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) < 50
    assert ended - begun < 10_000


def test_calls_that_are_not_let_in_keep_nothing():
    f = cr.compile(lambda x, y: (x[0] + x[1], y))
    x, other = [array(2), array(2)], array(2)[::-1]
    for _ in range(3):
        f(x, "text")
    assert f.doors
    objects = [x, *x, other]
    before = held(objects)
    for _ in range(200):
        f([x[0], other], "text")
        f([x[0]] * 2, "another")
        with pytest.raises(cr.ChainruleError):
            f([x[0], object()], "text")
    gc.collect()
    assert held(objects) == before


def test_threads_take_turns():
    f = cr.compile(lambda w, x: cr.tanh(x @ w) @ w)
    w = np.eye(64) * 0.5
    for _ in range(3):
        f(w, w)
    wrong = []

    def work(k):
        x = np.full((64, 64), float(k))
        want = np.tanh(x @ w) @ w
        wrong.extend(j for j in range(200) if not np.allclose(f(w, x), want))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert f.doors
    assert not wrong


def test_a_function_that_is_gone_leaves_no_door():
    class Noted:
        pass

    def made():
        note = Noted()
        f = cr.compile(lambda x: x * 2 if note else x)
        for _ in range(3):
            f(array(3))
        assert f.doors
        return weakref.ref(note)

    note = made()
    gc.collect()
    assert note() is None


def test_without_the_known_layout_there_is_no_door(monkeypatch):
    assert loading.laid_out_as_known()
    for name in loading.LAYOUT:
        with monkeypatch.context() as m:
            m.setitem(loading.LAYOUT, name, loading.LAYOUT[name] + 1)
            assert loading.gate.__wrapped__() is None


def test_a_door_waits_until_it_is_worth_it(monkeypatch):
    monkeypatch.setattr(machinery, "patience", lambda: 5)
    f = cr.compile(lambda x: x + 1)
    opened = []
    for _ in range(8):
        f(array(2))
        opened.append(f.doors)
    assert opened == [0, 0, 0, 0, 0, 1, 1, 1]


def test_doors_work_in_a_process_of_their_own():
    program = (
        "import numpy as np, chainrule as cr\n"
        "from chainrule.read.native.door import gate\n"
        "gate()\n"
        "f = cr.compile(lambda x: {'y': x * 2})\n"
        "for _ in range(5): y = f(np.ones(3))\n"
        "print(f.doors, y)\n"
    )
    assert said(program) == "1 {'y': array([2., 2., 2.])}\n"


# The little language --------------------------------------------------------------------------


def run(program, *arguments, figures=None):
    code = Code(language.compiled(program, {"abs": "i32(i32)"}, figures or {}))
    kinds = [ctypes.c_int64] * len(arguments)
    return ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(code.address("f"))(*arguments)


PROGRAMS = [
    ("def f(a, b):\n return a + b * 2 - 1", (3, 4), 10),
    ("def f(a):\n if a < 3:\n  return 1\n elif a == 3:\n  return 2\n else:\n  return 3", (3,), 2),
    ("def f(a):\n if a < 3 and a != 1 or a == 9:\n  return 1\n return 0", (9,), 1),
    ("def f(a):\n if not (a < 3):\n  return 1\n return 0", (1,), 0),
    ("def f(n):\n s = 0\n for k in range(n):\n  s += k\n return s", (5,), 10),
    ("def f(n):\n while n >= 10:\n  n = n - 10\n return n", (37,), 7),
    ("def f(a):\n p = room(3)\n p[0] = a\n p[2] = p[0] + 1\n return p[2] & 6", (5,), 6),
    ("def f(a):\n p = room(1)\n p[0] = a\n return half(p, 0) + byte(p)", ((7 << 32) + 258,), 260),
    ("def _g(a):\n return a + 1\ndef f(a):\n return _g(_g(a))", (1,), 3),
    ("def f(a):\n return abs(a)", (-4,), 4),
    ("def f(a):\n return FIVE * (a == 2)", (2,), 5),
    ("def f(a):\n a + 1", (2,), 0),
]  # fmt: skip


@pytest.mark.parametrize(("program", "arguments", "expected"), PROGRAMS)
def test_the_little_language_computes(program, arguments, expected):
    assert run(program, *arguments, figures={"FIVE": 5}) == expected


@pytest.mark.parametrize("program", ["def f(a):\n with a:\n  a", "def f(a):\n return [a]"])
def test_the_little_language_says_what_it_does_not_have(program):
    with pytest.raises(GraphError, match="line 2"):
        language.compiled(program, {}, {})
