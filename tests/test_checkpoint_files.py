"""A file that is no model's, or no longer, is refused in words, before anything large is made."""

from __future__ import annotations

import errno
import gc
import json
import os
import re
import struct
import tracemalloc
import warnings
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import nn
from chainrule.train.checkpoint import (
    Checkpoints,
    CheckpointWarning,
    container,
    disk,
    header,
    load,
    save,
)
from chainrule.train.checkpoint.container import DIGEST
from chainrule.train.checkpoint.header import ALWAYS, TIMES
from chainrule.train.checkpoint.strict import DEPTH, Budget, read_json
from chainrule.train.state import State

ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
TWO = {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]}
EIGHT, TWELVE = bytes(8), bytes(12)


def made(told, data=b"", length=None):
    """A file of this header, whatever it is."""
    text = told if isinstance(told, bytes) else json.dumps(told).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def changed(**changes):
    return {"a": {**ONE, **changes}}


FILES = {
    "nothing": (b"", "it has 0 bytes"),
    "seven bytes": (b"\0" * 7, "it has 7 bytes; it is cut off"),
    "another format": (b"PK\3\4" + b"x" * 60, "was never a safetensors file"),
    "a header of 2^62 bytes": (made({}, length=2**62), "its header has 4,611,686,018,427,387,9"),
    "a header of 50 MB": (made({}, length=50 << 20), "and has 10 itself"),
    "a header of 101 MB": (made({}, length=101 << 20), "and has 10 itself"),
    "a list": (made([]), "no JSON object"), "a text": (made(b'"a"'), "no JSON object"),
    "no JSON": (made(b"{]"), "has ']' at character 1"),
    "JSON and more": (made(b"{} {}"), "goes on after its end"),
    "a cut header": (made(b'{"a":'), "its end at character 5"),
    "another encoding": (made(b'{"\xff": 1}'), "not UTF-8"),
    "half a character": (made(b'{"\\ud800": 1}'), "half a character"),
    "a line break in a name": (made(b'{"a\nb": 1}'), "wrong text"),
    "a name without end": (made(b'{"a'), "does not end"),
    "the same name twice": (
        made(b'{"a":%s,"a":%s}' % ((json.dumps(ONE).encode(),) * 2), EIGHT), "'a' twice"),
    "the same key twice": (
        made(b'{"a":{"dtype":"F32","dtype":"F32"}}'), "'dtype' twice"),
    "a deep nest": (made(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"), f"more than {DEPTH} deep"),
    "NaN": (made(b'{"a": NaN}'), "has 'NaN}'"), "infinity": (made(b'{"a": 1e999}'), "no float"),
    "a number of 5,000 digits": (made(b'{"a": %s}' % (b"1" * 5000)), "more than 64"),
    "an array that is a number": (made({"a": 1}), "no dtype, shape and data_offsets"),
    "no shape": (made({"a": {"dtype": "F32", "data_offsets": [0, 0]}}), "no dtype, shape"),
    "a key too many": (made(changed(more=1), EIGHT), "or more than these"),
    "an unknown dtype": (made(changed(dtype="F31"), EIGHT), "of dtype 'F31'"),
    "bfloat16": (made(changed(dtype="BF16"), bytes(4)), "of dtype 'BF16'; here there are F64"),
    "a dtype that is a list": (made(changed(dtype=[]), EIGHT), "of dtype"),
    "a negative size": (made(changed(shape=[-2]), EIGHT), r"a shape that is none: \[-2\]"),
    "half a size": (made(changed(shape=[2.0]), EIGHT), "a shape that is none"),
    "a size that is true": (made(changed(shape=[True, 2]), EIGHT), "a shape that is none"),
    "a shape of 33 axes": (made(changed(shape=[1] * 32 + [2]), EIGHT), "a shape that is none"),
    "sizes whose product overflows": (
        made(changed(shape=[2**32, 2**32, 2**1]), EIGHT), "is not 8 bytes"),
    "a size of 2^64": (made(changed(shape=[2**64]), EIGHT), "a shape that is none"),
    "a shape of other sizes": (made(changed(shape=[3]), EIGHT), r"F32 \[3\], which is not 8 bytes"),
    "three offsets": (made(changed(data_offsets=[0, 8, 8]), EIGHT), "data_offsets that are none"),
    "offsets the wrong way": (made(changed(data_offsets=[8, 0]), EIGHT), "data_offsets that are"),
    "past the end": (made({"a": ONE, "b": TWO}, bytes(10)), "'b' ends 2 bytes after the file"),
    "bytes left over": (made({"a": ONE}, bytes(9)), "1 bytes at its end belong to no array"),
    "a gap": (made({"b": TWO}, TWELVE), "8 bytes before 'b' belong to no array"),
    "an overlap": (made({"a": ONE, "b": {**TWO, "data_offsets": [4, 8]}}, EIGHT), "share bytes"),
    "an array twice": (made({"a": ONE, "b": ONE}, EIGHT), "share bytes"),
    "metadata that is a list": (made({"__metadata__": []}), "no object of texts"),
    "metadata of numbers": (made({"__metadata__": {"a": 1}}), "no object of texts"),
    "a bool of 2": (
        made({"a": {"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}}, b"\1\2"), "of bools"),
    "another digest": (made({"__metadata__": {DIGEST: "0" * 64}, "a": ONE}, EIGHT), "SHA-256"),
    "orders that are none": (
        made({"__metadata__": {"layouts": '{"a":[1]}'}, "a": ONE}, EIGHT), "order in memory"),
    "no structure": (made({"a": ONE}, EIGHT), "does not say of which layers"),
    "many lists": (
        made(b'{"a":[' + b",".join([b"[]"] * 200_000) + b"]}"), "out of proportion to the file"),
    "a wide name": (made(('{"a":"' + "b" * 600_000 + '😀"}').encode()), "out of proportion"),
}  # fmt: skip


@pytest.mark.parametrize("what", FILES)
def test_a_file_that_is_none_is_refused_in_words(what, tmp_path):
    data, said = FILES[what]
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(cr.CheckpointError, match=said) as error:
        load(path)
    assert "model.safetensors cannot be" in str(error.value)
    assert len(str(error.value)) < 1000
    assert judged(path, data) is None


PLACES = {
    "no file": (lambda p: p, "there is no such file"), "a folder": (lambda p: p.parent, "a folder"),
    "a device": (lambda p: "/dev/zero", "it is no file"),
}  # fmt: skip


@pytest.mark.parametrize("what", PLACES)
def test_what_is_no_file_is_told(what, tmp_path):
    place, said = PLACES[what]
    with pytest.raises(cr.CheckpointError, match=said):
        load(place(tmp_path / "model.safetensors"))


# ------------------------------------------------------------------ structures

MODEL = nn.Sequential(
    nn.Linear(2, 3, seed=0), nn.Residual(nn.Tanh()), nn.LSTM(3, 2), nn.Dropout(), nn.MaxPool2d(3)
)
L = ("model", "layers")


def forged(path, *ways, file=None):
    """A whole file with something else in its structure: each way is keys, and the value there."""
    save(MODEL, path)
    content = container.read(path)
    told = json.loads(content.metadata["chainrule"])
    for *keys, last, value in ways:
        place = told
        for key in keys:
            place = place[key]
        if value is None and last in place:
            del place[last]
        else:
            place[last] = value
    container.write(path, content.arrays, {"chainrule": json.dumps(told)})


STRUCTURES = {
    "a later format": ([("format", 2)], "of format 2, and this version of chainrule reads 1"),
    "no format": ([("format", None)], "has no format"),
    "no model": ([("model", None)], "does not say of which layers"),
    "a model that is a list": ([("model", [1])], "its model is no layer"),
    "a module's name": ([(*L, 1, "inner", "layer", "os.system")], "no layer of chainrule's"),
    "a name that is a list": ([(*L, 0, "layer", ["Linear"])], "no layer of chainrule's"),
    "a layer we have, not in the table": ([(*L, 1, "layer", "Module")], "no layer of chainrule's"),
    "a key too many": ([(*L, 0, "call", "x")], "layer 0, a Linear, has 'call' too many"),
    "a setting too few": ([(*L, 0, "settings", "init", None)], "settings of other names"),
    "a size of text": ([(*L, 0, "settings", "in_features", "2")], "in_features is '2'; it must be"),
    "a size that is true": ([(*L, 0, "settings", "in_features", True)], "in_features is True"),
    "another size": ([(*L, 0, "settings", "in_features", 3)], r"its settings say \(3, 3\)"),
    "2^60 layers of an LSTM": (
        [(*L, 2, "settings", "num_layers", 2**39)], "it has 4 arrays, and needs"),
    "an initialiser by name": ([(*L, 0, "settings", "init", "os.system")], "an initialiser"),
    "half a window": (
        [(*L, 4, "settings", "kernel_size", [2, 0.5])], "is a list; it must be a list of 2 whole"),
    "one window": ([(*L, 4, "settings", "kernel_size", [2])], "kernel_size is a list"),
    "padding beyond the window": ([(*L, 4, "settings", "padding", [2, 2])], "more than half"),
    "a share of 2": ([(*L, 3, "settings", "p", 2)], "p is 2; it must be a share from 0 to 1"),
    "an array that is not there": ([(*L, 0, "arrays", "weight", "x")], "which is not in the file"),
    "an array left out": ([(*L, 0, "arrays", "bias", None)], "'bias' too many or too few"),
    "an array of no layer": (
        [(*L, 0, "arrays", {"weight": "0.weight", "bias": None})], "'0.bias' belongs to no layer"),
    "a layer of itself": ([(*L, 1, "inner", {"same": "1.inner"})], "not there before"),
    "no list of layers": ([("model", "layers", {})], "no list of layers"),
    "told that is no dict": ([("told", [])], "what is told in it"),
}  # fmt: skip


@pytest.mark.parametrize("what", STRUCTURES)
def test_a_structure_that_is_none_is_refused_in_words(what, tmp_path):
    ways, said = STRUCTURES[what]
    path = tmp_path / "model.safetensors"
    forged(path, *ways)
    with pytest.raises(cr.CheckpointError, match=said):
        load(path)


def test_the_forging_itself_does_no_harm(tmp_path):
    forged(tmp_path / "m", ("version", "9"))
    assert repr(load(tmp_path / "m")) == repr(MODEL)


# ------------------------------------------------------------------ damage


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "m"
    save(MODEL, path)
    return path.read_bytes()


def loads_or_says(path):
    """The bits of the model in a file; nothing where an error of ours says why not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CheckpointWarning)
            return {k: v.tobytes() for k, v in load(path).state_dict().items()}
    except cr.CheckpointError:
        return None


def test_a_file_cut_off_anywhere_is_refused(whole, tmp_path):
    for size in range(0, len(whole), 64):
        (tmp_path / "m").write_bytes(whole[:size])
        assert loads_or_says(tmp_path / "m") is None


def test_a_bit_that_has_turned_over_is_never_taken_for_a_number(whole, tmp_path):
    right = {k: v.tobytes() for k, v in MODEL.state_dict().items()}
    name = whole.index(b'"sha256"')
    outcomes = []
    for at in range(0, len(whole), 7):
        data = bytearray(whole)
        data[at] ^= 1 << at % 8
        (tmp_path / "m").write_bytes(data)
        found = loads_or_says(tmp_path / "m")
        if name <= at < name + 8:  # the name of the digest itself: then nobody looks at it
            assert found in (None, right)
        else:
            outcomes.append(found)
    assert set(map(str, outcomes)) == {"None"}


def state(k):
    return State(nn.Linear(2, 2, seed=k), [np.ones(3)], {}, epoch=k, step=10 * k)


DAMAGE = {
    "cut off": (lambda p: os.truncate(p, p.stat().st_size - 1), r"[\d,]+ bytes, and [\d,]+ were"),
    "empty": (lambda p: p.write_bytes(b""), "it has 0 bytes"),
    "gone": (lambda p: p.unlink(), "there is no such file"),
    "a bit turned over": (
        lambda p: p.write_bytes(p.read_bytes()[:-1] + bytes([p.read_bytes()[-1] ^ 1])), "SHA-256"),
    "exchanged for another": (
        lambda p: p.write_bytes((p.parent / "checkpoint-000001.safetensors").read_bytes()),
        "SHA-256|were written"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_checkpoint_is_passed_over_and_named(what, tmp_path):
    spoil, said = DAMAGE[what]
    paths = [Checkpoints(tmp_path).save(state(k)) for k in (1, 2, 3)]
    spoil(paths[-1])
    kept = Checkpoints(tmp_path)
    with pytest.warns(
        CheckpointWarning, match=r"passed over checkpoint-000003.*-000002.* is taken"
    ):
        assert kept.latest().epoch == 2
    ((name, why),) = kept.skipped
    assert name == "checkpoint-000003.safetensors"
    assert re.search(said, why)


MANIFESTS = {
    "cut off": b'{"format": 1, "checkp', "empty": b"", "no JSON": b"\xff\xfe", "a list": b"[]",
    "another format": b'{"format": 9, "checkpoints": []}', "no list": b'{"format": 1}',
    "a name outside": b'{"format": 1, "checkpoints": [{"name": "../../x", "size": 1, '
                      b'"sha256": "", "step": 1, "epoch": 1}]}',
    "twice": b'{"format": 1, "format": 1, "checkpoints": []}',
}  # fmt: skip


@pytest.mark.parametrize("what", MANIFESTS)
def test_without_a_manifest_that_can_be_read_the_folder_is_looked_through(what, tmp_path):
    paths = [Checkpoints(tmp_path).save(state(k)) for k in (1, 2, 3)]
    (tmp_path / "manifest.json").write_bytes(MANIFESTS[what])
    paths[-1].write_bytes(paths[-1].read_bytes()[:-9] + b"x" * 9)
    kept = Checkpoints(tmp_path)
    with pytest.warns(CheckpointWarning, match=r"passed over manifest\.json"):
        assert kept.latest().epoch == 2
    assert [s.name for s in kept.skipped] == ["manifest.json", "checkpoint-000003.safetensors"]


def test_an_empty_folder_and_none_at_all_hold_nothing(tmp_path):
    assert Checkpoints(tmp_path).latest() is None
    assert Checkpoints(tmp_path / "nowhere").latest() is None


def test_where_all_are_damaged_it_is_said(tmp_path):
    Checkpoints(tmp_path).save(state(1)).write_bytes(b"")
    with pytest.warns(CheckpointWarning, match="no other one is left"):
        assert Checkpoints(tmp_path).latest() is None


def test_a_disk_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    paths = [Checkpoints(tmp_path).save(state(k)) for k in (1, 2)]
    real = container.into

    def broken(file, place):
        if file.name == str(paths[-1]):
            raise OSError(errno.EIO, "Input/output error")
        real(file, place)

    monkeypatch.setattr(container, "into", broken)
    with pytest.raises(cr.CheckpointError, match="the disk reports an error"):
        load(paths[-1])
    with pytest.warns(CheckpointWarning, match="the disk reports an error"):
        assert Checkpoints(tmp_path).latest().epoch == 1


def test_a_file_that_shrinks_while_it_is_read_is_told(tmp_path, monkeypatch):
    path, real = tmp_path / "m", container.judged
    save(nn.Linear(50, 50), path)

    def cut(file, size):
        found = real(file, size)
        os.truncate(path, size - 100)
        return found

    monkeypatch.setattr(container, "judged", cut)
    with pytest.raises(cr.CheckpointError, match="became shorter while it was read"):
        load(path)


# ------------------------------------------------------------------ fuzzing


def judged(path, data):
    """Load a file: a model or an error of ours, within the memory that is promised."""
    path.write_bytes(data)
    tracemalloc.start()
    found = loads_or_says(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= TIMES * len(data) + ALWAYS
    return found


@pytest.fixture(scope="module")
def quick():
    """Files that need not outlive a power failure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disk.SYSTEM, "sync", lambda handle: None)
        yield


def signed(data):
    """The same file, whose digest is right again."""
    at = data.find(b'"sha256":"') + 10
    if at < 10 or at + 64 > len(data):
        return data
    blank = data[:at] + b"0" * 64 + data[at + 64 :]
    return data[:at] + sha256(blank).hexdigest().encode() + data[at + 64 :]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_answered(tmp_path_factory, data):
    assert judged(tmp_path_factory.getbasetemp() / "m", data) is None


PATCHES = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6), st.integers(0, 6)),
                   min_size=1, max_size=4)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(PATCHES, st.booleans())
def test_a_file_with_changes_is_answered(tmp_path_factory, whole, patches, in_header):
    data = whole
    for where, new, out in patches:
        at = int(where * (1500 if in_header else len(data)))
        data = data[:at] + new + data[at + out :]
    if in_header:  # so that what is inside is judged, and not the header's length
        data = (
            struct.pack("<Q", struct.unpack("<Q", whole[:8])[0] + len(data) - len(whole)) + data[8:]
        )
    judged(tmp_path_factory.getbasetemp() / "m", signed(data))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats(allow_nan=False)
    | st.sampled_from(["F32", "I64", "BOOL", "Linear", "LSTM", "Sequential", "0.weight", "", "😀"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(
        st.sampled_from(["layer", "settings", "arrays", "layers", "inner", "same", "dtype", "shape",
                         "data_offsets", "in_features", "weight", "__metadata__", "chainrule"]),
        inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(JUNK, st.binary(max_size=16))
def test_a_header_of_anything_is_answered(tmp_path_factory, told, data):
    path = tmp_path_factory.getbasetemp() / "m"
    assert judged(path, made(told, data)) is None
    entry = {"a": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}}
    assert (
        judged(path, made({"__metadata__": {"chainrule": json.dumps(told)}, **entry}, data)) is None
    )


@settings(max_examples=100, deadline=None)
@given(JUNK, st.integers(0, 60))
def test_a_structure_with_anything_in_it_is_answered(tmp_path_factory, quick, junk, where):
    path = tmp_path_factory.getbasetemp() / "m"
    save(MODEL, path)
    content = container.read(path)
    told = json.loads(content.metadata["chainrule"])
    places = []

    def walk(value):
        for key in value if isinstance(value, dict) else range(len(value)):
            places.append((value, key))
            if isinstance(value[key], (dict, list)):
                walk(value[key])

    walk(told)
    place, key = places[where % len(places)]
    place[key] = junk
    container.write(path, content.arrays, {"chainrule": json.dumps(told)})
    judged(path, path.read_bytes())


HUGE = {
    "many arrays": json.dumps({f"a{k}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}
                               for k in range(20_000)}).encode(),
    "many keys": json.dumps({"a": {str(k): 0 for k in range(60_000)}}).encode(),
    "many numbers": b'{"a":[' + b"300," * 150_000 + b"1]}",
    "many escapes": b'{"a":"' + b"\\n" * 1_000_000 + b'"}',
    "many layers": json.dumps({"__metadata__": {"chainrule": json.dumps({
        "format": 1, "model": {"layer": "Sequential", "settings": {}, "arrays": {}, "layers": [
            {"layer": "Tanh", "settings": {}, "arrays": {}}] * 15_000 + [3]}})}}).encode(),
    "spaces": b"{" + b" " * 3_000_000 + b"}",
}  # fmt: skip


@pytest.mark.parametrize("what", HUGE)
def test_a_large_header_takes_no_more_than_its_share_of_memory(what, tmp_path):
    assert judged(tmp_path / "m", made(HUGE[what])) is None


def test_the_measure_of_memory_would_find_pythons_own_reader(tmp_path, monkeypatch):
    def trusting(text, budget, each=None, size=0):
        return {name: each(name, value) for name, value in json.loads(text).items()}

    monkeypatch.setattr(header, "read_json", trusting)
    with pytest.raises(AssertionError):
        judged(tmp_path / "m", made(HUGE["many numbers"]))


def test_what_many_small_arrays_are_saved_as_is_read_again(tmp_path):
    model = nn.Sequential(*(nn.Linear(1, 1, seed=k) for k in range(1500)))
    save(model, tmp_path / "m")
    assert judged(tmp_path / "m", (tmp_path / "m").read_bytes()) is not None


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=200, deadline=None)
@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=30,
), st.booleans(), st.sampled_from([None, 1]))  # fmt: skip
def test_the_strict_reader_reads_what_pythons_writes(data, ascii_alone, indent):
    text = json.dumps(data, ensure_ascii=ascii_alone, indent=indent)
    assert read_json(text, Budget(10**7)) == data


def test_no_more_is_taken_than_the_budget_has_been_asked_for():
    for data in ([[]] * 5000, [{}] * 5000, [{"a": 1}] * 5000, [0.5] * 9000, ["ab"] * 9000,
                 {str(k): k for k in range(9000)}, [dict.fromkeys("abcdefg", 1)] * 2000,
                 ["😀" * 9] * 2000, [[1, 2, 3]] * 5000):  # fmt: skip
        text, budget = json.dumps(data), Budget(1 << 40)
        gc.collect()
        tracemalloc.start()
        found = read_json(text, budget)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found == data
        assert peak <= budget.limit - budget.left + 4096
