"""Initialisers: how the weights of a layer are drawn. Each is a function (rng, shape) → array.

Shapes are (out, in), as layers store them. Gains: Glorot keeps the variance through tanh and
sigmoid layers, He through relu layers, LeCun through selu layers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from typing import Any

import numpy as np

from ..graph.errors import UsageError

Initialiser = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    units, *axes = shape
    rest = prod(axes[1:])
    return (axes[0] if axes else units) * rest, units * rest


def _scaled(variance: Callable[[int, int], float], uniform: bool, source: str) -> Initialiser:
    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        std = sqrt(variance(*_fans(shape)))
        if uniform:
            return rng.uniform(-std * sqrt(3), std * sqrt(3), shape)
        return rng.normal(0.0, std, shape)

    draw.__doc__ = source
    return draw


glorot_uniform = _scaled(lambda i, o: 2 / (i + o), True, "Glorot and Bengio 2010, uniform.")
glorot_normal = _scaled(lambda i, o: 2 / (i + o), False, "Glorot and Bengio 2010, normal.")
he_uniform = _scaled(lambda i, o: 2 / i, True, "He et al. 2015, uniform.")
he_normal = _scaled(lambda i, o: 2 / i, False, "He et al. 2015, normal.")
lecun_uniform = _scaled(lambda i, o: 1 / i, True, "LeCun et al. 1998, uniform.")
lecun_normal = _scaled(lambda i, o: 1 / i, False, "LeCun et al. 1998, normal.")


def orthogonal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Rows (or columns) at right angles, of length 1 (Saxe, McClelland and Ganguli 2014)."""
    rows, columns = shape[0], prod(shape[1:])
    q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))  # otherwise the signs depend on LAPACK
    return (q if rows >= columns else q.T).reshape(shape)


def normal(std: float = 0.01) -> Initialiser:
    """Normal with this standard deviation: small random values, as the classics do."""
    return lambda rng, shape: rng.normal(0.0, std, shape)


def zeros(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """All zero: right for biases; for weights it keeps all units alike."""
    return np.zeros(shape)


def constant(value: float) -> Initialiser:
    """Every weight this number."""
    return lambda rng, shape: np.full(shape, value)


NAMED: dict[str, Initialiser] = {
    "glorot_uniform": glorot_uniform, "glorot_normal": glorot_normal,
    "he_uniform": he_uniform, "he_normal": he_normal,
    "lecun_uniform": lecun_uniform, "lecun_normal": lecun_normal,
    "orthogonal": orthogonal, "normal": normal(), "zeros": zeros,
}  # fmt: skip


def initialiser(name: Any) -> Any:
    """The initialiser of this name, or the function itself."""
    if callable(name):
        return name
    if not isinstance(name, str) or name not in NAMED:
        raise UsageError(
            f"init: {name!r} is not known; use one of {', '.join(NAMED)}, or a function "
            f"(rng, shape) → array"
        )
    return NAMED[name]
