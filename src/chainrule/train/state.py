"""All that a training needs to go on as if it had never stopped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..graph.errors import DataError
from ..nn.module import Module


@dataclass
class State:
    """A training at one moment, between two stretches of steps; nothing in it is shared.

    `rng`, `sums`, `rows` and `callbacks` are plain data: dicts with text as keys, lists, numbers,
    text, None, and NumPy arrays. `optimizer` is what the optimiser's `init` and `update` return:
    a tree of lists, tuples, named tuples, dicts, numbers and arrays.
    """

    model: Module  # parameters, running statistics, settings
    optimizer: Any
    rng: dict[str, Any]  # see `state_of`
    epoch: int = 0  # completed
    step: int = 0  # completed, in all epochs
    order: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # of this epoch
    at: int = 0  # how many of its examples are done
    sums: dict[str, Any] = field(default_factory=dict)  # the figures of the epoch so far
    rows: list[dict[str, Any]] = field(default_factory=list)  # the history so far
    callbacks: dict[str, Any] = field(default_factory=dict)  # what they say of themselves
    terms: dict[str, str] = field(default_factory=dict)  # see `terms_of`


KINDS = {
    "PCG64": np.random.PCG64, "PCG64DXSM": np.random.PCG64DXSM, "Philox": np.random.Philox,
    "SFC64": np.random.SFC64, "MT19937": np.random.MT19937,
}  # fmt: skip


def state_of(rng: np.random.Generator) -> dict[str, Any]:
    """Where a generator stands, as plain data: its own state, and how often it was spawned from.

    The second is no part of NumPy's `bit_generator.state`, and dropout's streams hang on it.

    >>> rng = np.random.default_rng(3)
    >>> _ = rng.spawn(2), rng.random(5)
    >>> again = from_state(state_of(rng))
    >>> bool(again.random() == rng.random()), again.spawn(1)[0].random() == rng.spawn(1)[0].random()
    (True, True)
    """
    found = {"kind": type(rng.bit_generator).__name__, "state": deep(rng.bit_generator.state)}
    seed = rng.bit_generator.seed_seq
    if isinstance(seed, np.random.SeedSequence):
        found["seed"] = {
            "entropy": _plain(seed.entropy), "spawn_key": [int(k) for k in seed.spawn_key],
            "pool_size": int(seed.pool_size), "children": int(seed.n_children_spawned),
        }  # fmt: skip
    return found


def from_state(found: dict[str, Any]) -> np.random.Generator:
    """The generator that `state_of` told of.

    Raises: DataError for what is no such state.
    """
    try:
        seed: Any = None
        if "seed" in found:
            told = found["seed"]
            seed = np.random.SeedSequence(
                told["entropy"], spawn_key=tuple(told["spawn_key"]), pool_size=told["pool_size"],
                n_children_spawned=told["children"],
            )  # fmt: skip
        bits = KINDS[found["kind"]](seed)
        bits.state = deep(found["state"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"the state of the random numbers cannot be taken up again: {type(error).__name__}: "
            f"{error}; it must be what chainrule.train.state.state_of returned"
        ) from None
    return np.random.Generator(bits)


def _plain(entropy: Any) -> Any:
    return [int(e) for e in entropy] if isinstance(entropy, (list, tuple)) else entropy


def copied(x: Any) -> Any:
    """An array copied; everything else as it is."""
    return np.array(x) if isinstance(x, np.ndarray) else x


def deep(data: Any) -> Any:
    """Plain data, copied to the bottom."""
    if isinstance(data, dict):
        return {key: deep(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [deep(value) for value in data]
    return copied(data)
