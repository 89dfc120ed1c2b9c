"""Pictures of multilayer perceptrons: the network, its two passes as a mirror, how it learns."""

from .diagram import network
from .rosenblatt import perceptron
from .scenes import backprop, feedforward, mirror, weight_update

__all__ = ["backprop", "feedforward", "mirror", "network", "perceptron", "weight_update"]
