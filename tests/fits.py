"""What the tests of training on machine code share: data, models, and a short training."""

import numpy as np

import chainrule as cr
from chainrule import nn, optim
from chainrule.train import Trainer

rng = np.random.default_rng(0)
X = rng.normal(size=(203, 3)).astype(np.float32)
Y = np.sin(X[:, :1] * X[:, 1:2])
MODELS = {
    "mlp": lambda: nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), seed=1),
    "dropout": lambda: nn.Sequential(
        nn.Linear(3, 8), nn.Dropout(0.4), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1), seed=1),
    "batch norm": lambda: nn.Sequential(
        nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1), seed=1),
    "both, one twice": lambda: nn.Sequential(
        nn.Linear(3, 8, bias=False), norm := nn.BatchNorm1d(8), nn.Dropout(0.3), norm, nn.Tanh(),
        nn.Linear(8, 1), seed=1),
    "a function of one's own": lambda: nn.Sequential(
        nn.Linear(3, 8, bias=False), lambda x: x - cr.mean(x, axis=0), nn.Linear(8, 1), seed=1),
    "a shared layer": lambda: nn.Sequential(
        nn.Linear(3, 8), nn.Tanh(), part := nn.Linear(8, 8), nn.Tanh(), part, nn.Linear(8, 1),
        seed=1),
    "layer norm": lambda: nn.Sequential(
        nn.Linear(3, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 1), seed=1),
}  # fmt: skip


def trained(compiled, optimizer=None, model="mlp", loss="mse", **options):
    trainer = Trainer(
        MODELS[model](), loss, optimizer or optim.Adam(0.01), seed=2, compiled=compiled,
        **options.pop("how", {}),
    )  # fmt: skip
    x, y = options.pop("x", X), options.pop("y", Y)
    trainer.fit(x, y, **{"epochs": 3, "batch_size": 8, **options})
    return trainer
