"""Convolutions of sequences and of images: Conv1d and Conv2d."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import numpy as np

from ..eager.tensor import Tensor
from ..graph.errors import ShapeError, UsageError
from ..ops import expand_dims, matmul, reshape, squeeze
from .module import Module, generator, layer, parameter, static
from .settings import around_zero, array, fan_in, floats, per_axis, whole
from .windows import windows


@layer
class Convolution(Module):
    """A weighted sum over every window of the input, with the same weights for all windows.

    The windows are laid side by side, and one product does the sums. As in all networks it is
    the cross-correlation: the kernel is not flipped.
    """

    axes: ClassVar[int] = 0

    weight: Tensor
    bias: Tensor | None
    in_channels: int = static()
    out_channels: int = static()
    kernel_size: tuple = static()
    stride: tuple = static()
    padding: tuple = static()  # a pair for each axis
    dilation: tuple = static()
    groups: int = static()

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
        padding: Any = 0, dilation: Any = 1, groups: int = 1, bias: bool = True, *,
        seed: Any = None, dtype: Any = np.float32,
    ):  # fmt: skip
        kind = type(self).__name__
        whole(kind, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups or out_channels % groups:
            raise UsageError(
                f"{kind}: {in_channels} in_channels and {out_channels} out_channels cannot be "
                f"parted into groups={groups}"
            )
        kernel = per_axis(kind, "kernel_size", kernel_size, self.axes)
        stride = per_axis(kind, "stride", stride, self.axes)
        dilation = per_axis(kind, "dilation", dilation, self.axes)
        shape, rng = (out_channels, in_channels // groups, *kernel), generator(seed)
        weight = parameter(around_zero(rng, shape, fan_in(shape)), floats(kind, dtype))
        biases = around_zero(rng, shape[:1], fan_in(shape)) if bias else None
        self._settle(
            weight=weight, bias=None if biases is None else parameter(biases, dtype),
            in_channels=in_channels, out_channels=out_channels, kernel_size=kernel, stride=stride,
            padding=_sides(kind, padding, kernel, stride, dilation), dilation=dilation,
            groups=groups,
        )  # fmt: skip
        if seed is None:
            self._settle(_unseeded=True)

    def reseeded(self, rng: np.random.Generator) -> Any:
        """The same layer with its weights drawn anew."""
        shape, dtype = self.weight.shape, self.weight.dtype
        weight = parameter(around_zero(rng, shape, fan_in(shape)), dtype)
        if self.bias is None:
            return self.replace(weight=weight)
        biases = around_zero(rng, shape[:1], fan_in(shape))
        return self.replace(weight=weight, bias=parameter(biases, dtype))

    def __call__(self, x: Any) -> Any:
        x = array(x)
        alone = len(x.shape) == self.axes + 1
        x = expand_dims(x, axis=0) if alone else x
        if len(x.shape) != self.axes + 2 or x.shape[1] != self.in_channels:
            sizes = ("length",) if self.axes == 1 else ("height", "width")
            raise ShapeError(
                f"{type(self).__name__}: x of shape {x.shape}; it must be "
                f"(N, {self.in_channels}, {', '.join(sizes)})"
            )
        read = windows(
            type(self).__name__, x, self.kernel_size, self.stride, self.padding, self.dilation
        )
        count, sizes, parts = read.shape[0], read.shape[3:], self.groups
        summed = self.in_channels // parts * prod(self.kernel_size)
        columns = reshape(read, (count, parts, summed, prod(sizes)))
        rows = reshape(self.weight, (parts, self.out_channels // parts, summed))
        y = reshape(matmul(rows, columns), (count, self.out_channels, *sizes))
        if self.bias is not None:
            y = y + reshape(self.bias, (self.out_channels, *(1,) * self.axes))
        return squeeze(y, 0) if alone else y


def _sides(kind: str, padding: Any, kernel: Any, stride: Any, dilation: Any) -> tuple:
    """How much is put before and after each axis."""
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding == "same":
        if set(stride) != {1}:
            raise UsageError(f"{kind}: padding='same' with stride {stride}; it needs a stride of 1")
        total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple((n // 2, n - n // 2) for n in total)
    if isinstance(padding, str):
        raise UsageError(f"{kind}: padding={padding!r}; give a number, 'valid' or 'same'")
    return tuple((n, n) for n in per_axis(kind, "padding", padding, len(kernel), 0))


@layer
class Conv1d(Convolution):
    """Weighted sums over windows of a sequence.

    Shapes: x (N, in_channels, length) or (in_channels, length) → the same with out_channels and
    ⌊(length + 2·padding - dilation·(kernel_size - 1) - 1)/stride⌋ + 1; weight
    (out_channels, in_channels/groups, kernel_size) and bias (out_channels,), both uniform within
    ±1/√(inputs of a window). `padding` is a number, "valid" (0) or "same".
    Source: LeCun et al. 1989; Waibel et al. 1989; torch.nn.Conv1d.

    >>> import chainrule as cr
    >>> cr.nn.Conv1d(2, 4, 3, padding=1)(np.ones((5, 2, 10))).shape
    (5, 4, 10)
    """

    axes = 1


@layer
class Conv2d(Convolution):
    """Weighted sums over windows of an image.

    Shapes: x (N, in_channels, height, width) or without N → the same with out_channels and, for
    each size, ⌊(size + 2·padding - dilation·(kernel_size - 1) - 1)/stride⌋ + 1; weight
    (out_channels, in_channels/groups, *kernel_size) and bias (out_channels,), both uniform
    within ±1/√(inputs of a window). Sizes are one number or a pair; `padding` also "valid" (0)
    or "same".
    Source: LeCun et al. 1989, doi:10.1162/neco.1989.1.4.541; torch.nn.Conv2d.

    >>> import chainrule as cr
    >>> cr.nn.Conv2d(1, 4, 3, stride=2)(np.ones((5, 1, 9, 8))).shape
    (5, 4, 4, 3)
    """

    axes = 2
