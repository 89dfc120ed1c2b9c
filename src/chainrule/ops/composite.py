"""Functions of ops. They have no gradient of their own: the chain rule has it."""

from __future__ import annotations

from typing import Any

from ..graph.errors import UsageError
from .elementwise.arithmetic import maximum, minimum, positive, subtract
from .family import axes_of, where
from .move import concat, getitem


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """`x` held between `min` and `max`; beyond them no gradient flows, on them half of it."""
    if min is not None:
        x = maximum(x, min)
    return x if max is None else minimum(x, max)


def diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along `axis`, taken `n` times.

    Raises: UsageError where `n` is negative.

    >>> import chainrule as cr
    >>> cr.diff(cr.tensor([1.0, 4.0, 9.0]))
    tensor([3., 5.])
    """
    if n < 0:
        raise UsageError(f"diff: n={n}; differences are taken 0 times or more")
    (axis,) = axes_of("diff", axis, len(x.shape))
    parts = [part for part in (prepend, x, append) if part is not None]
    x = concat(parts, axis=axis) if len(parts) > 1 else x
    before, after = ((slice(None),) * axis + (s,) for s in (slice(None, -1), slice(1, None)))
    for _ in range(n):
        x = subtract(getitem(x, after), getitem(x, before))
    return x


def real(x: Any, /) -> Any:
    """The real part: of real numbers, which are all there are here, the numbers themselves."""
    return positive(x)


def conj(x: Any, /) -> Any:
    """The complex conjugate: of real numbers, the numbers themselves."""
    return positive(x)


def imag(x: Any, /) -> Any:
    """The imaginary part: of real numbers, 0."""
    return where(True, x.dtype.type(0), x)  # 0 * x would be NaN where x is not finite
