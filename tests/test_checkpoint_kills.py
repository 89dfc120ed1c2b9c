"""Whatever happens while a checkpoint is written, none is lost: kills, power cuts, full disks."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.train.checkpoint import Checkpoints, disk, load, save
from chainrule.train.state import State

pytestmark = pytest.mark.skipif(os.name == "nt", reason="it forks")
KILLED = Path(__file__).parent / "killed.py"


def killed(*words):
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    made = subprocess.run(
        [sys.executable, "-W", "ignore", str(KILLED), *map(str, words)], capture_output=True,
        text=True, env={**os.environ, **threads}, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def test_a_training_killed_at_any_call_to_the_disk_ends_as_if_it_had_not_been(tmp_path):
    told = killed("at-every-call", json.dumps({"epochs": 2, "keep": 1}), tmp_path)
    runs = told["runs"]
    assert [run["how"] for run in runs].count(9) == len(runs) - 2 > 40
    assert {run["final"] for run in runs} == {told["whole"]}
    assert {run["epoch"] for run in runs} == {0, 1, 2}
    assert not [name for run in runs for name in run["names"] if name.endswith(".part")]
    assert {name for run in runs for name, _ in run["skipped"]} <= {"manifest.json"}


def test_a_training_killed_at_random_ends_as_if_it_had_not_been(tmp_path):
    told = killed("at-random", 10, tmp_path)
    assert told["final"] == told["whole"] == told["plain"]
    assert told["kills"] >= 3
    assert not [name for name in told["names"] if name.endswith(".part")]


# ------------------------------------------------------------------ power failures

MODEL = nn.Sequential(nn.Linear(3, 4, seed=0), nn.Tanh())


def state(k):
    weights = {name: np.full_like(value, k) for name, value in MODEL.state_dict().items()}
    return State(MODEL.load_state_dict(weights), (np.ones(5),), {}, epoch=k, step=k)


class Disk:
    """What a disk surely holds: of a file what was flushed, of a folder the names at its flush.

    `outcomes` has, after every call, the two ends of what a power failure may leave: names as
    they were flushed, or as they were last; and in both only the bytes that were flushed.
    """

    def __init__(self):
        self.now, self.safe, self.bytes, self.flushed, self.handles = {}, {}, {}, {}, {}
        self.outcomes, self.saved, self.real = [], 0, dict(vars(disk.SYSTEM))

    def install(self, monkeypatch):
        for name in self.real:
            monkeypatch.setattr(disk.SYSTEM, name, getattr(self, name))

    def after(self):
        for names in (self.safe, self.now):
            held = {name: self.flushed.get(file, b"") for name, file in names.items()}
            self.outcomes.append((self.saved, held))

    def open(self, path, flags, mode=0o777):
        handle = self.real["open"](path, flags, mode)
        made = object() if flags & os.O_CREAT else "folder"
        self.handles[handle] = made
        if made != "folder":
            self.now[Path(path).name], self.bytes[made] = made, b""
        self.after()
        return handle

    def write(self, handle, data):
        count = self.real["write"](handle, data)
        self.bytes[self.handles[handle]] += bytes(data[:count])
        self.after()
        return count

    def sync(self, handle):
        file = self.handles[handle]
        if file == "folder":
            self.safe = dict(self.now)
        else:
            self.flushed[file] = self.bytes[file]
        self.after()

    def close(self, handle):
        self.real["close"](handle)
        self.handles.pop(handle)

    def rename(self, old, new):
        self.real["rename"](old, new)
        self.now[Path(new).name] = self.now.pop(Path(old).name)
        self.after()

    def remove(self, path):
        self.real["remove"](path)
        self.now.pop(Path(path).name)
        self.after()


def outcomes(tmp_path, monkeypatch):
    held = Disk()
    with monkeypatch.context() as patch:
        held.install(patch)
        patch.setattr(disk, "CHUNK", 1024)
        for k in range(1, 5):
            Checkpoints(tmp_path / "now", keep=2).save(state(k))
            held.saved = k
    return held.outcomes


def left_over(folder, names):
    """The newest state in a folder of these files."""
    folder.mkdir()
    for name, held in names.items():
        (folder / name).write_bytes(held)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Checkpoints(folder).latest()


def test_a_power_failure_at_any_moment_leaves_the_last_state_that_was_saved(tmp_path, monkeypatch):
    found = outcomes(tmp_path, monkeypatch)
    assert len(found) > 100
    for k, (saved, names) in enumerate(found):
        after = left_over(tmp_path / str(k), names)
        assert (after.epoch if after else 0) >= saved
        assert after is None or after.model[0].bias.value.tolist() == [after.epoch] * 4


def test_the_power_failures_would_find_a_writer_that_does_not_flush(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_fill", lambda path, parts: path.write_bytes(b"".join(parts)))
    monkeypatch.setattr(disk, "sync_folder", lambda folder: None)
    held = Disk()
    held.after()
    Checkpoints(tmp_path / "now").save(state(1))
    assert left_over(tmp_path / "then", held.outcomes[-1][1]) is None


# ------------------------------------------------------------------ a disk that says no

CALLS = ("open", "write", "sync", "close", "rename")
ERRORS = {
    "full": (errno.ENOSPC, "the disk is full"), "broken": (errno.EIO, "reports an error"),
    "locked": (errno.EROFS, "read-only"), "forbidden": (errno.EACCES, "permission denied"),
    "quota": (errno.EDQUOT, "quota"), "another": (errno.EMFILE, "[Tt]oo many open files"),
}  # fmt: skip


def failing(monkeypatch, call, number, code):
    """Let the call of this number fail; a write before it takes half of what it is given."""
    made, real = [0], getattr(disk.SYSTEM, call)

    def fails(*args):
        made[0] += 1
        if made[0] > number:
            raise OSError(code, os.strerror(code))
        if call == "write" and made[0] == number:
            args = (args[0], args[1][: len(args[1]) // 2])
        return real(*args)

    monkeypatch.setattr(disk.SYSTEM, call, fails)


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("what", ERRORS)
def test_an_error_of_the_disk_is_one_clear_error_and_loses_nothing(
    what, call, number, tmp_path, monkeypatch
):
    kept, (code, said) = Checkpoints(tmp_path), ERRORS[what]
    for k in (1, 2, 3):
        kept.save(state(k))
    before = contents(tmp_path)
    with monkeypatch.context() as patch:
        failing(patch, call, number, code)
        with pytest.raises(cr.CheckpointError, match=said):
            kept.save(state(4))
    after = contents(tmp_path)
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if name.endswith(".part")]
    kept.save(state(5))
    assert Checkpoints(tmp_path).latest().epoch == 5


@pytest.mark.parametrize("call", CALLS)
def test_a_model_that_cannot_be_written_leaves_the_one_before(call, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    save(MODEL, path)
    before = contents(tmp_path)
    failing(monkeypatch, call, 0, errno.ENOSPC)
    with pytest.raises(cr.CheckpointError, match=r"model\.safetensors cannot be written: the disk"):
        save(nn.Linear(3, 3), path)
    assert contents(tmp_path) == before


def test_a_file_that_grows_too_large_for_the_system_is_told(tmp_path):
    path = tmp_path / "model.safetensors"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(cr.CheckpointError, match="larger than files may be here"):
            save(nn.Linear(300, 300), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert contents(tmp_path) == {}


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(cr.CheckpointError, match="there is no such folder"):
        save(MODEL, tmp_path / "nowhere" / "model.safetensors")
    (tmp_path / "file").write_text("")
    with pytest.raises(cr.CheckpointError, match="no checkpoint can be written in"):
        Checkpoints(tmp_path / "file" / "run").save(state(1))


def test_ctrl_c_in_the_middle_of_a_write_leaves_nothing_behind(tmp_path, monkeypatch):
    save(MODEL, tmp_path / "m")
    before = contents(tmp_path)

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(disk.SYSTEM, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(nn.Linear(2, 2), tmp_path / "m")
    assert contents(tmp_path) == before


# ------------------------------------------------------------------ more than one writer


def test_writers_at_once_all_write_and_the_last_is_found(tmp_path):
    failed = []

    def write(k):
        try:
            Checkpoints(tmp_path, keep=None).save(state(k))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(k,)) for k in range(1, 9)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failed == []
    kept = Checkpoints(tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) == 8
    assert kept.latest() is not None
    assert kept.skipped == []
    assert len(json.loads((tmp_path / "manifest.json").read_text())["checkpoints"]) == 8


def test_two_writers_of_one_file_leave_one_of_their_two(tmp_path):
    models = [nn.Linear(40, 40, seed=k) for k in range(2)]

    def write(model):
        for _ in range(30):
            save(model, tmp_path / "m")

    threads = [threading.Thread(target=write, args=(m,)) for m in models]
    for t in threads:
        t.start()
    found = [load(tmp_path / "m") for _ in range(30) if (tmp_path / "m").exists()]
    for t in threads:
        t.join()
    wanted = {m.weight.value.tobytes() for m in models}
    assert {m.weight.value.tobytes() for m in [*found, load(tmp_path / "m")]} <= wanted
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_a_folder_that_another_holds_for_long_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "PATIENCE", 0.05)
    with disk.alone(tmp_path), pytest.raises(cr.CheckpointError, match="a folder of its own"):
        Checkpoints(tmp_path).save(state(1))


def test_what_the_dead_left_is_removed_and_what_the_living_write_is_not(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    here, there = disk.machine(), "00000000"
    left = {
        f".a.{here}-{dead.pid}-00000000.part": False,
        f".a.{here}-{os.getpid()}-00000000.part": True,
        f".a.{here}-{os.getppid()}-00000000.part": True, f".a.{there}-1-00000000.part": True,
        f".b.{there}-1-00000000.part": False, "a.part": True,
    }  # fmt: skip
    for name in left:
        (tmp_path / name).write_text("")
    os.utime(tmp_path / f".b.{there}-1-00000000.part", (0, 0))
    disk.tidy(tmp_path)
    assert {name: (tmp_path / name).exists() for name in left} == left


def test_the_folder_keeps_the_last_few_and_lists_them(tmp_path):
    kept = Checkpoints(tmp_path, keep=2)
    paths = [kept.save(state(k)) for k in range(1, 6)]
    assert [p.exists() for p in paths] == [False, False, False, True, True]
    listed = json.loads((tmp_path / "manifest.json").read_text())["checkpoints"]
    assert [(x["name"], x["step"], x["epoch"]) for x in listed] == [
        ("checkpoint-000004.safetensors", 4, 4), ("checkpoint-000005.safetensors", 5, 5)
    ]  # fmt: skip
    assert [x["size"] for x in listed] == [p.stat().st_size for p in paths[3:]]


def test_without_its_manifest_a_folder_keeps_the_last_few_too(tmp_path):
    for k in (1, 2, 3):
        Checkpoints(tmp_path, keep=3).save(state(k))
    (tmp_path / "manifest.json").unlink()
    Checkpoints(tmp_path, keep=3).save(state(4))
    assert sorted(p.name for p in tmp_path.glob("*.safetensors")) == [
        f"checkpoint-00000{k}.safetensors" for k in (2, 3, 4)
    ]
