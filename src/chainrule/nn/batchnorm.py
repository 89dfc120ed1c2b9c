"""Norms over the batch, with running statistics for evaluation: BatchNorm1d and BatchNorm2d."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, TypeVar

import numpy as np

from ..eager.tensor import Tensor
from ..graph.errors import ShapeError
from ..ops import mean, reshape, sqrt, square
from .mode import live
from .module import Module, layer, parameter, static
from .settings import array, floats, share, whole
from .statistics import Statistics, of_batch

Own = TypeVar("Own", bound="BatchNorm")


@layer
class BatchNorm(Module):
    """(x - mean)/√(variance + eps) · weight + bias, with the mean and variance of each channel.

    Called as `layer(x)` it evaluates: it normalises by its running statistics. Called as
    `layer(x, training=True)` it normalises by the batch and returns (y, (mean, variance)), this
    variance with n - 1 in its denominator; nothing in the layer changes. `layer.moved(mean,
    variance)` is the layer after that batch. For a whole model see `chainrule.nn.apply` and
    `chainrule.nn.observe`.
    Shapes: x (N, num_features, …) → the same; weight, bias and statistics (num_features,).
    The running statistics go `momentum` of the way to those of a batch; with None they are the
    mean over all batches. They are settings of the layer: no gradient and no optimiser sees them.
    Raises: ShapeError for other shapes, and in training for a single value a channel.
    Source: Ioffe and Szegedy 2015, arXiv:1502.03167; torch.nn.BatchNorm1d and BatchNorm2d.

    >>> import chainrule as cr
    >>> norm = cr.nn.BatchNorm1d(1, dtype=np.float64)
    >>> x = np.array([[1.0], [3.0]])
    >>> y, (mean, variance) = norm(x, training=True)
    >>> y.value.round(4).tolist(), mean.tolist(), variance.tolist()
    ([[-1.0], [1.0]], [2.0], [2.0])
    >>> norm.moved(mean, variance).running_mean.value
    array([0.2])
    """

    by_mode = True
    axes: ClassVar[tuple[int, ...]] = ()  # how many axes x may have; any where none is named

    weight: Tensor | None
    bias: Tensor | None
    running_mean: Statistics = static()
    running_var: Statistics = static()
    num_batches_tracked: Statistics = static()
    num_features: int = static()
    eps: float = static()
    momentum: float | None = static()

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1,
        affine: bool = True, *, dtype: Any = np.float32,
    ):  # fmt: skip
        kind = type(self).__name__
        whole(kind, num_features=num_features)
        dtype = floats(kind, dtype)
        self._settle(
            weight=parameter(np.ones(num_features), dtype) if affine else None,
            bias=parameter(np.zeros(num_features), dtype) if affine else None,
            running_mean=Statistics(np.zeros(num_features), dtype),
            running_var=Statistics(np.ones(num_features), dtype),
            num_batches_tracked=Statistics(0, np.int64),
            num_features=num_features, eps=float(eps),
            momentum=None if momentum is None else share(kind, "momentum", momentum),
        )  # fmt: skip

    def __call__(self, x: Any, *, training: bool | None = None) -> Any:
        x = self._channels(array(x))
        handed = live(self) if training is None else None
        if handed is None and not training:
            dtype = x.dtype if x.dtype.kind == "f" else self.running_mean.dtype
            kept = (self.running_mean.value, self.running_var.value)
            return self._scaled(x, *(values.astype(dtype) for values in kept))
        count = x.shape[0] * prod(x.shape[2:])
        if count < 2:
            raise ShapeError(
                f"{type(self).__name__}: x of shape {x.shape} has {count} values a channel; in "
                "training there must be 2 or more"
            )
        axes = (0, *range(2, len(x.shape)))
        middle = mean(x, axis=axes)
        variance = mean(square(x - self._along(middle, x)), axis=axes)
        y, seen = self._scaled(x, middle, variance), (middle, variance * (count / (count - 1)))
        if handed is None:
            return y, seen
        handed.seen.append(seen)
        return y

    def moved(self: Own, mean: Any, variance: Any) -> Own:
        """The layer with its running statistics after a batch of this mean and variance."""
        count = int(self.num_batches_tracked.value) + 1
        share = 1.0 / count if self.momentum is None else self.momentum
        changes = {
            name: Statistics((1.0 - share) * old.value + share * of_batch(new), old.dtype)
            for name, old, new in (
                ("running_mean", self.running_mean, mean),
                ("running_var", self.running_var, variance),
            )
        }
        return self.replace(**changes, num_batches_tracked=Statistics(count, np.int64))

    def _channels(self, x: Any) -> Any:
        if (
            len(x.shape) < 2
            or x.shape[1] != self.num_features
            or len(x.shape) not in (self.axes or (len(x.shape),))
        ):
            wanted = " or ".join(
                f"(N, {self.num_features}{', length' * (n == 3)}{', height, width' * (n == 4)})"
                for n in self.axes or (2,)
            )
            raise ShapeError(f"{type(self).__name__}: x of shape {x.shape}; it must be {wanted}")
        return x

    def _along(self, numbers: Any, x: Any) -> Any:
        """One number for each channel, in a shape that fits x."""
        return reshape(numbers, (1, self.num_features, *(1,) * (len(x.shape) - 2)))

    def _scaled(self, x: Any, middle: Any, variance: Any) -> Any:
        y = (x - self._along(middle, x)) / self._along(sqrt(variance + self.eps), x)
        y = y if self.weight is None else y * self._along(self.weight, x)
        return y if self.bias is None else y + self._along(self.bias, x)


@layer
class BatchNorm1d(BatchNorm):
    """BatchNorm of examples (N, num_features), or of sequences (N, num_features, length).

    >>> import chainrule as cr
    >>> cr.nn.BatchNorm1d(3)(np.ones((2, 3))).shape
    (2, 3)
    """

    axes = (2, 3)


@layer
class BatchNorm2d(BatchNorm):
    """BatchNorm of images (N, num_features, height, width).

    >>> import chainrule as cr
    >>> cr.nn.BatchNorm2d(3)(np.ones((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """

    axes = (4,)
