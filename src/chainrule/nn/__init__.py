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
from .attention import Attention, attention
from .batchnorm import BatchNorm, BatchNorm1d, BatchNorm2d
from .bilinear import Bilinear
from .convolution import Conv1d, Conv2d
from .dropout import Dropout
from .embedding import Embedding
from .gru import GRU
from .layernorm import LayerNorm, RMSNorm
from .linear import Linear
from .lstm import LSTM
from .mode import apply
from .module import Module, layer, parameter, static
from .multihead import MultiheadAttention
from .perceptron import Perceptron
from .pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from .residual import Residual
from .rnn import RNN
from .sequential import Sequential
from .statistics import Statistics, observe, statistics, with_statistics

__all__ = [
    "ELU", "GELU", "GRU", "LSTM", "RNN", "SELU", "Attention", "AvgPool1d", "AvgPool2d",
    "BatchNorm", "BatchNorm1d", "BatchNorm2d", "Bilinear", "Conv1d", "Conv2d", "Dropout",
    "Embedding", "Flatten", "Identity", "LayerNorm", "LeakyReLU", "Linear", "MaxPool1d",
    "MaxPool2d", "Module", "MultiheadAttention", "Perceptron", "RMSNorm", "ReLU", "Residual",
    "Sequential", "SiLU", "Sigmoid", "Softmax", "Softplus", "Statistics", "Tanh", "apply",
    "attention", "init", "layer", "losses", "observe", "parameter", "static", "statistics",
    "with_statistics",
]  # fmt: skip
