"""The state of a training comes back from a file to the bit, whatever it is made of."""

from __future__ import annotations

import json
import math
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import nn, optim
from chainrule.train import Trainer, TrainingWarning
from chainrule.train.checkpoint import Checkpoints, CheckpointWarning, load
from chainrule.train.checkpoint import kept as kept_module
from chainrule.train.checkpoint.container import read, write
from chainrule.train.checkpoint.strict import Budget, Malformed, read_json
from chainrule.train.checkpoint.values import RECORDS, Kept, again
from chainrule.train.state import State

X = np.random.default_rng(0).random((40, 3)).astype(np.float32)
Y = (X.sum(1, keepdims=True) > 1.5).astype(np.float32)


def through_a_file(value, path):
    kept = Kept("~")
    told = json.dumps(kept.told(value, "x"), allow_nan=False)
    write(path, kept.arrays, {"told": told})
    content = read(path)
    return again(read_json(content.metadata["told"], Budget(10**9)), content.arrays)


def same(a, b):
    """Equal to the bit, and of the same types all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, cr.Tensor):
        a, b = a.value, b.value
    if isinstance(a, (np.ndarray, np.generic)):
        a, b = np.asarray(a), np.asarray(b)
        return (a.dtype, a.strides, a.tobytes()) == (b.dtype, b.strides, b.tobytes())
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or a.hex() == b.hex()
    return a == b


VALUES = {
    "nothing": None, "truth": True, "a number": 3, "a large number": -(2**127) + 1,
    "floats": [0.1, -0.0, 5e-324, 1.7976931348623157e308, math.nan, math.inf, -math.inf, 1.0],
    "texts": ["", "é", "\0\n\"\\", "😀", "{}"],
    "containers": [(), [], {}, ((1,), [2], {"a": (3,)})],
    "keys": {"a": 1, 2: "b", "2": "c", "": 0, "tuple": 4, "array": 5},
    "arrays": [np.arange(6).reshape(2, 3), np.array(1.5), np.zeros((0, 2)), np.array([True, False]),
               np.array([np.nan, -np.inf], np.float16), np.uint8([255])],
    "orders": [np.asfortranarray(np.arange(6.0).reshape(2, 3)),
               np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1)],
    "NumPy's numbers": [np.float32(0.1), np.int64(3), np.bool_(True), np.float64("nan")],
    "a tensor": cr.tensor([1.0, 2.0]),
    "records": [optim.State(3, ([np.ones(2)], [1.0])),
                RECORDS["Plateau"](1.0, math.inf, 0, 0, 0, 0)],
    "rows": [{"epoch": k, "loss": k / 7, "norms": {"0": 0.1 * k, "2": math.nan},
              "dead": None if k % 2 else 0.5, "f1": np.float64(k), "table": np.eye(2) * k,
              "list": [k, 0.5]} for k in range(9)],
    "rows that change": [*({"a": 0.5}, {"a": 0.5, "b": 1.5}, {"b": 1.5, "a": 0.5}) * 2, {"a": {}}],
}  # fmt: skip


@pytest.mark.parametrize("what", VALUES)
def test_a_value_comes_back_as_it_was(what, tmp_path):
    assert same(through_a_file(VALUES[what], tmp_path / "f"), VALUES[what])


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.integers(-(2**63), 2**63 - 1).map(np.int64) | st.floats(width=32).map(np.float32),
    lambda inner: st.lists(inner, max_size=6) | st.lists(inner, max_size=4).map(tuple)
    | st.dictionaries(st.text(max_size=4) | st.integers(0, 5), inner, max_size=4)
    | st.lists(st.fixed_dictionaries({"a": inner, "b": st.floats()}), max_size=6),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(TREES)
def test_any_tree_comes_back_as_it_was(tmp_path_factory, tree):
    path = tmp_path_factory.getbasetemp() / "tree"
    assert same(through_a_file(tree, path), tree)


@pytest.mark.parametrize("what", [{1.5: 0}, object(), {(1, 2): 0}, np.array(["a"]), 1j, {"a": {3}}])
def test_what_has_no_place_in_a_file_is_named(what):
    with pytest.raises(cr.CheckpointError, match="the training's callbacks"):
        Kept("~").told(what, "callbacks")


FORGED = (
    {"eval": "1"}, {"State": {}}, {"State": {"step": 1}}, {"array": "there is none"}, {"array": 3},
    {"float": "1.5"}, {"int": "x"}, {"int": 5}, {"tuple": 3}, {"dict": [1]},
    {"dict": [["a", 1]] * 2},
    {"dict": [[None, 1]]}, {"rows": 3}, {"rows": [3]}, {"rows": [{"columns": [[]], "rest": []}]},
    {"rows": [{"columns": [["a"]], "rest": [[0, 5]]}]}, {}, {"tuple": [], "dict": []},
    {"rows": [{"columns": [["a"], ["a", "b"]], "rest": [[0, [1]], [1, [2]]]}]}, {"scalar": "x"},
    {"rows": [{"columns": [["a"]], "rest": [], "floats": [0], "array": "x"}]},
)  # fmt: skip


@pytest.mark.parametrize("told", FORGED, ids=str)
def test_a_forged_value_is_refused(told):
    with pytest.raises(Malformed):
        again(told, {"x": np.zeros((2, 3))})


OPTIMISERS = {
    "SGD": lambda: optim.SGD(0.1), "momentum": lambda: optim.SGD(0.1, momentum=0.9, nesterov=True),
    "Adagrad": lambda: optim.Adagrad(0.1), "RMSProp": lambda: optim.RMSProp(0.01, momentum=0.5),
    "Adam": lambda: optim.Adam(0.01, amsgrad=True), "AdamW": lambda: optim.AdamW(0.01),
    "NAdam": lambda: optim.NAdam(0.01), "RAdam": lambda: optim.RAdam(0.01),
    "Lion": lambda: optim.Lion(0.001),
    "groups": lambda: optim.groups({"*.bias": None, "*": optim.Adam(0.01)}),
    "accumulate": lambda: optim.accumulate(optim.Adam(0.01), 3),
    "all": lambda: optim.chain(optim.clip_by_norm(1.0), optim.weight_decay(1e-4),
                               optim.Adam(optim.schedules.cosine(0.01, 20)),
                               optim.reduce_on_plateau(patience=1)),
}  # fmt: skip


def trainer(optimizer, **options):
    model = nn.Sequential(
        nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 1), seed=1
    )
    return Trainer(model, "mse", optimizer, seed=2, **options)


def bits(trainer):
    rows = [{k: v for k, v in row.items() if "second" not in k and k != "epochs"}
            for row in trainer.history.rows]  # fmt: skip
    return [{k: v.tobytes() for k, v in trainer.model.state_dict().items()}, rows]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_training_in_two_parts_is_the_training_in_one(name, tmp_path):
    make = OPTIMISERS[name]
    whole, first, second = (trainer(make()) for _ in range(3))
    whole.fit(X, Y, epochs=5, batch_size=16)
    first.fit(X, Y, epochs=2, batch_size=16, checkpoint=Checkpoints(tmp_path))
    second.fit(X, Y, epochs=5, batch_size=16, checkpoint=Checkpoints(tmp_path))
    assert bits(second) == bits(whole)
    assert second.run.steps == whole.run.steps


def test_l_bfgs_goes_on_too(tmp_path):
    def made():
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1), seed=1)
        return Trainer(model, "mse", optim.LBFGS(max_iter=3))

    whole, first, second = made(), made(), made()
    whole.fit(X, Y, epochs=5, batch_size=40)
    first.fit(X, Y, epochs=2, batch_size=40, checkpoint=Checkpoints(tmp_path))
    second.fit(X, Y, epochs=5, batch_size=40, checkpoint=Checkpoints(tmp_path))
    assert bits(second) == bits(whole)


class Presses:
    """Ctrl-C in the midst of a step."""

    def __init__(self, at):
        self.left = at

    def on_step(self, row):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("at", [1, 3, 5])
def test_a_training_ended_by_ctrl_c_goes_on_from_that_very_step(at, tmp_path):
    whole, second = trainer(optim.Adam()), trainer(optim.Adam())
    first = trainer(optim.Adam(), callbacks=[Presses(at)])
    whole.fit(X, Y, epochs=3, batch_size=16)
    first.fit(X, Y, epochs=3, batch_size=16, checkpoint=Checkpoints(tmp_path))
    assert first.history.interrupted
    assert Checkpoints(tmp_path).latest().step == at
    second.fit(X, Y, epochs=3, batch_size=16, checkpoint=Checkpoints(tmp_path))
    assert bits(second) == bits(whole)


class Cut(Exception):
    """The training ends here."""


class CutOff(Checkpoints):
    """A folder to which so many states are saved, and no more."""

    def __init__(self, folder, saves, **options):
        super().__init__(folder, **options)
        self.left = saves

    def save(self, *args):
        super().save(*args)
        self.left -= 1
        if self.left == 0:
            raise Cut


def batches():
    for k in range(0, 40, 10):
        yield X[k : k + 10], Y[k : k + 10]


@pytest.mark.parametrize("saves", [1, 4, 6])
def test_a_training_on_a_stream_of_batches_goes_on_too(saves, tmp_path):
    whole, first, second = (trainer(optim.Adam()) for _ in range(3))
    whole.fit(batches, epochs=3)
    with pytest.raises(Cut):
        first.fit(batches, epochs=3, checkpoint=CutOff(tmp_path, saves, every=1))
    second.fit(batches, epochs=3, checkpoint=Checkpoints(tmp_path))
    assert bits(second) == bits(whole)


@pytest.mark.parametrize("saves", [1, 3])
def test_a_compiled_training_goes_on_too(saves, tmp_path):
    whole, first, second = (trainer(optim.Adam(), compiled=True) for _ in range(3))
    whole.fit(X, Y, epochs=4, batch_size=8)
    with pytest.raises(Cut):
        first.fit(X, Y, epochs=4, batch_size=8, checkpoint=CutOff(tmp_path, saves, every=2))
    second.fit(X, Y, epochs=4, batch_size=8, checkpoint=Checkpoints(tmp_path, every=2))
    assert bits(second) == bits(whole)


def test_early_stopping_goes_on_with_what_it_remembers(tmp_path):
    options = {"batch_size": 16, "epochs": 30, "validation": 0.25, "early_stopping": 3}
    whole, first, second = (trainer(optim.SGD(0.5)) for _ in range(3))
    whole.fit(X, Y, **options)
    with pytest.raises(Cut):
        first.fit(X, Y, **options, checkpoint=CutOff(tmp_path, 3, every="epoch"))
    second.fit(X, Y, **options, checkpoint=Checkpoints(tmp_path))
    assert 4 < len(whole.history) < 30
    assert bits(second) == bits(whole)


def test_every_record_an_optimiser_keeps_is_in_the_table():
    kept = set()

    def walk(value):
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            kept.add(type(value))
        for part in value if isinstance(value, (list, tuple)) else ():
            walk(part)

    for make in (*OPTIMISERS.values(), optim.LBFGS):
        walk(make().named(["w.weight", "w.bias"]).init([np.ones(2), np.ones(3)]))
    assert kept == set(RECORDS.values())


def state(**changes):
    model = nn.Linear(2, 1, seed=0)
    return State(**{"model": model, "optimizer": None, "rng": {}, **changes})


@pytest.mark.parametrize("count", [*range(400, 440), 3000])
def test_a_history_is_read_again_however_long_and_mixed_it_is(count, tmp_path):
    looked = {"health": {str(k): {"norm": 0.1, "dead": None, "zero": 0.5} for k in range(4)}}
    rows = [{"epoch": k, "loss": 0.5, "val_loss": 1.0 / (k + 1), "name": "x" * (k % 7)}
            | (looked if k % 10 == count % 10 else {}) for k in range(count)]  # fmt: skip
    many = [np.full(k % 3, 1.0) for k in range(count)]
    path = Checkpoints(tmp_path).save(
        state(rows=rows, optimizer=many, terms={"loss": "mse"}), {"z": "x"}
    )
    assert same(Checkpoints(tmp_path).latest().rows, rows)
    if count == 3000:
        again = Checkpoints(tmp_path / "b").save(state(rows=rows))
        assert again.stat().st_size < 64 * count
    assert path.stat().st_size > 43_000  # it is padded, to be read within its budget


ODD = {"epoch": "1", "step": -1, "at": 1.0, "order": np.zeros(2), "rows": {}, "sums": 3,
       "callbacks": None, "rng": []}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_a_state_of_odd_parts_is_refused(name, tmp_path):
    Checkpoints(tmp_path).save(state(**{"order": np.zeros(0, np.int64), name: ODD[name]}))
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(cr.CheckpointError, match=f"its training has {name} of"):
        Checkpoints(tmp_path).latest()


def test_told_comes_back_beside_the_state(tmp_path):
    told = {"a": math.nan, "b": [1, (2,)]}
    Checkpoints(tmp_path).save(state(), told)
    kept = Checkpoints(tmp_path)
    kept.latest()
    assert same(kept.told, told)


def test_the_model_of_a_checkpoint_is_loaded_like_any_other(tmp_path):
    path = Checkpoints(tmp_path).save(state(optimizer=[np.ones(3)]))
    assert load(path).weight.value.tolist() == nn.Linear(2, 1, seed=0).weight.value.tolist()


def test_numbers_that_are_not_finite_are_kept_and_told(tmp_path):
    weight = np.array([[math.nan, 1.0], [math.inf, math.nan]])
    model = nn.Sequential(nn.Linear(2, 2, seed=0, dtype=float))
    model = model.load_state_dict({"0.weight": weight, "0.bias": np.zeros(2)})
    path = Checkpoints(tmp_path).save(state(model=model))
    said = r"0\.weight has 2 NaN and 1 infinite of 4$"
    with pytest.warns(CheckpointWarning, match=said) as warned:
        found = Checkpoints(tmp_path).latest()
    assert warned[0].filename == __file__
    assert np.array_equal(found.model[0].weight.value, weight, equal_nan=True)
    for into in (None, model):
        with pytest.warns(CheckpointWarning, match=said):
            load(path, into=into)


@nn.layer
class Gate(nn.Module):
    weight: cr.Tensor

    def __call__(self, x):
        return x * self.weight


def test_a_training_of_the_users_own_layers_goes_on(tmp_path):
    def made():
        return Trainer(nn.Sequential(nn.Linear(3, 1, seed=0), Gate(cr.tensor([2.0]))), "mse")

    whole, first, second = made(), made(), made()
    whole.fit(X, Y, epochs=3)
    first.fit(X, Y, epochs=1, checkpoint=Checkpoints(tmp_path))
    second.fit(X, Y, epochs=3, checkpoint=Checkpoints(tmp_path))
    assert bits(second) == bits(whole)
    with pytest.raises(cr.CheckpointError, match="does not say of which layers"):
        Checkpoints(tmp_path).latest()


def test_a_folder_of_another_model_is_refused(tmp_path):
    trainer(optim.Adam()).fit(X, Y, epochs=1, checkpoint=Checkpoints(tmp_path))
    other = Trainer(nn.Sequential(nn.Linear(3, 1)), "mse")
    with pytest.raises(cr.CheckpointError, match=r"of another model.*a folder of its own"):
        other.fit(X, Y, epochs=1, checkpoint=Checkpoints(tmp_path))


def test_other_layers_of_the_same_sizes_are_another_model_too(tmp_path):
    def made(between):
        return Trainer(nn.Sequential(nn.Linear(3, 4), between, nn.Linear(4, 1), seed=0), "mse")

    made(nn.Tanh()).fit(X, Y, epochs=1, checkpoint=Checkpoints(tmp_path))
    with pytest.raises(cr.CheckpointError, match="its layers or their settings are others"):
        made(nn.ReLU()).fit(X, Y, epochs=2, checkpoint=Checkpoints(tmp_path))


def test_without_resume_it_begins_anew(tmp_path):
    kept = Checkpoints(tmp_path, every="epoch", resume=False)
    for _ in range(2):
        made = trainer(optim.SGD(0.1))
        made.fit(X, Y, epochs=2, checkpoint=kept)
        assert len(made.history) == 2
    assert [p.name for p in sorted(tmp_path.glob("*.safetensors"))] == [
        f"checkpoint-00000{k}.safetensors" for k in (2, 3, 4)
    ]


def test_a_callback_that_no_file_can_hold_is_refused_before_anything_is_trained(tmp_path):
    class Odd:
        steps = 0

        def on_step(self, row):
            self.steps += 1

        def state(self):
            return {"file": Path()}

        def restore(self, told):
            pass

    odd = Odd()
    with pytest.raises(cr.CheckpointError, match=r"callbacks/Odd-1/file is a PosixPath"):
        trainer(None, callbacks=[odd]).fit(X, Y, epochs=1, checkpoint=Checkpoints(tmp_path))
    assert odd.steps == 0


OPTIONS = (
    ({"every": 0}, "every=0"), ({"every": "day"}, "every='day'"), ({"every": True}, "every"),
    ({"keep": 0}, "keep=0"), ({"keep": 1.5}, "keep=1.5"), ({"folder": None}, "None is no name"),
)  # fmt: skip


@pytest.mark.parametrize(("options", "said"), OPTIONS, ids=str)
def test_a_wrong_option_is_named(options, said, tmp_path):
    with pytest.raises(cr.UsageError, match=said):
        Checkpoints(**{"folder": tmp_path, **options})


def test_a_state_is_due_where_so_many_steps_have_passed(tmp_path):
    class At:
        def __init__(self, steps, epoch=0, at=1):
            self.steps, self.epoch, self.at = steps, epoch, at

    kept = Checkpoints(tmp_path, every=10)
    assert [kept.due(At(n)) for n in (9, 10, 25)] == [False, True, True]
    kept.save(state(step=25))
    assert [kept.due(At(n)) for n in (26, 29, 30)] == [False, False, True]
    epochs = Checkpoints(tmp_path, every="epoch")
    assert [epochs.due(At(5, *x)) for x in ((0, 3), (1, 0), (1, 3))] == [False, True, False]
    epochs.save(state(step=5, epoch=1))
    assert [epochs.due(At(9, *x)) for x in ((1, 0), (2, 0))] == [False, True]
    assert epochs.due(At(2, 1, 0))  # another training, from its beginning


def test_without_being_told_saving_takes_a_tenth_of_the_time_at_most(tmp_path, monkeypatch):
    clock = [0.0]

    def slow(*args, **options):
        clock[0] += 2.0  # seconds that a save takes
        return write(*args, **options)

    write = kept_module.container.write
    monkeypatch.setattr(kept_module, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(kept_module.container, "write", slow)
    kept, saved = Checkpoints(tmp_path), []
    for epoch in range(1, 101):
        clock[0] += 1.0
        if kept.due(SimpleNamespace(epoch=epoch, steps=epoch, at=0)):
            kept.save(state(epoch=epoch, step=epoch))
            saved.append(epoch)
    assert saved == [1, 21, 41, 61, 81]


def test_the_last_epoch_is_saved_whenever_the_others_were(tmp_path, monkeypatch):
    class Never(Checkpoints):
        def due(self, run):
            return False

    trainer(optim.Adam()).fit(X, Y, epochs=3, checkpoint=Never(tmp_path))
    assert Checkpoints(tmp_path).latest().epoch == 3
    files = sorted(tmp_path.iterdir())
    trainer(optim.Adam()).fit(X, Y, epochs=3, checkpoint=Never(tmp_path))
    assert sorted(tmp_path.iterdir()) == files


def test_a_training_that_diverged_diverges_again_and_is_not_gone_on_with(tmp_path):
    losses = []
    for _ in range(2):
        made = Trainer(nn.Sequential(nn.Linear(3, 1, seed=0)), "mse", optim.SGD(1e5))
        with pytest.warns(TrainingWarning, match="diverged in epoch 5"):
            made.fit(X, Y, epochs=9, batch_size=40, checkpoint=Checkpoints(tmp_path, "epoch"))
        losses.append(repr(made.history.loss))
    assert losses[0] == losses[1]
    assert Checkpoints(tmp_path).latest().epoch == 4
