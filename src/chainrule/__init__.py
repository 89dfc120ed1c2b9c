"""See-through backpropagation: one graph to run, differentiate, draw and diagnose.

An array namespace of the Array API standard 2024.12 whose arrays remember how they were made,
with the transforms, networks and optimisers that follow from that.

>>> import chainrule as cr
>>> x = cr.tensor([1.0, 2.0])
>>> cr.sum(x**2).backward()
>>> x.grad
array([2., 4.])
"""

# ruff: noqa: F401, F403  (names are here to be imported from here)

from typing import TYPE_CHECKING

import numpy as _numpy  # first: below other imports it takes half as long again

from .eager.dtypes import __array_namespace_info__
from .graph import errors as _errors
from .graph.errors import *
from .ops import *
from .ops import __all__ as _ops

from .eager import *  # isort: skip  # after the ops: nonzero of a tensor is a tensor
from .eager import __all__ as _eager

if TYPE_CHECKING:
    __version__: str
    from . import nn, optim
    from .ops.custom import elementwise
    from .read.code import code
    from .show import pictures
    from .show.animate import animate
    from .show.draw import draw
    from .study.check import check_grads
    from .study.compare import compare
    from .study.derive import derive
    from .study.finite import finite
    from .study.paths import paths
    from .study.practice import practice
    from .study.trace import trace as _trace
    from .train import EarlyStopping, History, Trainer, TrainingWarning, fit
    from .train.checkpoint import Checkpoints, load, save
    from .transform import (
        capture,
        checkpoint,
        compile,
        cond,
        grad,
        hessian,
        hvp,
        jacobian,
        jvp,
        probe,
        probed,
        scan,
        stop_gradient,
        tree_flatten,
        tree_leaves,
        tree_map,
        tree_unflatten,
        value_and_grad,
        vjp,
    )

__array_api_version__ = "2024.12"

# Loaded when first asked for: importing the package costs little more than importing NumPy.
_LATER = {
    "ops.custom": ("elementwise",),
    "read.code": ("code",),
    "show.animate": ("animate",),
    "show.draw": ("draw",),
    "study.check": ("check_grads",),
    "study.compare": ("compare",),
    "study.derive": ("derive",),
    "study.finite": ("finite",),
    "study.paths": ("paths",),
    "study.practice": ("practice",),
    "study.trace": ("trace",),
    "train": ("EarlyStopping", "History", "Trainer", "TrainingWarning", "fit"),
    "train.checkpoint": ("Checkpoints", "load", "save"),
    "transform": (
        "capture", "checkpoint", "compile", "cond", "grad", "hessian", "hvp", "jacobian", "jvp",
        "probe", "probed", "scan", "stop_gradient", "tree_flatten", "tree_leaves", "tree_map",
        "tree_unflatten", "value_and_grad", "vjp",
    ),
}  # fmt: skip
_PLACE = {name: place for place, names in _LATER.items() for name in names}
_ROOMS = {"nn": "nn", "optim": "optim", "pictures": "show.pictures"}

__all__ = [*dict.fromkeys([*_ROOMS, *_PLACE, *_errors.__all__, *_ops, *_eager])]


if not TYPE_CHECKING:  # else a checker would believe in every name

    def __getattr__(name: str):
        from importlib import import_module

        if name in _ROOMS:
            return import_module(f"{__name__}.{_ROOMS[name]}")
        if name == "__version__":
            from importlib.metadata import version

            found = version(__name__)
        elif name in _PLACE:
            found = getattr(import_module(f"{__name__}.{_PLACE[name]}"), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found  # the next time it is found without asking here
        return found


def __dir__() -> list[str]:
    return sorted({"__version__", *__all__, *(n for n in globals() if n.startswith("__"))})
