"""From words to what trains: optimisers, schedules and clipping by name, with their options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import optim
from ..graph.errors import ChainruleError
from ..optim import schedules
from .phrases import accepted, options_of, phrase
from .values import Unfit, unknown


@dataclass(frozen=True)
class Rule:
    """An optimiser: how it is made, the rate it begins with, and options it has by default."""

    made: Callable[..., Any]
    lr: float
    options: tuple[tuple[str, Any], ...] = ()


OPTIMIZERS = {
    "adam": Rule(optim.Adam, 1e-3),
    "adamw": Rule(optim.AdamW, 1e-3),
    "nadam": Rule(optim.NAdam, 1e-3),
    "radam": Rule(optim.RAdam, 1e-3),
    "lion": Rule(optim.Lion, 1e-4),
    "sgd": Rule(optim.SGD, 0.05, (("momentum", 0.9),)),
    "rmsprop": Rule(optim.RMSProp, 1e-3),
    "adagrad": Rule(optim.Adagrad, 0.02),
    "lbfgs": Rule(optim.LBFGS, 1.0, (("line_search", "strong_wolfe"),)),
}

# Schedule → the function, and how the rate and the number of steps are told to it.
Filled = Callable[[float, int], dict[str, Any]]
SCHEDULES: dict[str, tuple[Callable[..., Any], Filled]] = {
    "constant": (schedules.constant, lambda lr, n: {"lr": lr}),
    "step": (schedules.step, lambda lr, n: {"lr": lr, "step_size": max(1, n // 3)}),
    "exponential": (schedules.exponential, lambda lr, n: {"lr": lr, "gamma": 0.01 ** (1 / n)}),
    "cosine": (schedules.cosine, lambda lr, n: {"lr": lr, "steps": n}),
    "one_cycle": (schedules.one_cycle, lambda lr, n: {"max_lr": lr, "total_steps": n}),
    "plateau": (optim.reduce_on_plateau, lambda lr, n: {}),
}
RATES = ("lr", "max_lr")  # what --lr says


def optimizer(text: str, lr: float | None, schedule: str | None, steps: int, epoch: int) -> Any:
    """The optimiser of these words, for a run of so many steps, `epoch` of them an epoch.

    >>> optimizer("sgd nesterov", 0.1, "cosine warmup=10", 100, 10).lr
    cosine(lr=0.1, steps=100, warmup=10, start=0.0, end=0.0)
    """
    asked = phrase(text)
    if asked.name not in OPTIMIZERS:
        raise Unfit(unknown(asked.name, OPTIMIZERS))
    rule = OPTIMIZERS[asked.name]
    known = accepted(rule.made, RATES)
    if "lr" in asked.options:
        raise Unfit(f"the rate has a setting of its own: lr = {asked.options['lr']}")
    options = {**dict(rule.options), **options_of(asked, known)}
    made = scheduled(schedule, lr or rule.lr, steps, epoch) if schedule else lr or rule.lr
    if isinstance(made, optim.Transform):
        return optim.chain(_called(rule.made, lr=lr or rule.lr, **options), made)
    return _called(rule.made, lr=made, **options)


def scheduled(text: str, lr: float, steps: int, epoch: int) -> Any:
    """The schedule of these words; of `plateau` the transform that shrinks the steps."""
    asked = phrase(text)
    if asked.name not in SCHEDULES:
        raise Unfit(unknown(asked.name, SCHEDULES))
    made, filled = SCHEDULES[asked.name]
    known = accepted(made, RATES)
    options = {**filled(lr, steps), **options_of(asked, known)}
    if asked.name == "plateau":
        options.setdefault("every", epoch)
    return _called(made, **options)


def _called(made: Callable[..., Any], **options: Any) -> Any:
    try:
        return made(**options)
    except ChainruleError as error:
        raise Unfit(str(error).partition("\n  made at")[0]) from None
    except (TypeError, ValueError):
        raise Unfit(f"an option of {made.__name__} is of the wrong kind") from None


def clip(text: str) -> float | tuple[float, float]:
    """Bounds for gradients: the largest norm, or the lowest and highest value.

    >>> clip("norm 1"), clip("value 5"), clip("value -1 2")
    (1.0, (-5.0, 5.0), (-1.0, 2.0))
    """
    asked = phrase(text)
    numbers = [float(v) for v in asked.bare if isinstance(v, (int, float)) and v is not True]
    if asked.options or len(numbers) != len(asked.bare) or asked.name not in ("norm", "value"):
        near = unknown(asked.name, ("norm", "value")) if not asked.name[0].isdigit() else ""
        raise Unfit(f'write "norm 1" or "value 5"{near and "; "}{near}')
    if asked.name == "norm" and len(numbers) == 1 and numbers[0] > 0:
        return numbers[0]
    if asked.name == "value" and len(numbers) == 1 and numbers[0] > 0:
        return -numbers[0], numbers[0]
    if asked.name == "value" and len(numbers) == 2 and numbers[0] < numbers[1]:
        return numbers[0], numbers[1]
    raise Unfit('the bound is a number above 0: "norm 1", "value 5", "value -1 2"')
