"""Dropout: in training, elements are put to 0 by chance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..graph.errors import TracingError
from .mode import drawing
from .module import Module, layer, static
from .settings import array, share


def dropped(x: Any, p: float, rng: np.random.Generator) -> Any:
    """`x` with each element 0 with probability `p`, and the others divided by 1 - p."""
    if p == 0.0:
        return x
    make = rng.mask if isinstance(rng, Planned) else partial(mask, rng)
    return x * make(tuple(x.shape), p, x.dtype)


def mask(rng: np.random.Generator, shape: tuple[int, ...], p: float, dtype: Any) -> np.ndarray:
    """What dropout multiplies by: 0 with probability `p`, and 1/(1 - p) otherwise."""
    kept = rng.random(shape) >= p
    return (kept / max(1.0 - p, np.finfo(float).tiny)).astype(dtype)


class Asked(NamedTuple):
    """A mask that a model asked for: of which of its streams, and what it is to be."""

    stream: int
    shape: tuple[int, ...]
    p: float
    dtype: Any


class Planned(np.random.Generator):
    """Stands for random numbers in a traced function, where masks are drawn beforehand.

    It gives `masks` in the order in which they are asked for, or ones where there are none yet,
    and writes down in `asked` what was wanted. Whatever else is drawn cannot be traced.
    """

    def __init__(self, masks: Sequence[Any] | None = None):
        super().__init__(np.random.PCG64(0))
        self.masks, self.asked, self.streams, self.stream = masks, [], 0, 0

    def spawn(self, n_children: int) -> list:
        """Streams for so many layers, numbered from 0."""
        made = [Planned(self.masks) for _ in range(n_children)]
        for one in made:
            one.asked, one.stream = self.asked, self.streams
            self.streams += 1
        return made

    def mask(self, shape: tuple[int, ...], p: float, dtype: Any) -> Any:
        """The next mask."""
        self.asked.append(Asked(self.stream, shape, p, dtype))
        return np.ones(shape, dtype) if self.masks is None else self.masks[len(self.asked) - 1]

    def drawn(self, rng: np.random.Generator) -> list[np.ndarray]:
        """The masks that were asked for, drawn by `rng` as a step without tracing draws them."""
        streams = rng.spawn(self.streams) if self.streams else []
        return [mask(streams[a.stream], a.shape, a.p, a.dtype) for a in self.asked]


def _refused(name: str) -> Any:
    def refuse(self: Planned, *args: Any, **kwargs: Any) -> Any:
        raise TracingError(
            f"training: a layer draws by rng.{name}, which cannot be traced; it is trained op by op"
        )

    return refuse


for _name in dir(np.random.Generator):  # all that draws
    if not _name.startswith("_") and _name not in ("spawn", "bit_generator"):
        setattr(Planned, _name, _refused(_name))


@layer
class Dropout(Module):
    """In training each element is 0 with probability `p`, and the others are divided by 1 - p.

    Called as `layer(x)` it evaluates and passes `x` on; called as `layer(x, training=True,
    rng=rng)` it drops, by random numbers from `rng`, a whole number or a Generator. For a whole
    model see `chainrule.nn.apply`. In a traced function the mask is drawn once, at the tracing.
    Shapes: x (…) → the same.
    Source: Srivastava et al. 2014; torch.nn.Dropout.

    >>> import chainrule as cr
    >>> layer = cr.nn.Dropout(0.5)
    >>> layer(np.ones(4)), layer(np.ones(4), training=True, rng=0)
    (array([1., 1., 1., 1.]), array([2., 0., 0., 0.]))
    """

    by_mode = True

    p: float = static(default=0.5)

    def __init__(self, p: float = 0.5):
        self.p = share("Dropout", "p", p)

    def __call__(self, x: Any, *, training: bool | None = None, rng: Any = None) -> Any:
        if self.p == 0.0:
            return x
        drawn = drawing(self, training, rng)
        return x if drawn is None else dropped(array(x), self.p, drawn)
