"""What the estimators can be told: every parameter, what it may be, checked before a fit."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from ..graph.errors import UsageError
from ..graph.spelling import counted, did_you_mean
from ..nn.losses import LOSSES
from ..nn.module import Module
from ..optim import Transform
from ..train.run import several
from .network import NAMES, NORMS
from .solvers import NAMED

SCHEDULES = ("constant", "invscaling", "adaptive")
CELLS = ("lstm", "gru", "tanh")


class Wanted(NamedTuple):
    """What a parameter may be: a test, and the same in words."""

    fits: Callable[[Any], bool]
    words: str


def _number(low: float, high: float = np.inf, *, open_low: bool = False, open_high: bool = True):
    """A real number between two bounds; which of them belong to it is said."""

    def fits(x: Any) -> bool:
        if not isinstance(x, Real) or isinstance(x, (bool, np.bool_)):
            return False
        number = float(x)
        above = number > low if open_low else number >= low
        return bool(above and (number < high if open_high else number <= high))

    least = f"above {low:g}" if open_low else f"{low:g} or more"
    most = "" if high == np.inf else f" and {'below' if open_high else 'at most'} {high:g}"
    return Wanted(fits, f"a number, {least}{most}")


def _whole(x: Any, least: int = 1) -> bool:
    return isinstance(x, Integral) and not isinstance(x, (bool, np.bool_)) and int(x) >= least


def _flag(x: Any) -> bool:
    return isinstance(x, (bool, np.bool_))


def _one_of(*words: str) -> Wanted:
    return Wanted(lambda x: isinstance(x, str) and x in words, _either(words))


def _either(words: Any) -> str:
    return " or ".join(map(repr, words))


def _units(x: Any) -> bool:
    if _whole(x):
        return True
    try:
        return not isinstance(x, str) and all(_whole(int(n)) and int(n) == n for n in x)
    except (TypeError, ValueError):
        return False


def _activation(x: Any) -> bool:
    if isinstance(x, str):
        return x in NAMES
    if isinstance(x, (list, tuple)):
        return all(map(_activation, x))
    return isinstance(x, Module) or (callable(x) and not isinstance(x, type))


def _solver(x: Any) -> bool:
    return x in NAMED if isinstance(x, str) else isinstance(x, Transform)


def _loss(*names: str) -> Wanted:
    known = (*names, *(n for n in LOSSES if n not in names))
    fits = lambda x: x in known if isinstance(x, str) else callable(x)  # noqa: E731
    return Wanted(fits, f"{_either(known)}, or a function (prediction, target)")


def _dropout(x: Any) -> bool:
    share = _number(0, 1).fits
    return all(map(share, x)) if isinstance(x, (list, tuple)) else share(x)


def _clip(x: Any) -> bool:
    positive = _number(0, open_low=True).fits
    if isinstance(x, (list, tuple)):
        return len(x) == 2 and all(isinstance(v, Real) for v in x) and x[0] < x[1]
    return x is None or positive(x)


def _seed(x: Any) -> bool:
    return x is None or _whole(x, 0) or isinstance(x, np.random.RandomState) or x is np.random


def _class_weight(x: Any) -> bool:
    return x is None or isinstance(x, dict) or (isinstance(x, str) and x == "balanced")


def _dtype(x: Any) -> bool:
    try:
        return x is None or np.dtype(x) in (np.float32, np.float64)
    except TypeError:
        return False


WHOLE = Wanted(_whole, "a whole number, 1 or more")
FLAG = Wanted(_flag, "True or False")
SHARE = _number(0, 1)

RULES: dict[str, Wanted] = {
    "hidden_layer_sizes": Wanted(_units, "a whole number, 1 or more, or one for each layer"),
    "activation": Wanted(
        _activation, f"{_either(NAMES)}, a layer, a function, or a list with one for each "
        "hidden layer",
    ),
    "solver": Wanted(_solver, f"{_either(NAMED)}, or an optimiser of chainrule.optim"),
    "alpha": _number(0), "learning_rate_init": _number(0, open_low=True), "power_t": _number(0),
    "batch_size": Wanted(lambda x: _whole(x) or x == "auto", "'auto' or a whole number from 1 on"),
    "learning_rate": _one_of(*SCHEDULES), "max_iter": WHOLE, "max_fun": WHOLE, "shuffle": FLAG,
    "random_state": Wanted(_seed, "None, a whole number, or a numpy.random.RandomState"),
    "tol": _number(0), "warm_start": FLAG, "momentum": _number(0, 1, open_high=False),
    "verbose": Wanted(
        lambda x: _flag(x) or _whole(x, 0) or x == "bar", "True, False, a whole number, or 'bar'"
    ),
    "nesterovs_momentum": FLAG, "early_stopping": FLAG, "validation_fraction": SHARE,
    "beta_1": SHARE, "beta_2": SHARE, "epsilon": _number(0, open_low=True),
    "n_iter_no_change": Wanted(
        lambda x: _whole(x) or (isinstance(x, float) and x == np.inf),
        "a whole number, 1 or more, or infinity",
    ),
    "dropout": Wanted(_dropout, "a share from 0 to below 1, or one for each hidden layer"),
    "norm": Wanted(lambda x: x is None or (isinstance(x, str) and x in NORMS),
                   f"None, {_either(NORMS)}"),
    "residual": FLAG,
    "clip": Wanted(_clip, "None, the largest norm, or (lowest, highest) value of a gradient"),
    "class_weight": Wanted(_class_weight, "None, 'balanced', or a dict from class to weight"),
    "callbacks": Wanted(
        lambda x: all(hasattr(c, "on_epoch") or hasattr(c, "on_step") for c in several(x)),
        "callbacks: each with on_epoch(row) or on_step(row)",
    ),
    "dtype": Wanted(_dtype, "None, 'float32' or 'float64'"),
    "cell": _one_of(*CELLS), "hidden_size": WHOLE, "num_layers": WHOLE, "bidirectional": FLAG,
}  # fmt: skip
CLASSIFIER_LOSS, REGRESSOR_LOSS = _loss("log_loss"), _loss("squared_error", "poisson")


@cache
def _names(kind: type) -> tuple[str, ...]:
    """The parameters of a class of estimators."""
    return tuple(kind._get_param_names())


def check(estimator: Any, loss: Wanted) -> None:
    """Refuse a parameter that is not what it may be.

    Raises: UsageError, which is a ValueError, with what was given and what is wanted.
    """
    kind = type(estimator).__name__
    for name in _names(type(estimator)):
        value = getattr(estimator, name)
        wanted = loss if name == "loss" else RULES.get(name)
        if wanted is None or wanted.fits(value):
            continue
        if name == "hidden_layer_sizes":
            raise UsageError(f"{kind}: hidden_layer_sizes must be > 0, got {value!r}")
        raise UsageError(f"{kind}({name}={value!r}): must be {wanted.words}{_near(value, wanted)}")


def _near(value: Any, wanted: Wanted) -> str:
    words = [w.strip("',") for w in wanted.words.split() if w.startswith("'")]
    for one in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(one, type) and issubclass(one, (Module, Transform)):
            return f"; write {one.__name__}(...), not the class"
        advice = did_you_mean(one, words) if isinstance(one, str) and one not in words else ""
        if advice:
            return f"; {advice}"
    return ""


def for_each(kind: str, name: str, given: Any, layers: int) -> list:
    """A parameter of the hidden layers as a list, one for each.

    Raises: UsageError where there are more or fewer.
    """
    if not isinstance(given, (list, tuple)):
        return [given] * layers
    if len(given) != layers:
        told = f"{len(given)} for {counted(layers, 'hidden layer')}"
        raise UsageError(f"{kind}({name}={given!r}): {told}")
    return list(given)


def told(given: dict[str, Any]) -> dict[str, Any]:
    """The parameters of an `__init__` from its local names."""
    return {name: value for name, value in given.items() if name not in ("self", "__class__")}
