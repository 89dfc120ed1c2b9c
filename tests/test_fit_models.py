"""What can be trained: layers of the user's own, shared ones, and steps in PyTorch's style."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from training import X, Y, mlp, weights

import chainrule as cr
from chainrule import nn, optim
from chainrule.graph.walk import order

LINE = np.linspace(-1, 1, 60)[:, None]

# ------------------------------------------------------------------ models


@nn.layer
class Residual(nn.Module):
    """A layer of the user's own, with a parameter, a layer and a setting."""

    scale: cr.Tensor
    inner: nn.Linear
    power: float = nn.static(default=1.0)

    def __init__(self, size, power=1.0):
        self.scale = nn.parameter(0.5)
        self.inner = nn.Linear(size, size)
        self.power = power

    def __call__(self, x):
        return x + self.scale**self.power * cr.tanh(self.inner(x))


def test_a_layer_of_the_user_s_own_is_trained_like_any_other():
    model = nn.Sequential(Residual(3), nn.Linear(3, 1))
    before = model.state_dict()
    history = cr.fit(model, X, X[:, 0] * X[:, 1], epochs=30, optimizer=optim.Adam(0.05))
    after = model.state_dict()
    assert list(after) == ["0.scale", "0.inner.weight", "0.inner.bias", "1.weight", "1.bias"]
    assert [after[k].shape for k in after] == [(), (3, 3), (3,), (1, 3), (1,)]
    assert all(not np.array_equal(before[k], after[k]) for k in after)
    assert history.loss[-1] < history.loss[0]
    assert set(history.last["gradient_norms"]) == {"0", "0.inner", "1"}


def test_one_number_can_be_all_that_is_trained():
    @nn.layer
    class Factor(nn.Module):
        by: cr.Tensor

        def __call__(self, x):
            return self.by * x

    model = Factor(cr.tensor(1.0))
    cr.fit(model, LINE, 3 * LINE, optimizer=optim.SGD(0.5), epochs=60)
    assert model.by.item() == pytest.approx(3.0, abs=1e-6)
    assert isinstance(model.by, cr.Tensor)


def test_a_layer_that_stands_in_two_places_stays_one():
    shared = nn.Linear(3, 3)
    model = nn.Sequential(shared, nn.Tanh(), shared, nn.Tanh(), nn.Linear(3, 1))
    assert model[0] is model[2]
    cr.fit(model, X, Y, epochs=3)
    assert model[0].weight is model[2].weight
    assert not np.array_equal(model[0].weight.value, nn.Linear(3, 3).weight.value)


def test_a_loss_of_the_user_s_own_gets_labels_as_integers():
    kinds = []

    def loss(logits, labels):
        kinds.append(labels.dtype.kind)
        return nn.losses.cross_entropy(logits, labels)

    cr.fit(mlp(3, 4, 2), X, (Y > 0).astype(int), loss, epochs=1)
    assert set(kinds) == {"i"}


def test_a_loss_of_the_user_s_own_is_not_handed_all_pairs():
    shapes = set()

    def loss(p, t):
        shapes.add((p.shape[1:], t.shape[1:]))
        return cr.mean((p - t) ** 2)

    cr.fit(mlp(3, 4, 1), X, Y, loss, epochs=1)
    assert shapes == {((1,), (1,))}


def test_the_step_is_the_one_the_transforms_take():
    model = mlp(3, 4, 1)
    by_hand = mlp(3, 4, 1)
    cr.fit(model, X, Y, optimizer=optim.SGD(0.1), epochs=1, batch_size=50, shuffle=False)
    x, t = X.astype(np.float32), Y[:, None].astype(np.float32)
    rule = optim.SGD(0.1)
    grads = cr.grad(lambda m: nn.losses.mse(m(x), t))(by_hand)
    updates, _ = rule.update(grads, rule.init(by_hand), by_hand)
    assert weights(model) == weights(optim.apply_updates(by_hand, updates))


# ------------------------------------------------------------------ in PyTorch's style


def count(tensor):
    return len(order((tensor,)))


def test_backward_and_apply_updates_train_with_a_tape_that_does_not_grow():
    model, rule = mlp(3, 8, 1), optim.Adam(0.02)
    state, sizes, costs = rule.init(model), [], []
    x, t = X.astype(np.float32), (X[:, :1] * X[:, 1:2]).astype(np.float32)
    for _ in range(200):
        loss = nn.losses.mse(model(x), t)
        loss.backward()
        grads = cr.tree_map(lambda p: p.grad, model)
        updates, state = rule.update(grads, state, model)
        model = optim.apply_updates(model, updates)
        sizes.append(count(loss))
        costs.append(loss.item())
    assert set(sizes) == {sizes[0]}
    assert costs[-1] < 0.2 * costs[0]
    assert all(p.inputs == () and p.grad is None for p in model.parameters())


def test_the_tape_of_a_step_is_gone_with_its_loss():
    model = mlp(3, 8, 1)
    loss = nn.losses.mse(model(X), Y[:, None])
    loss.backward()
    inside = weakref.ref(loss.inputs[0])
    gc.disable()
    try:
        del loss
        assert inside() is None  # freed by counting references, not by looking for cycles
    finally:
        gc.enable()


def test_fit_keeps_no_tape_behind():
    alive = weakref.WeakSet()

    def loss(p, t):
        made = nn.losses.mse(p, t)
        if isinstance(made, cr.Tensor):
            alive.add(made)
        return made

    counts = []

    class Look:
        def on_step(self, row):
            counts.append(len(alive))

    cr.fit(mlp(3, 4, 1), X, Y, loss, epochs=20, callbacks=[Look()])
    assert max(counts) <= 2
    assert len(counts) == 40
