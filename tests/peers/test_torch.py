"""Layers, losses and optimisers against PyTorch 2.13: the same numbers, the same names."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn, optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed; it is only a peer here")
F = torch.nn.functional

pytestmark = pytest.mark.peers

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


def close(ours, theirs, dtype="float64"):
    tolerance = TOLERANCE[dtype]
    return np.testing.assert_allclose(
        np.asarray(ours), theirs.detach().numpy(), rtol=tolerance, atol=tolerance
    )


def samples(dtype, *shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def shares(dtype):
    return np.random.default_rng(2).dirichlet(np.ones(4), 7).astype(dtype)


def bits(dtype):
    return (np.random.default_rng(3).random((7, 4)) > 0.5).astype(dtype)


def open_interval(dtype):
    return np.random.default_rng(4).uniform(0.02, 0.98, (7, 4)).astype(dtype)


def real(dtype):
    return samples(dtype, 7, 4, seed=5)


def labels(dtype):
    return np.random.default_rng(6).integers(0, 4, 7)


# name: our loss, theirs, the prediction, the target
LOSSES = {
    "mse": (nn.losses.mse, F.mse_loss, real, shares),
    "mse, half": (
        lambda p, t, **k: nn.losses.mse(p, t, half=True, **k),
        lambda p, t, **k: F.mse_loss(p, t, **k) / 2, real, shares,
    ),
    "l1": (nn.losses.l1, F.l1_loss, real, shares),
    "huber": (nn.losses.huber, F.huber_loss, real, shares),
    "huber, 0.3": (
        lambda p, t, **k: nn.losses.huber(p, t, delta=0.3, **k),
        lambda p, t, **k: F.huber_loss(p, t, delta=0.3, **k), real, shares,
    ),
    "cross_entropy, labels": (nn.losses.cross_entropy, F.cross_entropy, real, labels),
    "cross_entropy, shares": (nn.losses.cross_entropy, F.cross_entropy, real, shares),
    "binary_cross_entropy": (
        nn.losses.binary_cross_entropy, F.binary_cross_entropy, open_interval, bits,
    ),
    "binary_cross_entropy_with_logits": (
        nn.losses.binary_cross_entropy_with_logits, F.binary_cross_entropy_with_logits, real, bits,
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_and_its_gradient_are_torch_s(name, reduction, dtype):
    ours, theirs, prediction, target = LOSSES[name]
    p, t = prediction(dtype), target(dtype)
    value, gradient = cr.value_and_grad(lambda p: ours(p, t, reduction=reduction))(p)
    leaf = torch.tensor(p, requires_grad=True)
    theirs(leaf, torch.tensor(t), reduction=reduction).backward()
    assert value.dtype == gradient.dtype == dtype
    close(value, theirs(leaf, torch.tensor(t), reduction=reduction), dtype)
    close(gradient, leaf.grad, dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_every_element_is_torch_s(name, dtype):
    ours, theirs, prediction, target = LOSSES[name]
    p, t = prediction(dtype), target(dtype)
    made = theirs(torch.tensor(p), torch.tensor(t), reduction="none")
    close(ours(p, t, reduction="none"), made, dtype)


LAYERS = {
    "ReLU": (nn.ReLU(), torch.nn.ReLU()),
    "Sigmoid": (nn.Sigmoid(), torch.nn.Sigmoid()),
    "Tanh": (nn.Tanh(), torch.nn.Tanh()),
    "Softplus": (nn.Softplus(), torch.nn.Softplus()),
    "SELU": (nn.SELU(), torch.nn.SELU()),
    "GELU": (nn.GELU(), torch.nn.GELU()),
    "SiLU": (nn.SiLU(), torch.nn.SiLU()),
    "Softmax": (nn.Softmax(), torch.nn.Softmax(-1)),
    "Identity": (nn.Identity(), torch.nn.Identity()),
    "LeakyReLU": (nn.LeakyReLU(), torch.nn.LeakyReLU()),
    "LeakyReLU(0.2)": (nn.LeakyReLU(0.2), torch.nn.LeakyReLU(0.2)),
    "ELU": (nn.ELU(), torch.nn.ELU()),
    "ELU(0.5)": (nn.ELU(0.5), torch.nn.ELU(0.5)),
    "Flatten": (nn.Flatten(), torch.nn.Flatten()),
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", LAYERS)
def test_an_activation_and_its_gradient_are_torch_s(name, dtype):
    ours, theirs = LAYERS[name]
    x = samples(dtype, 5, 3, 2) * 2
    weights = samples(dtype, *ours(x).shape, seed=9)
    leaf = torch.tensor(x, requires_grad=True)
    (theirs(leaf) * torch.tensor(weights)).sum().backward()
    close(ours(x), theirs(leaf), dtype)
    close(cr.grad(lambda x: cr.sum(ours(x) * weights))(x), leaf.grad, dtype)


def networks(dtype, **options):
    """The same network twice, with torch's weights in both, which are the same in every run.

    Adagrad divides a gradient by itself at first: one that is zero but for rounding comes out as
    anything, so a draw of weights now and then tells two right programs apart.
    """
    torch.manual_seed(0)
    theirs = torch.nn.Sequential(
        torch.nn.Linear(3, 8, **options), torch.nn.Tanh(), torch.nn.Linear(8, 2, **options)
    ).to(getattr(torch, dtype))
    ours = nn.Sequential(
        nn.Linear(3, 8, dtype=dtype, **options), nn.Tanh(), nn.Linear(8, 2, dtype=dtype, **options)
    )
    return ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()}), theirs


@pytest.mark.parametrize("bias", [True, False])
def test_the_state_dict_has_torch_s_keys_shapes_and_order(bias):
    ours, theirs = networks("float32", bias=bias)
    found = [(k, v.shape, v.dtype) for k, v in ours.state_dict().items()]
    assert found == [
        (k, tuple(v.shape), v.numpy().dtype) for k, v in theirs.state_dict().items()
    ]  # fmt: skip


@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3)], ids=str)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_network_and_all_its_gradients_are_torch_s(dtype, shape):
    ours, theirs = networks(dtype)
    x = samples(dtype, *shape)
    y, t = ours(x), theirs(torch.tensor(x))
    cr.sum(y * y).backward()
    (t * t).sum().backward()
    close(y, t, dtype)
    for name, p in theirs.named_parameters():
        close(ours.named_parameters()[name].grad, p.grad, dtype)


T = torch.optim
OPTIMIZERS = {
    "SGD": (optim.SGD(0.05), T.SGD, {"lr": 0.05}),
    "SGD, momentum": (optim.SGD(0.05, momentum=0.9), T.SGD, {"lr": 0.05, "momentum": 0.9}),
    "SGD, Nesterov": (
        optim.SGD(0.05, momentum=0.9, nesterov=True), T.SGD,
        {"lr": 0.05, "momentum": 0.9, "nesterov": True},
    ),
    "SGD, weight decay": (
        optim.SGD(0.05, momentum=0.5, weight_decay=0.1), T.SGD,
        {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.1},
    ),
    "Adam": (optim.Adam(0.01), T.Adam, {"lr": 0.01}),
    "Adam, betas, eps": (
        optim.Adam(0.01, betas=(0.8, 0.95), eps=1e-4), T.Adam,
        {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4},
    ),
    "Adam, weight decay": (
        optim.Adam(0.01, weight_decay=0.1), T.Adam, {"lr": 0.01, "weight_decay": 0.1},
    ),
    "AdamW": (optim.AdamW(0.01), T.AdamW, {"lr": 0.01}),
    "AdamW, weight decay": (
        optim.AdamW(0.01, weight_decay=0.3), T.AdamW, {"lr": 0.01, "weight_decay": 0.3},
    ),
    "RMSProp": (optim.RMSProp(0.01), T.RMSprop, {"lr": 0.01}),
    "RMSProp, momentum": (
        optim.RMSProp(0.01, alpha=0.9, momentum=0.7, eps=0.1), T.RMSprop,
        {"lr": 0.01, "alpha": 0.9, "momentum": 0.7, "eps": 0.1},
    ),
    "RMSProp, weight decay": (
        optim.RMSProp(0.01, weight_decay=0.1, eps=1e-3), T.RMSprop,
        {"lr": 0.01, "weight_decay": 0.1, "eps": 1e-3},
    ),
    "Adagrad": (optim.Adagrad(0.1), T.Adagrad, {"lr": 0.1}),
    "Adagrad, weight decay": (
        optim.Adagrad(0.1, weight_decay=0.1), T.Adagrad, {"lr": 0.1, "weight_decay": 0.1},
    ),
}  # fmt: skip

CLIPPED = {
    "no clipping": (None, lambda parameters: None),
    "clipped by value": (
        optim.clip_by_value(-0.05, 0.05),
        lambda parameters: torch.nn.utils.clip_grad_value_(parameters, 0.05),
    ),
    "clipped by norm": (
        optim.clip_by_norm(0.1),
        # torch's own adds 1e-6 to the norm, which would hide everything below; see the last test
        lambda parameters: _clip_norm(list(parameters), 0.1),
    ),
}


def _clip_norm(parameters, largest):
    norm = torch.sqrt(sum((p.grad**2).sum() for p in parameters))
    for p in parameters:
        p.grad.mul_(torch.clamp(largest / norm, max=1.0))


@pytest.mark.parametrize("clipping", CLIPPED)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimiser_takes_torch_s_steps_100_times(name, clipping):
    rule, theirs_rule, options = OPTIMIZERS[name]
    guard, clip = CLIPPED[clipping]
    rule = rule if guard is None else optim.chain(guard, rule)
    ours, theirs = networks("float64")
    x, t = samples("float64", 20, 3), samples("float64", 20, 2, seed=1)
    peer, state = theirs_rule(theirs.parameters(), **options), rule.init(ours)
    gradient = cr.grad(lambda model: nn.losses.mse(model(x), t))
    for _ in range(100):
        updates, state = rule.update(gradient(ours), state, ours)
        ours = optim.apply_updates(ours, updates)
        peer.zero_grad()
        F.mse_loss(theirs(torch.tensor(x)), torch.tensor(t)).backward()
        clip(theirs.parameters())
        peer.step()
    for name, p in theirs.named_parameters():
        close(ours.named_parameters()[name], p)


def test_clipping_by_norm_is_torch_s_up_to_its_1e_6():
    g = samples("float64", 9) * 10
    leaf = torch.zeros(9, dtype=torch.float64, requires_grad=True)
    leaf.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_([leaf], 1.0)
    (clipped,), _ = optim.clip_by_norm(1.0).update([g], None, None)
    np.testing.assert_allclose(clipped, leaf.grad.numpy(), rtol=1e-6)
