"""What layers remember of their calls, and the boxes that drawings make of it."""

import gc
import weakref

import numpy as np
import pytest

import chainrule as cr
from chainrule.show.grouping import grouping, groups, learned

X = np.ones((5, 4), np.float32)


def model():
    inner = cr.nn.Residual(cr.nn.Sequential(cr.nn.Linear(8, 8), cr.nn.Tanh()))
    return cr.nn.Sequential(cr.nn.Linear(4, 8), inner, cr.nn.Linear(8, 1))


def outline(group):
    return (group.title, [outline(child) for child in group.children])


def test_layers_nest_as_they_call_each_other():
    loss = cr.nn.losses.mse(model()(X), np.zeros((5, 1), np.float32))
    (whole,) = groups(loss)
    assert outline(whole) == (
        "Sequential",
        [
            ("0  Linear 4→8", []),
            ("1  Residual", [
                ("1.inner  Sequential", [
                    ("1.inner.0  Linear 8→8", []), ("1.inner.1  Tanh", []),
                ]),
            ]),
            ("2  Linear 8→1", []),
        ],
    )  # fmt: skip


def test_a_group_holds_what_its_layer_computed_itself():
    (whole,) = groups(cr.nn.losses.mse(model()(X), np.zeros((5, 1), np.float32)))
    held = {g.name: [str(n.op) for n in g.nodes] for g in whole.all()}
    assert held == {
        "": [], "0": ["linear"], "1": ["add"], "1.inner": [], "1.inner.0": ["linear"],
        "1.inner.1": ["tanh"], "2": ["linear"],
    }  # fmt: skip


def test_a_group_tells_its_parameters_and_shapes():
    (whole,) = groups(model()(X))
    assert whole.children[0].told == "40 parameters; (5, 4) → (5, 8)"
    assert whole.children[1].children[0].children[1].told == "no parameters; (5, 8) → (5, 8)"


def test_the_parameters_of_a_loss_have_the_names_they_have_in_the_model():
    made = model()
    found = learned(cr.sum(made(X)))
    assert list(found.values()) == list(made.named_parameters())
    assert [id(p) for p in found] == [id(p) for p in made.parameters()]


def test_what_was_computed_before_or_after_a_layer_is_in_no_group():
    x = cr.tensor(X) * 2.0
    y = cr.nn.Linear(4, 1)(x)
    loss = cr.sum(y)
    (only,) = groups(loss)
    assert only.nodes == [y]


def test_each_call_of_one_layer_is_a_group_of_its_own():
    cell, h = cr.nn.Linear(2, 2), cr.tensor(np.ones((1, 2)))
    for _ in range(3):
        h = cr.tanh(cell(h))
    assert [g.key for g in groups(h)] == ["Linear", "Linear call 2", "Linear call 3"]
    assert [g.title for g in groups(h)][1] == "Linear 2→2, call 2"


def test_a_layer_of_several_outputs_is_one_group():
    gru = cr.nn.GRU(3, 4)
    y, last = gru(np.ones((6, 2, 3), np.float32))
    (only,) = groups(cr.sum(y) + cr.sum(last))
    assert only.title == "GRU 3→4"
    assert any(n.op.name == "scan" for n in only.nodes)


def test_several_models_have_names_of_their_own():
    a, b = cr.nn.Sequential(cr.nn.Linear(4, 4)), cr.nn.Sequential(cr.nn.Linear(4, 1))
    made = grouping([b(cr.tanh(a(X)))])
    assert made.titles == {
        "Sequential 1": "Sequential", "Sequential 1.0": "Sequential 1.0  Linear 4→4",
        "Sequential 2": "Sequential", "Sequential 2.0": "Sequential 2.0  Linear 4→1",
    }  # fmt: skip


def test_a_model_that_is_alone_has_no_box_around_everything():
    made = grouping([model()(X)])
    assert list(made.titles) == ["0", "1", "1.inner", "1.inner.0", "1.inner.1", "2"]
    tanh = next(n for n in made.path if n.op.name == "tanh")
    assert made.path[tanh] == ("1", "1.inner", "1.inner.1")


def test_a_value_under_a_name_is_still_its_layers():
    (whole,) = groups(cr.sum(model()(X).named("out")))
    assert [n.name for n in whole.made] == ["out"]


def test_a_layer_that_hands_back_what_it_was_given_is_no_group():
    given = cr.tensor(X)
    made = given * 2.0
    assert cr.nn.Identity()(given) is given
    assert cr.nn.Identity()(made) is made
    assert (given._calls, made._calls) == (None, None)
    assert groups(cr.sum(cr.nn.Identity()(made))) == []


def test_groups_are_there_inside_a_gradient_too():
    seen = []

    def loss(model):
        seen.append(cr.sum(model(X)))
        return seen[0]

    cr.grad(loss)(model())
    assert len(list(groups(seen[0])[0].all())) == 7


def test_a_class_of_the_users_is_a_group():
    @cr.nn.layer
    class Scale(cr.nn.Module):
        factor: cr.Tensor

        def __call__(self, x, twice=False):
            return self.factor * x * (2.0 if twice else 1.0)

    (only,) = groups(Scale(cr.tensor(2.0))(cr.tensor(X), twice=True))
    assert (only.title, len(only.nodes)) == ("Scale", 2)


def test_a_layer_of_arrays_alone_still_gives_an_array():
    assert type(cr.nn.Tanh()(X)) is np.ndarray


def test_remembering_keeps_nothing_alive_that_the_result_does_not_need():
    layer, x = model(), cr.tensor(X)
    gone = weakref.ref(layer(x))
    gc.collect()
    assert gone() is None
    assert x._calls is None


def test_calling_a_layer_wrongly_is_told_as_before():
    with pytest.raises(TypeError, match="__call__"):
        cr.nn.Linear(2, 3)()
