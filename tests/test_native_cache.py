"""Object code on disk: used again, never trusted, never that of another machine."""

import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from processes import said

import chainrule as cr
from chainrule.graph.spelling import counted
from chainrule.read.native.machine import engine, objects

pytest.importorskip("llvmlite")
native = sys.modules["chainrule.read.native.native"]
fingerprint = sys.modules["chainrule.read.native.machine.fingerprint"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.delenv("CHAINRULE_CACHE", raising=False)
    return tmp_path / "kept"


def compiled(x=3.0):
    f = cr.compile(lambda v: cr.exp(v) * 2 + cr.sum(v))
    value = f(np.array([x, 1.0]))
    assert np.allclose(value, np.exp([x, 1.0]) * 2 + x + 1, rtol=1e-12)
    return f, next(iter(f.versions.values())).run.code


def files(folder):
    return sorted(folder.glob("*.object"))


def test_what_was_compiled_is_loaded_the_next_time(folder):
    _, first = compiled()
    assert not first.kept
    assert len(files(folder)) >= 1
    _, second = compiled()
    assert second.kept


def test_another_process_loads_what_this_one_compiled(folder):
    program = (
        "import sys, numpy as np, chainrule as cr\n"
        "f = cr.compile(lambda v: cr.tanh(v) @ v)\n"
        "print(repr(float(f(np.arange(5.0)))), next(iter(f.versions.values())).run.code.kept)\n"
    )
    (a, before), (b, after) = (said(program).split() for _ in range(2))
    assert a == b
    assert (before, after) == ("False", "True")


def _flip(data, k):
    return data[:k] + bytes([data[k] ^ 1]) + data[k + 1 :]


DAMAGE = {
    "empty": lambda d: b"",
    "half of it": lambda d: d[: len(d) // 2],
    "the head alone": lambda d: d[: len(objects.MAGIC) + objects.DIGEST],
    "a bit in the code": lambda d: _flip(d, len(d) - 7),
    "a bit in the digest": lambda d: _flip(d, len(objects.MAGIC) + 3),
    "another format": lambda d: b"chainrule object 0\n" + d[len(objects.MAGIC) :],
    "something foreign": lambda d: b"\x7fELF" + d,
    "more than it was": lambda d: d + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_ignored_and_replaced(folder, damage):
    compiled()
    for path in files(folder):
        path.write_bytes(DAMAGE[damage](path.read_bytes()))
    _, code = compiled()
    assert not code.kept
    _, code = compiled()
    assert code.kept


def test_a_file_under_the_name_of_another_is_ignored():
    objects.keep("a", b"code")
    place = objects.folder()
    os.replace(place / "a.object", place / "b.object")
    assert objects.find("b") is None


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="a system without owners of files")
def test_a_file_that_others_can_write_is_ignored(folder):
    objects.keep("a", b"code")
    assert objects.find("a") == (b"code", {})
    (folder / "a.object").chmod(0o666)
    assert objects.find("a") is None


OTHERS = {
    "cpu": {"cpu": "another"},
    "features": {"features": "+none"},
    "versions": {"versions": ("0", (0, 0, 0))},
}


@pytest.mark.parametrize("other", OTHERS)
def test_code_for_another_machine_has_another_name(monkeypatch, other):
    _, code = compiled()
    here = engine.host()
    monkeypatch.setattr(engine, "host", lambda: here._replace(**OTHERS[other]))
    there = objects.name_of(code.text, *engine.host().identity)
    assert there != objects.name_of(code.text, *here.identity)


def test_text_and_rest_do_not_run_into_each_other():
    assert objects.name_of("ab", "c") != objects.name_of("a", "bc")
    assert objects.name_of("a") != objects.name_of("b")


@pytest.mark.parametrize("word", ["0", "off", "no", "False"])
def test_it_can_be_switched_off(folder, monkeypatch, word):
    monkeypatch.setenv("CHAINRULE_CACHE", word)
    _, code = compiled()
    assert not code.kept
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path / "file"))
    _, code = compiled()
    assert not code.kept


def test_the_folder_is_the_users_own(folder):
    compiled()
    if os.name == "posix":
        assert folder.stat().st_mode & 0o777 == 0o700


PLACES = [
    ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/chainrule/objects"),
    ("linux", {"XDG_CACHE_HOME": "not/absolute"}, "/home/me/.cache/chainrule/objects"),
    ("linux", {}, "/home/me/.cache/chainrule/objects"),
    ("darwin", {}, "/home/me/Library/Caches/chainrule/objects"),
    ("linux", {"CHAINRULE_CACHE_DIR": "/y", "XDG_CACHE_HOME": "/x"}, "/y"),
]


@pytest.mark.skipif(os.name != "posix", reason="paths of a POSIX system")
@pytest.mark.parametrize(("system", "variables", "expected"), PLACES)
def test_the_folder_is_where_the_platform_keeps_caches(monkeypatch, system, variables, expected):
    for name in ("CHAINRULE_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (variables | {"HOME": "/home/me"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(objects.sys, "platform", system)
    assert objects.folder() == Path(expected)


def test_what_was_not_used_for_longest_goes_first(folder):
    for k, name in enumerate("abcd"):
        objects.keep(name, bytes(1000))
        os.utime(folder / f"{name}.object", (k, k))
    assert objects.find("a") is not None  # used: now it is the last to go
    size = (folder / "a.object").stat().st_size
    objects.tidy(folder, 2 * size)
    assert [p.stem for p in files(folder)] == ["a", "d"]
    objects.tidy(folder, files=1)
    assert [p.stem for p in files(folder)] == ["a"]


def test_the_folder_is_looked_through_now_and_then(folder, monkeypatch):
    monkeypatch.setattr(objects.tidy, "__defaults__", (0, 0))
    objects.keep("f" * 64, b"code")
    assert files(folder)
    objects.keep("0" * 64, b"code")
    assert not files(folder)


def test_half_written_files_of_dead_processes_go(folder):
    objects.keep("a", b"code")
    old, new = folder / "old.half", folder / "new.half"
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    objects.tidy(folder)
    assert not old.exists()
    assert new.exists()


def test_writers_at_the_same_time_leave_whole_files(folder):
    codes = [bytes([k]) * 50_000 for k in range(4)]
    seen, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            found = objects.find("one")
            if found is not None:
                seen.append(found[0])

    def write(code):
        for _ in range(20):
            objects.keep("one", code)

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(c,)) for c in codes]
    reader.start()
    for w in writers:
        w.start()
    for w in writers:
        w.join()
    stop.set()
    reader.join()
    assert set(seen) <= set(codes)
    assert objects.find("one")[0] in codes
    assert not list(folder.glob("*.half"))


def test_the_doctor_says_what_compiles_and_where_it_is_kept(folder, monkeypatch):
    from chainrule.app.doctor import facts

    compiled()
    told = dict(facts())
    assert {"llvmlite", "llvm", "vectors", "threads", "object code"} <= set(told)
    assert engine.host().cpu in told["llvm"]
    assert told["object code"].startswith(f"{folder}: {counted(len(files(folder)), 'file')}")
    monkeypatch.setenv("CHAINRULE_CACHE", "0")
    assert "not kept" in dict(facts())["object code"]
    monkeypatch.setattr(engine, "missing", lambda: "llvmlite cannot be imported: gone")
    assert "missing" in dict(facts())["machine code"]


def test_no_address_of_this_process_is_in_the_text():
    rng = np.random.default_rng(0)
    f = cr.compile(lambda a, b: cr.tanh(a @ b).sum())
    f(rng.normal(size=(200, 200)), rng.normal(size=(200, 200)))
    assert "inttoptr" not in next(iter(f.versions.values())).run.text


def test_every_text_is_verified_before_it_is_code(folder):
    with pytest.raises(RuntimeError):
        engine.Code("define void @f() {\n  ret i32 0\n}\n")
    assert not files(folder)


# Found by the graph -----------------------------------------------------------------------------


def test_code_on_disk_is_found_before_a_pass_has_run(folder, monkeypatch):
    first, _ = compiled()
    assert len(files(folder)) == 1
    with monkeypatch.context() as m:
        m.setattr(native, "written", None)
        second, code = compiled()
    assert code.kept
    assert second.explain().splitlines()[:9] == first.explain().splitlines()[:9]
    assert second.ir == first.ir


def run_of(f):
    return next(iter(f.versions.values())).run


def test_one_text_for_two_arenas_is_two_files(folder):
    """All that the module of such a loop holds is empty: NumPy computes it, in the arena."""

    def sorting(h, xs):
        return cr.scan(lambda h, x: (cr.sort(h) + x, None), h, xs)[0]

    many, few = cr.compile(sorting), cr.compile(sorting)
    assert np.all(many(np.zeros(400), np.ones((7, 400))) == 7)
    assert np.all(few(np.zeros(4), np.ones((7, 4))) == 7)
    assert run_of(few).text == run_of(many).text
    for f in (few, many):
        assert run_of(f).arena.size == run_of(f).program.arena
    assert len(files(folder)) == 2


def test_one_text_is_told_apart_by_what_is_given_away(folder, monkeypatch):
    monkeypatch.setattr(native, "fingerprint", lambda *asked: None)  # as of an op defined elsewhere
    x = np.ones(5)
    cr.compile(lambda x: x * 2, donate=0)(x.copy())
    assert np.all(cr.compile(lambda x: x * 2)(x) == 2)
    assert np.all(x == 1)
    assert len(files(folder)) == 2


def other_graphs():
    """Functions that differ in one thing each, with what they are handed."""
    x = np.array([1.0, 2.0, 3.0])
    yield lambda x: cr.sum(x) * 2.0, (x,)
    yield lambda x: cr.sum(x) * 2.5, (x,)
    yield lambda x: cr.sum(x) * 0.0, (x,)
    yield lambda x: cr.sum(x) * -0.0, (x,)
    yield lambda x: cr.prod(x) * 2.0, (x,)
    yield lambda x: cr.sum(x, keepdims=True) * 2.0, (x,)
    yield lambda x: cr.sum(x[1:]) * 2.0, (x,)
    yield lambda x: cr.sum(x[:2]) * 2.0, (x,)
    yield lambda x: cr.sum(x) * 2.0, (x.astype(np.float32),)
    yield lambda x: cr.sum(x) * 2.0, (x[None],)
    yield lambda x: cr.sum(x) * 2.0, (2.0,)
    yield lambda x: cr.sum(x) * 2.0, (np.float64(2.0),)
    yield lambda x, y: cr.sum(x) - y, (x, 2.0)
    yield lambda x, y: y - cr.sum(x), (x, 2.0)
    yield lambda x: (cr.sum(x), x), (x,)
    yield lambda x: (x, cr.sum(x)), (x,)
    for k in (1, 2):
        yield lambda x, k=k: cr.scan(lambda c, y: (c + k * y, c), 0.0, x), (x,)
    yield lambda x: cr.scan(lambda c, y: (c + y, c), 0.0, x, reverse=True), (x,)


def test_graphs_that_differ_have_other_fingerprints(monkeypatch):
    seen = []
    found = fingerprint.fingerprint
    monkeypatch.setattr(native, "fingerprint", lambda *a: seen.append(found(*a)) or seen[-1])
    for f, given in other_graphs():
        cr.compile(f)(*given)
    assert None not in seen
    assert len(set(seen)) == len(seen)


def test_what_was_asked_is_part_of_the_fingerprint(folder):
    f, x = (lambda v: cr.tanh(v) * v), np.ones((4, 4))
    for options in ({}, {"donate": 0}, {"without": {"share"}}, {"threads": 1}, {"threads": 7}):
        before = len(files(folder))
        cr.compile(f, **options)(x.copy())
        assert len(files(folder)) == before + 1, options
        cr.compile(f, **options)(x.copy())
        assert len(files(folder)) == before + 1, options


def test_sources_that_changed_make_other_code(folder, monkeypatch, tmp_path):
    compiled()
    monkeypatch.setattr(fingerprint, "compiler", lambda: "changed")
    _, code = compiled()
    assert not code.kept
    one = tmp_path / "one.py"
    told = []
    for text in ("a = 1\n", "a = 22\n"):
        one.write_text(text)
        told.append(list(fingerprint._sources(str(tmp_path))))
    assert told[0] != told[1]


def test_a_user_s_own_op_is_found_by_its_text(folder):
    made = []
    for factor in (2.0, 3.0):
        double = cr.elementwise(lambda xp, x, k=factor: x * k, lambda y, x, k=factor: (k,))
        made.append(cr.compile(lambda v, double=double: double(v) + 1)(np.ones(2)).tolist())
    assert made == [[3.0, 3.0], [4.0, 4.0]]


def test_what_is_left_to_numpy_is_planned_each_time(folder):
    f = lambda v: cr.cumulative_sum(cr.sort(cr.exp(v))) * 2  # noqa: E731
    x = np.array([2.0, 1.0, 0.5])
    want = np.cumsum(np.sort(np.exp(x))) * 2
    for kept in (False, True):
        g = cr.compile(f)
        np.testing.assert_allclose(g(x), want)
        assert next(iter(g.versions.values())).run.code.kept == kept


def test_given_memory_is_used_by_code_from_disk_too():
    for _ in range(2):
        f = cr.compile(lambda w, g: w - g, donate=0)
        w = np.ones(3)
        assert f(w, np.ones(3)) is w


def test_engines_of_one_text_come_and_go_in_any_order():
    """In a process of its own: an engine that another one's machine was freed with would crash."""
    program = (
        "import random, ctypes\n"
        "from chainrule.read.native.machine.engine import Code\n"
        "text = 'define i64 @f(i64 %x) {\\n %y = add i64 %x, 1\\n ret i64 %y\\n}\\n'\n"
        "kept, drawn = [], random.Random(0)\n"
        "for k in range(30):\n"
        "    kept.append(Code(text))\n"
        "    f = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(kept[-1].address('f'))\n"
        "    assert f(k) == k + 1\n"
        "    if drawn.random() < 0.6:\n"
        "        kept.pop(drawn.randrange(len(kept)))\n"
    )
    assert said(program) == ""
