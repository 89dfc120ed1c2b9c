"""Pooling: the largest or the mean value of every window."""

from __future__ import annotations

from math import inf
from typing import Any, ClassVar

from ..graph.errors import ShapeError, UsageError
from ..ops import expand_dims, max, mean, squeeze
from .module import Module, layer, static
from .settings import array, per_axis
from .windows import windows


@layer
class Pool(Module):
    """One value for every window, each channel by itself."""

    axes: ClassVar[int] = 0
    filler: ClassVar[float] = 0.0

    kernel_size: tuple = static()
    stride: tuple = static()
    padding: tuple = static()
    dilation: tuple = static()

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1):
        kind, n = type(self).__name__, self.axes
        kernel = per_axis(kind, "kernel_size", kernel_size, n)
        sides = per_axis(kind, "padding", padding, n, 0)
        if any(2 * p > k for p, k in zip(sides, kernel, strict=True)):
            raise UsageError(
                f"{kind}: padding {sides} is more than half of kernel_size {kernel}; a window "
                "could lie outside"
            )
        self._settle(
            kernel_size=kernel, padding=sides,
            stride=kernel if stride is None else per_axis(kind, "stride", stride, n),
            dilation=per_axis(kind, "dilation", dilation, n),
        )  # fmt: skip

    def __call__(self, x: Any) -> Any:
        x = array(x)
        if len(x.shape) not in (self.axes + 1, self.axes + 2):
            sizes = ("length",) if self.axes == 1 else ("height", "width")
            raise ShapeError(
                f"{type(self).__name__}: x of shape {x.shape}; it must be (N, channels, "
                f"{', '.join(sizes)})"
            )
        alone = len(x.shape) == self.axes + 1
        x = expand_dims(x, axis=0) if alone else x
        sides = tuple((n, n) for n in self.padding)
        read = windows(
            type(self).__name__, x, self.kernel_size, self.stride, sides, self.dilation,
            self.filler,
        )  # fmt: skip
        y = type(self).reduction(read, axis=2)
        return squeeze(y, 0) if alone else y

    @staticmethod
    def reduction(x: Any, axis: int) -> Any:
        """The one value of the window's elements along `axis`."""
        raise UsageError("Pool: what is taken of a window is not said; define reduction")


class _Largest:
    """A window gives its largest value; -inf around the input never is."""

    filler = -inf
    reduction = staticmethod(max)


class _Mean:
    """A window gives its mean."""

    reduction = staticmethod(mean)

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0):
        super().__init__(kernel_size, stride, padding)  # type: ignore[call-arg]


@layer
class MaxPool1d(_Largest, Pool):
    """The largest value of every window of a sequence.

    Shapes: x (N, channels, length) or without N → length
    ⌊(length + 2·padding - dilation·(kernel_size - 1) - 1)/stride⌋ + 1; `stride` is kernel_size
    where none is given. Padding never wins. Equal largest values share the gradient evenly.
    Source: torch.nn.MaxPool1d.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> cr.nn.MaxPool1d(2)(np.array([[[1.0, 5.0, 2.0, 3.0]]]))
    array([[[5., 3.]]])
    """

    axes = 1


@layer
class MaxPool2d(_Largest, Pool):
    """The largest value of every window of an image.

    Shapes: x (N, channels, height, width) or without N → each size
    ⌊(size + 2·padding - dilation·(kernel_size - 1) - 1)/stride⌋ + 1; `stride` is kernel_size
    where none is given. Padding never wins. Equal largest values share the gradient evenly.
    Source: Ranzato et al. 2007; torch.nn.MaxPool2d.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> cr.nn.MaxPool2d(2)(np.ones((5, 3, 8, 6))).shape
    (5, 3, 4, 3)
    """

    axes = 2


@layer
class AvgPool1d(_Mean, Pool):
    """The mean of every window of a sequence; padding counts as zeros.

    Shapes: x (N, channels, length) or without N → length
    ⌊(length + 2·padding - kernel_size)/stride⌋ + 1; `stride` is kernel_size where none is given.
    Source: torch.nn.AvgPool1d.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> cr.nn.AvgPool1d(2)(np.array([[[1.0, 5.0, 2.0, 3.0]]]))
    array([[[3. , 2.5]]])
    """

    axes = 1


@layer
class AvgPool2d(_Mean, Pool):
    """The mean of every window of an image; padding counts as zeros.

    Shapes: x (N, channels, height, width) or without N → each size
    ⌊(size + 2·padding - kernel_size)/stride⌋ + 1; `stride` is kernel_size where none is given.
    Source: LeCun et al. 1989; torch.nn.AvgPool2d.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> cr.nn.AvgPool2d((2, 4))(np.ones((5, 3, 8, 8))).shape
    (5, 3, 4, 2)
    """

    axes = 2
