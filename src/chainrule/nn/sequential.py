"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..graph.errors import AxisError, InPlaceError, UsageError
from .module import Module, drawn_anew, generator, layer, seeded, static


@layer
class Function(Module):
    """A function of one array as a layer without parameters."""

    function: Any = static()

    def __call__(self, x: Any) -> Any:
        return self.function(x)

    def __repr__(self) -> str:
        return f"Function({getattr(self.function, '__name__', self.function)})"


@layer
class Sequential(Module):
    """The layers applied in order: the output of each is the input of the next.

    Layers that were given no seed draw their weights from `seed` (0 where there is none) and
    their place, so that no two are alike and the same program gives the same bits.

    >>> import chainrule as cr
    >>> model = cr.nn.Sequential(cr.nn.Linear(2, 16), cr.nn.Tanh(), cr.nn.Linear(16, 1))
    >>> list(model.named_parameters())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    layers: tuple

    def __init__(self, *layers: Any, seed: Any = None):
        for k, one in enumerate(layers):
            if not callable(one) or isinstance(one, type):
                raise UsageError(
                    f"Sequential: layer {k} is {one!r}; give layers such as nn.Tanh(), or "
                    f"functions of one array"
                )
        layers = tuple(x if isinstance(x, Module) else Function(x) for x in layers)
        self._settle(layers=drawn_anew(layers, generator(seed), {}))
        if seed is None:
            self._settle(_unseeded=True)
        else:
            seeded(self)

    def reseeded(self, rng: np.random.Generator) -> Sequential:
        """The same layers; those without a seed of their own drawn anew."""
        return self.replace(layers=drawn_anew(self.layers, rng, {}))

    def children(self) -> Iterator[tuple[str, Any]]:
        for k, one in enumerate(self.layers):
            if isinstance(one, Module):
                yield str(k), one

    def __call__(self, x: Any) -> Any:
        for one in self.layers:
            x = one(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, key: int) -> Any:
        try:
            return self.layers[key]
        except (IndexError, TypeError):
            raise AxisError(
                f"Sequential: there is no layer {key!r}; they are numbered 0 to {len(self) - 1}"
            ) from None

    def __setitem__(self, key: Any, value: Any) -> None:
        raise InPlaceError(
            "Sequential: a layer cannot be assigned; make a new Sequential of the layers you want"
        )

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def __repr__(self) -> str:
        inside = "".join(f"\n  ({k}): {one!r}" for k, one in enumerate(self.layers))
        return f"Sequential({inside}\n)"
