"""Learning-rate schedules: functions of the number of steps already taken, for any `lr=`.

The first step asks for step 0. A schedule is a frozen record without memory: a run that is
resumed at step k goes on with the rates it would have had. Any function of the step will do
too: `lr=lambda step: 0.1 / (1 + step)`.

>>> import chainrule as cr
>>> rate = cr.optim.schedules.step(0.1, step_size=2, gamma=0.5)
>>> [rate(k) for k in range(5)]
[0.1, 0.1, 0.05, 0.05, 0.025]
>>> cr.optim.Adam(lr=rate).lr
step(lr=0.1, step_size=2, gamma=0.5)
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import pi
from typing import Any

from ..graph.errors import UsageError
from ..ops import cos, maximum, minimum, where
from .adaptive import plain
from .options import COUNT, PART, POSITIVE, RATE, WHOLE, check

__all__ = ["Schedule", "constant", "cosine", "exponential", "one_cycle", "step"]


@dataclass(frozen=True, eq=False, repr=False)
class Schedule:
    """A learning rate as a function of the steps taken; a subclass states `at`."""

    def at(self, step: Any) -> Any:
        """The rate after `step` steps, written with ops."""
        raise NotImplementedError(f"{type(self).__name__}.at")

    def __call__(self, step: Any) -> Any:
        return plain(self.at(step))

    def __repr__(self) -> str:
        shown = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self))
        return f"{type(self).__name__}({shown})"


@dataclass(frozen=True, eq=False, repr=False)
class constant(Schedule):
    """The same rate at every step: lr.

    >>> import chainrule as cr
    >>> cr.optim.schedules.constant(0.1)(1000)
    0.1
    """

    lr: Any

    def __post_init__(self):
        check("constant", RATE, lr=self.lr)

    def at(self, step: Any) -> Any:
        return self.lr


@dataclass(frozen=True, eq=False, repr=False)
class step(Schedule):
    """Stairs: lr·gamma^⌊k/step_size⌋ after k steps.

    Raises: UsageError for a step_size below 1 or a gamma that is not above 0.

    >>> import chainrule as cr
    >>> cr.optim.schedules.step(1.0, step_size=100)(250).__round__(6)
    0.01
    """

    lr: Any
    step_size: int
    gamma: float = 0.1

    def __post_init__(self):
        check("step", RATE, lr=self.lr)
        check("step", WHOLE, step_size=self.step_size)
        check("step", POSITIVE, gamma=self.gamma)

    def at(self, step: Any) -> Any:
        return self.lr * self.gamma ** (step // self.step_size)


@dataclass(frozen=True, eq=False, repr=False)
class exponential(Schedule):
    """A constant share of the rate is kept at every step: lr·gammaᵏ after k steps.

    Raises: UsageError for a gamma that is not above 0.

    >>> import chainrule as cr
    >>> cr.optim.schedules.exponential(1.0, gamma=0.5)(3)
    0.125
    """

    lr: Any
    gamma: float

    def __post_init__(self):
        check("exponential", RATE, lr=self.lr)
        check("exponential", POSITIVE, gamma=self.gamma)

    def at(self, step: Any) -> Any:
        return self.lr * self.gamma**step


@dataclass(frozen=True, eq=False, repr=False)
class cosine(Schedule):
    """Up in a line for `warmup` steps, then down along half a cosine to `end`, `steps` in all.

    start + (lr - start)·k/warmup for k < warmup; then, with p = (k - warmup)/(steps - warmup),
    end + ½(lr - end)(1 + cos πp); `end` after that.
    Raises: UsageError unless warmup < steps.
    Source: Loshchilov and Hutter 2017 (cosine); Goyal et al. 2017 (warm-up).

    >>> import chainrule as cr
    >>> rate = cr.optim.schedules.cosine(1.0, steps=14, warmup=4)
    >>> [round(rate(k), 3) for k in (0, 2, 4, 9, 14, 99)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
    """

    lr: Any
    steps: int
    warmup: int = 0
    start: Any = 0.0
    end: Any = 0.0

    def __post_init__(self):
        check("cosine", RATE, lr=self.lr, start=self.start, end=self.end)
        check("cosine", WHOLE, steps=self.steps)
        check("cosine", COUNT, warmup=self.warmup)
        if not self.warmup < self.steps:
            raise UsageError(
                f"cosine(steps={self.steps}, warmup={self.warmup}): steps counts the warm-up "
                "too, and must be larger"
            )

    def at(self, step: Any) -> Any:
        done = minimum(maximum((step - self.warmup) / (self.steps - self.warmup), 0.0), 1.0)
        fall = self.end + (self.lr - self.end) * 0.5 * (1 + cos(pi * done))
        if not self.warmup:
            return fall
        rise = self.start + (self.lr - self.start) * (step / self.warmup)
        return where(step < self.warmup, rise, fall)


@dataclass(frozen=True, eq=False, repr=False)
class one_cycle(Schedule):
    """Up to `max_lr` and down to almost nothing in `total_steps`, once.

    From max_lr/div_factor to max_lr during the share `pct_start` of the steps, then down to
    max_lr/(div_factor·final_div_factor); with `three_phase` first back as fast as it came.
    `anneal_strategy` is "cos" or "linear". After the last step the rate stays.
    Momentum is not cycled: a rate is all that `lr=` is asked for.
    Raises: UsageError for an option outside its range.
    Source: Smith and Topin 2018, in PyTorch's form.

    >>> import chainrule as cr
    >>> rate = cr.optim.schedules.one_cycle(1.0, total_steps=10, pct_start=0.5)
    >>> [round(rate(k), 3) for k in (0, 2, 4, 9)]
    [0.04, 0.52, 1.0, 0.0]
    """

    max_lr: Any
    total_steps: int
    pct_start: float = 0.3
    anneal_strategy: str = "cos"
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    three_phase: bool = False

    def __post_init__(self):
        check("one_cycle", RATE, max_lr=self.max_lr)
        check("one_cycle", WHOLE, total_steps=self.total_steps)
        check("one_cycle", PART, pct_start=self.pct_start)
        check(
            "one_cycle", POSITIVE, div_factor=self.div_factor,
            final_div_factor=self.final_div_factor,
        )  # fmt: skip
        if self.anneal_strategy not in ("cos", "linear"):
            raise UsageError(
                f"one_cycle(anneal_strategy={self.anneal_strategy!r}): there are 'cos' and 'linear'"
            )

    def phases(self) -> list[tuple[float, Any, Any]]:
        """The last step of every phase, the rate it starts with and the one it ends with."""
        first, last = self.max_lr / self.div_factor, self.total_steps - 1
        least, turn = first / self.final_div_factor, self.pct_start * self.total_steps - 1
        if self.three_phase:
            back = 2 * turn
            return [
                (turn, first, self.max_lr), (back, self.max_lr, first), (last, first, least),
            ]  # fmt: skip
        return [(turn, first, self.max_lr), (last, self.max_lr, least)]

    def at(self, step: Any) -> Any:
        phases = self.phases()
        starts = [0.0, *(end for end, _, _ in phases)]
        rows = [(begin, *phase) for begin, phase in zip(starts, phases, strict=False)]
        rate = self._within(step, *rows[-1])
        for row in reversed(rows[:-1]):
            rate = where(step <= row[1], self._within(step, *row), rate)
        return rate

    def _within(self, step: Any, begin: float, end: float, low: Any, high: Any) -> Any:
        """The rate at `step` of a phase; a phase without length is at its end."""
        done = minimum(maximum((step - begin) / (end - begin), 0.0), 1.0) if end > begin else 1.0
        if self.anneal_strategy == "linear":
            return (high - low) * done + low
        return high + (low - high) * 0.5 * (1 + cos(pi * done))
