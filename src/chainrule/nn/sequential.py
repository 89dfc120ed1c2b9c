"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..graph.errors import UsageError
from .module import Module, generator, layer


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
            if not callable(one):
                raise UsageError(f"Sequential: layer {k} is {one!r}; give layers or functions")
        self._settle(layers=_seeded(layers, generator(seed)))
        if seed is None:
            self._settle(_unseeded=True)

    def reseeded(self, rng: np.random.Generator) -> Sequential:
        """The same layers; those without a seed of their own drawn anew."""
        return self.replace(layers=_seeded(self.layers, rng))

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
        return self.layers[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def __repr__(self) -> str:
        inside = "".join(f"\n  ({k}): {one!r}" for k, one in enumerate(self.layers))
        return f"Sequential({inside}\n)"


def _seeded(layers: tuple, rng: np.random.Generator) -> tuple:
    # Every place has its own stream, whether its layer needs one or not: taking an
    # activation out must not change the weights of the layers before it.
    streams = rng.spawn(len(layers))
    return tuple(
        _keep_mark(one.reseeded(stream)) if getattr(one, "_unseeded", False) else one
        for one, stream in zip(layers, streams, strict=True)
    )


def _keep_mark(one: Module) -> Module:
    one._settle(_unseeded=True)
    return one
