"""Layers, losses and initialisers. Layers are values, and pytrees."""

from . import init, losses
from .activations import (
    ELU,
    GELU,
    SELU,
    Flatten,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)  # fmt: skip
from .linear import Linear
from .module import Module, layer, parameter, static
from .perceptron import Perceptron
from .sequential import Sequential

__all__ = [
    "ELU", "GELU", "SELU", "Flatten", "Identity", "LeakyReLU", "Linear", "Module", "Perceptron",
    "ReLU", "Sequential", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh", "init", "layer",
    "losses", "parameter", "static",
]  # fmt: skip
