"""Pictures that are not of one computation: networks, trainings, activations, curves.

`chainrule.pictures`. Each gives a `Scene`: `.save("x.html")`, `.save("x.gif")`, or shown in a
notebook as it is.
"""

from .beside import beside
from .curves.activations import activations
from .curves.comparison import comparison
from .curves.descent import descent
from .curves.entropy import cross_entropy
from .curves.lines import lines
from .curves.nudge import nudge
from .mlp import backprop, feedforward, mirror, network, perceptron, weight_update
from .scene import Moment, Scene
from .training import training

__all__ = [
    "Moment", "Scene", "activations", "backprop", "beside", "comparison", "cross_entropy",
    "descent", "feedforward", "lines", "mirror", "network", "nudge", "perceptron", "training",
    "weight_update",
]  # fmt: skip
