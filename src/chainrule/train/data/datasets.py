"""Small data sets to learn on: five made by a formula and a seed, and the digits of scikit-learn.

Each function gives the features X (n, d) as float64 and the classes y (n,) as int64.
"""

from __future__ import annotations

import numpy as np

from ...graph.errors import MissingExtraError, UsageError

Data = tuple[np.ndarray, np.ndarray]


def moons(n: int = 1000, noise: float = 0.15, seed: int = 0) -> Data:
    """Two half circles, each reaching into the other's hollow.

    Shapes: X (n, 2), y (n,) in {0, 1}. `noise` is the standard deviation added to each point.

    >>> X, y = moons(6, noise=0.0)
    >>> X.shape, y.tolist()
    ((6, 2), [0, 0, 0, 1, 1, 1])
    """
    rng, y = _start("moons", n, noise, seed, classes=2)
    angle = np.concatenate([np.linspace(0, np.pi, k) for k in np.bincount(y, minlength=2)])
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    return _noisy(np.where(y[:, None] == 0, upper, lower), noise, rng), y


def circles(n: int = 1000, noise: float = 0.08, seed: int = 0, inner: float = 0.5) -> Data:
    """A circle of radius 1 and, inside it, a circle of radius `inner`.

    Shapes: X (n, 2), y (n,) in {0, 1}; 1 is the inner circle.

    >>> X, y = circles(8, noise=0.0)
    >>> np.round(np.hypot(X[:, 0], X[:, 1]), 9).tolist()
    [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5]
    """
    if not 0 < inner < 1:
        raise UsageError(f"circles: the inner radius is {inner}; it must lie between 0 and 1")
    rng, y = _start("circles", n, noise, seed, classes=2)
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = np.where(y == 0, 1.0, inner)
    return _noisy(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1), noise, rng), y


def spiral(
    n: int = 1000, noise: float = 0.03, seed: int = 0, classes: int = 2, turns: float = 1.5
) -> Data:
    """Arms that wind around the origin, one for each class: no straight line tells them apart.

    Shapes: X (n, 2), y (n,) in {0, ..., classes-1}. The radius grows from 0.1 to 1.

    >>> X, y = spiral(300, classes=3)
    >>> np.bincount(y).tolist()
    [100, 100, 100]
    """
    rng, y = _start("spiral", n, noise, seed, classes)
    along = rng.uniform(0, 1, n)
    angle = 2 * np.pi * (turns * along + y / classes)
    radius = 0.1 + 0.9 * along
    return _noisy(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1), noise, rng), y


def blobs(
    n: int = 1000, noise: float = 0.6, seed: int = 0, classes: int = 4, features: int = 2
) -> Data:
    """Round clouds of points, with their centres evenly spaced on a circle of radius 3.

    Shapes: X (n, features), y (n,). Beyond the first two, the features are noise alone.

    >>> X, y = blobs(40, features=3)
    >>> X.shape, np.bincount(y).tolist()
    ((40, 3), [10, 10, 10, 10])
    """
    if features < 2:
        raise UsageError(f"blobs: features={features}; at least 2 are needed for the circle")
    rng, y = _start("blobs", n, noise, seed, classes)
    angle = 2 * np.pi * y / classes
    centres = np.zeros((n, features))
    centres[:, 0], centres[:, 1] = 3 * np.cos(angle), 3 * np.sin(angle)
    return _noisy(centres, noise, rng), y


def xor(n: int = 1000, noise: float = 0.1, seed: int = 0) -> Data:
    """Points in a square: class 1 where the signs of the two features differ.

    The classes are those of the points before the noise moves them, as in real data.
    Shapes: X (n, 2), y (n,) in {0, 1}.

    >>> X, y = xor(100, noise=0.0)
    >>> bool(np.all(y == (X[:, 0] * X[:, 1] < 0)))
    True
    """
    rng, y = _start("xor", n, noise, seed, classes=2)
    size = rng.uniform(0, 1, (n, 2))
    sign = rng.choice([-1.0, 1.0], n)
    signs = np.stack([sign, np.where(y == 1, -sign, sign)], axis=1)
    return _noisy(size * signs, noise, rng), y


def digits() -> Data:
    """1,797 handwritten digits of 8 by 8 pixels, each from 0 to 1.

    Shapes: X (1797, 64), y (1797,) in {0, ..., 9}.
    Raises: MissingExtraError where scikit-learn, which brings the pictures, is not installed.
    Source: Alpaydin and Kaynak 1998, test part; UCI Machine Learning Repository.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise MissingExtraError("the data set digits", "data") from None
    X, y = map(np.asarray, load_digits(return_X_y=True))
    return X / 16.0, y.astype(np.int64)


MADE = {"moons": moons, "circles": circles, "spiral": spiral, "blobs": blobs, "xor": xor}


def _start(
    name: str, n: int, noise: float, seed: int, classes: int
) -> tuple[np.random.Generator, np.ndarray]:
    """The random numbers, and a class for each point: in order, and as even as can be."""
    if classes < 2 or n < classes:
        raise UsageError(f"{name}: {n=}, {classes=}; give 2 classes or more a point each")
    if not noise >= 0:
        raise UsageError(f"{name}: noise {noise}; a standard deviation is 0 or more")
    return np.random.default_rng(seed), np.arange(n) * classes // n


def _noisy(X: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    return X + noise * rng.standard_normal(X.shape)
