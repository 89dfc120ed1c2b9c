"""Tensors: arrays that remember, and the backward pass over what they remember."""

from .backward import backward, zero_grad
from .tensor import Tensor, tensor

__all__ = ["Tensor", "backward", "tensor", "zero_grad"]
