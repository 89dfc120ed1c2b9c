"""What the recurrent layers share: their weights, their directions, the scan over time."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..eager.tensor import Tensor
from ..graph.errors import DataError, ShapeError, UsageError
from ..graph.node import Node
from ..ops import concat, expand_dims, linear, permute_dims, squeeze, stack, where
from ..transform import scan
from .dropout import dropped
from .mode import drawing
from .module import Module, generator, layer, parameter, static
from .settings import around_zero, array, floats, share, whole


@layer
class Recurrent(Module):
    """Layers whose state goes from one time step to the next.

    A subclass says how many `gates` it has, how many parts its state has, and in `_step` what
    one time step does. The weights stand under PyTorch's names: `weight_ih_l0` (gates·hidden,
    in), `weight_hh_l0` (gates·hidden, hidden), `bias_ih_l0`, `bias_hh_l0`, with `_reverse` for
    the way back; uniform within ±1/√hidden_size. They can be read and replaced by these names.
    """

    by_mode = True
    gates: ClassVar[int] = 1
    state_names: ClassVar[tuple[str, ...]] = ("h0",)
    adds_outside: ClassVar[bool] = True  # whether both biases can be added before the scan

    weights: dict
    input_size: int = static()
    hidden_size: int = static()
    num_layers: int = static()
    bias: bool = static()
    batch_first: bool = static()
    dropout: float = static()
    bidirectional: bool = static()

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, *,
        seed: Any = None, dtype: Any = np.float32,
    ):  # fmt: skip
        kind = type(self).__name__
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}
        whole(kind, **sizes)
        self._settle(
            weights={}, **sizes, bias=bool(bias), batch_first=bool(batch_first),
            dropout=share(kind, "dropout", dropout), bidirectional=bool(bidirectional),
        )  # fmt: skip
        self._settle(weights=self._drawn(generator(seed), floats(kind, dtype)))
        if seed is None:
            self._settle(_unseeded=True)

    @property
    def _ways(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    def _drawn(self, rng: np.random.Generator, dtype: Any) -> dict[str, Tensor]:
        rows, found = self.gates * self.hidden_size, {}
        for k in range(self.num_layers):
            columns = self.hidden_size * len(self._ways) if k else self.input_size
            for way in self._ways:
                shapes = {"weight_ih": (rows, columns), "weight_hh": (rows, self.hidden_size)}
                if self.bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                for name, shape in shapes.items():
                    values = around_zero(rng, shape, self.hidden_size)
                    found[f"{name}_l{k}{way}"] = parameter(values, dtype)
        return found

    def reseeded(self, rng: np.random.Generator) -> Any:
        """The same layer with its weights drawn anew."""
        dtype = self.weights["weight_ih_l0"].dtype
        return self.replace(weights=self._drawn(rng, dtype))

    def __getattr__(self, name: str) -> Any:
        weights = self.__dict__.get("weights", {})
        if name in weights:
            return weights[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def replace(self, **changes: Any) -> Any:
        """A copy with these fields, or weights under PyTorch's names, changed."""
        named = {name: changes.pop(name) for name in self.weights if name in changes}
        if named:
            changes["weights"] = {**changes.get("weights", self.weights), **named}
        return super().replace(**changes)

    def named_parameters(self, prefix: str = "") -> dict[str, Tensor]:
        """Every parameter under PyTorch's state-dict key."""
        return {f"{prefix}{name}": value for name, value in self.weights.items()}

    def __call__(
        self, x: Any, state: Any = None, *, lengths: Any = None, training: bool | None = None,
        rng: Any = None,
    ) -> tuple[Any, Any]:  # fmt: skip
        x = array(x)
        alone = len(x.shape) == 2
        x = self._steps_first(x)
        starts = self._starts(state, x, alone)
        keep = None if lengths is None else self._kept(lengths, x)
        drawn = drawing(self, training, rng) if self.dropout and self.num_layers > 1 else None
        last: list[tuple] = []
        for k in range(self.num_layers):
            if k and drawn is not None:
                x = dropped(x, self.dropout, drawn)
            ways = []
            for way in self._ways:
                start = tuple(s[len(last)] for s in starts)
                after, ys = self._along(x, start, keep, f"l{k}{way}", bool(way))
                last.append(after)
                ways.append(ys)
            x = ways[0] if len(ways) == 1 else concat(ways, axis=-1)
        states = tuple(stack(parts) for parts in zip(*last, strict=True))
        if alone:
            x, states = squeeze(x, 1), tuple(squeeze(s, 1) for s in states)
        elif self.batch_first:
            x = permute_dims(x, (1, 0, 2))
        return x, states if len(self.state_names) > 1 else states[0]

    def _along(self, x: Any, start: tuple, keep: Any, place: str, back: bool) -> tuple:
        """The states after the last step, and the outputs of all, of one layer in one direction."""
        w_in, w = self.weights[f"weight_ih_{place}"], self.weights[f"weight_hh_{place}"]
        b_in, b = (self.weights.get(f"bias_{part}_{place}", 0.0) for part in ("ih", "hh"))
        if self.adds_outside:
            b_in, b = b_in + b, 0.0
        # One product for all time steps: only what needs the state before it is in the loop.
        weighted = linear(x, w_in, b_in)

        def step(state: tuple, now: Any) -> tuple:
            if keep is None:
                after = self._step(state, now, w, b)
                return after, after[0]
            now, on = now
            after = self._step(state, now, w, b)
            after = tuple(where(on, new, old) for new, old in zip(after, state, strict=True))
            return after, where(on, after[0], 0.0)

        return scan(step, start, weighted if keep is None else (weighted, keep), reverse=back)

    def _step(self, state: tuple, x: Any, w: Any, b: Any) -> tuple:
        """The state after a step, from the state before it and the input's weighted sums."""
        raise UsageError(f"{type(self).__name__}: what a step does is not said; define _step")

    def _steps_first(self, x: Any) -> Any:
        kind = type(self).__name__
        if len(x.shape) not in (2, 3) or x.shape[-1] != self.input_size:
            axes = "(N, T, {})" if self.batch_first else "(T, N, {})"
            raise ShapeError(
                f"{kind}: x of shape {x.shape}; it must be {axes.format(self.input_size)}, or one "
                f"sequence (T, {self.input_size})"
            )
        if len(x.shape) == 2:
            return expand_dims(x, axis=1)
        return permute_dims(x, (1, 0, 2)) if self.batch_first else x

    def _starts(self, state: Any, x: Any, alone: bool) -> tuple:
        """The state before the first step, for every layer and direction."""
        kind, names = type(self).__name__, self.state_names
        rows = self.num_layers * len(self._ways)
        dtype = np.result_type(x.dtype, self.weights["weight_ih_l0"].dtype)
        if state is None:
            return (np.zeros((rows, x.shape[1], self.hidden_size), dtype),) * len(names)
        given = tuple(state) if isinstance(state, (tuple, list)) else (state,)
        if len(given) != len(names):
            raise UsageError(f"{kind}: a state of {len(given)} parts; give ({', '.join(names)})")
        wanted = (rows, self.hidden_size) if alone else (rows, x.shape[1], self.hidden_size)
        for name, part in zip(names, given, strict=True):
            if tuple(np.shape(part)) != wanted:
                raise ShapeError(
                    f"{kind}: {name} of shape {np.shape(part)}; it must be {wanted}: layers times "
                    f"directions{'' if alone else ', sequences'}, hidden_size"
                )
        parts = tuple(array(part) for part in given)
        return tuple(expand_dims(part, axis=1) for part in parts) if alone else parts

    def _kept(self, lengths: Any, x: Any) -> Any:
        """Which steps of which sequence count."""
        steps, count = x.shape[:2]
        traced = isinstance(lengths, (Tensor, Node))  # then its numbers are not looked at
        lengths = lengths if traced else np.asarray(lengths)
        if lengths.shape != (count,) or lengths.dtype.kind not in "iu":
            raise ShapeError(
                f"{type(self).__name__}: lengths of {lengths.dtype} {lengths.shape}; give a whole "
                f"number for each of {count} sequences"
            )
        if not traced and count and not (lengths.min() >= 0 and lengths.max() <= steps):
            raise DataError(
                f"{type(self).__name__}: lengths from {lengths.min()} to {lengths.max()}; the "
                f"sequences have {steps} steps"
            )
        return (np.arange(steps)[:, None] < lengths)[:, :, None]
