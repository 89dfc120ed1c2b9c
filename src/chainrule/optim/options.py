"""The options of optimisers and schedules, checked before anything is computed."""

from __future__ import annotations

import inspect
from typing import Any

from ..graph.errors import UsageError
from ..graph.operators import Operators
from .transform import Transform

WHOLE, COUNT = "be a whole number, 1 or more", "be a whole number, 0 or more"
POSITIVE, RATE = "be a number above 0", "be a number, 0 or more"
SHARE, PART = "lie in [0, 1)", "lie in [0, 1]"
LR = "be a number, 0 or more, or a schedule: a function of the step"

FITS = {
    WHOLE: lambda x: not isinstance(x, bool) and x >= 1 and x == int(x),
    COUNT: lambda x: not isinstance(x, bool) and x >= 0 and x == int(x),
    POSITIVE: lambda x: 0 < x < float("inf"),
    RATE: lambda x: 0 <= x < float("inf"),
    SHARE: lambda x: 0 <= x < 1,
    PART: lambda x: 0 <= x <= 1,
    LR: lambda x: 0 <= x < float("inf"),
}


def check(name: str, wanted: str, **options: Any) -> None:
    """Refuse options that are not what is `wanted`: a key of FITS.

    What is traced has no number yet and passes.
    """
    for key, value in options.items():
        try:
            fits = _traced(value) or bool(FITS[wanted](value))
        except (TypeError, ValueError, OverflowError):
            fits = False
        if not fits:
            raise UsageError(f"{name}({key}={value!r}): must {wanted}")


def _traced(value: Any) -> bool:
    return isinstance(value, Operators) and not hasattr(value, "item")


def check_rate(name: str, lr: Any) -> None:
    """Refuse a learning rate that is neither a number from 0 on nor a function of the step."""
    if isinstance(lr, type):
        raise UsageError(f"{name}(lr={lr.__name__}): a class; call it, to make a schedule")
    if isinstance(lr, Transform):
        raise UsageError(
            f"{name}(lr={lr!r}): this works on updates, it is no schedule; write "
            f"optim.chain({name}(...), {lr!r})"
        )
    if not callable(lr):
        check(name, LR, lr=lr)
    elif not _takes_one(lr):
        raise UsageError(f"{name}(lr={lr!r}): a schedule is a function of one thing, the step")


def _takes_one(f: Any) -> bool:
    try:
        inspect.signature(f).bind(0)
    except TypeError:
        return False
    except ValueError:  # built-in functions may have no signature
        return True
    return True


def check_betas(name: str, betas: Any) -> tuple:
    """Two shares in [0, 1), as a tuple."""
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise UsageError(f"{name}(betas={betas!r}): give two numbers")
    check(name, SHARE, beta1=betas[0], beta2=betas[1])
    return tuple(betas)


def check_optimizer(name: str, given: Any) -> Any:
    """`given`, if it is an (init, update) pair; otherwise the error that says what it is."""
    if isinstance(given, type):
        raise UsageError(f"{name}: {given.__name__} is a class; write {given.__name__}()")
    if not hasattr(given, "init") or not hasattr(given, "update"):
        raise UsageError(f"{name}: {given!r} has no init and update; give optimisers and clippings")
    if getattr(given, "full_batch", False):
        raise UsageError(
            f"{name}: {given!r} searches along the loss of all parameters itself, and cannot be "
            f"part of something else"
        )
    return given
