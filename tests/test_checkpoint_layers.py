"""Every layer comes back from a file as it was: settings, numbers, kinds, sharing."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

import chainrule as cr
from chainrule import nn
from chainrule.nn.module import Module
from chainrule.nn.sequential import Function
from chainrule.nn.statistics import Statistics
from chainrule.train.checkpoint import load, save
from chainrule.train.checkpoint.layers import KINDS
from chainrule.train.checkpoint.settings import FUNCTIONS, unknown_init

F64 = np.float64
LAYERS = {
    "ELU": nn.ELU(0.3), "Flatten": nn.Flatten(), "GELU": nn.GELU(), "Identity": nn.Identity(),
    "LeakyReLU": nn.LeakyReLU(0.2), "ReLU": nn.ReLU(), "SELU": nn.SELU(), "SiLU": nn.SiLU(),
    "Sigmoid": nn.Sigmoid(), "Softmax": nn.Softmax(), "Softplus": nn.Softplus(),
    "Tanh": nn.Tanh(),
    "Attention": nn.Attention(causal=True, scale=0.1),
    "Attention, as it comes": nn.Attention(),
    "AvgPool1d": nn.AvgPool1d(3, 2, 1), "AvgPool2d": nn.AvgPool2d((2, 4)),
    "MaxPool1d": nn.MaxPool1d(3, 1, 1, 2), "MaxPool2d": nn.MaxPool2d((3, 2), (1, 2), (1, 0)),
    "BatchNorm": nn.BatchNorm(3, momentum=None), "BatchNorm1d": nn.BatchNorm1d(3, eps=1e-3),
    "BatchNorm2d": nn.BatchNorm2d(3, affine=False, dtype=F64),
    "Bilinear": nn.Bilinear(2, 3, 4, seed=1), "Bilinear, no bias": nn.Bilinear(2, 3, 4, False),
    "Conv1d": nn.Conv1d(4, 6, 3, 2, "valid", 2, 2, seed=2),
    "Conv2d": nn.Conv2d(2, 4, (4, 2), padding="same", bias=False, dtype=F64),
    "Dropout": nn.Dropout(0.25), "Embedding": nn.Embedding(5, 3, padding_idx=-1),
    "Embedding, no padding": nn.Embedding(5, 3, seed=3, dtype=np.float16),
    "Function": Function(cr.tanh),
    "GRU": nn.GRU(3, 4, 2, False, True, 0.5, True), "LSTM": nn.LSTM(3, 4),
    "LSTM, stacked, both ways": nn.LSTM(3, 4, num_layers=3, bidirectional=True, seed=4, dtype=F64),
    "RNN": nn.RNN(3, 4, nonlinearity="relu"),
    "LayerNorm": nn.LayerNorm((2, 3), eps=0.1), "LayerNorm, no bias": nn.LayerNorm(3, bias=False),
    "LayerNorm, bare": nn.LayerNorm(3, elementwise_affine=False),
    "Linear": nn.Linear(3, 2, init="he_normal", seed=5),
    "Linear, no bias": nn.Linear(3, 2, bias=False, dtype=F64),
    "Linear of sizes of NumPy's": nn.Linear(np.int64(3), np.int32(2)),
    "Linear, its function": nn.Linear(3, 2, init=nn.init.orthogonal),
    "MultiheadAttention": nn.MultiheadAttention(6, 3, 0.1, batch_first=True, seed=6),
    "MultiheadAttention, no bias": nn.MultiheadAttention(6, 2, bias=False),
    "Perceptron": nn.Perceptron(3, lr=0.5, std=1.0), "RMSNorm": nn.RMSNorm(3),
    "RMSNorm, with eps": nn.RMSNorm((2, 3), 1e-6, dtype=F64),
    "Residual": nn.Residual(nn.Sequential(nn.Linear(3, 3), nn.Residual(nn.Tanh()))),
    "Sequential": nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.Tanh(), nn.Linear(2, 1)), seed=7),
    "Sequential of nothing": nn.Sequential(),
    "Sequential of all": nn.Sequential(
        nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), cr.relu, nn.MaxPool1d(2), nn.Dropout(0.1),
        nn.Flatten(), nn.Residual(nn.Sequential(nn.Linear(6, 6), nn.LayerNorm(6), nn.GELU())),
        nn.Linear(6, 2, seed=8),
    ),
}  # fmt: skip


def same(a, b):
    """Whether two layers are alike in everything that can be asked of them."""
    if isinstance(a, Module):
        assert type(a) is type(b)
        names = [f.name for f in fields(a)]
        assert set(b.__dict__) - {"_unseeded"} == set(names)
        return all(same(getattr(a, n), getattr(b, n)) for n in names)
    if isinstance(a, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (cr.Tensor, Statistics)):
        assert type(a) is type(b)
        x, y = np.asarray(a.value), np.asarray(b.value)
        return (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes())
    return a == b if not callable(a) else a is b


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def test_the_table_has_an_example_of_every_layer_and_every_layer_is_in_the_registry():
    exported = {
        name for name in nn.__all__
        if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), Module)
    } - {"Module"}  # fmt: skip
    assert exported | {"Function"} == set(KINDS)
    assert {type(one).__name__ for one in LAYERS.values()} == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_the_registry_knows_every_field_of_a_layer(name):
    kind = KINDS[name]
    static = {f.name for f in fields(kind.made) if f.metadata.get("static")}
    inside = {f.name for f in fields(kind.made)} - set(kind.layers)
    one = next(one for one in LAYERS.values() if type(one).__name__ == name)
    kept = {f for f in static if isinstance(getattr(one, f), Statistics)}
    assert set(kind.settings) == static - kept
    settings = {k: getattr(one, k) for k in kind.settings}
    arrays = {kind.inside} if kind.inside else set(kind.arrays(settings))
    assert arrays == inside - set(kind.settings)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_comes_back_as_it_was(name, path):
    save(LAYERS[name], path)
    assert same(LAYERS[name], load(path))


@pytest.mark.parametrize("name", LAYERS)
def test_the_names_in_the_file_are_those_of_its_state_dict(name, path):
    save(LAYERS[name], path)
    found, wanted = load_file(path), LAYERS[name].state_dict()
    assert set(found) == set(wanted)
    assert all(found[k].tobytes() == wanted[k].tobytes() for k in wanted)


@pytest.mark.parametrize("name", LAYERS)
def test_the_same_layer_gives_the_same_bytes(name, path):
    save(LAYERS[name], path)
    first = path.read_bytes()
    save(load(path), path)
    assert path.read_bytes() == first


@pytest.mark.parametrize("name", LAYERS)
def test_numbers_go_into_a_model_that_is_made_by_hand(name, path):
    model = LAYERS[name]
    save(model.state_dict(), path)
    blank = model.load_state_dict({k: np.zeros_like(v) for k, v in model.state_dict().items()})
    assert same(load(path, into=blank), model)


def test_a_model_predicts_the_same_bits(path):
    model, x = LAYERS["Sequential of all"], np.random.default_rng(0).random((4, 2, 6))
    save(model, path)
    assert model(x).value.tobytes() == load(path)(x).value.tobytes()


def test_running_statistics_come_with_it(path):
    norm = nn.BatchNorm1d(2).moved(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    save(norm, path)
    assert load(path).running_mean.value.tolist() == norm.running_mean.value.tolist() != [0, 0]
    assert int(load(path).num_batches_tracked.value) == 1


def test_a_layer_that_stands_twice_is_there_once_and_stands_twice_again(path):
    shared = nn.Linear(3, 3, seed=0)
    save(nn.Sequential(shared, nn.Tanh(), shared), path)
    model = load(path)
    assert model[0] is model[2]
    assert set(load_file(path)) == {"0.weight", "0.bias"}


def test_a_parameter_that_stands_twice_is_one_parameter_again(path):
    table, out = nn.Embedding(5, 3, seed=0), nn.Linear(3, 5, seed=1)
    tied = nn.Sequential(table, out.replace(weight=table.weight))
    save(tied, path)
    model = load(path)
    assert model[0].weight is model[1].weight
    again = load(path, into=tied)
    assert again[0].weight is again[1].weight


def test_a_loaded_model_is_not_drawn_anew_in_another(path):
    save(nn.Linear(2, 2), path)
    one = load(path)
    assert nn.Sequential(nn.Tanh(), one)[1].weight is one.weight


def test_numbers_keep_their_order_in_memory(path):
    values = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    model = nn.Linear(3, 2, seed=0, dtype=F64).replace(weight=cr.tensor(values))
    save(model, path)
    assert load(path).weight._value.flags.f_contiguous
    assert load_file(path)["weight"].tolist() == values.tolist()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_ours_are_found_again(name, path):
    save(nn.Sequential(FUNCTIONS[name]), path)
    assert load(path)[0].function is FUNCTIONS[name]


def test_an_initialiser_of_the_users_is_left_out_and_missed_when_it_is_asked(path):
    save(nn.Linear(2, 2, init=lambda rng, shape: np.ones(shape)), path)
    model = load(path)
    assert model.init is unknown_init
    assert model.weight.value.tolist() == [[1, 1], [1, 1]]
    with pytest.raises(cr.UsageError, match="a function that a file cannot hold"):
        model.reseeded(np.random.default_rng(0))


def test_pytorch_reads_the_file(path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file as load_torch

    model = nn.Sequential(nn.Linear(3, 4, seed=0), nn.Tanh(), nn.BatchNorm1d(4))
    save(model, path)
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.BatchNorm1d(4))
    theirs.load_state_dict(load_torch(path))
    x = np.ones((2, 3), np.float32)
    assert np.allclose(theirs.eval()(torch.tensor(x)).detach(), model(x).value, atol=1e-6)


def test_pytorchs_file_goes_into_a_model(path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    theirs = torch.nn.LSTM(3, 4, 2)
    save_file(theirs.state_dict(), path)
    model = load(path, into=nn.LSTM(3, 4, 2))
    assert np.array_equal(model.weight_hh_l1.value, theirs.weight_hh_l1.detach().numpy())
    with pytest.raises(cr.CheckpointError, match="does not say of which layers; make the model"):
        load(path)


def test_the_file_says_what_it_is_without_us(path):
    save(nn.Sequential(nn.Linear(2, 3, seed=0)), path)
    with safe_open(path, "np") as file:
        told = json.loads(file.metadata()["chainrule"])
    assert told["format"] == 1
    assert told["model"]["layers"][0]["settings"] == {
        "in_features": 2, "out_features": 3, "init": "glorot_uniform",
    }  # fmt: skip


# ------------------------------------------------------------------ what is refused


@nn.layer
class Gate(Module):
    weight: cr.Tensor

    def __call__(self, x):
        return x * self.weight


def deep(count):
    model = nn.Tanh()
    for _ in range(count):
        model = nn.Residual(model)
    return model


REFUSED = {
    "a layer of the user's": (nn.Sequential(nn.Tanh(), Gate(cr.tensor(2.0))), cr.CheckpointError,
                              "layer 1 is a Gate, a class of yours.*state_dict.*into=model"),
    "a subclass of ours": (type("Mine", (nn.ReLU,), {})(), cr.CheckpointError, "a Mine, a class"),
    "a function of the user's": (nn.Sequential(lambda x: x + 1), cr.CheckpointError,
                                 "Function 0: function is a function; it must be a function of"),
    "another shape than its settings": (
        nn.Linear(2, 3).replace(weight=cr.tensor(np.ones((3, 5)))), cr.CheckpointError,
        r"its weight is \(3, 5\), and its settings say \(3, 2\)"),
    "too deep a nest": (deep(60), cr.CheckpointError, "too deep"),
    "a list": ([1, 2], cr.UsageError, "of a list; give a layer"),
    "a dict of lists": ({"a": [1]}, cr.UsageError, "give arrays by name"),
    "complex numbers": ({"a": np.ones(2, complex)}, cr.CheckpointError, "an array of complex128"),
    "texts": ({"a": np.array(["x"])}, cr.CheckpointError, "give floats"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_file_cannot_hold_is_refused_with_what_to_do(what, path):
    model, kind, said = REFUSED[what]
    with pytest.raises(kind, match=said):
        save(model, path)
    assert list(path.parent.iterdir()) == []


def test_the_numbers_of_a_layer_of_the_users_are_saved_and_loaded(path):
    model = nn.Sequential(nn.Linear(2, 2, seed=0), Gate(cr.tensor(2.0)))
    save(model.state_dict(), path)
    again = load(path, into=nn.Sequential(nn.Linear(2, 2, seed=1), Gate(cr.tensor(0.0))))
    assert same(again, model)


def test_a_file_of_another_model_is_refused_with_its_name(path):
    save(nn.Linear(2, 3), path)
    with pytest.raises(cr.UsageError, match=r"model\.safetensors does not fit the model: missing"):
        load(path, into=nn.Sequential(nn.Linear(2, 3)))
    with pytest.raises(cr.ShapeError, match=r"weight is \(4, 2\), the state has \(3, 2\)"):
        load(path, into=nn.Linear(2, 4))


def test_wrong_words_are_answered(path):
    with pytest.raises(cr.UsageError, match="the path is None"):
        save(nn.Tanh(), None)
    with pytest.raises(cr.UsageError, match="into=3; give a model"):
        save(nn.Tanh(), path) or load(path, into=3)
