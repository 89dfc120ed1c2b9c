"""What a training run can be told, as tables: activations, optimisers, sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import nn, optim
from ..graph.errors import UsageError

ACTIVATIONS = {
    "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU, "silu": nn.SiLU,
    "elu": nn.ELU, "selu": nn.SELU, "softplus": nn.Softplus, "leaky_relu": nn.LeakyReLU,
}  # fmt: skip
OPTIMIZERS = {  # and the learning rate each begins with
    "adam": (optim.Adam, 1e-3),
    "adamw": (optim.AdamW, 1e-3),
    "sgd": (lambda lr: optim.SGD(lr=lr, momentum=0.9), 0.05),
    "rmsprop": (optim.RMSProp, 1e-3),
    "adagrad": (optim.Adagrad, 0.02),
}
STEPS = 4000  # as many as small data need; the epochs follow from the number of examples
FEWEST, MOST = 10, 200


@dataclass(frozen=True)
class Settings:
    """The settings of one run, as typed or as chosen."""

    epochs: int
    batch_size: int
    lr: float
    hidden: tuple[int, ...]
    activation: str
    optimizer: str
    seed: int

    def optimiser(self) -> Any:
        """The optimiser itself."""
        return OPTIMIZERS[self.optimizer][0](lr=self.lr)


def epochs_for(examples: int, batch_size: int) -> int:
    """How many epochs make about 4,000 steps, between 10 and 200.

    >>> epochs_for(1257, 32)
    100
    """
    return int(min(MOST, max(FEWEST, round(STEPS / max(1, -(-examples // batch_size))))))


def sizes(text: str) -> tuple[int, ...]:
    """Hidden layers typed as "64 64"; an empty text is no hidden layer.

    >>> sizes("64, 32"), sizes("")
    ((64, 32), ())
    """
    parts = text.replace(",", " ").replace("x", " ").split()
    if parts in (["none"], ["0"]):
        return ()
    for part in parts:
        if not part.isdigit() or not 0 < int(part) <= 100_000:
            raise UsageError(f'--hidden "{text}": {part!r} is no size; write sizes: "64 64"')
    return tuple(map(int, parts))


def network(inputs: int, outputs: int, settings: Settings) -> nn.Sequential:
    """Fully connected layers with an activation between each two."""
    return layers(inputs, settings.hidden, outputs, settings.activation, settings.seed)


def layers(
    inputs: int, hidden: tuple[int, ...], outputs: int, activation: str, seed: int
) -> nn.Sequential:
    """The same from plain sizes and the activation's name, as a saved run tells them."""
    found: list[Any] = []
    before = inputs
    for size in hidden:
        found += [nn.Linear(before, size), ACTIVATIONS[activation]()]
        before = size
    return nn.Sequential(*found, nn.Linear(before, outputs), seed=seed)
