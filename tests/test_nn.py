"""Layers: what they compute, how they are drawn, and that they are values and pytrees."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.app.network import WORDS
from chainrule.nn import activations
from chainrule.sklearn.network import NAMES as estimators

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3))


def bits(layer):
    return [p.value.tobytes() for p in layer.parameters()]


# ------------------------------------------------------------------ what they compute


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(3,), (5, 3), (0, 3), (2, 4, 3)], ids=str)
def test_linear_is_x_times_w_transposed_plus_b(shape, bias):
    layer = nn.Linear(3, 2, bias, dtype=np.float64)
    layer = layer.replace(bias=cr.tensor([0.5, -1.0])) if bias else layer
    x = np.random.default_rng(1).normal(size=shape)
    by_hand = x @ layer.weight.value.T + (layer.bias.value if bias else 0.0)
    assert layer(x).shape == (*shape[:-1], 2)
    assert layer(x).value == pytest.approx(by_hand, abs=1e-15)


FUNCTIONS = {
    "ReLU": (nn.ReLU(), lambda x: np.maximum(x, 0)),
    "Sigmoid": (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "Tanh": (nn.Tanh(), np.tanh),
    "Softplus": (nn.Softplus(), lambda x: np.log1p(np.exp(x))),
    "SiLU": (nn.SiLU(), lambda x: x / (1 + np.exp(-x))),
    "Identity": (nn.Identity(), lambda x: x),
    "LeakyReLU": (nn.LeakyReLU(), lambda x: np.where(x > 0, x, 0.01 * x)),
    "LeakyReLU(0.3)": (nn.LeakyReLU(0.3), lambda x: np.where(x > 0, x, 0.3 * x)),
    "ELU": (nn.ELU(), lambda x: np.where(x > 0, x, np.exp(x) - 1)),
    "ELU(2)": (nn.ELU(2), lambda x: np.where(x > 0, x, 2 * (np.exp(x) - 1))),
    "Softmax": (nn.Softmax(), lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    "Flatten": (nn.Flatten(), lambda x: x.reshape(len(x), -1)),
    "Sequential": (nn.Sequential(nn.Tanh(), nn.ReLU()), lambda x: np.maximum(np.tanh(x), 0)),
    "Sequential of none": (nn.Sequential(), lambda x: x),
    "a function": (nn.Sequential(cr.sin, lambda x: 2 * x), lambda x: 2 * np.sin(x)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4), (0, 3)], ids=str)
def test_an_activation_is_its_formula(name, shape):
    layer, by_hand = FUNCTIONS[name]
    x = RNG.normal(size=shape)
    assert layer(x) == pytest.approx(by_hand(x) if x.size else np.zeros(layer(x).shape), abs=1e-14)
    assert layer.parameters() == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_activation_keeps_float32(name):
    assert FUNCTIONS[name][0](X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_activation_is_a_pytree_without_leaves(name):
    layer, _ = FUNCTIONS[name]
    leaves, structure = cr.tree_flatten(layer)
    assert leaves == []
    again = cr.tree_unflatten(structure, [])
    assert type(again) is type(layer)
    assert again(X) == pytest.approx(layer(X))


WITHOUT_A_NAME = {"Softmax", "Identity", "Flatten"}  # not of one element, or nothing at all


def test_every_activation_has_the_name_of_its_layer_wherever_one_is_written():
    made = {n for n, one in vars(activations).items() if isinstance(one, type)
            and one.__module__ == activations.__name__ and issubclass(one, nn.Module)}  # fmt: skip
    named = {one.__name__ for one in activations.ACTIVATIONS.values()}
    assert named == made - WITHOUT_A_NAME - {"Activation"}
    assert all(
        one.__name__.lower() == name.replace("_", "")
        for name, one in activations.ACTIVATIONS.items()
    )
    assert activations.ACTIVATIONS.items() <= estimators.items()
    assert set(activations.ACTIVATIONS) <= set(WORDS)


def test_flatten_of_no_examples_keeps_its_columns():
    assert nn.Flatten()(np.zeros((0, 3, 4))).shape == (0, 12)


# ------------------------------------------------------------------ how they are drawn

VARIANCES = {
    "glorot_uniform": 2 / (300 + 200), "glorot_normal": 2 / (300 + 200),
    "he_uniform": 2 / 300, "he_normal": 2 / 300,
    "lecun_uniform": 1 / 300, "lecun_normal": 1 / 300, "normal": 1e-4,
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANCES)
def test_weights_are_drawn_with_the_variance_of_their_name(name):
    w = nn.Linear(300, 200, init=name, seed=1).weight.value
    assert w.var() == pytest.approx(VARIANCES[name], rel=0.02)
    assert w.mean() == pytest.approx(0.0, abs=5 * w.std() / np.sqrt(w.size))


@pytest.mark.parametrize("name", ["glorot_uniform", "he_uniform", "lecun_uniform"])
def test_uniform_weights_stay_within_their_bounds(name):
    w = nn.Linear(300, 200, init=name, seed=1, dtype=np.float64).weight.value
    bound = np.sqrt(3 * VARIANCES[name])
    assert np.abs(w).max() <= bound
    assert np.abs(w).max() > 0.999 * bound


@pytest.mark.parametrize("sizes", [(4, 4), (3, 7), (7, 3)], ids=str)
def test_orthogonal_weights_have_rows_or_columns_of_length_1_at_right_angles(sizes):
    w = nn.Linear(*sizes, init="orthogonal", dtype=np.float64).weight.value
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    assert gram == pytest.approx(np.eye(len(gram)), abs=1e-14)


def test_biases_start_at_0_and_zeros_and_constants_are_what_they_say():
    assert not nn.Linear(3, 4).bias.value.any()
    assert not nn.Linear(3, 4, init="zeros").weight.value.any()
    assert (nn.Linear(3, 4, init=nn.init.constant(2.5)).weight.value == 2.5).all()
    assert nn.Linear(300, 200, init=nn.init.normal(0.5)).weight.value.std() == pytest.approx(
        0.5, rel=0.02
    )


def test_an_init_of_the_user_s_own_is_called_with_the_generator_and_the_shape():
    layer = nn.Linear(3, 2, init=lambda rng, shape: rng.integers(0, 9, shape), seed=4)
    assert layer.weight.value.tolist() == np.random.default_rng(4).integers(0, 9, (2, 3)).tolist()
    with pytest.raises(cr.ShapeError, match=r"\(3, 2\) for weights of \(2, 3\)"):
        nn.Linear(3, 2, init=lambda rng, shape: np.zeros(shape[::-1]))


# ------------------------------------------------------------------ seeds


def unseeded():
    return nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 16))


def test_unseeded_layers_of_one_network_differ():
    first, _, second = unseeded()
    assert bits(first) != bits(second)


def test_the_same_program_gives_the_same_bits():
    assert bits(unseeded()) == bits(unseeded())
    assert bits(nn.Linear(4, 4)) == bits(nn.Linear(4, 4))


def test_the_weights_of_a_layer_do_not_depend_on_what_stands_after_it():
    longer = nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 16), nn.Linear(16, 1))
    assert bits(longer)[:4] == bits(unseeded())


def test_a_nested_network_draws_by_its_place_too():
    one, two = nn.Sequential(unseeded(), unseeded())
    assert len({*bits(one)[::2], *bits(two)[::2]}) == 4


def test_a_seed_of_the_network_draws_all_of_it():
    def made(seed):
        return nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), seed=seed)

    assert bits(made(1)) == bits(made(1)) != bits(made(2))
    assert bits(made(1)[0]) != bits(made(1)[1])
    assert bits(nn.Sequential(made(1), nn.Tanh())) == bits(made(1))


@pytest.mark.parametrize("seed", [0, 3, 2**70])
def test_an_explicit_seed_is_kept_wherever_the_layer_stands(seed):
    layer = nn.Linear(4, 4, seed=seed)
    assert bits(layer) == bits(nn.Linear(4, 4, seed=seed))
    assert bits(nn.Sequential(nn.Tanh(), layer)) == bits(layer)
    assert bits(nn.Sequential(layer, seed=9)) == bits(layer)


def test_a_generator_is_a_seed_and_goes_on():
    rng = np.random.default_rng(5)
    first, second = nn.Linear(4, 4, seed=rng), nn.Linear(4, 4, seed=rng)
    assert bits(first) == bits(nn.Linear(4, 4, seed=np.random.default_rng(5)))
    assert bits(first) != bits(second)


TRAINED = {
    "by fit": lambda layer: cr.fit(layer, X, X, epochs=1).model,
    "by a step": lambda layer: cr.optim.apply_updates(
        layer, cr.tree_map(lambda p: np.ones(p.shape, p.dtype), layer)
    ),
    "by replace": lambda layer: layer.replace(weight=cr.tensor(np.eye(3))),
    "by load_state_dict": lambda layer: layer.load_state_dict(
        {"weight": np.eye(3), "bias": np.ones(3)}
    ),
    "by tree_map": lambda layer: cr.tree_map(lambda p: p * 2, layer),
}


@pytest.mark.parametrize("how", TRAINED)
def test_weights_that_were_set_stay_in_a_new_network(how):
    layer = TRAINED[how](nn.Linear(3, 3))
    assert bits(layer) != bits(nn.Linear(3, 3))
    assert bits(nn.Sequential(nn.Linear(3, 3), layer)[1]) == bits(layer)


@nn.layer
class Block(nn.Module):
    """Two layers, a list of them, and a tensor, as a user composes them."""

    one: nn.Linear
    two: nn.Linear
    more: list
    scale: cr.Tensor
    power: int = nn.static(default=2)

    def __call__(self, x):
        for part in (self.one, self.two, *self.more):
            x = cr.tanh(part(x))
        return self.scale * x**self.power


def block():
    return Block(nn.Linear(3, 3), nn.Linear(3, 3), [nn.Linear(3, 3)], nn.parameter(1.0))


def test_unseeded_layers_inside_a_layer_of_one_s_own_differ():
    weights = [w.value.tobytes() for w in block().parameters() if w.shape == (3, 3)]
    assert len(set(weights)) == 3
    assert bits(block()) == bits(block())


def test_two_layers_of_one_s_own_differ_in_one_network():
    one, two = nn.Sequential(block(), block())
    both = [w.value.tobytes() for b in (one, two) for w in b.parameters() if w.shape == (3, 3)]
    assert len(set(both)) == 6


# ------------------------------------------------------------------ values, pytrees, state


def test_a_layer_of_one_s_own_is_known_down_to_its_lists():
    names = ["scale", "one.weight", "one.bias", "two.weight", "two.bias", "more.0.weight",
             "more.0.bias"]  # fmt: skip
    assert sorted(block().named_parameters()) == sorted(names)
    assert len(cr.tree_leaves(block())) == len(names)
    assert block().power == 2


def test_a_layer_of_one_s_own_has_the_gradients_of_its_differences():
    model = cr.tree_map(lambda p: cr.tensor(p.value.astype(float)), block())
    cr.check_grads(lambda m: cr.sum(m(X)), (model,))


def test_the_gradient_of_a_model_is_a_model():
    model = unseeded()
    gradient = cr.grad(lambda m: cr.sum(m(np.ones((1, 16), np.float32))))(model)
    assert type(gradient) is nn.Sequential
    assert [p.shape for p in gradient.parameters()] == [p.shape for p in model.parameters()]


def test_a_state_dict_is_a_copy_and_loads_into_a_copy():
    model = unseeded()
    state = model.state_dict()
    state["0.weight"][:] = 7.0
    loaded = model.load_state_dict(state)
    assert bits(model) == bits(unseeded())
    assert (loaded[0].weight.value == 7.0).all()
    assert loaded[0].weight.dtype == np.float32
    assert list(state) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_replacing_leaves_the_old_layer_alone():
    layer = nn.Linear(2, 2)
    other = layer.replace(bias=cr.tensor([1.0, 2.0]))
    assert not layer.bias.value.any()
    assert other.bias.value.tolist() == [1.0, 2.0]
    assert other.weight is layer.weight


def test_backward_fills_the_gradients_and_zero_grad_forgets_them():
    model = unseeded()
    cr.sum(model(np.ones((2, 16), np.float32))).backward()
    assert all(p.grad.shape == p.shape for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_a_network_is_a_sequence_of_its_layers():
    model = unseeded()
    assert len(model) == 3
    assert [type(one) for one in model] == [nn.Linear, nn.Tanh, nn.Linear]
    assert model[-1] is list(model)[2]
    assert "(1): Tanh()" in repr(model)


def test_a_layer_derived_from_a_layer_is_made_like_its_parent():
    @nn.layer
    class Doubled(nn.Linear):
        def __call__(self, x):
            return 2 * super().__call__(x)

    assert Doubled(3, 2)(X).value == pytest.approx(2 * nn.Linear(3, 2)(X).value)
    assert type(cr.tree_map(lambda p: p, Doubled(3, 2))) is Doubled


def test_the_perceptron_learns_what_a_line_can_tell_apart():
    side = (X @ [1.0, -2.0, 0.5] > 0.1) * 1
    model, mistakes = nn.Perceptron(3).learn(X, side, epochs=1000)
    assert mistakes[-1] == 0
    assert model(X).tolist() == side.tolist()


def test_the_perceptron_does_not_learn_xor():
    corners = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    _, mistakes = nn.Perceptron(2).learn(corners, [0, 1, 1, 0], epochs=50)
    assert min(mistakes) > 0
